// SPDX-License-Identifier: Apache-2.0

/**
 * From a trained net to the graph and the tensors of a Model: batch normalization becomes part of
 * the convolution before it, what acts on each step of a sequence a 1×1 convolution, and weights are
 * pruned and quantized on request.
 */

import { UnsupportedError, ValueError } from '../core/errors.js';
import { checkInteger, checkKeys, checkNumber } from '../core/check.js';
import { foldBatchNorm } from '../compress/fold.js';
import { prune, quantize } from '../compress/quantize.js';

/**
 * @typedef {import('../../../dist/lowtropy-training.js').DatasetShape} DatasetShape
 * @typedef {import('../../../dist/lowtropy-training.js').NativeNode} NativeNode
 * @typedef {import('../graph/graph.js').Graph} Graph
 * @typedef {import('../graph/graph.js').GraphNode} GraphNode
 * @typedef {import('../graph/graph.js').Tensor} Tensor
 *
 * @typedef {object} ExportOptions
 * @property {number} [prune] the share of each weight matrix, the smallest magnitudes, that becomes
 *   0; from 0 to below 1; default 0
 * @property {number} [values] how many distinct values a weight matrix keeps, 0 included, from 2 to
 *   256; by default all
 */

/**
 * @param {string} model its name
 * @param {DatasetShape} shape of an example
 * @param {NativeNode[]} nodes
 * @param {Map<string, Float32Array>} weights by name
 * @param {ExportOptions} options
 * @returns {{ graph: Graph, tensors: Map<string, Tensor> }}
 */
export function exportGraph(model, shape, nodes, weights, options) {
  const checked = checkExport(options);
  const exporter = new Exporter(weights, shape);
  for (const node of nodes) exporter.add(node);
  compress(exporter.tensors, checked);
  /** @type {Graph} */
  const graph = {
    name: model,
    input: { name: 'data', shape: inputShape(shape) },
    outputs: [/** @type {GraphNode} */ (exporter.nodes.at(-1)).output],
    nodes: exporter.nodes,
  };
  return { graph, tensors: exporter.tensors };
}

/**
 * @param {DatasetShape} shape
 * @returns {import('../graph/graph.js').Shape} of text: a sequence
 */
function inputShape({ channels, height, width, steps }) {
  return steps > 0 ? [1, steps, 1] : [channels, height, width];
}

/**
 * @param {ExportOptions} options
 * @returns {{ share: number, values: number | undefined }}
 * @throws {ValueError}
 */
export function checkExport(options) {
  const given = checkKeys(options, 'An export', ['prune', 'values']);
  const share = checkNumber(
    given.prune ?? 0,
    'The share to prune',
    'from 0 to below 1',
    (value) => value >= 0 && value < 1,
  );
  if (given.values === undefined) return { share, values: undefined };
  return { share, values: checkInteger(given.values, 'The number of values', 2, 256) };
}

/**
 * @param {Map<string, Tensor>} tensors
 * @param {{ share: number, values: number | undefined }} options
 */
function compress(tensors, { share, values }) {
  for (const [name, { kind, data }] of tensors) {
    if (kind !== 'matrix') continue;
    if (!data.every(Number.isFinite)) {
      throw new ValueError(`The weights "${name}" hold NaN or infinities: training has diverged.`);
    }
    if (share > 0) prune(data, share);
    if (values !== undefined) quantize(data, values);
  }
}

class Exporter {
  /**
   * @param {Map<string, Float32Array>} weights
   * @param {DatasetShape} shape
   */
  constructor(weights, { steps, classes }) {
    this.weights = weights;
    this.isSequence = steps > 0;
    this.classes = classes;
    /** @type {GraphNode[]} */
    this.nodes = [];
    /** @type {Map<string, Tensor>} */
    this.tensors = new Map();
    /** The name of each value of the net. @type {Map<number, string>} */
    this.values = new Map([[0, 'data']]);
  }

  /** @param {NativeNode} node */
  add(node) {
    switch (node.op) {
      case 'planes': // how the net lays its memory out
        this.values.set(node.output, this.#inputs(node)[0]);
        break;
      case 'conv':
        this.#addConvolution(node);
        break;
      case 'fc':
        this.#addFullyConnected(node);
        break;
      case 'embedding':
        this.#addEmbedding(node);
        break;
      case 'lstm':
        this.#addLstm(node);
        break;
      case 'batchnorm':
        this.#fold(node);
        break;
      case 'maxpool':
        this.#push(node, { op: 'maxpool', ...window(node), ceil: true });
        break;
      case 'relu':
      case 'add':
      case 'flatten':
      case 'globalavgpool':
        this.#push(node, { op: node.op });
        break;
      default:
        throw new UnsupportedError(`Graphs have no operation for ${node.op}.`);
    }
  }

  /** @param {NativeNode} node */
  #inputs(node) {
    return node.inputs.map((value) => /** @type {string} */ (this.values.get(value)));
  }

