// SPDX-License-Identifier: Apache-2.0

/** Functions of one value that exporters write out, as one node. */

import { bothWays, near } from './fusible-graph.js';

/**
 * @typedef {import('./fusible-graph.js').FusibleGraph} FusibleGraph
 * @typedef {import('../lowering.js').OurNode} OurNode
 * @typedef {import('./index.js').Rule} Rule
 */

/** Whether a node's numbers are those. @param {OurNode} node @param {Record<string, number>} numbers */
const has = (node, numbers) =>
  Object.entries(numbers).every(([name, number]) =>
    number === 0 ? node[name] === 0 : near(number)(node[name]),
  );

/**
 * min(max(x + 3, 0), 6) and so on: what a gate does to x, as hardSigmoid does, times some factor.
 *
 * @param {FusibleGraph} graph
 * @param {string} gate
 * @param {string} x
 * @param {boolean} [scaled] whether there may be a factor
 * @returns {number | undefined} the factor
 */
function hardGate(graph, gate, x, scaled = true) {
  const sigmoid = graph.sole(gate, 'hardSigmoid');
  if (sigmoid?.inputs[0] === x && has(sigmoid, { alpha: 1 / 6, beta: 0.5 })) return 1;
  const by = scaled ? scaleOf(graph, gate) : undefined;
  if (by) {
    const factor = hardGate(graph, by.value, x, false);
    return factor && factor * by.factor;
  }
  const clip = graph.sole(gate, 'clip');
  if (!clip || !has(clip, { least: 0, most: 6 })) return undefined;
  const shifted = graph.withNumber(graph.sole(clip.inputs[0], 'sum'), near(3));
  return shifted?.other === x ? 6 : undefined;
}

/**
 * A value times or by a number.
 *
 * @param {FusibleGraph} graph
 * @param {string} value
 */
function scaleOf(graph, value) {
  const product = graph.withNumber(graph.sole(value, 'mul'));
  if (product) return { value: product.other, factor: product.number };
  const quotient = graph.sole(value, 'div');
  const divisor = quotient && graph.numberOf(quotient.inputs[1]);
  return divisor ? { value: quotient.inputs[0], factor: 1 / divisor } : undefined;
}

/**
 * x · sigmoid(x), x · tanh(softplus(x)), x · hardSigmoid(x).
 *
 * @type {Rule}
 */
function fuseGate(node, graph) {
  for (const [x, gate] of bothWays(node)) {
    if (graph.sole(gate, 'sigmoid')?.inputs[0] === x) return graph.replace(node, 'silu', [x]);
    const softplus = graph.sole(graph.sole(gate, 'tanh')?.inputs[0] ?? '', 'softplus');
    if (softplus?.inputs[0] === x) return graph.replace(node, 'mish', [x]);
    const factor = hardGate(graph, gate, x);
    if (factor && near(1)(factor)) return graph.replace(node, 'hardswish', [x]);
  }
  return false;
}

/**
 * x · min(max(x + 3, 0), 6) / 6, divided at the end.
 *
 * @type {Rule}
 */
function fuseHardSwish(node, graph) {
  const number = node.op === 'div' ? graph.numberOf(node.inputs[1]) : undefined;
  const scaled =
    node.op === 'mul'
      ? graph.withNumber(node)
      : number && { other: node.inputs[0], number: 1 / number };
  const product = scaled && graph.sole(scaled.other, 'mul');
  if (!product || !near(1 / 6)(scaled.number)) return false;
  for (const [x, gate] of bothWays(product)) {
    const factor = hardGate(graph, gate, x);
    if (factor && near(6)(factor)) return graph.replace(node, 'hardswish', [x]);
  }
  return false;
}

/**
 * What factors a tree of products has.
 *
 * @param {FusibleGraph} graph
 * @param {OurNode} node
 * @param {number} [depth] how many products within each other are looked at
 * @returns {{ number: number, values: string[] }}
 */
function factorsOf(graph, node, depth = 4) {
  let number = 1;
  /** @type {string[]} */
  const values = [];
  for (const value of node.inputs) {
    const inner = depth > 0 ? graph.sole(value, 'mul') : undefined;
    const own = graph.numberOf(value);
    if (own !== undefined) number *= own;
    else if (inner && values.length + inner.inputs.length <= 4) {
      const factors = factorsOf(graph, inner, depth - 1);
      number *= factors.number;
      values.push(...factors.values);
    } else values.push(value);
  }
  return { number, values };
}

/**
 * Whether a value is erf(x / √2), or what the tanh form has there.
 *
 * @param {FusibleGraph} graph
 * @param {string} value
 * @param {string} x
 * @returns {'erf' | 'tanh' | undefined}
 */
function gelusInner(graph, value, x) {
  const erf = graph.sole(value, 'erf');
  if (erf) {
    const scaled = scaleOf(graph, erf.inputs[0]);
    return scaled?.value === x && near(Math.SQRT1_2)(scaled.factor) ? 'erf' : undefined;
  }
  const tanh = graph.sole(value, 'tanh');
  const scaled = tanh && scaleOf(graph, tanh.inputs[0]);
  if (!scaled || !near(Math.sqrt(2 / Math.PI))(scaled.factor)) return undefined;
  const sum = graph.sole(scaled.value, 'sum');
  for (const [own, cubic] of sum ? bothWays(sum) : []) {
    if (own === x && isCubic(graph, cubic, x)) return 'tanh';
  }
  return undefined;
}

/** 0.044715 · x³. @param {FusibleGraph} graph @param {string} value @param {string} x */
function isCubic(graph, value, x) {
  const product = graph.sole(value, 'mul');
  if (!product) return false;
  const { number, values } = factorsOf(graph, product);
  if (!near(0.044715)(number)) return false;
  if (values.length === 3) return values.every((factor) => factor === x);
  const power = values.length === 1 ? graph.sole(values[0], 'pow') : undefined;
  return power?.inputs[0] === x && graph.numberOf(power.inputs[1]) === 3;
}

/**
 * x / 2 · (1 + erf(x / √2)), whatever is multiplied first.
 *
 * @type {Rule}
 */
function fuseGelu(node, graph) {
  const { number, values } = factorsOf(graph, node);
  if (!near(0.5)(number) || values.length !== 2) return false;
  for (const [x, gate] of bothWays({ ...node, inputs: values })) {
    const one = graph.withNumber(graph.sole(gate, 'sum'), near(1));
    const inner = one && gelusInner(graph, one.other, x);
    if (inner) return graph.replace(node, 'gelu', [x], { tanh: inner === 'tanh' });
  }
  return false;
}

/** @type {Record<string, Rule[]>} */
export const ACTIVATIONS = {
  mul: [fuseGate, fuseHardSwish, fuseGelu],
  div: [fuseHardSwish],
};
