// SPDX-License-Identifier: Apache-2.0

/** Norms of windows, as onnxruntime has them. */

import { describe, test } from 'node:test';

import { drawing, expectAgreement } from '../../support/onnx-beside.js';
import { chooseSeed, makeRandom } from '../../support/random.js';

const seed = chooseSeed();
const draw = drawing(makeRandom(seed));

describe(`ONNX: LpPool beside onnxruntime, LOWTROPY_SEED=${seed}`, () => {
  for (const rank of [1, 2, 3]) {
    test(`in ${rank} dimensions`, async () => {
      for (const p of [1, 2, 3]) {
        const list = (/** @type {number[]} */ of) => ({
          ints: Array.from({ length: rank }, () => draw.oneOf(of)),
        });
        await expectAgreement({
          op: 'LpPool',
          inputs: [draw.floats([2, 3, ...list([5, 6, 7]).ints])],
          outputs: ['float32'],
          attributes: {
            p: { int: p },
            kernel_shape: list([2, 3]),
            strides: list([1, 2, 3]),
            pads: { ints: [...list([0, 1]).ints, ...list([0, 1]).ints] },
          },
        });
      }
    });
  }

  for (const way of ['SAME_UPPER', 'SAME_LOWER', 'VALID']) {
    test(`${way}`, () =>
      expectAgreement({
        op: 'LpPool',
        inputs: [draw.floats([1, 2, 7, 6])],
        outputs: ['float32'],
        attributes: {
          kernel_shape: { ints: [3, 2] },
          strides: { ints: [2, 3] },
          auto_pad: { string: way },
        },
      }));
  }

  test('version 18: gaps, and windows that are rounded up', async () => {
    for (const ceil of [0, 1]) {
      await expectAgreement({
        ...{ op: 'LpPool', version: 18 },
        inputs: [draw.floats([1, 2, 9, 10])],
        outputs: ['float32'],
        attributes: {
          kernel_shape: { ints: [2, 3] },
          strides: { ints: [3, 2] },
          dilations: { ints: [2, 1] },
          ceil_mode: { int: ceil },
        },
      });
    }
  });
});