  /**
   * @param {NativeNode} node
   * @param {object} operation
   */
  #push(node, operation) {
    this.values.set(node.output, node.name);
    const { name } = node;
    this.nodes.push(
      /** @type {GraphNode} */ ({ name, inputs: this.#inputs(node), output: name, ...operation }),
    );
  }

  /** @param {NativeNode} node */
  #addFullyConnected(node) {
    const parameters = this.#parameters(node);
    const { outputs } = node;
    this.#push(
      node,
      this.isSequence
        ? stepwise(parameters, outputs)
        : { op: 'fc', ...parameters, outChannels: outputs },
    );
  }

  /** @param {NativeNode} node */
  #addEmbedding(node) {
    const { classes } = this;
    const weight = this.#addMatrix(`${node.name}.weight`, classes, `${node.name}.weight`);
    this.#push(node, { op: 'embedding', weight, classes, outChannels: node.outputs });
  }

  /**
   * What the sequence adds to the gates at each step, and then what one step leaves to the next.
   *
   * @param {NativeNode} node
   */
  #addLstm(node) {
    const { name, outputs, forgetBias } = node;
    const gates = `${name}_input`;
    const weight = this.#addMatrix(`${gates}.weight`, 4 * outputs, `${name}.weight_input`);
    const bias = `${gates}.bias`;
    const data = /** @type {Float32Array} */ (this.weights.get(`${name}.bias`)).slice();
    for (let i = outputs; i < 2 * outputs; ++i) data[i] += forgetBias;
    this.tensors.set(bias, { rows: 1, cols: data.length, kind: 'vector', data });
    const recurrent = this.#addMatrix(`${name}.weight`, 4 * outputs, `${name}.weight_hidden`);
    this.#push({ ...node, name: gates }, stepwise({ weight, bias }, 4 * outputs));
    this.nodes.push({
      name,
      inputs: [gates],
      output: name,
      op: 'lstm',
      weight: recurrent,
      outChannels: outputs,
    });
    this.values.set(node.output, name);
  }

  /** @param {NativeNode} node */
  #addConvolution(node) {
    this.#push(node, {
      op: 'conv',
      ...this.#parameters(node),
      outChannels: node.outputs,
      ...window(node),
      dilation: [1, 1],
      groups: 1,
    });
  }

  /**
   * @param {string} name
   * @param {number} rows
   * @param {string} from the name of the net's parameter
   * @returns {string} its name
   */
  #addMatrix(name, rows, from) {
    const data = /** @type {Float32Array} */ (this.weights.get(from));
    this.tensors.set(name, { rows, cols: data.length / rows, kind: 'matrix', data });
    return name;
  }

  /**
   * Adds a layer's weight and, if it has one, its bias.
   *
   * @param {NativeNode} node
   */
  #parameters({ name, outputs }) {
    const weight = `${name}.weight`;
    const bias = `${name}.bias`;
    this.#addMatrix(weight, outputs, weight);
    const values = this.weights.get(bias);
    if (!values) return { weight };
    this.tensors.set(bias, { rows: 1, cols: outputs, kind: 'vector', data: values });
    return { weight, bias };
  }

  /** @param {NativeNode} node of a batch normalization behind a convolution without bias */
  #fold({ name, inputs, output, epsilon, state }) {
    const convolution = /** @type {import('../graph/graph.js').ConvNode} */ (this.nodes.at(-1));
    if (convolution?.output !== this.values.get(inputs[0]) || convolution.op !== 'conv') {
      throw new UnsupportedError(`The batch normalization ${name} is not behind a convolution.`);
    }
    const gamma = /** @type {Float32Array} */ (this.weights.get(`${name}.gamma`));
    const beta = /** @type {Float32Array} */ (this.weights.get(`${name}.beta`));
    const { data } = /** @type {Tensor} */ (this.tensors.get(convolution.weight));
    const mean = state.subarray(0, gamma.length);
    const variance = state.subarray(gamma.length);
    const bias = foldBatchNorm({ gamma, beta, mean, variance, epsilon }, data);
    convolution.bias = `${convolution.name}.bias`;
    this.tensors.set(convolution.bias, { rows: 1, cols: bias.length, kind: 'vector', data: bias });
    this.values.set(output, convolution.output);
  }
}

/**
 * A fully connected layer on each step of a sequence.
 *
 * @param {object} parameters
 * @param {number} outChannels
 */
function stepwise(parameters, outChannels) {
  return {
    op: 'conv',
    ...parameters,
    outChannels,
    ...window({ kernel: 1, stride: 1, pad: 0 }),
    dilation: [1, 1],
    groups: 1,
  };
}

/** @param {Pick<NativeNode, 'kernel' | 'stride' | 'pad'>} node */
function window({ kernel, stride, pad }) {
  return { kernel: [kernel, kernel], stride: [stride, stride], pad: [pad, pad, pad, pad] };
}
