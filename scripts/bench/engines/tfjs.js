// SPDX-License-Identifier: Apache-2.0

/**
 * TensorFlow.js, its WebAssembly backend with SIMD on one thread. Runs our graphs as its own
 * converter would have them: channels last, batch normalization folded into the convolution before
 * it, biases and ReLU fused, weights uploaded once, each value freed after its last use. Where there
 * are several ways to say something, the fastest one that was found is taken.
 */

import * as tf from '@tensorflow/tfjs-core';
import { setThreadsCount } from '@tensorflow/tfjs-backend-wasm';

import { inferShapes, sortNodes } from '../../../web/lib/graph/graph.js';
import { explicitPadding } from '../onnx.js';
import { CannotRun } from './engine.js';

/**
 * @typedef {import('../../../web/lib/graph/graph.js').Graph} Graph
 * @typedef {import('../../../web/lib/graph/graph.js').GraphNode} GraphNode
 * @typedef {import('../../../web/lib/graph/graph.js').Padding} Padding
 * @typedef {import('../../../web/lib/graph/graph.js').Shape} Shape
 * @typedef {Extract<GraphNode, { op: 'conv' }>} ConvNode
 * @typedef {Extract<GraphNode, { op: 'fc' }>} FcNode
 * @typedef {Extract<GraphNode, { op: 'batchnorm' }>} BatchNormNode
 * @typedef {Extract<GraphNode, { op: 'lrn' }>} LrnNode
 * @typedef {Extract<GraphNode, { op: 'maxpool' | 'avgpool' }>} PoolNode
 * @typedef {import('./engine.js').Work['tensors']} Tensors
 *
 * @typedef {tf.Tensor4D} Value [1, height, width, channels]
 * @typedef {(...inputs: Value[]) => Value} Operation
 *
 * @typedef {object} Link a node, and those after it that are done at once with it
 * @property {GraphNode} node
 * @property {BatchNormNode} [norm]
 * @property {boolean} relu
 * @property {string} output
 *
 * @typedef {{ inputs: string[], output: string, apply: Operation, last: string[] }} Step
 *   last: values that no later step uses
 */

/** @param {boolean} relu @returns {'relu' | 'linear'} */
const activation = (relu) => (relu ? 'relu' : 'linear');

/**
 * The nodes in order, with what can be fused put together.
 *
 * @param {Graph} graph
 * @returns {Link[]}
 */
function fuse(graph) {
  const nodes = sortNodes(graph);
  /** @type {Set<GraphNode>} */
  const taken = new Set();
  /** @param {Link} link @param {string} op */
  const take = (link, op) => {
    const users = nodes.filter(({ inputs }) => inputs.includes(link.output));
    if (users.length !== 1 || users[0].op !== op || graph.outputs.includes(link.output)) return;
    taken.add(users[0]);
    link.output = users[0].output;
    return users[0];
  };
  return nodes.flatMap((node) => {
    if (taken.has(node)) return [];
    /** @type {Link} */
    const link = { node, relu: false, output: node.output };
    const product = node.op === 'conv' || node.op === 'fc';
    if (product) link.norm = /** @type {BatchNormNode | undefined} */ (take(link, 'batchnorm'));
    if (product || node.op === 'batchnorm') link.relu = take(link, 'relu') !== undefined;
    return [link];
  });
}

/** Translates nodes, and keeps the parameters that it uploads. */
class Translator {
  /** @type {tf.Tensor[]} */
  uploaded = [];

  /**
   * @param {Tensors} tensors
   * @param {Map<string, Shape>} shapes
   */
  constructor(tensors, shapes) {
    this.tensors = tensors;
    this.shapes = shapes;
  }

