// SPDX-License-Identifier: Apache-2.0

/**
 * Larger images from smaller ones without work for what lies between their pixels: a transposed convolution of
 * stride s makes s · s pixels of each one, as that many channels of an ordinary convolution that are then put
 * side by side; an enlargement by whole numbers repeats channels for that.
 */

import { concat, part } from '../ours.js';
import { Constant, constantValue, sizeOf } from '../values.js';
import { convolveWindow } from './products.js';

/**
 * @typedef {import('../lowering.js').Lowering} Lowering
 * @typedef {import('../values.js').Value} Value
 *
 * @typedef {object} Transposed a transposed convolution
 * @property {number[]} strides
 * @property {number[]} dilations
 * @property {number} groups
 * @property {number[]} whole sizes of what it makes
 * @property {number[]} cut what is then left out in front of all axes, then behind them
 */

/**
 * Pixel s · q + r of the result is Σ x[q − m] · w[s · m + r] over m, for each axis: one kernel of ⌈k / s⌉ taps
 * for each r.
 *
 * @param {Lowering} lower
 * @param {Value} input
 * @param {Constant} weight in × (out / groups) × kernel
 * @param {Transposed} by
 * @param {Constant} [bias]
 * @returns {Value | undefined} where it is no convolution of this kind
 */
export function convolveSubpixels(lower, input, weight, by, bias) {
  const { strides, dilations, groups, whole, cut } = by;
  const [, outGroup, ...kernel] = weight.shape;
  const rank = kernel.length;
  const taps = kernel.map((length, axis) => Math.ceil(length / strides[axis]));
  const [batch, , ...size] = input.shape;
  const made = size.map((dim, axis) => (dim + taps[axis] - 1) * strides[axis]);
  const fits =
    (rank === 1 || rank === 2) &&
    strides.some((stride) => stride !== 1) &&
    dilations.every((dilation) => dilation === 1) &&
    cut.every((count) => count >= 0) &&
    whole.every((dim, axis) => dim <= made[axis]);
  if (!fits) return undefined;
  const channels = groups * outGroup;
  const margins = taps.map((count) => count - 1);
  const product = convolveWindow(
    lower,
    input,
    constantValue(subpixelWeights(weight, groups, strides, taps)),
    { strides: strides.map(() => 1), dilations, pads: [...margins, ...margins], groups },
    bias && repeated(bias, sizeOf(strides)),
  );
  const pixels = sideBySide(lower, product, channels, strides);
  return whole.reduce(
    (value, dim, axis) => part(lower, value, axis + 2, cut[axis], dim - cut[axis + rank]),
    lower.reshape(pixels, [batch, channels, ...made]),
  );
}

/**
 * Rows are channels with their pixels, columns taps in the order of a convolution, which is the other one.
 *
 * @param {Constant} weight
 * @param {number} groups
 * @param {number[]} strides
 * @param {number[]} taps
 */
function subpixelWeights(weight, groups, strides, taps) {
  const [inChannels, outGroup, ...kernel] = weight.shape;
  const inGroup = inChannels / groups;
  // With two axes, of which the first may be one of nothing.
  const two = (/** @type {number[]} */ list) => (list.length === 2 ? list : [1, ...list]);
  const [[kh, kw], [sh, sw], [th, tw]] = [kernel, strides, taps].map(two);
  const rows = groups * outGroup * sh * sw;
  const arrange = (/** @type {any} */ elements, /** @type {number} */ nothing) => {
    const result = new elements.constructor(rows * inGroup * th * tw).fill(nothing);
    let to = 0;
    for (let row = 0; row < rows; ++row) {
      const [y, x] = [Math.floor(row / sw) % sh, row % sw];
      const out = Math.floor(row / (sh * sw));
      const group = Math.floor(out / outGroup);
      for (let col = 0; col < inGroup; ++col) {
        const from = ((group * inGroup + col) * outGroup + (out % outGroup)) * kh * kw;
        for (let i = th - 1; i >= 0; --i) {
          for (let j = tw - 1; j >= 0; --j, ++to) {
            const [v, u] = [i * sh + y, j * sw + x];
            if (v < kh && u < kw) result[to] = elements[from + v * kw + u];
          }
        }
      }
    }
    return result;
  };
  const { quantized } = weight;
  const kept = quantized?.scales.length === 1 ? quantized : undefined;
  return new Constant('float32', [rows, inGroup, ...taps], () => arrange(weight.elements, 0), {
    quantized: kept && {
      ...kept,
      codes: () => arrange(kept.codes(), kept.zeroPoints[0]),
    },
  });
}

/** Each element of a vector several times. @param {Constant} vector @param {number} times */
function repeated(vector, times) {
  return new Constant('float32', [vector.size * times], () => {
    const { elements } = vector;
    return Float32Array.from(
      { length: vector.size * times },
      (_, i) => elements[Math.floor(i / times)],
    );
  });
}

/**
 * Channels that are pixels, put in their places.
 *
 * @param {Lowering} lower
 * @param {Value} value of batch × (channels · pixels) × size
 * @param {number} channels
 * @param {number[]} block pixels along each axis
 */
function sideBySide(lower, value, channels, block) {
  const [batch, , ...size] = value.shape;
  if (block.length === 2 && block[0] === block[1]) {
    return lower.emit('depthToSpace', [value], { block: block[0], order: 'CRD' });
  }
  const rank = block.length;
  const apart = lower.reshape(value, [batch, channels, ...block, ...size]);
  const axes = size.flatMap((_, axis) => [2 + rank + axis, 2 + axis]);
  return lower.transpose(apart, [0, 1, ...axes]);
}

/**
 * Each pixel of an image as a square of them.
 *
 * @param {Lowering} lower
 * @param {Value} value of four dimensions
 * @param {number} times along both axes of the image
 */
export function enlarge(lower, value, times) {
  const [batch, channels, height, width] = value.shape;
  const apart = lower.reshape(value, [batch, channels, 1, height, width]);
  const all = concat(lower, new Array(times * times).fill(apart), 2);
  const pixels = lower.reshape(all, [batch, channels * times * times, height, width]);
  return sideBySide(lower, pixels, channels, [times, times]);
}
