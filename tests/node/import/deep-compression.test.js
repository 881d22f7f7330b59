// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { FileError, UnsupportedError } from '../../../web/lib/core/errors.js';
import { init } from '../../../web/lib/core/module.js';
import { readDeepCompression } from '../../../web/lib/import/deep-compression.js';
import { noData, squeezeNetFiles } from '../../../scripts/common/data.js';

await init();

/** A grouped convolution, one without bias, and a fully connected layer: 4×18, 2×4 and 3×50. */
const PROTOTXT = `name: "tiny" input: "data" input_dim: 1 input_dim: 4 input_dim: 5 input_dim: 5
  layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
    convolution_param { num_output: 4 kernel_size: 3 pad: 1 group: 2 } }
  layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
  layer { name: "squeeze" type: "Convolution" bottom: "conv" top: "squeeze"
    convolution_param { num_output: 2 kernel_size: 1 bias_term: false } }
  layer { name: "fc" type: "InnerProduct" bottom: "squeeze" top: "fc"
    inner_product_param { num_output: 3 } }`;

/**
 * An independent little encoder, straight from the description of the file: bridges gaps over 15
 * with code 0.
 *
 * @param {Array<{ weights: number[], bias: number[] }>} layers weights row-major
 * @returns {Uint8Array}
 */
function encode(layers) {
  const entriesOf = layers.map(({ weights }) => {
    /** @type {Array<[gap: number, value: number]>} */
    const entries = [];
    let zeros = 0;
    for (const weight of weights) {
      if (weight === 0 && zeros < 15) zeros += 1;
      else {
        entries.push([zeros, weight]);
        zeros = 0;
      }
    }
    return entries;
  });
  /** @type {number[]} */
  const bytes = [];
  const u32 = (/** @type {number} */ n) =>
    bytes.push(n & 255, (n >> 8) & 255, (n >> 16) & 255, n >>> 24);
  const f32 = (/** @type {number} */ n) => bytes.push(...new Uint8Array(Float32Array.of(n).buffer));
  for (const entries of entriesOf) u32(entries.length);
  layers.forEach(({ bias }, index) => {
    const entries = entriesOf[index];
    const codebook = [
      0,
      ...new Set(entries.map(([, value]) => value).filter((value) => value !== 0)),
    ];
    for (let i = 0; i < 256; ++i) f32(codebook[i] ?? 0);
    bias.forEach(f32);
    for (const [, value] of entries) bytes.push(codebook.indexOf(value));
    for (let i = 0; i < entries.length; i += 2)
      bytes.push(entries[i][0] | ((entries[i + 1]?.[0] ?? 0) << 4));
  });
  return Uint8Array.from(bytes);
}

/**
 * @param {number} length
 * @param {(index: number) => number} value
 */
const series = (length, value) => Array.from({ length }, (_, index) => Math.fround(value(index)));

const LAYERS = [
  { weights: series(72, (i) => (i % 3 ? 0 : (i % 7) - 3.25)), bias: [1, -2, 0.5, 3e-40] },
  { weights: series(8, (i) => i + 1), bias: [] },
  // Gaps of 15, 16 and many more zeros, and zeros at the end.
  {
    weights: series(150, (i) => ([0, 16, 33, 120].includes(i) ? 0.1 * (i + 1) : 0)),
    bias: [0, 0, -1],
  },
];
const NET = encode(LAYERS);

/** Where the parts of the file begin; the first layer's entries follow from its weights. */
const FIRST = {
  codebook: 12,
  bias: 12 + 1024,
  codes: 12 + 1024 + 16,
  entries: LAYERS[0].weights.filter((weight) => weight !== 0).length,
};

test('deep compression: a small network comes out as it went in', () => {
  const { graph, tensors } = readDeepCompression(NET, PROTOTXT);
  assert.equal(graph.nodes.length, 4);
  assert.deepEqual(
    [...tensors.keys()],
    ['conv.weight', 'conv.bias', 'squeeze.weight', 'fc.weight', 'fc.bias'],
  );
  const [conv, squeeze, fc] = ['conv', 'squeeze', 'fc'].map((name) =>
    tensors.get(`${name}.weight`),
  );
  assert.deepEqual(
    [conv?.rows, conv?.cols, squeeze?.rows, squeeze?.cols, fc?.rows, fc?.cols],
    [4, 18, 2, 4, 3, 50],
  );
  assert.deepEqual(
    [conv, squeeze, fc].map((tensor) => [...(tensor?.data ?? [])]),
    LAYERS.map(({ weights }) => weights),
  );
  assert.deepEqual(tensors.get('conv.bias'), {
    rows: 1,
    cols: 4,
    kind: 'vector',
    data: Float32Array.from(LAYERS[0].bias),
  });
});

test('deep compression: a buffer and a view with any offset are the same', () => {
  const shifted = new Uint8Array(NET.length + 3).subarray(3);
  shifted.set(NET);
  const expected = readDeepCompression(NET, PROTOTXT).tensors;
  assert.deepEqual(readDeepCompression(shifted, PROTOTXT).tensors, expected);
  assert.deepEqual(readDeepCompression(NET.slice().buffer, PROTOTXT).tensors, expected);
});

/**
 * @param {(bytes: Uint8Array, view: DataView) => void} change
 * @returns {Uint8Array}
 */
function changed(change) {
  const bytes = NET.slice();
  change(bytes, new DataView(bytes.buffer));
  return bytes;
}

