// SPDX-License-Identifier: Apache-2.0

/** Our graph as rules of fusion see it: who makes a value, who uses it, and what it is. */

import { describeNode } from '../../../graph/graph.js';
import { constantValue } from '../values.js';

/**
 * @typedef {import('../lowering.js').Lowering} Lowering
 * @typedef {import('../lowering.js').OurNode} OurNode
 * @typedef {import('../values.js').Constant} Constant
 */

export class FusibleGraph {
  /** By the value that they make. @type {Map<string, OurNode>} */
  #producers = new Map();
  /** By the value that they use; twice where they use it twice. @type {Map<string, OurNode[]>} */
  #users = new Map();
  #outputs;

  /**
   * @param {Lowering} lowering whose nodes are changed
   * @param {string[]} outputs names of values
   */
  constructor(lowering, outputs) {
    this.lowering = lowering;
    this.#outputs = new Set(outputs);
    for (const node of lowering.nodes) this.#link(node);
    for (const node of [...lowering.nodes].reverse()) this.#dropUnused(node);
  }

  /** In an order in which each comes after those whose values it uses. */
  get nodes() {
    return this.lowering.nodes;
  }

  /**
   * @param {string} value
   * @returns {OurNode | undefined} none of an input of the graph
   */
  producerOf(value) {
    return this.#producers.get(value);
  }

  /**
   * The node that makes a value, if it is of this kind and nothing but one node uses the value.
   *
   * @param {string} value
   * @param {string} op
   * @returns {OurNode | undefined}
   */
  sole(value, op) {
    const node = this.#producers.get(value);
    return node?.op === op && this.isSole(value) ? node : undefined;
  }

  /** @param {string} value */
  isSole(value) {
    return this.usersOf(value).length === 1 && !this.isOutput(value);
  }

  /** @param {string} value */
  isOutput(value) {
    return this.#outputs.has(value);
  }

  /** @param {string} value */
  usersOf(value) {
    return this.#users.get(value) ?? [];
  }

  /** @param {string} value */
  isUsed(value) {
    return this.isOutput(value) || this.usersOf(value).length > 0;
  }

  /**
   * @param {string} value
   * @returns {{ type: import('../values.js').ElementType, shape: number[] }}
   */
  typeOf(value) {
    return this.lowering.typeOf(value);
  }

  /**
   * @param {string} value
   * @returns {number[]}
   */
  shapeOf(value) {
    return this.typeOf(value).shape;
  }

  /**
   * @param {string} value
   * @returns {Constant | undefined}
   */
  constantOf(value) {
    return this.lowering.constantOf(value);
  }

  /**
   * The number that a value is, where it is one at all times.
   *
   * @param {string} value
   * @returns {number | undefined}
   */
  numberOf(value) {
    const constant = this.constantOf(value);
    return constant?.size === 1 ? constant.elements[0] : undefined;
  }

  /**
   * Of a node that takes two values in any order: the one that is this number, and the other one.
   *
   * @param {OurNode | undefined} node
   * @param {(number: number) => boolean} isRight
   * @returns {{ number: number, other: string } | undefined}
   */
  withNumber(node, isRight = () => true) {
    for (const [value, other] of node ? bothWays(node) : []) {
      const number = this.numberOf(value);
      const fits = number !== undefined && isRight(number);
      // A number of more dimensions than the other value has would add some.
      if (fits && this.shapeOf(value).length <= this.shapeOf(other).length)
        return { number, other };
    }
    return undefined;
  }

  /**
   * Lets another node make what this one does, if it can. What only this one used, vanishes.
   *
   * @param {OurNode} node
   * @param {string} op
   * @param {string[]} inputs
   * @param {Record<string, unknown>} [attributes]
   * @returns {boolean} whether it makes a value of that type and shape
   */
  replace(node, op, inputs, attributes = {}) {
    const { name, output } = node;
    const fused = { op, name, inputs, output, ...attributes };
    const made = describeNode(
      fused,
      inputs.map((value) => this.typeOf(value)),
    );
    const before = this.typeOf(output);
    if (made.type !== before.type || made.shape.join() !== before.shape.join()) return false;
    this.nodes[this.nodes.indexOf(node)] = fused;
    this.#link(fused);
    this.#unlink(node);
    return true;
  }

