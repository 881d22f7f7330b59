// SPDX-License-Identifier: Apache-2.0

/**
 * From a Caffe deploy file to a graph: the layers that run in the test phase, blobs that are
 * computed in place split into values of their own, BatchNorm and the Scale behind it joined.
 */

import { FileError, ShapeError, UnsupportedError } from '../core/errors.js';
import { makeTextEncoder } from '../core/places.js';
import { Fields } from './fields.js';
import { parsePrototxt } from './prototxt.js';
import { outputShape } from '../graph/graph.js';

/**
 * @typedef {import('../graph/graph.js').Graph} Graph
 * @typedef {import('../graph/graph.js').GraphNode} GraphNode
 * @typedef {import('../graph/graph.js').Shape} Shape
 * @typedef {import('../graph/graph.js').Pair} Pair
 * @typedef {import('../graph/graph.js').Padding} Padding
 *
 * @typedef {object} Layer
 * @property {string} name as in the file; may be empty
 * @property {string} type as in Caffe's current syntax
 * @property {string[]} bottoms
 * @property {string[]} tops
 * @property {Fields} fields
 *
 * @typedef {(builder: Builder, layer: Layer) => void} LayerReader adds what the layer computes
 */

/**
 * A node without what the builder knows by itself.
 *
 * @template {GraphNode} T
 * @typedef {T extends unknown ? Omit<T, 'name' | 'inputs' | 'output'> : never} Operation
 */

/** The old enumeration of layer types: name, number in caffe.proto, name today. */
const V1_TYPES = /** @type {const} */ ([
  ['ACCURACY', 1, 'Accuracy'],
  ['CONCAT', 3, 'Concat'],
  ['CONVOLUTION', 4, 'Convolution'],
  ['DATA', 5, 'Data'],
  ['DROPOUT', 6, 'Dropout'],
  ['FLATTEN', 8, 'Flatten'],
  ['HDF5_DATA', 9, 'HDF5Data'],
  ['IMAGE_DATA', 12, 'ImageData'],
  ['INNER_PRODUCT', 14, 'InnerProduct'],
  ['LRN', 15, 'LRN'],
  ['POOLING', 17, 'Pooling'],
  ['RELU', 18, 'ReLU'],
  ['SOFTMAX', 20, 'Softmax'],
  ['SOFTMAX_LOSS', 21, 'SoftmaxWithLoss'],
  ['SPLIT', 22, 'Split'],
  ['WINDOW_DATA', 24, 'WindowData'],
  ['ELTWISE', 25, 'Eltwise'],
  ['POWER', 26, 'Power'],
  ['MEMORY_DATA', 29, 'MemoryData'],
  ['DUMMY_DATA', 32, 'DummyData'],
  ['SILENCE', 36, 'Silence'],
]);

/** Layers that read a database: they say nothing about the shape of what they read. */
const DATA_TYPES = new Set([
  'Data',
  'HDF5Data',
  'ImageData',
  'WindowData',
  'MemoryData',
  'DummyData',
]);

/** Layers that judge an output against a label; the network itself is whole without them. */
const JUDGES = new Set(['Accuracy', 'SoftmaxWithLoss']);

const MAX_LAYERS = 10_000;
/** A graph allows 256; this leaves room for what `freeName` adds. */
const MAX_NAME_BYTES = 240;
const MAX_TENSOR_NAME = 100;

/**
 * @param {string} base
 * @param {{ has(name: string): boolean }} taken
 * @returns {string} base, or base_2, base_3 …, whichever is free first
 */
function freeName(base, taken) {
  if (!taken.has(base)) return base;
  let count = 2;
  while (taken.has(`${base}_${count}`)) count += 1;
  return `${base}_${count}`;
}

