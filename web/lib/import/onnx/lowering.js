// SPDX-License-Identifier: Apache-2.0

/**
 * Where our graph comes into being, node by node, from what the operators of ONNX (operators/) ask for.
 *
 * What each of our nodes makes, C++ tells as soon as it is there, so that no second inference of shapes is
 * needed. A size that the file leaves open has one of our choosing meanwhile: see symbols.js.
 */

import { LimitError } from '../../core/errors.js';
import { describeNode } from '../../graph/graph.js';
import { Constant, checkMade, constantValue } from './values.js';

/**
 * @typedef {import('./values.js').ElementType} ElementType
 * @typedef {import('./values.js').Elements} Elements
 * @typedef {import('./values.js').Value} Value
 * @typedef {import('../../graph/graph.js').NodeBase} NodeBase
 * @typedef {NodeBase & { op: string, [attribute: string]: any }} OurNode
 *
 * @typedef {{ from: number[], to: number[] }} Reshaped shapes of what a reshape takes and makes
 *
 * @typedef {object} Parameter a matrix or vector of our graph
 * @property {number} rows
 * @property {number} cols
 * @property {'matrix' | 'vector'} kind
 * @property {() => import('../../core/weights.js').Weights} make its elements, when they are needed
 */

/** What names of tensors are made of: IsTensorName of cpp/lowtropy/base/names.h. */
const NO_TENSOR_LETTER = /[^A-Za-z0-9_./-]/g;
const MAX_TENSOR_NAME = 120; // of 128, for what makes it unique
/** Of constants that are no matrices, in all: they are looked at, and held as they are. */
const MOST_CONSTANT = 2 ** 27;
const MAX_NAME = 240; // of 256 bytes, likewise

export class Lowering {
  /** @type {OurNode[]} */
  nodes = [];
  /** By name. @type {Map<string, Parameter>} */
  parameters = new Map();
  /** Those that are used, by name. @type {Map<string, Value>} */
  inputs = new Map();
  /** Names of values, nodes and tensors. @type {Set<string>} */
  #taken = new Set();
  /** Elements of the constants that are in our graph. */
  #constantSize = 0;
  /** What makes the next name unique that is wanted so. @type {Map<string, number>} */
  #numbers = new Map();
  /** Names of constants that are in our graph. @type {Map<Constant, string>} */
  #constants = new Map();
  /** @type {Map<string, Constant>} */
  #constantsByName = new Map();
  /** Of all values but constants, by name. @type {Map<string, { type: ElementType, shape: number[] }>} */
  #types = new Map();
  /** Nodes that give a value another name. @type {Set<OurNode>} */
  #copies = new Set();
  /** Of the node of ONNX that is being lowered. */
  #prefix = '';

  /**
   * @param {{ constantsAreInputs?: boolean, isOpen?: boolean }} [options] constantsAreInputs: for working out
   *   nodes whose inputs are all known, see fold.js; isOpen: whether some sizes are not what they will be
   */
  constructor({ constantsAreInputs = false, isOpen = false } = {}) {
    this.constantsAreInputs = constantsAreInputs;
    this.isOpen = isOpen;
  }

  /** @param {string} name of the node of ONNX that what follows is made of */
  begin(name) {
    this.#prefix = name;
  }

