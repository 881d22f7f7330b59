// SPDX-License-Identifier: Apache-2.0

/**
 * ConvTranspose: a convolution of its input with zeros between the elements, by kernels that are turned around.
 */

import { UnsupportedError } from '../../../core/errors.js';
import { part } from '../ours.js';
import { Constant, constantValue, sizeOf } from '../values.js';
import { turnFree } from './free-weights.js';
import { addToChannels, convolveWindow } from './products.js';
import { convolveSubpixels } from './subpixels.js';
import { listOf } from './windows.js';

/**
 * @typedef {import('../node.js').NodeView} NodeView
 * @typedef {import('../lowering.js').Lowering} Lowering
 * @typedef {import('../values.js').Value} Value
 */

/**
 * What is cut off at both ends of each axis.
 *
 * @param {NodeView} node
 * @param {number[]} whole sizes of the result without padding
 * @returns {number[]} in front of all axes, then behind them
 */
function cuts(node, whole) {
  const rank = whole.length;
  const auto = node.string('auto_pad', 'NOTSET');
  const wanted = node.ints('output_shape')?.slice(-rank);
  if (!wanted && auto === 'NOTSET') return listOf(node, 'pads', 2 * rank, 0);
  if (!wanted && auto === 'VALID') return new Array(2 * rank).fill(0);
  const shape =
    wanted ??
    node
      .input(0)
      .shape.slice(2)
      .map((size, i) => size * listOf(node, 'strides', rank, 1)[i]);
  const total = whole.map((size, axis) => size - shape[axis]);
  const less = total.map((count) => Math.floor(count / 2));
  const more = total.map((count, axis) => count - less[axis]);
  return auto === 'SAME_UPPER' ? [...less, ...more] : [...more, ...less];
}

/**
 * The weights, in × (out / groups) × kernel, as those of a convolution.
 *
 * @param {Constant} weight
 * @param {number} groups
 */
function turned(weight, groups) {
  const [inChannels, outGroup, ...kernel] = weight.shape;
  const inGroup = inChannels / groups;
  const size = sizeOf(kernel);
  const turn = (/** @type {any} */ elements) => {
    const result = elements.slice();
    let to = 0;
    for (let row = 0; row < groups * outGroup; ++row) {
      const group = Math.floor(row / outGroup);
      for (let col = 0; col < inGroup; ++col) {
        const from = ((group * inGroup + col) * outGroup + (row % outGroup)) * size;
        for (let k = size - 1; k >= 0; --k) result[to++] = elements[from + k];
      }
    }
    return result;
  };
  const { quantized } = weight;
  const isOfRows = groups === 1 && quantized?.axis === 1 && quantized.block === 0;
  const kept = quantized && (quantized.scales.length === 1 || isOfRows) ? quantized : undefined;
  return new Constant(
    'float32',
    [groups * outGroup, inGroup, ...kernel],
    () => turn(weight.elements),
    {
      quantized: kept && { ...kept, axis: 0, codes: () => turn(kept.codes()) },
    },
  );
}

/**
 * Puts zeros between the elements of all axes but the first two.
 *
 * @param {Lowering} lower
 * @param {Value} value
 * @param {number[]} strides
 */
function spread(lower, value, strides) {
  if (strides.every((stride) => stride === 1)) return value;
  const [batch, channels, ...size] = value.shape;
  const apart = lower.reshape(value, [batch, channels, ...size.flatMap((dim) => [dim, 1])]);
  const after = [0, 0, ...strides.flatMap((stride) => [0, stride - 1])];
  const before = after.map(() => 0);
  const padded = lower.emit('pad', [apart], { before, after, mode: 'constant', value: 0 });
  const whole = lower.reshape(padded, [batch, channels, ...size.map((dim, i) => dim * strides[i])]);
  // Behind the last element there are none.
  return size.reduce(
    (spread, dim, i) => part(lower, spread, i + 2, 0, (dim - 1) * strides[i] + 1),
    whole,
  );
}

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 * @returns {Value}
 */
function lowerConvTranspose(node, lower) {
  const input = node.input(0);
  const weight = node.input(1);
  const bias = node.optional(2);
  const known = weight.constant && bias?.constant;
  const [, , ...size] = input.shape;
  const [, , ...kernel] = weight.shape;
  const rank = kernel.length;
  if (rank !== size.length) throw new UnsupportedError('its weight does not fit its input');
  const strides = listOf(node, 'strides', rank, 1);
  const dilations = listOf(node, 'dilations', rank, 1);
  const more = listOf(node, 'output_padding', rank, 0);
  const extents = kernel.map((length, axis) => (length - 1) * dilations[axis]);
  const whole = size.map((dim, i) => (dim - 1) * strides[i] + more[i] + extents[i] + 1);
  const cut = cuts(node, whole);
  // What is padded where more is cut than the kernel reaches over, is cut afterwards.
  const pad = extents.flatMap((extent, axis) => [
    [extent - cut[axis], extent - cut[axis + rank] + more[axis]],
  ]);
  const pads = [
    ...pad.map(([before]) => Math.max(0, before)),
    ...pad.map(([, after]) => Math.max(0, after)),
  ];
  const groups = node.int('group', 1);
  const by = { strides, dilations, groups, whole, cut };
  const direct =
    weight.constant && (!bias || bias.constant)
      ? convolveSubpixels(lower, input, weight.constant, by, bias?.constant)
      : undefined;
  if (direct) return direct;
  const image = spread(lower, input, strides);
  const output = convolveWindow(
    lower,
    image,
    weight.constant
      ? constantValue(turned(weight.constant, groups))
      : turnFree(lower, weight, groups),
    { strides: strides.map(() => 1), dilations, pads, groups },
    known,
  );
  const biased = bias && !known ? addToChannels(lower, output, bias) : output;
  return pad.reduce((value, [before, after], axis) => {
    const length = value.shape[axis + 2];
    return part(lower, value, axis + 2, Math.max(0, -before), length + Math.min(0, after));
  }, biased);
}

export const TRANSPOSED = { ConvTranspose: lowerConvTranspose };
