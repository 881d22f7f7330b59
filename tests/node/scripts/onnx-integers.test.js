// SPDX-License-Identifier: Apache-2.0

/** Operators of com.microsoft on integers, as onnxruntime computes them, drawn at random. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { importOnnx } from '../../../web/lib/import/onnx/import-onnx.js';
import {
  constant,
  drawing,
  expectAgreement,
  expectSame,
  fileOf,
} from '../../support/onnx-beside.js';
import { model, node, tensor, tensorType, value } from '../../support/onnx-writer.js';
import { chooseSeed, makeRandom } from '../../support/random.js';

/**
 * @typedef {import('../../support/onnx-beside.js').Given} Given
 * @typedef {import('../../support/onnx-beside.js').Operator} Operator
 * @typedef {import('../../support/onnx-writer.js').Proto} Proto
 */

const seed = chooseSeed();
const draw = drawing(makeRandom(seed));
const domain = 'com.microsoft';

/** @param {number} number @returns {Given} */
const scale = (number) => constant({ type: 'float32', shape: [], data: [number] });

/** @param {'uint8' | 'int8'} type */
const rangeOf = (type) =>
  /** @type {[number, number]} */ (type === 'uint8' ? [0, 255] : [-128, 127]);

/** @param {'uint8' | 'int8'} type @param {number} number @returns {Given} */
const zero = (type, number) => constant({ type, shape: [], data: [number] });

/** Integers with a scale and a zero point. @param {'uint8' | 'int8'} type @param {number[]} shape */
const quantized = (type, shape) => [
  draw.integers(type, shape, rangeOf(type)),
  scale(0.03),
  zero(type, 5),
];

/** Results are of the next integer where the two round otherwise. */
const ONE_OFF = { relative: 0, absolute: 1 };

/** @param {Omit<Operator, 'domain'>} operator @param {{ relative?: number, absolute?: number }} [tolerance] */
const check = (operator, tolerance = ONE_OFF) =>
  expectAgreement({ domain, ...operator }, tolerance);

