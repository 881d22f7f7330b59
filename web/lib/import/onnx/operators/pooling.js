// SPDX-License-Identifier: Apache-2.0

/** What windows of each channel come to, or all of a channel. */

import { UnsupportedError } from '../../../core/errors.js';
import { sizeOf } from '../values.js';
import { spatialWindow } from './windows.js';

/**
 * @typedef {import('../node.js').NodeView} NodeView
 * @typedef {import('../lowering.js').Lowering} Lowering
 */

/** @param {'maxpool' | 'avgpool'} op */
function lowerPool(op) {
  return (/** @type {NodeView} */ node, /** @type {Lowering} */ lower) => {
    const input = node.input(0);
    const [batch, channels, ...size] = input.shape;
    const kernel = node.ints('kernel_shape');
    if (!kernel) throw new UnsupportedError('it lacks its "kernel_shape"');
    if (node.outputCount > 1) throw new UnsupportedError('its second output, "Indices", is used');
    const window = spatialWindow(node, size, kernel);
    if (window.dilation.some((dilation) => dilation !== 1)) {
      throw new UnsupportedError('its windows have gaps ("dilations")');
    }
    const image = lower.reshape(input, [batch, channels, ...window.size]);
    const output = lower.emit(op, [image], {
      kernel: window.kernel,
      stride: window.stride,
      pad: window.pad,
      ceil: node.int('ceil_mode', 0) === 1,
      ...(op === 'avgpool' && { countPad: node.int('count_include_pad', 0) === 1 }),
    });
    return lower.reshape(output, [batch, channels, ...window.drop(output.shape.slice(2))]);
  };
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
