// SPDX-License-Identifier: Apache-2.0

/** Weights that are not dense: the same model, byte for byte, as of the dense ones. */

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import { FORMATS, Matrix, Model, ShapeError, ValueError, init } from '../../../web/lib/index.js';
import { chooseSeed, makeRandom } from '../../support/random.js';

/** @typedef {import('../../../web/lib/core/weights.js').Weights} Weights */

before(() => init());

const [ROWS, COLS] = [9, 31];
const SIZE = ROWS * COLS;

/** @type {import('../../../web/lib/index.js').Graph} */
const GRAPH = {
  name: 'one layer',
  input: { name: 'data', shape: [COLS, 1, 1] },
  outputs: ['fc'],
  nodes: [
    {
      op: 'fc',
      name: 'fc',
      inputs: ['data'],
      output: 'fc',
      weight: 'fc.weight',
      outChannels: ROWS,
    },
  ],
};

/**
 * @param {any} weights
 * @returns {Promise<Uint8Array>} the file of a model that has them
 */
async function fileOf(weights) {
  const tensor = { kind: 'matrix', rows: ROWS, cols: COLS, ...weights };
  const model = await Model.fromGraph(GRAPH, new Map([['fc.weight', tensor]]));
  const file = model.save();
  model.dispose();
  return file;
}

/**
 * @param {number} length
 * @param {() => number} value
 */
const fill = (length, value) => Array.from({ length }, value);

describe('weights', () => {
  const seed = chooseSeed();
  const random = makeRandom(seed);
  const below = (/** @type {number} */ n) => Math.floor(n * random());
  const floats = (/** @type {number} */ n) =>
    Float32Array.from({ length: n }, () => random() - 0.5);

  /**
   * @param {string} name
   * @param {() => { weights: Weights, dense: (index: number) => number }} make
   */
  const same = (name, make) =>
    test(`${name}, seed ${seed}`, async () => {
      const { weights, dense } = make();
      const data = Float32Array.from({ length: SIZE }, (_, i) => dense(i));
      assert.deepEqual(await fileOf(weights), await fileOf({ data }));
    });

  for (const [Codes, size] of /** @type {const} */ ([
    [Uint8Array, 256],
    [Uint16Array, 300],
    [Uint32Array, 7],
  ])) {
    same(`a codebook and a ${Codes.name}`, () => {
      const codebook = floats(size);
      const codes = Codes.from(fill(SIZE, () => below(size)));
      return { weights: { codebook, codes }, dense: (i) => codebook[codes[i]] };
    });
  }

  for (const codeBits of /** @type {const} */ ([4, 8])) {
    for (const gapBits of /** @type {const} */ ([4, 8])) {
      same(`codes of ${codeBits} bits and gaps of ${gapBits}`, () => {
        const codebook = floats(2 ** codeBits);
        const data = new Float32Array(SIZE);
        const entries = 40;
        const gaps = fill(entries, () => below(6));
        const codes = fill(entries, () => below(2 ** codeBits));
        let at = -1;
        gaps.forEach((gap, i) => (data[(at += gap + 1)] = codebook[codes[i]]));
        const packed = (/** @type {number[]} */ numbers, /** @type {number} */ bits) =>
          Uint8Array.from(bits === 8 ? numbers : fill(entries / 2, () => 0), (number, i) =>
            bits === 8 ? number : numbers[2 * i] | (numbers[2 * i + 1] << 4),
          );
        return {
          weights: {
            ...{ codebook, entries, codeBits, gapBits },
            codes: packed(codes, codeBits),
            gaps: packed(gaps, gapBits),
          },
          dense: (i) => data[i],
        };
      });
    }
  }

  for (const Kind of [Int8Array, Uint8Array, Int16Array, Uint16Array, Int32Array]) {
    same(`one scale for a ${Kind.name}`, () => {
      const integers = Kind.from(fill(SIZE, () => below(100)));
      const scales = Float32Array.of(0.37);
      return {
        weights: { integers, scales, zeroPoints: Int32Array.of(41) },
        dense: (i) => Math.fround((integers[i] - 41) * scales[0]),
      };
    });
  }

  same('a scale for each block', () => {
    const integers = Int8Array.from(fill(SIZE, () => below(256) - 128));
    const scales = floats(ROWS * 4);
    return {
      weights: { integers, scales, block: 8 },
      dense: (i) =>
        Math.fround(integers[i] * scales[4 * Math.floor(i / COLS) + Math.floor((i % COLS) / 8)]),
    };
  });

  /** @type {Array<[what: string, weights: any, type: new (...args: any[]) => Error, message: RegExp]>} */
  const wrong = [
    [
      'a code beyond the codebook',
      { codebook: floats(3), codes: new Uint8Array(SIZE).fill(3, 33) },
      ValueError,
      /^The tensor "fc.weight": The code at row 1, column 2 is 3, and the codebook has 3 values\.$/,
    ],
    [
      'too few codes',
      { codebook: floats(3), codes: new Uint8Array(SIZE - 1) },
      ShapeError,
      /^The tensor "fc.weight": The codes take 279 bytes, but there are 278\.$/,
    ],
    [
      'codes of signed integers',
      { codebook: floats(3), codes: new Int8Array(SIZE) },
      ValueError,
      /^The tensor "fc.weight": the codes must be one of Uint8Array, Uint16Array, Uint32Array, not an Int8Array\.$/,
    ],
    [
      'an infinite scale',
      { integers: new Int8Array(SIZE), scales: Float32Array.of(Infinity) },
      ValueError,
      /^The tensor "fc.weight": Scale 0 is not finite\.$/,
    ],
    [
      'a position behind the end',
      {
        ...{ codebook: floats(2), entries: 2, codeBits: 8, gapBits: 8 },
        ...{ codes: new Uint8Array(2), gaps: Uint8Array.of(255, 23) },
      },
      ValueError,
      /^The tensor "fc.weight": Entry 1 of 2 is at position 279 of a matrix of 9 x 31\.$/,
    ],
    [
      'half a block',
      { integers: new Int8Array(SIZE), scales: floats(4), block: 0.5 },
      ValueError,
      /^The tensor "fc.weight": the columns of a block must be a whole number/,
    ],
  ];
  for (const [what, weights, type, message] of wrong) {
    test(`${what} is refused`, () =>
      assert.rejects(fileOf(weights), (error) => {
        assert(error instanceof type, `${error}`);
        assert.match(error.message, message);
        return true;
      }));
  }
});