  /**
   * An input of the graph.
   *
   * @param {string} name
   * @param {ElementType} type
   * @param {number[]} shape
   * @returns {Value}
   */
  addInput(name, type, shape) {
    const value = { type, shape, name: this.#makeName(name) };
    this.inputs.set(value.name, value);
    this.#types.set(value.name, { type, shape });
    return value;
  }

  /**
   * Adds a node.
   *
   * @param {string} op
   * @param {Value[]} inputs
   * @param {Record<string, unknown>} [attributes] those that have no default, and all that differ
   * @returns {Value} what it makes
   */
  emit(op, inputs, attributes = {}) {
    const name = this.#makeName(this.#prefix || op);
    const node = { op, name, inputs: inputs.map((value) => this.nameOf(value)), output: name };
    Object.assign(node, attributes);
    const types = inputs.map((value) => ({ type: value.type, shape: value.shape }));
    const { type, shape } = describeNode(node, types);
    this.nodes.push(node);
    this.#types.set(name, { type, shape });
    return { type, shape, name };
  }

  /**
   * What a value of the graph is.
   *
   * @param {string} name
   */
  typeOf(name) {
    return /** @type {{ type: ElementType, shape: number[] }} */ (this.#types.get(name));
  }

  /**
   * @param {string} name of a value of the graph
   * @returns {Constant | undefined} where it is one
   */
  constantOf(name) {
    return this.#constantsByName.get(name);
  }

  /**
   * The nodes that some work adds, which stay apart.
   *
   * @param {() => void} work
   * @returns {OurNode[]}
   */
  detached(work) {
    const count = this.nodes.length;
    work();
    return this.nodes.splice(count);
  }

  /**
   * The name of a value in our graph, into which it comes where it is a constant that is not there yet.
   *
   * @param {Value} value
   * @returns {string}
   */
  nameOf(value) {
    const { constant } = value;
    if (value.name !== undefined || !constant) return /** @type {string} */ (value.name);
    let name = this.#constants.get(constant);
    if (name === undefined) {
      name = this.constantsAreInputs
        ? this.#addConstantInput(constant)
        : this.#addConstantNode(constant);
      this.#constants.set(constant, name);
    }
    return name;
  }

  /** @param {Constant} constant */
  #addConstantInput(constant) {
    return /** @type {string} */ (
      this.addInput(`constant${this.inputs.size}`, constant.type, constant.shape).name
    );
  }

  /** @param {Constant} constant */
  #addConstantNode(constant) {
    this.#constantSize += constant.size;
    if (this.#constantSize > MOST_CONSTANT) {
      throw new LimitError(
        `The network has constants of ${this.#constantSize} elements besides its weights; the limit is ` +
          `${MOST_CONSTANT}.`,
      );
    }
    const value = this.vector('constant', constant.size, () => constant.elements);
    const name = this.#makeName(`${this.#prefix}.constant`);
    const { type, shape } = constant;
    const attributes = {
      ...(type !== 'float32' && { type }),
      ...(!isFinite(constant) && { nonFinite: true }),
    };
    const node = { op: 'constant', name, inputs: [], output: name, value, shape, ...attributes };
    this.nodes.push(node);
    this.#constantsByName.set(name, constant);
    this.#types.set(name, { type, shape });
    return name;
  }

  /**
   * Names a matrix of weights.
   *
   * @param {string} role
   * @param {number} rows
   * @param {number} cols
   * @param {Parameter['make']} make
   */
  matrix(role, rows, cols, make) {
    return this.#addParameter(role, { rows, cols, kind: 'matrix', make });
  }

