// SPDX-License-Identifier: Apache-2.0

/** Convolutions whose weights are computed from the inputs: products of two values, with all windows side by side. */

import { UnsupportedError } from '../../../core/errors.js';
import { concat } from '../ours.js';
import { sizeOf } from '../values.js';

/**
 * @typedef {import('../lowering.js').Lowering} Lowering
 * @typedef {import('../values.js').Value} Value
 * @typedef {import('./windows.js').Steps} Steps
 */

/** Of a kernel: each takes a node. */
const MOST_PLACES = 1024;

/** Every index of a shape, in order. @param {number[]} shape @returns {number[][]} */
function indicesOf(shape) {
  return shape.reduce(
    (before, dim) =>
      before.flatMap((index) => Array.from({ length: dim }, (_, i) => [...index, i])),
    [/** @type {number[]} */ ([])],
  );
}

/**
 * What each place of the kernel sees.
 *
 * @param {Lowering} lower
 * @param {Value} padded batch × channels × axes
 * @param {number[]} kernel
 * @param {Steps} steps
 * @returns {Value[]} batch × channels × outputs, in the order of the kernel
 */
function slicesOf(lower, padded, kernel, { strides, dilations }) {
  const [, , ...size] = padded.shape;
  const outputs = size.map((dim, i) =>
    Math.floor((dim - (kernel[i] - 1) * dilations[i] - 1) / strides[i] + 1),
  );
  const axes = size.map((_, i) => i + 2);
  return indicesOf(kernel).map((place) => {
    const starts = place.map((at, i) => at * dilations[i]);
    const ends = starts.map((start, i) => start + (outputs[i] - 1) * strides[i] + 1);
    return lower.emit('slice', [padded], { axes, starts, ends, steps: strides });
  });
}

/**
 * @param {Lowering} lower
 * @param {Value} input batch × channels × axes
 * @param {Value} weights out × (in / groups) × kernel
 * @param {Steps & { groups: number }} steps
 * @returns {Value}
 */
export function convolveFree(lower, input, weights, { groups, ...steps }) {
  const [outChannels, inGroup, ...kernel] = weights.shape;
  const rank = kernel.length;
  if (sizeOf(kernel) > MOST_PLACES) {
    throw new UnsupportedError(`its weights are computed, and have kernels of ${kernel.join('×')}`);
  }
  const isPadded = steps.pads.some((pad) => pad !== 0);
  const padded = isPadded
    ? lower.emit('pad', [input], {
        before: [0, 0, ...steps.pads.slice(0, rank)],
        after: [0, 0, ...steps.pads.slice(rank)],
        mode: 'constant',
        value: 0,
      })
    : input;
  const slices = slicesOf(lower, padded, kernel, steps);
  const [batch, , ...outputs] = slices[0].shape;
  const pixels = sizeOf(outputs);
  const layers = slices.map((slice) => lower.reshape(slice, [batch, groups, inGroup, 1, pixels]));
  const columns = lower.reshape(concat(lower, layers, 3), [
    ...[batch, groups],
    ...[inGroup * sizeOf(kernel), pixels],
  ]);
  const rows = lower.reshape(weights, [groups, outChannels / groups, inGroup * sizeOf(kernel)]);
  const product = lower.emit('matMul', [rows, columns]);
  return lower.reshape(product, [batch, outChannels, ...outputs]);
}

/**
 * The weights of a transposed convolution as those of the one that does the same.
 *
 * @param {Lowering} lower
 * @param {Value} weights in × (out / groups) × kernel
 * @param {number} groups
 * @returns {Value} out × (in / groups) × kernel, turned around
 */
export function turnFree(lower, weights, groups) {
  const [inChannels, outGroup, ...kernel] = weights.shape;
  const inGroup = inChannels / groups;
  const axes = kernel.map((_, i) => i + 3);
  const apart = lower.reshape(weights, [groups, inGroup, outGroup, ...kernel]);
  const swapped = lower.transpose(apart, [0, 2, 1, ...axes]);
  const flat = lower.reshape(swapped, [groups * outGroup, inGroup, ...kernel]);
  return lower.emit('slice', [flat], {
    axes: kernel.map((_, i) => i + 2),
    starts: kernel.map(() => -1),
    ends: kernel.map(() => -(2 ** 31)),
    steps: kernel.map(() => -1),
  });
}
