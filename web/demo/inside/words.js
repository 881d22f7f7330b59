// SPDX-License-Identifier: Apache-2.0

/** What an element or a cell means, in a sentence. */

import { showFloat32 } from './numbers.js';
import { elementsOf, relate } from './relate.js';

/**
 * @typedef {import('./protocol.js').Arrays} Arrays
 * @typedef {import('./protocol.js').Format} Format
 * @typedef {import('./protocol.js').Grid} Grid
 *
 * @typedef {object} Cell of an array
 * @property {Format} format
 * @property {string} array
 * @property {number} index
 */

/**
 * @param {Grid} grid
 * @param {Record<Format, Arrays>} arrays
 * @param {number} element
 */
export function describeElement(grid, arrays, element) {
  const [row, col] = [Math.floor(element / grid.cols), element % grid.cols];
  const holds = `Row ${row}, column ${col} holds ${showFloat32(grid.values[element])}`;
  const inCsr = relate('csr', arrays.csr, grid, row, col).stored;
  const { stored, marks } = relate('cser', arrays.cser, grid, row, col);
  if (!stored) {
    const csr = inCsr ? 'CSR stores it, as it is not 0' : 'nor does CSR, as it is 0';
    return (
      `${holds}, the most frequent value: CER and CSER hold that once for the whole matrix, as ` +
      `omega[0], and do not store where it stands; ${csr}.`
    );
  }
  const others = marks
    .filter(({ array, role }) => array === 'colI' && role === 'run')
    .map(({ index }) => arrays.cser.colI[index]);
  const run =
    others.length === 0
      ? `a run of its own in row ${row}`
      : `in one run with column${others.length > 1 ? 's' : ''} ${list(others)} of row ${row}`;
  return `${holds}: CER and CSER name that value once in omega; here it is ${run}.`;
}

/**
 * @param {Grid} grid
 * @param {Record<Format, Arrays>} arrays
 * @param {Cell} cell
 */
export function describeCell(grid, arrays, cell) {
  const { format, array, index } = cell;
  const own = arrays[format];
  const value = own[array][index];
  return `${array}[${index}] = ${showFloat32(value)}: ${MEANINGS[array](grid, own, cell, value)}.`;
}

/** @type {Record<string, (grid: Grid, arrays: Arrays, cell: Cell, value: number) => string>} */
const MEANINGS = {
  values: (grid, arrays, cell) => `the element at ${placeOf(grid, arrays, cell)}`,
  colI: (grid, arrays, cell) => `the element at ${placeOf(grid, arrays, cell)}`,
  omega: ({ values }, _, { index }, value) => {
    const times = values.filter((each) => Object.is(each, value)).length;
    const often = times === 1 ? 'once' : `${times} times`;
    return index === 0
      ? `the most frequent value, ${often} in the matrix, whose places are not stored`
      : `a value that the matrix holds ${often}`;
  },
  omegaI: (_, { omega }, __, value) =>
    `this run is of omega[${value}], ${showFloat32(omega[value])}`,
  omegaPtr: (_, { omegaPtr }, { index }, value) => {
    if (index === omegaPtr.length - 1) return 'the last run ends before there in colI';
    if (omegaPtr[index + 1] === value) return 'an empty run, whose pointer repeats';
    return `a run starts there in colI${index > 0 ? ', and the one before it ends' : ''}`;
  },
  rowPtr: ({ rows }, _, { format, index }) => {
    const where = format === 'csr' ? 'colI' : format === 'cer' ? 'omegaPtr' : 'omegaI';
    return index === rows
      ? `row ${rows - 1} ends before there in ${where}`
      : `row ${index} starts there in ${where}`;
  },
};

/**
 * @param {Grid} grid
 * @param {Arrays} arrays
 * @param {Cell} cell
 */
function placeOf(grid, arrays, { format, array, index }) {
  const [element] = elementsOf(format, arrays, grid, array, index);
  return `row ${Math.floor(element / grid.cols)}, column ${element % grid.cols}`;
}

/** @param {number[]} numbers */
function list(numbers) {
  const [last, ...rest] = [...numbers].reverse();
  return rest.length === 0 ? String(last) : `${rest.reverse().join(', ')} and ${last}`;
}
