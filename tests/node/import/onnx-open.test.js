// SPDX-License-Identifier: Apache-2.0

/** Sizes that a file leaves open, and shapes that are computed from them. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { ShapeError } from '../../../web/lib/core/errors.js';
import { importOnnx } from '../../../web/lib/import/onnx/import-onnx.js';
import { model, node, tensor, tensorType, value } from '../../support/onnx-writer.js';

/** @typedef {import('../../support/onnx-writer.js').Proto} Proto */

/** @param {string} name @param {number[]} numbers @param {number[]} [dims] */
const integers = (name, numbers, dims = [numbers.length]) =>
  tensor(name, 'int64', dims, BigInt64Array.from(numbers, BigInt));

/**
 * Nodes that read one dimension of x, as an exporter writes it.
 *
 * @param {number} axis
 * @param {string} to
 */
const dimension = (axis, to) => [
  node('Shape', ['x'], [`${to}.shape`]),
  node('Gather', [`${to}.shape`, `at${axis}`], [to]),
];

/**
 * @param {Array<string | number>} shape of x
 * @param {Proto[]} initializers
 * @param {Proto[]} nodes
 */
function importOpen(shape, initializers, nodes) {
  const file = model(
    {
      nodes,
      initializers: [integers('at0', [0]), integers('at1', [1]), ...initializers],
      inputs: [value('x', tensorType('float32', shape))],
      outputs: [value('y', tensorType('float32'))],
    },
    { irVersion: 8, opsets: { '': 17 } },
  );
  return importOnnx(file, { format: 'dense' });
}

/**
 * @param {import('../../../web/lib/model/model.js').Model} network
 * @param {number[]} shape
 * @returns {any}
 */
function runOf(network, shape) {
  const data = Float32Array.from(
    { length: shape.reduce((size, dim) => size * dim, 1) },
    (_, i) => i,
  );
  return /** @type {any} */ (network.run({ x: { data, shape } })).y;
}

describe('onnx: sizes that stay open', () => {
  test('heads that are taken apart and put together again', async () => {
    const network = await importOpen(
      ['batch', 'steps', 8],
      [integers('heads', [2]), integers('depth', [4]), integers('all', [8])],
      [
        ...dimension(0, 'n'),
        ...dimension(1, 's'),
        node('Concat', ['n', 's', 'heads', 'depth'], ['apart'], {
          attributes: { axis: { int: 0 } },
        }),
        node('Reshape', ['x', 'apart'], ['a']),
        node('Transpose', ['a'], ['b'], { attributes: { perm: { ints: [0, 2, 1, 3] } } }),
        node('Softmax', ['b'], ['c'], { attributes: { axis: { int: -1 } } }),
        node('Transpose', ['c'], ['d'], { attributes: { perm: { ints: [0, 2, 1, 3] } } }),
        node('Mul', ['n', 's'], ['rows']),
        node('Concat', ['rows', 'all'], ['flat'], { attributes: { axis: { int: 0 } } }),
        node('Reshape', ['d', 'flat'], ['e']),
        node('Neg', ['e'], ['f']),
        node('Concat', ['n', 's', 'all'], ['whole'], { attributes: { axis: { int: 0 } } }),
        node('Reshape', ['f', 'whole'], ['y']),
      ],
    );
    assert.deepEqual(network.inputs[0].shape, ['batch', 'steps', 8]);
    for (const shape of [
      [1, 3, 8],
      [2, 5, 8],
      [4, 1, 8],
    ]) {
      const { shape: made, data } = runOf(network, shape);
      assert.deepEqual(made, shape);
      const sum = [0, 1, 2, 3].reduce((all, at) => all + Math.exp(at), 0);
      data.forEach((/** @type {number} */ v, /** @type {number} */ i) => {
        assert(Math.abs(v + Math.exp(i % 4) / sum) < 1e-6);
      });
    }
    network.dispose();
  });

  test('an expansion to the shape that is there', async () => {
    const network = await importOpen(
      ['batch', 4],
      [integers('one', [1])],
      [
        ...dimension(0, 'n'),
        node('Concat', ['n', 'one'], ['wanted'], { attributes: { axis: { int: 0 } } }),
        node('Expand', ['x', 'wanted'], ['y']),
      ],
    );
    assert.deepEqual(network.inputs[0].shape, ['batch', 4]);
    assert.deepEqual(runOf(network, [3, 4]).shape, [3, 4]);
    network.dispose();
  });

  test('what is computed with a size is asked for', async () => {
    const nodes = [
      ...dimension(0, 'n'),
      node('Cast', ['n'], ['f'], { attributes: { to: { int: 1 } } }),
      node('Mul', ['x', 'f'], ['y']),
    ];
    await assert.rejects(importOpen(['batch', 4], [], nodes), (error) => {
      assert(error instanceof ShapeError);
      assert.match(error.message, /depends on "batch", a size .*shapes: \{ "x": \[1, 4\] \}/);
      return true;
    });
  });
});
