// SPDX-License-Identifier: Apache-2.0

/**
 * The elements of tensors, read when they are asked for and as what they are asked for. Where they lie
 * in the file as they are wanted, they are given as a view of it.
 */

import { viewOf, widenFloats } from '../../core/elements.js';
import { FileError, LimitError, UnsupportedError } from '../../core/errors.js';
import { makeBytes, makeFloats } from '../../core/memory.js';
import { LIST_FIELDS, elementType } from './element-types.js';
import { Message, quote } from './protobuf.js';
import { byteLengthOf } from './tensor-proto.js';

/**
 * @typedef {import('./element-types.js').ElementType} ElementType
 * @typedef {import('./tensor-proto.js').ListData} ListData
 * @typedef {import('./tensor-proto.js').OnnxSparseTensor} OnnxSparseTensor
 * @typedef {import('./tensor-proto.js').OnnxTensor} OnnxTensor
 *
 * @typedef {object} Saturation
 * @property {boolean} [saturate] whether what is too large becomes the largest there is, as it is meant
 *   where 2^63 − 1 stands for "to the end"; by default it is refused
 *
 * @typedef {Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array} Codes
 */

/** The most elements of a sparse tensor that is asked for as a dense one: 1 GiB of float32 … */
const MAX_DENSE_FLOATS = 2 ** 28;
/** … and far more than a shape or a list of indices has. */
const MAX_DENSE_INTEGERS = 2 ** 22;

const MAX_INT32 = 2 ** 31 - 1;
const MIN_INT32 = -(2 ** 31);
const TWO_TO_32 = 2 ** 32;

/**
 * @param {OnnxTensor | OnnxSparseTensor} tensor
 * @returns {string} for messages
 */
function nameOf({ name }) {
  return name ? `the tensor ${quote(name)}` : 'a tensor without a name';
}

/**
 * @param {OnnxTensor | OnnxSparseTensor} tensor
 * @param {string} what
 * @returns {never}
 */
function refuse(tensor, what) {
  throw new UnsupportedError(`Of the ONNX model ${nameOf(tensor)} is of ${tensor.type}, ${what}.`);
}

/**
 * @param {OnnxTensor | OnnxSparseTensor} tensor
 * @param {'float' | 'integer'} family
 * @returns {ElementType}
 */
function need(tensor, family) {
  const type = elementType(tensor.type);
  if (type.family === 'name only') refuse(tensor, 'which is not supported');
  if (type.family !== family) {
    refuse(tensor, `where ${family === 'float' ? 'floats' : 'integers'} must be`);
  }
  return type;
}

/**
 * The elements as little-endian bytes, of less than 8 bits several in one, the first in the lowest bits.
 *
 * @param {OnnxTensor} tensor
 * @returns {Uint8Array} a view of the file, but of some that it holds as numbers of other widths
 * @throws {FileError | UnsupportedError}
 */
export function bytes(tensor) {
  const { data } = tensor;
  if (byteLengthOf(tensor) === undefined) refuse(tensor, 'which is not supported');
  if (data.kind === 'raw') return data.bytes;
  if (data.kind === 'list') return listBytes(tensor, data);
  throw new FileError(
    `Of the ONNX model ${nameOf(tensor)} is in the file ${quote(data.location)}, which is not given.`,
  );
}

/**
 * @param {OnnxTensor} tensor
 * @param {ListData} list
 * @returns {Uint8Array}
 */
function listBytes(tensor, list) {
  const { field } = list;
  if (field === 'float_data') return joined(list, 4);
  if (field === 'double_data') return joined(list, 8);
  const { bits } = elementType(tensor.type);
  // Of less than 8 bits a number of the list is a byte.
  return fromVarints(tensor, list, Math.max(bits, 8) / 8);
}

/**
 * @param {ListData} list
 * @returns {Generator<Message, void, void>} at each field that holds numbers of it
 */
function* fieldsOf({ file, start, end, field }) {
  const message = new Message(file, 'the tensor', start, end, 0);
  while (message.next()) if (message.field === LIST_FIELDS[field]) yield message;
}

/**
 * @param {ListData} list
 * @param {4 | 8} width
 * @returns {Uint8Array} a view where they stand in one field, as all do that newer writers write
 */
function joined(list, width) {
  const size = list.count * width;
  /** @type {Uint8Array | undefined} */
  let whole;
  let at = 0;
  for (const message of fieldsOf(list)) {
    const part = message.fixed(width);
    if (part.length === size) return part;
    whole ??= makeBytes(size);
    whole.set(part, at);
    at += part.length;
  }
  return whole ?? new Uint8Array(0);
}

