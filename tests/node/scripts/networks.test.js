// SPDX-License-Identifier: Apache-2.0

/** The paper's networks: their architectures against ONNX's, their weights against what is said. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { FileError, Model, init } from '../../../web/lib/index.js';
import { inferShapes, nodeParameters, sortNodes } from '../../../web/lib/graph/graph.js';
import { alexNet } from '../../../scripts/networks/alexnet.js';
import { denseNet } from '../../../scripts/networks/densenet.js';
import {
  entropyOf,
  prunedWeights,
  quantizedWeights,
} from '../../../scripts/networks/distributions.js';
import { buildNetwork, networkNames } from '../../../scripts/networks/index.js';
import { resNet } from '../../../scripts/networks/resnet.js';
import { vgg } from '../../../scripts/networks/vgg.js';
import { noData, readData } from '../../../scripts/common/data.js';
import { readOnnx } from './onnx-reader.js';

await init();

/**
 * @typedef {import('../../../web/lib/graph/graph.js').Graph} Graph
 * @typedef {import('../../../web/lib/graph/graph.js').GraphNode} GraphNode
 * @typedef {import('../../../web/lib/graph/graph.js').Shape} Shape
 * @typedef {import('./onnx-reader.js').OnnxModel} OnnxModel
 * @typedef {import('./onnx-reader.js').OnnxNode} OnnxNode
 *
 * @typedef {object} Step what a node computes, in words that both kinds of graph have
 * @property {string} op
 * @property {number[]} from which steps it reads, by their numbers; -1 is the input
 * @property {Shape} shape of what it gives
 * @property {Record<string, unknown>} [details]
 */

/** Numbers the values by the steps that give them. */
class Steps {
  /** @type {Step[]} */
  list = [];
  /** @type {Map<string, number>} */
  #numbers = new Map();

  /** @param {string} input */
  constructor(input) {
    this.#numbers.set(input, -1);
  }

  /** @param {string[]} names */
  numbers(names) {
    return names.map((name) => {
      const number = this.#numbers.get(name);
      assert(number !== undefined, `nothing gives "${name}"`);
      return number;
    });
  }

  /**
   * @param {string} output
   * @param {Step} step
   */
  add(output, step) {
    this.#numbers.set(output, this.list.length);
    this.list.push(step);
  }

  /**
   * @param {string} output is the same as
   * @param {string} input
   */
  alias(output, input) {
    this.#numbers.set(output, this.numbers([input])[0]);
  }
}

/**
 * @param {Graph} graph
 * @returns {Step[]}
 */
function ourSteps(graph) {
  const shapes = inferShapes(graph);
  const steps = new Steps(graph.input.name);
  for (const node of sortNodes(graph)) {
    if (node.op === 'flatten') {
      steps.alias(node.output, node.inputs[0]);
      continue;
    }
    const input = /** @type {Shape} */ (shapes.get(node.inputs[0]));
    const shape = /** @type {Shape} */ (shapes.get(node.output));
    const from = steps.numbers(node.inputs);
    steps.add(node.output, { op: node.op, from, shape, ...ourDetails(node, input) });
  }
  return steps.list;
}

/**
 * @param {GraphNode} node
 * @param {Shape} input
 */
function ourDetails(node, input) {
  const parameters = nodeParameters(node, input).map(({ rows, cols }) => rows * cols);
  switch (node.op) {
    case 'conv':
      return { details: { parameters, groups: node.groups, ...window(node) } };
    case 'fc':
      return { details: { parameters } };
    case 'maxpool':
    case 'avgpool':
      return { details: window(node) };
    case 'lrn':
      return { details: { size: node.size, alpha: node.alpha, beta: node.beta, k: node.k } };
    case 'batchnorm':
      return { details: { parameters, epsilon: node.epsilon } };
    default:
      return {};
  }
}

/** @param {Extract<GraphNode, { op: 'conv' | 'maxpool' | 'avgpool' }>} node */
function window({ kernel, stride, pad }) {
  return { kernel, stride, pad };
}

/** @type {Record<string, string>} */
const OPERATIONS = {
  AveragePool: 'avgpool',
  BatchNormalization: 'batchnorm',
  Concat: 'concat',
  Conv: 'conv',
  Dropout: 'dropout',
  Gemm: 'fc',
  GlobalAveragePool: 'globalavgpool',
  LRN: 'lrn',
  MaxPool: 'maxpool',
  Relu: 'relu',
  Softmax: 'softmax',
  Sum: 'add',
};

/** @param {OnnxNode} node */
function onnxWindow({ attributes }) {
  const { kernel_shape: kernel, strides: stride, pads = [0, 0, 0, 0] } = attributes;
  return /** @type {ReturnType<typeof window>} */ ({ kernel, stride, pad: pads });
}

/**
 * @param {OnnxNode} node
 * @param {number[]} parameters sizes
 * @returns {{ details?: Record<string, unknown> }}
 */
