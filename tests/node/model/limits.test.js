// SPDX-License-Identifier: Apache-2.0

/** What a network asks for is limited before anything is done, wherever a network comes from. */

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import {
  FORMATS,
  LimitError,
  LowtropyError,
  Model,
  ValueError,
  importDeepCompression,
  init,
} from '../../../web/lib/index.js';
import { heapBytes } from '../../support/heap.js';

/** @typedef {import('../../../web/lib/graph/graph.js').GraphNode} GraphNode */

before(() => init());

/**
 * @param {Array<Record<string, unknown>>} nodes without names; each after the one before it
 * @param {[number, number, number]} shape
 * @returns {any} a graph
 */
function chain(nodes, shape) {
  return {
    name: 'chain',
    input: { name: 'v', shape },
    outputs: [`v${nodes.length - 1}`],
    nodes: nodes.map((node, i) => ({
      name: `n${i}`,
      inputs: [i === 0 ? 'v' : `v${i - 1}`],
      output: `v${i}`,
      ...node,
    })),
  };
}

/**
 * @param {number} kernel
 * @param {object} [more]
 */
const window = (kernel, more) => ({
  kernel: [kernel, kernel],
  stride: [1, 1],
  pad: [0, 0, 0, 0],
  ...more,
});

/**
 * @param {number} outChannels
 * @param {number} kernel
 * @param {object} [more]
 */
const conv = (outChannels, kernel, more) => ({
  op: 'conv',
  weight: 'w',
  outChannels,
  dilation: [1, 1],
  groups: 1,
  ...window(kernel, more),
});

/**
 * @param {number} rows
 * @param {number} cols
 * @returns {Promise<Model>} one layer of zeros, but for one weight, in few bytes
 */
async function sparseLayer(rows, cols) {
  const data = new Float32Array(rows * cols);
  data[cols + 1] = 2;
  const graph = chain([{ op: 'fc', weight: 'w', outChannels: rows }], [cols, 1, 1]);
  return Model.fromGraph(graph, new Map([['w', { rows, cols, kind: 'matrix', data }]]), {
    format: 'cser',
  });
}

/**
 * @param {'maxMemory' | 'maxWork'} option
 * @returns {(error: unknown) => boolean}
 */
const limit = (option) => (error) => {
  assert(error instanceof LimitError && error instanceof LowtropyError, `${error}`);
  assert.equal(error.name, 'LimitError');
  assert.match(
    error.message,
    new RegExp(`^The network asks for \\d+ .*, and ${option} is \\d+\\.$`),
  );
  return true;
};

describe('limits: graphs that ask for too much', () => {
  /** @type {Array<[what: string, option: 'maxMemory' | 'maxWork', graph: any]>} */
  const cases = [
    ['a kernel as large as an image', 'maxMemory', chain([conv(1, 15000)], [1, 15000, 15000])],
    ['a convolution of many channels', 'maxWork', chain([conv(60000, 1)], [60000, 5, 5])],
    [
      'padding alone',
      'maxMemory',
      chain([conv(1, 1, { pad: [9000, 9000, 9000, 9000] })], [1, 2, 2]),
    ],
    ['large values', 'maxMemory', chain([{ op: 'relu' }], [200, 1500, 1500])],
    [
      'an average of large windows',
      'maxWork',
      chain(
        new Array(15).fill({ op: 'avgpool', ceil: false, countPad: false, ...window(60) }),
        [1, 7000, 7000],
      ),
    ],
    [
      'a normalization by powers, again and again',
      'maxWork',
      chain(
        new Array(60).fill({ op: 'lrn', size: 5, alpha: 1, beta: 0.5, k: 1 }),
        [1000, 100, 100],
      ),
    ],
    ['many softmaxes', 'maxWork', chain(new Array(900).fill({ op: 'softmax' }), [1000, 30, 30])],
    [
      'a long sequence',
      'maxWork',
      chain([{ op: 'lstm', weight: 'w', outChannels: 512 }], [2048, 30000, 1]),
    ],
  ];
  for (const [what, option, graph] of cases) {
    test(what, async () => {
      const before = heapBytes();
      await assert.rejects(Model.fromGraph(graph, new Map()), limit(option));
      assert(heapBytes() - before < 2 ** 20);
    });
  }

  test('which are allowed if they are asked for', async () => {
    const graph = chain([{ op: 'relu' }], [1, 30, 30]);
    const { demand } = await Model.fromGraph(graph, new Map());
    const exact = { maxMemory: demand.memory, maxWork: demand.work };
    (await Model.fromGraph(graph, new Map(), exact)).dispose();
    const less = { maxMemory: demand.memory - 1, maxWork: demand.work - 1 };
    await assert.rejects(
      Model.fromGraph(graph, new Map(), { ...exact, maxMemory: less.maxMemory }),
      limit('maxMemory'),
    );
    await assert.rejects(
      Model.fromGraph(graph, new Map(), { ...exact, maxWork: less.maxWork }),
      limit('maxWork'),
    );
    (await Model.fromGraph(graph, new Map(), { maxMemory: Infinity, maxWork: Infinity })).dispose();
  });

  test('limits that are none', async () => {
    const graph = chain([{ op: 'relu' }], [1, 3, 3]);
    for (const bad of [-1, NaN, '1G', null, 2n]) {
      for (const name of ['maxMemory', 'maxWork']) {
        const options = /** @type {any} */ ({ [name]: bad });
        await assert.rejects(
          Model.fromGraph(graph, new Map(), options),
          (error) => error instanceof ValueError && error.message.includes(name),
        );
      }
    }
  });
});

