// SPDX-License-Identifier: Apache-2.0

/** Float32 numbers as people write them. */

const LARGEST = 3.4028234663852886e38;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * @param {string} text
 * @param {string} where it stands, for the sentence
 * @returns {number} a finite float32
 * @throws {Error} with a sentence
 */
export function parseFloat32(text, where) {
  const trimmed = text.trim().replace('−', '-');
  if (trimmed === '') throw new Error(`${where} is empty, and needs a number.`);
  if (!NUMBER.test(trimmed)) {
    throw new Error(
      `“${text.trim().slice(0, 40)}” in ${lowerFirst(where)} is not a finite number.`,
    );
  }
  const value = Math.fround(Number(trimmed));
  if (Math.abs(value) > LARGEST) {
    throw new Error(`${trimmed.slice(0, 40)} in ${lowerFirst(where)} is too large for 32 bits.`);
  }
  return value;
}

/**
 * @param {number} value a float32
 * @returns {string} the shortest that means just this one
 */
export function formatFloat32(value) {
  if (Object.is(value, -0)) return '-0';
  for (let digits = 1; digits < 9; ++digits) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === value) return String(shorter);
  }
  return String(Number(value.toPrecision(9)));
}

/**
 * As above, to be read and not edited: with a true minus sign.
 *
 * @param {number} value
 */
export function showFloat32(value) {
  return formatFloat32(value).replaceAll('-', '−');
}

/**
 * @param {number} value
 * @returns {string} with at most six digits, for what came out of a calculation
 */
export function showResult(value) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'undefined' : value > 0 ? '∞' : '−∞';
  return String(Number(value.toPrecision(6))).replaceAll('-', '−');
}

/** @param {string} text */
function lowerFirst(text) {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
