// SPDX-License-Identifier: Apache-2.0

/** Which cells of a format's arrays belong to an element of the matrix, and the other way round. */

import { runsOf } from './runs.js';

/**
 * @typedef {import('./protocol.js').Arrays} Arrays
 * @typedef {import('./protocol.js').Format} Format
 * @typedef {import('./protocol.js').Grid} Grid
 * @typedef {import('./runs.js').Run} Run
 *
 * @typedef {'value' | 'column' | 'run' | 'pointer'} Role value: of the element; column: its own;
 *   run: the columns of the same run; pointer: what leads there
 * @typedef {{ array: string, index: number, role: Role }} Mark
 */

/**
 * @param {Format} format
 * @param {Arrays} arrays
 * @param {Grid} grid
 * @param {number} row
 * @param {number} col
 * @returns {{ stored: boolean, marks: Mark[] }} stored: the element itself is in the arrays
 */
export function relate(format, arrays, { cols }, row, col) {
  if (format === 'dense') {
    return { stored: true, marks: [{ array: 'values', index: row * cols + col, role: 'value' }] };
  }
  return format === 'csr' ? relateCsr(arrays, row, col) : relateRuns(format, arrays, row, col);
}

/**
 * @param {Arrays} arrays
 * @param {number} row
 * @param {number} col
 * @returns {ReturnType<typeof relate>}
 */
function relateCsr({ colI, rowPtr }, row, col) {
  const index = indexWithin(colI, rowPtr[row], rowPtr[row + 1], col);
  if (index < 0) return { stored: false, marks: [] };
  return {
    stored: true,
    marks: [
      { array: 'values', index, role: 'value' },
      { array: 'colI', index, role: 'column' },
      ...rowPointers(row),
    ],
  };
}

/**
 * @param {'cer' | 'cser'} format
 * @param {Arrays} arrays
 * @param {number} row
 * @param {number} col
 * @returns {ReturnType<typeof relate>}
 */
function relateRuns(format, arrays, row, col) {
  for (const run of runsOf(format, arrays, row)) {
    const index = indexWithin(arrays.colI, run.start, run.end, col);
    if (index >= 0) return { stored: true, marks: marksOf(run, row, index) };
  }
  return { stored: false, marks: [{ array: 'omega', index: 0, role: 'value' }] };
}

/**
 * @param {Run} run
 * @param {number} row
 * @param {number} own place in colI
 * @returns {Mark[]}
 */
export function marksOf(run, row, own) {
  const { code, start, end, pointer, name } = run;
  /** @type {Mark[]} */
  const marks = [{ array: 'omega', index: code, role: 'value' }];
  for (let i = start; i < end; ++i) {
    marks.push({ array: 'colI', index: i, role: i === own ? 'column' : 'run' });
  }
  marks.push({ array: 'omegaPtr', index: pointer, role: 'pointer' });
  marks.push({ array: 'omegaPtr', index: pointer + 1, role: 'pointer' });
  if (name !== undefined) marks.push({ array: 'omegaI', index: name, role: 'pointer' });
  return [...marks, ...rowPointers(row)];
}

/**
 * @param {number} row
 * @returns {Mark[]}
 */
export function rowPointers(row) {
  return [
    { array: 'rowPtr', index: row, role: 'pointer' },
    { array: 'rowPtr', index: row + 1, role: 'pointer' },
  ];
}

/** Which role is shown where a cell has several. @type {Role[]} */
const RANK = ['column', 'value', 'run', 'pointer'];

/**
 * @param {Mark[]} marks
 * @returns {Map<string, Role>} by array and index, as `keyOf` writes them
 */
export function mergeMarks(marks) {
  /** @type {Map<string, Role>} */
  const merged = new Map();
  for (const { array, index, role } of marks) {
    const key = keyOf(array, index);
    const there = merged.get(key);
    if (!there || RANK.indexOf(role) < RANK.indexOf(there)) merged.set(key, role);
  }
  return merged;
}

/**
 * @param {string} array
 * @param {number} index
 */
export function keyOf(array, index) {
  return `${array} ${index}`;
}

/**
 * The elements of the matrix that a cell speaks of. A pointer stands for what starts there, the
 * last one for what ends there.
 *
 * @param {Format} format
 * @param {Arrays} arrays
 * @param {Grid} grid
 * @param {string} array
 * @param {number} index
 * @returns {number[]} places in `grid.values`
 */
export function elementsOf(format, arrays, { rows, cols, values }, array, index) {
  if (format === 'dense') return [index];
  const { rowPtr, colI, omega } = arrays;
  if (array === 'omega') {
    return values.flatMap((value, i) => (Object.is(value, omega[index]) ? [i] : []));
  }
  /** @type {number[]} */
  const found = [];
  for (let row = 0; row < rows; ++row) {
    const whole = array === 'rowPtr' && row === Math.min(index, rows - 1);
    const runs = format === 'csr' ? itemsOf(rowPtr, row) : runsOf(format, arrays, row);
    for (const { start, end, pointer } of runs) {
      const atPointer =
        (array === 'omegaI' && pointer === index) ||
        (array === 'omegaPtr' && pointer === Math.min(index, arrays.omegaPtr.length - 2));
      for (let i = start; i < end; ++i) {
        const own = (array === 'colI' || array === 'values') && i === index;
        if (whole || atPointer || own) found.push(row * cols + colI[i]);
      }
    }
  }
  return found.sort((a, b) => a - b);
}

/**
 * CSR, as if each element were a run.
 *
 * @param {ArrayLike<number>} rowPtr
 * @param {number} row
 */
function itemsOf(rowPtr, row) {
  return Array.from({ length: rowPtr[row + 1] - rowPtr[row] }, (_, i) => {
    const start = rowPtr[row] + i;
    return { start, end: start + 1, pointer: start };
  });
}

/**
 * @param {ArrayLike<number>} list
 * @param {number} start
 * @param {number} end
 * @param {number} wanted
 */
function indexWithin(list, start, end, wanted) {
  for (let i = start; i < end; ++i) if (list[i] === wanted) return i;
  return -1;
}
