// SPDX-License-Identifier: Apache-2.0

/**
 * Reads as much of an ONNX model as it takes to compare architectures: nodes with their attributes,
 * and the dimensions of constants, but not their values.
 */

/**
 * @typedef {object} OnnxNode
 * @property {string} op as ONNX calls it
 * @property {string[]} inputs names of values and constants
 * @property {string[]} outputs
 * @property {Record<string, number | number[] | string>} attributes
 *
 * @typedef {object} OnnxModel
 * @property {OnnxNode[]} nodes in the file's order, which is one of execution
 * @property {Map<string, number[]>} constants dimensions by name: initializers and ConstantOfShape
 * @property {Array<{ name: string, dims: number[] }>} inputs constants among them, in old files
 * @property {string[]} outputs
 */

/** Wire types of protocol buffers */
const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

const utf8 = new TextDecoder();

/** The fields of one protocol buffers message, by number, each in the order of the file. */
class Fields {
  /** @type {Map<number, Array<number | Uint8Array>>} */
  #fields = new Map();

  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.offset = 0;
    while (this.offset < bytes.length) {
      const key = this.#varint();
      const number = Math.floor(key / 8);
      const list = this.#fields.get(number) ?? [];
      list.push(this.#value(key % 8));
      this.#fields.set(number, list);
    }
  }

  /** @returns {number} a signed integer; exact up to 2^53 */
  #varint() {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.view.getUint8(this.offset++);
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return Number(BigInt.asIntN(64, value));
    }
  }

  /**
   * @param {number} type
   * @returns {number | Uint8Array}
   */
  #value(type) {
    if (type === VARINT) return this.#varint();
    const length = type === FIXED64 ? 8 : type === FIXED32 ? 4 : this.#length(type);
    const start = this.offset;
    this.offset += length;
    if (this.offset > this.bytes.length) throw new Error(`A field ends at ${this.offset}.`);
    if (type === FIXED32) return this.view.getFloat32(start, true);
    return this.bytes.subarray(start, this.offset);
  }

  /** @param {number} type */
  #length(type) {
    if (type !== LENGTH_DELIMITED) throw new Error(`There is no wire type ${type}.`);
    return this.#varint();
  }

  /** @param {number} field */
  bytesOf(field) {
    return /** @type {Uint8Array[]} */ (this.#fields.get(field) ?? []);
  }

  /** @param {number} field */
  messages(field) {
    return this.bytesOf(field).map((bytes) => new Fields(bytes));
  }

  /** @param {number} field */
  strings(field) {
    return this.bytesOf(field).map((bytes) => utf8.decode(bytes));
  }

  /** @param {number} field @returns {number[]} packed or one by one */
  numbers(field) {
    return (this.#fields.get(field) ?? []).flatMap((value) =>
      typeof value === 'number' ? [value] : packed(value),
    );
  }
}

/** @param {Uint8Array} bytes */
function packed(bytes) {
  // A message whose only field is field 1, one varint after the other.
  const wrapped = [];
  for (let start = 0, at = 0; at < bytes.length; ++at) {
    if (bytes[at] < 128) {
      wrapped.push(8, ...bytes.subarray(start, at + 1));
      start = at + 1;
    }
  }
  return wrapped.length === 0 ? [] : new Fields(Uint8Array.from(wrapped)).numbers(1);
}

/**
 * @param {Fields} attribute an AttributeProto
 * @returns {number | number[] | string | undefined}
 */
function attributeValue(attribute) {
  const [[integer], [float]] = [attribute.numbers(3), attribute.numbers(2)];
  const integers = attribute.numbers(8);
  if (integers.length > 0) return integers;
  return integer ?? float ?? attribute.strings(4)[0];
}

/**
 * @param {Fields} node a NodeProto
 * @returns {OnnxNode}
 */
function readNode(node) {
  const attributes = node.messages(5).flatMap((attribute) => {
    const value = attributeValue(attribute);
    return value === undefined ? [] : [[attribute.strings(1)[0], value]];
  });
  return {
    op: node.strings(4)[0],
    inputs: node.strings(1),
    outputs: node.strings(2),
    attributes: Object.fromEntries(attributes),
  };
}

/** @param {Fields} value a ValueInfoProto */
function readValue(value) {
  const [type] = value.messages(2);
  const [tensor] = type.messages(1);
  const [shape] = tensor.messages(2);
  const dims = shape.messages(1).map((dim) => dim.numbers(1)[0]);
  return { name: value.strings(1)[0], dims };
}

/**
 * The elements of a small tensor of 64-bit integers.
 *
 * @param {Fields} tensor a TensorProto
 */
function readIntegers(tensor) {
  const [raw] = tensor.bytesOf(9);
  if (!raw) return tensor.numbers(7);
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  return Array.from({ length: raw.length / 8 }, (_, i) => Number(view.getBigInt64(8 * i, true)));
}

/**
 * @param {Uint8Array} file a ModelProto
 * @returns {OnnxModel} without the nodes that only make constants
 */
export function readOnnx(file) {
  const [graph] = new Fields(file).messages(7);
  const initializers = new Map(graph.messages(5).map((tensor) => [tensor.strings(8)[0], tensor]));
  const constants = new Map([...initializers].map(([name, tensor]) => [name, tensor.numbers(1)]));
  const nodes = graph.messages(1).map(readNode);
  for (const { op, inputs, outputs } of nodes) {
    const shape = initializers.get(inputs[0]);
    if (op === 'ConstantOfShape' && shape) constants.set(outputs[0], readIntegers(shape));
  }
  return {
    nodes: nodes.filter(({ op }) => op !== 'ConstantOfShape'),
    constants,
    inputs: graph.messages(11).map(readValue),
    outputs: graph
      .messages(12)
      .map(readValue)
      .map(({ name }) => name),
  };
}
