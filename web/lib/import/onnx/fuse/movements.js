// SPDX-License-Identifier: Apache-2.0

/** What moves values and is undone or repeated by what comes next: axes, shapes, types, margins. */

import { attributesOf } from './fusible-graph.js';
import { reshapeAttributes } from '../lowering.js';
import { Constant, transposed } from '../values.js';

/**
 * @typedef {import('./fusible-graph.js').FusibleGraph} FusibleGraph
 * @typedef {import('../lowering.js').OurNode} OurNode
 * @typedef {import('./index.js').Rule} Rule
 */

/** Of one value, element by element, and of any shape. */
const ELEMENTWISE = new Set([
  ...[
    'neg',
    'abs',
    'sign',
    'exp',
    'log',
    'sqrt',
    'reciprocal',
    'floor',
    'ceil',
    'round',
    'sin',
    'cos',
  ],
  ...['tan', 'asin', 'acos', 'atan', 'sinh', 'cosh', 'tanh', 'asinh', 'acosh', 'atanh', 'sigmoid'],
  ...[
    'erf',
    'softplus',
    'softsign',
    'elu',
    'selu',
    'celu',
    'leakyRelu',
    'hardSigmoid',
    'mish',
    'gelu',
  ],
  ...[
    'silu',
    'thresholdedRelu',
    'clip',
    'isNaN',
    'isInf',
    'not',
    'bitNot',
    'cast',
    'relu',
    'hardswish',
  ],
]);

/** Of two values of one type, element by element. */
const BINARY = new Set([
  ...['sum', 'sub', 'mul', 'div', 'min', 'max', 'pow', 'prelu', 'equal', 'greater', 'less'],
  ...['greaterOrEqual', 'lessOrEqual', 'and', 'or', 'xor'],
]);

/** @param {number[]} axes */
const isInOrder = (axes) => axes.every((axis, i) => axis === i);

/**
 * A transpose of a transpose, which may be none at all.
 *
 * @type {Rule}
 */
function fuseTransposes(node, graph) {
  const inner = graph.producerOf(node.inputs[0]);
  if (inner?.op !== 'transpose') return false;
  /** @type {number[]} */
  const axes = node.axes.map((/** @type {number} */ axis) => inner.axes[axis]);
  if (isInOrder(axes)) return graph.redirect(node, inner.inputs[0]);
  return graph.replace(node, 'transpose', [inner.inputs[0]], { axes });
}

/**
 * A transpose that leaves the elements in the order in which they lie.
 *
 * @type {Rule}
 */
function dropTranspose(node, graph) {
  const shape = graph.shapeOf(node.inputs[0]);
  const moved = node.axes.filter((/** @type {number} */ axis) => shape[axis] !== 1);
  const stays = moved.every((/** @type {number} */ axis, /** @type {number} */ i) =>
    i === 0 ? true : axis > moved[i - 1],
  );
  if (!stays || graph.lowering.isOpen) return false;
  return graph.replace(
    node,
    'reshape',
    node.inputs,
    reshapeAttributes(shape, graph.shapeOf(node.output)),
  );
}

/**
 * Whether a value, transposed by these axes, is one that there is: it was transposed the other way, or comes
 * from such ones element by element.
 *
 * @param {FusibleGraph} graph
 * @param {string} value
 * @param {number[]} axes
 * @param {number} [depth] how far that may be
 * @returns {boolean}
 */
function isUndone(graph, value, axes, depth = 32) {
  const node = graph.producerOf(value);
  if (!node || depth === 0) return false;
  if (node.op === 'transpose') return isInOrder(axes.map((axis) => node.axes[axis]));
  if (!graph.isSole(value) || graph.shapeOf(value).length !== axes.length) return false;
  if (ELEMENTWISE.has(node.op)) return isUndone(graph, node.inputs[0], axes, depth - 1);
  if (!BINARY.has(node.op) && node.op !== 'concat') return false;
  const others = node.inputs.filter((input) => !graph.constantOf(input));
  return others.length > 0 && others.every((input) => isUndone(graph, input, axes, depth - 1));
}

/**
 * A constant with its axes exchanged, those that it lacks in front being 1.
 *
 * @param {FusibleGraph} graph
 * @param {OurNode} before where it comes in
 * @param {string} value
 * @param {number[]} axes
 */
function transposeConstant(graph, before, value, axes) {
  const constant = /** @type {Constant} */ (graph.constantOf(value));
  const { type, shape } = constant;
  const whole = [...new Array(axes.length - shape.length).fill(1), ...shape];
  const moved = new Constant(
    type,
    axes.map((axis) => whole[axis]),
    () => transposed(constant.elements, whole, axes),
  );
  return graph.insertConstant(before, moved);
}

/**
 * A value with its axes exchanged, which is there already where it was transposed the other way.
 *
 * @param {FusibleGraph} graph
 * @param {OurNode} before where it comes in
 * @param {string} value
 * @param {number[]} axes
 */
function transposeValue(graph, before, value, axes) {
  const node = graph.producerOf(value);
  const isThere = node?.op === 'transpose' && isInOrder(axes.map((axis) => node.axes[axis]));
  return isThere ? node.inputs[0] : graph.insert(before, 'transpose', [value], { axes });
}

/**
 * A transpose of what comes element by element from values that were transposed before: all of them vanish.
 *
 * @type {Rule}
 */
