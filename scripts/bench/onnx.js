// SPDX-License-Identifier: Apache-2.0

/**
 * Writes a graph with dense weights as an ONNX model, so that a dense engine can run the same
 * network beside this library. Values keep their names; all are [1, C, H, W].
 */

import { inferShapes, nodeParameters, sortNodes } from '../../web/lib/graph/graph.js';

/**
 * @typedef {import('../../web/lib/graph/graph.js').Graph} Graph
 * @typedef {import('../../web/lib/graph/graph.js').GraphNode} GraphNode
 * @typedef {import('../../web/lib/graph/graph.js').Shape} Shape
 * @typedef {import('../../web/lib/graph/graph.js').Padding} Padding
 * @typedef {Extract<GraphNode, { op: 'maxpool' | 'avgpool' }>} PoolNode
 * @typedef {Map<string, { data: Float32Array }>} Tensors
 *
 * @typedef {number | number[] | { float: number }} Attribute an integer, integers, or a float
 */

const IR_VERSION = 7;
const OPSET = 13;
/** TensorProto.DataType */
const FLOAT = 1;
const INT64 = 7;
/** AttributeProto.AttributeType */
const ATTRIBUTE_FLOAT = 1;
const ATTRIBUTE_INT = 2;
const ATTRIBUTE_INTS = 7;
/** Wire types of protocol buffers */
const VARINT = 0;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

const utf8 = new TextEncoder();

/** A protocol buffers message being written: fields in the order in which they are added. */
class Message {
  /** @type {Uint8Array[]} */
  chunks = [];
  byteLength = 0;

  /** @param {Uint8Array} bytes */
  #push(bytes) {
    this.chunks.push(bytes);
    this.byteLength += bytes.length;
  }

  /** @param {number} value a non-negative safe integer */
  #varint(value) {
    const bytes = [];
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
    bytes.push(rest);
    this.#push(Uint8Array.from(bytes));
  }

  /**
   * @param {number} field
   * @param {number} value
   */
  integer(field, value) {
    this.#varint(field * 8 + VARINT);
    this.#varint(value);
    return this;
  }

  /**
   * @param {number} field
   * @param {number} value
   */
  float(field, value) {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    this.#varint(field * 8 + FIXED32);
    this.#push(bytes);
    return this;
  }

  /**
   * @param {number} field
   * @param {Uint8Array | string | Message} value
   */
  bytes(field, value) {
    const content = typeof value === 'string' ? utf8.encode(value) : value;
    this.#varint(field * 8 + LENGTH_DELIMITED);
    this.#varint(content.byteLength);
    if (content instanceof Message) content.chunks.forEach((chunk) => this.#push(chunk));
    else this.#push(content);
    return this;
  }

  /** @returns {Uint8Array} */
  finish() {
    const result = new Uint8Array(this.byteLength);
    let offset = 0;
    for (const chunk of this.chunks) {
      result.set(chunk, offset);
      offset += chunk.length;
    }
    return result;
  }
}

/**
 * @param {string} name
 * @param {Attribute} value
 * @returns {Message} an AttributeProto
 */
function attributeProto(name, value) {
  const message = new Message().bytes(1, name);
  if (typeof value === 'number') return message.integer(3, value).integer(20, ATTRIBUTE_INT);
  if (!Array.isArray(value)) return message.float(2, value.float).integer(20, ATTRIBUTE_FLOAT);
  for (const element of value) message.integer(8, element);
  return message.integer(20, ATTRIBUTE_INTS);
}

/**
 * @param {string} name
 * @param {number[]} dims
 * @returns {Message} a ValueInfoProto of floats
 */
function valueInfo(name, dims) {
  const shape = new Message();
  for (const dim of dims) shape.bytes(1, new Message().integer(1, dim));
  const tensorType = new Message().integer(1, FLOAT).bytes(2, shape);
  return new Message().bytes(1, name).bytes(2, new Message().bytes(1, tensorType));
}

