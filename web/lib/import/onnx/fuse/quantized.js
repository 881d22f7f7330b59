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

/** Nodes that move values, or take the largest of some: they do with levels what they do with integers. */
const MOVES = ['maxpool', 'reshape', 'transpose', 'slice', 'flatten', 'depthToSpace'];

/**
 * The node that integers come from, and those that move them, the last one first; without casts, which hold
 * integers of 16 bits as they are. Undefined where something else uses a value in between.
 *
 * @param {FusibleGraph} graph
 * @param {string} value
 */
function originOf(graph, value) {
  /** @type {OurNode[]} */
  const moves = [];
  for (;;) {
    const node = graph.isSole(value) ? graph.producerOf(value) : undefined;
    if (!node) return undefined;
    if (MOVES.includes(node.op)) moves.push(node);
    else if (node.op !== 'cast') return { node, moves };
    [value] = node.inputs;
  }
}

/**
 * Quantizing and dequantizing by the same numbers, in one step.
 *
 * @type {Rule}
 */
function fuseFakeQuantization(node, graph) {
  const inner = dequantizationOf(graph, node.output);
  const origin = inner && originOf(graph, inner.integers);
  const outer = origin?.node.op === 'clip' ? quantizationOf(graph, origin.node) : undefined;
  if (!inner || !origin || !outer) return false;
  const { scale, zeroPoint, value } = outer;
  const { least, most } = origin.node;
  const isRange = [zeroPoint, least, most].every(Number.isInteger) && most - least < 2 ** 17;
  const isSame = inner.scale === scale && inner.zeroPoint === zeroPoint && scale > 0;
  if (!isRange || !isSame) return false;
  const by = { scale, zeroPoint, least, most };
  const [last, ...others] = origin.moves;
  if (!last) return graph.replace(node, 'fakeQuantize', [value], by);
  const moved = others.reduceRight(
    (input, move) => graph.insert(node, move.op, [input], attributesOf(move)),
    graph.insert(node, 'fakeQuantize', [value], by),
  );
  return graph.replace(node, last.op, [moved], attributesOf(last));
}

/** What was quantized before these is so afterwards. */
const KEEPS_LEVELS = [...MOVES, 'relu'];

/**
 * Quantizing again what was quantized by the same numbers changes nothing.
 *
 * @type {Rule}
 */
function dropSecondQuantization(node, graph) {
  let at = graph.producerOf(node.inputs[0]);
  while (at && KEEPS_LEVELS.includes(at.op)) at = graph.producerOf(at.inputs[0]);
  if (at?.op !== 'fakeQuantize' || node.zeroPoint < node.least || node.zeroPoint > node.most) {
    return false;
  }
  const isSame = JSON.stringify(attributesOf(at)) === JSON.stringify(attributesOf(node));
  return isSame && graph.redirect(node, node.inputs[0]);
}

/** @type {Record<string, Rule[]>} */
export const QUANTIZED = {
  mul: [fuseFakeQuantization],
  fakeQuantize: [dropSecondQuantization],
};
