// SPDX-License-Identifier: Apache-2.0

/**
 * The values that a run takes and gives: their types, shapes and names, and tensors, which are checked
 * before the module sees them.
 */

import { ShapeError, ValueError } from '../core/errors.js';
import { takeFloats } from '../core/memory.js';
import { describe, plainView, typedArrayName } from '../core/tags.js';

/**
 * @typedef {import('../../../dist/lowtropy.js').ElementType} ElementType
 * @typedef {import('../../../dist/lowtropy.js').NativeModel} NativeModel
 * @typedef {import('../core/memory.js').Floats} Floats
 *
 * @typedef {Float32Array | Int32Array | Uint8Array} Elements of float32, int32 and bool
 * @typedef {Floats | Int32Array | BigInt64Array | Uint8Array} GivenElements
 *
 * @typedef {object} InputInfo
 * @property {string} name
 * @property {ElementType} type
 * @property {Array<number | string>} shape a name stands for any size, the same wherever it occurs
 * @property {number[]} usualShape with the sizes that the network was made for
 *
 * @typedef {object} OutputInfo
 * @property {string} name
 * @property {ElementType} type
 * @property {number[]} shape of inputs of their usual shapes; what a run counts, as boxes that are found, is
 *   as many here as there could be
 *
 * @typedef {object} GivenTensor what `run` takes by an input's name
 * @property {ArrayLike<number> | ArrayLike<bigint> | ArrayLike<boolean>} data row-major
 * @property {readonly number[]} [shape] by default the usual one; where just one dimension is open, as
 *   the data need it
 *
 * @typedef {object} NamedTensor what `run` gives by an output's name
 * @property {ElementType} type
 * @property {Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>} data
 * @property {number[]} shape
 *
 * @typedef {object} Feed all inputs of one run
 * @property {number[]} dims of all inputs, one after the other
 * @property {GivenElements[]} values
 */

/**
 * @param {NativeModel} native with its usual shapes
 * @returns {InputInfo[]}
 */
export function describeInputs(native) {
  return native.inputs().map(({ name, type, shape, symbols }) => ({
    name,
    type,
    shape: shape.map((size, axis) => symbols[axis] || size),
    usualShape: shape,
  }));
}

/**
 * Whether it is what the other form of `run` takes: values alone, of the one input.
 *
 * @param {unknown} input
 */
export function isValues(input) {
  return Array.isArray(input) || typedArrayName(input) !== undefined;
}

/**
 * @param {InputInfo[]} inputs
 * @param {unknown} given tensors by name
 * @returns {Feed}
 * @throws {ValueError | ShapeError} for names that there are not or that are missing, and for what
 *   does not fit the input
 */
export function takeFeed(inputs, given) {
  const names = inputs.map(({ name }) => `"${name}"`).join(', ');
  if (typeof given !== 'object' || given === null) {
    throw new ValueError(
      `The input must be a Float32Array, an array of numbers, or an object of the inputs ${names}, ` +
        `not ${describe(given)}.`,
    );
  }
  const unknown = Object.keys(given).find((key) => inputs.every(({ name }) => name !== key));
  if (unknown !== undefined) {
    throw new ValueError(`The network has no input "${unknown}"; its inputs are ${names}.`);
  }
  /** @type {Feed} */
  const feed = { dims: [], values: [] };
  for (const input of inputs) {
    if (!Object.hasOwn(given, input.name)) {
      throw new ValueError(`The input "${input.name}" is missing; the inputs are ${names}.`);
    }
    const tensor = /** @type {Record<string, unknown>} */ (given)[input.name];
    const { values, shape } = takeTensor(input, tensor);
    feed.values.push(values);
    feed.dims.push(...shape);
  }
  return feed;
}

/**
 * @param {InputInfo} input
 * @param {unknown} tensor
 * @returns {{ values: GivenElements, shape: number[] }}
 * @throws {ValueError | ShapeError} for what does not fit the input; names it
 */
