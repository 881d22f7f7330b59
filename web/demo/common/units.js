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
  if (bytes < 1000) return `${formatShort(bytes)} B`;
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

/** @param {number} factor */
export function formatTimes(factor) {
  return `×${formatNumber(factor, factor < 100 ? 1 : 0)}`;
}

/** @param {number} milliseconds */
export function formatMilliseconds(milliseconds) {
  if (milliseconds < 1) return `${formatShort(1000 * milliseconds, 2)} µs`;
  return `${formatNumber(milliseconds, milliseconds < 10 ? 2 : milliseconds < 100 ? 1 : 0)} ms`;
}

/** @param {number} seconds */
export function formatSeconds(seconds) {
  if (seconds < 1) return `${formatShort(1000 * seconds, 2)} ms`;
  if (seconds < 100) return `${formatNumber(seconds, 1)} s`;
  if (seconds < 6000) return `${formatNumber(seconds / 60, 1)} min`;
  return `${formatNumber(seconds / 3600, 1)} h`;
}

/** @param {number} picojoules */
export function formatEnergy(picojoules) {
  if (picojoules < 1e6) return `${formatShort(picojoules / 1e3)} nJ`;
  if (picojoules < 1e9) return `${formatShort(picojoules / 1e6)} µJ`;
  return `${formatShort(picojoules / 1e9)} mJ`;
}
