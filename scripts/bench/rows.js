// SPDX-License-Identifier: Apache-2.0

/**
 * What is measured, and how far ahead of the better peer it is to be. Single layers have drawn
 * weights: pruned and clustered as by Deep Compression (32 or 256 values), or rounded to 127 levels
 * with the statistics of DenseNet (64 %) and VGG (93 %), and so have the networks of the paper. The products with 196 and 784 columns are
 * 3×3 convolutions of 14×14 and 28×28 pixels, for all engines.
 */

import { readDeepCompression } from '../../web/lib/import/deep-compression.js';
import { buildNetwork } from '../networks/index.js';
import { prunedWeights, quantizedWeights } from '../networks/distributions.js';
import { Alias, Random } from '../networks/random.js';

/**
 * @typedef {import('../../web/lib/index.js').Graph} Graph
 * @typedef {import('../../web/lib/graph/graph.js').GraphNode} GraphNode
 * @typedef {import('../../web/lib/graph/graph.js').Shape} Shape
 * @typedef {import('../networks/distributions.js').Distribution} Distribution
 * @typedef {import('./engines/engine.js').Work} Work
 *
 * @typedef {object} Sources what rows are made from, and is not here
 * @property {() => Promise<{ net: Uint8Array, prototxt: string } | undefined>} squeezeNet
 *
 * @typedef {object} Row
 * @property {string} name
 * @property {string} title
 * @property {number} target how many times as fast as the better peer
 * @property {number} [mostBytes] bytes of weights, as a share of dense ones
 * @property {(sources: Sources) => Promise<Work | undefined>} build undefined where there is no data
 */

const SEED = 4;

/** The density of DenseNet-161's and of VGG-16's weights, with their entropy. */
const DENSENET = { p0: 0.36, entropy: 3.7 };
const VGG = { p0: 0.07, entropy: 4.8 };

/**
 * @param {GraphNode} node with the weight "w", from the value "x" to "y"
 * @param {Shape} shape of its input
 * @param {{ rows: number, cols: number }} size
 * @param {Distribution} distribution
 * @returns {Work}
 */
function drawnLayer(node, shape, { rows, cols }, { values, shares }) {
  const graph = {
    name: node.name,
    input: { name: 'x', shape },
    outputs: ['y'],
    nodes: [node],
  };
  const variance = values.reduce((sum, value, i) => sum + shares[i] * value * value, 0);
  const scale = 1 / Math.sqrt(cols * variance);
  const scaled = values.map((value) => value * scale);
  const data = new Alias(scaled, shares).draw(new Random(SEED, node.name), rows * cols);
  return { graph, tensors: new Map([['w', { rows, cols, kind: 'matrix', data }]]) };
}

/**
 * @param {string} name
 * @param {number} rows
 * @param {number} cols
 * @param {Distribution} distribution
 */
function drawnFc(name, rows, cols, distribution) {
  /** @type {GraphNode} */
  const node = { op: 'fc', name, inputs: ['x'], output: 'y', weight: 'w', outChannels: rows };
  return drawnLayer(node, [cols, 1, 1], { rows, cols }, distribution);
}

/**
 * A 3×3 convolution with as many channels before as after.
 *
 * @param {string} name
 * @param {number} channels
 * @param {number} side
 * @param {Distribution} distribution
 */
function drawnConv(name, channels, side, distribution) {
  /** @type {GraphNode} */
  const node = {
    op: 'conv',
    name,
    inputs: ['x'],
    output: 'y',
    weight: 'w',
    outChannels: channels,
    kernel: [3, 3],
    stride: [1, 1],
    pad: [1, 1, 1, 1],
    dilation: [1, 1],
    groups: 1,
  };
  const size = { rows: channels, cols: 9 * channels };
  return drawnLayer(node, [channels, side, side], size, distribution);
}

/** Single layers. @type {Row[]} */
export const LAYERS = [
  {
    name: 'fc6',
    title: 'fc6 4096×9216, 9 %, 32 values',
    target: 4,
    build: async () => drawnFc('fc6', 4096, 9216, prunedWeights(0.09, 32)),
  },
  {
    name: 'fc7',
    title: 'fc7 4096×4096, 9 %, 32 values',
    target: 4,
    build: async () => drawnFc('fc7', 4096, 4096, prunedWeights(0.09, 32)),
  },
  {
    name: 'fc8',
    title: 'fc8 1000×4096, 25 %, 32 values',
    target: 2,
    build: async () => drawnFc('fc8', 1000, 4096, prunedWeights(0.25, 32)),
  },
  {
    name: 'conv14-10',
    title: '512×4608·196, 10 %, 32 values',
    target: 5,
    build: async () => drawnConv('conv14-10', 512, 14, prunedWeights(0.1, 32)),
  },
  {
    name: 'conv28-33',
    title: '256×2304·784, 33 %, 256 values',
    target: 1.8,
    build: async () => drawnConv('conv28-33', 256, 28, prunedWeights(0.33, 256)),
  },
  {
    name: 'conv28-64',
    title: '256×2304·784, 64 %, 127 levels',
    target: 1.2,
    build: async () =>
      drawnConv('conv28-64', 256, 28, quantizedWeights(DENSENET.p0, DENSENET.entropy)),
  },
  {
    name: 'conv14-93',
    title: '512×4608·196, 93 %, 127 levels',
    target: 0.95,
    mostBytes: 0.26,
    build: async () => drawnConv('conv14-93', 512, 14, quantizedWeights(VGG.p0, VGG.entropy)),
  },
];

/**
 * @param {import('../networks/index.js').NetworkName} name
 * @param {number} target
 * @returns {Row}
 */
function drawnNetwork(name, target) {
  return {
    name,
    title: `${name}, drawn weights`,
    target,
    async build() {
      const { graph, tensors } = buildNetwork(name);
      // Drawn once, for they are drawn whenever they are read.
      const held = [...tensors].map(([key, tensor]) => [key, { ...tensor, data: tensor.data }]);
      return { graph, tensors: new Map(/** @type {any} */ (held)) };
    },
  };
}

/** @type {Row[]} */
const NETWORKS = [
  {
    name: 'squeezenet',
    title: 'SqueezeNet by Deep Compression',
    target: 1.6,
    async build({ squeezeNet }) {
      const files = await squeezeNet();
      return files && readDeepCompression(files.net, files.prototxt);
    },
  },
  drawnNetwork('alexnet', 2.5),
  drawnNetwork('densenet161', 1.2),
  drawnNetwork('resnet152', 1),
  drawnNetwork('vgg16', 1),
];

const ROWS = [...LAYERS, ...NETWORKS];

/**
 * @param {string[]} [names] all, by default
 * @returns {Row[]}
 * @throws {Error} for a name that no row has
 */
export function chooseRows(names = ROWS.map(({ name }) => name)) {
  return names.map((name) => {
    const row = ROWS.find((candidate) => candidate.name === name);
    if (row) return row;
    throw new Error(`There is no row "${name}"; there are ${ROWS.map((each) => each.name)}.`);
  });
}