describe(`ONNX: integers' operators beside onnxruntime, LOWTROPY_SEED=${seed}`, () => {
  for (const type of /** @type {const} */ (['uint8', 'int8'])) {
    test(`QLinearAdd, QLinearMul, of ${type}`, async () => {
      for (const op of ['QLinearAdd', 'QLinearMul']) {
        const inputs = [...quantized(type, [2, 3, 4]), ...quantized(type, [3, 1])];
        await check({ op, inputs: [...inputs, scale(0.05), zero(type, 3)], outputs: [type] });
      }
    });

    test(`operators of one value, of ${type}`, async () => {
      const to = [scale(0.01), zero(type, -(type === 'int8') * 128)];
      const image = [2, 3, 5, 4];
      /** @type {Array<[string, number[], Operator['attributes']]>} */
      const all = [
        ['QLinearSigmoid', [2, 7], {}],
        ['QLinearLeakyRelu', [2, 7], { alpha: { float: 0.2 } }],
        ['QLinearSoftmax', [2, 7], { axis: { int: -1 }, opset: { int: 13 } }],
        ['QLinearSoftmax', [2, 3, 4], { axis: { int: 1 }, opset: { int: 12 } }],
        ['QLinearGlobalAveragePool', image, { channels_last: { int: 0 } }],
        ['QLinearGlobalAveragePool', image, { channels_last: { int: 1 } }],
        [
          'QLinearAveragePool',
          image,
          { kernel_shape: { ints: [2, 3] }, strides: { ints: [1, 2] } },
        ],
        [
          'QLinearAveragePool',
          image,
          {
            kernel_shape: { ints: [2, 2] },
            pads: { ints: [1, 0, 1, 1] },
            channels_last: { int: 1 },
          },
        ],
      ];
      for (const [op, shape, attributes] of all) {
        await check({
          op,
          inputs: [...quantized(type, shape), ...to],
          outputs: [type],
          attributes,
        });
      }
    });

    test(`QLinearConv with its channels last, of ${type}`, async () => {
      const [values, ...by] = quantized(type, [1, 5, 6, 3]);
      const weights = constant(draw.integers('int8', [4, 3, 2, 3], [-127, 127]));
      const scales = constant({ type: 'float32', shape: [4], data: [0.01, 0.02, 0.03, 0.04] });
      const zeros = constant({ type: 'int8', shape: [4], data: [0, 0, 0, 0] });
      for (const last of [0, 1]) {
        const shape = last ? [1, 5, 6, 3] : [1, 3, 5, 6];
        await check({
          op: 'QLinearConv',
          inputs: [{ ...values, shape }, ...by, weights, scales, zeros, scale(0.1), zero(type, 4)],
          outputs: [type],
          attributes: { channels_last: { int: last }, pads: { ints: [1, 0, 0, 1] } },
        });
      }
    });

    test(`QLinearConcat, of ${type}`, async () => {
      const to = [scale(0.05), zero(type, 1)];
      const inputs = [...to, ...quantized(type, [2, 3]), ...quantized(type, [2, 5])];
      await check({
        op: 'QLinearConcat',
        inputs,
        outputs: [type],
        attributes: { axis: { int: 1 } },
      });
    });

    test(`QGemm, of ${type}`, async () => {
      const columns = draw.floats([4], 0.02).data.map((number) => Math.abs(number) + 0.01);
      await check({
        op: 'QGemm',
        inputs: [
          ...quantized(type, [3, 6]),
          constant(draw.integers('int8', [4, 6], [-127, 127])),
          constant({ type: 'float32', shape: [4], data: columns }),
          constant({ type: 'int8', shape: [4], data: [0, 0, 0, 0] }),
          constant(draw.integers('int32', [4], [-500, 500])),
          scale(0.2),
          zero(type, 7),
        ],
        outputs: [type],
        attributes: { transB: { int: 1 } },
      });
    });

    test(`MatMulIntegerToFloat and DynamicQuantizeMatMul, of ${type}`, async () => {
      const right = constant(draw.integers(type, [6, 5], rangeOf(type)));
      const scales = constant({
        type: 'float32',
        shape: [5],
        data: [0.01, 0.02, 0.03, 0.04, 0.05],
      });
      const zeros = constant({ type, shape: [5], data: [1, 2, 3, 4, 5] });
      const bias = constant(draw.floats([5]));
      const left = draw.integers('uint8', [3, 6], [0, 255]);
      await check(
        {
          op: 'MatMulIntegerToFloat',
          inputs: [left, right, scale(0.02), scales, zero('uint8', 100), zeros, bias],
          outputs: ['float32'],
        },
        { relative: 1e-5, absolute: 1e-5 },
      );
      await check(
        {
          op: 'DynamicQuantizeMatMul',
          inputs: [draw.floats([3, 6]), right, scales, zeros, bias],
          outputs: ['float32'],
        },
        { relative: 1e-5, absolute: 1e-5 },
      );
    });
  }

  for (const type of /** @type {const} */ (['uint8', 'int8'])) {
    for (const rows of [false, true]) {
      test(`DynamicQuantizeLSTM, of ${type}, scales of ${rows ? 'rows' : 'directions'}`, async () => {
        const [steps, batch, features, size] = [4, 2, 5, 3];
        const directions = rows ? 1 : 2;
        const scales = () =>
          constant({
            type: 'float32',
            shape: rows ? [1, 4 * size] : [directions],
            data: Array.from({ length: rows ? 4 * size : directions }, (_, i) => 0.002 * (1 + i)),
          });
        const zeros = () =>
          constant({
            ...scales(),
            type,
            data: scales().data.map(() => (type === 'int8' ? 0 : 128)),
          });
        await check(
          {
            op: 'DynamicQuantizeLSTM',
            inputs: [
              draw.floats([steps, batch, features]),
              constant(draw.integers(type, [directions, features, 4 * size], rangeOf(type))),
              constant(draw.integers(type, [directions, size, 4 * size], rangeOf(type))),
              constant(draw.floats([directions, 8 * size])),
              ...[undefined, undefined, undefined, undefined],
              ...[scales(), zeros(), scales(), zeros()],
            ],
            outputs: ['float32', 'float32', 'float32'],
            attributes: {
              hidden_size: { int: size },
              direction: { string: rows ? 'forward' : 'bidirectional' },
            },
          },
          // What onnxruntime loses by rounding values to 8 bits.
          { relative: 0.03, absolute: 0.01 },
        );
      });
    }
  }

  test('FusedGemm', async () => {
    for (const activation of ['Relu', 'LeakyRelu', 'Sigmoid', 'Tanh']) {
      await check(
        {
          op: 'FusedGemm',
          inputs: [draw.floats([3, 4]), constant(draw.floats([5, 4])), constant(draw.floats([5]))],
          outputs: ['float32'],
          attributes: {
            transB: { int: 1 },
            activation: { string: activation },
            activation_alpha: { float: 0.2 },
          },
        },
        { relative: 1e-5, absolute: 1e-6 },
      );
    }
  });

  test('QLinearWhere', async () => {
    const inputs = [draw.integers('bool', [2, 3], [0, 1]), ...quantized('uint8', [2, 3])];
    await check({
      op: 'QLinearWhere',
      inputs: [...inputs, ...quantized('uint8', [3]), scale(0.05), zero('uint8', 2)],
      outputs: ['uint8'],
    });
  });

  test('QAttention', async () => {
    const [batch, steps, width, heads] = [2, 4, 6, 2];
    await check(
      {
        op: 'QAttention',
        inputs: [
          draw.integers('uint8', [batch, steps, width], [0, 255]),
          constant(draw.integers('int8', [width, 3 * width], [-127, 127])),
          constant(draw.floats([3 * width])),
          scale(0.01),
          scale(0.02),
          draw.integers('int32', [batch], [1, steps]),
          zero('uint8', 128),
          zero('int8', 0),
        ],
        outputs: ['float32'],
        attributes: { num_heads: { int: heads } },
      },
      { relative: 1e-4, absolute: 1e-5 },
    );
  });

  for (const bits of [4, 8]) {
    // Of 8 bits onnxruntime takes no other ones.
    for (const points of bits === 4 ? ['default', 'packed', 'float'] : ['default', 'packed']) {
      test(`MatMulNBits, ${bits} bits, zero points: ${points}`, async () => {
        const operator = drawBlocks(bits, points, draw.oneOf([32, 64, 96, 80]));
        await check(operator, { relative: 1e-5, absolute: 1e-5 });
      });
    }
  }

  /** @param {number} bits @param {string} points @param {number} K @returns {Operator} */
  function drawBlocks(bits, points, K) {
    const [N, block] = [5, 32];
    const count = Math.ceil(K / block);
    const zeroPoints = {
      default: undefined,
      packed: constant(draw.integers('uint8', [N * Math.ceil((count * bits) / 8)], [0, 255])),
      float: constant({
        ...draw.integers('uint8', [N * count], [0, 2 ** bits - 1]),
        type: 'float32',
      }),
    }[points];
    return {
      op: 'MatMulNBits',
      inputs: [
        draw.floats([2, 3, K]),
        constant(draw.integers('uint8', [N, count, (block * bits) / 8], [0, 255])),
        constant(draw.floats([N * count], 0.1)),
        zeroPoints,
        undefined,
        draw.coin() ? constant(draw.floats([N])) : undefined,
      ],
      outputs: ['float32'],
      attributes: {
        K: { int: K },
        N: { int: N },
        bits: { int: bits },
        block_size: { int: block },
        accuracy_level: { int: 1 },
      },
    };
  }

  test('weights of MatMulNBits stay integers', async () => {
    const file = fileOf({ domain, ...drawBlocks(4, 'default', 64) });
    const network = await importOnnx(file, { format: 'dense' });
    const [{ distinct }] = network.layers;
    network.dispose();
    assert(distinct <= 16 * 10, `${distinct} distinct values`);
  });

  /** @param {string} op @param {string[]} inputs @param {Record<string, any>} [attributes] */
  const step = (op, inputs, attributes = {}) =>
    node(op, inputs, [op === 'Transpose' || op === 'Reshape' ? op : 'y'], { attributes });

  /** @type {Array<[what: string, nodes: Proto[], shape: number[]]>} */
  const movedWeights = [
    ['turned', [step('Transpose', ['w']), step('MatMul', ['x', 'Transpose'])], [3, 6]],
    ['a kernel', [step('Reshape', ['w', 'as']), step('Conv', ['x', 'Reshape'])], [1, 6, 2, 2]],
    ['on the left', [step('MatMul', ['w', 'x'])], [6, 4]],
    ['of labels', [step('Einsum', ['w', 'x'], { equation: { string: 'oc,bct->bot' } })], [2, 6, 3]],
  ];
  for (const [what, nodes, shape] of movedWeights) {
    test(`weights stay integers: ${what}`, async () => {
      const codes = Int8Array.from({ length: 30 }, (_, i) => ((i * 37) % 16) - 8);
      const scales = Float32Array.of(0.013, 0.021, 0.034, 0.055, 0.0891);
      const file = model({
        nodes: [
          node('DequantizeLinear', ['codes', 'scales'], ['w'], {
            attributes: { axis: { int: 0 } },
          }),
          ...nodes,
        ],
        initializers: [
          tensor('codes', 'int8', [5, 6], codes),
          tensor('scales', 'float32', [5], scales),
          tensor('as', 'int64', [4], BigInt64Array.of(5n, 6n, 1n, 1n)),
        ],
        inputs: [value('x', tensorType('float32', shape))],
        outputs: [value('y', tensorType('float32'))],
      });
      const network = await importOnnx(file, { format: 'grid' });
      const [{ scaled, distinct }] = network.layers;
      network.dispose();
      assert(scaled && distinct <= 16, `${distinct} distinct values, scaled: ${scaled}`);
      await expectSame(file, { x: draw.floats(shape) });
    });
  }
});
