// SPDX-License-Identifier: Apache-2.0

/** Checks of arguments: each gives the value back, or throws one sentence that names it. */

import { ValueError } from './errors.js';
import { bytesOf, describe } from './tags.js';

/**
 * @param {unknown} value
 * @param {string} what
 * @param {number} least
 * @param {number} most
 * @returns {number}
 */
export function checkInteger(value, what, least, most) {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) {
    return value;
  }
  throw new ValueError(
    `${what} must be a whole number from ${least} to ${most}, not ${shown(value)}.`,
  );
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
  throw new ValueError(`${what} must be a number ${range}, not ${shown(value)}.`);
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

/**
 * The options of a function. One that there is not is refused: whoever misspells `format` gets told
 * so, and not another format.
 *
 * @template {object} T
 * @param {T} options
 * @param {string} what the function, as "Model.load"
 * @param {readonly string[]} known names
 * @returns {T} a copy, of which each option was read once
 * @throws {ValueError} for an option that there is not, and for options that are no object
 */
export function checkOptions(options, what, known) {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new ValueError(`The options of ${what} must be an object, not ${shown(options)}.`);
  }
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    const there = known.length === 1 ? 'there is' : 'there are';
    throw new ValueError(`${what} has no option "${unknown}"; ${there} ${known.join(', ')}.`);
  }
  /** @type {Record<string, unknown>} */
  const given = {};
  for (const name of known) {
    const value = /** @type {Record<string, unknown>} */ (options)[name];
    if (value !== undefined) given[name] = value;
  }
  return /** @type {T} */ (given);
}

/**
 * @template T
 * @param {T} value
 * @param {string} what as "The option "onProgress""
 * @returns {T}
 */
export function checkFunction(value, what) {
  if (value === undefined || typeof value === 'function') return value;
  throw new ValueError(`${what} must be a function, not ${shown(value)}.`);
}

/**
 * @param {unknown} value
 * @param {string} what with its article, as "The labels"
 * @returns {Uint8Array} of a buffer, a DataView or an array of bytes, of any realm; shares the memory
 */
export function checkBytes(value, what) {
  let bytes;
  try {
    bytes = bytesOf(value);
  } catch {
    throw new ValueError(`${what}: the memory was given away, to another thread perhaps.`);
  }
  if (bytes) return bytes;
  throw new ValueError(`${what} must be a Uint8Array or other bytes, not ${describe(value)}.`);
}

/** @param {unknown} value */
function shown(value) {
  if (typeof value === 'string') return `"${value}"`;
  return typeof value === 'number' ? `${value}` : describe(value);
}
