// SPDX-License-Identifier: Apache-2.0

/** Random numbers for tests, from a seed that is told, so that a failure can be had again. */

import { randomInt } from 'node:crypto';

/** @returns {number} the seed in LOWTROPY_SEED, or a new one for each run */
export function chooseSeed() {
  const { LOWTROPY_SEED } = process.env;
  return LOWTROPY_SEED ? Number(LOWTROPY_SEED) >>> 0 : randomInt(2 ** 32);
}

/**
 * @param {number} seed
 * @returns {() => number} uniform in [0, 1): mulberry32
 */
export function makeRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
