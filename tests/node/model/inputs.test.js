// SPDX-License-Identifier: Apache-2.0

/** Several inputs and outputs by name, of any rank, with symbols for dimensions. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { LimitError, Model, ShapeError, ValueError } from '../../../web/lib/index.js';
import { RANK_FIVE, makeRankFiveRun } from '../../support/rank-five.js';

const model = await Model.fromGraph(RANK_FIVE, new Map());

/** @param {any} input @param {Function} kind @param {RegExp} message */
function refuses(input, kind, message) {
  assert.throws(
    () => model.run(input),
    (/** @type {Error} */ error) => {
      assert(error instanceof kind, `${error}`);
      assert.match(error.message, message);
      return true;
    },
  );
}

describe('inputs by name', () => {
  it('tells names, types and shapes', () => {
    assert.deepEqual(model.inputs, [
      {
        name: 'a',
        type: 'float32',
        shape: ['batch', 2, 3, 2, 'width'],
        usualShape: [1, 2, 3, 2, 4],
      },
      {
        name: 'b',
        type: 'float32',
        shape: ['batch', 2, 3, 2, 'width'],
        usualShape: [1, 2, 3, 2, 4],
      },
      { name: 'ids', type: 'int32', shape: ['batch', 5], usualShape: [1, 5] },
    ]);
    assert.deepEqual(model.outputs, [
      { name: 'both', type: 'float32', shape: [1, 4, 3, 2, 4] },
      { name: 'same ids', type: 'int32', shape: [1, 5] },
    ]);
    assert.equal(model.inputs, model.inputs); // nothing is copied
    assert.equal(model.graph, model.graph);
    assert.throws(() => model.inputs.pop(), TypeError);
    assert.throws(() => model.graph.nodes.pop(), TypeError);
  });

  it('runs with two inputs of rank 5, symbols and a batch of 3', async () => {
    for (const [batch, width] of [
      [1, 4],
      [3, 7],
      [2, 4],
      [3, 7],
      [1, 4],
    ]) {
      const { inputs, expected } = makeRankFiveRun(batch, width);
      assert.deepEqual(model.run(inputs), expected);
      assert.deepEqual(await model.runAsync(inputs), expected);
    }
  });

  it('is the same from a file', async () => {
    const file = model.save();
    const loaded = await Model.load(file);
    assert.deepEqual(loaded.inputs, model.inputs);
    assert.deepEqual(loaded.save(), file);
    const { inputs, expected } = makeRankFiveRun(3, 7);
    assert.deepEqual(loaded.run(inputs), expected);
    loaded.dispose();
  });

  it('takes values alone where the shape is clear', async () => {
    const { graph, weight } = batchOfImages();
    const images = await Model.fromGraph(graph, new Map([['w', weight]]));
    const [{ usualShape }] = images.inputs;
    assert.deepEqual(usualShape, [1, 3, 5, 5]);
    const data = Float32Array.from({ length: 4 * 75 }, (_, i) => Math.sin(i));
    const { y } = images.run({ x: data });
    assert.deepEqual(y.shape, [4, 2, 5, 5]);
    // As many runs of one sample each, one after the other.
    assert.deepEqual(images.run(data), y.data);
    assert.deepEqual(images.runAll(data), new Map([['y', y.data]]));
    images.dispose();
  });

  it('narrows integers of 64 bits, and takes booleans', async () => {
    const graph = /** @type {any} */ ({
      name: '',
      inputs: [
        { name: 'n', type: 'int32', shape: [2] },
        { name: 'mask', type: 'bool', shape: [3] },
      ],
      outputs: ['n2', 'mask2'],
      nodes: [
        { op: 'dropout', name: 'n2', inputs: ['n'], output: 'n2' },
        { op: 'dropout', name: 'mask2', inputs: ['mask'], output: 'mask2' },
      ],
    });
    const passing = await Model.fromGraph(graph, new Map());
    const { n2, mask2 } = passing.run({
      n: new BigInt64Array([-(2n ** 31n), 2n ** 31n - 1n]),
      mask: [true, false, true],
    });
    assert.deepEqual(n2, {
      type: 'int32',
      shape: [2],
      data: new Int32Array([-(2 ** 31), 2 ** 31 - 1]),
    });
    assert.deepEqual(mask2, { type: 'bool', shape: [3], data: new Uint8Array([1, 0, 1]) });
    for (const n of [
      [1, 2 ** 31],
      [0.5, 1],
      [1n, 2n ** 40n],
      ['1', 2],
    ]) {
      assert.throws(() => passing.run({ n: /** @type {any} */ (n), mask: [1, 0, 1] }), ValueError);
    }
    passing.dispose();
  });

  it('works constants out, and moves values', async () => {
    /** @type {import('../../../web/lib/graph/graph.js').NamedGraph} */
    const graph = {
      name: '',
      inputs: [{ name: 'x', type: 'float32', shape: ['n', 2, 3] }],
      symbols: { n: 1 },
      outputs: ['y'],
      nodes: [
        { op: 'constant', name: 'c', inputs: [], output: 'c', value: 'c', shape: [3] },
        { op: 'constant', name: 'd', inputs: [], output: 'd', value: 'd', shape: [2, 1] },
        { op: 'sum', name: 'e', inputs: ['c', 'd'], output: 'e' },
        { op: 'mul', name: 'f', inputs: ['x', 'e'], output: 'f' },
        { op: 'transpose', name: 't', inputs: ['f'], output: 't', axes: [2, 0, 1] },
        { op: 'reshape', name: 'y', inputs: ['t'], output: 'y', shape: [0, 1], rest: 1 },
      ],
    };
    /** @param {number[]} values */
    const vector = (values) =>
      /** @type {const} */ ({
        rows: 1,
        cols: values.length,
        kind: 'vector',
        data: Float32Array.from(values),
      });
    const tensors = new Map([
      ['c', vector([1, 2, 3])],
      ['d', vector([10, 20])],
    ]);
    const folded = await Model.fromGraph(graph, tensors);
    const { y } = folded.run({ x: { data: new Float32Array(12).fill(1), shape: [2, 2, 3] } });
    assert.deepEqual(y.shape, [3, 4]);
    assert.deepEqual([...y.data], [11, 21, 11, 21, 12, 22, 12, 22, 13, 23, 13, 23]);
    const names = folded.profile({ x: new Float32Array(6) }).map(({ name }) => name);
    assert.deepEqual(names, ['f', 't']);
    folded.dispose();
  });

  it('profiles by names', async () => {
    const { inputs } = makeRankFiveRun(3, 7);
    const names = model.profile(inputs).map(({ name }) => name);
    assert.deepEqual(names, ['sum', 'both']);
    const later = await model.profileAsync(inputs);
    assert.deepEqual(
      later.map(({ name }) => name),
      names,
    );
  });

  it('refuses what does not fit, by one sentence, and goes on', () => {
    const { inputs, expected } = makeRankFiveRun(3, 7);
    refuses(
      null,
      ValueError,
      /^The input must be .* an object of the inputs "a", "b", "ids", not null\.$/,
    );
    refuses({ ...inputs, c: [1] }, ValueError, /no input "c"; its inputs are "a", "b", "ids"\.$/);
    refuses({ a: inputs.a }, ValueError, /^The input "b" is missing/);
    refuses(inputs.a.data, ValueError, /^The network has 3 inputs: run\({ "a": …}\)/);
    refuses({ ...inputs, a: 5 }, ValueError, /^The input "a" must be values or { data, shape }/);
    refuses(
      { ...inputs, a: { data: inputs.a.data, shape: 'x' } },
      ShapeError,
      /a shape is an array/,
    );
    refuses({ ...inputs, a: { data: inputs.a.data, shape: [3, -1] } }, ShapeError, /not \[3,-1\]/);
    refuses({ ...inputs, a: { data: [1], shape: [] } }, ShapeError, /has 5 dimensions/);
    refuses(
      { ...inputs, a: { data: inputs.a.data, shape: [3, 2] } },
      ShapeError,
      /3×2 has 6 values/,
    );
    const other = makeRankFiveRun(2, 7).inputs;
    refuses({ ...inputs, b: other.b }, ShapeError, /"b" cannot be 2 x .*: "batch" is 3 already\.$/);
    refuses({ ...inputs, ids: new Float32Array(15) }, ValueError, /"ids" must be an Int32Array/);
    assert.deepEqual(model.run(inputs), expected);
  });

  it('keeps to the limits with other shapes, too', async () => {
    const { memory } = model.demand;
    const tight = await Model.fromGraph(RANK_FIVE, new Map(), {
      maxMemory: Math.max(memory, 4096),
    });
    const { inputs } = makeRankFiveRun(100, 100);
    assert.throws(() => tight.run(inputs), LimitError);
    const usual = makeRankFiveRun(1, 4);
    assert.deepEqual(tight.run(usual.inputs), usual.expected);
    tight.dispose();
  });
});

function batchOfImages() {
  const graph = /** @type {any} */ ({
    name: '',
    inputs: [{ name: 'x', type: 'float32', shape: ['batch', 3, 5, 5] }],
    symbols: { batch: 1 },
    outputs: ['y'],
    nodes: [
      {
        ...{ op: 'conv', name: 'y', inputs: ['x'], output: 'y', weight: 'w', outChannels: 2 },
        ...{ kernel: [3, 3], stride: [1, 1], pad: [1, 1, 1, 1], dilation: [1, 1], groups: 1 },
      },
    ],
  });
  const weight = /** @type {any} */ ({
    ...{ rows: 2, cols: 27, kind: 'matrix' },
    data: Float32Array.from({ length: 54 }, (_, i) => (i % 5) - 2),
  });
  return { graph, weight };
}
