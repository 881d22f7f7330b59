// SPDX-License-Identifier: Apache-2.0

import { ValueError } from './errors.js';

/**
 * What a network may ask for. It is summed up from its graph before anything is done: a few hundred
 * bytes can ask for any amount.
 *
 * @typedef {object} Limits
 * @property {number} [maxMemory] bytes of all that the model takes in the heap: weights as held,
 *   values while it runs, tables; by default 1 GiB (2^30) more than the weights that were given
 *   (a file's, or dense ones where they are encoded). The heap has 4 GB.
 * @property {number} [maxWork] elementary operations of one run, each of which takes about as long as
 *   one multiplication and addition of a matrix product, 0.1 to 0.3 ns; by default 64e9, four times
 *   those of VGG-16
 */

/**
 * @param {Limits} options
 * @returns {[maxMemory: number, maxWork: number]} as the module takes them: negative by default
 * @throws {ValueError}
 */
export function nativeLimits({ maxMemory, maxWork }) {
  return [checkLimit(maxMemory, 'maxMemory'), checkLimit(maxWork, 'maxWork')];
}

/**
 * @param {unknown} value
 * @param {string} name
 */
function checkLimit(value, name) {
  if (value === undefined) return -1;
  if (typeof value !== 'number' || !(value >= 0)) {
    throw new ValueError(`The option "${name}" must be a number from 0 on, not ${String(value)}.`);
  }
  return Math.min(Math.floor(value), Number.MAX_SAFE_INTEGER);
}