/** Collects nodes, and knows which value each blob stands for at this point of the file. */
class Builder {
  /** @param {string} name of the network */
  constructor(name) {
    this.name = name;
    /** @type {GraphNode[]} */
    this.nodes = [];
    /** The value that each blob stands for now. @type {Map<string, string>} */
    this.blobs = new Map();
    /** Of every value. @type {Map<string, Shape>} */
    this.shapes = new Map();
    /**
     * How many axes each value has in Caffe, the batch's included: 2 or 4. A negative axis counts from
     * the last. @type {Map<string, number>}
     */
    this.ranks = new Map();
    /** Values that a Scale layer has replaced. @type {Set<string>} */
    this.unscaled = new Set();
    /** Values that no layer has read so far, in the order of the file. @type {Set<string>} */
    this.unread = new Set();
    /** Values from outside. @type {Set<string>} */
    this.inputs = new Set();
    /** @type {Set<string>} */
    this.nodeNames = new Set();
    /** @type {Set<string>} */
    this.tensorNames = new Set();
  }

  /**
   * @param {string} blob
   * @param {number[]} dims with the batch, which is left out
   * @param {(what: string) => never} fail
   */
  addInput(blob, dims, fail) {
    if (this.blobs.has(blob)) fail(`the blob "${blob}" is produced twice`);
    if (dims.length !== 4 && dims.length !== 2) {
      fail(
        `the input "${blob}" has ${dims.length} dimensions; it must have 4, batch, channels, ` +
          'height and width, or 2, batch and channels',
      );
    }
    const [, channels, height = 1, width = 1] = dims;
    const value = freeName(blob, this.shapes);
    this.define(blob, value, [channels, height, width], dims.length);
    this.inputs.add(value);
  }

  /**
   * @param {string} blob
   * @param {string} value
   * @param {Shape} shape
   * @param {number} rank
   */
  define(blob, value, shape, rank) {
    this.blobs.set(blob, value);
    this.shapes.set(value, shape);
    this.ranks.set(value, rank);
    this.unread.add(value);
  }

  /**
   * @param {Layer} layer
   * @returns {string[]} the values its bottoms stand for
   */
  read(layer) {
    return layer.bottoms.map((blob) => {
      const value = this.blobs.get(blob);
      if (value === undefined) {
        return layer.fields.fail(`nothing before it produces its bottom "${blob}"`);
      }
      if (this.unscaled.has(value)) {
        return layer.fields.fail(
          `its bottom "${blob}" is a batch normalization before its Scale ` +
            'layer; only the scaled value can be used',
        );
      }
      return value;
    });
  }

  /**
   * Adds a node that computes a layer's top.
   *
   * @param {Layer} layer
   * @param {Operation<GraphNode>} operation
   * @param {number} [rank] of what it computes; by default its input's
   */
  add(layer, { op, ...settings }, rank = this.rank(layer)) {
    const inputs = this.read(layer);
    const [top] = layer.tops;
    const inPlace = top === layer.bottoms[0];
    if (!inPlace && this.blobs.has(top)) {
      layer.fields.fail(`the blob "${top}" is produced twice`);
    }
    const name = freeName(layer.name || layer.type.toLowerCase(), this.nodeNames);
    const output = freeName(inPlace ? name : top, this.shapes);
    const node = /** @type {GraphNode} */ ({ op, name, inputs, output, ...settings });
    const shape = this.#shapeOf(node);
    this.nodeNames.add(name);
    this.nodes.push(node);
    for (const value of inputs) this.unread.delete(value);
    this.define(top, output, shape, rank);
  }

  /**
   * @param {GraphNode} node
   * @returns {Shape} of its output
   * @throws {FileError} where it does not fit its inputs, which in a file are the file's
   */
  #shapeOf(node) {
    const inputs = node.inputs.map((value) => /** @type {Shape} */ (this.shapes.get(value)));
    try {
      return outputShape(node, inputs);
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      throw new FileError(error.message);
    }
  }

  /**
   * @param {Layer} layer
   * @returns {number} of its first bottom
   */
  rank(layer) {
    return /** @type {number} */ (this.ranks.get(this.read(layer)[0]));
  }

  /**
   * @param {Layer} layer
   * @param {string} role such as `weight`
   * @returns {string} a tensor name: made of [A-Za-z0-9_./-] only, and unique
   */
  tensor(layer, role) {
    const base = (layer.name || layer.type.toLowerCase()).replace(/[^A-Za-z0-9_./-]/gu, '_');
    const name = freeName(`${base.slice(0, MAX_TENSOR_NAME)}.${role}`, this.tensorNames);
    this.tensorNames.add(name);
    return name;
  }

  /** @returns {Graph} */
  finish() {
    const used = [...this.inputs].filter((input) => !this.unread.has(input));
    if (this.nodes.length === 0)
      throw new FileError('The prototxt has no layers that compute anything.');
    if (used.length !== 1) {
      const several = used.map((name) => `"${name}"`).join(', ');
      throw new UnsupportedError(
        `The network reads ${used.length} inputs (${several}); one is supported.`,
      );
    }
    const shape = /** @type {Shape} */ (this.shapes.get(used[0]));
    const outputs = [...this.unread].filter((value) => !this.inputs.has(value));
    return { name: this.name, input: { name: used[0], shape }, outputs, nodes: this.nodes };
  }
}

