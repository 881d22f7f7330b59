// SPDX-License-Identifier: Apache-2.0

/**
 * The networks of the CER/CSER paper (arXiv:1805.10692), with weights drawn from a seed to the
 * statistics that were published of trained ones. They classify nothing; what they cost to hold and
 * to run depends on these statistics alone.
 */

import { alexNet } from './alexnet.js';
import { denseNet } from './densenet.js';
import { prunedWeights, quantizedWeights } from './distributions.js';
import { drawTensors } from './draw.js';
import { resNet } from './resnet.js';
import { vgg } from './vgg.js';

/**
 * @typedef {import('../../web/lib/index.js').Graph} Graph
 * @typedef {import('../../web/lib/index.js').Tensor} Tensor
 * @typedef {import('./draw.js').DistributionOf} DistributionOf
 *
 * @typedef {'alexnet' | 'vgg16' | 'resnet152' | 'densenet161'} NetworkName
 *
 * @typedef {object} Definition
 * @property {string} title
 * @property {string} weights what they are drawn to: a phrase
 * @property {() => Graph} graph
 * @property {() => DistributionOf} distributions of the layers' weights
 */

export const DEFAULT_SEED = 1;

/** AlexNet by Deep Compression (arXiv:1510.00149, table 4): shares of weights that are kept. */
const ALEXNET_DENSITIES = new Map([
  ['conv1', 0.84],
  ['conv2', 0.38],
  ['conv3', 0.35],
  ['conv4', 0.37],
  ['conv5', 0.37],
  ['fc6', 0.09],
  ['fc7', 0.09],
  ['fc8', 0.25],
]);

/** Shared values of 8 bits in convolutions and of 5 bits in the others, 0 among them. */
const CONV_VALUES = 256;
const FC_VALUES = 32;

function alexNetDistributions() {
  /** @type {DistributionOf} */
  return ({ name, op }, count) =>
    prunedWeights(
      /** @type {number} */ (ALEXNET_DENSITIES.get(name)),
      op === 'conv' ? CONV_VALUES : FC_VALUES,
      count,
    );
}

/**
 * All layers alike, for the statistics were published of whole networks.
 *
 * @param {string} title
 * @param {() => Graph} graph
 * @param {number} p0
 * @param {number} entropy bits
 * @returns {Definition}
 */
function quantized(title, graph, p0, entropy) {
  return {
    title,
    weights: `generalized normal, 127 levels of 7 bits, p0 = ${p0} and H = ${entropy} in each layer`,
    graph,
    distributions() {
      const distribution = quantizedWeights(p0, entropy);
      return () => distribution;
    },
  };
}

/** @type {Record<NetworkName, Definition>} */
const NETWORKS = {
  alexnet: {
    title: 'AlexNet',
    weights:
      "normal, pruned to Deep Compression's densities at random places, clustered by k-means to " +
      `${CONV_VALUES} values in convolutions and ${FC_VALUES} in others, 0 among them`,
    graph: alexNet,
    distributions: alexNetDistributions,
  },
  vgg16: quantized('VGG-16', () => vgg(16), 0.07, 4.8),
  resnet152: quantized('ResNet-152', () => resNet(152), 0.12, 4.1),
  densenet161: quantized('DenseNet-161', () => denseNet(161), 0.36, 3.7),
};

export const networkNames = /** @type {NetworkName[]} */ (Object.keys(NETWORKS));

/**
 * A network with its weights. Each tensor's `data` is drawn anew whenever it is read: nothing is
 * held, so that what needs it twice keeps it.
 *
 * @param {NetworkName} name
 * @param {{ seed?: number }} [options]
 * @returns {{ graph: Graph, tensors: Map<string, Tensor>, title: string, weights: string }}
 *   dense tensors, row-major, as `readDeepCompression` gives them; title: for people; weights: what
 *   they were drawn to
 */
export function buildNetwork(name, { seed = DEFAULT_SEED } = {}) {
  const { title, weights, graph: makeGraph, distributions } = NETWORKS[name];
  const graph = makeGraph();
  return { graph, tensors: drawTensors(graph, seed, distributions()), title, weights };
}
