// SPDX-License-Identifier: Apache-2.0

/** Tensors of an ONNX file as constants: read where they lie in the file, when they are needed. */

import { UnsupportedError } from '../../core/errors.js';
import { quote } from './protobuf.js';
import { codes, floats, int32s, integers } from './tensors.js';
import { Constant } from './values.js';

/**
 * @typedef {import('./tensor-proto.js').OnnxTensor} OnnxTensor
 * @typedef {import('./tensor-proto.js').OnnxSparseTensor} OnnxSparseTensor
 * @typedef {import('./values.js').ElementType} ElementType
 */

const FLOATS = ['float32', 'float16', 'bfloat16', 'float64'];
const INTEGERS = [
  'int8',
  'uint8',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'uint64',
  'int4',
  'uint4',
];

/** Those that weights are made of. */
const NARROW = ['int4', 'uint4', 'int8', 'uint8', 'int16', 'uint16', 'int32'];

/**
 * What values of a type are here: floats are float32, and integers, as far as they fit, int32.
 *
 * @param {string} type as ONNX has it
 * @param {string} name of the value, for the error
 * @returns {ElementType}
 */
export function ourType(type, name) {
  if (FLOATS.includes(type)) return 'float32';
  if (INTEGERS.includes(type)) return 'int32';
  if (type === 'bool') return 'bool';
  throw new UnsupportedError(`The value ${quote(name)} is of ${type}, which is not supported.`);
}

/**
 * @param {OnnxTensor | OnnxSparseTensor} tensor
 * @returns {Constant}
 */
export function constantOf(tensor) {
  const type = ourType(tensor.type, tensor.name);
  const make = () => elementsOf(tensor, type);
  const { kind, type: element, dims } = tensor;
  const hasCodes = kind === 'tensor' && NARROW.includes(element);
  const origin = { element, ...(hasCodes && { codes: () => codes(tensor) }) };
  return new Constant(type, dims, make, origin);
}

/**
 * @param {OnnxTensor | OnnxSparseTensor} tensor
 * @param {ElementType} type
 * @returns {import('./values.js').Constant['elements']}
 */
function elementsOf(tensor, type) {
  if (type === 'float32') return floats(tensor);
  if (tensor.kind === 'sparse' || type === 'bool') {
    const numbers = integers(tensor, { saturate: true });
    return type === 'bool' ? Uint8Array.from(numbers) : Int32Array.from(numbers);
  }
  return int32s(tensor, { saturate: true });
}