  /**
   * @param {string} role
   * @param {number} size
   * @param {() => Elements} make
   */
  vector(role, size, make) {
    const parameter = /** @type {const} */ ({ rows: 1, cols: size, kind: 'vector' });
    return this.#addParameter(role, {
      ...parameter,
      make: () => /** @type {any} */ ({ data: make() }),
    });
  }

  /**
   * @param {string} role
   * @param {Parameter} parameter
   */
  #addParameter(role, parameter) {
    const wanted = `${this.#prefix || 'node'}.${role}`.replace(NO_TENSOR_LETTER, '_');
    const name = this.#makeName(wanted.slice(-MAX_TENSOR_NAME));
    this.parameters.set(name, parameter);
    return name;
  }

  /** @param {string} wanted */
  #makeName(wanted) {
    // Control characters are none of a name's.
    const base = [...wanted.replace(/\p{Cc}/gu, '_')].slice(0, MAX_NAME / 4).join('') || 'value';
    let name = base;
    let n = this.#numbers.get(base) ?? 2;
    for (; this.#taken.has(name); ++n) name = `${base}_${n}`;
    this.#numbers.set(base, n);
    this.#taken.add(name);
    return name;
  }

  /**
   * What was made, as a graph with these outputs.
   *
   * @param {Value[]} outputs
   * @param {string[]} [names] of the outputs, by default those that they have
   */
  finish(outputs, names = outputs.map((value) => this.nameOf(value))) {
    const reshaped = this.#reshaped();
    this.#giveOut(outputs, names);
    this.#dropUnused(names);
    const used = new Set([...this.nodes.flatMap(({ inputs }) => inputs), ...names]);
    const inputs = [...this.inputs.values()].filter(({ name }) => used.has(String(name)));
    return {
      graph: {
        name: 'onnx',
        inputs: inputs.map(({ name = '', type, shape }) => ({ name, type, shape })),
        outputs: names,
        nodes: this.nodes,
      },
      outputs: outputs.map(({ type, shape }) => ({ type, shape })),
      parameters: this.parameters,
      reshaped,
      feed: this.constantsAreInputs ? this.#feed() : {},
    };
  }

  /** What reshapes do. @returns {Map<OurNode, Reshaped>} */
  #reshaped() {
    return new Map(
      this.nodes
        .filter(({ op }) => op === 'reshape')
        .map((node) => [
          node,
          { from: this.typeOf(node.inputs[0]).shape, to: this.typeOf(node.output).shape },
        ]),
    );
  }

  /**
   * Drops nodes and parameters that no output depends on, as what ONNX's operators make beside what the file
   * asks for.
   *
   * @param {string[]} outputs
   */
  #dropUnused(outputs) {
    const wanted = new Set(outputs);
    // What a node takes comes before it; copies, which come last, are of outputs.
    for (const { output, inputs } of [...this.nodes].reverse()) {
      if (wanted.has(output)) inputs.forEach((name) => wanted.add(name));
    }
    this.nodes = this.nodes.filter(({ output }) => wanted.has(output));
    this.#dropUnusedParameters();
  }

  /** What a run is given of the constants that are inputs. */
  #feed() {
    return Object.fromEntries(
      [...this.#constants].map(([{ elements, shape }, name]) => [name, { data: elements, shape }]),
    );
  }

  /** Forgets the matrices and vectors that no node names. */
  #dropUnusedParameters() {
    const used = new Set(this.nodes.flatMap((node) => Object.values(node)));
    for (const name of this.parameters.keys()) {
      if (!used.has(name)) this.parameters.delete(name);
    }
  }

  /**
   * Gives values the names that they have outside.
   *
   * @param {Value[]} values
   * @param {string[]} names
   */
  #giveOut(values, names) {
    /** New names by old ones. @type {Map<string, string>} */
    const renamed = new Map();
    values.forEach((value, index) => {
      const own = this.nameOf(value);
      const isFree = !this.inputs.has(own) && !renamed.has(own);
      if (isFree) renamed.set(own, names[index]);
      else if (own !== names[index]) this.#copy(own, names[index]);
    });
    // Whatever had one of these names has another one now.
    const others = names.filter((name) => !renamed.has(name) && !this.inputs.has(name));
    others.forEach((name) => renamed.set(name, this.#makeName(name)));
    const nameOf = (/** @type {string} */ name) => renamed.get(name) ?? name;
    for (const node of this.nodes) {
      if (!this.#copies.has(node)) node.output = nameOf(node.output);
      node.inputs = node.inputs.map(nameOf);
    }
  }

  /**
   * One value can be an input and an output, or several outputs.
   *
   * @param {string} from
   * @param {string} to
   */
  #copy(from, to) {
    const node = { op: 'dropout', name: this.#makeName(to), inputs: [from], output: to };
    this.#copies.add(node);
    this.nodes.push(node);
  }

  // ---- What many operators need ----

  /**
   * The same elements in another shape.
   *
   * @param {Value} value
   * @param {number[]} shape
   * @returns {Value}
   */
  reshape(value, shape) {
    if (sameShape(value.shape, shape)) return value;
    if (value.constant) return constantValue(value.constant.withShape(shape));
    return this.emit('reshape', [value], reshapeAttributes(value.shape, shape));
  }

  /**
   * @param {Value} value
   * @param {number[]} axes
   * @returns {Value}
   */
  transpose(value, axes) {
    if (axes.every((axis, i) => axis === i)) return value;
    if (value.constant) return constantValue(value.constant.withAxes(axes));
    return this.emit('transpose', [value], { axes });
  }

  /**
   * @param {number[]} numbers
   * @param {number[]} [shape]
   * @returns {Value} of int32
   */
  integers(numbers, shape = [numbers.length]) {
    const elements = Int32Array.from(numbers);
    return constantValue(new Constant('int32', shape, () => elements));
  }

  /**
   * 0, 1 and so on.
   *
   * @param {number} count
   * @param {number[]} [shape]
   * @returns {Value} of int32
   */
  numbers(count, shape = [count]) {
    checkMade(count);
    const make = () => Int32Array.from({ length: count }, (_, i) => i);
    return constantValue(new Constant('int32', shape, make));
  }

  /**
   * @param {number} number
   * @returns {Value} of float32
   */
  number(number) {
    const elements = Float32Array.of(number);
    return constantValue(new Constant('float32', [], () => elements));
  }
}

/**
 * Attributes that hold for other sizes as well, where there are some: dimensions that stay are named by 0
 * and one that changes is what is left over.
 *
 * @param {readonly number[]} from
 * @param {readonly number[]} to
 */
export function reshapeAttributes(from, to) {
  const shape = to.map((dim, axis) => (from[axis] === dim ? 0 : dim));
  const open = shape.findIndex((dim) => dim > 1);
  const rest = open >= 0 && shape.filter((dim) => dim > 1).length === 1 ? open : 8;
  if (rest < 8) shape[rest] = 1;
  return { shape, rest };
}

/**
 * @param {readonly number[]} a
 * @param {readonly number[]} b
 */
export function sameShape(a, b) {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis]);
}

/** @param {Constant} constant */
function isFinite({ type, elements }) {
  return type !== 'float32' || elements.every(Number.isFinite);
}

/** @param {Elements} elements */
export function toFloats(elements) {
  return elements instanceof Float32Array ? elements : Float32Array.from(elements);
}