export function takeTensor(input, tensor) {
  const what = `The input "${input.name}"`;
  const bare = isValues(tensor);
  if (!bare && (typeof tensor !== 'object' || tensor === null || !('data' in tensor))) {
    throw new ValueError(`${what} must be values or { data, shape }, not ${describe(tensor)}.`);
  }
  const { data, shape } = bare
    ? { data: tensor, shape: undefined }
    : /** @type {{ data: unknown, shape?: unknown }} */ (tensor);
  /** @type {number[]} */
  let dims = [];
  const values = takeElements(input.type, data, what, (length) => {
    dims = shape === undefined ? shapeOf(input, length) : takeShape(shape, what);
    const size = dims.reduce((product, dim) => product * dim, 1);
    if (size === length) return;
    throw new ShapeError(`${what} of ${dims.join('×') || '1'} has ${size} values, not ${length}.`);
  });
  return { values, shape: dims };
}

/**
 * The usual shape, or with its one open dimension as so many values need it.
 *
 * @param {InputInfo} input
 * @param {number} length
 */
function shapeOf({ shape, usualShape }, length) {
  const open = shape.filter((dim) => typeof dim === 'string').length;
  if (open !== 1) return usualShape;
  const axis = shape.findIndex((dim) => typeof dim === 'string');
  const rest = usualShape.reduce((product, dim, at) => (at === axis ? product : product * dim), 1);
  if (length % rest !== 0 || length === 0) return usualShape;
  return usualShape.map((dim, at) => (at === axis ? length / rest : dim));
}

/**
 * @param {unknown} shape
 * @param {string} what
 * @returns {number[]}
 */
function takeShape(shape, what) {
  const dims = Array.isArray(shape) ? [...shape] : undefined;
  const fits = dims?.every((dim) => Number.isInteger(dim) && dim >= 0 && dim < 2 ** 32);
  if (dims && fits && dims.length <= 8) return dims;
  throw new ShapeError(
    `${what}: a shape is an array of up to 8 whole numbers, not ` +
      `${dims ? `[${dims.slice(0, 9)}]` : describe(shape)}.`,
  );
}

/**
 * @param {ElementType} type
 * @param {unknown} data
 * @param {string} what
 * @param {(length: number) => void} check before memory is taken
 * @returns {GivenElements}
 */
function takeElements(type, data, what, check) {
  if (type === 'float32') return takeFloats(data, what, check);
  if (type === 'int32') return takeIntegers(data, what, check);
  const name = typedArrayName(data);
  if (name === 'Uint8Array') {
    const view = plainView(data, Uint8Array);
    check(view.length);
    return view.map((value) => (value === 0 ? 0 : 1));
  }
  if (Array.isArray(data)) {
    check(data.length);
    return Uint8Array.from(data, (value, at) => {
      if (typeof value === 'boolean' || value === 0 || value === 1) return Number(value);
      throw new ValueError(`${what} must hold booleans; there is ${describe(value)} at ${at}.`);
    });
  }
  throw new ValueError(
    `${what} must be a Uint8Array or an array of booleans, not ${describe(data)}.`,
  );
}

/**
 * Those of 64 bits must fit into 32.
 *
 * @param {unknown} data
 * @param {string} what
 * @param {(length: number) => void} check
 * @returns {Int32Array}
 */
function takeIntegers(data, what, check) {
  const name = typedArrayName(data);
  if (name === 'Int32Array') {
    const view = plainView(data, Int32Array);
    check(view.length);
    return view;
  }
  if (name === 'BigInt64Array' || Array.isArray(data)) {
    const values = /** @type {ArrayLike<unknown>} */ (data);
    check(values.length);
    return Int32Array.from(values, (value, at) => {
      const number = typeof value === 'bigint' ? Number(value) : /** @type {number} */ (value);
      if (number === (number | 0)) {
        return number;
      }
      const found = typeof value === 'bigint' ? `${value}n` : describe(value);
      throw new ValueError(
        `${what} must hold whole numbers from ${-(2 ** 31)} to ${2 ** 31 - 1}; ` +
          `there is ${found} at ${at}.`,
      );
    });
  }
  throw new ValueError(
    `${what} must be an Int32Array, a BigInt64Array or an array of whole numbers, not ${describe(data)}.`,
  );
}
