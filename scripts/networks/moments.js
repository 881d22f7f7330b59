// SPDX-License-Identifier: Apache-2.0

/**
 * About how large the values of a network become when its weights are drawn at random with a mean of
 * 0, so that the statistics of batch normalization can be drawn to fit, and nothing explodes.
 */

import { inferShapes, sortNodes } from '../../web/lib/graph/graph.js';
import { CLASSES } from './graph-builder.js';

/**
 * @typedef {import('../../web/lib/index.js').Graph} Graph
 * @typedef {import('../../web/lib/graph/graph.js').GraphNode} GraphNode
 * @typedef {import('../../web/lib/graph/graph.js').Shape} Shape
 * @typedef {{ mean: number, variance: number }} Moments of all elements of a value
 */

/** Draws of batch normalization: what the moments behind it follow from. */
export const GAMMA_RANGE = /** @type {const} */ ([0.5, 1.5]);
export const BETA_DEVIATION = 0.2;

const [GAMMA_LOW, GAMMA_HIGH] = GAMMA_RANGE;
const GAMMA_SQUARE = (GAMMA_LOW ** 2 + GAMMA_LOW * GAMMA_HIGH + GAMMA_HIGH ** 2) / 3;

/**
 * The sum of a row's squared weights: 2 makes up for the ReLU behind the layer (He et al.,
 * arXiv:1502.01852); the last layer, which gives as many outputs as there are classes, has none.
 *
 * @param {GraphNode} node
 */
export function weightGain(node) {
  return node.op === 'fc' && node.outChannels === CLASSES ? 1 : 2;
}

/**
 * Of max(0, x) for a normal x. The distribution function is the logistic one, which is near enough.
 *
 * @param {Moments} input
 * @returns {Moments}
 */
function rectified({ mean, variance }) {
  const deviation = Math.sqrt(variance);
  const z = mean / deviation;
  const below = 1 / (1 + Math.exp(-1.702 * z));
  const density = Math.exp(-(z ** 2) / 2) / Math.sqrt(2 * Math.PI);
  const first = mean * below + deviation * density;
  const second = (mean ** 2 + variance) * below + mean * deviation * density;
  return { mean: first, variance: second - first ** 2 };
}

/**
 * @param {Moments[]} inputs
 * @param {Shape[]} shapes of the inputs
 * @returns {Moments} of the inputs' channels together
 */
function joined(inputs, shapes) {
  const channels = shapes.reduce((sum, [count]) => sum + count, 0);
  /** @param {(moments: Moments) => number} value */
  const average = (value) =>
    inputs.reduce((sum, each, i) => sum + (value(each) * shapes[i][0]) / channels, 0);
  const mean = average((each) => each.mean);
  return { mean, variance: average((each) => each.variance + each.mean ** 2) - mean ** 2 };
}

/**
 * @param {GraphNode} node
 * @param {Moments[]} inputs
 * @param {Shape[]} shapes of the inputs
 * @returns {Moments}
 */
function momentsOf(node, inputs, shapes) {
  const [{ mean, variance }] = inputs;
  switch (node.op) {
    case 'conv':
    case 'fc':
      return { mean: 0, variance: weightGain(node) * (mean ** 2 + variance) };
    case 'batchnorm':
      return { mean: 0, variance: GAMMA_SQUARE + BETA_DEVIATION ** 2 };
    case 'relu':
      return rectified(inputs[0]);
    case 'add':
      return {
        mean: inputs.reduce((sum, each) => sum + each.mean, 0),
        variance: inputs.reduce((sum, each) => sum + each.variance, 0),
      };
    case 'concat':
      return joined(inputs, shapes);
    default:
      // Pooling and local normalization change less than matters here.
      return inputs[0];
  }
}

/**
 * @param {Graph} graph whose input has mean 0 and variance 1
 * @returns {Map<string, Moments>} by the values' names; weights of a row have the squared sum
 *   `weightGain`
 */
export function predictMoments(graph) {
  const shapes = inferShapes(graph);
  /** @type {Map<string, Moments>} */
  const moments = new Map([[graph.input.name, { mean: 0, variance: 1 }]]);
  for (const node of sortNodes(graph)) {
    const inputs = node.inputs.map((name) => /** @type {Moments} */ (moments.get(name)));
    const inputShapes = node.inputs.map((name) => /** @type {Shape} */ (shapes.get(name)));
    moments.set(node.output, momentsOf(node, inputs, inputShapes));
  }
  return moments;
}
