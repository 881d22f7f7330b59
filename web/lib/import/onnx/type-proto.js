// SPDX-License-Identifier: Apache-2.0

/** TypeProto and ValueInfoProto: what a value is, as far as the file says. */

import { elementTypeName } from './element-types.js';

/**
 * @typedef {import('./protobuf.js').Message} Message
 *
 * @typedef {number | string | undefined} Dimension a size, a name that stands for one, or not known
 *
 * @typedef {object} TensorType
 * @property {'tensor' | 'sparse tensor'} kind
 * @property {string} element as element-types.js names them
 * @property {Dimension[] | undefined} shape undefined where not even the rank is known
 * @typedef {object} WrappedType
 * @property {'sequence' | 'optional'} kind
 * @property {OnnxType} element
 * @typedef {object} MapType
 * @property {'map'} kind
 * @property {string} key
 * @property {OnnxType} element
 * @typedef {{ kind: 'unknown' }} UnknownType no type is given, or one that this does not know
 * @typedef {TensorType | WrappedType | MapType | UnknownType} OnnxType
 *
 * @typedef {object} OnnxValue
 * @property {string} name
 * @property {OnnxType} type
 */

/** @type {OnnxType} */
const UNKNOWN = Object.freeze({ kind: 'unknown' });

/** The fields of TypeProto, of which one is set. @type {Record<number, (message: Message) => OnnxType>} */
const TYPE_FIELDS = {
  1: (message) => readTensorType(message.message('the tensor type'), 'tensor'),
  4: (message) => readWrapped(message.message('the sequence type'), 'sequence'),
  5: (message) => readMap(message.message('the map type')),
  8: (message) => readTensorType(message.message('the sparse tensor type'), 'sparse tensor'),
  9: (message) => readWrapped(message.message('the optional type'), 'optional'),
};

/**
 * @param {Message} message a TypeProto
 * @returns {OnnxType}
 */
export function readType(message) {
  let type = UNKNOWN;
  while (message.next()) type = TYPE_FIELDS[message.field]?.(message) ?? type;
  return type;
}

/**
 * @param {Message} message a ValueInfoProto
 * @returns {OnnxValue}
 */
export function readValue(message) {
  const value = { name: '', type: UNKNOWN };
  while (message.next()) {
    if (message.field === 1) value.name = message.string();
    if (message.field === 2) value.type = readType(message.message('the type'));
  }
  return value;
}

/**
 * @param {Message} message
 * @param {TensorType['kind']} kind
 * @returns {TensorType}
 */
function readTensorType(message, kind) {
  /** @type {TensorType} */
  const type = { kind, element: elementTypeName(0), shape: undefined };
  while (message.next()) {
    if (message.field === 1) type.element = elementTypeName(message.int32());
    if (message.field === 2) type.shape = readShape(message.message('the shape'));
  }
  return type;
}

/**
 * @param {Message} message a TensorShapeProto
 * @returns {Dimension[]}
 */
function readShape(message) {
  /** @type {Dimension[]} */
  const shape = [];
  while (message.next()) {
    if (message.field === 1) shape.push(readDimension(message.message('the dimension')));
  }
  return shape;
}

/**
 * @param {Message} message
 * @returns {Dimension} some write −1 for what is not known
 */
function readDimension(message) {
  /** @type {Dimension} */
  let dimension;
  while (message.next()) {
    if (message.field === 1) dimension = message.integer();
    if (message.field === 2) dimension = message.string();
  }
  return dimension === '' || (typeof dimension === 'number' && dimension < 0)
    ? undefined
    : dimension;
}

/**
 * @param {Message} message
 * @param {WrappedType['kind']} kind
 * @returns {WrappedType}
 */
function readWrapped(message, kind) {
  let element = UNKNOWN;
  while (message.next()) {
    if (message.field === 1) element = readType(message.message('the type'));
  }
  return { kind, element };
}

/**
 * @param {Message} message
 * @returns {MapType}
 */
function readMap(message) {
  let key = elementTypeName(0);
  let element = UNKNOWN;
  while (message.next()) {
    if (message.field === 1) key = elementTypeName(message.int32());
    if (message.field === 2) element = readType(message.message('the type'));
  }
  return { kind: 'map', key, element };
}

/**
 * @param {OnnxType} type
 * @returns {string} for messages, as "a sequence of tensors of float32"
 */
export function describeType(type) {
  if (type.kind === 'unknown') return 'of no known type';
  return `${type.kind === 'optional' ? 'an' : 'a'} ${phrase(type, '')}`;
}

/**
 * @param {OnnxType} type
 * @param {'' | 's'} plural
 * @returns {string}
 */
function phrase(type, plural) {
  const { kind } = type;
  if (type.kind === 'unknown') return plural ? 'values' : 'value';
  if ('shape' in type) return `${kind}${plural} of ${type.element}`;
  if (type.kind === 'map') return `map${plural} of ${type.key} to ${phrase(type.element, 's')}`;
  return `${kind}${plural} of ${phrase(type.element, 's')}`;
}
