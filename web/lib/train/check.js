// SPDX-License-Identifier: Apache-2.0

/** Checks of options: each gives the value back, or throws one sentence that names the option. */

import { ValueError } from '../core/errors.js';

/**
 * @param {unknown} value
 * @param {string} what
 * @param {number} least
 * @param {number} most
 * @returns {number}
 */
export function checkInteger(value, what, least, most) {
  if (Number.isInteger(value) && Number(value) >= least && Number(value) <= most) {
    return Number(value);
  }
  throw new ValueError(`${what} must be a whole number from ${least} to ${most}, not ${value}.`);
}

/**
 * @param {unknown} value
 * @param {string} what
 * @param {string} range for the message, as "greater than 0"
 * @param {(value: number) => boolean} fits
 * @returns {number}
 */
export function checkNumber(value, what, range, fits) {
  if (typeof value === 'number' && Number.isFinite(value) && fits(value)) return value;
  throw new ValueError(`${what} must be a number ${range}, not ${value}.`);
}

/**
 * A number that is kept as float32, where it must be in the range as well: 1e300 becomes infinite
 * there, and 1e-60 becomes 0.
 *
 * @param {unknown} value
 * @param {string} what
 * @param {string} range for the message, as "greater than 0"
 * @param {(value: number) => boolean} fits
 * @returns {number}
 */
export function checkFloat(value, what, range, fits) {
  const number = checkNumber(value, what, range, fits);
  const kept = Math.fround(number);
  if (Number.isFinite(kept) && (kept !== 0 || number === 0) && fits(kept)) return number;
  throw new ValueError(
    `${what} must be a number ${range}, as float32 too, where ${number} is ${kept}.`,
  );
}

/**
 * @template {string} T
 * @param {unknown} value
 * @param {string} what with its article, as "The model"
 * @param {readonly T[]} known
 * @returns {T}
 */
export function checkName(value, what, known) {
  const found = known.find((name) => name === value);
  if (found !== undefined) return found;
  throw new ValueError(`${what} must be one of ${known.join(', ')}, not ${shown(value)}.`);
}

/**
 * @param {unknown} value
 * @param {string} what
 * @param {readonly string[]} known keys
 * @returns {Record<string, unknown>}
 */
export function checkKeys(value, what, known) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ValueError(`${what} must be an object, not ${shown(value)}.`);
  }
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw new ValueError(`${what} has no "${unknown}"; there are ${known.join(', ')}.`);
  }
  return /** @type {Record<string, unknown>} */ (value);
}

/** @param {unknown} value */
function shown(value) {
  if (typeof value === 'string') return `"${value}"`;
  return Array.isArray(value) ? 'an array' : `${value}`;
}
