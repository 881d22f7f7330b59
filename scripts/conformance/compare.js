// SPDX-License-Identifier: Apache-2.0

/** Whether what a run gave is what a test of ONNX's expects. */

/** As ONNX's own runner has them. */
const RELATIVE = 1e-3;
const ABSOLUTE = 1e-7;

/**
 * @typedef {object} Tensor
 * @property {ArrayLike<number>} data
 * @property {readonly number[]} shape
 */

/**
 * @param {string} name
 * @param {Tensor} given
 * @param {Tensor} expected
 * @param {number} [relative]
 * @returns {string | undefined} what is wrong
 */
export function difference(name, given, expected, relative = RELATIVE) {
  if (given.shape.join() !== expected.shape.join()) {
    return `${name} is ${given.shape.join('×')} instead of ${expected.shape.join('×')}`;
  }
  for (let i = 0; i < expected.data.length; ++i) {
    const [a, b] = [given.data[i], expected.data[i]];
    if (Object.is(a, b) || a === b) continue;
    if (Number.isFinite(b) && Math.abs(a - b) <= ABSOLUTE + relative * Math.abs(b)) continue;
    return `${name}[${i}] is ${a} instead of ${b}`;
  }
  return undefined;
}
