// SPDX-License-Identifier: Apache-2.0

/** Weights that are not dense: the same model, byte for byte, as of the dense ones. */

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import { Model, ShapeError, ValueError, init } from '../../web/lib/index.js';
import { chooseSeed, makeRandom } from './random.js';

/** @typedef {import('../../web/lib/core/weights.js').Weights} Weights */

before(() => init());

const [ROWS, COLS] = [9, 31];
const SIZE = ROWS * COLS;

/** @type {import('../../web/lib/index.js').Graph} */
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
      /^The tensor "fc.weight": Scale 0 is infinite; only finite values can be stored\.$/,
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