/**
 * @param {Layer} layer
 * @param {string} what
 * @returns {never}
 */
function unsupported(layer, what) {
  throw new UnsupportedError(
    `Layer "${layer.name}" (${layer.type}), line ${layer.fields.message.line}: ${what}.`,
  );
}

/**
 * Caffe's sizes of a window: one for both axes, or one each as `…_h` and `…_w`.
 *
 * @param {Fields} fields
 * @param {string} both the field for both axes, which may hold two values: vertical, horizontal
 * @param {string} stem of the fields for one axis
 * @param {number} least
 * @param {number | undefined} otherwise undefined if it must be given
 * @param {number | undefined} [otherwiseOne] if only the other axis is given
 * @returns {Pair}
 */
function pair(fields, both, stem, least, otherwise, otherwiseOne) {
  const values = fields.integers(both, least);
  if (fields.has(`${stem}_h`) || fields.has(`${stem}_w`)) {
    if (values.length > 0) fields.fail(`give either "${both}" or "${stem}_h" and "${stem}_w"`);
    const height = fields.integer(`${stem}_h`, otherwiseOne, least);
    const width = fields.integer(`${stem}_w`, otherwiseOne, least);
    return height === undefined || width === undefined
      ? fields.fail(`"${stem}_h" and "${stem}_w" must both be given`)
      : [height, width];
  }
  if (values.length > 2) fields.fail(`"${both}" has ${values.length} values; it takes one or two`);
  const vertical = values[0] ?? otherwise;
  if (vertical === undefined) return fields.fail(`"${both}" is missing`);
  return [vertical, values[1] ?? vertical];
}

/**
 * @param {Fields} fields
 * @returns {{ kernel: Pair, stride: Pair, pad: Padding }}
 */
function window2d(fields) {
  const kernel = pair(fields, 'kernel_size', 'kernel', 1, undefined);
  const stride = pair(fields, 'stride', 'stride', 1, 1);
  const [vertical, horizontal] = pair(fields, 'pad', 'pad', 0, 0, 0);
  return { kernel, stride, pad: [vertical, horizontal, vertical, horizontal] };
}

/**
 * @param {Fields} fields
 * @returns {number}
 */
function outputCount(fields) {
  return fields.integer('num_output', undefined, 1) ?? fields.fail('"num_output" is missing');
}

/** Caffe's blobs have at most 32 axes. */
const LEAST_AXIS = -32;

/**
 * An axis of a layer's first bottom, of which negative numbers count from the last, -1.
 *
 * @param {Builder} builder
 * @param {Layer} layer
 * @param {Fields} fields
 * @param {string} name
 * @param {number} otherwise
 * @returns {number} from 0
 */
function readAxis(builder, layer, fields, name, otherwise) {
  const rank = builder.rank(layer);
  const axis = fields.integer(name, otherwise, LEAST_AXIS);
  if (axis < -rank || axis >= rank) {
    fields.fail(`"${name}: ${axis}" is none of the ${rank} axes of its bottom`);
  }
  return axis < 0 ? axis + rank : axis;
}

/**
 * Everything here works along the channels, axis 1; 1 is Caffe's default.
 *
 * @param {Builder} builder
 * @param {Layer} layer
 * @param {Fields} fields
 * @param {string} [name]
 */
function needChannelAxis(builder, layer, fields, name = 'axis') {
  const axis = readAxis(builder, layer, fields, name, 1);
  if (axis === 1) return;
  unsupported(layer, `only "${name}: 1" is supported, that of the channels, and this is ${axis}`);
}

