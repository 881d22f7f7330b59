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

/** @param {number} bytes */
export function formatBytes(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${formatNumber(bytes / 1e3, 1)} kB`;
  return `${formatNumber(bytes / 1e6, 2)} MB`;
}

/** @param {number} share */
export function formatPercent(share) {
  return `${formatNumber(100 * share, 1)} %`;
}

/** @param {number} factor */
export function formatTimes(factor) {
  return `${formatNumber(factor, 1)}×`;
}
