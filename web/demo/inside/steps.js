// SPDX-License-Identifier: Apache-2.0

/**
 * The product W · x, one step after another, in the order in which a format is walked through.
 * Operations are counted as the library's cost model does: a sum of n terms takes n - 1 additions,
 * every array is read once from end to end but for omega, which is read once a run.
 */

import { showFloat32, showResult } from './numbers.js';
import { marksOf, rowPointers } from './relate.js';
import { runsOf } from './runs.js';
import { Tape } from './tape.js';

/**
 * @typedef {import('./protocol.js').Arrays} Arrays
 * @typedef {import('./protocol.js').Format} Format
 * @typedef {import('./protocol.js').Grid} Grid
 * @typedef {import('./relate.js').Mark} Mark
 * @typedef {import('./runs.js').Run} Run
 * @typedef {import('./tape.js').Step} Step
 */

/**
 * @param {Format} format
 * @param {Arrays} arrays
 * @param {Grid} grid
 * @param {number[]} x
 * @returns {Step[]}
 */
export function steps(format, arrays, grid, x) {
  const tape = new Tape();
  if (format === 'dense') walkDense(arrays, grid, x, tape);
  else if (format === 'csr') walkCsr(arrays, grid, x, tape);
  else walkRuns(format, arrays, grid, x, tape);
  return tape.steps;
}

/**
 * @param {Arrays} arrays
 * @param {Grid} grid
 * @param {number[]} x
 * @param {Tape} tape
 */
function walkDense({ values }, { rows, cols }, x, tape) {
  for (let row = 0; row < rows; ++row) {
    tape.startRow(row);
    for (let col = 0; col < cols; ++col) {
      const index = row * cols + col;
      tape.count({ read: 2 });
      multiplyOne(tape, values[index], x[col], col, [{ array: 'values', index, role: 'value' }]);
    }
    tape.endRow();
  }
}

/**
 * @param {Arrays} arrays
 * @param {Grid} grid
 * @param {number[]} x
 * @param {Tape} tape
 */
function walkCsr({ values, colI, rowPtr }, { rows }, x, tape) {
  tape.count({ read: 1 }); // the first pointer
  for (let row = 0; row < rows; ++row) {
    tape.startRow(row);
    tape.count({ read: 1 });
    for (let index = rowPtr[row]; index < rowPtr[row + 1]; ++index) {
      const col = colI[index];
      tape.count({ read: 3 });
      multiplyOne(tape, values[index], x[col], col, [
        { array: 'values', index, role: 'value' },
        { array: 'colI', index, role: 'column' },
        ...rowPointers(row),
      ]);
    }
    endRow(tape, row);
  }
}

/**
 * One element of dense or CSR.
 *
 * @param {Tape} tape
 * @param {number} weight
 * @param {number} input
 * @param {number} col
 * @param {Mark[]} marks
 */
function multiplyOne(tape, weight, input, col, marks) {
  const term = `${showFloat32(weight)} × x${col}`;
  tape.count({ multiply: 1 });
  tape.addTerm(term, weight * input);
  tape.emit(`Multiply ${showFloat32(weight)} by x${col}${tape.andAdd()}.`, marks, [col]);
}

/**
 * @param {'cer' | 'cser'} format
 * @param {Arrays} arrays
 * @param {Grid} grid
 * @param {number[]} x
 * @param {Tape} tape
 */
function walkRuns(format, arrays, { rows }, x, tape) {
  const { omega } = arrays;
  const base = omega[0] === 0 ? undefined : subtract(omega, x, tape);
  tape.count({ read: 2 }); // the first pointers
  for (let row = 0; row < rows; ++row) {
    tape.startRow(row);
    tape.count({ read: 1 });
    const runs = runsOf(format, arrays, row);
    for (const run of runs) {
      tape.count({ read: run.name === undefined ? 1 : 2 });
      if (run.start === run.end) skipRun(omega, run, row, tape);
      else walkRun(arrays, run, row, x, tape);
    }
    if (base !== undefined) tape.addBase(base);
    endRow(tape, row);
  }
}

/**
 * A most frequent value other than 0: it is put back through the sum of x.
 *
 * @param {ArrayLike<number>} omega
 * @param {number[]} x
 * @param {Tape} tape
 * @returns {number} what every row starts from
 */
function subtract(omega, x, tape) {
  const sum = x.reduce((total, each) => total + each);
  const first = showFloat32(omega[0]);
  const value = /** @type {Mark} */ ({ array: 'omega', index: 0, role: 'value' });
  const all = x.map((_, i) => i);
  tape.count({ add: x.length - 1, read: x.length });
  tape.emit(`Add up all of x, once: Σx = ${showResult(sum)}.`, [], all);
  if (omega.length > 1) {
    tape.count({ add: omega.length - 1 });
    tape.emit(
      omega.length === 2
        ? `Subtract the most frequent value, ${first}, from the other.`
        : `Subtract the most frequent value, ${first}, from the ${omega.length - 1} others.`,
      Array.from(omega, (_, index) => ({ ...value, index })),
      [],
    );
  }
  tape.count({ multiply: 1 });
  tape.emit(
    `Multiply Σx by ${first}: every row has ${showResult(omega[0] * sum)} in it.`,
    [value],
    [],
  );
  return omega[0] * sum;
}

/**
 * @param {Arrays} arrays
 * @param {Run} run
 * @param {number} row
 * @param {number[]} x
 * @param {Tape} tape
 */
function walkRun({ omega, colI }, run, row, x, tape) {
  const names = [];
  let sum = 0;
  for (let i = run.start; i < run.end; ++i) {
    const col = colI[i];
    const isFirst = i === run.start;
    names.push(`x${col}`);
    sum += x[col];
    tape.count({ read: 2, add: isFirst ? 0 : 1 });
    tape.open(names.join(' + '));
    const what = isFirst ? `Take x${col}` : `Add x${col}`;
    tape.emit(`${what}, for the value ${showFloat32(omega[run.code])}.`, marksOf(run, row, i), [
      col,
    ]);
  }
  const weight = omega[run.code] - omega[0];
  const shown = showFloat32(Math.fround(weight));
  const sumText = names.length > 1 ? `(${names.join(' + ')})` : names[0];
  tape.count({ read: 1, multiply: 1 });
  tape.addTerm(`${sumText} × ${shown}`, sum * weight);
  tape.emit(
    `Multiply ${names.length > 1 ? 'the sum' : names[0]} by ${shown}, once${tape.andAdd()}.`,
    marksOf(run, row, -1),
    names.map((name) => Number(name.slice(1))),
  );
}

/**
 * @param {ArrayLike<number>} omega
 * @param {Run} run
 * @param {number} row
 * @param {Tape} tape
 */
function skipRun(omega, run, row, tape) {
  const value = showFloat32(omega[run.code]);
  tape.emit(`Row ${row} has no ${value}: the pointer repeats.`, marksOf(run, row, -1), []);
}

/**
 * @param {Tape} tape
 * @param {number} row
 */
function endRow(tape, row) {
  if (tape.isEmptyRow()) tape.emit(`Row ${row} lists nothing.`, rowPointers(row), []);
  tape.endRow();
}