  /** @param {string} name */
  #data(name) {
    const tensor = this.tensors.get(name);
    if (!tensor) throw new Error(`There is no tensor "${name}".`);
    return tensor.data;
  }

  /** @param {string} name */
  shape(name) {
    return /** @type {Shape} */ (this.shapes.get(name));
  }

  /**
   * @template {tf.Tensor} T
   * @param {Float32Array} values
   * @param {number[]} dims
   * @returns {T}
   */
  #upload(values, dims) {
    const tensor = tf.tensor(values, dims, 'float32');
    this.uploaded.push(tensor);
    return /** @type {T} */ (tensor);
  }

  /**
   * What a batch normalization multiplies with and adds.
   *
   * @param {BatchNormNode | undefined} node
   * @param {number} channels
   */
  #affine(node, channels) {
    const scale = new Float32Array(channels).fill(1);
    const shift = new Float32Array(channels);
    if (!node) return { scale, shift };
    const [mean, variance] = [this.#data(node.mean), this.#data(node.variance)];
    for (let c = 0; c < channels; ++c) {
      const gamma = node.gamma ? this.#data(node.gamma)[c] : 1;
      scale[c] = gamma / Math.sqrt(variance[c] + node.epsilon);
      shift[c] = (node.beta ? this.#data(node.beta)[c] : 0) - mean[c] * scale[c];
    }
    return { scale, shift };
  }

  /**
   * Weights as [taps, inputs, outputs], and the bias, with the normalization folded in.
   *
   * @param {ConvNode | FcNode} node
   * @param {BatchNormNode | undefined} norm
   * @param {{ inputs: number, taps: number }} size inputs: channels that an output sees
   */
  #parameters(node, norm, { inputs, taps }) {
    const outputs = node.outChannels;
    const source = this.#data(node.weight);
    const { scale, shift } = this.#affine(norm, outputs);
    const weights = new Float32Array(source.length);
    for (let o = 0, from = 0; o < outputs; ++o) {
      for (let c = 0; c < inputs; ++c) {
        for (let tap = 0; tap < taps; ++tap, ++from) {
          weights[(tap * inputs + c) * outputs + o] = source[from] * scale[o];
        }
      }
    }
    const bias = node.bias ? this.#data(node.bias) : new Float32Array(outputs);
    return { weights, bias: bias.map((value, o) => value * scale[o] + shift[o]) };
  }

  /**
   * @param {ConvNode} node
   * @param {Link} link
   * @returns {Operation}
   */
  conv(node, { norm, relu }) {
    const { groups, kernel, outChannels, stride: strides, dilation: dilations, pad } = node;
    const channels = this.shape(node.inputs[0])[0] / groups;
    const taps = kernel[0] * kernel[1];
    const { weights, bias } = this.#parameters(node, norm, { inputs: channels, taps });
    const outputs = outChannels / groups;
    const size = { groups, outputs, rows: taps * channels };
    const parts = splitColumns(weights, size).map((part, group) => ({
      filter: this.#upload(part, [...kernel, channels, outputs]),
      bias: this.#upload(bias.slice(group * outputs, (group + 1) * outputs), [outputs]),
    }));
    const options = { strides, dilations, pad: padding(pad), activation: activation(relu) };
    /** @type {(x: tf.Tensor, part: any) => Value} */
    const convolve = (x, part) =>
      tf.fused.conv2d({ x: /** @type {Value} */ (x), ...part, ...options });
    if (groups === 1) return (x) => convolve(x, parts[0]);
    return (x) =>
      tf.concat(
        tf.split(x, groups, 3).map((each, group) => convolve(each, parts[group])),
        3,
      );
  }

  /**
   * The weights are [inputs, outputs]: with transposeB it takes four times as long.
   *
   * @param {FcNode} node
   * @param {Link} link
   * @returns {Operation}
   */
  fc(node, { norm, relu }) {
    const [inputs, height, width] = this.shape(node.inputs[0]);
    const outputs = node.outChannels;
    const taps = height * width;
    const parameters = this.#parameters(node, norm, { inputs, taps });
    /** @type {tf.Tensor2D} */
    const b = this.#upload(parameters.weights, [taps * inputs, outputs]);
    const bias = this.#upload(parameters.bias, [outputs]);
    return (x) => {
      const a = tf.reshape(x, [1, taps * inputs]);
      const product = tf.fused.matMul({ a, b, bias, activation: activation(relu) });
      return tf.reshape(product, [1, 1, 1, outputs]);
    };
  }

  /**
   * A depthwise 1×1 convolution with ReLU fused: half the time of mul, add and relu, and a
   * sixteenth of batchNorm's.
   *
   * @param {BatchNormNode} node
   * @param {Link} link
   * @returns {Operation}
   */
  batchnorm(node, { relu }) {
    const [channels] = this.shape(node.inputs[0]);
    const { scale, shift } = this.#affine(node, channels);
    /** @type {Value} */
    const filter = this.#upload(scale, [1, 1, channels, 1]);
    const bias = this.#upload(shift, [channels]);
    const options = { strides: 1, pad: /** @type {const} */ ('valid') };
    return (x) =>
      tf.fused.depthwiseConv2d({ x, filter, bias, activation: activation(relu), ...options });
  }

  /**
   * @param {PoolNode} node
   * @param {Link} link
   * @returns {Operation}
   */
  pool(node, { output }) {
    const pads = explicitPadding(node, this.shape(node.inputs[0]), this.shape(output));
    const padded = pads.some((pad) => pad > 0);
    if (node.op === 'avgpool' && padded) throw new CannotRun('has no average of padded windows');
    const pool = node.op === 'maxpool' ? tf.maxPool : tf.avgPool;
    const { kernel, stride } = node;
    return (x) => pool(x, kernel, stride, padding(pads));
  }

  /**
   * For the usual power of 3/4 as a product with a band matrix and square roots, two thirds of the
   * time of its own localResponseNormalization.
   *
   * @param {LrnNode} node
   * @returns {Operation}
   */
  lrn({ inputs: [input], size, alpha, beta, k }) {
    const [channels, height, width] = this.shape(input);
    const radius = (size - 1) / 2;
    if (!Number.isInteger(radius)) throw new CannotRun('normalizes over odd numbers of channels');
    if (beta !== 0.75) {
      return (x) => tf.localResponseNormalization(x, radius, k, alpha / size, beta);
    }
    const values = Float32Array.from({ length: channels * channels }, (_, i) =>
      Math.abs(Math.floor(i / channels) - (i % channels)) <= radius ? alpha / size : 0,
    );
    /** @type {tf.Tensor2D} */
    const b = this.#upload(values, [channels, channels]);
    const bias = this.#upload(new Float32Array(channels).fill(k), [channels]);
    return (x) => {
      /** @type {tf.Tensor2D} */
      const a = tf.reshape(tf.square(x), [height * width, channels]);
      const root = tf.sqrt(tf.rsqrt(tf.fused.matMul({ a, b, bias })));
      const factor = tf.mul(root, tf.square(root));
      return tf.mul(x, tf.reshape(factor, [1, height, width, channels]));
    };
  }

  /**
   * @param {Link} link
   * @returns {Operation}
   */
  translate(link) {
    const { node } = link;
    switch (node.op) {
      case 'conv':
        return this.conv(node, link);
      case 'fc':
        return this.fc(node, link);
      case 'batchnorm':
        return this.batchnorm(node, link);
      case 'maxpool':
      case 'avgpool':
        return this.pool(node, link);
      case 'lrn':
        return this.lrn(node);
      case 'relu':
        return (x) => tf.relu(x);
      case 'globalavgpool':
        return (x) => tf.mean(x, [1, 2], true);
      case 'add':
        return (...inputs) => inputs.reduce((sum, x) => tf.add(sum, x));
      case 'concat':
        return (...inputs) => tf.concat(inputs, 3);
      case 'softmax':
        return (x) => tf.softmax(x);
      case 'dropout':
        return (x) => tf.clone(x);
      default:
        throw new CannotRun(`has no translation of ${node.op}`);
    }
  }
}

