// SPDX-License-Identifier: Apache-2.0

/** What is computed several times, as exporters that write a formula down term by term have it. */

import { attributesOf } from './fusible-graph.js';

/**
 * @typedef {import('./fusible-graph.js').FusibleGraph} FusibleGraph
 * @typedef {import('../lowering.js').OurNode} OurNode
 */

/**
 * Nodes that make the same value have the same text. Of constants only numbers are compared.
 *
 * @param {FusibleGraph} graph
 * @param {OurNode} node
 */
function textOf(graph, node) {
  if (node.op !== 'constant') return JSON.stringify([node.op, node.inputs, attributesOf(node)]);
  const number = graph.numberOf(node.output);
  if (number === undefined) return undefined;
  const { type, shape } = graph.typeOf(node.output);
  return JSON.stringify([type, shape, Object.is(number, -0) ? '-0' : String(number)]);
}

/**
 * Lets all that use one of several equal values use the first of them.
 *
 * @param {FusibleGraph} graph
 */
export function mergeEqualNodes(graph) {
  /** @type {Map<string, string>} */
  const seen = new Map();
  for (const node of [...graph.nodes]) {
    const text = textOf(graph, node);
    if (text === undefined) continue;
    const same = seen.get(text);
    if (same === undefined) seen.set(text, node.output);
    else if (!graph.isOutput(node.output)) graph.redirect(node, same);
  }
}
