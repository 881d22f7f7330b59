// SPDX-License-Identifier: Apache-2.0

/** softmax(queries · keys · scale + mask) · values as one node, which never holds all scores. */

import { bothWays } from './fusible-graph.js';

/**
 * @typedef {import('./fusible-graph.js').FusibleGraph} FusibleGraph
 * @typedef {import('./index.js').Rule} Rule
 */

/**
 * A product of two matrices, with a number that it is multiplied by.
 *
 * @param {FusibleGraph} graph
 * @param {string} value
 * @param {number} [depth] how many numbers there may be
 * @returns {{ inputs: string[], scale: number } | undefined}
 */
function scaledProduct(graph, value, depth = 2) {
  const product = graph.sole(value, 'matMul');
  if (product) return { inputs: product.inputs, scale: 1 };
  if (depth === 0) return undefined;
  const multiplied = graph.withNumber(graph.sole(value, 'mul'));
  if (multiplied)
    return times(scaledProduct(graph, multiplied.other, depth - 1), multiplied.number);
  const quotient = graph.sole(value, 'div');
  const divisor = quotient && graph.numberOf(quotient.inputs[1]);
  return divisor
    ? times(scaledProduct(graph, quotient.inputs[0], depth - 1), 1 / divisor)
    : undefined;
}

/**
 * @param {ReturnType<typeof scaledProduct>} product
 * @param {number} number
 */
function times(product, number) {
  return product && { ...product, scale: product.scale * number };
}

/**
 * Scores, with a mask where there is one.
 *
 * @param {FusibleGraph} graph
 * @param {string} value
 */
function scoresOf(graph, value) {
  const plain = scaledProduct(graph, value);
  if (plain) return plain;
  const sum = graph.sole(value, 'sum');
  for (const [scores, mask] of sum ? bothWays(sum) : []) {
    const product = scaledProduct(graph, scores);
    if (product) return { ...product, mask };
  }
  return undefined;
}

/** @type {Rule} */
function fuseAttention(node, graph) {
  const [weights, values] = node.inputs;
  const softmax = graph.sole(weights, 'softmax');
  const rank = softmax ? graph.shapeOf(weights).length : 0;
  if (!softmax || rank < 2 || (softmax.axis !== rank - 1 && softmax.axis !== -1)) return false;
  const scores = scoresOf(graph, softmax.inputs[0]);
  if (!scores || !Number.isFinite(Math.fround(scores.scale))) return false;
  const mask = 'mask' in scores ? [scores.mask] : [];
  const inputs = [...scores.inputs, values, ...mask];
  if (scores.inputs.some((value) => graph.shapeOf(value).length < 2)) return false;
  return graph.replace(node, 'attention', inputs, { scale: scores.scale });
}

/** @type {Record<string, Rule[]>} */
export const ATTENTION = { matMul: [fuseAttention] };
