// SPDX-License-Identifier: Apache-2.0

/** The pieces of the benchmark: engines that answer alike, and what refuses to be measured. */

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import { compare, noise, relativeDifference } from '../../../scripts/bench/compare.js';
import { lowtropy } from '../../../scripts/bench/engines/lowtropy.js';
import { onnxruntime } from '../../../scripts/bench/engines/onnxruntime.js';
import { tfjs } from '../../../scripts/bench/engines/tfjs.js';
import { interleave } from '../../../scripts/bench/interleave.js';
import { chooseEngines } from '../../../scripts/bench/peers.js';
import { chooseRows } from '../../../scripts/bench/rows.js';
import { GraphBuilder } from '../../../scripts/networks/graph-builder.js';
import { tensorShapes } from '../../../web/lib/graph/graph.js';
import { init } from '../../../web/lib/index.js';
import { runReference } from '../../support/reference.js';

/**
 * @typedef {import('../../../web/lib/index.js').Graph} Graph
 * @typedef {import('../../../scripts/bench/engines/engine.js').Engine} Engine
 * @typedef {import('../../../scripts/bench/engines/engine.js').Work} Work
 */

const TOLERANCE = 1e-4;

/**
 * Tensors of noise; variances are positive.
 *
 * @param {Graph} graph
 * @returns {Work}
 */
function withTensors(graph) {
  const tensors = new Map(
    [...tensorShapes(graph)].map(([name, { rows, cols, kind }]) => {
      const data = noise(rows * cols);
      return [name, { rows, cols, kind, data: /variance/.test(name) ? data.map(Math.abs) : data }];
    }),
  );
  return { graph, tensors };
}

/**
 * A network of 3 channels and 12×12 pixels: what a builder adds to its input.
 *
 * @param {(b: GraphBuilder) => string} add returns the output
 * @returns {Work}
 */
function network(add) {
  const b = new GraphBuilder();
  const graph = b.finish('test', add(b));
  return withTensors({ ...graph, input: { ...graph.input, shape: [3, 12, 12] } });
}

/**
 * Compares an engine's output with the reference's.
 *
 * @param {Engine} engine
 * @param {Work} work
 */
async function check(engine, work) {
  const input = noise(work.graph.input.shape.reduce((product, n) => product * n, 1));
  const [name] = work.graph.outputs;
  const expected = runReference(work.graph, work.tensors, input).get(name);
  const running = await engine.open(work, input);
  try {
    // Twice: nothing that the second run needs may be freed.
    await running.run();
    const output = await running.run();
    const difference = relativeDifference(
      expected ?? [],
      running.toChannelsFirst?.(output) ?? output,
    );
    assert(difference < TOLERANCE, `${engine.name} differs by ${difference}`);
  } finally {
    await running.close();
  }
}

/** @type {Record<string, (b: GraphBuilder) => string>} */
const NETWORKS = {
  'convolution, normalization and ReLU in one'(b) {
    const value = b.conv('conv', b.input, { outputs: 8, kernel: 3, pad: 1, stride: 2 });
    return b.plain('relu', 'relu', b.batchNorm('norm', value));
  },
  'uneven padding, and a value that is used twice'(b) {
    const conv = b.conv('conv', b.input, { outputs: 6, kernel: 3, pad: [0, 1, 2, 0] });
    const relu = b.plain('relu', 'relu', conv);
    return b.plain('concat', 'both', b.plain('add', 'sum', conv, relu), relu);
  },
  groups(b) {
    const value = b.conv('conv1', b.input, { outputs: 8, kernel: 1 });
    return b.conv('conv2', value, { outputs: 6, kernel: 3, pad: 1, groups: 2 });
  },
  'normalization before ReLU without a convolution'(b) {
    return b.plain('relu', 'relu', b.batchNorm('norm', b.input));
  },
  pooling(b) {
    const largest = b.maxPool('max', b.input, { kernel: 3, stride: 2, pad: [0, 0, 1, 1] });
    return b.avgPool('mean', largest, { kernel: 2, stride: 2 });
  },
  'response normalization'(b) {
    return b.lrn('lrn', b.conv('conv', b.input, { outputs: 9, kernel: 1 }));
  },
  'a classifier'(b) {
    const flat = b.plain('flatten', 'flat', b.conv('conv', b.input, { outputs: 4, kernel: 3 }));
    const hidden = b.plain('dropout', 'drop', b.plain('relu', 'relu', b.fc('fc1', flat, 12)));
    return b.plain('softmax', 'prob', b.fc('fc2', hidden, 5));
  },
  'a mean of each channel'(b) {
    return b.plain('globalavgpool', 'mean', b.input);
  },
};

