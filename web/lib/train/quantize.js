// SPDX-License-Identifier: Apache-2.0

/** Fewer and fewer different weights: what matrix formats for low entropy live on. */

/** Rounds of Lloyd's algorithm; it mostly ends before. */
const MOST_ROUNDS = 100;

/**
 * Sets the smallest magnitudes to 0: ⌊share · n⌋ of them, of equal ones the first.
 *
 * @param {Float32Array} data changed in place; finite
 * @param {number} share from 0 to below 1
 */
export function prune(data, share) {
  const count = Math.floor(share * data.length);
  if (count === 0) return;
  const threshold = data.map(Math.abs).sort()[count - 1];
  let equal = count - data.reduce((sum, value) => sum + Number(Math.abs(value) < threshold), 0);
  for (let i = 0; i < data.length; ++i) {
    const magnitude = Math.abs(data[i]);
    if (magnitude < threshold || (magnitude === threshold && equal-- > 0)) data[i] = 0;
  }
}

/**
 * Replaces each weight by one of at most `count` values, the centres of clusters, with a small sum
 * of squared errors (Lloyd's algorithm in one dimension, from centres at equal distances, which
 * serves large weights best: arXiv:1510.00149, section 3.2). 0 stays 0 and is one of the values
 * where it occurs. Data with no more different values stay as they are.
 *
 * @param {Float32Array} data changed in place; finite
 * @param {number} count at least 2
 */
export function quantize(data, count) {
  const sorted = data.filter((value) => value !== 0).sort();
  const available = sorted.length < data.length ? count - 1 : count;
  if (sorted.length === 0 || hasAtMost(sorted, available)) return;
  const centres = cluster(sorted, available);
  for (let i = 0; i < data.length; ++i) {
    if (data[i] !== 0) data[i] = nearest(centres, data[i]);
  }
}

/**
 * @param {Float32Array} sorted
 * @param {number} most
 * @returns {boolean} whether there are no more different values
 */
function hasAtMost(sorted, most) {
  let distinct = 1;
  for (let i = 1; i < sorted.length && distinct <= most; ++i) {
    if (sorted[i] !== sorted[i - 1]) distinct += 1;
  }
  return distinct <= most;
}

/**
 * @param {Float32Array} sorted
 * @param {number} count
 * @returns {Float32Array} rising
 */
function cluster(sorted, count) {
  /** Sums of the first i values. */
  const sums = new Float64Array(sorted.length + 1);
  sorted.forEach((value, i) => (sums[i + 1] = sums[i] + value));
  const low = sorted[0];
  const high = sorted[sorted.length - 1];
  let centres = Float64Array.from({ length: count }, (_, i) =>
    count === 1 ? sums[sorted.length] / sorted.length : low + ((high - low) * i) / (count - 1),
  );
  for (let round = 0; round < MOST_ROUNDS; ++round) {
    const moved = moveCentres(sorted, sums, centres);
    if (moved.length === centres.length && moved.every((value, i) => value === centres[i])) break;
    centres = moved;
  }
  return Float32Array.from(centres);
}

/**
 * One round: each centre goes to the mean of the values that are nearest to it; those without any
 * are dropped.
 *
 * @param {Float32Array} sorted
 * @param {Float64Array} sums
 * @param {Float64Array} centres
 */
function moveCentres(sorted, sums, centres) {
  const moved = [];
  let begin = 0;
  for (let i = 0; i < centres.length; ++i) {
    const end =
      i + 1 < centres.length
        ? lowerBound(sorted, (centres[i] + centres[i + 1]) / 2, begin)
        : sorted.length;
    if (end > begin) moved.push((sums[end] - sums[begin]) / (end - begin));
    begin = end;
  }
  return Float64Array.from(moved);
}

/**
 * @param {Float32Array | Float64Array} sorted
 * @param {number} value
 * @param {number} begin
 * @returns {number} the first index from `begin` on with an element of at least `value`
 */
function lowerBound(sorted, value, begin) {
  let end = sorted.length;
  while (begin < end) {
    const middle = (begin + end) >> 1;
    if (sorted[middle] < value) begin = middle + 1;
    else end = middle;
  }
  return begin;
}

/**
 * @param {Float32Array} centres
 * @param {number} value
 */
function nearest(centres, value) {
  const above = Math.min(lowerBound(centres, value, 0), centres.length - 1);
  const below = Math.max(above - 1, 0);
  return value - centres[below] < centres[above] - value ? centres[below] : centres[above];
}
