// SPDX-License-Identifier: Apache-2.0

/** Integers that become floats and the same integers again. */

import { attributesOf, bothWays } from './fusible-graph.js';

/**
 * @typedef {import('./fusible-graph.js').FusibleGraph} FusibleGraph
 * @typedef {import('../lowering.js').OurNode} OurNode
 * @typedef {import('./index.js').Rule} Rule
 */

/**
 * @param {FusibleGraph} graph
 * @param {string} value
 * @param {string} op
 */
function producer(graph, value, op) {
  const node = graph.producerOf(value);
  return node?.op === op ? node : undefined;
}

/**
 * Of clip(round(x / scale) + zero point), x and the rest.
 *
 * @param {FusibleGraph} graph
 * @param {OurNode} clip
 */
function quantizationOf(graph, clip) {
  const shifted = graph.withNumber(producer(graph, clip.inputs[0], 'sum'));
  const round = producer(graph, shifted?.other ?? clip.inputs[0], 'round');
  const quotient = round && producer(graph, round.inputs[0], 'div');
  const scale = quotient && graph.numberOf(quotient.inputs[1]);
  if (!quotient || !scale) return undefined;
  return { value: quotient.inputs[0], scale, zeroPoint: shifted?.number ?? 0 };
}

/**
 * Of (q − zero point) · scale, q and the rest.
 *
 * @param {FusibleGraph} graph
 * @param {string} value
 */
function dequantizationOf(graph, value) {
  const product = graph.producerOf(value);
  if (product?.op !== 'mul') return undefined;
  for (const [centred, factor] of bothWays(product)) {
    const scale = graph.numberOf(factor);
    if (scale === undefined) continue;
    const difference = graph.producerOf(centred);
    const zeroPoint = difference?.op === 'sub' ? graph.numberOf(difference.inputs[1]) : undefined;
    const integers =
      zeroPoint === undefined ? centred : /** @type {OurNode} */ (difference).inputs[0];
    return { integers, scale, zeroPoint: zeroPoint ?? 0 };
  }
  return undefined;
}

/**
 * A value without the casts that it comes from, which hold integers of 16 bits as they are.
 *
 * @param {FusibleGraph} graph
 * @param {string} value
 */
function withoutCasts(graph, value) {
  let at = graph.producerOf(value);
  while (at?.op === 'cast') {
    value = at.inputs[0];
    at = graph.producerOf(value);
  }
  return { value, node: at };
}

/**
 * Nodes that move values, or take the largest of some: what they do with floats they do with the integers that
 * stand for them, for scales are positive.
 */
const KEEPS_ORDER = ['maxpool', 'reshape', 'transpose', 'slice', 'flatten', 'depthToSpace', 'relu'];

/**
 * What a value comes from through such nodes, and these, the last one first.
 *
 * @param {FusibleGraph} graph
 * @param {string} value
 */
function throughOrder(graph, value) {
  /** @type {OurNode[]} */
  const nodes = [];
  for (;;) {
    const node = graph.isSole(value) ? graph.producerOf(value) : undefined;
    if (!node || !KEEPS_ORDER.includes(node.op)) return { value, nodes };
    nodes.push(node);
    value = node.inputs[0];
  }
}

/**
 * Quantizing what was dequantized by the same numbers gives the integers, where these lie in the range.
 *
 * @type {Rule}
 */
function fuseRequantization(node, graph) {
  const { least, most } = node;
  const isRange = Number.isInteger(least) && Number.isInteger(most) && most - least < 2 ** 17;
  const outer = isRange ? quantizationOf(graph, node) : undefined;
  if (!outer || outer.scale <= 0) return false;
  const between = throughOrder(graph, outer.value);
  const inner = dequantizationOf(graph, between.value);
  if (!inner || inner.scale !== outer.scale || inner.zeroPoint !== outer.zeroPoint) return false;
  const { value, node: origin } = withoutCasts(graph, inner.integers);
  // Integers that were made by a quantization of that range.
  const within = origin?.op === 'clip' && origin.least >= least && origin.most <= most;
  if (!within || !quantizationOf(graph, origin)) return false;
  const moved = between.nodes.reduceRight((input, { op, ...others }) => {
    // What is more than 0 is an integer above the zero point.
    if (op === 'relu') return graph.insert(node, 'max', [input, zeroOf(graph, node, outer)]);
    return graph.insert(node, op, [input], attributesOf({ op, ...others }));
  }, value);
  return graph.redirect(node, moved);
}

/**
 * @param {FusibleGraph} graph
 * @param {OurNode} before
 * @param {{ zeroPoint: number }} by
 */
function zeroOf(graph, before, { zeroPoint }) {
  const { constant } = graph.lowering.number(zeroPoint);
  return graph.insertConstant(before, /** @type {import('../values.js').Constant} */ (constant));
}

/** @type {Record<string, Rule[]>} */
export const QUANTIZED = { clip: [fuseRequantization] };
