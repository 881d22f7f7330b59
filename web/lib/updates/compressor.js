// SPDX-License-Identifier: Apache-2.0

import { METHODS, METHOD_DEFAULTS } from '../../../dist/lowtropy-training.methods.js';
import { MemoryError, ShapeError, ValueError } from '../core/errors.js';
import { Handle } from '../core/handle.js';
import { withBuffers } from '../core/memory.js';
import { callTraining, uploadTrainingBytes } from '../core/training.js';
import { checkBytes, checkFloat, checkInteger, checkOptions as checkKnown } from '../core/check.js';
import { plainView, typedArrayLength, typedArrayName } from '../core/tags.js';
import { listLayout, rememberNames } from './tensors.js';

/**
 * @typedef {import('../../../dist/lowtropy-training.js').MethodName} MethodName
 * @typedef {import('../../../dist/lowtropy-training.js').MethodOptions} CompressorOptions
 * @typedef {import('../../../dist/lowtropy-training.js').NativeCompressor} NativeCompressor
 * @typedef {import('../../../dist/lowtropy-training.js').NamedSize} NamedSize
 * @typedef {import('./tensors.js').Layout} Layout
 * @typedef {import('./tensors.js').Tensors} Tensors
 *
 * @typedef {object} Origin
 * @property {number} [round] whole, from 0 to 2^32 - 1; default 0
 * @property {number} [sender] the same
 */

/** How updates can be compressed. @type {readonly MethodName[]} */
export const COMPRESSORS = METHODS;

/**
 * Compresses updates to messages, and keeps what it did not send for the next one. `await
 * initTraining()` first.
 *
 * @extends {Handle<NativeCompressor>}
 */
export class Compressor extends Handle {
  static {
    Object.defineProperty(this, 'name', { value: 'Compressor' });
  }

  /** @type {(NamedSize & { offset: number })[]} */
  #tensors;

  /**
   * @param {MethodName | NativeCompressor} name or, for this library's own use, one that is there
   * @param {CompressorOptions} [options]
   * @param {Layout} [layout] the number of elements of each tensor, by name
   * @throws {ValueError} for an unknown name or option, and for one that the method cannot use
   * @throws {ShapeError} for sizes that are not from 1 to 2^32 - 1
   */
  constructor(name, options = {}, layout = {}) {
    super(typeof name === 'object' ? name : makeCompressor(name, options, layout));
    const { native } = this;
    this.#tensors = callTraining(() => native.tensors());
    rememberNames(
      this.native.layoutId(),
      this.#tensors.map((tensor) => tensor.name),
    );
  }

  /**
   * Takes memory in proportion to the bytes, whatever sizes they name.
   *
   * @param {Uint8Array} bytes of `save`
   * @returns {Compressor}
   * @throws {FileError} with a sentence, for anything else
   */
  static restore(bytes) {
    const buffer = uploadTrainingBytes(checkBytes(bytes, 'A saved state'));
    return withBuffers(
      [buffer],
      () => new Compressor(callTraining((native) => native.restoreCompressor(buffer))),
    );
  }

  /** @returns {MethodName} */
  get method() {
    return this.native.method();
  }

