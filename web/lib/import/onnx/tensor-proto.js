// SPDX-License-Identifier: Apache-2.0

/**
 * TensorProto and SparseTensorProto: what a tensor is, and where its elements lie. None of them is read
 * here; tensors.js does that.
 */

import { elementType, elementTypeName } from './element-types.js';
import { quote } from './protobuf.js';

/**
 * @typedef {import('./element-types.js').ListField} ListField
 * @typedef {import('./protobuf.js').Message} Message
 * @typedef {import('./protobuf.js').ProtoFile} ProtoFile
 *
 * @typedef {object} RawData the elements as little-endian bytes
 * @property {'raw'} kind
 * @property {Uint8Array} bytes a view of the file
 *
 * @typedef {object} ListData the elements as numbers in fields of the TensorProto, packed or one by one
 * @property {'list'} kind
 * @property {ProtoFile} file
 * @property {number} start of the TensorProto in it
 * @property {number} end
 * @property {ListField} field
 * @property {number} count of numbers in the list; of 4 bits two elements are in one
 *
 * @typedef {object} ExternalData the elements as little-endian bytes in another file
 * @property {'external'} kind
 * @property {string} location a path from the model's folder, of plain names
 * @property {number} offset in bytes
 * @property {number | undefined} length in bytes; by default as many as the elements take
 *
 * @typedef {object} OnnxTensor
 * @property {'tensor'} kind
 * @property {string} name may be empty, as of an attribute's value
 * @property {string} type of its elements: float32, int64 and so on, as element-types.js names them
 * @property {number[]} dims
 * @property {number} size how many elements there are, the product of dims
 * @property {RawData | ListData | ExternalData} data row-major; checked to be as much as it must be,
 *   but where it is external
 * @property {number} offset of its TensorProto in the file, for messages; 0 of what is not from there
 *
 * @typedef {object} OnnxSparseTensor zeros, but for some elements
 * @property {'sparse'} kind
 * @property {string} name
 * @property {string} type
 * @property {number[]} dims
 * @property {number} size of the whole tensor
 * @property {OnnxTensor} values of the elements that are given, [count]
 * @property {OnnxTensor} indices int64: [count] of positions in the whole, row-major, or [count, rank]
 *   of one along each axis
 * @property {number} offset
 */

/**
 * @typedef {object} Parts of a TensorProto
 * @property {string} name
 * @property {number} type
 * @property {Array<number | bigint>} dims
 * @property {Uint8Array | undefined} raw
 * @property {Map<ListField, number>} lists how many numbers are in each
 * @property {Map<string, string>} external
 * @property {boolean} isExternal
 */

/** @type {Record<number, (message: Message, parts: Parts) => void>} */
const TENSOR_FIELDS = {
  1: (message, { dims }) => message.addInt64s(dims),
  2: (message, parts) => void (parts.type = message.int32()),
  3: (message) => message.fail('the tensor is a segment of a larger one, which nothing writes'),
  4: (message, { lists }) => count(lists, 'float_data', message.fixed(4).length / 4),
  5: (message, { lists }) => count(lists, 'int32_data', message.countVarints()),
  6: (_message, { lists }) => count(lists, 'string_data', 1),
  7: (message, { lists }) => count(lists, 'int64_data', message.countVarints()),
  8: (message, parts) => void (parts.name = message.string()),
  9: (message, parts) => void (parts.raw = message.bytes()),
  10: (message, { lists }) => count(lists, 'double_data', message.fixed(8).length / 8),
  11: (message, { lists }) => count(lists, 'uint64_data', message.countVarints()),
  13: (message, { external }) => readEntry(message, external),
  14: (message, parts) => void (parts.isExternal = message.int32() === 1),
};

/**
 * @param {Map<ListField, number>} lists
 * @param {ListField} field
 * @param {number} more
 */
function count(lists, field, more) {
  lists.set(field, (lists.get(field) ?? 0) + more);
}

