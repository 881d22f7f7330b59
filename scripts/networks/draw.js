// SPDX-License-Identifier: Apache-2.0

/** Tensors for a graph, drawn from a seed, each only when it is asked for. */

import { inferShapes, nodeParameters } from '../../web/lib/graph/graph.js';
import { BETA_DEVIATION, GAMMA_RANGE, predictMoments, weightGain } from './moments.js';
import { Alias, Random } from './random.js';

/**
 * @typedef {import('../../web/lib/index.js').Graph} Graph
 * @typedef {import('../../web/lib/index.js').Tensor} Tensor
 * @typedef {import('../../web/lib/graph/graph.js').GraphNode} GraphNode
 * @typedef {import('../../web/lib/graph/graph.js').Shape} Shape
 * @typedef {import('./distributions.js').Distribution} Distribution
 * @typedef {import('./moments.js').Moments} Moments
 * @typedef {(layer: GraphNode, count: number) => Distribution} DistributionOf a layer's `count`
 *   weights
 */

const BIAS_DEVIATION = 0.05;

/**
 * A tensor whose values are drawn anew each time they are asked for: large networks need not be in
 * memory as a whole. Equal seeds and names give equal values.
 *
 * @implements {Tensor}
 */
class DrawnTensor {
  #make;

  /**
   * @param {{ rows: number, cols: number, kind: 'matrix' | 'vector' }} shape
   * @param {() => Float32Array} make
   */
  constructor({ rows, cols, kind }, make) {
    this.rows = rows;
    this.cols = cols;
    this.kind = kind;
    this.#make = make;
  }

  get data() {
    return this.#make();
  }
}

/**
 * The distribution in units in which a row of `cols` weights has the squared sum `gain`.
 *
 * @param {Distribution} distribution
 * @param {number} cols
 * @param {number} gain
 */
function scaledValues({ values, shares }, cols, gain) {
  const square = values.reduce((sum, value, i) => sum + value ** 2 * shares[i], 0);
  const step = Math.fround(Math.sqrt(gain / (cols * square)));
  return values.map((value) => value * step);
}

/**
 * @param {'bias' | 'mean' | 'variance' | 'gamma' | 'beta'} role
 * @param {Moments} input of its node
 * @param {Random} random
 * @returns {() => number} draws one element
 */
function vectorElement(role, { mean, variance }, random) {
  switch (role) {
    case 'mean':
      return () => mean + 0.1 * Math.sqrt(variance) * random.normal();
    case 'variance':
      return () => variance * random.uniform(0.8, 1.25);
    case 'gamma':
      return () => random.uniform(...GAMMA_RANGE);
    case 'beta':
      return () => BETA_DEVIATION * random.normal();
    case 'bias':
      return () => BIAS_DEVIATION * random.normal();
  }
}

/**
 * @param {Graph} graph
 * @param {number} seed
 * @param {DistributionOf} distributionOf
 * @returns {Map<string, Tensor>} by name, in the order of use
 */
export function drawTensors(graph, seed, distributionOf) {
  const shapes = inferShapes(graph);
  const moments = predictMoments(graph);
  /** @type {Map<string, Tensor>} */
  const tensors = new Map();
  /** @type {(node: GraphNode, rows: number, cols: number, random: Random) => Float32Array} */
  const drawWeights = (node, rows, cols, random) => {
    const distribution = distributionOf(node, rows * cols);
    const values = scaledValues(distribution, cols, weightGain(node));
    return new Alias(values, distribution.shares).draw(random, rows * cols);
  };
  for (const node of graph.nodes) {
    const input = /** @type {Shape} */ (shapes.get(node.inputs[0]));
    const inputMoments = /** @type {Moments} */ (moments.get(node.inputs[0]));
    for (const parameter of nodeParameters(node, input)) {
      const { name, role, rows, cols } = parameter;
      const make = () => {
        const random = new Random(seed, `${graph.name}/${name}`);
        if (role === 'weight') return drawWeights(node, rows, cols, random);
        return Float32Array.from(
          { length: cols },
          vectorElement(/** @type {any} */ (role), inputMoments, random),
        );
      };
      tensors.set(name, new DrawnTensor(parameter, make));
    }
  }
  return tensors;
}
