// SPDX-License-Identifier: Apache-2.0

/** What windows of each channel come to, or all of a channel. */

import { UnsupportedError } from '../../../core/errors.js';
import { sizeOf } from '../values.js';
import { cast } from '../ours.js';
import { largestPixels } from './pooled-places.js';
import { asBatch, splitFirstAxis } from './volumes.js';
import { stepsOf, windowOf } from './windows.js';

/** Less than any other float32. */
const LEAST = -3.4028234663852886e38;

/**
 * @typedef {import('../node.js').NodeView} NodeView
 * @typedef {import('../lowering.js').Lowering} Lowering
 * @typedef {import('../values.js').Value} Value
 */

/** @param {'maxpool' | 'avgpool'} op */
function lowerPool(op) {
  return (/** @type {NodeView} */ node, /** @type {Lowering} */ lower) => {
    const input = node.input(0);
    const kernel = node.ints('kernel_shape');
    if (!kernel) throw new UnsupportedError('it lacks its "kernel_shape"');
    const attributes = {
      ceil: node.int('ceil_mode', 0) === 1,
      ...(op === 'avgpool' && { countPad: node.int('count_include_pad', 0) === 1 }),
    };
    const steps = stepsOf(node, input.shape.slice(2), kernel);
    const floats = cast(lower, input, 'float32');
    const pooled = cast(lower, pool(lower, op, floats, kernel, steps, attributes), input.type);
    if (node.outputCount < 2) return pooled;
    const outputs = pooled.shape.slice(2);
    return [pooled, largestPixels(node, lower, floats, outputs, kernel, steps)];
  };
}

/**
 * @param {Lowering} lower
 * @param {'maxpool' | 'avgpool'} op
 * @param {Value} value
 * @param {number[]} kernel
 * @param {import('./windows.js').Steps} steps
 * @param {{ ceil: boolean, countPad?: boolean }} attributes
 * @returns {Value}
 */
function pool(lower, op, value, kernel, steps, attributes) {
  if (kernel.length === 0) return value;
  const hasGaps = op === 'maxpool' && steps.dilations.some((dilation) => dilation !== 1);
  if (kernel.length > 2 || hasGaps) return poolVolume(lower, op, value, kernel, steps, attributes);
  const [batch, channels, ...size] = value.shape;
  const window = windowOf(size, kernel, steps);
  if (window.dilation.some((dilation) => dilation !== 1)) {
    throw new UnsupportedError('its windows have gaps ("dilations")');
  }
  const image = lower.reshape(value, [batch, channels, ...window.size]);
  const output = lower.emit(op, [image], {
    kernel: window.kernel,
    stride: window.stride,
    pad: window.pad,
    ...attributes,
  });
  return lower.reshape(output, [batch, channels, ...window.drop(output.shape.slice(2))]);
}

/**
 * @param {Lowering} lower
 * @param {'maxpool' | 'avgpool'} op
 * @param {Value} value
 * @param {number[]} whole
 * @param {import('./windows.js').Steps} all
 * @param {{ ceil: boolean, countPad?: boolean }} attributes
 */
function poolVolume(lower, op, value, whole, all, attributes) {
  const isPadded = all.pads[0] !== 0 || all.pads[whole.length] !== 0;
  if (attributes.ceil || (op === 'avgpool' && isPadded && !attributes.countPad)) {
    throw new UnsupportedError(`its windows of ${whole.length} dimensions round up, or are padded`);
  }
  const filling = op === 'maxpool' ? LEAST : 0;
  const { slices, kernel, steps } = splitFirstAxis(lower, value, whole, all, filling);
  const both = slices.reduce((a, b) => lower.emit(op === 'maxpool' ? 'max' : 'sum', [a, b]));
  const mean = op === 'maxpool' ? both : lower.emit('mul', [both, lower.number(1 / whole[0])]);
  return asBatch(lower, mean, (images) => pool(lower, op, images, kernel, steps, attributes));
}

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 */
function lowerGlobalAveragePool(node, lower) {
  const input = node.input(0);
  const [batch, channels, ...size] = input.shape;
  const image = lower.reshape(input, [batch, channels, 1, sizeOf(size)]);
  const output = lower.emit('globalavgpool', [image]);
  return lower.reshape(output, [batch, channels, ...size.map(() => 1)]);
}

export const POOLING = {
  MaxPool: lowerPool('maxpool'),
  AveragePool: lowerPool('avgpool'),
  GlobalAveragePool: lowerGlobalAveragePool,
};
