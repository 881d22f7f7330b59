// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { init } from '../../../web/lib/core/module.js';
import { readCaffe } from '../../../web/lib/import/caffe.js';
import { readDeepCompression } from '../../../web/lib/import/deep-compression.js';
import { tensorShapes } from '../../../web/lib/graph/graph.js';
import { imageToTensor } from '../../../web/lib/model/image.js';
import { singleLayer, toOnnx, weightLayers } from '../../../scripts/bench/onnx.js';
import { openOrt } from '../../../scripts/bench/ort.js';
import { noData, readPicture, squeezeNetFiles } from '../../../scripts/common/data.js';
import { runReference, softmax } from '../../support/reference.js';

/**
 * @typedef {import('../../../web/lib/graph/graph.js').Graph} Graph
 * @typedef {import('../../../web/lib/graph/graph.js').GraphNode} GraphNode
 * @typedef {import('../../../web/lib/graph/graph.js').Shape} Shape
 */

await init();

/**
 * @param {number} seed
 * @returns {() => number} uniform in [−1, 1)
 */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

/**
 * @param {Graph} graph
 * @param {() => number} next
 * @returns {Map<string, { data: Float32Array }>} variances in [0.5, 1.5)
 */
function randomTensors(graph, next) {
  const variances = new Set(
    graph.nodes.map((node) => (node.op === 'batchnorm' ? node.variance : '')),
  );
  return new Map(
    [...tensorShapes(graph)].map(([name, { rows, cols }]) => [
      name,
      {
        data: Float32Array.from(
          { length: rows * cols },
          () => next() / (variances.has(name) ? 2 : 1) + (variances.has(name) ? 1 : 0),
        ),
      },
    ]),
  );
}

/**
 * Compares every output and the values in `also` with the reference: to 1e-4 of the largest.
 *
 * @param {Graph} graph
 * @param {Map<string, { data: Float32Array }>} tensors
 * @param {Float32Array} input
 * @param {string[]} [also]
 */
async function compare(graph, tensors, input, also = []) {
  const expected = runReference(graph, tensors, input);
  const runner = await openOrt(toOnnx(graph, tensors, { outputs: also }));
  try {
    const actual = await runner.runAll(input);
    assert.deepEqual(new Set(actual.keys()), new Set([...graph.outputs, ...also]));
    assert.deepEqual(await runner.run(input), actual.get(graph.outputs[0]));
    for (const [name, values] of actual) {
      const wanted = expected.get(name) ?? new Float64Array();
      assert.equal(values.length, wanted.length, name);
      const largest = wanted.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
      values.forEach((value, i) =>
        assert(
          Math.abs(value - wanted[i]) <= 1e-4 * largest,
          `${name}[${i}] is ${value}, not ${wanted[i]}`,
        ),
      );
    }
  } finally {
    await runner.release();
  }
}

test('onnx: a small network with every operation agrees with the reference', async () => {
  const graph = readCaffe(`name: "every" input: "data" input_shape { dim: [1, 4, 13, 14] }
    layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
      convolution_param { num_output: 6 kernel_h: 3 kernel_w: 2 stride: 1 pad_h: 1 dilation: 2 group: 2 } }
    layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "bn" }
    layer { name: "scale" type: "Scale" bottom: "bn" top: "bn" scale_param { bias_term: true } }
    layer { name: "relu" type: "ReLU" bottom: "bn" top: "bn" }
    layer { name: "lrn" type: "LRN" bottom: "bn" top: "lrn" lrn_param { local_size: 3 alpha: 0.5 k: 2 } }
    layer { name: "max" type: "Pooling" bottom: "lrn" top: "max" pooling_param { kernel_size: 3 stride: 2 } }
    layer { name: "bn2" type: "BatchNorm" bottom: "max" top: "bn2" }
    layer { name: "one" type: "Convolution" bottom: "bn2" top: "one"
      convolution_param { num_output: 6 kernel_size: 1 bias_term: false } }
    layer { name: "add" type: "Eltwise" bottom: "max" bottom: "one" bottom: "bn2" top: "add" }
    layer { name: "cat" type: "Concat" bottom: "add" bottom: "max" bottom: "one" top: "cat" }
    layer { name: "ave" type: "Pooling" bottom: "cat" top: "ave"
      pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 } }
    layer { name: "gap" type: "Pooling" bottom: "ave" top: "gap" pooling_param { pool: AVE global_pooling: true } }
    layer { name: "flat" type: "Flatten" bottom: "ave" top: "flat" }
    layer { name: "fc" type: "InnerProduct" bottom: "flat" top: "fc" inner_product_param { num_output: 7 } }
    layer { name: "drop" type: "Dropout" bottom: "fc" top: "fc" }
    layer { name: "fc2" type: "InnerProduct" bottom: "fc" top: "fc2"
      inner_product_param { num_output: 5 bias_term: false } }
    layer { name: "join" type: "Concat" bottom: "gap" bottom: "fc2" top: "join" }
    layer { name: "prob" type: "Softmax" bottom: "join" top: "prob" }
    layer { name: "map" type: "Softmax" bottom: "ave" top: "map" }`);
  const ops = new Set(graph.nodes.map(({ op }) => op));
  assert.equal(ops.size, 13);
  const next = random(1);
  const input = Float32Array.from({ length: 4 * 13 * 14 }, next);
  const values = graph.nodes.map(({ output }) => output);
  await compare(graph, randomTensors(graph, next), input, values);
});

