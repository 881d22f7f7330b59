// SPDX-License-Identifier: Apache-2.0

/** Where the runs of CER and CSER lie in their arrays. */

/**
 * @typedef {import('./protocol.js').Arrays} Arrays
 *
 * @typedef {object} Run of one value in one row
 * @property {number} code the value's place in omega
 * @property {number} start of its columns in colI
 * @property {number} end after the last of them
 * @property {number} pointer to the start, in omegaPtr; the next one points to the end
 * @property {number} [name] its place in omegaI, of CSER
 */

/**
 * @param {'cer' | 'cser'} format
 * @param {Arrays} arrays
 * @param {number} row
 * @returns {Run[]} of CER with the empty ones among them
 */
export function runsOf(format, arrays, row) {
  const { omegaPtr, omegaI, rowPtr } = arrays;
  const first = rowPtr[row];
  return Array.from({ length: rowPtr[row + 1] - first }, (_, i) => {
    const pointer = first + i;
    const run = { start: omegaPtr[pointer], end: omegaPtr[pointer + 1], pointer };
    return format === 'cer'
      ? { ...run, code: i + 1 }
      : { ...run, code: omegaI[pointer], name: pointer };
  });
}
