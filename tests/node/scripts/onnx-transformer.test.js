// SPDX-License-Identifier: Apache-2.0

/** Attention and what is around it, as onnxruntime computes them, drawn at random. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { importOnnx } from '../../../web/lib/import/onnx/import-onnx.js';
import { constant, drawing, expectAgreement, fileOf } from '../../support/onnx-beside.js';
import { chooseSeed, makeRandom } from '../../support/random.js';

/**
 * @typedef {import('../../support/onnx-beside.js').Given} Given
 * @typedef {import('../../support/onnx-beside.js').Operator} Operator
 */

const seed = chooseSeed();
const draw = drawing(makeRandom(seed));
const domain = 'com.microsoft';
const float = /** @type {const} */ ('float32');

const [batch, steps, heads, size] = [2, 5, 3, 4];
const width = heads * size;

/** Of the kinds that there are, for so many keys. @param {number} keys @returns {Record<string, Given | undefined>} */
const masks = (keys) => ({
  none: undefined,
  lengths: draw.integers('int32', [batch], [1, keys]),
  bounds: { type: 'int32', shape: [2 * batch], data: [keys, keys - 1, 0, 1] },
  raw: { ...draw.integers('int32', [batch, keys], [0, 1]) },
  rows: draw.integers('int32', [batch, steps, keys], [0, 1]),
});

/** @param {Partial<Operator> & { op: string, inputs: Operator['inputs'] }} operator */
const check = (operator) => expectAgreement({ outputs: [float], domain, ...operator });

