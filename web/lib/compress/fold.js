// SPDX-License-Identifier: Apache-2.0

/** One layer instead of two. The module for training does it; `await initTraining()` first. */

import { copyIn, withBuffers } from '../core/memory.js';
import { callTraining, makeTrainingBuffer } from '../core/training.js';

/**
 * @typedef {object} Normalization a trained batch normalization, a value a channel in each
 * @property {Float32Array} gamma
 * @property {Float32Array} beta
 * @property {Float32Array} mean
 * @property {Float32Array} variance
 * @property {number} epsilon
 */

/**
 * Makes one layer of a product and the normalization behind it.
 *
 * @param {Normalization} norm
 * @param {Float32Array} weights changed in place: a row a channel, row-major
 * @returns {Float32Array<ArrayBuffer>} the bias of each channel
 */
export function foldBatchNorm({ gamma, beta, mean, variance, epsilon }, weights) {
  const bias = new Float32Array(gamma.length);
  const arrays = [gamma, beta, mean, variance, weights, bias];
  /** @type {import('../core/memory.js').NativeBuffer[]} */
  const buffers = [];
  return withBuffers(buffers, () => {
    for (const array of arrays) {
      const buffer = makeTrainingBuffer(array.byteLength);
      buffers.push(buffer);
      copyIn(buffer.floats(), array);
    }
    const [g, b, m, v, w, out] = buffers;
    callTraining((native) => native.foldBatchNorm(g, b, m, v, epsilon, w, out));
    weights.set(w.floats());
    bias.set(out.floats());
    return bias;
  });
}