/**
 * @param {Message} message whose current field is a StringStringEntryProto
 * @param {Map<string, string>} entries to which it is added
 */
export function readEntry(message, entries) {
  const entry = message.message('the key and its value');
  let [key, value] = ['', ''];
  while (entry.next()) {
    if (entry.field === 1) key = entry.string();
    if (entry.field === 2) value = entry.string();
  }
  entries.set(key, value);
}

/**
 * @param {Message} message a TensorProto
 * @returns {OnnxTensor}
 * @throws {FileError}
 */
export function readTensor(message) {
  /** @type {Parts} */
  const parts = {
    ...{ name: '', type: 0, dims: [], raw: undefined },
    ...{ lists: new Map(), external: new Map(), isExternal: false },
  };
  while (message.next()) TENSOR_FIELDS[message.field]?.(message, parts);
  const fail = failure(message, `the tensor ${quote(parts.name)}`);
  const dims = parts.dims.map((dim) => checkDim(dim, fail));
  /** @type {Omit<OnnxTensor, 'data'>} */
  const tensor = {
    kind: 'tensor',
    name: parts.name,
    type: elementTypeName(parts.type),
    dims,
    size: sizeOf(dims, fail),
    offset: message.start,
  };
  return { ...tensor, data: findData(message, tensor, parts, fail) };
}

/** @typedef {(what: string) => never} Fail */

/**
 * @param {Message} message
 * @param {string} what
 * @returns {Fail}
 */
function failure(message, what) {
  return (wrong) => message.fail(`${what} ${wrong}`, message.start);
}

/**
 * @param {number | bigint} dim
 * @param {Fail} fail
 */
function checkDim(dim, fail) {
  return typeof dim === 'number' && dim >= 0 ? dim : fail(`has a dimension of ${dim}`);
}

/**
 * @param {number[]} dims
 * @param {Fail} fail
 * @returns {number}
 */
function sizeOf(dims, fail) {
  if (dims.includes(0)) return 0;
  const size = dims.reduce((product, dim) => product * dim, 1);
  return Number.isSafeInteger(size) ? size : fail(`has ${size} elements, which is too many`);
}

/**
 * @param {Message} message
 * @param {Omit<OnnxTensor, 'data'>} tensor
 * @param {Parts} parts
 * @param {Fail} fail
 * @returns {OnnxTensor['data']}
 */
function findData(message, tensor, parts, fail) {
  if (parts.isExternal) return findExternal(parts.external, fail);
  // Some writers leave empty fields of the other kinds behind.
  const lists = [...parts.lists].filter(([, length]) => length > 0);
  if (lists.length > 1 || (lists.length === 1 && parts.raw?.length)) {
    fail('holds its elements twice, in different fields');
  }
  if (lists.length === 1) return findList(message, tensor, lists[0], fail);
  const bytes = parts.raw ?? message.file.bytes.subarray(message.end, message.end);
  checkBytes(tensor, bytes.length, fail);
  return { kind: 'raw', bytes };
}

/**
 * @param {Message} message
 * @param {Omit<OnnxTensor, 'data'>} tensor
 * @param {[ListField, number]} list
 * @param {Fail} fail
 * @returns {ListData}
 */
function findList({ file, start, end }, tensor, [field, length], fail) {
  const { bits, list } = elementType(tensor.type);
  if (list !== field) fail(`of ${tensor.type} holds its elements in ${field}`);
  const expected = numbersFor(tensor.type, tensor.size);
  if (length !== expected && (bits > 0 || field === 'string_data')) {
    fail(`of ${tensor.dims.join('×') || 'one element'} has ${length} in ${field}, not ${expected}`);
  }
  return { kind: 'list', file, start, end, field, count: length };
}

/**
 * @param {string} type
 * @param {number} size
 * @returns {number} how many numbers a list of elements has
 */