/**
 * @param {Builder} builder
 * @param {Layer} layer
 * @param {Fields} fields its parameters
 * @returns {{ weight: string, bias?: string }}
 */
function weights(builder, layer, fields) {
  const weight = builder.tensor(layer, 'weight');
  return fields.boolean('bias_term', true)
    ? { weight, bias: builder.tensor(layer, 'bias') }
    : { weight };
}

/** @type {LayerReader} */
function convolution(builder, layer) {
  const fields = layer.fields
    .sub('convolution_param')
    .only(
      'num_output',
      'bias_term',
      'pad',
      'kernel_size',
      'group',
      'stride',
      'dilation',
      'pad_h',
      'pad_w',
      'kernel_h',
      'kernel_w',
      'stride_h',
      'stride_w',
      'weight_filler',
      'bias_filler',
      'engine',
      'axis',
      'force_nd_im2col',
    );
  needChannelAxis(builder, layer, fields);
  const { kernel, stride, pad } = window2d(fields);
  builder.add(layer, {
    op: 'conv',
    ...weights(builder, layer, fields),
    outChannels: outputCount(fields),
    kernel,
    stride,
    pad,
    dilation: pair(fields, 'dilation', 'dilation', 1, 1),
    groups: fields.integer('group', 1, 1),
  });
}

/** @type {LayerReader} */
function innerProduct(builder, layer) {
  const fields = layer.fields
    .sub('inner_product_param')
    .only('num_output', 'bias_term', 'weight_filler', 'bias_filler', 'axis', 'transpose');
  needChannelAxis(builder, layer, fields);
  if (fields.boolean('transpose', false)) unsupported(layer, '"transpose: true" is not supported');
  builder.add(
    layer,
    { op: 'fc', ...weights(builder, layer, fields), outChannels: outputCount(fields) },
    2,
  );
}

/** @type {LayerReader} */
function relu(builder, layer) {
  const fields = layer.fields.sub('relu_param').only('negative_slope', 'engine');
  if (fields.number('negative_slope', 0) !== 0) {
    unsupported(layer, 'a "negative_slope" other than 0 is not supported');
  }
  builder.add(layer, { op: 'relu' });
}

/** @type {LayerReader} */
function pooling(builder, layer) {
  const fields = layer.fields
    .sub('pooling_param')
    .only(
      'pool',
      'pad',
      'pad_h',
      'pad_w',
      'kernel_size',
      'kernel_h',
      'kernel_w',
      'stride',
      'stride_h',
      'stride_w',
      'engine',
      'global_pooling',
      'round_mode',
    );
  const method = fields.choice('pool', ['MAX', 'AVE', 'STOCHASTIC'], 'MAX');
  if (method === 'STOCHASTIC') unsupported(layer, 'stochastic pooling is not supported');
  const ceil = fields.choice('round_mode', ['CEIL', 'FLOOR'], 'CEIL') === 'CEIL';
  if (fields.boolean('global_pooling', false)) {
    globalPooling(builder, layer, fields, method);
    return;
  }
  // Caffe divides an average by the window's part inside the padded input.
  builder.add(
    layer,
    method === 'MAX'
      ? { op: 'maxpool', ...window2d(fields), ceil }
      : { op: 'avgpool', ...window2d(fields), ceil, countPad: true },
  );
}

/**
 * @param {Builder} builder
 * @param {Layer} layer
 * @param {Fields} fields
 * @param {string} method
 */
function globalPooling(builder, layer, fields, method) {
  for (const name of ['kernel_size', 'kernel_h', 'kernel_w']) {
    if (fields.has(name)) fields.fail(`"global_pooling" leaves no room for "${name}"`);
  }
  const stride = pair(fields, 'stride', 'stride', 1, 1);
  const pad = pair(fields, 'pad', 'pad', 0, 0, 0);
  if (stride.join() !== '1,1' || pad.join() !== '0,0') {
    fields.fail('"global_pooling" works with "pad: 0" and "stride: 1" only');
  }
  if (method === 'AVE') {
    builder.add(layer, { op: 'globalavgpool' });
    return;
  }
  const [input] = builder.read(layer);
  const [, height, width] = /** @type {Shape} */ (builder.shapes.get(input));
  builder.add(layer, {
    op: 'maxpool',
    kernel: [height, width],
    stride: [1, 1],
    pad: [0, 0, 0, 0],
    ceil: false,
  });
}

