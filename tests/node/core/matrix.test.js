// SPDX-License-Identifier: Apache-2.0

/** `Matrix` as a user of the package has it. */

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import {
  DisposedError,
  FORMATS,
  LowtropyError,
  Matrix,
  MemoryError,
  ShapeError,
  ValueError,
  init,
} from '../../../web/lib/index.js';
import { formatsOf } from '../../support/formats.js';
import { heapBytes } from '../../support/heap.js';
import { chooseSeed, makeRandom } from '../../support/random.js';

/** The example of the formats' documentation. */
const GOLDEN = Float32Array.of(0, 4, 4, 2, 3, 0, 0, 4, 0, 0, 2, 2, 4, 0, 4, 0);

before(() => init());

/**
 * @param {() => unknown} work
 * @param {new (...args: any[]) => Error} type
 * @param {RegExp} message
 */
function refuses(work, type, message) {
  assert.throws(work, (error) => {
    assert(error instanceof type, `${error}`);
    assert(error instanceof LowtropyError && error instanceof Error);
    assert.equal(error.name, type.name);
    assert.match(error.message, message);
    assert.match(error.message, /^[A-Z"].*\.$/, 'one sentence');
    return true;
  });
}

/**
 * @param {Float32Array} values
 * @param {number} rows
 * @param {number} cols
 * @param {Float32Array} x
 * @param {number} n
 * @returns {{ product: Float64Array, scale: Float64Array }} scale: Σ |w · x|
 */
function multiplyInDouble(values, rows, cols, x, n) {
  const product = new Float64Array(rows * n);
  const scale = new Float64Array(rows * n);
  for (let r = 0; r < rows; ++r) {
    for (let k = 0; k < cols; ++k) {
      for (let j = 0; j < n; ++j) {
        const term = values[r * cols + k] * x[k * n + j];
        product[r * n + j] += term;
        scale[r * n + j] += Math.abs(term);
      }
    }
  }
  return { product, scale };
}

describe('matrix: the golden example', () => {
  test('arrays of CER', () => {
    const matrix = Matrix.fromDense(GOLDEN, 4, 4, { format: 'cer' });
    assert.deepEqual(matrix.arrays(), {
      omega: Float32Array.of(0, 4, 2, 3),
      colI: Uint8Array.of(1, 2, 3, 3, 0, 2, 3, 0, 2),
      omegaPtr: Uint8Array.of(0, 2, 3, 4, 4, 5, 5, 7, 9),
      rowPtr: Uint8Array.of(0, 2, 5, 7, 8),
    });
    assert.equal(matrix.byteLength, 16 + 9 + 9 + 5);
    matrix.dispose();
  });

  test('arrays of CSER', () => {
    const matrix = Matrix.fromDense(GOLDEN, 4, 4, { format: 'cser' });
    assert.deepEqual(matrix.arrays(), {
      omega: Float32Array.of(0, 4, 2, 3),
      colI: Uint8Array.of(1, 2, 3, 3, 0, 2, 3, 0, 2),
      omegaPtr: Uint8Array.of(0, 2, 3, 4, 5, 7, 9),
      omegaI: Uint8Array.of(1, 2, 1, 3, 2, 1),
      rowPtr: Uint8Array.of(0, 2, 4, 5, 6),
    });
    matrix.dispose();
  });

  test('statistics, cost and choice', () => {
    const matrix = Matrix.fromDense(GOLDEN, 4, 4, { format: 'cser' });
    const { p0, entropy, distinct, distinctPerRow, nnz } = matrix.stats();
    assert.equal(p0, 7 / 16);
    const bits = [7, 5, 3, 1].reduce((sum, n) => sum - (n / 16) * Math.log2(n / 16), 0);
    assert(Math.abs(entropy - bits) < 1e-12, `${entropy}`);
    assert.deepEqual([distinct, distinctPerRow, nnz], [4, (3 + 3 + 2 + 2) / 4, 9]);
    const { bytes, ops, energyPj } = matrix.cost();
    assert.equal(bytes, matrix.byteLength);
    assert(ops.add > 0 && ops.multiply > 0 && ops.read > 0 && ops.write > 0 && energyPj > 0);
    const choice = matrix.choice();
    assert.deepEqual(new Set(choice.candidates.map(({ format }) => format)), new Set(FORMATS));
    const own = choice.candidates.find(({ format }) => format === 'cser');
    assert.equal(own?.bytes, matrix.byteLength);
    assert.match(choice.reason, /\S/);
    matrix.dispose();
  });

  test('there is no prediction of what a format is not meant for', () => {
    const matrix = Matrix.fromDense(GOLDEN, 4, 4);
    for (const columns of [1, 2, 64]) {
      const { format, candidates } = matrix.choice(columns);
      for (const candidate of candidates) {
        const meant = candidate.format !== 'blocks' || columns === 1;
        assert.equal(Number.isFinite(candidate.nanoseconds), meant, candidate.format);
        if (!meant) assert.equal(candidate.nanoseconds, Infinity);
      }
      if (columns !== 1) assert.notEqual(format, 'blocks');
    }
    matrix.dispose();
  });

  for (const format of FORMATS) {
    test(`${format} multiplies, and gives back what went in`, () => {
      const matrix = Matrix.fromDense(GOLDEN, 4, 4, { format });
      assert.deepEqual([matrix.format, matrix.rows, matrix.cols], [format, 4, 4]);
      assert.deepEqual(matrix.toDense(), GOLDEN);
      assert.deepEqual(matrix.multiply([1, 10, 100, 1000]), Float32Array.of(2440, 4003, 2200, 404));
      assert.deepEqual(
        matrix.multiply(Float32Array.of(1, 0, 0, 1, 0, 0, 0, 0), 2),
        Float32Array.of(0, 4, 3, 0, 0, 0, 4, 0),
      );
      const stored = Object.values(matrix.arrays());
      assert.equal(
        stored.reduce((sum, { byteLength }) => sum + byteLength, 0),
        matrix.byteLength,
      );
      matrix.dispose();
    });
  }
});

test('matrix: what arrays() gives is a copy', () => {
  const matrix = Matrix.fromDense(GOLDEN, 4, 4, { format: 'dense' });
  matrix.arrays().values.fill(7);
  matrix.toDense().fill(7);
  assert.deepEqual(matrix.toDense(), GOLDEN);
  matrix.dispose();
});

test('matrix: to() makes another one, which lives by itself', () => {
  const first = Matrix.fromDense(GOLDEN, 4, 4, { format: 'dense' });
  const second = first.to('pcsr');
  first.dispose();
  assert.equal(second.format, 'pcsr');
  const third = second.to('auto');
  assert.equal(third.format, second.choice().format);
  second.dispose();
  assert.deepEqual(third.toDense(), GOLDEN);
  third.dispose();
});

test('matrix: values are kept bit for bit, −0 and the smallest among them', () => {
  const values = Float32Array.of(-0, 0, 1.4e-45, -1.4e-45, 3.4028234663852886e38, 1, -0, 0);
  const bits = new Uint32Array(values.buffer);
  for (const format of formatsOf(values, 2, 4)) {
    const matrix = Matrix.fromDense(values, 2, 4, { format });
    assert.deepEqual(new Uint32Array(matrix.toDense().buffer), bits, format);
    matrix.dispose();
  }
});

test('matrix: numbers in plain arrays, and in double precision', () => {
  for (const values of [[...GOLDEN], Float64Array.from(GOLDEN)]) {
    const matrix = Matrix.fromDense(/** @type {any} */ (values), 4, 4);
    assert.deepEqual(matrix.toDense(), GOLDEN);
    matrix.dispose();
  }
});

test('matrix: random ones against a product in double precision', async (t) => {
  const seed = chooseSeed();
  t.diagnostic(`LOWTROPY_SEED=${seed}`);
  const next = makeRandom(seed);
  const integer = (/** @type {number} */ most) => 1 + Math.floor(next() * most);
  for (let round = 0; round < 60; ++round) {
    const [rows, cols, n] = [integer(40), integer(round % 10 === 0 ? 700 : 70), integer(20)];
    const palette = Float32Array.from({ length: integer(30) }, () => 4 * next() - 2);
    if (round % 3 > 0) palette[0] = 0;
    const p0 = next();
    const values = Float32Array.from({ length: rows * cols }, () =>
      next() < p0 ? palette[0] : palette[Math.floor(next() * palette.length)],
    );
    const formats = formatsOf(values, rows, cols);
    for (const columns of [1, n]) {
      const x = Float32Array.from({ length: cols * columns }, () => 2 * next() - 1);
      const { product, scale } = multiplyInDouble(values, rows, cols, x, columns);
      const spread = multiplyInDouble(new Float32Array(cols).fill(1), 1, cols, x, columns).scale;
      for (const format of formats) {
        const matrix = Matrix.fromDense(values, rows, cols, { format });
        const result = matrix.multiply(x, columns);
        assert.deepEqual(matrix.toDense(), values);
        result.forEach((value, i) => {
          // A most frequent value other than 0 is put back through Σx.
          const bound = 1e-6 * (scale[i] + 4 * spread[i % columns]) + 1e-7;
          assert(
            Math.abs(value - product[i]) <= bound,
            `seed ${seed}, round ${round}, ${format} ${rows}×${cols}×${columns}: ` +
              `[${i}] is ${value}, not ${product[i]}`,
          );
        });
        matrix.dispose();
      }
    }
  }
});

test('matrix: NaN and infinities count where the weight is 0, in every format', () => {
  const values = Float32Array.of(1, 0, 2, 0, 0, 3, -1, 5, 4);
  for (const format of [.../** @type {const} */ (['auto']), ...FORMATS]) {
    const matrix = Matrix.fromDense(values, 3, 3, { format });
    for (const n of [1, 5, 40]) {
      const multiply = (/** @type {number} */ row, /** @type {number} */ value) => {
        const x = new Float32Array(3 * n).fill(1);
        x[row * n] = value;
        const y = matrix.multiply(x, n);
        for (let j = 1; j < n; ++j) {
          assert.deepEqual([y[j], y[n + j], y[2 * n + j]], [3, 3, 8], `${format}, column ${j}`);
        }
        return [y[0], y[n], y[2 * n]];
      };
      const what = `${format}, ${n} columns`;
      assert.deepEqual(multiply(1, NaN), [NaN, NaN, NaN], what);
      assert.deepEqual(multiply(1, Infinity), [NaN, NaN, Infinity], what);
      assert.deepEqual(multiply(0, -Infinity), [-Infinity, NaN, Infinity], what);
      assert.deepEqual(multiply(2, Infinity), [Infinity, Infinity, Infinity], what);
    }
    matrix.dispose();
  }
});

describe('matrix: refusals', () => {
  const nan = Float32Array.from(GOLDEN);
  nan[6] = NaN;
  const infinite = Float32Array.from(GOLDEN);
  infinite[15] = -Infinity;
  /** @type {Array<[what: string, work: () => unknown, type: new () => Error, message: RegExp]>} */
  const cases = [
    [
      'too few values',
      () => Matrix.fromDense(GOLDEN, 4, 5),
      ShapeError,
      /4×5 must hold 20.* not 16/,
    ],
    ['no rows', () => Matrix.fromDense([], 0, 4), ShapeError, /number of rows .* not 0/],
    ['half a column', () => Matrix.fromDense(GOLDEN, 4, 4.5), ShapeError, /columns .* not 4.5/],
    ['too many rows', () => Matrix.fromDense(GOLDEN, 2 ** 32, 1), ShapeError, /4294967296/],
    ['NaN', () => Matrix.fromDense(nan, 4, 4), ValueError, /row 1, column 2/],
    ['an infinity', () => Matrix.fromDense(infinite, 4, 4), ValueError, /row 3, column 3/],
    [
      'a number too large for float32',
      () => Matrix.fromDense([1, 1e300], 1, 2),
      ValueError,
      /row 0, column 1/,
    ],
    [
      'an unknown format',
      () => Matrix.fromDense(GOLDEN, 4, 4, { format: /** @type {any} */ ('zip') }),
      ValueError,
      /no format "zip"; there are auto, dense, csr, cer, cser, palette, pcsr, mask, blocks, grid/,
    ],
    [
      'values that are no numbers',
      () => Matrix.fromDense(/** @type {any} */ (['1']), 1, 1),
      ValueError,
      /Float32Array or an array of numbers/,
    ],
    [
      'integers, whose range is not the one of floats',
      () => Matrix.fromDense(/** @type {any} */ (Int32Array.of(1)), 1, 1),
      ValueError,
      /Float32Array/,
    ],
  ];
  for (const [what, work, type, message] of cases) test(what, () => refuses(work, type, message));

  test('right-hand sides that do not fit', () => {
    const matrix = Matrix.fromDense(GOLDEN, 4, 4);
    refuses(() => matrix.multiply([1, 2, 3]), ShapeError, /4×1 must hold 4 values, not 3/);
    refuses(() => matrix.multiply(new Float32Array(4), 2), ShapeError, /4×2 must hold 8/);
    refuses(() => matrix.multiply([], 0), ShapeError, /columns/);
    refuses(() => matrix.multiply(/** @type {any} */ ('1234')), ValueError, /right-hand side/);
    refuses(() => matrix.to(/** @type {any} */ ('toString')), ValueError, /no format "toString"/);
    refuses(() => matrix.choice(-1), ShapeError, /not -1/);
    matrix.dispose();
  });

  test('a disposed handle', () => {
    const matrix = Matrix.fromDense(GOLDEN, 4, 4);
    assert.equal(matrix.disposed, false);
    matrix.dispose();
    matrix.dispose();
    assert.equal(matrix.disposed, true);
    for (const work of [
      () => matrix.format,
      () => matrix.rows,
      () => matrix.byteLength,
      () => matrix.stats(),
      () => matrix.arrays(),
      () => matrix.toDense(),
      () => matrix.multiply([1, 2, 3, 4]),
      () => matrix.to('csr'),
    ]) {
      refuses(work, DisposedError, /Matrix was used after its dispose\(\)/);
    }
  });
});

test('matrix: out of memory says how much was needed, and nothing is lost', () => {
  const rows = 65535;
  const matrix = Matrix.fromDense(new Float32Array(rows).fill(2), rows, 1, { format: 'csr' });
  const bytes = heapBytes();
  // Results of 5.2 GB, which 32 bits cannot count, and of 1 MB less than all there can be.
  for (const n of [20000, 16380]) {
    refuses(
      () => matrix.multiply(new Float32Array(n), n),
      MemoryError,
      new RegExp(`${4 * rows * n}|${Math.ceil((4 * rows * n) / 2 ** 20)} MiB`),
    );
  }
  assert.equal(heapBytes(), bytes);
  assert.deepEqual(matrix.multiply([3]).subarray(0, 2), Float32Array.of(6, 6));
  matrix.dispose();
});

test('matrix: making and disposing of many takes no more memory than of a few', () => {
  const values = Float32Array.from({ length: 256 * 256 }, (_, i) => (i % 7 ? 0 : i % 5));
  const x = new Float32Array(256 * 8).fill(1);
  const round = () => {
    for (const format of FORMATS) {
      const matrix = Matrix.fromDense(values, 256, 256, { format });
      const other = matrix.to('auto');
      matrix.multiply(x, 8);
      assert.throws(() => matrix.multiply(x, 9), ShapeError);
      assert.throws(() => Matrix.fromDense([NaN], 1, 1), ValueError);
      matrix.dispose();
      other.dispose();
    }
  };
  round();
  const bytes = heapBytes();
  for (let i = 0; i < 50; ++i) round();
  assert.equal(heapBytes(), bytes);
});
