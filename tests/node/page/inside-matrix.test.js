// SPDX-License-Identifier: Apache-2.0

/** What "Look inside" says about the matrix formats, against the library. */

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import { drawMatrix } from '../../../web/demo/inside/draw.js';
import { formatFloat32, parseFloat32 } from '../../../web/demo/inside/numbers.js';
import { FORMATS } from '../../../web/demo/inside/protocol.js';
import { elementsOf, relate } from '../../../web/demo/inside/relate.js';
import { EXAMPLE } from '../../../web/demo/inside/state.js';
import { steps } from '../../../web/demo/inside/steps.js';
import { Matrix, init } from '../../../web/lib/index.js';
import { chooseSeed, makeRandom } from '../../support/random.js';

/**
 * @typedef {import('../../../web/demo/inside/protocol.js').Format} Format
 * @typedef {import('../../../web/demo/inside/protocol.js').Grid} Grid
 * @typedef {import('../../../web/demo/inside/relate.js').Mark} Mark
 */

const seed = chooseSeed();
const random = makeRandom(seed);

before(() => init());

/**
 * @param {Grid} grid
 * @param {Format} format
 */
function encode({ rows, cols, values }, format) {
  const matrix = Matrix.fromDense(values, rows, cols, { format });
  const result = { arrays: matrix.arrays(), ops: matrix.cost().ops };
  matrix.dispose();
  return result;
}

/** Also such as are all zeros, or have one value, negative zeros, one row or one column. */
function randomGrids() {
  const grids = Array.from({ length: 300 }, (_, i) =>
    drawMatrix(i, 1 + Math.floor(8 * random()), 1 + Math.floor(8 * random())),
  );
  const constant = [0, -0, 2.5].map((value) => ({
    rows: 3,
    cols: 2,
    values: Array(6).fill(value),
  }));
  const zeros = { rows: 2, cols: 3, values: [0, -0, 1, 0, -0, 0] };
  return [EXAMPLE, ...constant, zeros, ...grids];
}

/**
 * @param {Mark[]} marks
 * @param {string} array
 * @param {string} [role]
 */
function indexes(marks, array, role) {
  return marks
    .filter((mark) => mark.array === array && (!role || mark.role === role))
    .map(({ index }) => index);
}