test("onnx: pooling windows are the reference's, whatever the rounding and the padding", async () => {
  /** @type {GraphNode[]} */
  const nodes = [];
  for (const ceil of [true, false]) {
    for (const kernel of [2, 3, 4]) {
      for (const stride of [1, 2, 3]) {
        for (const pad of /** @type {Array<[number, number, number, number]>} */ ([
          [0, 0, 0, 0],
          [1, 1, 1, 1],
          [0, 1, 1, 0],
          [1, 0, 0, 1],
        ])) {
          const base = {
            inputs: ['in'],
            kernel: /** @type {[number, number]} */ ([kernel, kernel]),
            stride: /** @type {[number, number]} */ ([stride, stride]),
            pad,
            ceil,
          };
          const name = `${kernel}/${stride}/${pad}/${ceil}`;
          nodes.push({ op: 'maxpool', name: `max${name}`, output: `max${name}`, ...base });
          for (const countPad of [true, false]) {
            nodes.push({
              op: 'avgpool',
              name: `${countPad}${name}`,
              output: `${countPad}${name}`,
              countPad,
              ...base,
            });
          }
        }
      }
    }
  }
  /** @type {Graph} */
  const graph = {
    name: 'pools',
    input: { name: 'in', shape: [2, 7, 8] },
    nodes,
    outputs: nodes.map(({ output }) => output),
  };
  await compare(graph, new Map(), Float32Array.from({ length: 2 * 7 * 8 }, random(2)));
});

describe('onnx: what cannot be written', () => {
  /** @type {Graph} */
  const graph = {
    name: 'g',
    input: { name: 'in', shape: [1, 4, 4] },
    outputs: ['f'],
    nodes: [{ op: 'fc', name: 'f', inputs: ['in'], output: 'f', weight: 'w', outChannels: 2 }],
  };
  test('a graph without its tensors', () => {
    assert.throws(() => toOnnx(graph, new Map()), /The tensor "w" has no values instead of 32/);
  });
  test('a tensor of the wrong size', () => {
    assert.throws(
      () => toOnnx(graph, new Map([['w', { data: new Float32Array(3) }]])),
      /has 3 values instead of 32/,
    );
  });
  test('an output that is no value', () => {
    const tensors = new Map([['w', { data: new Float32Array(32) }]]);
    assert.throws(() => toOnnx(graph, tensors, { outputs: ['z'] }), /There is no value "z"/);
  });
});

describe('onnx: SqueezeNet', { skip: noData }, () => {
  test('agrees with the reference, layer by layer and as a whole', async () => {
    const { net, prototxt } = squeezeNetFiles();
    const { graph, tensors } = readDeepCompression(net, prototxt);
    const input = imageToTensor(readPicture('cat.jpg'), graph.input.shape);
    await compare(graph, tensors, input, ['conv1', 'pool1', 'fire5/concat', 'conv_final']);
    const layers = weightLayers(graph);
    assert.equal(layers.length, 26);
    assert.deepEqual(layers[25], { name: 'conv_final', rows: 1000, cols: 512, pixels: 225 });
    const layer = singleLayer(graph, 'fire9/conv3x3_2');
    assert.deepEqual(layer.input.shape, [64, 13, 13]);
    await compare(layer, tensors, Float32Array.from({ length: 64 * 13 * 13 }, random(3)));
    assert(softmax(runReference(graph, tensors, input).get('pool_final') ?? [])[278] > 0.3);
  });
});