/**
 * @param {OnnxTensor} tensor
 * @param {ListData} list
 * @param {number} width in bytes
 * @returns {Uint8Array}
 */
function fromVarints(tensor, list, width) {
  const result = makeBytes(list.count * width);
  const view = new DataView(result.buffer);
  const fits = fitting(elementType(tensor.type));
  let at = 0;
  for (const message of fieldsOf(list)) {
    message.eachVarint((low, high) => {
      if (!fits(low, high)) {
        message.fail(`${nameOf(tensor)} of ${tensor.type} has an element that is too large`);
      }
      for (let i = 0; i < Math.min(width, 4); ++i) result[at + i] = low >>> (8 * i);
      if (width === 8) view.setUint32(at + 4, high, true);
      at += width;
    });
  }
  return result;
}

/**
 * Whether a varint is a value of a type, or its bits: an int8 of −1 is written as −1, and some writers
 * write 255.
 *
 * @param {ElementType} type
 * @returns {(low: number, high: number) => boolean}
 */
function fitting({ bits, list }) {
  if (bits === 64) return () => true;
  const width = Math.max(bits, 8);
  const most = 2 ** width;
  const least = list === 'int32_data' ? -(2 ** (width - 1)) : 0;
  return (low, high) => {
    const value = (high | 0) * TWO_TO_32 + low;
    return value >= least && value < most;
  };
}

/**
 * @param {OnnxTensor | OnnxSparseTensor} tensor of float32, or of float16, bfloat16 or float64, which
 *   are rounded to float32
 * @returns {Float32Array} a view of the file where float32 lies there at a multiple of 4
 * @throws {FileError | UnsupportedError}
 * @throws {LimitError} for sparse tensors that are too large as dense ones
 */
export function floats(tensor) {
  need(tensor, 'float');
  if (tensor.kind === 'sparse') {
    checkDense(tensor, MAX_DENSE_FLOATS);
    return fill(tensor, floats(tensor.values), makeFloats(tensor.size));
  }
  const data = bytes(tensor);
  if (tensor.type === 'float32') return /** @type {Float32Array} */ (viewOf(data, Float32Array));
  if (tensor.type !== 'float64') return widenFloats(data, /** @type {'float16'} */ (tensor.type));
  const result = makeFloats(tensor.size);
  result.set(viewOf(data, Float64Array));
  return result;
}

/**
 * For shapes and indices.
 *
 * @param {OnnxTensor | OnnxSparseTensor} tensor of any type of integers, or of bool, as 0 and 1
 * @param {Saturation} [options]
 * @returns {number[]} safe integers
 * @throws {FileError | UnsupportedError}
 * @throws {LimitError} for sparse tensors that are too large as dense ones
 */
export function integers(tensor, { saturate = false } = {}) {
  const { MAX_SAFE_INTEGER: most } = Number;
  need(tensor, 'integer');
  if (tensor.kind === 'sparse') {
    checkDense(tensor, MAX_DENSE_INTEGERS);
    return fill(tensor, integers(tensor.values, { saturate }), Array(tensor.size).fill(0));
  }
  const read = elementReader(tensor);
  const inRange = narrowing(tensor, -most, most, saturate);
  return Array.from({ length: tensor.size }, (_, i) => inRange(read(i), i));
}

/**
 * @param {OnnxTensor} tensor of any type of integers, or of bool, as 0 and 1
 * @param {Saturation} [options]
 * @returns {Int32Array} a view of the file where int32 lies there at a multiple of 4
 * @throws {FileError | UnsupportedError}
 */
export function int32s(tensor, { saturate = false } = {}) {
  need(tensor, 'integer');
  if (tensor.type === 'int32') return viewOf(bytes(tensor), Int32Array);
  const read = elementReader(tensor);
  const inRange = narrowing(tensor, MIN_INT32, MAX_INT32, saturate);
  const result = new Int32Array(tensor.size);
  for (let i = 0; i < result.length; ++i) result[i] = inRange(read(i), i);
  return result;
}

/**
 * @param {OnnxTensor} tensor
 * @param {number} least
 * @param {number} most
 * @param {boolean} saturate
 * @returns {(value: number, index: number) => number}
 */
function narrowing(tensor, least, most, saturate) {
  return (value, index) => {
    if (value >= least && value <= most) return value;
    if (saturate) return value < 0 ? least : most;
    throw new FileError(
      `Of the ONNX model ${nameOf(tensor)} has about ${value} as element ${index}; there may be ` +
        `integers from ${least} to ${most}.`,
    );
  };
}

