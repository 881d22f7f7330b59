// SPDX-License-Identifier: Apache-2.0

/** Reading messages: bytes that may have come from anywhere. */

import { checkBytes, checkOptions } from '../core/check.js';
import { ShapeError, ValueError } from '../core/errors.js';
import { withBuffers } from '../core/memory.js';
import { callTraining, uploadTrainingBytes } from '../core/training.js';
import { describeLayout, listLayout, namesOf, takeTensors } from './tensors.js';

/**
 * @typedef {import('../../../dist/lowtropy-training.js').MethodName} MethodName
 * @typedef {import('../../../dist/lowtropy-training.js').NativeReader} NativeReader
 * @typedef {import('../../../dist/lowtropy-training.js').NativeTensorUpdate} NativeTensorUpdate
 * @typedef {import('./tensors.js').Layout} Layout
 * @typedef {import('./tensors.js').Tensors} Tensors
 *
 * @typedef {object} TensorUpdate one tensor of a message
 * @property {number} length elements of the tensor
 * @property {Uint32Array} [indices] those that were sent, rising; missing where all were
 * @property {number} [value] what to add to each of them, or
 * @property {Float32Array} [values] what to add to each
 *
 * @typedef {object} Message
 * @property {number} version
 * @property {MethodName} method
 * @property {number} sender
 * @property {number} round
 * @property {Record<string, TensorUpdate>} tensors by name; by number where the names are unknown
 *
 * @typedef {object} ReadOptions
 * @property {number} [round] refuse messages of another
 */

/**
 * Decodes a message. Messages do not hold the names of their tensors, only a number that stands for
 * them: without `layout` the names are known if this program has made a Compressor of them, and
 * otherwise the tensors are called "0", "1" and so on.
 *
 * @param {Uint8Array} bytes
 * @param {Layout} [layout] the tensors that it must speak of
 * @param {ReadOptions} [options]
 * @returns {Message}
 * @throws {FileError} with a sentence, for what is not a message
 * @throws {ShapeError} for a message about other tensors than `layout`
 * @throws {ValueError} for one of another round
 */
export function decodeMessage(bytes, layout, options = {}) {
  return readMessage(bytes, options, (reader) => {
    const { layout: id, ...head } = reader.head();
    const count = reader.count();
    const names = layout ? namesIn(layout, reader) : namesOf(id, count);
    const updates = Array.from({ length: count }, (_, i) => {
      const update = copyUpdate(callTraining(() => reader.tensor(i)));
      return /** @type {const} */ ([names?.[i] ?? String(i), update]);
    });
    return { ...head, tensors: Object.fromEntries(updates) };
  });
}

/**
 * All checks of `decodeMessage`, without copying what the message sends.
 *
 * @param {Uint8Array} bytes
 * @param {Layout} layout the tensors that it must speak of
 * @returns {Pick<Message, 'method' | 'sender' | 'round'>}
 * @throws {FileError | ShapeError} as `decodeMessage`
 */
export function checkMessage(bytes, layout) {
  return readMessage(bytes, {}, (reader) => {
    namesIn(layout, reader);
    return reader.head();
  });
}

/**
 * Adds `scale` times a message to the tensors, touching only what was sent. In float32, as the
 * WebAssembly does it: equal messages in equal order give bit-identical weights everywhere.
 *
 * @param {Uint8Array} bytes
 * @param {Tensors} tensors changed in place; just those that the message speaks of, in any order
 * @param {number} [scale]
 * @param {ReadOptions} [options]
 * @throws {FileError | ShapeError | ValueError} as `decodeMessage`, and then nothing is changed
 */
export function applyMessage(bytes, tensors, scale = 1, options = {}) {
  if (!Number.isFinite(scale)) throw new ValueError('The scale must be a finite number.');
  readMessage(bytes, options, (reader) => {
    const { list, views } = takeTensors(tensors);
    if (list.length === 0) throw new ShapeError('There are no tensors to apply the message to.');
    callTraining(() => reader.checkLayout(list));
    const { names } = describeLayout(list);
    names.forEach((name, i) => {
      addUpdate(reader.tensor(i), scale, /** @type {Float32Array} */ (views.get(name)));
    });
  });
}

/**
 * @param {Layout} layout
 * @param {NativeReader} reader
 * @returns {string[]} the names in the order of messages
 * @throws {ShapeError} unless the message is about these tensors
 */
function namesIn(layout, reader) {
  const tensors = listLayout(layout);
  callTraining(() => reader.checkLayout(tensors));
  return describeLayout(tensors).names;
}

/**
 * @template T
 * @param {Uint8Array} bytes
 * @param {ReadOptions} options
 * @param {(reader: NativeReader) => T} work
 * @returns {T}
 */
function readMessage(bytes, options, work) {
  const { round } = checkOptions(options, 'Reading a message', ['round']);
  const message = checkBytes(bytes, 'A message');
  const reader = callTraining((native) => native.makeReader());
  try {
    const buffer = uploadTrainingBytes(message);
    withBuffers([buffer], () => callTraining(() => reader.decode(buffer)));
    const { round: found } = reader.head();
    if (round !== undefined && round !== found) {
      throw new ValueError(`The message is of round ${found}, and this is round ${round}.`);
    }
    return work(reader);
  } finally {
    reader.delete();
  }
}

/**
 * @param {NativeTensorUpdate} update of views
 * @returns {TensorUpdate}
 */
function copyUpdate({ length, indices, value, values }) {
  return {
    length,
    ...(indices && { indices: indices.slice() }),
    ...(values ? { values: values.slice() } : { value }),
  };
}

/**
 * @param {NativeTensorUpdate} update of views
 * @param {number} scale
 * @param {Float32Array} tensor
 */
function addUpdate({ indices, value, values }, scale, tensor) {
  const factor = Math.fround(scale);
  if (!values) {
    addValue(/** @type {Uint32Array} */ (indices), Math.fround(factor * Number(value)), tensor);
  } else if (indices) {
    indices.forEach((index, i) => {
      tensor[index] += Math.fround(factor * values[i]);
    });
  } else {
    values.forEach((each, i) => {
      tensor[i] += Math.fround(factor * each);
    });
  }
}

/**
 * A function by itself, which engines compile for speed after a few tensors.
 *
 * @param {Uint32Array} indices
 * @param {number} step
 * @param {Float32Array} tensor
 */
function addValue(indices, step, tensor) {
  for (let i = 0; i < indices.length; ++i) tensor[indices[i]] += step;
}
