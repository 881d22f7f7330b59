// SPDX-License-Identifier: Apache-2.0

/** AttributeProto: the settings of a node. */

import { quote } from './protobuf.js';
import { readSparseTensor, readTensor } from './tensor-proto.js';
import { readType } from './type-proto.js';

/**
 * @typedef {import('./model.js').OnnxGraph} OnnxGraph
 * @typedef {import('./protobuf.js').Message} Message
 * @typedef {import('./tensor-proto.js').OnnxSparseTensor} OnnxSparseTensor
 * @typedef {import('./tensor-proto.js').OnnxTensor} OnnxTensor
 * @typedef {import('./type-proto.js').OnnxType} OnnxType
 *
 * @typedef {object} AttributeValues by kind. Integers have 64 bits: those that a number does not hold
 *   exactly are bigints. Strings are bytes, most of them UTF-8, as views of the file.
 * @property {number} float
 * @property {number | bigint} int
 * @property {Uint8Array} string
 * @property {OnnxTensor} tensor
 * @property {OnnxGraph} graph
 * @property {number[]} floats
 * @property {Array<number | bigint>} ints
 * @property {Uint8Array[]} strings
 * @property {OnnxTensor[]} tensors
 * @property {OnnxGraph[]} graphs
 * @property {OnnxSparseTensor} sparse_tensor
 * @property {OnnxSparseTensor[]} sparse_tensors
 * @property {OnnxType} type
 * @property {OnnxType[]} types
 *
 * @typedef {keyof AttributeValues} AttributeKind
 * @typedef {{ [K in AttributeKind]: { kind: K, value: AttributeValues[K] } }[AttributeKind]} OwnAttribute
 * @typedef {object} Reference in a function: what the node that calls it says
 * @property {'reference'} kind
 * @property {string} to the name there
 * @property {AttributeKind | undefined} type
 * @typedef {OwnAttribute | Reference} OnnxAttribute
 *
 * @typedef {(message: Message) => OnnxGraph} GraphReader
 */

/** By AttributeProto.AttributeType. @type {Array<AttributeKind | undefined>} */
const KINDS = [
  ...[undefined, 'float', 'int', 'string', 'tensor', 'graph', 'floats', 'ints', 'strings'],
  ...['tensors', 'graphs', 'sparse_tensor', 'sparse_tensors', 'type', 'types'],
].map((kind) => /** @type {AttributeKind | undefined} */ (kind));

/** What a string costs as a view, in parts. */
const VIEW_COST = 16;

/**
 * How the field of each kind is read. What is a list adds to what came before.
 *
 * @type {Record<number, [AttributeKind, (message: Message, before: any, readGraph: GraphReader) => any]>}
 */
const VALUE_FIELDS = {
  2: ['float', (message) => message.float()],
  3: ['int', (message) => message.int64()],
  4: ['string', (message) => message.bytes()],
  5: ['tensor', once((message) => readTensor(message.message('the tensor')))],
  6: ['graph', once((message, readGraph) => readGraph(message.message('the graph')))],
  7: ['floats', (message, before = []) => (message.addFloats(before), before)],
  8: ['ints', (message, before = []) => (message.addInt64s(before), before)],
  9: ['strings', list((message) => (message.file.spend(VIEW_COST), message.bytes()))],
  10: ['tensors', list((message) => readTensor(message.message('the tensor')))],
  11: ['graphs', list((message, readGraph) => readGraph(message.message('the graph')))],
  14: ['type', once((message) => readType(message.message('the type')))],
  15: ['types', list((message) => readType(message.message('the type')))],
  22: ['sparse_tensor', once((message) => readSparseTensor(message.message('the sparse tensor')))],
  23: ['sparse_tensors', list((message) => readSparseTensor(message.message('the sparse tensor')))],
};

/**
 * @param {(message: Message, readGraph: GraphReader) => unknown} read
 * @returns {(message: Message, before: unknown, readGraph: GraphReader) => unknown}
 */
function once(read) {
  return (message, before, readGraph) => {
    if (before !== undefined) message.fail(`${message.what} has two values`);
    return read(message, readGraph);
  };
}

/**
 * @param {(message: Message, readGraph: GraphReader) => unknown} read
 * @returns {(message: Message, before: unknown[] | undefined, readGraph: GraphReader) => unknown[]}
 */
function list(read) {
  return (message, before = [], readGraph) => (before.push(read(message, readGraph)), before);
}

/** What is meant where a writer leaves out what is 0 or empty. @type {Partial<AttributeValues>} */
const DEFAULTS = {
  ...{ float: 0, int: 0, string: new Uint8Array() },
  ...{ floats: [], ints: [], strings: [], tensors: [], graphs: [], sparse_tensors: [], types: [] },
};

/**
 * @param {Message} message whose current field is an AttributeProto
 * @param {Map<string, OnnxAttribute>} before those before it
 * @param {GraphReader} readGraph
 * @returns {Map<string, OnnxAttribute>} all; where there were none a new map, since nodes without any
 *   share one
 */
export function addAttribute(message, before, readGraph) {
  const [name, attribute] = readAttribute(message.message('the attribute'), readGraph);
  if (before.has(name)) message.fail(`the attribute ${quote(name)} stands twice`);
  return (before.size === 0 ? new Map() : before).set(name, attribute);
}

/**
 * @param {Message} message an AttributeProto
 * @param {GraphReader} readGraph
 * @returns {[name: string, attribute: OnnxAttribute]}
 */
function readAttribute(message, readGraph) {
  let [name, to, type] = ['', '', 0];
  /** @type {Map<AttributeKind, any>} */
  const values = new Map();
  while (message.next()) {
    if (message.field === 1) name = message.string();
    else if (message.field === 20) type = message.int32();
    else if (message.field === 21) to = message.string();
    else if (VALUE_FIELDS[message.field]) {
      const [kind, read] = VALUE_FIELDS[message.field];
      values.set(kind, read(message, values.get(kind), readGraph));
    }
  }
  const fail = (/** @type {string} */ what) =>
    message.fail(`the attribute ${quote(name)} ${what}`, message.start);
  if (to !== '') return [name, { kind: 'reference', to, type: KINDS[type] }];
  return [name, chooseValue(type, values, fail)];
}

/**
 * @param {number} type 0 in the oldest files, which have one value and do not say of which kind
 * @param {Map<AttributeKind, any>} values
 * @param {(what: string) => never} fail
 * @returns {OwnAttribute}
 */
function chooseValue(type, values, fail) {
  if (type === 0 && values.size !== 1) fail(`has ${values.size} values and no type`);
  const kind = type === 0 ? [...values.keys()][0] : KINDS[type];
  if (!kind) return fail(`is of type ${type}, which is not known`);
  const value = values.get(kind) ?? DEFAULTS[kind] ?? fail(`has no value of its type, ${kind}`);
  return /** @type {OwnAttribute} */ ({ kind, value });
}
