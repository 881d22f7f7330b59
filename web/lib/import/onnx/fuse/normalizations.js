// SPDX-License-Identifier: Apache-2.0

/** Normalizations along the last axes that are written out, as one node. */

import { bothWays } from './fusible-graph.js';

/**
 * @typedef {import('./fusible-graph.js').FusibleGraph} FusibleGraph
 * @typedef {import('../lowering.js').OurNode} OurNode
 * @typedef {import('./index.js').Rule} Rule
 */

/**
 * The first of the axes of a mean, where these are the last ones and stay as ones.
 *
 * @param {FusibleGraph} graph
 * @param {OurNode} mean
 */
function lastAxes(graph, mean) {
  const rank = graph.shapeOf(mean.inputs[0]).length;
  /** @type {number[]} */
  const axes = mean.axes.map((/** @type {number} */ axis) => (axis < 0 ? axis + rank : axis));
  const first = Math.min(...axes);
  const isLast = axes.length === rank - first && mean.keepDims !== false;
  return isLast ? first : undefined;
}

/**
 * What is squared, where a value is a square that nothing else uses.
 *
 * @param {FusibleGraph} graph
 * @param {string} value
 */
function squareRootOf(graph, value) {
  const product = graph.sole(value, 'mul');
  if (product && product.inputs[0] === product.inputs[1]) return product.inputs[0];
  const power = graph.sole(value, 'pow');
  return power && graph.numberOf(power.inputs[1]) === 2 ? power.inputs[0] : undefined;
}

/**
 * Of √(mean(y²) + epsilon), y and the rest.
 *
 * @param {FusibleGraph} graph
 * @param {OurNode | undefined} root
 */
function deviationOf(graph, root) {
  const raised = root?.op === 'pow' && graph.numberOf(root.inputs[1]) === 0.5;
  if (!root || (root.op !== 'sqrt' && !raised)) return undefined;
  const sum = graph.withNumber(graph.sole(root.inputs[0], 'sum'), (number) => number >= 0);
  const mean = graph.sole(sum?.other ?? '', 'reduceMean');
  const value = mean && squareRootOf(graph, mean.inputs[0]);
  const axis = mean && lastAxes(graph, mean);
  if (!sum || value === undefined || axis === undefined) return undefined;
  return { value, axis, epsilon: sum.number };
}

/**
 * The node that makes a value, if nothing but one node uses the value.
 *
 * @param {FusibleGraph} graph
 * @param {string} value
 */
const soleProducer = (graph, value) => (graph.isSole(value) ? graph.producerOf(value) : undefined);

/**
 * Of y / √(mean(y²) + epsilon), as quotient or product, y and the rest.
 *
 * @param {FusibleGraph} graph
 * @param {OurNode} node
 */
function normalizedBy(graph, node) {
  if (node.op === 'div') {
    const found = deviationOf(graph, soleProducer(graph, node.inputs[1]));
    return found?.value === node.inputs[0] ? found : undefined;
  }
  for (const [value, factor] of bothWays(node)) {
    const inverse = soleProducer(graph, factor);
    const isInverse =
      inverse?.op === 'reciprocal' ||
      (inverse?.op === 'div' && graph.numberOf(inverse.inputs[0]) === 1);
    if (!isInverse) continue;
    const root = inverse.inputs[inverse.op === 'div' ? 1 : 0];
    const found = deviationOf(graph, soleProducer(graph, root));
    if (found?.value === value) return found;
  }
  return undefined;
}

/**
 * Of x − mean(x) along the axes from one on, x; for that the difference is used by the normalization alone.
 *
 * @param {FusibleGraph} graph
 * @param {string} value
 * @param {number} axis
 */
function centredOf(graph, value, axis) {
  const difference = graph.producerOf(value);
  if (difference?.op !== 'sub' || graph.isOutput(value)) return undefined;
  const [x, subtracted] = difference.inputs;
  const mean = graph.sole(subtracted, 'reduceMean');
  return mean?.inputs[0] === x && lastAxes(graph, mean) === axis ? x : undefined;
}

/** @type {Rule} */
function fuseNormalization(node, graph) {
  const found = normalizedBy(graph, node);
  if (!found) return false;
  const { value, axis, epsilon } = found;
  // The square and the quotient use it, and a square may do so twice.
  const others = new Set(graph.usersOf(value)).size;
  const x = others === 2 ? centredOf(graph, value, axis) : undefined;
  return graph.replace(node, 'layerNorm', [x ?? value], {
    axis,
    epsilon,
    centred: x !== undefined,
  });
}

/**
 * Whether a value has one element for each of those along the axes from one on.
 *
 * @param {FusibleGraph} graph
 * @param {string} value
 * @param {OurNode} norm
 */
function goesAlong(graph, value, norm) {
  const shape = graph.shapeOf(norm.output);
  const own = graph.shapeOf(value);
  const row = shape.slice(norm.axis);
  const padded = [...new Array(Math.max(0, own.length - row.length)).fill(1), ...row];
  return graph.typeOf(value).type === 'float32' && own.join() === padded.join();
}

/**
 * A factor, then a summand, for each element of a row.
 *
 * @param {number} inputs that the node has before
 * @returns {Rule}
 */
function takeSide(inputs) {
  return (node, graph) => {
    for (const [value, side] of bothWays(node)) {
      const norm = graph.sole(value, 'layerNorm');
      if (norm?.inputs.length !== inputs || !goesAlong(graph, side, norm)) continue;
      const { axis, epsilon, centred } = norm;
      const all = [...norm.inputs, side];
      if (graph.replace(node, 'layerNorm', all, { axis, epsilon, centred })) return true;
    }
    return false;
  };
}

/** @type {Record<string, Rule[]>} */
export const NORMALIZATIONS = {
  div: [fuseNormalization],
  mul: [fuseNormalization, takeSide(1)],
  sum: [takeSide(2)],
};
