// SPDX-License-Identifier: Apache-2.0

import { ValueError } from '../core/errors.js';
import { checkKeys, checkNumber } from '../core/check.js';

/**
 * @typedef {object} Link what a worker is connected by, in the simulated clock
 * @property {number} up bits per second
 * @property {number} down bits per second
 * @property {number} [latency] seconds that each transfer takes besides; by default 0
 */

/**
 * @param {unknown} link
 * @param {number} workers
 * @returns {Array<Required<Link>>} one for each worker
 */
export function checkLinks(link, workers) {
  const links = Array.isArray(link) ? link : new Array(workers).fill(link);
  if (links.length !== workers) {
    throw new ValueError(
      `There must be one link, or one for each of the ${workers} workers, not ${links.length}.`,
    );
  }
  return links.map((each, index) => {
    const what = Array.isArray(link) ? `The link of worker ${index}` : 'The link';
    const { up, down, latency = 0 } = checkKeys(each, what, ['up', 'down', 'latency']);
    const rate = (/** @type {number} */ value) => value > 0;
    return {
      up: checkNumber(up, `${what}: up`, 'of bits per second above 0', rate),
      down: checkNumber(down, `${what}: down`, 'of bits per second above 0', rate),
      latency: checkNumber(latency, `${what}: latency`, 'of seconds from 0', (s) => s >= 0),
    };
  });
}
