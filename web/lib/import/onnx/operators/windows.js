// SPDX-License-Identifier: Apache-2.0

/** The windows of convolutions and pooling: ONNX's attributes as ours, which are of two dimensions. */

import { UnsupportedError } from '../../../core/errors.js';

/**
 * @typedef {import('../node.js').NodeView} NodeView
 *
 * @typedef {object} Window
 * @property {[number, number]} size of the image: [1, length] where there is one dimension
 * @property {[number, number]} kernel
 * @property {[number, number]} stride
 * @property {[number, number]} dilation
 * @property {[number, number, number, number]} pad top, left, bottom, right
 * @property {(size: number[]) => number[]} drop takes the dimension that was added away
 */

/**
 * @typedef {object} Steps
 * @property {number[]} strides
 * @property {number[]} dilations
 * @property {number[]} pads in front of all axes, then behind them
 */

/**
 * @param {NodeView} node
 * @param {number[]} size of the image
 * @param {number[]} kernel
 * @returns {Steps}
 */
export function stepsOf(node, size, kernel) {
  const strides = listOf(node, 'strides', kernel.length, 1);
  const dilations = listOf(node, 'dilations', kernel.length, 1);
  return { strides, dilations, pads: padding(node, size, kernel, strides, dilations) };
}

/**
 * @param {number[]} size of the image
 * @param {number[]} kernel
 * @param {Steps} steps
 * @returns {Window}
 */
export function windowOf(size, kernel, { strides, dilations, pads }) {
  const rank = kernel.length;
  if (rank < 1 || rank > 2 || size.length !== rank) {
    throw new UnsupportedError(`it works in ${rank} dimensions; there are windows of 1 and 2`);
  }
  const two = (/** @type {number[]} */ list, /** @type {number} */ other) =>
    /** @type {[number, number]} */ (rank === 2 ? list : [other, ...list]);
  return {
    size: two(size, 1),
    kernel: two(kernel, 1),
    stride: two(strides, 1),
    dilation: two(dilations, 1),
    pad: [...two(pads.slice(0, rank), 0), ...two(pads.slice(rank), 0)],
    drop: (dims) => (rank === 2 ? dims : dims.slice(1)),
  };
}

/**
 * @param {NodeView} node
 * @param {string} name
 * @param {number} length
 * @param {number} otherwise
 */
export function listOf(node, name, length, otherwise) {
  const list = node.ints(name) ?? new Array(length).fill(otherwise);
  if (list.length === length) return list;
  throw new UnsupportedError(`its "${name}" have ${list.length} values instead of ${length}`);
}

/**
 * What is added in front of all dimensions, then behind them.
 *
 * @param {NodeView} node
 * @param {number[]} size
 * @param {number[]} kernel
 * @param {number[]} stride
 * @param {number[]} dilation
 * @returns {number[]}
 */
function padding(node, size, kernel, stride, dilation) {
  const auto = node.string('auto_pad', 'NOTSET');
  if (auto === 'NOTSET') return listOf(node, 'pads', 2 * kernel.length, 0);
  if (auto === 'VALID') return new Array(2 * kernel.length).fill(0);
  if (auto !== 'SAME_UPPER' && auto !== 'SAME_LOWER') {
    throw new UnsupportedError(`its "auto_pad" is ${auto}`);
  }
  // As many outputs as strides fit into the image; the odd one of what is missing goes to the end that
  // the name says.
  const missing = size.map((length, axis) => {
    const outputs = Math.ceil(length / stride[axis]);
    const extent = (kernel[axis] - 1) * dilation[axis] + 1;
    return Math.max(0, (outputs - 1) * stride[axis] + extent - length);
  });
  const less = missing.map((count) => Math.floor(count / 2));
  const more = missing.map((count) => Math.ceil(count / 2));
  return auto === 'SAME_UPPER' ? [...less, ...more] : [...more, ...less];
}
