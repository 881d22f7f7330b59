// SPDX-License-Identifier: Apache-2.0

/** Matrices and updates from a seed: equal seeds, equal numbers. */

import { makeRandom } from '../common/random.js';

/** @typedef {import('./protocol.js').Grid} Grid */

/**
 * A matrix of low entropy: few distinct values, one of them frequent.
 *
 * @param {number} seed
 * @param {number} rows
 * @param {number} cols
 * @returns {Grid}
 */
export function drawMatrix(seed, rows, cols) {
  const random = makeRandom(seed);
  const palette = [...Array(3 + Math.floor(3 * random()))].map(() => Math.ceil(9 * random()));
  // Every fourth is most often something else than 0, which is subtracted and put back.
  const frequent = random() < 0.25 ? palette[0] : 0;
  const signed = random() < 0.5;
  const share = 0.35 + 0.35 * random();
  const values = [...Array(rows * cols)].map(() => {
    if (random() < share) return frequent;
    const value = palette[Math.floor(palette.length * random() ** 2)];
    return signed && value > 4 ? -value : value;
  });
  return { rows, cols, values };
}

/**
 * An update as training makes them: many small elements, few large ones.
 *
 * @param {number} seed
 * @param {number} n
 */
export function drawUpdate(seed, n) {
  const random = makeRandom(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Float32Array.from({ length: n }, () => 0.01 * normal() * Math.exp(0.8 * normal()));
}
