// SPDX-License-Identifier: Apache-2.0

/**
 * Networks pruned and quantized by Deep Compression (Han, Mao, Dally, arXiv:1510.00149), as
 * published in `.net` files beside a Caffe deploy file.
 *
 * A `.net` file is little-endian and has no header: what it holds follows from the prototxt's
 * convolutions and fully connected layers, in their order there. First a u32 for each, the number
 * of its stored entries n. Then for each: a codebook of 256 f32, of which the first is 0; a f32
 * bias per output channel, if it has biases; n codes of one byte; n gaps of 4 bits, two to a byte,
 * the low nibble first. Entry i stands at position gap[0] + 1 + … + gap[i] + 1 − 1 of the row-major
 * weights. Positions without an entry are 0; an entry with code 0 bridges a gap over 15.
 */

import { checkBytes } from '../core/check.js';
import { FileError, LimitError, UnsupportedError } from '../core/errors.js';
import { nativeLimits } from '../core/limits.js';
import { makeFloats } from '../core/memory.js';
import { readCaffe } from './caffe.js';
import { inferShapes, nodeParameters } from '../graph/graph.js';

/**
 * @typedef {import('../core/weights.js').GapWeights} GapWeights
 * @typedef {import('../graph/graph.js').Graph} Graph
 * @typedef {import('../graph/graph.js').Shape} Shape
 * @typedef {import('../graph/graph.js').Tensor} Tensor
 *
 * @typedef {import('../graph/graph.js').TensorShape & GapWeights} Weight a matrix
 *
 * @typedef {object} StoredLayer
 * @property {string} name
 * @property {{ name: string, rows: number, cols: number }} weight
 * @property {{ name: string, cols: number } | undefined} bias
 * @property {number} entries
 */

const CODEBOOK_LENGTH = 256;

/**
 * The most weights a network may have, 2 GB as float32: a prototxt of a few lines can ask for any
 * number. VGG-16, the largest that Deep Compression published, has 138 million.
 */
const MAX_WEIGHTS = 2 ** 29;

/** As `kDefaultFreeMemory` of cpp/lowtropy/run/demand.h. */
const FREE_MEMORY = 2 ** 30;

/**
 * @param {string} layer
 * @param {string} what
 * @returns {never}
 */
function refuse(layer, what) {
  throw new FileError(`The compressed weights of layer "${layer}" ${what}.`);
}

/**
 * @param {Graph} graph
 * @returns {Array<Omit<StoredLayer, 'entries'>>} in the order of the file
 */
function layersOf(graph) {
  const shapes = inferShapes(graph);
  let weights = 0;
  return graph.nodes.flatMap((node) => {
    const parameters = nodeParameters(node, /** @type {Shape} */ (shapes.get(node.inputs[0])));
    if (parameters.length === 0) return [];
    if (node.op === 'batchnorm') {
      throw new UnsupportedError(
        `Layer "${node.name}": Deep Compression files hold no batch normalization.`,
      );
    }
    const [weight, bias] = parameters;
    weights += weight.rows * weight.cols;
    if (weights > MAX_WEIGHTS) {
      throw new FileError(
        `Up to layer "${node.name}" the prototxt asks for ${weights} weights; the limit is ${
          MAX_WEIGHTS
        }.`,
      );
    }
    return [{ name: node.name, weight, bias }];
  });
}

/** Reads from front to back, and knows which layer a missing byte belongs to. */
class Cursor {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.offset = 0;
  }

  /**
   * @param {number} length
   * @param {string} layer
   * @param {string} what
   * @returns {number} where they start
   */
  skip(length, layer, what) {
    const start = this.offset;
    if (length > this.bytes.length - start) {
      refuse(
        layer,
        `are cut off: ${what} would end at byte ${start + length}, and the file has ${
          this.bytes.length
        } bytes`,
      );
    }
    this.offset += length;
    return start;
  }

  /**
   * @param {number} length
   * @param {string} layer
   * @param {string} what
   * @returns {Uint8Array}
   */
  take(length, layer, what) {
    const start = this.skip(length, layer, what);
    return this.bytes.subarray(start, start + length);
  }

  /**
   * @param {number} count
   * @param {string} layer
   * @param {string} what
   * @returns {Float32Array}
   */
  floats(count, layer, what) {
    const start = this.skip(4 * count, layer, what);
    const values = new Float32Array(count);
    for (let i = 0; i < count; ++i) {
      values[i] = this.view.getFloat32(start + 4 * i, true);
      if (!Number.isFinite(values[i])) refuse(layer, `have ${values[i]} as value ${i} of ${what}`);
    }
    return values;
  }
}

/**
 * @param {Cursor} cursor
 * @param {Array<Omit<StoredLayer, 'entries'>>} layers
 * @returns {StoredLayer[]}
 */
function readCounts(cursor, layers) {
  return layers.map((layer) => {
    const { rows, cols } = layer.weight;
    const entries = cursor.view.getUint32(
      cursor.skip(4, layer.name, 'the number of entries'),
      true,
    );
    if (entries > rows * cols) {
      refuse(
        layer.name,
        `claim ${entries} entries, and the prototxt says it has ${rows * cols} weights`,
      );
    }
    return { ...layer, entries };
  });
}

/**
 * @param {Cursor} cursor
 * @param {StoredLayer} layer
 * @returns {{ bias: Float32Array | undefined, weights: GapWeights }}
 */