/**
 * Bytes as ONNX has them, and as every machine has them that WebAssembly is likely to meet.
 *
 * @param {Float32Array} values
 */
function littleEndian({ buffer, byteOffset, byteLength }) {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Collects a GraphProto's nodes and constants. */
class OnnxGraph {
  /** @type {Message[]} */
  nodes = [];
  /** @type {Map<string, Message>} */
  initializers = new Map();

  /** @param {Tensors} tensors */
  constructor(tensors) {
    this.tensors = tensors;
  }

  /**
   * @param {string} op
   * @param {string[]} inputs
   * @param {string} output
   * @param {Record<string, Attribute>} [attributes]
   */
  node(op, inputs, output, attributes = {}) {
    const message = new Message();
    for (const input of inputs) message.bytes(1, input);
    message.bytes(2, output).bytes(3, output).bytes(4, op);
    for (const [name, value] of Object.entries(attributes))
      message.bytes(5, attributeProto(name, value));
    this.nodes.push(message);
  }

  /**
   * A parameter of the network as a constant.
   *
   * @param {string} name
   * @param {number[]} dims
   * @returns {string} its name
   */
  tensor(name, dims) {
    const data = this.tensors.get(name)?.data;
    const length = dims.reduce((product, dim) => product * dim, 1);
    if (data?.length !== length) {
      throw new Error(
        `The tensor "${name}" has ${data?.length ?? 'no'} values instead of ${length}.`,
      );
    }
    return this.floats(name, dims, data);
  }

  /**
   * @param {string} name
   * @param {number[]} dims
   * @param {Float32Array} data
   * @returns {string} its name
   */
  floats(name, dims, data) {
    return this.#constant(name, dims, FLOAT, littleEndian(data));
  }

  /**
   * @param {string} name
   * @param {number[]} values
   * @returns {string} its name
   */
  int64s(name, values) {
    const bytes = new Uint8Array(8 * values.length);
    values.forEach((value, i) =>
      new DataView(bytes.buffer).setBigInt64(8 * i, BigInt(value), true),
    );
    return this.#constant(name, [values.length], INT64, bytes);
  }

  /**
   * @param {string} name
   * @param {number[]} dims
   * @param {number} type
   * @param {Uint8Array} bytes
   */
  #constant(name, dims, type, bytes) {
    const message = new Message();
    for (const dim of dims) message.integer(1, dim);
    this.initializers.set(name, message.integer(2, type).bytes(8, name).bytes(9, bytes));
    return name;
  }
}

/**
 * The padding after the input with which rounding down gives the windows of `out`, whatever the
 * rounding: the graph's ceil rule is Caffe's, and ONNX's has changed between versions.
 *
 * @param {PoolNode} node
 * @param {Shape} input
 * @param {Shape} output
 * @returns {Padding}
 */
export function explicitPadding(node, input, output) {
  const [top, left] = node.pad;
  const after = [0, 1].map((axis) => {
    const [length, count] = [input[axis + 1], output[axis + 1]];
    const covered = (count - 1) * node.stride[axis] + node.kernel[axis];
    const pad = Math.max(covered - length - node.pad[axis], 0);
    const windows =
      Math.floor((length + node.pad[axis] + pad - node.kernel[axis]) / node.stride[axis]) + 1;
    if (windows !== count || pad >= node.kernel[axis]) {
      throw new Error(`Layer "${node.name}": ONNX cannot express its pooling windows.`);
    }
    return pad;
  });
  return [top, left, after[0], after[1]];
}

/**
 * @param {OnnxGraph} onnx
 * @param {PoolNode} node
 * @param {Shape} input
 * @param {Shape} output
 */
