// SPDX-License-Identifier: Apache-2.0

import { Random } from '../networks/random.js';

/** @typedef {import('./plan.js').Case} Case */

/**
 * A matrix with exactly as many elements other than 0 as its density says, in random places, among
 * which the values are equally frequent. Equal seeds give equal matrices.
 *
 * @param {Omit<Case, 'batch'>} shape
 * @param {number} seed
 * @returns {Float32Array}
 */
export function drawMatrix({ rows, cols, density, values }, seed) {
  const random = new Random(seed, `${rows}×${cols}, ${density}, ${values}`);
  const elements = rows * cols;
  const count = Math.max(1, Math.round(density * elements));
  const drawn = drawValues(random, count, density < 1 ? values - 1 : values);
  const matrix = new Float32Array(elements);
  // Selection sampling (Knuth, The Art of Computer Programming, 3.4.2, algorithm S).
  for (let i = 0, taken = 0; taken < count; ++i) {
    if (random.uniform(0, elements - i) < count - taken) matrix[i] = drawn[taken++];
  }
  return matrix;
}

/**
 * @param {Random} random
 * @param {number} count
 * @param {number} distinct
 * @returns {Float32Array} in random order (Fisher–Yates)
 */
function drawValues(random, count, distinct) {
  const result = Float32Array.from({ length: count }, (_, i) => level(i % distinct, distinct));
  for (let i = count - 1; i > 0; --i) {
    const other = Math.floor(random.uniform(0, i + 1));
    [result[i], result[other]] = [result[other], result[i]];
  }
  return result;
}

/**
 * @param {number} index
 * @param {number} distinct
 * @returns {number} in [-1, 1], of alternating sign, never 0
 */
function level(index, distinct) {
  const size = (1 + (index >> 1)) / (1 + (distinct >> 1));
  return index % 2 === 0 ? size : -size;
}
