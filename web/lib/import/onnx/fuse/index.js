// SPDX-License-Identifier: Apache-2.0

/**
 * Fusion: fewer nodes that make the same values. What a network's exporter writes out as many nodes, and what
 * one node of ours does as well, becomes that one; what is undone or repeated by what comes next, vanishes.
 * No rule changes weights: a factor becomes that of rows. What runs fuse by themselves (a ReLU or a batch
 * normalization into the product before it) stays: cpp/lowtropy/run/fusion.h.
 */

import { ACTIVATIONS } from './activations.js';
import { ATTENTION } from './attention.js';
import { mergeEqualNodes } from './equal-nodes.js';
import { FusibleGraph } from './fusible-graph.js';
import { MOVEMENTS } from './movements.js';
import { NORMALIZATIONS } from './normalizations.js';
import { QUANTIZED } from './quantized.js';
import { SCALES } from './scales.js';

/**
 * @typedef {import('../lowering.js').Lowering} Lowering
 * @typedef {import('../lowering.js').OurNode} OurNode
 * @typedef {(node: OurNode, graph: FusibleGraph) => boolean} Rule
 *   Looks at a node and those before it, changes the graph so that all that is used stays what it is, and
 *   tells whether it did.
 */

const FAMILIES = [MOVEMENTS, QUANTIZED, ACTIVATIONS, NORMALIZATIONS, ATTENTION, SCALES];

/** By the operator of the last node of what they find. @type {Map<string, Rule[]>} */
const RULES = new Map();
for (const family of FAMILIES) {
  for (const [op, rules] of Object.entries(family)) {
    RULES.set(op, [...(RULES.get(op) ?? []), ...rules]);
  }
}

/** Rules that make way for others do so some times; each makes the graph smaller, or moves on. */
const MOST_ROUNDS = 16;

/**
 * @param {Lowering} lowering whose nodes are replaced
 * @param {string[]} outputs names of values that are to stay
 */
export function fuse(lowering, outputs) {
  const graph = new FusibleGraph(lowering, outputs);
  mergeEqualNodes(graph);
  for (let round = 0; round < MOST_ROUNDS; ++round) {
    let changed = false;
    for (const node of [...graph.nodes]) {
      for (const rule of RULES.get(node.op) ?? []) {
        // Another rule may have replaced it.
        if (graph.producerOf(node.output) !== node) break;
        if (rule(node, graph)) changed = true;
      }
    }
    if (!changed) break;
  }
}