/** @type {LayerReader} */
function lrn(builder, layer) {
  const fields = layer.fields
    .sub('lrn_param')
    .only('local_size', 'alpha', 'beta', 'norm_region', 'k', 'engine');
  const region = fields.choice(
    'norm_region',
    ['ACROSS_CHANNELS', 'WITHIN_CHANNEL'],
    'ACROSS_CHANNELS',
  );
  if (region !== 'ACROSS_CHANNELS') {
    unsupported(layer, 'normalization within a channel is not supported, only across channels');
  }
  const size = fields.integer('local_size', 5, 1);
  if (size % 2 === 0) fields.fail(`"local_size" must be odd, not ${size}`);
  builder.add(layer, {
    op: 'lrn',
    size,
    alpha: fields.number('alpha', 1),
    beta: fields.number('beta', 0.75),
    k: fields.number('k', 1),
  });
}

/** @type {LayerReader} */
function batchNorm(builder, layer) {
  const fields = layer.fields
    .sub('batch_norm_param')
    .only('use_global_stats', 'moving_average_fraction', 'eps');
  if (!fields.boolean('use_global_stats', true)) {
    unsupported(
      layer,
      '"use_global_stats: false" normalizes by the batch, which a deployed network ' +
        'does not have',
    );
  }
  const epsilon = fields.number('eps', 1e-5);
  if (epsilon < 0) fields.fail('"eps" must not be negative');
  builder.add(layer, {
    op: 'batchnorm',
    mean: builder.tensor(layer, 'mean'),
    variance: builder.tensor(layer, 'variance'),
    epsilon,
  });
}

/** Gives the batch normalization before it its gamma and beta, and its top. @type {LayerReader} */
function scale(builder, layer) {
  const fields = layer.fields
    .sub('scale_param')
    .only('axis', 'num_axes', 'filler', 'bias_term', 'bias_filler');
  needChannelAxis(builder, layer, fields);
  const axes = fields.integer('num_axes', 1, -1);
  if (axes !== 1 && !(axes === -1 && builder.rank(layer) === 2)) {
    unsupported(layer, `only "num_axes: 1" is supported, the channels alone, and this is ${axes}`);
  }
  const [value] = builder.read(layer);
  const node = builder.nodes.find(({ output }) => output === value);
  if (node?.op !== 'batchnorm' || node.gamma !== undefined) {
    unsupported(layer, 'a Scale layer is supported directly behind a BatchNorm layer only');
  }
  if (!builder.unread.has(value)) {
    unsupported(layer, 'another layer reads the BatchNorm layer before it, unscaled');
  }
  const [top] = layer.tops;
  const shape = /** @type {Shape} */ (builder.shapes.get(value));
  if (top !== layer.bottoms[0] && builder.blobs.has(top))
    fields.fail(`the blob "${top}" is produced twice`);
  node.gamma = builder.tensor(layer, 'gamma');
  if (fields.boolean('bias_term', false)) node.beta = builder.tensor(layer, 'beta');
  builder.unscaled.add(value);
  builder.unread.delete(value);
  node.output = freeName(top === layer.bottoms[0] ? layer.name || node.name : top, builder.shapes);
  builder.define(top, node.output, shape, /** @type {number} */ (builder.ranks.get(value)));
}

/** @type {LayerReader} */
function eltwise(builder, layer) {
  const fields = layer.fields.sub('eltwise_param').only('operation', 'coeff', 'stable_prod_grad');
  if (fields.choice('operation', ['PROD', 'SUM', 'MAX'], 'SUM') !== 'SUM') {
    unsupported(layer, 'only the sum is supported, not products and maxima');
  }
  if (fields.numbers('coeff').some((coefficient) => coefficient !== 1)) {
    unsupported(layer, 'coefficients other than 1 are not supported');
  }
  builder.add(layer, { op: 'add' });
}

