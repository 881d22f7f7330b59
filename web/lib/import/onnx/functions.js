// SPDX-License-Identifier: Apache-2.0

/**
 * Puts the nodes of a model's own functions in the places of the nodes that call them. Values within a
 * function get names of their own at each place, made of the call's name and theirs.
 */

import { FileError, LimitError } from '../../core/errors.js';
import { describeNode, failAt } from './attributes.js';
import { quote } from './protobuf.js';

/**
 * @typedef {import('./attribute-proto.js').OnnxAttribute} OnnxAttribute
 * @typedef {import('./attribute-proto.js').OwnAttribute} OwnAttribute
 * @typedef {import('./model.js').OnnxFunction} OnnxFunction
 * @typedef {import('./model.js').OnnxGraph} OnnxGraph
 * @typedef {import('./model.js').OnnxModel} OnnxModel
 * @typedef {import('./model.js').OnnxNode} OnnxNode
 * @typedef {import('./model.js').Opsets} Opsets
 * @typedef {import('./type-proto.js').OnnxValue} OnnxValue
 *
 * @typedef {object} Place where inlined nodes go
 * @property {OnnxNode[]} nodes
 * @property {OnnxValue[]} values
 *
 * @typedef {object} Call
 * @property {OnnxNode} node
 * @property {OnnxFunction} called
 * @property {Opsets} opsets
 * @property {string} prefix of the names within
 */

/**
 * Functions that call two others, which call two others, grow without end. Counted are the names of all
 * values, attributes and nodes that are gone over.
 */
export const MAX_GROWTH = 2 ** 20;

/** Functions within functions, and graphs within graphs. */
export const MAX_NESTING = 64;

/** As many characters of a name as are kept before what makes it unique. */
const MAX_NAME = 200;

/**
 * @param {OnnxModel} model
 * @returns {OnnxModel} the same network without functions; shares what did not change
 * @throws {FileError} for functions that call themselves, and calls that do not fit
 * @throws {LimitError} for what grows too large
 */
export function inlineFunctions(model) {
  if (model.functions.length === 0) return model;
  const inliner = new Inliner(model);
  return { ...model, functions: [], graph: inliner.expandGraph(model.graph, []) };
}

/**
 * @param {{ domain: string, overload: string }} of
 * @param {string} name
 */
function keyOf({ domain, overload }, name) {
  return JSON.stringify([domain, name, overload]);
}

/** Names of values that nothing else has. */
class Names {
  /** @type {Set<string>} */
  #taken = new Set();
  /** How often a name was asked for. @type {Map<string, number>} */
  #asked = new Map();

  /** @param {OnnxGraph} graph whose names are taken, and those of all graphs within it */
  takeAll({ nodes, initializers, inputs, outputs }) {
    for (const { name } of [...initializers, ...inputs, ...outputs]) this.#taken.add(name);
    for (const node of nodes) {
      for (const name of node.outputs) this.#taken.add(name);
      for (const graph of graphsOf(node)) this.takeAll(graph);
    }
  }

  /**
   * @param {string} prefix
   * @param {string} name
   */
  make(prefix, name) {
    const base = join(prefix, name);
    let made = base;
    while (this.#taken.has(made)) {
      const count = (this.#asked.get(base) ?? 1) + 1;
      this.#asked.set(base, count);
      made = `${base}_${count}`;
    }
    this.#taken.add(made);
    return made;
  }
}

/**
 * @param {string} prefix
 * @param {string} name
 */
function join(prefix, name) {
  return `${prefix}/${name}`.slice(0, MAX_NAME);
}

/**
 * @param {OnnxNode} node
 * @returns {OnnxGraph[]} its subgraphs
 */
function graphsOf({ attributes }) {
  return [...attributes.values()].flatMap((attribute) => {
    if (attribute.kind === 'graph') return [attribute.value];
    return attribute.kind === 'graphs' ? attribute.value : [];
  });
}

/** @param {OnnxNode} node @returns {number} how many names it is made of */
function sizeOf({ inputs, outputs, attributes }) {
  return 1 + inputs.length + outputs.length + attributes.size;
}

/** What the names within a function, or within a graph in one, stand for at one place. */
class Scope {
  /** @type {Map<string, string>} */
  #names = new Map([['', '']]);
  /** @type {Scope | undefined} */
  #outer;

  /** @param {Scope} [outer] */
  constructor(outer) {
    this.#outer = outer;
  }

  /**
   * @param {string} name
   * @param {string} standsFor
   */
  set(name, standsFor) {
    this.#names.set(name, standsFor);
  }

  /** @param {string} name */
  hasOwn(name) {
    return this.#names.has(name);
  }