function readLayer(cursor, layer) {
  const { name, entries } = layer;
  const codebook = cursor.floats(CODEBOOK_LENGTH, name, 'the codebook');
  if (codebook[0] !== 0) refuse(name, `have ${codebook[0]} instead of 0 first in the codebook`);
  const bias = layer.bias && cursor.floats(layer.bias.cols, name, 'the biases');
  const codes = cursor.take(entries, name, 'the codes');
  const gaps = cursor.take(Math.ceil(entries / 2), name, 'the gaps');
  checkPositions(layer, gaps);
  return { bias, weights: { codebook, entries, codes, codeBits: 8, gaps, gapBits: 4 } };
}

/**
 * @param {Uint8Array} gaps
 * @param {number} entry its number
 */
function gapOf(gaps, entry) {
  return entry % 2 === 0 ? gaps[entry >> 1] & 15 : gaps[entry >> 1] >> 4;
}

/**
 * @param {StoredLayer} layer
 * @param {Uint8Array} gaps
 */
function checkPositions({ name, entries, weight: { rows, cols } }, gaps) {
  let position = -1;
  for (let i = 0; i < entries; ++i) {
    position += gapOf(gaps, i) + 1;
    if (position < rows * cols) continue;
    refuse(
      name,
      `put entry ${i} of ${entries} at position ${position} of a matrix of ${rows}×${cols}`,
    );
  }
}

/**
 * @param {GapWeights} weights
 * @param {number} length
 * @returns {Float32Array}
 */
function makeDense({ codebook, entries, codes, gaps }, length) {
  const values = makeFloats(length);
  let position = -1;
  for (let i = 0; i < entries; ++i) {
    position += gapOf(gaps, i) + 1;
    values[position] = codebook[codes[i]];
  }
  return values;
}

/**
 * A network compressed by Deep Compression, whose layers are read one by one, as they are asked for,
 * and are views of the file: dense, they may take a hundred times what it has.
 *
 * @param {Uint8Array | ArrayBuffer} netBytes the `.net` file
 * @param {string} prototxtText the Caffe deploy file it belongs to
 * @param {import('../core/limits.js').Limits} [limits] maxMemory: of all weights as dense float32, too
 * @returns {{ graph: Graph, total: number, tensors: Generator<[name: string, tensor: Weight | Tensor]> }}
 *   total: bytes of all tensors as dense float32
 * @throws {FileError} if either is damaged or one does not belong to the other; names the layer. The
 *   generator throws, too
 * @throws {UnsupportedError} for layers that this library does not have
 * @throws {LimitError}
 */
export function openDeepCompression(netBytes, prototxtText, limits = {}) {
  const graph = readCaffe(prototxtText);
  const cursor = new Cursor(checkBytes(netBytes, 'The .net file'));
  const layers = readCounts(cursor, layersOf(graph));
  const total = layers.reduce(
    (sum, { weight, bias }) => sum + 4 * (weight.rows * weight.cols + (bias?.cols ?? 0)),
    0,
  );
  checkTotal(total, cursor.bytes.length, limits);
  return { graph, total, tensors: readTensors(cursor, layers) };
}

/**
 * @param {number} total
 * @param {number} given
 * @param {import('../core/limits.js').Limits} limits
 */
function checkTotal(total, given, limits) {
  const [memory] = nativeLimits(limits);
  const limit = memory < 0 ? given + FREE_MEMORY : memory;
  if (total <= limit) return;
  throw new LimitError(
    `The network asks for ${total} bytes for its weights as they are read, and maxMemory is ${limit}.`,
  );
}

/**
 * @param {Cursor} cursor
 * @param {StoredLayer[]} layers
 * @returns {Generator<[name: string, tensor: Weight | Tensor]>}
 */
function* readTensors(cursor, layers) {
  for (const layer of layers) {
    const { bias, weights } = readLayer(cursor, layer);
    const { name, rows, cols } = layer.weight;
    yield [name, { rows, cols, kind: 'matrix', ...weights }];
    if (layer.bias && bias)
      yield [layer.bias.name, { rows: 1, cols: bias.length, kind: 'vector', data: bias }];
  }
  if (cursor.offset !== cursor.bytes.length) {
    throw new FileError(
      `The compressed weights end at byte ${cursor.offset}, and the file has ${
        cursor.bytes.length
      } bytes: it does not belong to this prototxt.`,
    );
  }
}

/**
 * Reads a network compressed by Deep Compression, all of it, as dense weights.
 *
 * @param {Uint8Array | ArrayBuffer} netBytes the `.net` file
 * @param {string} prototxtText the Caffe deploy file it belongs to
 * @returns {{ graph: Graph, tensors: Map<string, Tensor> }} dense weights, row-major, and biases
 * @throws {FileError} if either is damaged or one does not belong to the other; names the layer
 * @throws {UnsupportedError} for layers that this library does not have
 * @throws {MemoryError} if the weights do not fit into memory; says how much was needed
 */
export function readDeepCompression(netBytes, prototxtText) {
  const { graph, tensors } = openDeepCompression(netBytes, prototxtText);
  /** @type {Map<string, Tensor>} */
  const dense = new Map();
  for (const [name, tensor] of tensors) {
    const { rows, cols, kind } = tensor;
    const data = 'data' in tensor ? tensor.data : makeDense(tensor, rows * cols);
    dense.set(name, { rows, cols, kind, data });
  }
  return { graph, tensors: dense };
}