describe(`ONNX: transformers' operators beside onnxruntime, LOWTROPY_SEED=${seed}`, () => {
  for (const kind of Object.keys(masks(steps))) {
    for (const unidirectional of [0, 1]) {
      test(`Attention, mask: ${kind}, unidirectional: ${unidirectional}`, async () => {
        const [features, other] = [6, heads * 2];
        const sizes = draw.coin() ? [width, width, other] : undefined;
        const all = sizes ? 2 * width + other : 3 * width;
        await check({
          op: 'Attention',
          inputs: [
            draw.floats([batch, steps, features]),
            constant(draw.floats([features, all])),
            constant(draw.floats([all])),
            masks(steps)[kind],
          ],
          attributes: {
            num_heads: { int: heads },
            unidirectional: { int: unidirectional },
            ...(draw.coin() && { scale: { float: 0.3 } }),
            ...(sizes && { qkv_hidden_sizes: { ints: sizes } }),
          },
        });
      });
    }
  }

  test('Attention with a past, and with a bias', async () => {
    const before = 3;
    await check({
      op: 'Attention',
      inputs: [
        draw.floats([batch, steps, width]),
        constant(draw.floats([width, 3 * width])),
        constant(draw.floats([3 * width])),
        undefined,
        draw.floats([2, batch, heads, before, size]),
      ],
      outputs: [float, float],
      attributes: { num_heads: { int: heads }, unidirectional: { int: 1 } },
    });
    await check({
      op: 'Attention',
      inputs: [
        draw.floats([batch, steps, width]),
        constant(draw.floats([width, 3 * width])),
        constant(draw.floats([3 * width])),
        undefined,
        undefined,
        draw.floats([batch, heads, steps, steps]),
      ],
      attributes: { num_heads: { int: heads } },
    });
  });

  for (const kind of ['none', 'lengths', 'raw', 'rows']) {
    test(`MultiHeadAttention, mask: ${kind}`, async () => {
      const keys = 7;
      await check({
        op: 'MultiHeadAttention',
        inputs: [
          draw.floats([batch, steps, width]),
          draw.floats([batch, keys, width]),
          draw.floats([batch, keys, width]),
          draw.coin() ? constant(draw.floats([3 * width])) : undefined,
          masks(keys)[kind],
          draw.coin() ? draw.floats([1, heads, steps, keys]) : undefined,
        ],
        attributes: { num_heads: { int: heads }, ...(draw.coin() && { scale: { float: 0.3 } }) },
      });
    });
  }

  test('MultiHeadAttention of what is split into heads, with a past', async () => {
    await check({
      op: 'MultiHeadAttention',
      inputs: [
        draw.floats([batch, steps, width]),
        draw.floats([batch, steps, width]),
        draw.floats([batch, steps, width]),
        undefined,
        undefined,
        undefined,
        draw.floats([batch, heads, 2, size]),
        draw.floats([batch, heads, 2, size]),
      ],
      outputs: [float, float, float],
      attributes: { num_heads: { int: heads } },
    });
    await check({
      op: 'MultiHeadAttention',
      inputs: [
        draw.floats([batch, steps, width]),
        draw.floats([batch, heads, 4, size]),
        draw.floats([batch, heads, 4, size]),
      ],
      attributes: { num_heads: { int: heads } },
    });
  });

  /** One of several values that lie side by side in each head. @param {Given} packed @param {number} index @returns {Given} */
  function taken({ type, shape, data }, index) {
    const count = shape[3];
    const length = batch * steps * width;
    const picked = Array.from({ length }, (_, i) => {
      const head = Math.floor(i / size);
      return data[(head * count + index) * size + (i % size)];
    });
    return { type, shape: [batch, steps, width], data: picked };
  }

  /** @param {Given[]} inputs */
  async function attendTo(inputs) {
    const op = { op: 'MultiHeadAttention', domain, inputs, outputs: [float] };
    const network = await importOnnx(fileOf({ ...op, attributes: { num_heads: { int: heads } } }));
    const feeds = inputs.map(({ data, shape }, i) => [
      `input${i}`,
      { data: Float32Array.from(data), shape },
    ]);
    const { output0 } = /** @type {any} */ (network.run(Object.fromEntries(feeds)));
    network.dispose();
    return output0;
  }

  // onnxruntime does this on other processors alone.
  test('MultiHeadAttention of what is packed is that of its parts', async () => {
    const all = draw.floats([batch, steps, heads, 3, size]);
    const apart = [0, 1, 2].map((index) => taken(all, index));
    assert.deepEqual(await attendTo([all]), await attendTo(apart));
    const two = draw.floats([batch, steps, heads, 2, size]);
    const [key, own] = [0, 1].map((index) => taken(two, index));
    const query = draw.floats([batch, steps, width]);
    assert.deepEqual(await attendTo([query, two]), await attendTo([query, key, own]));
  });

  test('EmbedLayerNormalization', async () => {
    for (const [hasMask, hasSegments] of [
      [true, true],
      [false, true],
      [true, false],
      [false, false],
    ]) {
      await check({
        op: 'EmbedLayerNormalization',
        inputs: [
          draw.integers('int32', [batch, steps], [0, 9]),
          hasSegments ? draw.integers('int32', [batch, steps], [0, 1]) : undefined,
          constant(draw.floats([10, width])),
          constant(draw.floats([8, width])),
          hasSegments ? constant(draw.floats([2, width])) : undefined,
          constant(draw.floats([width])),
          constant(draw.floats([width])),
          hasMask
            ? { type: 'int32', shape: [batch, steps], data: [1, 1, 1, 0, 0, 1, 1, 1, 1, 1] }
            : undefined,
        ],
        outputs: [float, 'int32'],
        attributes: { epsilon: { float: 1e-6 } },
      });
    }
  });

  test('SkipLayerNormalization', async () => {
    for (const shape of [
      [batch, steps, width],
      [1, steps, width],
      [steps, width],
    ]) {
      await check({
        op: 'SkipLayerNormalization',
        inputs: [
          draw.floats([batch, steps, width]),
          draw.floats(shape),
          constant(draw.floats([width])),
          draw.coin() ? constant(draw.floats([width])) : undefined,
          draw.coin() ? constant(draw.floats([width])) : undefined,
        ],
        outputs: [float, undefined, undefined, float],
        attributes: { epsilon: { float: 1e-5 } },
      });
    }
  });

  test('SkipSimplifiedLayerNormalization and SimplifiedLayerNormalization', async () => {
    await check({
      op: 'SkipSimplifiedLayerNormalization',
      inputs: [
        draw.floats([batch, steps, width]),
        draw.floats([batch, steps, width]),
        constant(draw.floats([width])),
        constant(draw.floats([width])),
      ],
      outputs: [float, undefined, undefined, float],
      attributes: { epsilon: { float: 1e-5 } },
    });
    await check({
      op: 'SimplifiedLayerNormalization',
      domain: undefined,
      inputs: [draw.floats([batch, steps, width]), constant(draw.floats([width]))],
      attributes: { epsilon: { float: 1e-5 } },
    });
  });

  for (const interleaved of [0, 1]) {
    test(`RotaryEmbedding of both domains, interleaved: ${interleaved}`, async () => {
      const turned = draw.oneOf([0, 4]);
      const pairs = (turned || 8) / 2;
      const caches = [draw.floats([9, pairs]), draw.floats([9, pairs])].map(constant);
      const attributes = { num_heads: { int: heads }, interleaved: { int: interleaved } };
      const values = draw.oneOf([
        draw.floats([batch, steps, heads * 8]),
        draw.floats([batch, heads, steps, 8]),
      ]);
      const dim = { rotary_embedding_dim: { int: turned } };
      for (const positions of [
        draw.integers('int64', [batch, steps], [0, 8]),
        { type: /** @type {const} */ ('int64'), shape: [1], data: [3] },
      ]) {
        await check({
          op: 'RotaryEmbedding',
          inputs: [values, positions, ...caches],
          attributes: { ...attributes, ...dim },
        });
      }
      const newest = { op: 'RotaryEmbedding', domain: undefined, version: 23 };
      await check({
        ...newest,
        inputs: [values, ...caches, draw.integers('int64', [batch, steps], [0, 8])],
        attributes: { ...attributes, ...dim },
      });
      await check({
        ...newest,
        inputs: [values, ...[0, 1].map(() => draw.floats([batch, steps, pairs]))],
        attributes: { ...attributes, ...dim },
      });
    });
  }

  test('Attention of ai.onnx', async () => {
    const newest = { op: 'Attention', domain: undefined, version: 23 };
    const [keys, own] = [7, 1];
    const flat = [
      draw.floats([batch, steps, width]),
      draw.floats([batch, keys, own * size]),
      draw.floats([batch, keys, own * size]),
    ];
    const counts = { q_num_heads: { int: heads }, kv_num_heads: { int: own } };
    await check({ ...newest, inputs: flat, attributes: counts });
    for (const mask of [
      draw.floats([steps, keys]),
      { ...draw.integers('bool', [batch, 1, steps, keys], [0, 1]) },
    ]) {
      // Nobody sees nothing at all.
      if (mask.type === 'bool') for (let i = 0; i < mask.data.length; i += keys) mask.data[i] = 1;
      await check({
        ...newest,
        inputs: [...flat, mask],
        attributes: { ...counts, scale: { float: 0.4 }, softcap: { float: 0.7 } },
      });
    }
    const apart = [steps, keys, keys].map((length) => draw.floats([batch, heads, length, size]));
    await check({ ...newest, inputs: apart, attributes: { is_causal: { int: 1 } } });
    const filled = draw.integers('int64', [batch], [1, keys]);
    await check({
      ...{ ...newest, version: 24 },
      inputs: [...apart, undefined, undefined, undefined, filled],
    });
    await check({
      ...newest,
      inputs: [...apart, undefined, ...[4, 4].map((n) => draw.floats([batch, heads, n, size]))],
      outputs: [float, float, float],
    });
  });

  test('RMSNormalization and Swish', async () => {
    await check({
      op: 'RMSNormalization',
      domain: undefined,
      version: 23,
      inputs: [draw.floats([batch, steps, width]), constant(draw.floats([steps, width]))],
      attributes: { axis: { int: 1 } },
    });
    await check({
      op: 'Swish',
      domain: undefined,
      version: 24,
      inputs: [draw.floats([batch, steps])],
      attributes: { alpha: { float: 1.5 } },
    });
  });
});
