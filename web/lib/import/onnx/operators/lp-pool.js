// SPDX-License-Identifier: Apache-2.0

/** Norms of windows: the roots of sums of powers, which are convolutions with ones. */

import { UnsupportedError } from '../../../core/errors.js';
import { Constant, constantValue, sizeOf } from '../values.js';
import { convolveWindow } from './products.js';
import { stepsOf } from './windows.js';

/**
 * @typedef {import('../node.js').NodeView} NodeView
 * @typedef {import('../lowering.js').Lowering} Lowering
 * @typedef {import('../values.js').Value} Value
 */

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 * @returns {Value}
 */
function lowerLpPool(node, lower) {
  const input = node.input(0);
  const kernel = node.ints('kernel_shape');
  if (!kernel) throw new UnsupportedError('it lacks its "kernel_shape"');
  // Integers once, floats in the first version.
  const p = node.version < 2 ? node.float('p', 2) : node.int('p', 2);
  const [batch, channels, ...size] = input.shape;
  const steps = stepsOf(node, size, kernel);
  const pads = node.int('ceil_mode', 0) === 1 ? roundedUp(size, kernel, steps) : steps.pads;
  const raise = (/** @type {Value} */ value, /** @type {number} */ power) =>
    power === 1 ? value : lower.emit('pow', [value, lower.number(power)]);
  const powers = raise(lower.emit('abs', [input]), p);
  const ones = new Constant('float32', [1, 1, ...kernel], () =>
    new Float32Array(sizeOf(kernel)).fill(1),
  );
  const sums = convolveWindow(
    lower,
    lower.reshape(powers, [batch * channels, 1, ...size]),
    constantValue(ones),
    { ...steps, pads, groups: 1 },
  );
  const whole = lower.reshape(sums, [batch, channels, ...sums.shape.slice(2)]);
  return raise(whole, 1 / p);
}

/**
 * Pads with which rounding down gives as many windows as rounding up without them; none of them begins
 * behind the input and its pads.
 *
 * @param {number[]} size
 * @param {number[]} kernel
 * @param {import('./windows.js').Steps} steps
 * @returns {number[]}
 */
function roundedUp(size, kernel, { strides, dilations, pads }) {
  const rank = kernel.length;
  return pads.map((pad, i) => {
    if (i < rank) return pad;
    const axis = i - rank;
    const whole = size[axis] + pads[axis] + pad - (kernel[axis] - 1) * dilations[axis] - 1;
    const more = Math.ceil(whole / strides[axis]) * strides[axis] - whole;
    const begins = Math.ceil(whole / strides[axis]) * strides[axis];
    return begins < size[axis] + pads[axis] ? pad + more : pad;
  });
}

export const LP_POOL = { LpPool: lowerLpPool };
