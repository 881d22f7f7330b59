// SPDX-License-Identifier: Apache-2.0

/**
 * What a network's graph is, and which shapes its values and parameters have.
 *
 * One sample at a time: a value is [channels, height, width] without the batch; a flat value, such
 * as a fully connected layer's, is [n, 1, 1], and a sequence is [features, steps, 1]. Each value is assigned once.
 */

import { FileError } from '../core/errors.js';

/**
 * @typedef {[channels: number, height: number, width: number]} Shape
 * @typedef {[vertical: number, horizontal: number]} Pair
 * @typedef {[top: number, left: number, bottom: number, right: number]} Padding
 *
 * @typedef {{ name: string, inputs: string[], output: string }} NodeBase
 * @typedef {NodeBase & { op: 'conv', weight: string, bias?: string, outChannels: number,
 *   kernel: Pair, stride: Pair, pad: Padding, dilation: Pair, groups: number }} ConvNode
 *   Weights: outChannels rows; column (c·kh + i)·kw + j, c counting the channels of one group.
 * @typedef {NodeBase & { op: 'fc', weight: string, bias?: string, outChannels: number }} FcNode
 *   Weights: outChannels rows; columns in the order of the flattened [C, H, W].
 * @typedef {NodeBase & { op: 'embedding', weight: string, classes: number,
 *   outChannels: number }} EmbeddingNode
 *   [1, steps, 1] numbers of classes to rows of the weights, which are classes × outChannels.
 * @typedef {NodeBase & { op: 'lstm', weight: string, outChannels: number }} LstmNode
 *   What an LSTM does from step to step: its input is what the sequence adds to its gates, for
 *   each output channel those of input, forgetting, candidate and output, in this order; weights
 *   are 4·outChannels × outChannels.
 * @typedef {NodeBase & { op: 'maxpool', kernel: Pair, stride: Pair, pad: Padding,
 *   ceil: boolean }} MaxPoolNode
 * @typedef {NodeBase & { op: 'avgpool', kernel: Pair, stride: Pair, pad: Padding, ceil: boolean,
 *   countPad: boolean }} AvgPoolNode
 *   countPad: divide by the part of the window inside the padded input, else inside the input.
 * @typedef {NodeBase & { op: 'lrn', size: number, alpha: number, beta: number, k: number }} LrnNode
 *   x / (k + alpha / size · Σ x²)^beta over `size` neighbouring channels.
 * @typedef {NodeBase & { op: 'batchnorm', mean: string, variance: string, gamma?: string,
 *   beta?: string, epsilon: number }} BatchNormNode
 * @typedef {NodeBase & { op: 'relu' | 'globalavgpool' | 'add' | 'concat' | 'flatten' | 'softmax'
 *   | 'dropout' }} PlainNode
 *   add takes two or more values of one shape; concat joins channels; softmax runs over the channels.
 * @typedef {ConvNode | FcNode | EmbeddingNode | LstmNode | MaxPoolNode | AvgPoolNode | LrnNode
 *   | BatchNormNode | PlainNode} GraphNode
 * @typedef {{ name: string, input: { name: string, shape: Shape }, outputs: string[],
 *   nodes: GraphNode[] }} Graph
 *
 * @typedef {{ rows: number, cols: number, kind: 'matrix' | 'vector' }} TensorShape
 *   A vector of n values has 1 row and n columns.
 * @typedef {TensorShape & { data: Float32Array }} Tensor row-major
 * @typedef {TensorShape & import('../core/weights.js').Weights} CodedTensor a matrix that is dense or
 *   coded otherwise, or a vector, which is a Tensor
 */

/** Beyond it float32 does not tell the numbers of classes apart. */
const MAX_CLASSES = 2 ** 24;

/** No value and no tensor may have more elements: they are indexed by 32-bit signed integers. */
export const MAX_ELEMENTS = 2 ** 31 - 1;

/**
 * @param {NodeBase} node
 * @param {string} what
 * @returns {never}
 */
function refuse(node, what) {
  throw new FileError(`Layer "${node.name}": ${what}.`);
}

/**
 * @param {NodeBase} node
 * @param {string} what
 * @param {number} value
 * @param {number} least
 */
function checkInteger(node, what, value, least) {
  if (!Number.isInteger(value) || value < least || value > MAX_ELEMENTS) {
    refuse(node, `${what} is ${value}; it must be an integer from ${least} to ${MAX_ELEMENTS}`);
  }
}

