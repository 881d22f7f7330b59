// SPDX-License-Identifier: Apache-2.0

/** The numbers in the formula for b*, and what theory expects of the code. */

/** ln(φ - 1), φ the golden ratio. */
export const LOG_GOLDEN = Math.log((Math.sqrt(5) - 1) / 2);

/**
 * @typedef {object} Golomb
 * @property {number} share k / N
 * @property {number} log ln(1 - p)
 * @property {number} ratio of both logarithms
 * @property {number} log2 of that
 * @property {number} parameter b*
 * @property {number} expected bits a position
 * @property {number} bound the entropy of the positions, in bits a position
 */

/**
 * @param {number} count k
 * @param {number} size N, above k
 * @returns {Golomb}
 */
export function golombOf(count, size) {
  const share = count / size;
  const log = Math.log1p(-share);
  const ratio = LOG_GOLDEN / log;
  const log2 = Math.log2(ratio);
  const parameter = Math.max(0, 1 + Math.floor(log2));
  const expected = parameter + 1 / (1 - (1 - share) ** (2 ** parameter));
  const entropy = -share * Math.log2(share) - (1 - share) * Math.log2(1 - share);
  return { share, log, ratio, log2, parameter, expected, bound: entropy / share };
}