before(() => init());

describe('bench: engines', () => {
  for (const engine of [lowtropy('auto'), onnxruntime, tfjs]) {
    for (const [what, add] of Object.entries(NETWORKS)) {
      test(`${engine.name}: ${what}`, () => check(engine, network(add)));
    }
  }

  for (const beta of [0.75, 0.5]) {
    test(`TensorFlow.js: response normalization with a power of ${beta} that matters`, () => {
      const work = network((b) => b.lrn('lrn', b.input));
      Object.assign(work.graph.nodes[0], { alpha: 2, beta, size: 3 });
      return check(tfjs, work);
    });
  }

  test('what TensorFlow.js cannot run is said, and the others are measured', async () => {
    const window = { kernel: 3, stride: 1, pad: 1 };
    const work = network((b) => b.avgPool('mean', b.input, window));
    const result = await compare(work, [lowtropy('auto'), onnxruntime, tfjs], { rounds: 1 });
    assert.deepEqual(Object.keys(result.milliseconds), ['lowtropy', 'onnxruntime-web']);
    assert.match(result.missing['TensorFlow.js'], /padded/);
  });

  test('engines that disagree are not timed', async () => {
    const work = network((b) => b.plain('relu', 'relu', b.input));
    /** @type {Engine} */
    const wrong = {
      name: 'wrong',
      open: async (_, input) => ({ run: () => input, close: () => {} }),
    };
    await assert.rejects(
      compare(work, [lowtropy('auto'), wrong], { rounds: 1 }),
      /^Error: wrong and lowtropy disagree by/,
    );
  });

  test('NaN is a disagreement', () => {
    assert.equal(relativeDifference([1, 2], [1, 2]), 0);
    assert.equal(relativeDifference([1, 2], [1, 1]), 0.5);
    assert.equal(relativeDifference([1, 2], [1]), Infinity);
    assert.equal(relativeDifference([0, 0], [0, 1]), Infinity);
    assert.equal(relativeDifference([1, 2], [NaN, 2]), Infinity);
    assert.equal(relativeDifference([1, Infinity], [1, Infinity]), Infinity);
  });
});

describe('bench: rows', () => {
  test('are chosen by name', () => {
    assert.deepEqual(
      chooseRows(['fc8', 'vgg16']).map(({ name }) => name),
      ['fc8', 'vgg16'],
    );
    assert.equal(chooseRows().length, 12);
    assert.throws(() => chooseRows(['fc9']), /no row "fc9"; there are fc6,/);
    assert.throws(() => chooseEngines({ format: 'auto', peer: ['jax'] }), /no peer "jax"/);
  });

  test('a layer has the density and the number of values that it says', async () => {
    const [row] = chooseRows(['fc8']);
    const work = await row.build({ squeezeNet: async () => undefined });
    const data = work?.tensors.get('w')?.data ?? new Float32Array();
    assert.equal(data.length, 1000 * 4096);
    const share = data.filter((value) => value !== 0).length / data.length;
    assert(Math.abs(share - 0.25) < 0.005, `${share}`);
    assert.equal(new Set(data).size, 32);
  });

  test('without its data a row is left out', async () => {
    const [row] = chooseRows(['squeezenet']);
    assert.equal(await row.build({ squeezeNet: async () => undefined }), undefined);
  });
});

test('bench: fast contestants get more rounds, the others as many as asked for', async () => {
  let runs = 0;
  const contestant = { name: 'counter', run: () => ++runs };
  const options = { warmUp: 1, leastMilliseconds: 0 };
  await interleave([contestant], { ...options, rounds: 3 });
  assert.equal(runs, 1 + 1 + 3);
  runs = 0;
  await interleave([contestant], { ...options, rounds: 3, leastTotal: 20 });
  assert(runs > 100, `${runs}`);
});