describe('weights that are quantized per channel', () => {
  const [rows, cols] = [1000, 1024];
  const random = makeRandom(7);
  /** About normal: H is some 4 bits. */
  const draw = () => Math.round(4 * (random() + random() + random() + random() - 2) * Math.sqrt(3));
  const integers = Int8Array.from({ length: rows * cols }, draw);
  const scales = Float32Array.from({ length: rows }, () => 0.001 + 0.01 * random());
  const at = (/** @type {number} */ i) => Math.fround(scales[Math.floor(i / cols)] * integers[i]);

  test('take a fifth of dense bytes, exactly, and multiply within the bound', () => {
    const matrix = Matrix.fromQuantized(integers, rows, cols, { scales });
    const { entropy, distinct } = matrix.stats();
    assert(matrix.scaled && entropy > 3.5 && entropy <= 5 && distinct < 128, `${entropy}`);
    assert.deepEqual(matrix.arrays().rowScale, scales);
    assert(matrix.byteLength <= 0.2 * 4 * rows * cols, `${matrix.byteLength} bytes`);
    assert.equal(matrix.cost().bytes, matrix.byteLength);
    assert.deepEqual(
      matrix.toDense(),
      Float32Array.from(integers, (_, i) => at(i)),
    );
    const x = Float32Array.from({ length: cols }, () => random() - 0.5);
    const y = matrix.multiply(x);
    for (let r = 0; r < rows; ++r) {
      let [sum, magnitude] = [0, 0];
      for (let k = 0; k < cols; ++k) {
        const term = at(r * cols + k) * x[k];
        sum += term;
        magnitude += Math.abs(term);
      }
      assert(Math.abs(y[r] - sum) <= 2 * cols * 2 ** -23 * magnitude, `row ${r}`);
    }
    for (const format of FORMATS) {
      const other = matrix.to(format);
      assert(other.scaled && other.format === format);
      assert.deepEqual(other.toDense(), matrix.toDense());
      other.dispose();
    }
    matrix.dispose();
  });

  test('of 127 values, equally frequent, are on a grid with a scale for each row', () => {
    const drawn = Int8Array.from({ length: rows * cols }, () => Math.floor(127 * random()) - 63);
    const wanted = Float32Array.from(drawn, (n, i) =>
      Math.fround(scales[Math.floor(i / cols)] * n),
    );
    for (const format of /** @type {const} */ (['auto', 'grid'])) {
      const matrix = Matrix.fromQuantized(drawn, rows, cols, { scales, format });
      assert(matrix.scaled && matrix.format === 'grid');
      assert.deepEqual(matrix.arrays().omega, Float32Array.of(1, 63, 7));
      assert.equal(matrix.byteLength, (7 * rows * cols) / 8 + 12 + 4 * rows);
      assert.deepEqual(matrix.toDense(), wanted);
      matrix.dispose();
    }
  });

  test('one scale for all, or one that is not positive, is multiplied into the values', () => {
    for (const given of [[0.3], new Array(rows).fill(0.3), [-1, ...scales.subarray(1)]]) {
      const matrix = Matrix.fromQuantized(integers, rows, cols, { scales: given });
      assert(!matrix.scaled);
      assert.equal(matrix.toDense()[0], Math.fround(Math.fround(given[0]) * integers[0]));
      matrix.dispose();
    }
  });

  test('stay scaled in a model, its file, and other formats', async () => {
    const graph = structuredClone(GRAPH);
    graph.input.shape = [cols, 1, 1];
    /** @type {any} */ (graph.nodes[0]).outChannels = rows;
    /** @type {any} */
    const tensor = { kind: 'matrix', rows, cols, integers, scales };
    const model = await Model.fromGraph(graph, new Map([['fc.weight', tensor]]));
    const [layer] = model.layers;
    assert(layer.scaled && layer.bytes <= 0.2 * 4 * rows * cols);
    assert.equal(layer.bytesIn[layer.format], layer.bytes);
    const file = model.save();
    const read = await Model.load(file);
    assert.deepEqual(read.save(), file);
    const input = Float32Array.from({ length: cols }, () => random());
    assert.deepEqual(read.run(input), model.run(input));
    const dense = read.to('dense');
    assert(dense.layers[0].scaled && dense.layers[0].format === 'dense');
    for (const each of [model, read, dense]) each.dispose();
  });
});
