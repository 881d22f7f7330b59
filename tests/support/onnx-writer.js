// SPDX-License-Identifier: Apache-2.0

/** Writes protocol buffers and ONNX models, field by field: also such as no honest program writes. */

const utf8 = new TextEncoder();

/** A message being written; fields stand in the order in which they are added. */
export class Proto {
  /** @type {number[]} */
  #bytes = [];

  /** @param {bigint | number} value signed ones as 64 bits */
  varint(value) {
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest > 127n; rest >>= 7n) this.#bytes.push(Number(rest & 127n) | 128);
    this.#bytes.push(Number(rest));
    return this;
  }

  /**
   * @param {number} field
   * @param {number} wire
   */
  key(field, wire) {
    return this.varint(BigInt(field) * 8n + BigInt(wire));
  }

  /** @param {Iterable<number>} bytes as they are */
  raw(bytes) {
    for (const byte of bytes) this.#bytes.push(byte);
    return this;
  }

  /**
   * @param {number} field
   * @param {number | bigint} value
   */
  int(field, value) {
    return this.key(field, 0).varint(value);
  }

  /**
   * @param {number} field
   * @param {number} value
   */
  float(field, value) {
    return this.key(field, 5).raw(bytesOf(Float32Array.of(value)));
  }

  /**
   * @param {number} field
   * @param {number} value
   */
  double(field, value) {
    return this.key(field, 1).raw(bytesOf(Float64Array.of(value)));
  }

  /**
   * @param {number} field
   * @param {string | Uint8Array | Proto} value
   */
  bytes(field, value) {
    const content = typeof value === 'string' ? utf8.encode(value) : value;
    const bytes = content instanceof Proto ? content.finish() : content;
    return this.key(field, 2).varint(bytes.length).raw(bytes);
  }

  /**
   * @param {number} field
   * @param {Iterable<number | bigint>} values
   */
  packed(field, values) {
    const list = new Proto();
    for (const value of values) list.varint(value);
    return this.bytes(field, list);
  }

  /**
   * Each of a list, if there is one.
   *
   * @template T
   * @param {Iterable<T> | undefined} list
   * @param {(value: T) => unknown} add
   */
  each(list, add) {
    for (const value of list ?? []) add(value);
    return this;
  }

  /** @returns {Uint8Array<ArrayBuffer>} */
  finish() {
    return Uint8Array.from(this.#bytes);
  }
}

