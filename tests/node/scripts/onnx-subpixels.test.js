// SPDX-License-Identifier: Apache-2.0

/** Transposed convolutions and enlargements of random sizes: the same values as onnxruntime gives. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as ort from 'onnxruntime-web';

import { importOnnx } from '../../../web/lib/import/onnx/import-onnx.js';
import { model, node, tensor, tensorType, value } from '../../support/onnx-writer.js';
import { chooseSeed, makeRandom } from '../../support/random.js';

/** @typedef {import('../../support/onnx-writer.js').Proto} Proto */

ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'fatal';

const seed = chooseSeed();
const random = makeRandom(seed);

/** @param {number} least @param {number} most */
const draw = (least, most) => least + Math.floor(random() * (most - least + 1));

/** @param {number[]} shape */
const noise = (shape) =>
  Float32Array.from({ length: shape.reduce((size, dim) => size * dim, 1) }, () => 2 * random() - 1);

/**
 * @param {number[]} shape of the input
 * @param {Proto[]} initializers
 * @param {Proto[]} nodes from x to y
 */
async function compare(shape, initializers, nodes) {
  const file = model(
    {
      nodes,
      initializers,
      inputs: [value('x', tensorType('float32', shape))],
      outputs: [value('y', tensorType('float32'))],
    },
    { irVersion: 8, opsets: { '': 17 } },
  );
  const data = noise(shape);
  const session = await ort.InferenceSession.create(file, { executionProviders: ['wasm'] });
  const { y } = await session.run({ x: new ort.Tensor('float32', data, shape) });
  await session.release();
  const network = await importOnnx(file, { format: 'dense' });
  const ours = /** @type {Record<string, any>} */ (network.run({ x: { data, shape } })).y;
  const { graph } = network;
  network.dispose();
  assert.deepEqual(ours.shape, y.dims);
  y.data.forEach((/** @type {any} */ wanted, /** @type {number} */ i) => {
    assert(Math.abs(ours.data[i] - wanted) < 1e-5, `${i}: ${ours.data[i]}, not ${wanted}`);
  });
  return graph.nodes.map(({ op }) => /** @type {string} */ (op));
}

describe('onnx: transposed convolutions and enlargements', () => {
  test(`transposed convolutions of random sizes, LOWTROPY_SEED=${seed}`, async () => {
    for (let round = 0; round < 30; ++round) {
      const rank = draw(1, 2);
      const list = (/** @type {() => number} */ make) => Array.from({ length: rank }, make);
      const groups = draw(1, 3);
      const inChannels = groups * draw(1, 2);
      const outGroup = draw(1, 3);
      const kernel = list(() => draw(1, 5));
      const strides = list(() => draw(1, 4));
      const dilations = round % 4 === 0 ? list(() => draw(1, 2)) : list(() => 1);
      const reach = kernel.map((length, axis) => (length - 1) * dilations[axis] + 1);
      const pads = [...reach, ...reach].map((length) => draw(0, Math.floor((length - 1) / 2)));
      const more = strides.map((stride) => draw(0, stride - 1));
      const shape = [draw(1, 2), inChannels, ...list(() => draw(2, 7))];
      const weight = [inChannels, outGroup, ...kernel];
      const withBias = round % 2 === 0;
      const attributes = {
        ...{ strides: { ints: strides }, dilations: { ints: dilations }, pads: { ints: pads } },
        ...{ output_padding: { ints: more }, group: { int: groups } },
      };
      await compare(
        shape,
        [
          tensor('w', 'float32', weight, noise(weight)),
          ...(withBias
            ? [tensor('b', 'float32', [groups * outGroup], noise([groups * outGroup]))]
            : []),
        ],
        [node('ConvTranspose', withBias ? ['x', 'w', 'b'] : ['x', 'w'], ['y'], { attributes })],
      );
    }
  });

  test('a stride takes no zeros between pixels', async () => {
    const ops = await compare(
      [1, 3, 5, 6],
      [tensor('w', 'float32', [3, 2, 2, 2], noise([3, 2, 2, 2]))],
      [node('ConvTranspose', ['x', 'w'], ['y'], { attributes: { strides: { ints: [2, 2] } } })],
    );
    assert.deepEqual(ops, ['conv', 'depthToSpace']);
  });

  test('integers stay what they are, and what is between them is nothing', async () => {
    const codes = Int8Array.from({ length: 3 * 2 * 9 }, () => draw(-100, 100));
    await compare(
      [1, 3, 5, 6],
      [
        tensor('q', 'int8', [3, 2, 3, 3], codes),
        tensor('scale', 'float32', [], Float32Array.of(0.01)),
        tensor('zero', 'int8', [], Int8Array.of(7)),
      ],
      [
        node('DequantizeLinear', ['q', 'scale', 'zero'], ['w']),
        node('ConvTranspose', ['x', 'w'], ['y'], { attributes: { strides: { ints: [2, 2] } } }),
      ],
    );
  });

  test(`pixels that are repeated, LOWTROPY_SEED=${seed}`, async () => {
    for (let times = 2; times < 5; ++times) {
      for (const mode of ['asymmetric', 'half_pixel']) {
        const ops = await compare(
          [draw(1, 2), draw(1, 3), draw(1, 5), draw(2, 5)],
          [tensor('s', 'float32', [4], Float32Array.of(1, 1, times, times))],
          [
            node('Resize', ['x', '', 's'], ['y'], {
              attributes: {
                mode: { string: 'nearest' },
                coordinate_transformation_mode: { string: mode },
                nearest_mode: { string: mode === 'asymmetric' ? 'floor' : 'round_prefer_floor' },
              },
            }),
          ],
        );
        assert(!ops.includes('gather'));
      }
    }
  });
});
