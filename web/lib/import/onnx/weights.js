// SPDX-License-Identifier: Apache-2.0

/**
 * Constants of ONNX as matrices of ours. What the file holds as integers stays integers, with their scales.
 */

import { toFloats } from './lowering.js';
import { transposed } from './values.js';

/**
 * @typedef {import('./values.js').Constant} Constant
 * @typedef {import('./values.js').Quantized} Quantized
 * @typedef {import('../../core/weights.js').Weights} Weights
 */

/**
 * How the elements of a constant become a matrix, row-major.
 *
 * @param {Constant} constant
 * @param {number[]} axes the constant's, in the order in which the matrix has them; the first is that of
 *   the rows
 * @returns {() => Weights}
 */
export function weightsOf(constant, axes = constant.shape.map((_, axis) => axis)) {
  const { quantized, shape } = constant;
  if (quantized && fits(quantized, shape, axes))
    return () => integerWeights(quantized, shape, axes);
  return () => ({ data: inOrder(toFloats(constant.elements), shape, axes) });
}

/**
 * Whether the scales are of rows, or of blocks of columns.
 *
 * @param {Quantized} quantized
 * @param {number[]} shape
 * @param {number[]} axes
 */
function fits({ scales, axis, block }, shape, axes) {
  if (scales.length === 1) return true;
  if (block === 0) return axes[0] === axis;
  return shape.length === 2 && axes[1] === axis && shape[axis] % block === 0;
}

/**
 * @param {Quantized} quantized
 * @param {number[]} shape
 * @param {number[]} axes
 * @returns {Weights}
 */
function integerWeights({ codes, scales, zeroPoints, axis, block }, shape, axes) {
  const data = inOrder(codes(), shape, axes);
  if (block === 0) return { integers: data, scales, zeroPoints };
  const blocks = shape.map((dim, i) => (i === axis ? dim / block : dim));
  return {
    integers: data,
    scales: inOrder(scales, blocks, axes),
    zeroPoints: inOrder(zeroPoints, blocks, axes),
    block,
  };
}

/**
 * @template {Parameters<typeof transposed>[0]} T
 * @param {T} elements
 * @param {number[]} shape
 * @param {number[]} axes
 * @returns {T}
 */
function inOrder(elements, shape, axes) {
  return axes.every((axis, i) => axis === i) ? elements : transposed(elements, shape, axes);
}