function numbersFor(type, size) {
  const { bits } = elementType(type);
  if (type.startsWith('complex')) return 2 * size;
  return bits > 0 && bits < 8 ? Math.ceil((size * bits) / 8) : size;
}

/**
 * @param {{ type: string, size: number }} tensor
 * @returns {number | undefined} bytes that its elements take; undefined where that is not known
 */
export function byteLengthOf({ type, size }) {
  const { bits } = elementType(type);
  return bits === 0 && size > 0 ? undefined : Math.ceil((size * bits) / 8);
}

/**
 * @param {Omit<OnnxTensor, 'data'>} tensor
 * @param {number} length
 * @param {Fail} fail
 */
function checkBytes(tensor, length, fail) {
  const expected = byteLengthOf(tensor);
  if (expected === undefined ? length > 0 : length === expected) return;
  if (length === 0) fail('holds no elements, and has none elsewhere');
  const shape = tensor.dims.join('×') || 'one element';
  fail(`of ${shape} of ${tensor.type} has ${length} bytes, not ${expected}`);
}

/**
 * @param {Map<string, string>} entries
 * @param {Fail} fail
 * @returns {ExternalData}
 */
function findExternal(entries, fail) {
  const location = plainPath(entries.get('location') ?? '');
  if (location === undefined) {
    return fail(
      `is in another file, ${quote(entries.get('location') ?? '')}, which is no plain path`,
    );
  }
  const [offset, length] = ['offset', 'length'].map((key) => {
    const text = entries.get(key);
    if (text === undefined || text === '') return undefined;
    if (/^\d{1,15}$/.test(text)) return Number(text);
    return fail(`is in another file, and its ${key} there is ${quote(text)}`);
  });
  return { kind: 'external', location, offset: offset ?? 0, length };
}

/**
 * Whoever opens files by what a model says must not be led out of the model's folder.
 *
 * @param {string} location
 * @returns {string | undefined} a path of names alone; undefined if it is none
 */
function plainPath(location) {
  const names = location.split('/').filter((name) => name !== '.');
  const plain = names.every((name) => /^[^\\:\u0000-\u001f]+$/.test(name) && name !== '..');
  return plain && names.length > 0 ? names.join('/') : undefined;
}

/**
 * @param {Message} message a SparseTensorProto
 * @returns {OnnxSparseTensor}
 * @throws {FileError}
 */
export function readSparseTensor(message) {
  /** @type {{ values?: OnnxTensor, indices?: OnnxTensor, dims: Array<number | bigint> }} */
  const parts = { dims: [] };
  while (message.next()) {
    if (message.field === 1) parts.values = readTensor(message.message('the values'));
    if (message.field === 2) parts.indices = readTensor(message.message('the indices'));
    if (message.field === 3) message.addInt64s(parts.dims);
  }
  const { values, indices } = parts;
  const fail = failure(message, `the sparse tensor ${quote(values?.name ?? '')}`);
  if (!values || !indices) return fail('has no values or no indices');
  const dims = parts.dims.map((dim) => checkDim(dim, fail));
  checkIndices(values, indices, dims, fail);
  const { name, type } = values;
  const size = sizeOf(dims, fail);
  return { kind: 'sparse', name, type, dims, size, values, indices, offset: message.start };
}

/**
 * @param {OnnxTensor} values
 * @param {OnnxTensor} indices
 * @param {number[]} dims
 * @param {Fail} fail
 */
function checkIndices(values, indices, dims, fail) {
  const count = values.size;
  if (values.dims.length !== 1) fail(`has values of ${values.dims.length} dimensions, not of 1`);
  if (indices.type !== 'int64') fail(`has indices of ${indices.type}, not of int64`);
  const shape = indices.dims.join('×');
  if (shape === `${count}` || shape === `${count}×${dims.length}`) return;
  fail(
    `has ${count} values and indices of ${shape}; these must be ${count} or ${count}×${dims.length}`,
  );
}