/** @type {LayerReader} */
function concat(builder, layer) {
  const fields = layer.fields.sub('concat_param').only('axis', 'concat_dim');
  needChannelAxis(builder, layer, fields);
  needChannelAxis(builder, layer, fields, 'concat_dim');
  builder.add(layer, { op: 'concat' });
}

/** @type {LayerReader} */
function flatten(builder, layer) {
  const fields = layer.fields.sub('flatten_param').only('axis', 'end_axis');
  needChannelAxis(builder, layer, fields);
  if (readAxis(builder, layer, fields, 'end_axis', -1) !== builder.rank(layer) - 1) {
    unsupported(layer, 'only flattening to the last axis is supported');
  }
  builder.add(layer, { op: 'flatten' }, 2);
}

/** @type {LayerReader} */
function softmax(builder, layer) {
  needChannelAxis(builder, layer, layer.fields.sub('softmax_param').only('engine', 'axis'));
  builder.add(layer, { op: 'softmax' });
}

/** @type {LayerReader} */
function dropout(builder, layer) {
  builder.add(layer, { op: 'dropout' });
}

/** Each top is what the bottom is; `dropout` is the identity here. @type {LayerReader} */
function split(builder, layer) {
  for (const top of layer.tops) {
    if (layer.bottoms[0] === top) layer.fields.fail(`it cannot write over its bottom "${top}"`);
    builder.add({ ...layer, tops: [top] }, { op: 'dropout' });
  }
}

/** Its bottoms count as read, so that they are no outputs. @type {LayerReader} */
function silence(builder, layer) {
  for (const value of builder.read(layer)) builder.unread.delete(value);
}

/** (shift + scale · x)^power. @type {LayerReader} */
function power(builder, layer) {
  const fields = layer.fields.sub('power_param').only('power', 'scale', 'shift');
  const identity =
    fields.number('power', 1) === 1 &&
    fields.number('scale', 1) === 1 &&
    fields.number('shift', 0) === 0;
  if (!identity)
    unsupported(layer, 'only the identity, power 1, scale 1 and shift 0, is supported');
  builder.add(layer, { op: 'dropout' });
}

/**
 * To the shape that it has already, or to one with all values along the channels.
 *
 * @type {LayerReader}
 */
function reshape(builder, layer) {
  const fields = layer.fields.sub('reshape_param').only('shape', 'axis', 'num_axes');
  const [message, more] = fields.messages('shape');
  if (!message || more) fields.fail('it needs one "shape"');
  if (fields.integer('axis', 0, LEAST_AXIS) !== 0 || fields.integer('num_axes', -1, -1) !== -1) {
    unsupported(layer, 'only reshaping of all axes is supported');
  }
  const [batch, ...dims] = message.only('dim').integers('dim', -1);
  const [channels, height, width] = /** @type {Shape} */ (
    builder.shapes.get(builder.read(layer)[0])
  );
  const size = channels * height * width;
  const rank = builder.rank(layer);
  const before = [channels, height, width].slice(0, rank - 1);
  const known = dims.map((dim, axis) => (dim === 0 ? (before[axis] ?? 0) : dim));
  const product = known.reduce((all, dim) => (dim === -1 ? all : all * dim), 1);
  const after = known.map((dim) => (dim === -1 ? size / product : dim));
  const kept = batch === 0 || batch === 1;
  if (kept && after.join() === before.join()) {
    builder.add(layer, { op: 'dropout' });
  } else if (kept && (after.join() === `${size}` || after.join() === `${size},1,1`)) {
    builder.add(layer, { op: 'flatten' }, after.length + 1);
  } else {
    unsupported(layer, 'only reshaping to one axis of all values is supported');
  }
}

/** @type {LayerReader} */
function inputLayer(builder, layer) {
  const shapes = layer.fields.sub('input_param').only('shape').messages('shape');
  if (shapes.length !== 1 && shapes.length !== layer.tops.length) {
    layer.fields.fail(`it has ${layer.tops.length} tops and ${shapes.length} shapes`);
  }
  layer.tops.forEach((top, index) => {
    const shape = shapes[index] ?? shapes[0];
    builder.addInput(top, shape.only('dim').integers('dim', 1), (what) => shape.fail(what));
  });
}