describe('deep compression: refusals', () => {
  /** @type {Array<[what: string, bytes: Uint8Array, message: RegExp]>} */
  const cases = [
    [
      'an empty file',
      new Uint8Array(0),
      /layer "conv" are cut off: the number of entries would end at byte 4, and the file has 0 bytes/,
    ],
    ['an end within the counts', NET.slice(0, 9), /layer "fc" are cut off: the number of entries/],
    [
      'an end within the codebook',
      NET.slice(0, 500),
      /layer "conv" are cut off: the codebook would end at byte 1036, and the file has 500 bytes/,
    ],
    [
      'an end within the biases',
      NET.slice(0, FIRST.codes - 1),
      /layer "conv" are cut off: the biases/,
    ],
    [
      'an end within the codes',
      NET.slice(0, FIRST.codes + 3),
      /layer "conv" are cut off: the codes/,
    ],
    [
      'an end within the gaps',
      NET.slice(0, FIRST.codes + FIRST.entries + 1),
      /layer "conv" are cut off: the gaps/,
    ],
    ['one byte missing', NET.slice(0, -1), /layer "fc" are cut off: the gaps/],
    [
      'one byte too many',
      Uint8Array.of(...NET, 0),
      /weights end at byte \d+, and the file has \d+ bytes: it does not belong/,
    ],
    [
      'more entries than weights',
      changed((_, view) => view.setUint32(0, 73, true)),
      /layer "conv" claim 73 entries, and the prototxt says it has 72 weights/,
    ],
    [
      'an absurd count',
      changed((_, view) => view.setUint32(4, 0xffffffff, true)),
      /layer "squeeze" claim 4294967295 entries/,
    ],
    [
      'NaN in the codebook',
      changed((_, view) => view.setFloat32(FIRST.codebook + 12, NaN, true)),
      /layer "conv" have NaN as value 3 of the codebook/,
    ],
    [
      'an infinity in the codebook',
      changed((_, view) => view.setFloat32(FIRST.codebook + 1020, -Infinity, true)),
      /have -Infinity as value 255 of the codebook/,
    ],
    [
      'an infinite bias',
      changed((_, view) => view.setFloat32(FIRST.bias, Infinity, true)),
      /have Infinity as value 0 of the biases/,
    ],
    [
      'a codebook that does not begin with 0',
      changed((_, view) => view.setFloat32(FIRST.codebook, 1, true)),
      /have 1 instead of 0 first in the codebook/,
    ],
    [
      'a position past the end',
      changed((bytes) => {
        bytes[FIRST.codes + FIRST.entries] |= 0xf0;
      }),
      /layer "conv" put entry 2\d of 24 at position 7\d of a matrix of 4×18/,
    ],
    [
      'a position just past the end',
      changed((bytes) => {
        bytes[FIRST.codes + FIRST.entries + 11] += 3 << 4;
      }),
      /put entry 23 of 24 at position 72 of a matrix of 4×18/,
    ],
    [
      'an HTML page',
      new TextEncoder().encode(`<!DOCTYPE html>${' '.repeat(4000)}`),
      /layer "conv" claim \d+ entries/,
    ],
  ];
  for (const [what, bytes, message] of cases) {
    test(what, () => {
      assert.throws(
        () => readDeepCompression(bytes, PROTOTXT),
        (error) => {
          assert(error instanceof FileError, `${error}`);
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  test('a network with batch normalization', () => {
    const text = `${PROTOTXT} layer { name: "bn" type: "BatchNorm" bottom: "fc" top: "bn" }`;
    assert.throws(
      () => readDeepCompression(NET, text),
      (error) => {
        assert(error instanceof UnsupportedError);
        assert.match(
          error.message,
          /Layer "bn": Deep Compression files hold no batch normalization/,
        );
        return true;
      },
    );
  });

  test('a prototxt that asks for more weights than there is memory', () => {
    const text = PROTOTXT.replace('num_output: 3', 'num_output: 12000000');
    assert.throws(
      () => readDeepCompression(NET, text),
      /Up to layer "fc" the prototxt asks for 600000080 weights/,
    );
  });

  test('every truncation is refused, every flipped bit in the beginning refused or read', () => {
    for (let length = 0; length < NET.length; ++length) {
      assert.throws(() => readDeepCompression(NET.subarray(0, length), PROTOTXT), FileError);
    }
    for (let bit = 0; bit < 8 * 40; ++bit) {
      const bytes = changed((copy) => {
        copy[bit >> 3] ^= 1 << (bit & 7);
      });
      try {
        readDeepCompression(bytes, PROTOTXT);
      } catch (error) {
        assert(error instanceof FileError, `${error}`);
      }
    }
  });
});

test('deep compression: SqueezeNet', { skip: noData }, () => {
  const { net, prototxt } = squeezeNetFiles();
  const { graph, tensors } = readDeepCompression(net, prototxt);
  const matrices = [...tensors.values()].filter(({ kind }) => kind === 'matrix');
  assert.equal(graph.nodes.filter(({ op }) => op === 'conv').length, 26);
  assert.equal(matrices.length, 26);
  const weights = matrices.reduce((sum, { data }) => sum + data.length, 0);
  const nonzero = matrices.reduce(
    (sum, { data }) => sum + data.filter((value) => value !== 0).length,
    0,
  );
  assert.equal(weights, 1_244_448);
  assert.equal(((100 * nonzero) / weights).toFixed(1), '33.4');
  for (const { data } of matrices) assert(new Set(data).size <= 256);
  assert.throws(
    () => readDeepCompression(net.subarray(0, -1), prototxt),
    /layer "conv_final" are cut off: the gaps would end at byte 675763, and the file has 675762 bytes/,
  );
});