/**
 * How many windows a pooling has along one axis. With `ceil` the last window may reach over the
 * end of the padded input, but, as in Caffe, it must start inside the input or the padding before
 * it; one that would start in the padding after it, or beyond, is dropped.
 *
 * @param {number} length of the input
 * @param {number} kernel
 * @param {number} stride
 * @param {number} before padding
 * @param {number} after padding
 * @param {boolean} ceil
 * @returns {number} less than 1 if the kernel does not fit
 */
export function poolLength(length, kernel, stride, before, after, ceil) {
  const steps = (length + before + after - kernel) / stride;
  if (!ceil) return Math.floor(steps) + 1;
  const count = Math.ceil(steps) + 1;
  return (count - 1) * stride >= length + before ? count - 1 : count;
}

/**
 * @param {ConvNode | MaxPoolNode | AvgPoolNode} node
 * @returns {void}
 */
function checkWindow(node) {
  for (const axis of [0, 1]) {
    checkInteger(node, 'the kernel size', node.kernel[axis], 1);
    checkInteger(node, 'the stride', node.stride[axis], 1);
    for (const pad of [node.pad[axis], node.pad[axis + 2]]) {
      checkInteger(node, 'the padding', pad, 0);
      if (node.op !== 'conv' && pad >= node.kernel[axis]) {
        refuse(
          node,
          `a padding of ${pad} is not smaller than the pooling window of ${node.kernel[axis]}`,
        );
      }
    }
  }
}

/**
 * @param {NodeBase} node
 * @param {string} what
 * @param {Shape} input
 * @param {[number, number]} size rows and columns of the result
 */
function checkFits(node, what, [, height, width], [rows, columns]) {
  if (rows < 1 || columns < 1) {
    refuse(node, `${what} does not fit into an input of ${height}×${width}`);
  }
}

/**
 * @param {ConvNode} node
 * @param {Shape} input
 * @returns {Shape}
 */
function convShape(node, input) {
  const [channels, height, width] = input;
  checkWindow(node);
  checkInteger(node, 'the number of outputs', node.outChannels, 1);
  checkInteger(node, 'the number of groups', node.groups, 1);
  node.dilation.forEach((d) => checkInteger(node, 'the dilation', d, 1));
  if (channels % node.groups || node.outChannels % node.groups) {
    refuse(
      node,
      `${channels} input and ${node.outChannels} output channels cannot be split into ${
        node.groups
      } groups`,
    );
  }
  const size = /** @type {[number, number]} */ (
    [height, width].map((length, axis) => {
      const reach = node.dilation[axis] * (node.kernel[axis] - 1) + 1;
      const padded = length + node.pad[axis] + node.pad[axis + 2];
      return Math.floor((padded - reach) / node.stride[axis]) + 1;
    })
  );
  checkFits(node, `the kernel of ${node.kernel.join('×')}`, input, size);
  return [node.outChannels, ...size];
}

/**
 * @param {MaxPoolNode | AvgPoolNode} node
 * @param {Shape} input
 * @returns {Shape}
 */
function poolShape(node, input) {
  checkWindow(node);
  const { kernel, stride, pad, ceil } = node;
  const size = /** @type {[number, number]} */ (
    [0, 1].map((axis) =>
      poolLength(input[axis + 1], kernel[axis], stride[axis], pad[axis], pad[axis + 2], ceil),
    )
  );
  checkFits(node, `the pooling window of ${kernel.join('×')}`, input, size);
  return [input[0], ...size];
}

/**
 * @param {EmbeddingNode} node
 * @param {Shape} input
 * @returns {Shape}
 */
function embeddingShape(node, input) {
  checkInteger(node, 'the number of outputs', node.outChannels, 1);
  checkInteger(node, 'the number of classes', node.classes, 1);
  if (node.classes > MAX_CLASSES) {
    refuse(node, `${node.classes} classes are more than ${MAX_CLASSES}`);
  }
  if (input[0] !== 1 || input[2] !== 1) {
    refuse(node, `it takes 1×steps×1 numbers of classes, not ${input.join('×')}`);
  }
  return [node.outChannels, input[1], 1];
}

/**
 * @param {LstmNode} node
 * @param {Shape} input
 * @returns {Shape}
 */
function lstmShape(node, input) {
  checkInteger(node, 'the number of outputs', node.outChannels, 1);
  const gates = 4 * node.outChannels;
  if (input[0] !== gates || input[2] !== 1) {
    refuse(node, `it takes ${gates}×steps×1, four gates of each output, not ${input.join('×')}`);
  }
  return [node.outChannels, input[1], 1];
}