describe('limits: files', () => {
  test('are refused by their header', async () => {
    const model = await sparseLayer(3, 100000);
    const { memory, work } = model.demand;
    const file = model.save();
    model.dispose();
    await assert.rejects(Model.load(file, { maxMemory: memory - 1 }), limit('maxMemory'));
    await assert.rejects(Model.load(file, { maxWork: work - 1 }), limit('maxWork'));
    let taken = 0;
    const pieces = (async function* () {
      for (; taken < file.length; ++taken) yield file.subarray(taken, taken + 1);
    })();
    await assert.rejects(Model.load(pieces, { maxWork: 10 }), limit('maxWork'));
    assert(taken < file.length - 8, `${taken} of ${file.length} bytes were read`);
    (await Model.load(file, { maxMemory: memory, maxWork: work })).dispose();
  });
});

describe('limits: other formats', () => {
  test('do not blow up what few bytes describe', async () => {
    const model = await sparseLayer(5000, 6000);
    const maxMemory = 3_000_000;
    for (const format of /** @type {const} */ (['dense', 'palette', 'mask'])) {
      assert.throws(() => model.to(format, { maxMemory }), limit('maxMemory'), format);
      await assert.rejects(model.toAsync(format, { maxMemory }), limit('maxMemory'));
    }
    for (const format of /** @type {const} */ (['csr', 'cer', 'cser', 'pcsr', 'blocks'])) {
      const other = model.to(format, { maxMemory });
      assert.equal(other.layers[0].format, format);
      assert.equal(other.layers[0].nnz, 1);
      other.dispose();
    }
    model.dispose();
  });

  test('have the limits that the model was loaded with', async () => {
    const made = await sparseLayer(500, 600);
    const model = await Model.load(made.save(), { maxMemory: 200_000 });
    assert.throws(() => model.to('dense'), limit('maxMemory'));
    const dense = model.to('dense', { maxMemory: 2_000_000 });
    assert.throws(() => dense.to('cser', { maxMemory: 5_000 }), limit('maxMemory'));
    for (const format of FORMATS) dense.to(format).dispose();
    for (const each of [made, model, dense]) each.dispose();
  });
});

describe('limits: Deep Compression', () => {
  const prototxt = (/** @type {number} */ outputs) => `input: "data" input_dim: 1 input_dim: 1000
    input_dim: 1 input_dim: 1
    layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc"
      inner_product_param { num_output: ${outputs} bias_term: false } }`;
  /** No entries, and a codebook. */
  const net = new Uint8Array(4 + 4 * 256);

  test('weights that a few bytes stand for', async () => {
    const maxMemory = 100_000_000;
    await assert.rejects(
      importDeepCompression(net, prototxt(30000), { maxMemory }),
      limit('maxMemory'),
    );
    await assert.rejects(importDeepCompression(net, prototxt(500000)), limit('maxMemory'));
    const model = await importDeepCompression(net, prototxt(100), { maxMemory });
    assert.equal(model.layers[0].nnz, 0);
    model.dispose();
  });
});
