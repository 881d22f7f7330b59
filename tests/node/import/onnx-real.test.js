// SPDX-License-Identifier: Apache-2.0

/** ONNX's own tests, and trained networks of many makers, are read: all of them, and all they hold. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, test } from 'node:test';

import {
  listOnnxModels,
  listOnnxTests,
  noOnnxModels,
  noOnnxTests,
} from '../../../scripts/common/data.js';
import { elementType } from '../../../web/lib/import/onnx/element-types.js';
import { readTensorFile } from '../../../web/lib/import/onnx/model.js';
import { openOnnx, readOnnx } from '../../../web/lib/import/onnx/read.js';
import { bytes, floats, integers } from '../../../web/lib/import/onnx/tensors.js';

/**
 * @typedef {import('../../../web/lib/import/onnx/graph.js').ResolvedGraph} ResolvedGraph
 * @typedef {import('../../../web/lib/import/onnx/tensor-proto.js').OnnxSparseTensor} OnnxSparseTensor
 * @typedef {import('../../../web/lib/import/onnx/tensor-proto.js').OnnxTensor} OnnxTensor
 * @typedef {import('../../../web/lib/import/onnx/type-proto.js').OnnxValue} OnnxValue
 */

/**
 * Reads all elements, and holds them against the tensor's size.
 *
 * @param {OnnxTensor | OnnxSparseTensor} tensor
 * @returns {boolean} whether they are of a type that is supported
 */
function readElements(tensor) {
  const { family, bits } = elementType(tensor.type);
  if (family === 'name only') {
    if (tensor.size > 0) assert.throws(() => floats(tensor), { name: 'UnsupportedError' });
    return false;
  }
  const elements = family === 'float' ? floats(tensor) : integers(tensor, { saturate: true });
  assert.equal(elements.length, tensor.size);
  if (tensor.kind === 'tensor') {
    assert.equal(bytes(tensor).length, Math.ceil((tensor.size * bits) / 8));
  }
  return true;
}

/**
 * @param {ResolvedGraph} graph
 * @returns {number} of constants, also in subgraphs, whose elements were read
 */
function readConstants(graph) {
  let count = 0;
  for (const tensor of graph.constants.values()) count += Number(readElements(tensor));
  for (const { graphs } of graph.nodes) {
    for (const inner of graphs.values()) count += readConstants(inner);
  }
  return count;
}

/**
 * @param {string} file
 * @param {OnnxValue} value that it is for
 * @returns {'read' | 'refused' | 'no tensor'}
 */
function readSample(file, { type }) {
  if (type.kind !== 'tensor') return 'no tensor';
  const tensor = readTensorFile(readFileSync(file));
  // Version 1.12 of ONNX writes the samples of bfloat16 as uint16.
  assert.equal(tensor.type, type.element === 'bfloat16' ? 'uint16' : type.element);
  // It also has samples of another rank than it says: one number as what a cast is to be like.
  const shape = type.shape?.length === tensor.dims.length ? type.shape : [];
  shape.forEach((dim, axis) => {
    if (typeof dim === 'number') assert.equal(tensor.dims[axis], dim);
  });
  return readElements(tensor) ? 'read' : 'refused';
}

describe('ONNX: all of its own tests', { skip: noOnnxTests }, () => {
  test('models, and tensors that go in and come out', (t) => {
    const tests = listOnnxTests();
    assert(tests.length >= 1000, `${tests.length} tests`);
    const samples = { read: 0, refused: 0, 'no tensor': 0 };
    let constants = 0;
    for (const { name, model, sets } of tests) {
      try {
        const { graph } = readOnnx(readFileSync(model));
        constants += readConstants(graph);
        // Old models list their initializers among the inputs, and the tests give none for these.
        for (const { inputs, outputs } of sets) {
          inputs.forEach((file, i) => (samples[readSample(file, graph.inputs[i])] += 1));
          outputs.forEach((file, i) => (samples[readSample(file, graph.outputs[i])] += 1));
        }
      } catch (error) {
        throw new Error(`${name}: ${error}`, { cause: error });
      }
    }
    t.diagnostic(`${tests.length} models, ${constants} constants, ${JSON.stringify(samples)}`);
    assert(samples.read > 3000 && samples.refused < 50 && samples['no tensor'] < 60);
  });
});

describe('ONNX: whole networks', { skip: noOnnxModels }, () => {
  test('all of them, and all their constants', async (t) => {
    for (const path of listOnnxModels()) {
      const name = basename(path);
      const { graph, opsets } = await openOnnx(path);
      const count = readConstants(graph);
      assert(graph.nodes.length > 10 && count > 0, name);
      t.diagnostic(
        `${name}: opset ${opsets.get('')}, ${graph.nodes.length} nodes, ${count} constants`,
      );
    }
  });
});