/**
 * @param {NodeBase} node
 * @param {Shape[]} inputs
 * @returns {Shape}
 */
function addShape(node, [first, ...others]) {
  for (const shape of others) {
    if (shape.join() !== first.join()) {
      refuse(node, `it adds values of different shapes, ${first.join('×')} and ${shape.join('×')}`);
    }
  }
  return first;
}

/**
 * @param {NodeBase} node
 * @param {Shape[]} inputs
 * @returns {Shape}
 */
function concatShape(node, inputs) {
  const [, height, width] = inputs[0];
  for (const shape of inputs) {
    if (shape[1] !== height || shape[2] !== width) {
      refuse(
        node,
        `it joins values of different sizes, ${inputs[0].join('×')} and ${shape.join('×')}`,
      );
    }
  }
  return [inputs.reduce((sum, [channels]) => sum + channels, 0), height, width];
}

/**
 * @param {GraphNode} node
 * @param {Shape[]} inputs
 * @returns {Shape}
 */
function shapeOf(node, inputs) {
  const [channels, height, width] = inputs[0];
  switch (node.op) {
    case 'conv':
      return convShape(node, inputs[0]);
    case 'fc':
      checkInteger(node, 'the number of outputs', node.outChannels, 1);
      return [node.outChannels, 1, 1];
    case 'embedding':
      return embeddingShape(node, inputs[0]);
    case 'lstm':
      return lstmShape(node, inputs[0]);
    case 'maxpool':
    case 'avgpool':
      return poolShape(node, inputs[0]);
    case 'globalavgpool':
      return [channels, 1, 1];
    case 'add':
      return addShape(node, inputs);
    case 'concat':
      return concatShape(node, inputs);
    case 'flatten':
      return [channels * height * width, 1, 1];
    case 'lrn':
      checkInteger(node, 'the number of neighbouring channels', node.size, 1);
      return inputs[0];
    case 'relu':
    case 'batchnorm':
    case 'softmax':
    case 'dropout':
      return inputs[0];
    default:
      return refuse(
        node,
        `there is no operation "${/** @type {NodeBase & {op: string}} */ (node).op}"`,
      );
  }
}

/**
 * The shape of a node's output.
 *
 * @param {GraphNode} node
 * @param {Shape[]} inputs the shapes of its inputs, in order
 * @returns {Shape}
 * @throws {FileError} if the node contradicts itself or its inputs; names the layer
 */
export function outputShape(node, inputs) {
  const least = node.op === 'add' ? 2 : 1;
  const most = node.op === 'add' || node.op === 'concat' ? Infinity : 1;
  if (inputs.length < least || inputs.length > most) {
    refuse(node, `it has ${inputs.length} inputs instead of ${least}`);
  }
  const shape = shapeOf(node, inputs);
  if (shape[0] * shape[1] * shape[2] > MAX_ELEMENTS) {
    refuse(node, `its output of ${shape.join('×')} has more than ${MAX_ELEMENTS} elements`);
  }
  return shape;
}

/**
 * The nodes in an order in which each comes after those whose values it uses; the given order
 * where that is one already.
 *
 * @param {Graph} graph
 * @returns {GraphNode[]}
 * @throws {FileError} for a value that nobody or more than one node gives, and for a cycle
 */
export function sortNodes(graph) {
  /** @type {Map<string, GraphNode | null>} */
  const producers = new Map([[graph.input.name, null]]);
  for (const node of graph.nodes) {
    if (producers.has(node.output)) refuse(node, `the value "${node.output}" is given twice`);
    producers.set(node.output, node);
  }
  /** @type {Set<GraphNode>} */
  const placed = new Set();
  /** @type {Set<GraphNode>} */
  const open = new Set();
  for (const start of graph.nodes) {
    // Depth first without recursion, so that a long chain in the wrong order is no danger.
    const stack = [start];
    while (stack.length > 0) {
      const node = stack[stack.length - 1];
      const missing = placed.has(node)
        ? undefined
        : node.inputs
            .map((input) => {
              const producer = producers.get(input);
              if (producer === undefined) refuse(node, `nothing gives its input "${input}"`);
              return producer;
            })
            .find((producer) => producer !== null && !placed.has(producer));
      if (missing) {
        open.add(node);
        if (open.has(missing)) refuse(missing, 'its output leads back to its input');
        stack.push(missing);
      } else {
        placed.add(node);
        open.delete(node);
        stack.pop();
      }
    }
  }
  for (const output of graph.outputs) {
    if (!producers.has(output))
      throw new FileError(`Nothing gives the network's output "${output}".`);
  }
  return [...placed];
}

