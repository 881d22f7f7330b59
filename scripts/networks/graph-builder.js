// SPDX-License-Identifier: Apache-2.0

/**
 * Graphs written as code: each method adds one node, which is called like the value it gives, and
 * returns that name for the next one.
 */

/**
 * @typedef {import('../../web/lib/index.js').Graph} Graph
 * @typedef {import('../../web/lib/graph/graph.js').GraphNode} GraphNode
 * @typedef {import('../../web/lib/graph/graph.js').Padding} Padding
 * @typedef {import('../../web/lib/graph/graph.js').Pair} Pair
 *
 * @typedef {{ kernel: number, stride?: number, pad?: number | Padding }} Window by default without
 *   padding, and with a stride of 1
 * @typedef {Window & { outputs: number, groups?: number, bias?: boolean }} Convolution by default
 *   in one group, with biases
 */

/** What all the networks take: an image in colour. */
const INPUT = 'data';
const INPUT_SHAPE = /** @type {const} */ ([3, 224, 224]);

/** @param {Window} window */
function windowOf({ kernel, stride = 1, pad = 0 }) {
  return {
    kernel: /** @type {Pair} */ ([kernel, kernel]),
    stride: /** @type {Pair} */ ([stride, stride]),
    pad: /** @type {Padding} */ (typeof pad === 'number' ? [pad, pad, pad, pad] : pad),
  };
}

export class GraphBuilder {
  /** @type {GraphNode[]} */
  #nodes = [];
  /** The name of the network's input. */
  input = INPUT;

  /**
   * @param {GraphNode} node
   * @returns {string} the value it gives
   */
  #add(node) {
    this.#nodes.push(node);
    return node.output;
  }

  /**
   * @param {string} name
   * @param {string} input
   * @param {Convolution} shape
   */
  conv(name, input, { outputs, groups = 1, bias = true, ...window }) {
    return this.#add({
      op: 'conv',
      name,
      inputs: [input],
      output: name,
      weight: `${name}.weight`,
      ...(bias ? { bias: `${name}.bias` } : {}),
      outChannels: outputs,
      ...windowOf(window),
      dilation: [1, 1],
      groups,
    });
  }

  /**
   * @param {string} name
   * @param {string} input
   * @param {number} outputs
   */
  fc(name, input, outputs) {
    const parameters = { weight: `${name}.weight`, bias: `${name}.bias`, outChannels: outputs };
    return this.#add({ op: 'fc', name, inputs: [input], output: name, ...parameters });
  }

  /**
   * @param {string} name
   * @param {string} input
   */
  batchNorm(name, input) {
    return this.#add({
      op: 'batchnorm',
      name,
      inputs: [input],
      output: name,
      mean: `${name}.mean`,
      variance: `${name}.variance`,
      gamma: `${name}.gamma`,
      beta: `${name}.beta`,
      epsilon: 1e-5,
    });
  }

  /**
   * @param {string} name
   * @param {string} input
   * @param {Window} window
   */
  maxPool(name, input, window) {
    const place = { name, inputs: [input], output: name };
    return this.#add({ op: 'maxpool', ...place, ...windowOf(window), ceil: false });
  }

  /**
   * @param {string} name
   * @param {string} input
   * @param {Window} window
   */
  avgPool(name, input, window) {
    const place = { name, inputs: [input], output: name };
    return this.#add({
      op: 'avgpool',
      ...place,
      ...windowOf(window),
      ceil: false,
      countPad: false,
    });
  }

  /**
   * With AlexNet's constants.
   *
   * @param {string} name
   * @param {string} input
   */
  lrn(name, input) {
    const place = { name, inputs: [input], output: name };
    return this.#add({ op: 'lrn', ...place, size: 5, alpha: 1e-4, beta: 0.75, k: 1 });
  }

  /**
   * @param {'relu' | 'globalavgpool' | 'add' | 'concat' | 'flatten' | 'softmax' | 'dropout'} op
   * @param {string} name
   * @param {...string} inputs
   */
  plain(op, name, ...inputs) {
    return this.#add({ op, name, inputs, output: name });
  }

  /**
   * @param {string} name of the network
   * @param {string} output
   * @returns {Graph}
   */
  finish(name, output) {
    const input = { name: this.input, shape: [...INPUT_SHAPE] };
    return {
      name,
      input: /** @type {Graph['input']} */ (input),
      outputs: [output],
      nodes: this.#nodes,
    };
  }
}

/** Classes of ImageNet: the outputs of all the networks. */
export const CLASSES = 1000;

/**
 * Two hidden fully connected layers of 4096 and the classes' one: how AlexNet and VGG end.
 *
 * @param {GraphBuilder} builder
 * @param {string} input
 * @returns {string}
 */
export function addClassifier(builder, input) {
  let value = builder.plain('flatten', 'flatten', input);
  for (const index of [6, 7]) {
    value = builder.fc(`fc${index}`, value, 4096);
    value = builder.plain('relu', `relu${index}`, value);
    value = builder.plain('dropout', `drop${index}`, value);
  }
  return builder.plain('softmax', 'prob', builder.fc('fc8', value, CLASSES));
}

/**
 * Seven times seven, halved twice: how ResNet and DenseNet begin.
 *
 * @param {GraphBuilder} builder
 * @param {number} channels
 * @returns {string}
 */
export function addStem(builder, channels) {
  const window = { kernel: 7, stride: 2, pad: 3 };
  let value = builder.conv('conv1', builder.input, { outputs: channels, bias: false, ...window });
  value = builder.batchNorm('conv1.norm', value);
  value = builder.plain('relu', 'conv1.relu', value);
  return builder.maxPool('pool1', value, { kernel: 3, stride: 2, pad: 1 });
}

/**
 * The mean of each channel, and the classes: how ResNet and DenseNet end.
 *
 * @param {GraphBuilder} builder
 * @param {string} input
 * @returns {string}
 */
export function addMeanClassifier(builder, input) {
  const mean = builder.plain('globalavgpool', 'mean', input);
  return builder.plain('softmax', 'prob', builder.fc('fc', mean, CLASSES));
}