/** @param {ArrayBufferView} array */
export function bytesOf({ buffer, byteOffset, byteLength }) {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** TensorProto.DataType */
export const TYPES = {
  ...{ float32: 1, uint8: 2, int8: 3, uint16: 4, int16: 5, int32: 6, int64: 7, string: 8, bool: 9 },
  ...{ float16: 10, float64: 11, uint32: 12, uint64: 13, complex64: 14, complex128: 15 },
  ...{ bfloat16: 16, float8e4m3fn: 17, float8e4m3fnuz: 18, float8e5m2: 19, float8e5m2fnuz: 20 },
  ...{ uint4: 21, int4: 22, float4e2m1: 23, float8e8m0: 24, uint2: 25, int2: 26 },
};

/** @typedef {keyof typeof TYPES} TypeName */

/**
 * @param {string} name
 * @param {TypeName} type
 * @param {Array<number | bigint>} dims
 * @param {Uint8Array | ArrayBufferView} [raw]
 * @returns {Proto} a TensorProto, to which other data may be added
 */
export function tensor(name, type, dims, raw) {
  const proto = new Proto();
  for (const dim of dims) proto.int(1, dim);
  proto.int(2, TYPES[type]).bytes(8, name);
  return raw ? proto.bytes(9, bytesOf(raw)) : proto;
}

/**
 * @param {Proto} proto a TensorProto
 * @param {Record<string, string>} entries
 * @returns {Proto}
 */
export function inFile(proto, entries) {
  for (const [key, value] of Object.entries(entries)) proto.bytes(13, entry(key, value));
  return proto.int(14, 1);
}

/**
 * @param {string} key
 * @param {string} value
 */
export function entry(key, value) {
  return new Proto().bytes(1, key).bytes(2, value);
}

/**
 * @param {Proto} values
 * @param {Proto} indices
 * @param {number[]} dims
 * @returns {Proto} a SparseTensorProto
 */
export function sparse(values, indices, dims) {
  const proto = new Proto().bytes(1, values).bytes(2, indices);
  for (const dim of dims) proto.int(3, dim);
  return proto;
}

/**
 * @typedef {{ float: number } | { int: number | bigint } | { string: string | Uint8Array }
 *   | { tensor: Proto } | { graph: Proto } | { sparse_tensor: Proto } | { type: Proto }
 *   | { floats: number[] } | { ints: Array<number | bigint> } | { strings: string[] }
 *   | { tensors: Proto[] } | { graphs: Proto[] } | { sparse_tensors: Proto[] } | { types: Proto[] }
 *   | { reference: string, type?: number }} AttributeValue
 */

/** The field of each kind, and its number as a type. @type {Record<string, [field: number, type: number]>} */
const ATTRIBUTES = {
  ...{ float: [2, 1], int: [3, 2], string: [4, 3], tensor: [5, 4], graph: [6, 5] },
  ...{ floats: [7, 6], ints: [8, 7], strings: [9, 8], tensors: [10, 9], graphs: [11, 10] },
  ...{ sparse_tensor: [22, 11], sparse_tensors: [23, 12], type: [14, 13], types: [15, 14] },
};

/**
 * @param {string} name
 * @param {AttributeValue} value
 * @param {boolean} [typed] the oldest files do not say the type
 * @returns {Proto} an AttributeProto
 */
export function attribute(name, value, typed = true) {
  const proto = new Proto().bytes(1, name);
  if ('reference' in value) return proto.bytes(21, value.reference).int(20, value.type ?? 0);
  const [[kind, content]] = Object.entries(value);
  const [field, type] = ATTRIBUTES[kind];
  for (const each of Array.isArray(content) ? content : [content]) {
    if (kind.startsWith('float')) proto.float(field, each);
    else if (kind.startsWith('int')) proto.int(field, each);
    else proto.bytes(field, each);
  }
  return typed ? proto.int(20, type) : proto;
}

/**
 * @typedef {object} NodeParts
 * @property {string} [name]
 * @property {string} [domain]
 * @property {string} [overload]
 * @property {Record<string, AttributeValue>} [attributes]
 */

/**
 * @param {string} opType
 * @param {string[]} inputs
 * @param {string[]} outputs
 * @param {NodeParts} [parts]
 * @returns {Proto} a NodeProto
 */
export function node(opType, inputs, outputs, parts = {}) {
  const { name, domain, overload, attributes = {} } = parts;
  const proto = new Proto();
  proto.each(inputs, (input) => proto.bytes(1, input));
  proto.each(outputs, (output) => proto.bytes(2, output));
  if (name) proto.bytes(3, name);
  proto.bytes(4, opType);
  proto.each(Object.entries(attributes), ([key, value]) => proto.bytes(5, attribute(key, value)));
  if (domain) proto.bytes(7, domain);
  return overload ? proto.bytes(8, overload) : proto;
}

/**
 * @param {TypeName} type
 * @param {Array<number | string | undefined>} [shape]
 * @returns {Proto} a TypeProto
 */
export function tensorType(type, shape) {
  const inner = new Proto().int(1, TYPES[type]);
  if (shape) {
    const dims = new Proto();
    for (const dim of shape) {
      const one = new Proto();
      if (typeof dim === 'number') one.int(1, dim);
      else if (dim !== undefined) one.bytes(2, dim);
      dims.bytes(1, one);
    }
    inner.bytes(2, dims);
  }
  return new Proto().bytes(1, inner);
}

/**
 * @param {string} name
 * @param {Proto} [type]
 * @returns {Proto} a ValueInfoProto
 */
export function value(name, type) {
  const proto = new Proto().bytes(1, name);
  return type ? proto.bytes(2, type) : proto;
}

/**
 * @typedef {object} GraphParts
 * @property {string} [name]
 * @property {Proto[]} [nodes]
 * @property {Proto[]} [initializers]
 * @property {Proto[]} [sparse]
 * @property {Proto[]} [inputs]
 * @property {Proto[]} [outputs]
 * @property {Proto[]} [values]
 */

/**
 * @param {GraphParts} parts
 * @returns {Proto} a GraphProto
 */
export function graph({
  name = 'g',
  nodes,
  initializers,
  sparse: sparses,
  inputs,
  outputs,
  values,
}) {
  const proto = new Proto();
  proto.each(nodes, (each) => proto.bytes(1, each)).bytes(2, name);
  proto.each(initializers, (each) => proto.bytes(5, each));
  proto.each(inputs, (each) => proto.bytes(11, each));
  proto.each(outputs, (each) => proto.bytes(12, each));
  proto.each(values, (each) => proto.bytes(13, each));
  return proto.each(sparses, (each) => proto.bytes(15, each));
}

/**
 * @param {string} name
 * @param {string[]} inputs
 * @param {string[]} outputs
 * @param {Proto[]} nodes
 * @param {{ attributes?: string[], defaults?: Record<string, AttributeValue>, overload?: string,
 *   opsets?: Record<string, number>, values?: Proto[], domain?: string }} [parts]
 * @returns {Proto} a FunctionProto, of the domain `own`
 */
export function func(name, inputs, outputs, nodes, parts = {}) {
  const {
    attributes,
    defaults = {},
    overload,
    opsets = { '': 17 },
    values,
    domain = 'own',
  } = parts;
  const proto = new Proto().bytes(1, name);
  proto.each(inputs, (each) => proto.bytes(4, each));
  proto.each(outputs, (each) => proto.bytes(5, each));
  proto.each(attributes, (each) => proto.bytes(6, each));
  proto.each(nodes, (each) => proto.bytes(7, each));
  proto.each(Object.entries(opsets), (each) => proto.bytes(9, opset(...each)));
  proto.bytes(10, domain);
  proto.each(Object.entries(defaults), ([key, each]) => proto.bytes(11, attribute(key, each)));
  proto.each(values, (each) => proto.bytes(12, each));
  return overload ? proto.bytes(13, overload) : proto;
}

/**
 * @param {string} domain
 * @param {number} version
 */
function opset(domain, version) {
  const proto = new Proto();
  if (domain) proto.bytes(1, domain);
  return proto.int(2, version);
}

/**
 * @param {Proto | GraphParts} content
 * @param {{ irVersion?: number, opsets?: Record<string, number>, functions?: Proto[],
 *   metadata?: Record<string, string> }} [parts]
 * @returns {Uint8Array<ArrayBuffer>} the file, a ModelProto
 */
export function model(content, parts = {}) {
  const { irVersion = 8, opsets = { '': 17 }, functions, metadata = {} } = parts;
  const proto = new Proto().int(1, irVersion).bytes(2, 'onnx-writer');
  proto.bytes(7, content instanceof Proto ? content : graph(content));
  proto.each(Object.entries(opsets), (each) => proto.bytes(8, opset(...each)));
  proto.each(Object.entries(metadata), (each) => proto.bytes(14, entry(...each)));
  return proto.each(functions, (each) => proto.bytes(25, each)).finish();
}
