// SPDX-License-Identifier: Apache-2.0

/** Numbers for people. */

/**
 * @param {number} value
 * @param {number} digits after the point
 */
export function formatNumber(value, digits = 0) {
  return value.toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/**
 * @param {number} value
 * @param {number} [digits] that count
 * @returns {string} without an exponent where that is readable
 */
export function formatShort(value, digits = 3) {
  return value.toLocaleString('en', { maximumSignificantDigits: digits });
}

/** @param {number} bytes */
export function formatBytes(bytes) {
  if (bytes < 999.5) return `${formatShort(bytes)} B`;
  if (bytes < 1e6) return `${formatNumber(bytes / 1e3, 1)} kB`;
  if (bytes < 1e9) return `${formatNumber(bytes / 1e6, 2)} MB`;
  return `${formatNumber(bytes / 1e9, 2)} GB`;
}

/**
 * @param {number} share
 * @param {number} [digits]
 */
export function formatPercent(share, digits = 1) {
  return `${formatNumber(100 * share, digits)} %`;
}

/**
 * A number with as many digits as count, but never rounded to tens: 175 stays 175.
 *
 * @param {number} value
 * @param {number} [digits] that count
 */
export function formatRounded(value, digits = 2) {
  return Math.abs(value) >= 10 ** digits ? formatNumber(value) : formatShort(value, digits);
}

/**
 * @param {number} number
 * @param {string} one what one of it is called
 * @param {string} [many] by default with an s
 * @returns {string} such as "1 step" or "2,000 steps"
 */
export function count(number, one, many = `${one}s`) {
  return `${formatNumber(number)} ${number === 1 ? one : many}`;
}

/**
 * What a ratio means, in words.
 *
 * @param {number} ratio above 1 where it is better
 * @param {string} better such as faster
 * @param {string} worse such as slower
 * @param {{ same?: string, within?: number }} [options] same: what is said where the ratio is as
 *   good as 1, within so much of it
 */
export function compare(ratio, better, worse, { same = 'the same', within = 0.005 } = {}) {
  if (Math.abs(Math.log(ratio)) <= Math.log1p(within)) return same;
  return ratio > 1 ? `${formatTimes(ratio)} ${better}` : `${formatTimes(1 / ratio)} ${worse}`;
}

/** @param {number} factor */
export function formatTimes(factor) {
  return `×${formatNumber(factor, factor < 1.1 ? 2 : factor < 100 ? 1 : 0)}`;
}

/** @param {number} milliseconds */
export function formatMilliseconds(milliseconds) {
  if (milliseconds < 1) return `${formatRounded(1000 * milliseconds)} µs`;
  return `${formatNumber(milliseconds, milliseconds < 10 ? 2 : milliseconds < 100 ? 1 : 0)} ms`;
}

/** @param {number} seconds */
export function formatSeconds(seconds) {
  if (seconds < 1) return `${formatRounded(1000 * seconds)} ms`;
  if (seconds < 100) return `${formatNumber(seconds, 1)} s`;
  if (seconds < 6000) return `${formatNumber(seconds / 60, 1)} min`;
  return `${formatNumber(seconds / 3600, 1)} h`;
}

/** @param {number} picojoules */
export function formatEnergy(picojoules) {
  if (picojoules < 1e6) return `${formatRounded(picojoules / 1e3, 3)} nJ`;
  if (picojoules < 1e9) return `${formatRounded(picojoules / 1e6, 3)} µJ`;
  return `${formatRounded(picojoules / 1e9, 3)} mJ`;
}
