// SPDX-License-Identifier: Apache-2.0

/** An ONNX graph, node by node, as one of ours; and all that stands in the way of it. */

import { FileError, LimitError, ShapeError, UnsupportedError } from '../../core/errors.js';
import { fold } from './fold.js';
import { Lowering } from './lowering.js';
import { NodeView } from './node.js';
import { findOperator } from './operators/index.js';
import { inputOf } from './inputs.js';
import { symbolOf } from './symbols.js';
import { constantOf } from './constants.js';
import { constantValue } from './values.js';

/**
 * @typedef {import('./bind.js').BoundGraph} OnnxGraph
 * @typedef {import('./graph.js').ResolvedNode} Node
 * @typedef {import('./symbols.js').Sizes} Sizes
 * @typedef {import('./values.js').Value} Value
 * @typedef {ReturnType<Lowering['finish']>} Lowered
 *
 * @typedef {object} Problem
 * @property {string} operator with its version
 * @property {string} node
 * @property {string} reason
 */

/** How many nodes of one operator are named when it is not supported. */
const NAMED_NODES = 3;

/**
 * @param {OnnxGraph} graph
 * @param {Sizes} sizes of what the file leaves open
 * @param {import('../../core/pause.js').Pauses} pauses
 * @returns {Promise<Lowered>}
 * @throws {UnsupportedError} for all that is not supported at once
 */
export async function lowerGraph(graph, sizes, pauses) {
  const lowering = new Lowering();
  /** @type {Map<string, Value>} */
  const values = new Map(graph.bound);
  for (const { name, type, element, dims } of graph.inputs.map(inputOf)) {
    const shape = dims.map((dim, axis) =>
      typeof dim === 'number' ? dim : Number(sizes.get(symbolOf(name, axis, dim))),
    );
    values.set(name, { ...lowering.addInput(name, type, shape), element });
  }
  for (const [name, tensor] of graph.constants) {
    values.set(name, constantValue(constantOf(tensor)));
  }
  /** @type {Problem[]} */
  const problems = [];
  for (const node of graph.nodes) {
    await lowerNode(node, lowering, values, problems);
    await pauses.take();
  }
  if (problems.length > 0) throw new UnsupportedError(sentenceOf(problems));
  const names = graph.outputs.map(({ name }) => name);
  const outputs = names.map((name) => {
    const value = values.get(name);
    if (!value) throw new FileError(`Nothing makes the graph's output "${name}".`);
    return value;
  });
  return lowering.finish(outputs, names);
}

/**
 * @param {Node} node
 * @param {Lowering} lowering
 * @param {Map<string, Value>} values
 * @param {Problem[]} problems
 */
async function lowerNode(node, lowering, values, problems) {
  const refuse = (/** @type {string} */ reason) => {
    const operator = `${node.domain ? `${node.domain}.` : ''}${node.opType}`;
    problems.push({
      operator: `${operator} (version ${node.version})`,
      node: nameOf(node),
      reason,
    });
  };
  const lower = findOperator(node.domain, node.opType);
  if (!lower) return refuse('there is no such operator here');
  const inputs = node.inputs.map((name) => values.get(name));
  // What depends on a node that is refused is not looked at.
  if (node.inputs.some((name, index) => name !== '' && !inputs[index])) return undefined;
  const view = new NodeView(node, inputs);
  lowering.begin(nameOf(node));
  try {
    const given = inputs.filter((value) => value !== undefined);
    const isConstant = given.length > 0 && given.every(({ constant }) => constant);
    const folded = isConstant ? await fold(view, lower) : undefined;
    const outputs = folded ?? [lower(view, lowering)].flat();
    node.outputs.forEach((name, index) => {
      if (name !== '' && outputs[index]) values.set(name, outputs[index]);
    });
  } catch (error) {
    if (error instanceof UnsupportedError) return refuse(error.message);
    if (error instanceof ShapeError || error instanceof FileError || error instanceof LimitError) {
      return refuse(error.message.replace(/\.$/, ''));
    }
    throw error;
  }
  return undefined;
}

/** @param {Node} node */
function nameOf(node) {
  return node.name || node.outputs.find((name) => name !== '') || node.opType;
}

/** @param {Problem[]} problems */
function sentenceOf(problems) {
  /** @type {Map<string, string[]>} */
  const nodes = new Map();
  for (const { operator, node, reason } of problems) {
    const key = `${operator}: ${reason}`;
    nodes.set(key, [...(nodes.get(key) ?? []), `"${node}"`]);
  }
  const clauses = [...nodes].map(([key, names]) => {
    const more = names.length - NAMED_NODES;
    return `${key}, in ${names.slice(0, NAMED_NODES).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  });
  return `Of the ONNX graph this is not supported: ${clauses.join('; ')}.`;
}