  /**
   * @param {string} name
   * @returns {string | undefined}
   */
  get(name) {
    return this.#names.get(name) ?? this.#outer?.get(name);
  }
}

class Inliner {
  /** @type {Map<string, OnnxFunction>} */
  #functions = new Map();
  /** The versions that hold in each function. @type {Map<OnnxFunction, Opsets>} */
  #opsets = new Map();
  #names = new Names();
  #growth = 0;

  /** @param {OnnxModel} model */
  constructor({ functions, graph, opsets }) {
    for (const each of functions) {
      const key = keyOf(each, each.name);
      if (this.#functions.has(key)) {
        throw new FileError(`The ONNX model has two functions called ${quote(each.name)}.`);
      }
      this.#functions.set(key, each);
      this.#opsets.set(each, new Map([...opsets, ...each.opsets]));
    }
    this.#names.takeAll(graph);
  }

  /** @param {number} names that are made */
  #grow(names) {
    this.#growth += names;
    if (this.#growth <= MAX_GROWTH) return;
    throw new LimitError(
      'The functions of the ONNX model become too large where they are called: of nodes, values and ' +
        `attributes there may be ${MAX_GROWTH} in all.`,
    );
  }

  /**
   * @param {OnnxGraph} graph
   * @param {Array<OnnxFunction | OnnxGraph>} within which functions and graphs it is
   * @returns {OnnxGraph}
   */
  expandGraph(graph, within) {
    if (within.length > MAX_NESTING) {
      throw new LimitError(
        `More than ${MAX_NESTING} functions and graphs of the ONNX model are within each other.`,
      );
    }
    const { values, inputs, outputs, initializers } = graph;
    this.#grow(1 + values.length + inputs.length + outputs.length + initializers.length);
    /** @type {Place} */
    const place = { nodes: [], values: [...values] };
    for (const node of graph.nodes) this.#expand(node, place, [...within, graph]);
    return { ...graph, ...place };
  }

  /**
   * @param {OnnxNode} node
   * @param {Place} place to which it is added, or what it calls
   * @param {Array<OnnxFunction | OnnxGraph>} within
   */
  #expand(node, place, within) {
    this.#grow(sizeOf(node));
    const whole = withGraphs(node, (graph) => this.expandGraph(graph, within));
    const called = this.#functions.get(keyOf(node, node.opType));
    if (called) this.#inline(whole, called, place, within);
    else place.nodes.push(whole);
  }

  /**
   * @param {OnnxNode} node
   * @param {OnnxFunction} called
   * @param {Place} place
   * @param {Array<OnnxFunction | OnnxGraph>} within
   */
  #inline(node, called, place, within) {
    this.#checkCall(node, called, within);
    const opsets = /** @type {Opsets} */ (this.#opsets.get(called));
    const call = { node, called, opsets, prefix: node.name || node.opType };
    const scope = new Scope();
    called.inputs.forEach((name, i) => scope.set(name, node.inputs[i] ?? ''));
    const copies = this.#bindOutputs(call, scope);
    this.#define(called.nodes, scope, call);
    const inner = [...within, called];
    for (const each of called.nodes) this.#expand(this.#copyNode(each, scope, call), place, inner);
    for (const copy of copies) place.nodes.push(copy);
    for (const value of renamed(called.values, scope)) place.values.push(value);
  }