/**
 * The weights of each group: its columns of a matrix [rows, groups · outputs].
 *
 * @param {Float32Array} weights
 * @param {{ rows: number, groups: number, outputs: number }} size
 * @returns {Float32Array[]}
 */
function splitColumns(weights, { rows, groups, outputs }) {
  if (groups === 1) return [weights];
  return Array.from({ length: groups }, (_, group) => {
    const part = new Float32Array(rows * outputs);
    for (let row = 0; row < rows; ++row) {
      const from = (row * groups + group) * outputs;
      part.set(weights.subarray(from, from + outputs), row * outputs);
    }
    return part;
  });
}

/**
 * @param {Padding} pad
 * @returns {'valid' | [[0, 0], [number, number], [number, number], [0, 0]]}
 */
function padding([top, left, bottom, right]) {
  if (top + left + bottom + right === 0) return 'valid';
  return [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ];
}

/**
 * Fully connected layers take their input in any shape, and only they care for the order in which
 * channels last would be flattened.
 *
 * @param {Graph} graph
 * @returns {Graph} without flatten
 */
function withoutFlatten(graph) {
  const shapes = inferShapes(graph);
  /** @param {GraphNode} node */
  const check = ({ inputs: [input], output }) => {
    const [, height, width] = /** @type {Shape} */ (shapes.get(input));
    const users = graph.nodes.filter(({ inputs }) => inputs.includes(output));
    if (height * width === 1) return;
    if (graph.outputs.includes(output) || users.some(({ op }) => op !== 'fc')) {
      throw new CannotRun('flattens only for fully connected layers');
    }
  };
  /** @type {Map<string, string>} */
  const sources = new Map();
  /** @type {GraphNode[]} */
  const nodes = [];
  for (const node of sortNodes(graph)) {
    const inputs = node.inputs.map((input) => sources.get(input) ?? input);
    if (node.op === 'flatten') {
      check(node);
      sources.set(node.output, inputs[0]);
    } else nodes.push({ ...node, inputs });
  }
  return { ...graph, nodes, outputs: graph.outputs.map((name) => sources.get(name) ?? name) };
}

