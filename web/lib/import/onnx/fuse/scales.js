// SPDX-License-Identifier: Apache-2.0

/**
 * Constants that each channel of a product is multiplied by or has added, as its batch normalization and its
 * bias: a run has both in the product's rows, and the weights stay what they are.
 */

import { attributesOf, bothWays } from './fusible-graph.js';
import { toFloats } from '../lowering.js';

/**
 * @typedef {import('./fusible-graph.js').FusibleGraph} FusibleGraph
 * @typedef {import('../lowering.js').OurNode} OurNode
 * @typedef {import('./index.js').Rule} Rule
 */

/**
 * A constant's values for each of the channels of another value, where it has one for each or one for all.
 *
 * @param {FusibleGraph} graph
 * @param {string} value
 * @param {string} other
 * @param {number} axis of the other's channels
 * @returns {(() => Float32Array) | undefined}
 */
function alongChannels(graph, value, other, axis) {
  const constant = graph.constantOf(value);
  if (constant?.type !== 'float32') return undefined;
  const shape = graph.shapeOf(other);
  const missing = shape.length - constant.shape.length;
  if (missing < 0) return undefined;
  const fits = constant.shape.every((dim, i) => dim === 1 || i + missing === axis);
  if (!fits) return undefined;
  const count = shape[axis];
  return () => {
    const elements = toFloats(constant.elements);
    return elements.length === 1 ? new Float32Array(count).fill(elements[0]) : elements;
  };
}

/** The axis of the channels that a product's bias goes along. @param {FusibleGraph} graph @param {OurNode} node */
function channelAxis(graph, node) {
  const rank = graph.shapeOf(node.output).length;
  return node.op === 'linear' ? rank - 1 : rank === 3 ? 0 : 1;
}

/**
 * A product that a value comes from; perhaps through a reshape that leaves batch and channels what they are, as
 * convolutions of one dimension have it.
 *
 * @param {FusibleGraph} graph
 * @param {string} value
 * @param {string[]} ops
 * @returns {{ product: OurNode, reshape?: OurNode } | undefined}
 */
function productOf(graph, value, ops) {
  const node = graph.isSole(value) ? graph.producerOf(value) : undefined;
  if (node?.op !== 'reshape') return node && ops.includes(node.op) ? { product: node } : undefined;
  const [inner] = node.inputs;
  const product = graph.isSole(inner) ? graph.producerOf(inner) : undefined;
  if (!product || product.op === 'linear' || !ops.includes(product.op)) return undefined;
  const [from, to] = [inner, value].map((name) => graph.shapeOf(name));
  const isKept = from.length === 4 && to.length > 1 && from[0] === to[0] && from[1] === to[1];
  return isKept ? { product, reshape: node } : undefined;
}

/**
 * Lets a node be another product, or a node behind one, and the reshape that came before.
 *
 * @param {FusibleGraph} graph
 * @param {OurNode} node
 * @param {OurNode | undefined} reshape
 * @param {string} op
 * @param {string[]} inputs
 * @param {Record<string, unknown>} attributes
 */
function replaceBehind(graph, node, reshape, op, inputs, attributes) {
  if (!reshape) return graph.replace(node, op, inputs, attributes);
  const value = graph.insert(node, op, inputs, attributes);
  return graph.replace(node, 'reshape', [value], attributesOf(reshape));
}

/**
 * A vector of the graph, where there is one, and more.
 *
 * @param {FusibleGraph} graph
 * @param {string | undefined} name
 * @param {() => Float32Array} more
 * @returns {() => Float32Array}
 */
function sumWith(graph, name, more) {
  const vector = name === undefined ? undefined : graph.lowering.parameters.get(name);
  if (!vector) return more;
  return () => {
    const { data } = /** @type {{ data: Float32Array }} */ (vector.make());
    const added = more();
    return data.map((value, i) => value + added[i]);
  };
}

/**
 * A constant added to a product goes into its bias.
 *
 * @type {Rule}
 */
function fuseBias(node, graph) {
  for (const [value, added] of bothWays(node)) {
    const found = productOf(graph, value, ['conv', 'linear']);
    if (!found) continue;
    const { product, reshape } = found;
    const axis = channelAxis(graph, product);
    const more = alongChannels(graph, added, value, axis);
    if (!more || graph.shapeOf(node.output).join() !== graph.shapeOf(value).join()) continue;
    const sums = sumWith(graph, product.bias, more);
    const bias = graph.lowering.vector('bias', graph.shapeOf(value)[axis], sums);
    const attributes = { ...attributesOf(product), bias };
    return replaceBehind(graph, node, reshape, product.op, product.inputs, attributes);
  }
  return false;
}

/**
 * Vectors of a normalization that multiplies by one constant and adds another one.
 *
 * @param {FusibleGraph} graph
 * @param {number} channels
 * @param {{ gamma?: () => Float32Array, beta?: () => Float32Array }} vectors
 */
function normalization(graph, channels, { gamma, beta }) {
  const vector = (/** @type {string} */ role, /** @type {() => Float32Array} */ make) =>
    graph.lowering.vector(role, channels, make);
  return {
    mean: vector('mean', () => new Float32Array(channels)),
    variance: vector('variance', () => new Float32Array(channels).fill(1)),
    ...(gamma && { gamma: vector('gamma', gamma) }),
    ...(beta && { beta: vector('beta', beta) }),
    epsilon: 0,
  };
}

/**
 * A convolution times a constant for each channel is normalized by it.
 *
 * @type {Rule}
 */
function fuseFactor(node, graph) {
  for (const [value, factor] of bothWays(node)) {
    const found = productOf(graph, value, ['conv']);
    if (!found) continue;
    const { product, reshape } = found;
    const axis = channelAxis(graph, product);
    const gamma = alongChannels(graph, factor, value, axis);
    if (!gamma || graph.shapeOf(node.output).join() !== graph.shapeOf(value).join()) continue;
    const channels = graph.shapeOf(value)[axis];
    return replaceBehind(
      graph,
      node,
      reshape,
      'batchnorm',
      [product.output],
      normalization(graph, channels, { gamma }),
    );
  }
  return false;
}

/**
 * What is added behind a normalization goes into its beta.
 *
 * @type {Rule}
 */
function fuseShift(node, graph) {
  for (const [value, added] of bothWays(node)) {
    const found = productOf(graph, value, ['batchnorm']);
    if (!found) continue;
    const { product: norm, reshape } = found;
    const axis = channelAxis(graph, norm);
    const more = alongChannels(graph, added, value, axis);
    if (!more || graph.shapeOf(node.output).join() !== graph.shapeOf(value).join()) continue;
    const sums = sumWith(graph, norm.beta, more);
    const beta = graph.lowering.vector('beta', graph.shapeOf(value)[axis], sums);
    const attributes = { ...attributesOf(norm), beta };
    return replaceBehind(graph, node, reshape, norm.op, norm.inputs, attributes);
  }
  return false;
}

/** @type {Record<string, Rule[]>} */
export const SCALES = {
  sum: [fuseBias, fuseShift],
  mul: [fuseFactor],
};