/**
 * Readers by type, and how many bottoms and tops each takes at least and at most.
 *
 * @type {Map<string, { read: LayerReader, bottoms: [number, number], tops: [number, number] }>}
 */
const READERS = new Map(
  Object.entries({
    Input: { read: inputLayer, bottoms: [0, 0], tops: [1, Infinity] },
    Convolution: { read: convolution, bottoms: [1, 1], tops: [1, 1] },
    InnerProduct: { read: innerProduct, bottoms: [1, 1], tops: [1, 1] },
    ReLU: { read: relu, bottoms: [1, 1], tops: [1, 1] },
    Pooling: { read: pooling, bottoms: [1, 1], tops: [1, 1] },
    LRN: { read: lrn, bottoms: [1, 1], tops: [1, 1] },
    BatchNorm: { read: batchNorm, bottoms: [1, 1], tops: [1, 1] },
    Scale: { read: scale, bottoms: [1, 1], tops: [1, 1] },
    Eltwise: { read: eltwise, bottoms: [2, Infinity], tops: [1, 1] },
    Concat: { read: concat, bottoms: [1, Infinity], tops: [1, 1] },
    Flatten: { read: flatten, bottoms: [1, 1], tops: [1, 1] },
    Softmax: { read: softmax, bottoms: [1, 1], tops: [1, 1] },
    Dropout: { read: dropout, bottoms: [1, 1], tops: [1, 1] },
    Split: { read: split, bottoms: [1, 1], tops: [1, Infinity] },
    Reshape: { read: reshape, bottoms: [1, 1], tops: [1, 1] },
    Power: { read: power, bottoms: [1, 1], tops: [1, 1] },
    Silence: { read: silence, bottoms: [1, Infinity], tops: [0, 0] },
  }),
);

/**
 * @param {Layer} layer
 * @param {'bottoms' | 'tops'} what
 * @param {[number, number]} range
 */
function checkCount(layer, what, [least, most]) {
  const { length } = layer[what];
  if (length >= least && length <= most) return;
  const wanted = most === Infinity ? `${least} or more` : `${least}`;
  layer.fields.fail(`${layer.type} takes ${wanted} ${what}, not ${length}`);
}

/**
 * @param {Fields} rule an include or exclude rule
 * @returns {boolean} whether the test phase, at level 0 and without stages, meets it
 */
function meetsTestPhase(rule) {
  rule.only('phase', 'min_level', 'max_level', 'stage', 'not_stage');
  return (
    rule.choice('phase', ['TRAIN', 'TEST'], 'TEST') === 'TEST' &&
    rule.integer('min_level', 0, -(2 ** 31)) <= 0 &&
    rule.integer('max_level', 0, -(2 ** 31)) >= 0 &&
    !rule.has('stage')
  );
}

/**
 * @param {Layer} layer
 * @returns {boolean} whether it takes part in the test phase
 */
function inTestPhase({ fields }) {
  const include = fields.messages('include');
  const exclude = fields.messages('exclude');
  if (include.length > 0 && exclude.length > 0)
    fields.fail('it has both include and exclude rules');
  return include.length > 0 ? include.some(meetsTestPhase) : !exclude.some(meetsTestPhase);
}

/**
 * @param {Fields} fields
 * @returns {string} today's name of a type in the old syntax
 */
function v1Type(fields) {
  const type = fields.one('type');
  if (type?.kind !== 'name' && type?.kind !== 'number') {
    return fields.fail('"type" is missing or is not an unquoted word such as CONVOLUTION', type);
  }
  const known = V1_TYPES.find(([name, number]) => type.value === name || type.value === number);
  return known ? known[2] : String(type.value);
}

/**
 * @param {Fields} net
 * @returns {Layer[]} of the test phase
 */