  /** @returns {Layout} in the order of messages */
  get layout() {
    return Object.fromEntries(this.#tensors.map(({ name, size }) => [name, size]));
  }

  /**
   * Compresses an update: what a worker's weights moved by since the last one.
   *
   * @param {Tensors} tensors just those of the layout; finite
   * @param {Origin} [origin]
   * @returns {Uint8Array<ArrayBuffer>} the message
   * @throws {ValueError} for NaN and infinities, naming tensor and position
   * @throws {ShapeError} for other names or lengths than the layout's; either way the state is as
   *   it was
   */
  encode(tensors, origin = {}) {
    const { sender, round } = checkOrigin(origin, 'Compressor.encode');
    const values = this.#take(tensors);
    const { native } = this;
    const input = callTraining(() => native.input());
    this.#tensors.forEach(({ offset }, i) => input.set(values[i], offset));
    return callTraining(() => native.encode(sender, round));
  }

  /**
   * Puts the content of the last message back into the residual, because it got lost. Does nothing
   * for methods that keep no residual, nor the second time.
   *
   * @throws {ValueError} where the residual would become infinite, at the end of float32's range;
   *   then the state is as it was
   */
  takeBack() {
    const { native } = this;
    callTraining(() => native.takeBack());
  }

  /**
   * What was not sent yet of a tensor.
   *
   * @param {string} name
   * @returns {Float32Array<ArrayBuffer>} zeros for methods that keep nothing
   * @throws {ValueError} for an unknown name
   * @throws {MemoryError}
   */
  residual(name) {
    const tensor = this.#tensors.find((each) => each.name === name);
    if (!tensor) throw new ValueError(`There is no tensor "${name}".`);
    const all = this.native.residual();
    const { size, offset } = tensor;
    try {
      const residual = new Float32Array(size);
      if (all.length > 0) residual.set(all.subarray(offset, offset + size));
      return residual;
    } catch {
      throw new MemoryError(`Out of memory: ${4 * size} bytes were needed in one piece.`);
    }
  }

  /**
   * @returns {Uint8Array<ArrayBuffer>} the whole state, for `Compressor.restore`: what it does
   *   afterwards, `takeBack` included, is what this one would do
   */
  save() {
    const { native } = this;
    return callTraining(() => native.save());
  }

  /**
   * @param {Tensors} tensors
   * @returns {Float32Array[]} views of them in the order of the layout, each read once
   */
  #take(tensors) {
    if (typeof tensors !== 'object' || tensors === null) {
      throw new ValueError('An update must be an object of Float32Arrays by name.');
    }
    const views = this.#tensors.map(({ name, size }) => {
      const values = tensors[name];
      if (typedArrayName(values) !== 'Float32Array') {
        throw new ShapeError(`The update has no Float32Array called "${name}".`);
      }
      const length = typedArrayLength(values);
      if (length !== size) {
        throw new ShapeError(`Tensor "${name}" must have ${size} elements, not ${length}.`);
      }
      return plainView(values, Float32Array);
    });
    const unknown = Object.keys(tensors).find(
      (name) => !this.#tensors.some((tensor) => tensor.name === name),
    );
    if (unknown !== undefined) {
      throw new ShapeError(`The layout has no tensor "${unknown}", which the update has.`);
    }
    return views;
  }
}

/**
 * @param {string} name
 * @param {CompressorOptions} options
 * @param {Layout} layout
 */
function makeCompressor(name, options, layout) {
  checkOptions(name, options);
  const tensors = listLayout(layout);
  return callTraining((native) => native.makeCompressor(name, options, tensors));
}

/**
 * @param {string} name
 * @param {CompressorOptions} options
 * @throws {ValueError}
 */
export function checkOptions(name, options) {
  if (!COMPRESSORS.some((known) => known === name)) {
    const known = `${COMPRESSORS.slice(0, -1).join(', ')} and ${COMPRESSORS.at(-1)}`;
    throw new ValueError(`There is no compressor "${String(name)}"; there are ${known}.`);
  }
  if (typeof options !== 'object' || options === null) {
    throw new ValueError(`The options must be an object, not ${String(options)}.`);
  }
  for (const [option, value] of Object.entries(options)) {
    if (!Object.hasOwn(METHOD_DEFAULTS, option)) {
      const known = Object.keys(METHOD_DEFAULTS).join(', ');
      throw new ValueError(`Compressors have no option "${option}"; there are ${known}.`);
    }
    if (value === undefined) continue;
    const type = typeof METHOD_DEFAULTS[option];
    if (typeof value !== type || (type === 'number' && !Number.isFinite(value))) {
      throw new ValueError(`The option "${option}" must be a ${type}, not ${String(value)}.`);
    }
    if (/^(denseBelow|levels|bucket|seed)$/.test(option)) {
      checkInteger(value, `The option "${option}"`, 0, 2 ** 32 - 1);
    } else if (type === 'number' && option !== 'sparsity') {
      // What is too small or too large otherwise, each method says.
      checkFloat(value, `The option "${option}"`, 'that is finite', () => true);
    }
  }
}

/**
 * @param {Origin} origin
 * @param {string} what the function that it is for
 * @returns {Required<Origin>}
 * @throws {ValueError}
 */
export function checkOrigin(origin, what) {
  const { round = 0, sender = 0 } = checkKnown(origin, what, ['round', 'sender']);
  checkInteger(sender, 'The sender', 0, 2 ** 32 - 1);
  checkInteger(round, 'The round', 0, 2 ** 32 - 1);
  return { round, sender };
}
