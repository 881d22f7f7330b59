// SPDX-License-Identifier: Apache-2.0

/**
 * Fewer and fewer different weights: what matrix formats for low entropy live on. The module for
 * training does it; `await initTraining()` first.
 */

import { copyIn, withBuffers } from '../core/memory.js';
import { callTraining, makeTrainingBuffer } from '../core/training.js';

/**
 * @typedef {import('../../../dist/lowtropy-training.js').NativeBuffer} NativeBuffer
 * @typedef {import('../../../dist/lowtropy-training.js').NativeTraining} NativeTraining
 */

/**
 * Sets the smallest magnitudes to 0: ⌊share · n⌋ of them, of equal ones the first.
 *
 * @param {Float32Array} data changed in place; finite
 * @param {number} share from 0 to below 1
 */
export function prune(data, share) {
  change(data, (native, weights) => native.prune(weights, share));
}

/**
 * Replaces each weight by one of at most `count` values, the centres of clusters, with a small sum
 * of squared errors. 0 stays 0 and is one of the values where it occurs. Data with no more
 * different values stay as they are.
 *
 * @param {Float32Array} data changed in place; finite
 * @param {number} count at least 2
 */
export function quantize(data, count) {
  change(data, (native, weights) => native.quantize(weights, count));
}

/**
 * @param {Float32Array} data
 * @param {(native: NativeTraining, weights: NativeBuffer) => void} work
 */
function change(data, work) {
  const weights = makeTrainingBuffer(data.byteLength);
  withBuffers([weights], () => {
    copyIn(weights.floats(), data);
    callTraining((native) => work(native, weights));
    data.set(weights.floats());
  });
}
