// SPDX-License-Identifier: Apache-2.0

/** Attributes of a node by name and kind: each accessor checks what it returns. */

import { FileError } from '../../core/errors.js';
import { decodeUtf8, quote } from './protobuf.js';

/**
 * @typedef {import('./attribute-proto.js').AttributeKind} AttributeKind
 * @typedef {import('./attribute-proto.js').AttributeValues} AttributeValues
 * @typedef {import('./attribute-proto.js').OnnxAttribute} OnnxAttribute
 * @typedef {import('./tensor-proto.js').OnnxTensor} OnnxTensor
 *
 * @typedef {object} WithAttributes a node
 * @property {string} name
 * @property {string} opType
 * @property {string[]} outputs
 * @property {Map<string, OnnxAttribute>} attributes
 */

/**
 * @param {Pick<WithAttributes, 'name' | 'opType' | 'outputs'>} node
 * @returns {string} for messages, as "the node "conv1" (Conv)"
 */
export function describeNode({ name, opType, outputs }) {
  // An operator's name is one word, but in a hostile file.
  const op = quote(opType).slice(1, -1);
  if (name) return `the node ${quote(name)} (${op})`;
  const given = outputs.find((output) => output !== '');
  return given === undefined ? `a node (${op})` : `the node (${op}) that gives ${quote(given)}`;
}

/**
 * @param {Parameters<typeof describeNode>[0]} node
 * @param {string} what
 * @returns {never}
 */
export function failAt(node, what) {
  throw new FileError(`In the ONNX model ${describeNode(node)} ${what}.`);
}

/**
 * @template {AttributeKind} K
 * @template T
 * @param {WithAttributes} node
 * @param {string} name
 * @param {K} kind
 * @param {T} otherwise
 * @returns {AttributeValues[K] | T}
 */
function valueOf(node, name, kind, otherwise) {
  const attribute = node.attributes.get(name);
  if (attribute === undefined) return otherwise;
  if (attribute.kind === kind) return /** @type {AttributeValues[K]} */ (attribute.value);
  return failAt(node, `has an attribute ${quote(name)} of the kind ${attribute.kind}, not ${kind}`);
}

/**
 * @template T
 * @param {WithAttributes} node
 * @param {string} name
 * @param {T} otherwise where there is none
 * @returns {number | T} a safe integer; what is beyond becomes the nearest, since 2^63 − 1 and −2^63
 *   stand for an end
 */
export function intOf(node, name, otherwise) {
  const value = valueOf(node, name, 'int', otherwise);
  return typeof value === 'bigint' ? saturated(value) : value;
}

/**
 * @template T
 * @param {WithAttributes} node
 * @param {string} name
 * @param {T} otherwise
 * @returns {number[] | T} as those of `intOf`
 */
export function intsOf(node, name, otherwise) {
  const values = valueOf(node, name, 'ints', undefined);
  return values ? values.map(saturated) : otherwise;
}

/** @param {number | bigint} value */
function saturated(value) {
  if (typeof value === 'number') return value;
  return value < 0n ? Number.MIN_SAFE_INTEGER : Number.MAX_SAFE_INTEGER;
}

/**
 * @template T
 * @param {WithAttributes} node
 * @param {string} name
 * @param {T} otherwise
 * @returns {number | T}
 */
export function floatOf(node, name, otherwise) {
  return valueOf(node, name, 'float', otherwise);
}

/**
 * @template T
 * @param {WithAttributes} node
 * @param {string} name
 * @param {T} otherwise
 * @returns {number[] | T}
 */
export function floatsOf(node, name, otherwise) {
  return valueOf(node, name, 'floats', otherwise);
}

/**
 * @template T
 * @param {WithAttributes} node
 * @param {string} name
 * @param {T} otherwise
 * @returns {string | T}
 */
export function stringOf(node, name, otherwise) {
  const value = valueOf(node, name, 'string', undefined);
  return value ? textOf(node, name, value) : otherwise;
}

/**
 * @template T
 * @param {WithAttributes} node
 * @param {string} name
 * @param {T} otherwise
 * @returns {string[] | T}
 */
export function stringsOf(node, name, otherwise) {
  const values = valueOf(node, name, 'strings', undefined);
  return values ? values.map((value) => textOf(node, name, value)) : otherwise;
}

/**
 * @param {WithAttributes} node
 * @param {string} name
 * @param {Uint8Array} value
 */
function textOf(node, name, value) {
  return decodeUtf8(value) ?? failAt(node, `has an attribute ${quote(name)} that is no UTF-8`);
}

/**
 * @template T
 * @param {WithAttributes} node
 * @param {string} name
 * @param {T} otherwise
 * @returns {OnnxTensor | T}
 */
export function tensorOf(node, name, otherwise) {
  return valueOf(node, name, 'tensor', otherwise);
}
