// SPDX-License-Identifier: Apache-2.0

/** Products whose weights are computed from the inputs, and what is composed of many nodes, as onnxruntime has them. */

import { describe, test } from 'node:test';

import { constant, drawing, expectAgreement } from '../../support/onnx-beside.js';
import { chooseSeed, makeRandom } from '../../support/random.js';

const seed = chooseSeed();
const draw = drawing(makeRandom(seed));
const float = /** @type {const} */ ('float32');

describe(`ONNX: computed weights beside onnxruntime, LOWTROPY_SEED=${seed}`, () => {
  for (const rank of [1, 2, 3]) {
    test(`Conv and ConvTranspose in ${rank} dimensions`, async () => {
      for (const groups of [1, 2]) {
        const list = (/** @type {number[]} */ of) => ({
          ints: Array.from({ length: rank }, () => draw.oneOf(of)),
        });
        const kernel = list([1, 2, 3]).ints;
        const attributes = {
          group: { int: groups },
          strides: list([1, 2]),
          dilations: list([1, 2]),
          pads: { ints: [...list([0, 1]).ints, ...list([0, 1]).ints] },
        };
        const values = draw.floats([2, 4, ...list([5, 6]).ints]);
        const bias = draw.oneOf([undefined, draw.floats([6]), constant(draw.floats([6]))]);
        const weights = [
          draw.floats([6, 4 / groups, ...kernel]),
          draw.floats([4, 6 / groups, ...kernel]),
        ];
        for (const [i, op] of ['Conv', 'ConvTranspose'].entries()) {
          // Either may be known where the other is not.
          for (const weight of [weights[i], constant(weights[i])]) {
            const inputs = [values, weight, bias];
            await expectAgreement({ op, inputs, outputs: [float], attributes });
          }
        }
      }
    });
  }

  test('Gemm, MatMul and Einsum of two values', async () => {
    for (const [transA, transB] of [
      [0, 0],
      [1, 0],
      [0, 1],
      [1, 1],
    ]) {
      await expectAgreement({
        op: 'Gemm',
        inputs: [
          draw.floats(transA ? [4, 3] : [3, 4]),
          draw.floats(transB ? [5, 4] : [4, 5]),
          draw.floats([5]),
        ],
        outputs: [float],
        attributes: { transA: { int: transA }, transB: { int: transB }, alpha: { float: 0.5 } },
      });
    }
    const left = constant(draw.floats([3, 4]));
    await expectAgreement({
      op: 'MatMul',
      inputs: [left, draw.floats([2, 4, 5])],
      outputs: [float],
    });
  });

  /** @type {Array<[string, number[][]]>} */
  const equations = [
    ['...ii->...i', [[2, 3, 3]]],
    ['iij->ji', [[3, 3, 2]]],
    ['ii->', [[4, 4]]],
    ['iji,j->i', [[3, 2, 3], [2]]],
    [
      'oc,bchw->bohw',
      [
        [5, 4],
        [2, 4, 3, 2],
      ],
    ],
    [
      'bhqd,bhkd->bhqk',
      [
        [2, 3, 4, 5],
        [2, 3, 6, 5],
      ],
    ],
    [
      'ab,bc,cd->ad',
      [
        [2, 3],
        [3, 4],
        [4, 5],
      ],
    ],
  ];
  for (const [equation, shapes] of equations) {
    test(`Einsum ${equation}`, async () => {
      for (const known of [-1, 0, shapes.length - 1]) {
        if (shapes.length === 1 && known === 0) continue;
        const inputs = shapes.map((shape, i) => {
          const given = draw.floats(shape);
          return i === known && shapes.length > 1 ? constant(given) : given;
        });
        const attributes = { equation: { string: equation } };
        await expectAgreement({ op: 'Einsum', inputs, outputs: [float], attributes });
      }
    });
  }

  test('Det', async () => {
    for (const n of [1, 2, 3, 6]) {
      await expectAgreement({ op: 'Det', inputs: [draw.floats([2, 3, n, n])], outputs: [float] });
    }
    const singular = { ...draw.floats([3, 3]), data: [0, 0, 0, 1, 2, 3, 4, 5, 6] };
    await expectAgreement({ op: 'Det', inputs: [singular], outputs: [float] });
  });

  test('BatchNormalization by computed values', async () => {
    const vectors = [0, 1, 2].map(() => draw.floats([3]));
    const variance = { ...draw.floats([3]), data: [0.5, 1, 2] };
    await expectAgreement({
      op: 'BatchNormalization',
      inputs: [draw.floats([2, 3, 4, 5]), ...vectors, variance],
      outputs: [float],
      attributes: { epsilon: { float: 1e-2 } },
    });
  });

  test('Clip between values that are computed, and of integers', async () => {
    const bound = (/** @type {number} */ number) => ({
      ...{ type: /** @type {const} */ ('float32'), shape: [], data: [number] },
    });
    for (const bounds of [[bound(-0.5), bound(0.25)], [undefined, bound(0.1)], [bound(0.1)]]) {
      await expectAgreement({
        op: 'Clip',
        inputs: [draw.floats([3, 4]), ...bounds],
        outputs: [float],
      });
    }
    const zero = constant({ type: 'int8', shape: [], data: [0] });
    const inputs = [draw.integers('int8', [9], [-9, 9]), zero];
    await expectAgreement({ op: 'Clip', inputs, outputs: ['int8'] });
  });

  test('outputs without elements', async () => {
    const place = (/** @type {number} */ number) =>
      constant({ type: 'int64', shape: [1], data: [number] });
    const inputs = [draw.floats([3, 4]), place(2), place(2), place(0)];
    await expectAgreement({ op: 'Slice', inputs, outputs: [float] });
  });

  test('Unique', async () => {
    for (const [axis, sorted] of [
      [undefined, 1],
      [0, 1],
      [1, 0],
      [-1, 1],
    ]) {
      await expectAgreement({
        op: 'Unique',
        inputs: [constant({ ...draw.integers('int64', [5, 4], [0, 1]) })],
        outputs: ['int64', 'int64', 'int64', 'int64'],
        attributes: {
          sorted: { int: Number(sorted) },
          ...(axis !== undefined && { axis: { int: axis } }),
        },
      });
    }
  });
});
