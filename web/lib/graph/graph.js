// SPDX-License-Identifier: Apache-2.0

/**
 * What a network's graph is, and which shapes its values and parameters have. All that an operator
 * is, C++ tells (cpp/lowtropy/graph/ops): this asks it, so `init` comes before.
 *
 * A Graph takes one sample at a time: a value is [channels, height, width] without the batch; a flat value,
 * such as a fully connected layer's, is [n, 1, 1], and a sequence is [features, steps, 1]. The values of a
 * NamedGraph have any shapes of up to 8 dimensions. Each value is assigned once.
 */

import { FileError } from '../core/errors.js';
import { call } from '../core/module.js';

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
 *   | 'dropout' | 'hardswish' | 'sum' | 'mul' }} PlainNode
 *   add takes two or more values of one shape; concat joins channels; softmax runs over the channels;
 *   sum and mul take two values, whose shapes may differ as NumPy's may: by ones, and by what is missing
 *   in front.
 * @typedef {NodeBase & { op: 'constant', value: string, shape: number[] }} ConstantNode
 *   Without inputs; value names a vector.
 * @typedef {NodeBase & { op: 'reshape', shape: number[], rest: number }} ReshapeNode
 *   0 in the shape is the input's dimension there; rest is the dimension that makes the sizes equal, 8 for
 *   none.
 * @typedef {NodeBase & { op: 'transpose', axes: number[] }} TransposeNode
 *   Dimension i of the output is dimension axes[i] of the input.
 * @typedef {ConvNode | FcNode | EmbeddingNode | LstmNode | MaxPoolNode | AvgPoolNode | LrnNode
 *   | BatchNormNode | PlainNode | ConstantNode | ReshapeNode | TransposeNode} GraphNode
 * @typedef {object} ImageNote how a picture becomes an input, as files keep it: options of `imageToTensor`
 * @property {'NCHW' | 'NHWC'} layout
 * @property {'BGR' | 'RGB' | 'gray'} order
 * @property {number[]} mean of each channel
 * @property {number[]} std of each channel
 * @property {number} scale
 * @property {'crop' | 'contain' | 'corner' | 'stretch'} fit
 * @property {number} [side] of a crop; 0 for the default
 * @property {number} [fill] of contain and corner
 *
 * @typedef {object} Notes nothing that is computed depends on them
 * @property {ImageNote} [image] how the first input is made of a picture
 * @property {string[]} [labels] names of the classes that the first output counts
 *
 * @typedef {Notes & { name: string, input: { name: string, shape: Shape }, outputs: string[],
 *   nodes: GraphNode[] }} Graph
 *
 * @typedef {{ name: string, type: 'float32' | 'int32' | 'bool', shape: Array<number | string> }} NamedInput
 *   a name for a dimension stands for any size, the same wherever it occurs
 * @typedef {Notes & { name: string, inputs: NamedInput[], symbols?: Record<string, number>, outputs: string[],
 *   nodes: GraphNode[] }} NamedGraph
 *   symbols: the usual sizes of all names of dimensions, for which it is planned until a run tells others
 *
 * @typedef {{ type: 'float32' | 'int32' | 'bool', shape: number[] }} ValueType
 * @typedef {{ rows: number, cols: number, kind: 'matrix' | 'vector' }} TensorShape
 *   A vector of n values has 1 row and n columns.
 * @typedef {TensorShape & { data: Float32Array }} Tensor row-major
 * @typedef {TensorShape & { kind: 'vector', data: Int32Array | Uint8Array }} TypedVector of a constant of
 *   int32 or bool
 * @typedef {TensorShape & import('../core/weights.js').Weights | TypedVector} CodedTensor a matrix that is dense or
 *   coded otherwise, or a vector, which is a Tensor
 */

/**
 * @typedef {import('../../../dist/lowtropy.js').OperatorFacts} OperatorFacts
 * @typedef {import('../../../dist/lowtropy.js').Parameter} Parameter
 * @typedef {Omit<Graph, 'nodes'> & { nodes: Array<NodeBase & { op: string, [attribute: string]: any }> }} OpenGraph
 *   a graph of any nodes that `operators` tells of
 */

