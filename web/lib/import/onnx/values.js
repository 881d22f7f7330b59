// SPDX-License-Identifier: Apache-2.0

/**
 * Values of an ONNX graph while it becomes one of ours: what is known of each before a run.
 */

import { UnsupportedError } from '../../core/errors.js';

/**
 * @typedef {import('../../../../dist/lowtropy.js').ElementType} ElementType
 * @typedef {import('../../model/values.js').Elements} Elements
 * @typedef {import('../../core/weights.js').Weights} Weights
 *
 * @typedef {object} Value
 * @property {ElementType} type int64 and other integers are int32 here, other floats float32
 * @property {number[]} shape
 * @property {string} [element] what its elements are in the file, as "uint8", where that is known
 * @property {string} [name] in our graph, once it is there
 * @property {Constant} [constant] where it is the same in all runs
 * @property {Rows} [rows] where a run tells how many there are
 *
 * @typedef {object} Rows those that there are come first, see operators/counted-rows.js
 * @property {number} axis
 * @property {Value} count
 */

/** What is known at import. Its elements are made when they are asked for, and not kept. */
export class Constant {
  #make;

  /**
   * @param {ElementType} type
   * @param {number[]} shape
   * @param {() => Elements} make row-major
   * @param {{ element?: string, quantized?: Quantized, codes?: () => Codes }} [origin] element: as of a
   *   Value; quantized: what it was before it became float32; codes: the elements of a tensor of integers
   *   as they lie in the file
   */
  constructor(type, shape, make, { element, quantized, codes } = {}) {
    this.type = type;
    this.shape = shape;
    this.#make = make;
    this.element = element;
    this.quantized = quantized;
    this.codes = codes;
  }

  /** @returns {Elements} row-major */
  get elements() {
    return this.#make();
  }

  /**
   * The same elements in another shape. Scales that differ along its first axis stay if that does.
   *
   * @param {number[]} shape
   */
  withShape(shape) {
    const { element, quantized, codes } = this;
    const isKept =
      quantized &&
      (quantized.scales.length === 1 ||
        (quantized.axis === 0 && quantized.block === 0 && shape[0] === this.shape[0]));
    const origin = { element, codes, ...(isKept && { quantized }) };
    return new Constant(this.type, shape, this.#make, origin);
  }

  /**
   * Its axes in another order.
   *
   * @param {readonly number[]} axes axis i of the result is axes[i] of this
   */
  withAxes(axes) {
    const { type, shape, element, quantized, codes } = this;
    const dims = axes.map((axis) => shape[axis]);
    const make = () => transposed(this.#make(), shape, axes);
    return new Constant(type, dims, make, {
      element,
      quantized: quantized && quantizedWithAxes(quantized, shape, axes),
      codes: codes && (() => transposed(codes(), shape, axes)),
    });
  }

  /** How many elements it has. */
  get size() {
    return sizeOf(this.shape);
  }
}

/**
 * @typedef {Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array} Codes
 *
 * Integers that stand for scale · (integer − zero point), as the file has them.
 *
 * @typedef {object} Quantized
 * @property {() => Codes} codes row-major
 * @property {Float32Array} scales one; one for each index along the axis; or one for each block there
 * @property {Int32Array} zeroPoints as many
 * @property {number} axis along which scales differ; where there is one, it does not matter
 * @property {number} block how many indices along the axis share a scale; 0 for one scale for each
 */

/**
 * @param {Quantized} quantized
 * @param {readonly number[]} shape of the codes
 * @param {readonly number[]} axes
 * @returns {Quantized}
 */
function quantizedWithAxes({ codes, scales, zeroPoints, axis, block }, shape, axes) {
  const moved = { codes: () => transposed(codes(), shape, axes), axis: axes.indexOf(axis), block };
  if (block === 0) return { ...moved, scales, zeroPoints };
  const blocks = shape.map((dim, i) => (i === axis ? Math.ceil(dim / block) : dim));
  return {
    ...moved,
    scales: transposed(scales, blocks, axes),
    zeroPoints: transposed(zeroPoints, blocks, axes),
  };
}

/** The most elements of what is in no file, but made at import: 256 MB of them. */
const MOST_MADE = 2 ** 26;
/** And of what is the same number all over: large layers whose weights were left out of a file have them. */
export const MOST_EQUAL = 2 ** 28;

/**
 * A few bytes can ask for any number of these.
 *
 * @param {number} count of elements that are to be made at import
 * @param {number} [most]
 * @throws {UnsupportedError} where they are too many, or no number at all
 */
export function checkMade(count, most = MOST_MADE) {
  if (count >= 0 && count <= most) return;
  throw new UnsupportedError(`it takes ${count} elements made at import; the limit is ${most}`);
}

/** @param {readonly number[]} shape */
export function sizeOf(shape) {
  return shape.reduce((product, dim) => product * dim, 1);
}

/**
 * @param {Constant} constant
 * @returns {Value}
 */
export function constantValue(constant) {
  const { type, shape, element } = constant;
  return { type, shape, element, constant };
}

/**
 * @param {number[]} numbers of an int64 tensor of one dimension
 * @returns {Value}
 */
export function integersValue(numbers) {
  return constantValue(new Constant('int32', [numbers.length], () => Int32Array.from(numbers)));
}

/**
 * A value without elements, which our graphs have none of.
 *
 * @param {ElementType} type
 * @param {number[]} shape
 * @returns {Value}
 */
export function nothing(type, shape) {
  const Elements = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }[type];
  return constantValue(new Constant(type, shape, () => new Elements(0)));
}

/**
 * The elements with two axes exchanged by a table of axes.
 *
 * @template {Elements | Int8Array | Int16Array | Uint16Array} T
 * @param {T} elements
 * @param {readonly number[]} shape
 * @param {readonly number[]} axes axis i of the result is axes[i] of the elements
 * @returns {T}
 */
export function transposed(elements, shape, axes) {
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const dims = axes.map((axis) => shape[axis]);
  const steps = axes.map((axis) => strides[axis]);
  const result = /** @type {T} */ (elements.slice());
  const index = new Array(dims.length).fill(0);
  let from = 0;
  for (let to = 0; to < result.length; ++to) {
    result[to] = elements[from];
    for (let axis = dims.length - 1; axis >= 0; --axis) {
      from += steps[axis];
      if (++index[axis] < dims[axis]) break;
      from -= steps[axis] * dims[axis];
      index[axis] = 0;
    }
  }
  return result;
}
