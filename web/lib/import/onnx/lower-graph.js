// SPDX-License-Identifier: Apache-2.0

/** An ONNX graph, node by node, as one of ours; with the graphs within it. */

import { FileError, LimitError, ShapeError, UnsupportedError } from '../../core/errors.js';
import { constantOf } from './constants.js';
import { CONTROL } from './control.js';
import { fold } from './fold.js';
import { fuse } from './fuse/index.js';
import { inputOf } from './inputs.js';
import { Lowering } from './lowering.js';
import { NodeView } from './node.js';
import { cutToRows, keepRows, refuseRows } from './operators/counted-rows.js';
import { findOperator } from './operators/index.js';
import { Problems, nameOf } from './problems.js';
import { quote } from './protobuf.js';
import { symbolOf } from './symbols.js';
import { constantValue } from './values.js';

/**
 * @typedef {import('./graph.js').ResolvedGraph} ResolvedGraph
 * @typedef {import('./graph.js').ResolvedNode} ResolvedNode
 * @typedef {import('./symbols.js').Sizes} Sizes
 * @typedef {import('./values.js').Value} Value
 * @typedef {ReturnType<Lowering['finish']>} Lowered
 * @typedef {Map<string, Value>} Scope values by their names in a graph of ONNX
 */

/**
 * @param {import('./bind.js').BoundGraph} graph
 * @param {Sizes} sizes of what the file leaves open
 * @param {import('../../core/pause.js').Pauses} pauses
 * @param {{ isOpen?: boolean, fuses?: boolean }} [options] isOpen: whether some of the sizes may become others;
 *   fuses: whether nodes are fused, see fuse/
 * @returns {Promise<Lowered>}
 * @throws {UnsupportedError} for all that is not supported at once
 */
export async function lowerGraph(graph, sizes, pauses, { isOpen = false, fuses = true } = {}) {
  const lowering = new Lowering({ isOpen });
  /** @type {Scope} */
  const scope = new Map(graph.bound);
  for (const { name, type, element, dims } of graph.inputs.map(inputOf)) {
    const shape = dims.map((dim, axis) =>
      typeof dim === 'number' ? dim : Number(sizes.get(symbolOf(name, axis, dim))),
    );
    scope.set(name, { ...lowering.addInput(name, type, shape), element });
  }
  const lowerer = new GraphLowerer(lowering, pauses);
  await lowerer.lowerNodes(graph, scope);
  lowerer.problems.throwAll();
  const outputs = outputsOf(graph, scope).map((value) => cutToRows(lowering, value));
  if (fuses) {
    fuse(
      lowering,
      outputs.map((value) => lowering.nameOf(value)),
    );
  }
  return lowering.finish(
    outputs,
    graph.outputs.map(({ name }) => name),
  );
}

/**
 * @param {ResolvedGraph} graph
 * @param {Scope} scope
 * @returns {Value[]}
 */
function outputsOf(graph, scope) {
  return graph.outputs.map(({ name }) => {
    const value = scope.get(name);
    if (!value) throw new FileError(`Nothing makes the graph's output ${quote(name)}.`);
    return value;
  });
}

/** More than any network has: C++ takes a quarter of them. */
const MOST_LOWERED = 65_536;
const MOST_WORKED_OUT = 2 ** 28;

/** What nodes of all graphs have in common while they are lowered. */
export class GraphLowerer {
  problems = new Problems();
  /** Nodes so far, each as often as loops have it. */
  #lowered = 0;
  /** Elements that were worked out at import, and of what they were made. */
  #worked = 0;

  /**
   * @param {Lowering} lowering
   * @param {import('../../core/pause.js').Pauses} pauses
   */
  constructor(lowering, pauses) {
    this.lowering = lowering;
    this.pauses = pauses;
  }

  /**
   * @param {ResolvedGraph} graph
   * @param {Scope} scope gets what its nodes make
   */
  async lowerNodes(graph, scope) {
    for (const [name, tensor] of graph.constants)
      scope.set(name, constantValue(constantOf(tensor)));
    for (const node of graph.nodes) {
      this.#countNode();
      await this.#lowerNode(node, scope);
      await this.pauses.take();
    }
  }

  /**
   * A graph within another one, as often as that takes it.
   *
   * @param {ResolvedGraph} graph
   * @param {Scope} outside
   * @param {Value[]} inputs
   * @returns {Promise<Value[]>} its outputs
   */
  async lowerBody(graph, outside, inputs) {
    const scope = new Map(outside);
    graph.inputs.forEach(({ name }, index) => scope.set(name, inputs[index]));
    await this.lowerNodes(graph, scope);
    // What is missing was refused already.
    this.problems.throwAll();
    return outputsOf(graph, scope);
  }

  /** Loops in loops can take any time. @throws {LimitError} */
  #countNode() {
    this.#lowered += 1;
    if (this.#lowered <= MOST_LOWERED) return;
    throw new LimitError(
      `The network has more than ${MOST_LOWERED} nodes, each as often as its loops run.`,
    );
  }

  /**
   * So can constants that are made of large ones.
   *
   * @param {number} elements
   * @throws {LimitError}
   */
  #spend(elements) {
    this.#worked += elements;
    if (this.#worked <= MOST_WORKED_OUT) return;
    throw new LimitError(
      `what is worked out at import has ${this.#worked} elements; the limit is ${MOST_WORKED_OUT}.`,
    );
  }

  /**
   * @param {ResolvedNode} node
   * @param {Scope} scope
   */
  async #lowerNode(node, scope) {
    const inputs = node.inputs.map((name) => scope.get(name));
    try {
      const outputs = await this.#outputsOf(node, inputs, scope);
      node.outputs.forEach((name, index) => {
        const value = outputs?.[index];
        if (name !== '' && value) scope.set(name, value);
      });
    } catch (error) {
      if (error instanceof UnsupportedError) this.problems.add(node, error.message);
      else if (
        error instanceof ShapeError ||
        error instanceof FileError ||
        error instanceof LimitError
      ) {
        this.problems.add(node, error.message.replace(/\.$/, ''));
      } else if (error instanceof TypeError || error instanceof RangeError) {
        // Inputs, attributes or graphs that its definition asks for are missing, or are others.
        this.problems.add(node, 'it is not formed as this operator is');
      } else throw error;
    }
  }

  /**
   * @param {ResolvedNode} node
   * @param {Array<Value | undefined>} inputs
   * @param {Scope} scope
   * @returns {Promise<Array<Value | undefined> | undefined>} undefined where it depends on a node that is refused
   */
  async #outputsOf(node, inputs, scope) {
    const view = new NodeView(node, inputs);
    const control = node.domain === '' ? CONTROL.get(node.opType) : undefined;
    const lower = findOperator(node.domain, node.opType);
    if (!lower && !control) throw new UnsupportedError('there is no such operator here');
    if (node.inputs.some((name, index) => name !== '' && !inputs[index])) return undefined;
    this.lowering.begin(nameOf(node));
    if (control) {
      refuseRows(view);
      return control(view, this, scope);
    }
    const given = inputs.filter((value) => value !== undefined);
    const isConstant = given.length > 0 && given.every(({ constant }) => constant);
    const row = /** @type {import('./operators/index.js').Lower} */ (lower);
    const spend = (/** @type {number} */ elements) => this.#spend(elements);
    const known = isConstant ? await fold(view, row, spend) : undefined;
    return known ?? keepRows(view, this.lowering, [row(view, this.lowering)].flat());
  }
}