  /**
   * @param {OnnxNode} node
   * @param {OnnxFunction} called
   * @param {Array<OnnxFunction | OnnxGraph>} within
   */
  #checkCall(node, called, within) {
    this.#grow(1 + called.inputs.length + called.outputs.length + called.values.length);
    if (within.includes(called)) {
      failAt(node, `calls the function ${quote(called.name)}, of which it is a part`);
    }
    for (const side of /** @type {const} */ (['inputs', 'outputs'])) {
      const [given, most] = [node[side].length, called[side].length];
      if (given > most) failAt(node, `has ${given} ${side}, and its function has ${most}`);
    }
    if (within.length < MAX_NESTING) return;
    throw new LimitError(
      `More than ${MAX_NESTING} functions and graphs of the ONNX model are within each other, up to ` +
        `${quote(called.name)}.`,
    );
  }

  /**
   * @param {Call} call
   * @param {Scope} scope in which the function's outputs become the call's
   * @returns {OnnxNode[]} where an output is an input or another output, nodes that copy it
   */
  #bindOutputs({ node, called, opsets, prefix }, scope) {
    /** @type {OnnxNode[]} */
    const copies = [];
    node.outputs.forEach((output, i) => {
      const name = called.outputs[i];
      if (output === '') return;
      if (!scope.hasOwn(name)) scope.set(name, output);
      else copies.push(identity(prefix, scope.get(name) ?? '', output, opsets));
    });
    return copies;
  }

  /**
   * @param {OnnxNode[]} nodes all of whose outputs get names, before any is used
   * @param {Scope} scope
   * @param {Call} call
   */
  #define(nodes, scope, call) {
    for (const { outputs } of nodes) {
      for (const name of outputs) if (!scope.hasOwn(name)) this.#defineOne(name, scope, call);
    }
  }

  /**
   * @param {string} name
   * @param {Scope} scope
   * @param {Call} call
   */
  #defineOne(name, scope, { prefix }) {
    this.#grow(1);
    scope.set(name, this.#names.make(prefix, name));
  }

  /**
   * @param {OnnxNode} node
   * @param {Scope} scope
   * @param {Call} call
   * @returns {OnnxNode} as it is at the place of the call
   */
  #copyNode(node, scope, call) {
    this.#grow(sizeOf(node));
    const lookUp = (/** @type {string} */ name) =>
      scope.get(name) ??
      failAt(node, `of a function takes ${quote(name)}, which nothing there gives`);
    /** @type {Map<string, OnnxAttribute>} */
    const attributes = new Map();
    for (const [name, attribute] of node.attributes) {
      const value = this.#copyAttribute(attribute, scope, call, node);
      if (value) attributes.set(name, value);
    }
    return {
      ...node,
      name: join(call.prefix, node.name || node.opType),
      inputs: node.inputs.map(lookUp),
      outputs: node.outputs.map(lookUp),
      attributes,
      opsets: call.opsets,
    };
  }

  /**
   * @param {OnnxAttribute} attribute
   * @param {Scope} scope
   * @param {Call} call
   * @param {OnnxNode} node
   * @returns {OnnxAttribute | undefined} undefined for a reference to what the call does not say
   */
  #copyAttribute(attribute, scope, call, node) {
    if (attribute.kind === 'reference') return follow(attribute, call, node);
    return withGraph(attribute, (graph) => this.#copyGraph(graph, scope, call));
  }

  /**
   * @param {OnnxGraph} graph within a function
   * @param {Scope} outer
   * @param {Call} call
   * @returns {OnnxGraph}
   */
  #copyGraph(graph, outer, call) {
    const scope = new Scope(outer);
    const { inputs, outputs, initializers, values } = graph;
    this.#grow(1 + outputs.length + values.length);
    for (const { name } of [...inputs, ...initializers]) {
      if (!scope.hasOwn(name)) this.#defineOne(name, scope, call);
    }
    this.#define(graph.nodes, scope, call);
    return {
      ...graph,
      inputs: renamed(inputs, scope),
      outputs: renamed(outputs, scope),
      initializers: renamed(initializers, scope),
      values: renamed(values, scope),
      quantization: new Map(), // by names that are no more; those of a function have none in practice
      nodes: graph.nodes.map((node) => this.#copyNode(node, scope, call)),
    };
  }
}

/**
 * @template {{ name: string }} T
 * @param {T[]} things
 * @param {Scope} scope
 * @returns {T[]}
 */
function renamed(things, scope) {
  return things.map((each) => ({ ...each, name: scope.get(each.name) ?? each.name }));
}

/**
 * @param {import('./attribute-proto.js').Reference} reference
 * @param {Call} call
 * @param {OnnxNode} node that has it
 * @returns {OnnxAttribute | undefined}
 */
function follow({ to, type }, { node: caller, called }, node) {
  const value = caller.attributes.get(to) ?? called.defaults.get(to);
  if (value?.kind === 'reference') {
    return failAt(caller, `refers to an attribute ${quote(value.to)}, and is in no function`);
  }
  if (value && type && value.kind !== type) {
    const kinds = `of the kind ${value.kind}, and ${describeNode(node)} of its function takes ${type}`;
    failAt(caller, `has an attribute ${quote(to)} ${kinds}`);
  }
  return value;
}

/**
 * @param {OnnxNode} node
 * @param {(graph: OnnxGraph) => OnnxGraph} change
 * @returns {OnnxNode} with its subgraphs changed
 */
function withGraphs(node, change) {
  if (graphsOf(node).length === 0) return node;
  const attributes = [...node.attributes].map(
    ([name, attribute]) => /** @type {const} */ ([name, withGraph(attribute, change)]),
  );
  return { ...node, attributes: new Map(attributes) };
}

/**
 * @template {OnnxAttribute} T
 * @param {T} attribute
 * @param {(graph: OnnxGraph) => OnnxGraph} change
 * @returns {T}
 */
function withGraph(attribute, change) {
  if (attribute.kind === 'graph') return { ...attribute, value: change(attribute.value) };
  if (attribute.kind === 'graphs') return { ...attribute, value: attribute.value.map(change) };
  return attribute;
}

/**
 * @param {string} prefix
 * @param {string} input
 * @param {string} output
 * @param {Opsets} opsets
 * @returns {OnnxNode}
 */
function identity(prefix, input, output, opsets) {
  return {
    ...{ name: join(prefix, 'Identity'), opType: 'Identity', domain: '', overload: '' },
    ...{ inputs: [input], outputs: [output], attributes: new Map(), metadata: new Map(), opsets },
  };
}