function pullTranspose(node, graph) {
  const { axes } = node;
  const [value] = node.inputs;
  const between = graph.producerOf(value);
  if (!between || between.op === 'transpose' || !isUndone(graph, value, axes)) return false;
  const inputs = between.inputs.map((input) =>
    graph.constantOf(input)
      ? transposeConstant(graph, node, input, axes)
      : transposeValue(graph, node, input, axes),
  );
  const attributes = attributesOf(between);
  const moved = 'axis' in attributes ? { axis: axes.indexOf(Number(attributes.axis)) } : {};
  return graph.replace(node, between.op, inputs, { ...attributes, ...moved });
}

/**
 * Only the last of reshapes one after the other matters.
 *
 * @type {Rule}
 */
function fuseReshapes(node, graph) {
  const inner = graph.producerOf(node.inputs[0]);
  const vanishes = inner && ['reshape', 'flatten', 'dropout'].includes(inner.op);
  if (!vanishes) return false;
  const [from, to] = [inner.inputs[0], node.output].map((value) => graph.shapeOf(value));
  if (from.join() === to.join()) return graph.redirect(node, inner.inputs[0]);
  return graph.replace(node, 'reshape', [inner.inputs[0]], reshapeAttributes(from, to));
}

/**
 * Nodes that work on each element, or on each row of the last dimension, from a value back to where their rows
 * were put into another shape; the last one first.
 *
 * @param {FusibleGraph} graph
 * @param {string} value
 */
function alongRows(graph, value) {
  /** @type {OurNode[]} */
  const nodes = [];
  for (;;) {
    const node = graph.isSole(value) ? graph.producerOf(value) : undefined;
    if (node?.op === 'reshape') return { nodes, origin: node.inputs[0] };
    if (!node || !(ELEMENTWISE.has(node.op) || node.op === 'linear')) return undefined;
    nodes.push(node);
    value = node.inputs[0];
  }
}

/**
 * What is put into another shape for a product, and back, is multiplied as it is: products take rows of any
 * number of dimensions. One reshape is left where the second shape is not the first one.
 *
 * @type {Rule}
 */
function dropReshapes(node, graph) {
  const found = alongRows(graph, node.inputs[0]);
  if (!found || found.nodes.length === 0) return false;
  const { nodes, origin } = found;
  const wanted = graph.shapeOf(node.output);
  const shape = [...graph.shapeOf(origin)];
  for (const inner of [...nodes].reverse()) {
    if (inner.op !== 'linear') continue;
    if (shape.at(-1) !== graph.shapeOf(inner.inputs[0]).at(-1)) return false;
    shape[shape.length - 1] = inner.outChannels;
  }
  const [last, ...others] = nodes;
  const add = (/** @type {string} */ value, /** @type {OurNode} */ inner) =>
    graph.insert(node, inner.op, [value], attributesOf(inner));
  const input = others.reduceRight(add, origin);
  if (shape.join() === wanted.join()) {
    return graph.replace(node, last.op, [input], attributesOf(last));
  }
  return graph.replace(node, 'reshape', [add(input, last)], reshapeAttributes(shape, wanted));
}

/**
 * A cast of a cast that loses nothing; and a value as what it is already.
 *
 * @type {Rule}
 */
function fuseCasts(node, graph) {
  const [value] = node.inputs;
  const { type } = node;
  if (graph.typeOf(value).type === type) return graph.redirect(node, value);
  const inner = graph.producerOf(value);
  if (inner?.op !== 'cast') return false;
  const first = graph.typeOf(inner.inputs[0]).type;
  // All bools are numbers, and come back.
  if (first !== 'bool') return false;
  if (type === 'bool') return graph.redirect(node, inner.inputs[0]);
  return graph.replace(node, 'cast', inner.inputs, { type });
}

/**
 * The margins of rows and columns that a pad of zeros adds, where it adds no others.
 *
 * @param {FusibleGraph} graph
 * @param {string} value of four dimensions
 * @param {number} filling
 */
function marginsOf(graph, value, filling) {
  const pad = graph.sole(value, 'pad');
  if (!pad || (pad.mode ?? 'constant') !== 'constant' || pad.value !== filling) return undefined;
  /** @type {{ before: number[], after: number[] }} */
  const { before, after } = /** @type {any} */ (pad);
  const rank = before.length;
  const all = [...before, ...after];
  const onlyImage = [...before.slice(0, -2), ...after.slice(0, -2)].every((count) => count === 0);
  if (rank < 3 || !onlyImage || all.some((count) => count < 0)) return undefined;
  const margins = [before[rank - 2], before[rank - 1], after[rank - 2], after[rank - 1]];
  return { input: pad.inputs[0], margins };
}

/**
 * A pad in front of a window that has margins of its own.
 *
 * @param {number} filling that means the same there
 * @param {(node: OurNode) => boolean} [fits]
 * @returns {Rule}
 */
function takePad(filling, fits = () => true) {
  return (node, graph) => {
    const pad = fits(node) && marginsOf(graph, node.inputs[0], filling);
    if (!pad) return false;
    const both = node.pad.map(
      (/** @type {number} */ count, /** @type {number} */ i) => count + pad.margins[i],
    );
    return graph.replace(node, node.op, [pad.input], { ...attributesOf(node), pad: both });
  };
}

/** @type {Record<string, Rule[]>} */
export const MOVEMENTS = {
  transpose: [fuseTransposes, pullTranspose, dropTranspose],
  reshape: [fuseReshapes, dropReshapes],
  cast: [fuseCasts],
  conv: [takePad(0)],
  avgpool: [
    takePad(
      0,
      (node) =>
        node.countPad === true &&
        !node.ceil &&
        node.pad.every((/** @type {number} */ count) => count === 0),
    ),
  ],
};