/**
 * @param {Graph} graph
 * @param {Translator} translator
 * @returns {Step[]}
 */
function plan(graph, translator) {
  const steps = fuse(graph).map((link) => ({
    inputs: link.node.inputs,
    output: link.output,
    apply: translator.translate(link),
    last: /** @type {string[]} */ ([]),
  }));
  const kept = new Set([graph.input.name, graph.outputs[0]]);
  for (const step of [...steps].reverse()) {
    step.last = [...new Set(step.inputs)].filter((name) => !kept.has(name));
    step.last.forEach((name) => kept.add(name));
  }
  return steps;
}

/**
 * @param {Step[]} steps
 * @param {Map<string, Value>} values by name; the input, at first
 */
function runSteps(steps, values) {
  for (const { inputs, output, apply, last } of steps) {
    const operands = inputs.map((name) => /** @type {Value} */ (values.get(name)));
    values.set(
      output,
      tf.tidy(() => apply(...operands)),
    );
    for (const name of last) {
      values.get(name)?.dispose();
      values.delete(name);
    }
  }
}

/**
 * @param {Float32Array} values [outer, inner]
 * @param {number} outer
 * @returns {Float32Array} [inner, outer]
 */
function transposed(values, outer) {
  const inner = values.length / outer;
  return values.map((_, i) => values[(i % outer) * inner + Math.floor(i / outer)]);
}

/** @type {Promise<void> | undefined} */
let started;

async function start() {
  // Where there is shared memory it would take its build for several threads.
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  setThreadsCount(1);
  if (!(await tf.setBackend('wasm'))) throw new Error('TensorFlow.js does not start.');
  if (!(await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT'))) {
    throw new Error('TensorFlow.js does not see that there is SIMD.');
  }
}

/** @type {import('./engine.js').Engine} */
export const tfjs = {
  name: 'TensorFlow.js',
  async open(work, input) {
    started ??= start();
    await started;
    const graph = withoutFlatten(work.graph);
    const shapes = inferShapes(graph);
    const translator = new Translator(work.tensors, shapes);
    const steps = plan(graph, translator);
    const [channels, height, width] = graph.input.shape;
    const x = tf.tensor4d(transposed(input, channels), [1, height, width, channels]);
    const [output] = graph.outputs;
    return {
      run() {
        const values = new Map([[graph.input.name, x]]);
        runSteps(steps, values);
        const result = /** @type {Value} */ (values.get(output));
        const data = /** @type {Float32Array} */ (result.dataSync());
        result.dispose();
        return data;
      },
      close: () => tf.dispose([x, ...translator.uploaded]),
      toChannelsFirst: (data) => transposed(data, data.length / translator.shape(output)[0]),
    };
  },
};