/**
 * What nodes can compute: names, attributes and numbers of inputs.
 *
 * @returns {OperatorFacts[]} in the order of FORMAT.md
 */
export function operators() {
  return JSON.parse(call((native) => native.describeOperators()));
}

/**
 * The shape of a node's output.
 *
 * @param {GraphNode} node
 * @param {Shape[]} inputs the shapes of its inputs, in order
 * @returns {Shape}
 * @throws {FileError | ShapeError} if the node contradicts itself or its inputs; names it
 */
export function outputShape(node, inputs) {
  return /** @type {Shape} */ (describeNode(node, inputs.map(floatsOf)).shape);
}

/**
 * The parameters of one node, in the order in which files store them.
 *
 * @param {GraphNode} node
 * @param {Shape} input its first input's shape
 * @returns {Parameter[]}
 */
export function nodeParameters(node, input) {
  const inputs = node.inputs.map(() => floatsOf(input));
  return describeNode(node, inputs).parameters;
}

/**
 * @param {number[]} shape
 * @returns {ValueType}
 */
function floatsOf(shape) {
  return { type: 'float32', shape };
}

/**
 * The type of what a node makes, and its parameters.
 *
 * @param {NodeBase & { op: string, [attribute: string]: any }} node
 * @param {ValueType[]} inputs in order
 * @returns {import('../../../dist/lowtropy.js').NodeFacts}
 * @throws {FileError | ShapeError} if the node contradicts itself or its inputs; names it
 */
export function describeNode(node, inputs) {
  return JSON.parse(call((native) => native.describeNode(JSON.stringify({ node, inputs }))));
}

/**
 * @param {Graph} graph
 * @returns {import('../../../dist/lowtropy.js').GraphNodeFacts[]}
 */
function describeGraph(graph) {
  return JSON.parse(call((native) => native.describeGraph(JSON.stringify(graph))));
}

/**
 * The nodes in an order in which each comes after those whose values it uses; the given order
 * where that is one already.
 *
 * @param {Graph} graph
 * @returns {GraphNode[]}
 * @throws {FileError | ShapeError} if the graph contradicts itself; names the node
 */
export function sortNodes(graph) {
  return describeGraph(graph).map(({ index }) => graph.nodes[index]);
}

/**
 * The shape of every value.
 *
 * @param {Graph} graph
 * @returns {Map<string, Shape>} by value name, the input's included
 * @throws {FileError | ShapeError} if the graph contradicts itself; names the node
 */
export function inferShapes(graph) {
  const { name, shape } = graph.input;
  const shapes = new Map([[name, shape]]);
  for (const facts of describeGraph(graph)) {
    shapes.set(graph.nodes[facts.index].output, /** @type {Shape} */ (facts.shape));
  }
  return shapes;
}

/**
 * The shape of every tensor that the graph names.
 *
 * @param {Graph} graph
 * @returns {Map<string, TensorShape>} by tensor name, in the order of use
 * @throws {FileError | ShapeError} if the graph contradicts itself, or uses one tensor with two
 *   shapes
 */
export function tensorShapes(graph) {
  const nodes = describeGraph(graph).sort((a, b) => a.index - b.index);
  /** @type {Map<string, TensorShape>} */
  const tensors = new Map();
  for (const { index, parameters } of nodes) {
    for (const { name, rows, cols, kind } of parameters) {
      const known = tensors.get(name);
      if (known && (known.rows !== rows || known.cols !== cols || known.kind !== kind)) {
        throw new FileError(
          `The node "${graph.nodes[index].name}" takes the tensor "${name}" as ${rows}×${cols}, ` +
            `and another node as ${known.rows}×${known.cols}.`,
        );
      }
      tensors.set(name, { rows, cols, kind });
    }
  }
  return tensors;
}
