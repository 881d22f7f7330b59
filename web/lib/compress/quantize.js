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
 * of squared errors. 0 stays 0 and is one of the values where it occurs. Data with no more
 * different values stay as they are.
 *
 * @param {Float32Array} data changed in place; finite
 * @param {number} count at least 2
 */
export function quantize(data, count) {
  const sorted = data.filter((value) => value !== 0).sort();
  const available = sorted.length < data.length ? count - 1 : count;
  if (sorted.length === 0 || hasAtMost(sorted, available)) return;
  const centres = findCentres(new Values(sorted), available);
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

/** Sorted values, and the sums of them and of their squares up to each. */
class Values {
  /** @param {Float32Array} sorted */
  constructor(sorted) {
    this.sorted = sorted;
    this.sums = new Float64Array(sorted.length + 1);
    this.squares = new Float64Array(sorted.length + 1);
    sorted.forEach((value, i) => {
      this.sums[i + 1] = this.sums[i] + value;
      this.squares[i + 1] = this.squares[i] + value * value;
    });
  }

  /**
   * @param {number} begin
   * @param {number} end beyond it
   */
  mean(begin, end) {
    return (this.sums[end] - this.sums[begin]) / (end - begin);
  }

  /**
   * @param {number} begin
   * @param {number} end beyond it
   * @returns {number} the sum of squared distances to the mean
   */
  error(begin, end) {
    const sum = this.sums[end] - this.sums[begin];
    return Math.max(0, this.squares[end] - this.squares[begin] - (sum * sum) / (end - begin));
  }
}

/**
 * Starts with one cluster and divides the one with the largest error at its mean until there are
 * enough; then Lloyd's algorithm. (From centres at equal distances, as in Deep Compression, half of
 * them would lie where pruning has left no values.)
 *
 * @param {Values} values
 * @param {number} count
 * @returns {Float32Array} rising
 */
function findCentres(values, count) {
  let centres = divide(values, count);
  for (let round = 0; round < MOST_ROUNDS; ++round) {
    const moved = moveCentres(values, centres);
    if (moved.length === centres.length && moved.every((value, i) => value === centres[i])) break;
    centres = moved;
  }
  return Float32Array.from(centres);
}

/**
 * @param {Values} values of which there are more different ones than `count`
 * @param {number} count
 * @returns {Float64Array} means, rising
 */
function divide(values, count) {
  /** Where each cluster begins, and the end. */
  const bounds = [0, values.sorted.length];
  const errors = [values.error(0, values.sorted.length)];
  while (errors.length < count) {
    const worst = errors.indexOf(Math.max(...errors));
    const [begin, end] = bounds.slice(worst, worst + 2);
    const middle = lowerBound(values.sorted, values.mean(begin, end), begin);
    // Rounding can put the mean of nearly equal values beyond them all.
    if (middle === begin || middle >= end) {
      errors[worst] = 0;
      if (errors.every((error) => error === 0)) break;
      continue;
    }
    bounds.splice(worst + 1, 0, middle);
    errors.splice(worst, 1, values.error(begin, middle), values.error(middle, end));
  }
  return Float64Array.from(errors, (_, i) => values.mean(bounds[i], bounds[i + 1]));
}

/**
 * One round: each centre goes to the mean of the values that are nearest to it; those without any
 * are dropped.
 *
 * @param {Values} values
 * @param {Float64Array} centres
 */
function moveCentres(values, centres) {
  const { sorted } = values;
  const moved = [];
  let begin = 0;
  for (let i = 0; i < centres.length; ++i) {
    const end =
      i + 1 < centres.length
        ? lowerBound(sorted, (centres[i] + centres[i + 1]) / 2, begin)
        : sorted.length;
    if (end > begin) moved.push(values.mean(begin, end));
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
