// SPDX-License-Identifier: Apache-2.0

/**
 * From a graph as the file has it to one that can be worked with: each value is defined once, nodes stand
 * after those whose outputs they take, constants are in one place, and subgraphs tell what they take from
 * outside.
 */

import { FileError, UnsupportedError } from '../../core/errors.js';
import { describeNode, failAt } from './attributes.js';
import { quote } from './protobuf.js';

/**
 * @typedef {import('./attribute-proto.js').OnnxAttribute} OnnxAttribute
 * @typedef {import('./model.js').OnnxGraph} OnnxGraph
 * @typedef {import('./model.js').OnnxNode} OnnxNode
 * @typedef {import('./model.js').Opsets} Opsets
 * @typedef {import('./tensor-proto.js').OnnxSparseTensor} OnnxSparseTensor
 * @typedef {import('./tensor-proto.js').OnnxTensor} OnnxTensor
 * @typedef {import('./type-proto.js').OnnxType} OnnxType
 * @typedef {import('./type-proto.js').OnnxValue} OnnxValue
 *
 * @typedef {object} ResolvedNode
 * @property {string} name may be empty
 * @property {string} opType
 * @property {string} domain ONNX's own is ''
 * @property {number} version of the operators of its domain that it is meant by; 1 where none is said
 * @property {string[]} inputs names of values; '' where an optional one is left out, but not at the end
 * @property {string[]} outputs likewise
 * @property {Map<string, OnnxAttribute>} attributes without references, and without graphs
 * @property {Map<string, ResolvedGraph>} graphs subgraphs by their attributes' names
 *
 * @typedef {object} ResolvedGraph
 * @property {string} name
 * @property {OnnxValue[]} inputs without those that have an initializer
 * @property {OnnxValue[]} defaults inputs that have an initializer; they are constants here
 * @property {OnnxValue[]} outputs
 * @property {Map<string, OnnxTensor | OnnxSparseTensor>} constants initializers, and what Constant nodes
 *   give
 * @property {ResolvedNode[]} nodes each after those whose outputs it takes; else in the file's order
 * @property {Map<string, OnnxType>} types of values, as far as the file tells them
 * @property {string[]} captured values of graphs around this that it takes, or that graphs within it
 *   take
 * @property {Map<string, Map<string, string>>} quantization of a value, which others are its scale and
 *   zero point
 * @property {Map<string, string>} metadata
 *
 * @typedef {(name: string) => boolean} Visible whether a graph around this one defines a value
 */

/** The index of what is no node: an input or a constant. */
const GIVEN = -1;

/** As many nodes of a circle as are named. */
const SHOWN_NODES = 5;

/**
 * @param {OnnxGraph} graph without calls of functions
 * @param {Opsets} opsets
 * @param {Visible} [isOutside]
 * @returns {ResolvedGraph}
 * @throws {FileError} for values that are defined twice or not at all, and nodes in a circle
 */
export function resolveGraph(graph, opsets, isOutside = () => false) {
  const { constants, nodes: others } = takeConstants(graph);
  const definedBy = findDefinitions(graph, constants, others);
  const isVisible = (/** @type {string} */ name) => definedBy.has(name) || isOutside(name);
  const nodes = others.map((node) => resolveNode(node, opsets, isVisible));
  const { before, captured } = findDependencies(nodes, definedBy, isVisible);
  for (const { name } of graph.outputs) checkOutput(name, graph, definedBy, isOutside, captured);
  return {
    name: graph.name,
    inputs: graph.inputs.filter(({ name }) => !constants.has(name)),
    defaults: graph.inputs.filter(({ name }) => constants.has(name)),
    outputs: graph.outputs,
    constants,
    nodes: sort(nodes, before),
    types: typesOf(graph),
    captured: [...captured],
    quantization: graph.quantization,
    metadata: graph.metadata,
  };
}

/**
 * @param {ResolvedNode[]} nodes
 * @param {Map<string, number>} definedBy
 * @param {Visible} isVisible
 * @returns {{ before: number[][], captured: Set<string> }} for each node the indices of those whose
 *   outputs it takes; and the values that are taken from outside
 */
function findDependencies(nodes, definedBy, isVisible) {
  /** @type {Set<string>} */
  const captured = new Set();
  const before = nodes.map((node) => {
    const names = usedBy(node);
    for (const name of names) {
      if (!isVisible(name)) failAt(node, `takes ${quote(name)}, which nothing gives`);
      if (!definedBy.has(name)) captured.add(name);
    }
    return names.map((name) => definedBy.get(name) ?? GIVEN).filter((index) => index !== GIVEN);
  });
  return { before, captured };
}