  /**
   * Adds a node in front of another one.
   *
   * @param {OurNode} before
   * @param {string} op
   * @param {string[]} inputs
   * @param {Record<string, unknown>} [attributes]
   * @returns {string} what it makes
   */
  insert(before, op, inputs, attributes = {}) {
    const [node] = this.lowering.detached(() =>
      this.lowering.emit(
        op,
        inputs.map((name) => ({ ...this.typeOf(name), name })),
        attributes,
      ),
    );
    this.nodes.splice(this.nodes.indexOf(before), 0, node);
    this.#link(node);
    return node.output;
  }

  /**
   * @param {OurNode} before
   * @param {Constant} constant
   * @returns {string} its name in the graph
   */
  insertConstant(before, constant) {
    let name = '';
    const added = this.lowering.detached(
      () => (name = this.lowering.nameOf(constantValue(constant))),
    );
    this.nodes.splice(this.nodes.indexOf(before), 0, ...added);
    for (const node of added) this.#link(node);
    return name;
  }

  /**
   * Lets all that used a node's value use another one, of the same type and shape.
   *
   * @param {OurNode} node
   * @param {string} value
   * @returns {boolean} true
   */
  redirect(node, value) {
    if (this.isOutput(node.output)) return this.replace(node, 'dropout', [value]);
    for (const user of new Set(this.usersOf(node.output))) {
      this.#unuse(user);
      user.inputs = user.inputs.map((name) => (name === node.output ? value : name));
      this.#use(user);
    }
    this.#dropUnused(node);
    return true;
  }

  /** @param {OurNode} node */
  #link(node) {
    this.#producers.set(node.output, node);
    this.#use(node);
  }

  /** @param {OurNode} node */
  #use(node) {
    for (const name of node.inputs) {
      const users = this.#users.get(name);
      if (users) users.push(node);
      else this.#users.set(name, [node]);
    }
  }

  /** @param {OurNode} node */
  #unuse(node) {
    for (const name of new Set(node.inputs)) {
      this.#users.set(
        name,
        this.usersOf(name).filter((user) => user !== node),
      );
    }
  }

  /** @param {OurNode} node that is no longer in the graph */
  #unlink(node) {
    this.#unuse(node);
    for (const name of node.inputs) this.#dropUnused(this.#producers.get(name));
  }

  /**
   * A node whose value nobody uses, and then those that only it used. (Not by recursion: files may have chains
   * of any length.)
   *
   * @param {OurNode | undefined} node
   */
  #dropUnused(node) {
    const left = [node];
    while (left.length > 0) {
      const next = left.pop();
      const at = next && !this.isUsed(next.output) ? this.nodes.indexOf(next) : -1;
      if (!next || at < 0) continue;
      this.nodes.splice(at, 1);
      this.#producers.delete(next.output);
      this.#unuse(next);
      for (const name of next.inputs) left.push(this.#producers.get(name));
    }
  }
}

/**
 * The two inputs of a node, the one first and the other first.
 *
 * @param {OurNode} node
 * @returns {Array<[string, string]>}
 */
export function bothWays({ inputs: [a, b] }) {
  return [
    [a, b],
    [b, a],
  ];
}

/**
 * Whether a number is another one, as float32 has both.
 *
 * @param {number} number
 * @returns {(other: number) => boolean}
 */
export function near(number) {
  return (other) => Math.abs(other - number) <= 1e-6 * Math.abs(number);
}

/** What every node has, whatever it does. */
const COMMON = ['op', 'name', 'inputs', 'output'];

/**
 * @param {OurNode} node
 * @returns {Record<string, unknown>} what sets what it does
 */
export function attributesOf(node) {
  return Object.fromEntries(Object.entries(node).filter(([key]) => !COMMON.includes(key)));
}