function onnxDetails({ attributes, ...node }, parameters) {
  /** @param {string} name */
  const float = (name) => Number(Number(attributes[name]).toPrecision(6));
  switch (node.op) {
    case 'Conv': {
      const groups = attributes.group ?? 1;
      return { details: { parameters, groups, ...onnxWindow({ attributes, ...node }) } };
    }
    case 'Gemm':
      return { details: { parameters } };
    case 'MaxPool':
    case 'AveragePool':
      return { details: onnxWindow({ attributes, ...node }) };
    case 'LRN':
      return {
        details: {
          size: attributes.size,
          alpha: float('alpha'),
          beta: float('beta'),
          k: float('bias'),
        },
      };
    case 'BatchNormalization':
      return { details: { parameters, epsilon: float('epsilon') } };
    default:
      return {};
  }
}

/**
 * The steps of an ONNX model. Shapes are not in the files: they follow from the windows and the sizes
 * of the parameters.
 *
 * @param {OnnxModel} onnx
 * @returns {Array<Omit<Step, 'shape'>>}
 */
function onnxSteps({ nodes, constants, inputs }) {
  const input = inputs.find(({ name }) => !constants.has(name) && /data/.test(name));
  assert.deepEqual(input?.dims, [1, 3, 224, 224]);
  const steps = new Steps(input.name);
  // DenseNet's file has a scale and a shift of its own behind each normalization.
  const affine = new Set();
  for (const node of nodes) {
    const { op, outputs } = node;
    const values = node.inputs.filter((name) => !constants.has(name) && !affine.has(name));
    if (op === 'Unsqueeze') {
      affine.add(outputs[0]);
    } else if (op === 'Reshape' || op === 'Mul' || op === 'Add') {
      steps.alias(outputs[0], values[0]);
    } else {
      assert(op in OPERATIONS, `ONNX's ${op}`);
      const parameters = node.inputs.flatMap((name) => {
        const dims = constants.get(name);
        return dims ? [dims.reduce((product, dim) => product * dim, 1)] : [];
      });
      const step = { op: OPERATIONS[op], from: steps.numbers(values) };
      const details = onnxDetails(node, parameters);
      steps.add(outputs[0], /** @type {Step} */ ({ ...step, ...details }));
    }
  }
  return steps.list;
}

/** Where ONNX's files say the same in another way: a mean as a window, a product as a convolution. */
const SAME_AS = {
  /** @param {Omit<Step, 'shape'>} step @param {Shape} input */
  globalavgpool: ({ op, details }, [, height, width]) =>
    op === 'avgpool' && String(details?.kernel) === `${height},${width}`,
  /** @param {Omit<Step, 'shape'>} step @param {Shape} input */
  fc: ({ op, details }, [, height, width]) =>
    op === 'conv' && String(details?.kernel) === '1,1' && height * width === 1,
};

/**
 * @param {Graph} graph
 * @param {string} file
 */
function compare(graph, file) {
  const ours = ourSteps(graph);
  const onnx = onnxSteps(readOnnx(readData('onnx-light', file)));
  onnx.forEach((theirs, i) => {
    const { shape, ...step } = ours[i];
    const input = step.from[0] < 0 ? graph.input.shape : ours[step.from[0]].shape;
    const same = SAME_AS[/** @type {keyof typeof SAME_AS} */ (step.op)]?.(theirs, input);
    if (!same) return assert.deepEqual(step, theirs, `step ${i}, of shape ${shape.join('×')}`);
    assert.deepEqual(step.from, theirs.from);
    return assert.deepEqual(step.details?.parameters, theirs.details?.parameters);
  });
  return ours.slice(onnx.length).map(({ op }) => op);
}

describe('networks: architectures are those of the ONNX files', { skip: noData }, () => {
  test('AlexNet', () => assert.deepEqual(compare(alexNet(), 'light_bvlc_alexnet.onnx'), []));
  test('VGG', () => assert.deepEqual(compare(vgg(19), 'light_vgg19.onnx'), []));
  test('ResNet', () => assert.deepEqual(compare(resNet(50), 'light_resnet50.onnx'), []));
  test('DenseNet, whose file ends before the softmax', () =>
    assert.deepEqual(compare(denseNet(121), 'light_densenet121.onnx'), ['softmax']));
  test('and a difference would be seen', () => {
    const graph = vgg(19);
    const pool = graph.nodes.find(({ op }) => op === 'maxpool');
    assert(pool?.op === 'maxpool');
    pool.stride = [1, 1];
    assert.throws(() => compare(graph, 'light_vgg19.onnx'), /step 4, of shape 64×223×223/);
  });
});

/** As published with the networks: without what batch normalization only keeps count of. */
const PARAMETERS = {
  alexnet: 60_965_224,
  vgg16: 138_357_544,
  resnet152: 60_192_808,
  densenet161: 28_681_000,
};

for (const name of networkNames) {
  test(`networks: ${name} has as many parameters as published`, () => {
    const { tensors } = buildNetwork(name);
    const trained = [...tensors].filter(([tensor]) => !/\.(mean|variance)$/.test(tensor));
    const count = trained.reduce((sum, [, { rows, cols }]) => sum + rows * cols, 0);
    assert.equal(count, PARAMETERS[name]);
  });
}