/**
 * @param {OnnxGraph} graph
 * @returns {Map<string, OnnxType>} those that say something
 */
function typesOf({ inputs, values, outputs }) {
  const known = [...values, ...inputs, ...outputs].filter(({ type }) => type.kind !== 'unknown');
  return new Map(known.map(({ name, type }) => [name, type]));
}

/**
 * @param {OnnxGraph} graph
 * @returns {{ constants: ResolvedGraph['constants'], nodes: OnnxNode[] }} nodes: all but those that are constants
 */
function takeConstants(graph) {
  /** @type {ResolvedGraph['constants']} */
  const constants = new Map();
  const inputs = new Set(graph.inputs.map(({ name }) => name));
  for (const tensor of graph.initializers) {
    if (tensor.name === '')
      throw new FileError('The ONNX model has an initializer without a name.');
    define(tensor.name, constants, tensor);
  }
  const nodes = graph.nodes.filter((node) => {
    if (node.opType !== 'Constant' || node.domain !== '') return true;
    const [name] = node.outputs;
    if (!name) return failAt(node, 'has no output');
    if (inputs.has(name)) failAt(node, `gives ${quote(name)}, which is an input`);
    define(name, constants, constantOf(node, name));
    return false;
  });
  return { constants, nodes };
}

/**
 * @template T
 * @param {string} name
 * @param {Map<string, T>} values to which it is added
 * @param {T} value
 */
function define(name, values, value) {
  if (values.has(name)) {
    throw new FileError(`In the ONNX model the value ${quote(name)} is defined twice.`);
  }
  values.set(name, value);
}

/**
 * @param {OnnxGraph} graph
 * @param {ResolvedGraph['constants']} constants
 * @param {OnnxNode[]} nodes
 * @returns {Map<string, number>} of each value the index of its node, or GIVEN
 */
function findDefinitions(graph, constants, nodes) {
  /** @type {Map<string, number>} */
  const definedBy = new Map();
  for (const { name } of graph.inputs) {
    if (name === '') throw new FileError('The ONNX model has an input without a name.');
    define(name, definedBy, GIVEN);
  }
  for (const name of constants.keys()) definedBy.set(name, GIVEN);
  nodes.forEach(({ outputs }, index) => {
    for (const name of outputs) if (name !== '') define(name, definedBy, index);
  });
  return definedBy;
}

/**
 * @param {OnnxNode} node
 * @param {Opsets} opsets
 * @param {Visible} isVisible
 * @returns {ResolvedNode}
 */
function resolveNode(node, opsets, isVisible) {
  const { name, opType, domain, inputs, outputs } = node;
  /** @type {Map<string, ResolvedGraph>} */
  const graphs = new Map();
  /** @type {Map<string, OnnxAttribute>} */
  const attributes = new Map();
  for (const [key, attribute] of node.attributes) {
    if (attribute.kind === 'graph') {
      graphs.set(key, resolveGraph(attribute.value, opsets, isVisible));
    } else {
      checkAttribute(node, key, attribute);
      attributes.set(key, attribute);
    }
  }
  const version = (node.opsets ?? opsets).get(domain) ?? 1;
  return {
    ...{ name, opType, domain, version, inputs: trimmed(inputs), outputs: trimmed(outputs) },
    ...{ attributes, graphs },
  };
}

/**
 * @param {OnnxNode} node
 * @param {string} name
 * @param {OnnxAttribute} attribute
 */
function checkAttribute(node, name, { kind }) {
  if (kind === 'reference') {
    failAt(
      node,
      `has an attribute ${quote(name)} that refers to one of a function, and is in none`,
    );
  }
  if (kind === 'graphs') {
    throw new UnsupportedError(
      `In the ONNX model ${describeNode(node)} has a list of graphs, ${quote(name)}, which no operator ` +
        'of ONNX has.',
    );
  }
}

/**
 * @param {string[]} names
 * @returns {string[]} without empty ones at the end
 */
function trimmed(names) {
  return names.slice(0, names.findLastIndex((name) => name !== '') + 1);
}

/**
 * @param {ResolvedNode} node
 * @returns {string[]} all values that it takes, itself or within its subgraphs
 */
function usedBy({ inputs, graphs }) {
  const captured = [...graphs.values()].flatMap((graph) => graph.captured);
  return [...inputs.filter((name) => name !== ''), ...captured];
}

