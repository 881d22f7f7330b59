// SPDX-License-Identifier: Apache-2.0

/** Elements of tensors that lie in files beside the model. */

import { FileError } from '../../core/errors.js';
import { quote } from './protobuf.js';
import { byteLengthOf } from './tensor-proto.js';

/**
 * @typedef {import('./attribute-proto.js').OnnxAttribute} OnnxAttribute
 * @typedef {import('./model.js').OnnxGraph} OnnxGraph
 * @typedef {import('./model.js').OnnxModel} OnnxModel
 * @typedef {import('./model.js').OnnxNode} OnnxNode
 * @typedef {import('./tensor-proto.js').ExternalData} ExternalData
 * @typedef {import('./tensor-proto.js').OnnxSparseTensor} OnnxSparseTensor
 * @typedef {import('./tensor-proto.js').OnnxTensor} OnnxTensor
 *
 * @typedef {Map<string, Uint8Array>} Files by their names or paths
 */

/**
 * Puts the bytes of the other files in their places, as views of these.
 *
 * @param {OnnxModel} model is changed
 * @param {Files} files
 * @throws {FileError} for files that are not there or too short
 */
export function joinExternal(model, files) {
  for (const tensor of tensorsOf(model)) {
    const { data } = tensor;
    if (data.kind === 'external') {
      tensor.data = { kind: 'raw', bytes: take(tensor, data, files) };
    }
  }
}

/**
 * @param {OnnxModel} model
 * @returns {string[]} the files beside it that it needs, each once
 */
export function externalLocations(model) {
  const locations = new Set();
  for (const { data } of tensorsOf(model)) {
    if (data.kind === 'external') locations.add(data.location);
  }
  return [...locations];
}

/**
 * @param {OnnxTensor} tensor
 * @param {ExternalData} data
 * @param {Files} files
 */
function take(tensor, { location, offset, length }, files) {
  const what = `Of the ONNX model the tensor ${quote(tensor.name)}`;
  const file = findFile(location, files);
  if (!file) throw new FileError(`${what} is in the file ${quote(location)}, which is not given.`);
  const expected = byteLengthOf(tensor);
  const size = length ?? expected ?? 0;
  if (expected !== undefined && size !== expected) {
    const shape = tensor.dims.join('×') || 'one element';
    throw new FileError(
      `${what} of ${shape} of ${tensor.type} has ${size} bytes in ${quote(location)}, not ${expected}.`,
    );
  }
  if (offset + size > file.length) {
    throw new FileError(
      `${what} ends at byte ${offset + size} of ${quote(location)}, which has ${file.length}.`,
    );
  }
  return file.subarray(offset, offset + size);
}

/**
 * @param {string} location
 * @param {Files} files
 * @returns {Uint8Array | undefined} the file of that path, or the only one of that name
 */
function findFile(location, files) {
  const exact = files.get(location);
  if (exact) return exact;
  const same = [...files].filter(([path]) => baseName(path) === baseName(location));
  return same.length === 1 ? same[0][1] : undefined;
}

/** @param {string} path */
function baseName(path) {
  return path.slice(path.lastIndexOf('/') + 1);
}

/**
 * @param {OnnxModel} model
 * @returns {Generator<OnnxTensor, void, void>} all, also of subgraphs and functions
 */
function* tensorsOf({ graph, functions }) {
  yield* ofGraph(graph);
  for (const { nodes, defaults } of functions) {
    yield* ofNodes(nodes);
    yield* ofAttributes(defaults);
  }
}

/**
 * @param {OnnxGraph} graph
 * @returns {Generator<OnnxTensor, void, void>}
 */
function* ofGraph({ initializers, nodes }) {
  for (const tensor of initializers) yield* partsOf(tensor);
  yield* ofNodes(nodes);
}

/** @param {OnnxNode[]} nodes */
function* ofNodes(nodes) {
  for (const { attributes } of nodes) yield* ofAttributes(attributes);
}

/**
 * @param {Map<string, OnnxAttribute>} attributes
 * @returns {Generator<OnnxTensor, void, void>}
 */
function* ofAttributes(attributes) {
  for (const attribute of attributes.values()) {
    if (attribute.kind === 'reference') continue;
    const values = [attribute.value].flat();
    for (const value of values) {
      if (typeof value !== 'object' || value instanceof Uint8Array) continue;
      if ('nodes' in value) yield* ofGraph(value);
      else if (value.kind === 'tensor' && 'dims' in value) yield value;
      else if (value.kind === 'sparse') yield* partsOf(value);
    }
  }
}

/**
 * @param {OnnxTensor | OnnxSparseTensor} tensor
 * @returns {OnnxTensor[]}
 */
function partsOf(tensor) {
  return tensor.kind === 'tensor' ? [tensor] : [tensor.values, tensor.indices];
}
