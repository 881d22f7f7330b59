// SPDX-License-Identifier: Apache-2.0

/** Reading messages: bytes that may have come from anywhere. */

import { checkBytes, checkFloat, checkOptions } from '../core/check.js';
import { ShapeError, ValueError } from '../core/errors.js';
import { withBuffers } from '../core/memory.js';
import { callTraining, uploadTrainingBytes } from '../core/training.js';
import { describeLayout, listLayout, namesOf, takeTensors } from './tensors.js';

/**
 * @typedef {import('../../../dist/lowtropy-training.js').MethodName} MethodName
 * @typedef {import('../../../dist/lowtropy-training.js').NativeReader} NativeReader
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
 * otherwise the tensors are called "0", "1" and so on. A message is about at most 65,536 tensors;
 * beside some hundred bytes for each of them, what comes out takes at most 64 times the bytes of the
 * message: a sign in a bit becomes a float, a position in a bit a number of 32.
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
    const { layout: id, ...head } = callTraining(() => reader.head());
    const given = layout && namesIn(layout, reader);
    const updates = readUpdates(reader);
    const names = given ?? namesOf(id, updates.length);
    const tensors = updates.map((update, i) => [names?.[i] ?? String(i), copyUpdate(update)]);
    return { ...head, tensors: Object.fromEntries(tensors) };
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
    return callTraining(() => reader.head());
  });
}

/**
 * Adds `scale` times a message to the tensors, touching only what was sent. In float32, as the
 * WebAssembly does it: equal messages in equal order give bit-identical weights everywhere.
 *
 * @param {Uint8Array} bytes
 * @param {Tensors} tensors changed in place; just those that the message speaks of, in any order
 * @param {number} [scale] finite, as float32 too
 * @param {ReadOptions} [options]
 * @throws {FileError | ShapeError | ValueError} as `decodeMessage`; ValueError also for a scale that
 *   cannot be, and where an element would become NaN or infinite; whatever is thrown, no tensor is
 *   changed
 */
export function applyMessage(bytes, tensors, scale = 1, options = {}) {
  checkFloat(scale, 'The scale', 'that is finite', () => true);
  readMessage(bytes, options, (reader) => {
    const { list, views } = takeTensors(tensors);
    if (list.length === 0) throw new ShapeError('There are no tensors to apply the message to.');
    callTraining(() => reader.checkLayout(list));
    const { names } = describeLayout(list);
    const updates = readUpdates(reader);
    const factor = Math.fround(scale);
    const targets = names.map((name) => /** @type {Float32Array} */ (views.get(name)));
    names.forEach((name, i) => checkSums(updates[i], factor, name, targets[i]));
    names.forEach((_, i) => addUpdate(updates[i], factor, targets[i]));
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
    const { round: found } = callTraining(() => reader.head());
    if (round !== undefined && round !== found) {
      throw new ValueError(`The message is of round ${found}, and this is round ${round}.`);
    }
    return work(reader);
  } finally {
    reader.delete();
  }
}

/** What `NativeReader.table` has of each tensor. */
const COLUMNS = 6;

/**
 * @param {NativeReader} reader
 * @returns {TensorUpdate[]} of views, to be used at once
 */
function readUpdates(reader) {
  const table = callTraining(() => reader.table());
  const positions = reader.positions();
  const values = reader.values();
  return Array.from({ length: table.length / COLUMNS }, (_, i) => {
    const row = table.subarray(COLUMNS * i, COLUMNS * (i + 1));
    const [length, positionsAt, positionCount, valuesAt, valueCount, value] = row;
    return {
      length,
      ...(positionsAt >= 0 && {
        indices: positions.subarray(positionsAt, positionsAt + positionCount),
      }),
      ...(valuesAt >= 0 ? { values: values.subarray(valuesAt, valuesAt + valueCount) } : { value }),
    };
  });
}

/**
 * @param {TensorUpdate} update of views
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
 * @param {TensorUpdate} update
 * @param {number} factor as float32
 * @param {string} name
 * @param {Float32Array} tensor
 * @throws {ValueError} if an element would not be finite
 */
function checkSums(update, factor, name, tensor) {
  const at = findNotFinite(update, factor, tensor);
  if (at === undefined) return;
  throw new ValueError(
    `The message was not applied, as with the scale ${factor} it would have made element ${at} of ` +
      `tensor "${name}" NaN or infinite.`,
  );
}

/**
 * @param {TensorUpdate} update
 * @param {number} factor as float32
 * @param {Float32Array} tensor
 * @returns {number | undefined} the first element that would not be finite
 */
function findNotFinite({ indices, value, values }, factor, tensor) {
  const count = (indices ?? tensor).length;
  const step = Math.fround(factor * Number(value));
  for (let i = 0; i < count; ++i) {
    const at = indices ? indices[i] : i;
    const sum = Math.fround(tensor[at] + (values ? Math.fround(factor * values[i]) : step));
    if (sum - sum !== 0) return at;
  }
  return undefined;
}

/**
 * @param {TensorUpdate} update
 * @param {number} factor as float32
 * @param {Float32Array} tensor
 */
function addUpdate({ indices, value, values }, factor, tensor) {
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