/**
 * @param {string} name
 * @param {OnnxGraph} graph
 * @param {Map<string, number>} definedBy
 * @param {Visible} isOutside
 * @param {Set<string>} captured to which it is added where it is from outside
 */
function checkOutput(name, graph, definedBy, isOutside, captured) {
  if (definedBy.has(name)) return;
  if (!isOutside(name)) {
    throw new FileError(
      `In the ONNX model the graph ${quote(graph.name)} has the output ${quote(name)}, which nothing ` +
        'gives.',
    );
  }
  captured.add(name);
}

/**
 * Goes down to what each node takes, first, in the file's order: what is sorted stays as it is.
 *
 * @param {ResolvedNode[]} nodes
 * @param {number[][]} before for each node, the indices of those whose outputs it takes
 * @returns {ResolvedNode[]}
 */
function sort(nodes, before) {
  const [open, done] = [1, 2];
  const states = new Uint8Array(nodes.length);
  /** @type {ResolvedNode[]} */
  const sorted = [];
  for (let root = 0; root < nodes.length; ++root) {
    // Nodes that wait for others, each for the one after it, and how many of theirs they have seen.
    const path = states[root] === done ? [] : [root];
    const seen = [0];
    while (path.length > 0) {
      const index = path[path.length - 1];
      states[index] = open;
      const next = before[index][seen[path.length - 1]++];
      if (next === undefined) {
        states[index] = done;
        sorted.push(nodes[index]);
        path.pop();
        seen.pop();
      } else if (states[next] === open) {
        failInCircle(path.slice(path.indexOf(next)).map((each) => nodes[each]));
      } else if (states[next] !== done) {
        path.push(next);
        seen.push(0);
      }
    }
  }
  return sorted;
}

/**
 * @param {ResolvedNode[]} circle each of which takes what the next one gives, and the last what the first gives
 * @returns {never}
 */
function failInCircle(circle) {
  const names = circle.slice(0, SHOWN_NODES).map(describeNode);
  const more = circle.length > SHOWN_NODES ? `, and ${circle.length - SHOWN_NODES} more` : '';
  throw new FileError(
    `In the ONNX model nodes wait for each other in a circle: ${names.join(', ')}${more}.`,
  );
}

/** How a Constant says its value. @type {Record<string, (value: any, name: string) => OnnxTensor | OnnxSparseTensor>} */
const CONSTANTS = {
  value: (tensor, name) => ({ ...tensor, name }),
  sparse_value: (tensor, name) => ({ ...tensor, name }),
  value_float: (value, name) => made(name, 'float32', [], Float32Array.of(value)),
  value_floats: (list, name) => made(name, 'float32', [list.length], Float32Array.from(list)),
  value_int: (value, name) => made(name, 'int64', [], BigInt64Array.of(BigInt(value))),
  value_ints: (list, name) =>
    made(name, 'int64', [list.length], BigInt64Array.from(list.map(BigInt))),
  value_string: (_value, name) => made(name, 'string', [], new Uint8Array()),
  value_strings: (list, name) => made(name, 'string', [list.length], new Uint8Array()),
};

/** @type {Record<string, string>} */
const CONSTANT_KINDS = {
  ...{ value: 'tensor', sparse_value: 'sparse_tensor', value_float: 'float' },
  ...{ value_floats: 'floats', value_int: 'int', value_ints: 'ints' },
  ...{ value_string: 'string', value_strings: 'strings' },
};

/**
 * @param {OnnxNode} node a Constant
 * @param {string} name
 * @returns {OnnxTensor | OnnxSparseTensor}
 */
function constantOf(node, name) {
  const given = [...node.attributes].filter(([key]) => Object.hasOwn(CONSTANTS, key));
  if (given.length !== 1) failAt(node, `has ${given.length} values, and must have one`);
  const [[key, attribute]] = given;
  if (attribute.kind === 'reference' || attribute.kind !== CONSTANT_KINDS[key]) {
    return failAt(node, `has a ${key} of the kind ${attribute.kind}`);
  }
  return CONSTANTS[key](attribute.value, name);
}

/**
 * @param {string} name
 * @param {string} type
 * @param {number[]} dims
 * @param {ArrayBufferView & { buffer: ArrayBufferLike }} elements
 * @returns {OnnxTensor}
 */
function made(name, type, dims, { buffer }) {
  const size = dims[0] ?? 1;
  return {
    kind: 'tensor',
    name,
    type,
    dims,
    size,
    data: { kind: 'raw', bytes: new Uint8Array(buffer) },
    offset: 0,
  };
}