function readLayers(net) {
  const old = net.messages('layers');
  const layers = net.messages('layer');
  if (old.length + layers.length > MAX_LAYERS) {
    net.fail(`there are ${old.length + layers.length} layers; the limit is ${MAX_LAYERS}`);
  }
  if (old.length > 0 && layers.length > 0)
    net.fail('both "layer" and the old "layers" are used', old[0].message);
  return [...old, ...layers]
    .map(({ message }) => {
      const anonymous = new Fields(message, 'a layer: ');
      if (anonymous.has('layer')) {
        anonymous.fail(
          'this is the oldest Caffe syntax, a layer within layers, which is not supported',
        );
      }
      const name = anonymous.string('name') ?? '';
      checkName(name, anonymous);
      const fields = new Fields(message, `layer "${name}": `);
      const type =
        old.length > 0
          ? v1Type(fields)
          : (fields.string('type') ?? fields.fail('"type" is missing'));
      checkName(type, fields);
      const [bottoms, tops] = [fields.strings('bottom'), fields.strings('top')];
      for (const blob of [...bottoms, ...tops]) checkBlobName(blob, fields);
      return { name, type, bottoms, tops, fields };
    })
    .filter(inTestPhase);
}

/**
 * @param {string} name of a layer, a blob or a type
 * @param {Fields} fields
 */
function checkName(name, fields) {
  if (
    makeTextEncoder().encode(name).length > MAX_NAME_BYTES ||
    /[\u0000-\u001f\u007f-\u009f]/.test(name)
  ) {
    const shown = JSON.stringify(name.slice(0, 40));
    fields.fail(
      `the name ${shown} is longer than ${MAX_NAME_BYTES} bytes or has control characters`,
    );
  }
}

/**
 * @param {string} name
 * @param {Fields} fields
 */
function checkBlobName(name, fields) {
  if (name === '') fields.fail('a blob has an empty name');
  checkName(name, fields);
}

/**
 * The inputs that stand outside of layers: `input` with `input_shape` or with four `input_dim`.
 *
 * @param {Fields} net
 * @param {Builder} builder
 */
function readInputs(net, builder) {
  const blobs = net.strings('input');
  const dims = net.integers('input_dim', 1);
  const shapes = net.messages('input_shape').map((shape) => shape.only('dim').integers('dim', 1));
  if (dims.length > 0 && shapes.length > 0) net.fail('give either "input_shape" or "input_dim"');
  if (
    dims.length !== (shapes.length > 0 ? 0 : 4 * blobs.length) &&
    dims.length + shapes.length > 0
  ) {
    net.fail(`${blobs.length} inputs have ${4 * blobs.length} "input_dim", not ${dims.length}`);
  }
  if (shapes.length > 0 && shapes.length !== blobs.length) {
    net.fail(`there are ${blobs.length} inputs and ${shapes.length} "input_shape"`);
  }
  blobs.forEach((blob, index) => {
    const value = net.all('input')[index];
    checkBlobName(blob, net);
    const shape = shapes[index] ?? dims.slice(4 * index, 4 * index + 4);
    if (shape.length === 0)
      net.fail(`the input "${blob}" has neither "input_shape" nor "input_dim"`, value);
    builder.addInput(blob, shape, (what) => net.fail(what, value));
  });
}

/**
 * Reads the network that a Caffe prototxt describes, as it is in the test phase.
 *
 * The batch is left out: one sample at a time. Outputs are the values that no layer reads, in the
 * order of the file. Losses and accuracies are left out, with the labels only they read. Layers
 * take the value their bottom stands for where they are written, as in Caffe.
 *
 * @param {string} prototxtText
 * @returns {Graph}
 * @throws {FileError} if the text is no prototxt, or the network contradicts itself
 * @throws {UnsupportedError} for a layer, or a setting of one, that this library does not have
 */
export function readCaffe(prototxtText) {
  const net = new Fields(parsePrototxt(prototxtText), '');
  const builder = new Builder(net.string('name') || 'network');
  checkName(builder.name, net);
  readInputs(net, builder);
  for (const layer of readLayers(net)) {
    if (JUDGES.has(layer.type)) continue;
    if (DATA_TYPES.has(layer.type)) {
      unsupported(
        layer,
        'a data layer does not say the shape of its data; use the deploy file, which ' +
          'declares an input',
      );
    }
    const reader = READERS.get(layer.type);
    if (!reader) {
      return unsupported(
        layer,
        `this layer type is not supported, only ${[...READERS.keys()].join(', ')}`,
      );
    }
    checkCount(layer, 'bottoms', reader.bottoms);
    checkCount(layer, 'tops', reader.tops);
    reader.read(builder, layer);
  }
  return builder.finish();
}