/**
 * The shape of every value.
 *
 * @param {Graph} graph
 * @returns {Map<string, Shape>} by value name, the input's included
 * @throws {FileError} if the graph contradicts itself; names the layer
 */
export function inferShapes(graph) {
  const { name, shape } = graph.input;
  if (
    !shape.every((n) => Number.isInteger(n) && n > 0) ||
    shape[0] * shape[1] * shape[2] > MAX_ELEMENTS
  ) {
    throw new FileError(`The input "${name}" cannot have the shape ${shape.join('×')}.`);
  }
  /** @type {Map<string, Shape>} */
  const shapes = new Map([[name, shape]]);
  for (const node of sortNodes(graph)) {
    const inputs = node.inputs.map((input) => /** @type {Shape} */ (shapes.get(input)));
    shapes.set(node.output, outputShape(node, inputs));
  }
  return shapes;
}

/**
 * @param {GraphNode} node
 * @param {Shape} input its input's shape
 * @returns {{ name: string, rows: number, cols: number } | null} its weight matrix, if it has one
 */
function weightOf(node, [channels, height, width]) {
  switch (node.op) {
    case 'conv': {
      const cols = (channels / node.groups) * node.kernel[0] * node.kernel[1];
      return { name: node.weight, rows: node.outChannels, cols };
    }
    case 'fc':
      return { name: node.weight, rows: node.outChannels, cols: channels * height * width };
    case 'embedding':
      return { name: node.weight, rows: node.classes, cols: node.outChannels };
    case 'lstm':
      return { name: node.weight, rows: 4 * node.outChannels, cols: node.outChannels };
    default:
      return null;
  }
}

/**
 * The parameters of one node, in the order in which files store them.
 *
 * @param {GraphNode} node
 * @param {Shape} input its input's shape
 * @returns {Array<{ role: 'weight' | 'bias' | 'mean' | 'variance' | 'gamma' | 'beta',
 *   name: string } & TensorShape>}
 * @throws {FileError} if a weight matrix would have more than `MAX_ELEMENTS` elements
 */
export function nodeParameters(node, input) {
  const [channels] = input;
  /** @type {ReturnType<typeof nodeParameters>} */
  const list = [];
  /**
   * @param {'bias' | 'mean' | 'variance' | 'gamma' | 'beta'} role
   * @param {string | undefined} name
   * @param {number} n
   */
  const vector = (role, name, n) => {
    if (name !== undefined) list.push({ role, name, rows: 1, cols: n, kind: 'vector' });
  };
  const weight = weightOf(node, input);
  if (weight) {
    const { rows, cols } = weight;
    if (rows * cols > MAX_ELEMENTS) {
      refuse(node, `its weights of ${rows}×${cols} are more than ${MAX_ELEMENTS}`);
    }
    list.push({ role: 'weight', ...weight, kind: 'matrix' });
  }
  if (node.op === 'conv' || node.op === 'fc') {
    vector('bias', node.bias, node.outChannels);
  } else if (node.op === 'batchnorm') {
    vector('mean', node.mean, channels);
    vector('variance', node.variance, channels);
    vector('gamma', node.gamma, channels);
    vector('beta', node.beta, channels);
  }
  return list;
}

/**
 * The shape of every tensor that the graph names.
 *
 * @param {Graph} graph
 * @param {Map<string, Shape>} [shapes] of its values, if they are known already
 * @returns {Map<string, TensorShape>} by tensor name, in the order of use
 * @throws {FileError} if the graph contradicts itself, or uses one tensor with two shapes
 */
export function tensorShapes(graph, shapes = inferShapes(graph)) {
  /** @type {Map<string, TensorShape>} */
  const tensors = new Map();
  for (const node of graph.nodes) {
    const input = /** @type {Shape} */ (shapes.get(node.inputs[0]));
    for (const { name, rows, cols, kind } of nodeParameters(node, input)) {
      const known = tensors.get(name);
      if (known && (known.rows !== rows || known.cols !== cols || known.kind !== kind)) {
        refuse(
          node,
          `it takes the tensor "${name}" as ${rows}×${cols}, and another layer as ${
            known.rows
          }×${known.cols}`,
        );
      }
      tensors.set(name, { rows, cols, kind });
    }
  }
  return tensors;
}