describe(`inside: matrix, LOWTROPY_SEED=${seed}`, () => {
  test('the worked example: what belongs to the 4 at row 0, column 2', () => {
    const csr = relate('csr', encode(EXAMPLE, 'csr').arrays, EXAMPLE, 0, 2);
    assert.deepEqual(indexes(csr.marks, 'values', 'value'), [1]);
    assert.deepEqual(indexes(csr.marks, 'rowPtr', 'pointer'), [0, 1]);
    for (const format of /** @type {const} */ (['cer', 'cser'])) {
      const { stored, marks } = relate(format, encode(EXAMPLE, format).arrays, EXAMPLE, 0, 2);
      assert(stored);
      assert.deepEqual(indexes(marks, 'omega', 'value'), [1]);
      assert.deepEqual(indexes(marks, 'colI', 'column'), [1]);
      assert.deepEqual(indexes(marks, 'colI', 'run'), [0]);
      assert.deepEqual(indexes(marks, 'omegaPtr', 'pointer'), [0, 1]);
      assert.deepEqual(indexes(marks, 'rowPtr', 'pointer'), [0, 1]);
      assert.deepEqual(indexes(marks, 'omegaI', 'pointer'), format === 'cser' ? [0] : []);
    }
  });

  test('the worked example: what is not stored', () => {
    for (const format of FORMATS) {
      const { stored } = relate(format, encode(EXAMPLE, format).arrays, EXAMPLE, 0, 0);
      assert.equal(stored, format === 'dense', format);
    }
  });

  test('marks hold the element: its column, its value, its run, and pointers around it', () => {
    for (const grid of randomGrids()) {
      for (const format of FORMATS) {
        const { arrays } = encode(grid, format);
        grid.values.forEach((value, i) => checkElement(grid, format, arrays, i, value));
      }
    }
  });

  test('cells lead back to their elements', () => {
    for (const grid of randomGrids()) {
      for (const format of FORMATS) {
        const { arrays } = encode(grid, format);
        grid.values.forEach((_, i) => {
          const { cols } = grid;
          const { stored, marks } = relate(format, arrays, grid, Math.floor(i / cols), i % cols);
          for (const { array, index, role } of marks.filter(
            (each) => stored || each.role === 'value',
          )) {
            if (role === 'pointer' || role === 'run') continue;
            assert(elementsOf(format, arrays, grid, array, index).includes(i), `${array} ${index}`);
          }
        });
      }
    }
  });

  test('a pointer of a run stands for the run, one of a row for the row', () => {
    const { arrays } = encode(EXAMPLE, 'cser');
    assert.deepEqual(elementsOf('cser', arrays, EXAMPLE, 'omegaPtr', 0), [1, 2]);
    assert.deepEqual(elementsOf('cser', arrays, EXAMPLE, 'omegaI', 3), [4]);
    assert.deepEqual(elementsOf('cser', arrays, EXAMPLE, 'rowPtr', 0), [1, 2, 3]);
    assert.deepEqual(elementsOf('cser', arrays, EXAMPLE, 'rowPtr', 4), [12, 14]);
    const cer = encode(EXAMPLE, 'cer').arrays;
    assert.deepEqual(elementsOf('cer', cer, EXAMPLE, 'omegaPtr', 3), [], 'an empty run');
    const csr = encode(EXAMPLE, 'csr').arrays;
    assert.deepEqual(elementsOf('csr', csr, EXAMPLE, 'rowPtr', 1), [4, 7]);
  });

  test('the steps end in the product, and count as the cost model does', () => {
    for (const grid of randomGrids()) {
      const x = Array.from({ length: grid.cols }, () => Math.floor(9 * random()) - 4);
      const expected = Array.from({ length: grid.rows }, (_, row) =>
        x.reduce((sum, each, col) => sum + each * grid.values[row * grid.cols + col], 0),
      );
      for (const format of FORMATS) {
        const { arrays, ops } = encode(grid, format);
        const last = steps(format, arrays, grid, x).at(-1);
        const about = `${format} of ${JSON.stringify(grid)}`;
        assert.deepEqual(last?.counts, ops, about);
        const wrong = expected.filter((value, i) => Math.abs(value - (last?.y[i] ?? NaN)) > 1e-6);
        assert.deepEqual(wrong, [], about);
      }
    }
  });

  test('the worked example in words', () => {
    const list = steps('cser', encode(EXAMPLE, 'cser').arrays, EXAMPLE, [1, 2, 3, 4]);
    const ends = list.filter(({ expression }) => expression.includes('='));
    assert.deepEqual(
      ends.map(({ expression }) => expression),
      [
        '(x1 + x2) × 4 + x3 × 2 = 28',
        'x3 × 4 + x0 × 3 = 19',
        '(x2 + x3) × 2 = 14',
        '(x0 + x2) × 4 = 16',
      ],
    );
    assert.deepEqual(list.at(-1)?.counts, { add: 5, multiply: 6, read: 42, write: 4 });
  });

  test('numbers are written as short as they can be, and read back', () => {
    assert.equal(formatFloat32(Math.fround(0.1)), '0.1');
    assert.equal(formatFloat32(-0), '-0');
    for (let i = 0; i < 1000; ++i) {
      const value = Math.fround((random() - 0.5) * 10 ** Math.floor(70 * random() - 35));
      assert(Object.is(parseFloat32(formatFloat32(value), 'It'), value), String(value));
    }
    for (const text of ['', ' ', 'abc', 'Infinity', 'NaN', '1e39', '3.4028236e38', '0x10', '1 2']) {
      assert.throws(() => parseFloat32(text, 'Row 0'), /ow 0.*\.$/, text);
    }
  });
});

/**
 * @param {Grid} grid
 * @param {Format} format
 * @param {Record<string, ArrayLike<number>>} arrays
 * @param {number} i
 * @param {number} value
 */
function checkElement(grid, format, arrays, i, value) {
  const [row, col] = [Math.floor(i / grid.cols), i % grid.cols];
  const about = `${format}, row ${row}, column ${col} of ${JSON.stringify(grid)}`;
  const { stored, marks } = relate(format, arrays, grid, row, col);
  const list = format === 'dense' || format === 'csr' ? 'values' : 'omega';
  const [at] = indexes(marks, list, 'value');
  if (stored || list === 'omega') assert(Object.is(arrays[list][at], value), about);
  const left = format === 'csr' ? 0 : format === 'dense' ? undefined : arrays.omega[0];
  assert.equal(stored, left === undefined || !Object.is(value, left), about);
  if (!stored || format === 'dense') return;
  const [own] = indexes(marks, 'colI', 'column');
  assert.equal(arrays.colI[own], col, about);
  if (format === 'csr') {
    assert.deepEqual(indexes(marks, 'rowPtr'), [row, row + 1]);
    assert(arrays.rowPtr[row] <= own && own < arrays.rowPtr[row + 1], about);
    return;
  }
  const run = [own, ...indexes(marks, 'colI', 'run')].map((index) => arrays.colI[index]);
  const same = Array.from({ length: grid.cols }, (_, other) => other).filter((other) =>
    Object.is(grid.values[row * grid.cols + other], value),
  );
  assert.deepEqual(run.sort(), same, about);
  const [start, end] = indexes(marks, 'omegaPtr').map((index) => arrays.omegaPtr[index]);
  assert(start <= own && own < end, about);
  for (const index of indexes(marks, 'omegaI')) assert.equal(arrays.omegaI[index], at, about);
}