/**
 * @param {OnnxTensor} tensor of integers
 * @returns {(index: number) => number} rounded beyond the safe integers
 */
function elementReader(tensor) {
  const data = bytes(tensor);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  switch (tensor.type) {
    case 'int64':
      return (i) => view.getInt32(8 * i + 4, true) * TWO_TO_32 + view.getUint32(8 * i, true);
    case 'uint64':
      return (i) => view.getUint32(8 * i + 4, true) * TWO_TO_32 + view.getUint32(8 * i, true);
    case 'uint32':
      return (i) => view.getUint32(4 * i, true);
    default: {
      const array = codes(tensor);
      return tensor.type === 'bool' ? (i) => (array[i] === 0 ? 0 : 1) : (i) => array[i];
    }
  }
}

/** The arrays of integers that a quantized matrix is made of. */
const CODE_ARRAYS = {
  ...{ int8: Int8Array, uint8: Uint8Array, int16: Int16Array, uint16: Uint16Array },
  ...{ int32: Int32Array, bool: Uint8Array },
};

/**
 * The integers of quantized weights as they are, of less than 8 bits each in a byte of its own.
 *
 * @param {OnnxTensor} tensor of (u)int2, (u)int4, (u)int8, (u)int16, int32 or bool
 * @returns {Codes} a view of the file where they have 8 bits or more and lie at a multiple of that
 * @throws {FileError | UnsupportedError}
 */
export function codes(tensor) {
  const { bits, signed } = need(tensor, 'integer');
  if (bits < 8) return unpack(tensor, bits, signed);
  const Kind = CODE_ARRAYS[/** @type {keyof typeof CODE_ARRAYS} */ (tensor.type)];
  if (!Kind) return refuse(tensor, 'which is too wide for a code');
  return /** @type {Codes} */ (viewOf(bytes(tensor), /** @type {any} */ (Kind)));
}

/**
 * @param {OnnxTensor} tensor
 * @param {number} bits
 * @param {boolean} signed
 * @returns {Int8Array | Uint8Array}
 */
function unpack(tensor, bits, signed) {
  const packed = bytes(tensor);
  const result = new (signed ? Int8Array : Uint8Array)(tensor.size);
  const perByte = 8 / bits;
  for (let i = 0; i < result.length; ++i) {
    // The element's bits are moved to the top of a number of 32, and from there down, with the sign.
    const top = packed[Math.floor(i / perByte)] << (32 - bits * ((i % perByte) + 1));
    result[i] = signed ? top >> (32 - bits) : top >>> (32 - bits);
  }
  return result;
}

/**
 * @param {OnnxSparseTensor} sparse
 * @returns {number[]} where each value is in the whole, row-major, ascending
 * @throws {FileError} for positions out of place or order
 */
export function positions(sparse) {
  const { dims, indices, size } = sparse;
  const given = integers(indices);
  const flat = indices.dims.length === 1 ? given : flatten(given, sparse);
  for (let i = 0, before = -1; i < flat.length; before = flat[i++]) {
    if (flat[i] > before && flat[i] < size) continue;
    throw new FileError(
      `Of the ONNX model the sparse tensor ${quote(sparse.name)} of ${dims.join('×')} has ` +
        `${flat[i]} as position ${i}, after ${before}.`,
    );
  }
  return flat;
}

/**
 * @param {number[]} given
 * @param {OnnxSparseTensor} sparse
 * @returns {number[]}
 */
function flatten(given, { name, dims, values }) {
  return Array.from({ length: values.size }, (_, i) =>
    dims.reduce((position, dim, axis) => {
      const index = given[i * dims.length + axis];
      if (index >= 0 && index < dim) return position * dim + index;
      throw new FileError(
        `Of the ONNX model the sparse tensor ${quote(name)} has the index ${index} along axis ` +
          `${axis}, of ${dim}.`,
      );
    }, 0),
  );
}

/**
 * @param {OnnxSparseTensor} sparse
 * @param {number} limit
 */
function checkDense({ name, size }, limit) {
  if (size <= limit) return;
  throw new LimitError(
    `Of the ONNX model the sparse tensor ${quote(name)} has ${size} elements as a dense one; the limit ` +
      `is ${limit}.`,
  );
}

/**
 * @template {Float32Array | number[]} T
 * @param {OnnxSparseTensor} sparse
 * @param {T} values
 * @param {T} dense zeros
 * @returns {T} the same
 */
function fill(sparse, values, dense) {
  positions(sparse).forEach((place, i) => (dense[place] = values[i]));
  return dense;
}