function pool(onnx, node, input, output) {
  const window = { kernel_shape: node.kernel, strides: node.stride };
  const pads = explicitPadding(node, input, output);
  if (node.op === 'maxpool') {
    onnx.node('MaxPool', node.inputs, node.output, { ...window, pads });
    return;
  }
  let [source] = node.inputs;
  if (node.countPad && node.pad.some((pad) => pad > 0)) {
    // Zeros that count are made part of the input; what a window has beyond them does not count.
    source = `${node.output}/padded`;
    const amounts = onnx.int64s(`${source}/pads`, [
      0,
      0,
      node.pad[0],
      node.pad[1],
      0,
      0,
      node.pad[2],
      node.pad[3],
    ]);
    onnx.node('Pad', [node.inputs[0], amounts], source);
    // The window rule asks for the padding beyond: what is not there already.
    pads.splice(0, 4, 0, 0, Math.max(pads[2] - node.pad[2], 0), Math.max(pads[3] - node.pad[3], 0));
  }
  onnx.node('AveragePool', [source], node.output, { ...window, pads, count_include_pad: 0 });
}

/**
 * @param {OnnxGraph} onnx
 * @param {Extract<GraphNode, { op: 'fc' }>} node
 * @param {Shape} input
 */
function fc(onnx, node, [channels, height, width]) {
  const [flat, product] = [`${node.output}/flat`, `${node.output}/product`];
  const operands = [flat, onnx.tensor(node.weight, [node.outChannels, channels * height * width])];
  if (node.bias) operands.push(onnx.tensor(node.bias, [node.outChannels]));
  onnx.node('Flatten', node.inputs, flat, { axis: 1 });
  onnx.node('Gemm', operands, product, { transB: 1 });
  reshape(onnx, product, node.output, [node.outChannels, 1, 1]);
}

/**
 * @param {OnnxGraph} onnx
 * @param {string} from
 * @param {string} to
 * @param {Shape} shape
 */
function reshape(onnx, from, to, shape) {
  onnx.node('Reshape', [from, onnx.int64s(`${to}/shape`, [1, ...shape])], to);
}

/**
 * @param {OnnxGraph} onnx
 * @param {Extract<GraphNode, { op: 'conv' }>} node
 * @param {Shape} input
 */
function conv(onnx, node, [channels]) {
  const dims = [node.outChannels, channels / node.groups, ...node.kernel];
  const operands = [node.inputs[0], onnx.tensor(node.weight, dims)];
  if (node.bias) operands.push(onnx.tensor(node.bias, [node.outChannels]));
  onnx.node('Conv', operands, node.output, {
    kernel_shape: node.kernel,
    strides: node.stride,
    pads: node.pad,
    dilations: node.dilation,
    group: node.groups,
  });
}

/**
 * @param {OnnxGraph} onnx
 * @param {Extract<GraphNode, { op: 'batchnorm' }>} node
 * @param {Shape} input
 */
function batchNorm(onnx, node, [channels]) {
  /** @type {(role: string, value: number) => string} */
  const filled = (role, value) =>
    onnx.floats(`${node.output}/${role}`, [channels], new Float32Array(channels).fill(value));
  onnx.node(
    'BatchNormalization',
    [
      node.inputs[0],
      node.gamma ? onnx.tensor(node.gamma, [channels]) : filled('gamma', 1),
      node.beta ? onnx.tensor(node.beta, [channels]) : filled('beta', 0),
      onnx.tensor(node.mean, [channels]),
      onnx.tensor(node.variance, [channels]),
    ],
    node.output,
    { epsilon: { float: node.epsilon } },
  );
}

/**
 * @param {OnnxGraph} onnx
 * @param {GraphNode} node
 * @param {Shape} input
 * @param {Shape} output
 */
