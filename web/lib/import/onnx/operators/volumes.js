// SPDX-License-Identifier: Apache-2.0

/**
 * Windows of three dimensions and more, by those of two: what a window sees along its first axis becomes
 * further channels, or is combined afterwards.
 */

/**
 * @typedef {import('../lowering.js').Lowering} Lowering
 * @typedef {import('../values.js').Value} Value
 * @typedef {import('./windows.js').Steps} Steps
 *
 * @typedef {object} Split
 * @property {Value[]} slices for each place in the kernel what it sees: batch × channels × outputs × rest
 * @property {number[]} kernel of the axes that are left
 * @property {Steps} steps of them
 */

/**
 * @param {Lowering} lower
 * @param {Value} value batch × channels × axes
 * @param {number[]} kernel
 * @param {Steps} steps
 * @param {number} filling of what is padded
 * @returns {Split}
 */
export function splitFirstAxis(lower, value, kernel, { strides, dilations, pads }, filling) {
  const rank = kernel.length;
  const [before, after] = [pads[0], pads[rank]];
  const padded =
    before === 0 && after === 0 ? value : padFirst(lower, value, before, after, filling);
  const reach = (kernel[0] - 1) * dilations[0] + 1;
  const outputs = Math.floor((padded.shape[2] - reach) / strides[0]) + 1;
  const slices = Array.from({ length: kernel[0] }, (_, place) => {
    const start = place * dilations[0];
    return lower.emit('slice', [padded], {
      axes: [2],
      starts: [start],
      ends: [start + (outputs - 1) * strides[0] + 1],
      steps: [strides[0]],
    });
  });
  const steps = {
    strides: strides.slice(1),
    dilations: dilations.slice(1),
    pads: [...pads.slice(1, rank), ...pads.slice(rank + 1)],
  };
  return { slices, kernel: kernel.slice(1), steps };
}

/**
 * @param {Lowering} lower
 * @param {Value} value
 * @param {number} before
 * @param {number} after
 * @param {number} filling
 */
function padFirst(lower, value, before, after, filling) {
  const zeros = value.shape.map(() => 0);
  return lower.emit('pad', [value], {
    before: Object.assign([...zeros], { 2: before }),
    after: Object.assign([...zeros], { 2: after }),
    mode: 'constant',
    value: filling,
  });
}

/**
 * Works on batch × channels × axes without the third one, which becomes part of the batch.
 *
 * @param {Lowering} lower
 * @param {Value} value batch × channels × outputs × rest
 * @param {(value: Value) => Value} work
 * @returns {Value} of the same rank
 */
export function asBatch(lower, value, work) {
  const rank = value.shape.length;
  const rest = Array.from({ length: rank - 3 }, (_, i) => i + 3);
  const [batch, , outputs] = value.shape;
  const moved = lower.transpose(value, [0, 2, 1, ...rest]);
  const flat = lower.reshape(moved, [batch * outputs, ...moved.shape.slice(2)]);
  const result = work(flat);
  const apart = lower.reshape(result, [batch, outputs, ...result.shape.slice(1)]);
  return lower.transpose(apart, [0, 2, 1, ...rest]);
}
