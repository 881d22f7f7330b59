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
 * @typedef {Map<string, Uint8Array>} Files by their paths from the model's folder
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
 * @returns {string[]} the paths of the other files that it needs, each once
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
  const file = files.get(location);
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
  for (const attribute of attributes.values()) yield* ofAttribute(attribute);
}

/**
 * @param {OnnxAttribute} attribute
 * @returns {Generator<OnnxTensor, void, void>}
 */
function* ofAttribute(attribute) {
  switch (attribute.kind) {
    case 'tensor':
      yield attribute.value;
      break;
    case 'tensors':
      yield* attribute.value;
      break;
    case 'sparse_tensor':
      yield* partsOf(attribute.value);
      break;
    case 'sparse_tensors':
      for (const sparse of attribute.value) yield* partsOf(sparse);
      break;
    case 'graph':
      yield* ofGraph(attribute.value);
      break;
    case 'graphs':
      for (const graph of attribute.value) yield* ofGraph(graph);
  }
}

/**
 * @param {OnnxTensor | OnnxSparseTensor} tensor
 * @returns {OnnxTensor[]}
 */
function partsOf(tensor) {
  return tensor.kind === 'tensor' ? [tensor] : [tensor.values, tensor.indices];
}