/** @param {Float32Array} data */
function sharesOf(data) {
  /** @type {Map<number, number>} */
  const counts = new Map();
  for (const value of data) counts.set(value, (counts.get(value) ?? 0) + 1);
  return new Map([...counts].map(([value, count]) => [value, count / data.length]));
}

/**
 * @param {number} actual
 * @param {number} expected
 * @param {number} tolerance
 */
function near(actual, expected, tolerance) {
  assert(Math.abs(actual - expected) <= tolerance, `${actual}, not ${expected} ± ${tolerance}`);
}

describe('networks: distributions', () => {
  for (const [p0, entropy] of [
    [0.07, 4.8],
    [0.12, 4.1],
    [0.36, 3.7],
  ]) {
    test(`127 levels with p0 = ${p0} and H = ${entropy}`, () => {
      const { values, shares } = quantizedWeights(p0, entropy);
      assert.equal(values.length, 127);
      near(shares[values.indexOf(0)], p0, 1e-9);
      assert.equal(Math.max(...shares), shares[values.indexOf(0)]);
      near(entropyOf(shares), entropy, 1e-9);
      near(
        shares.reduce((a, b) => a + b),
        1,
        1e-12,
      );
    });
  }

  test('pruned weights: 0 is one of the values, and none is idle', () => {
    for (const [density, distinct] of [
      [0.09, 32],
      [0.84, 256],
    ]) {
      const { values, shares } = prunedWeights(density, distinct, 1e5);
      assert.equal(new Set(values).size, distinct);
      near(shares[values.indexOf(0)], 1 - density, 1e-12);
      near(
        shares.reduce((a, b) => a + b),
        1,
        1e-12,
      );
      assert(Math.min(...shares) * 1e5 > 0.5, `${Math.min(...shares)}`);
      // The largest shared value is the mean of a tail that begins where pruning ended.
      const kept = values.filter((value) => value !== 0).map(Math.abs);
      assert(Math.min(...kept) > (density < 0.5 ? 1.69 : 0.2) && Math.max(...kept) < 5);
    }
  });
});

describe('networks: drawn tensors', () => {
  test('AlexNet by the densities and numbers of values of Deep Compression', () => {
    const { tensors } = buildNetwork('alexnet');
    for (const [layer, density, distinct] of /** @type {const} */ ([
      ['conv1', 0.84, 256],
      ['conv2', 0.38, 256],
      ['conv4', 0.37, 256],
      ['fc8', 0.25, 32],
    ])) {
      const shares = sharesOf(/** @type {any} */ (tensors.get(`${layer}.weight`)).data);
      near(1 - (shares.get(0) ?? 0), density, 0.006);
      assert(shares.size <= distinct && shares.size > 0.95 * distinct, `${layer}: ${shares.size}`);
    }
  });

  test('are the same whenever they are read, and others for other names and seeds', () => {
    /** @param {number} seed @param {string} name */
    const draw = (seed, name) =>
      /** @type {Float32Array} */ (buildNetwork('resnet152', { seed }).tensors.get(name)?.data);
    const name = 'stage1.2.conv2.weight';
    assert.deepEqual(draw(7, name), draw(7, name));
    assert.notDeepEqual(draw(7, name), draw(8, name));
    assert.notDeepEqual(draw(7, name), draw(7, 'stage1.3.conv2.weight'));
    const shares = sharesOf(draw(7, name));
    near(shares.get(0) ?? 0, 0.12, 0.006);
    near(entropyOf([...shares.values()]), 4.1, 0.02);
  });

  test('keep values sane through 161 layers', async () => {
    const { graph, tensors } = buildNetwork('densenet161');
    const logits = graph.nodes.at(-1)?.inputs[0] ?? '';
    const watched = { ...graph, outputs: [logits, ...graph.outputs] };
    const model = await Model.fromGraph(watched, tensors, { format: 'palette' });
    const { data } = /** @type {import('../../../web/lib/index.js').Tensor} */ (
      buildNetwork('densenet161', { seed: 2 }).tensors.get('fc.weight')
    );
    const scale = 1 / Math.sqrt(data.reduce((sum, value) => sum + value ** 2, 0) / data.length);
    const input = data.slice(0, 3 * 224 * 224).map((value) => value * scale);
    const outputs = model.runAll(input);
    model.dispose();
    const values = /** @type {Float32Array} */ (outputs.get(logits));
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
    assert(deviation > 0.2 && deviation < 5, `${deviation}`);
    near(
      (outputs.get('prob') ?? new Float32Array()).reduce((a, b) => a + b),
      1,
      1e-4,
    );
  });
});

describe('limits of what a network may ask for', () => {
  for (const graph of [alexNet(), vgg(16), resNet(152), denseNet(161)]) {
    test(`${graph.name} is within the default ones`, async () => {
      // Without weights; what the graph asks for is looked at before.
      await assert.rejects(
        Model.fromGraph(graph, new Map()),
        (error) => error instanceof FileError && /weight .* is not among/.test(error.message),
      );
    });
  }
});