function translate(onnx, node, input, output) {
  switch (node.op) {
    case 'conv':
      return conv(onnx, node, input);
    case 'fc':
      return fc(onnx, node, input);
    case 'maxpool':
    case 'avgpool':
      return pool(onnx, node, input, output);
    case 'batchnorm':
      return batchNorm(onnx, node, input);
    case 'lrn':
      return onnx.node('LRN', node.inputs, node.output, {
        size: node.size,
        alpha: { float: node.alpha },
        beta: { float: node.beta },
        bias: { float: node.k },
      });
    case 'flatten':
      return reshape(onnx, node.inputs[0], node.output, output);
    case 'relu':
      return onnx.node('Relu', node.inputs, node.output);
    case 'globalavgpool':
      return onnx.node('GlobalAveragePool', node.inputs, node.output);
    case 'add':
      return onnx.node('Sum', node.inputs, node.output);
    case 'concat':
      return onnx.node('Concat', node.inputs, node.output, { axis: 1 });
    case 'softmax':
      return onnx.node('Softmax', node.inputs, node.output, { axis: 1 });
    case 'dropout':
      return onnx.node('Identity', node.inputs, node.output);
    default:
      throw new Error(`The operation ${node.op} is not written as ONNX.`);
  }
}

/**
 * Writes the network as an ONNX ModelProto (IR 7, opset 13), batch size 1.
 *
 * @param {Graph} graph
 * @param {Tensors} tensors dense, by name
 * @param {{ outputs?: string[] }} [options] names of further values to give out, after the graph's
 * @returns {Uint8Array}
 * @throws {Error} for a graph that contradicts itself, a missing tensor, and pooling windows that
 *   ONNX cannot express
 */
export function toOnnx(graph, tensors, { outputs = [] } = {}) {
  const shapes = inferShapes(graph);
  /** @param {string} name */
  const shape = (name) => {
    const found = shapes.get(name);
    if (!found) throw new Error(`There is no value "${name}".`);
    return found;
  };
  const onnx = new OnnxGraph(tensors);
  for (const node of sortNodes(graph))
    translate(onnx, node, shape(node.inputs[0]), shape(node.output));
  const body = new Message();
  for (const node of onnx.nodes) body.bytes(1, node);
  body.bytes(2, graph.name);
  for (const initializer of onnx.initializers.values()) body.bytes(5, initializer);
  body.bytes(11, valueInfo(graph.input.name, [1, ...shape(graph.input.name)]));
  for (const output of new Set([...graph.outputs, ...outputs])) {
    body.bytes(12, valueInfo(output, [1, ...shape(output)]));
  }
  return new Message()
    .integer(1, IR_VERSION)
    .bytes(2, 'lowtropy')
    .bytes(7, body)
    .bytes(8, new Message().bytes(1, '').integer(2, OPSET))
    .finish();
}

/**
 * One layer of a network as a network of its own, to measure it alone.
 *
 * @param {Graph} graph
 * @param {string} name of a node that has one input
 * @returns {Graph} which uses the same tensors
 */
export function singleLayer(graph, name) {
  const node = graph.nodes.find((candidate) => candidate.name === name);
  if (!node) throw new Error(`There is no layer "${name}".`);
  const shape = /** @type {Shape} */ (inferShapes(graph).get(node.inputs[0]));
  return { name, input: { name: node.inputs[0], shape }, outputs: [node.output], nodes: [node] };
}

/**
 * The layers that have weight matrices.
 *
 * @param {Graph} graph
 * @returns {Array<{ name: string, rows: number, cols: number, pixels: number }>}
 *   in order; pixels is how many columns the right-hand side of the layer's matrix product has
 */
export function weightLayers(graph) {
  const shapes = inferShapes(graph);
  return sortNodes(graph).flatMap((node) => {
    const input = /** @type {Shape} */ (shapes.get(node.inputs[0]));
    const [, height, width] = /** @type {Shape} */ (shapes.get(node.output));
    return nodeParameters(node, input)
      .filter(({ kind }) => kind === 'matrix')
      .map(({ rows, cols }) => ({ name: node.name, rows, cols, pixels: height * width }));
  });
}
