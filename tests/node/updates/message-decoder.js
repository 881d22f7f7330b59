// SPDX-License-Identifier: Apache-2.0

/**
 * A decoder of messages written from cpp/lowtropy/updates/FORMAT.md alone: slow, plain, and sharing no
 * code with the library.
 */

/**
 * @typedef {object} Decoded one tensor: where `positions` is missing, `values` has all elements
 * @property {number} size
 * @property {number[]} [positions]
 * @property {number[]} values
 *
 * @typedef {object} Content
 * @property {number} method
 * @property {number} sender
 * @property {number} round
 * @property {number} layout
 * @property {Decoded[]} tensors
 *
 * @typedef {object} Head
 * @property {number} size
 * @property {boolean} dense
 * @property {number} count
 * @property {number} fillers
 * @property {number} value or magnitude
 * @property {number} parameter
 *
 * @typedef {object} Options
 * @property {number} [step]
 * @property {number} [levels]
 * @property {number} [bucket]
 * @property {number} [sparsity]
 */

const [NONE, FP16, FEDAVG, SIGNSGD, TERNGRAD, QSGD, TOPK, STC, SBC] = [1, 2, 3, 4, 5, 6, 7, 8, 9];
const FILLER = 65535;
const GOLDEN_FRACTION = 0.6180339887498949;

/** @param {unknown} condition */
function demand(condition, what = 'it is no message') {
  if (!condition) throw new Error(what);
}

/** @param {number} value */
function finite(value) {
  demand(Number.isFinite(value), 'not finite');
  return value;
}

/**
 * @param {Uint8Array} bytes
 * @param {number} [before] the sum of what comes before them
 */
export function crc32(bytes, before = 0) {
  let sum = ~before;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; ++bit) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return ~sum >>> 0;
}

/** Bytes, and bits among them. */
class Reader {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = 0;
    this.bit = 0; // of the byte at `at`
  }

  /** @param {number} count */
  skip(count) {
    const from = this.at;
    demand(from + count <= this.bytes.length, 'bytes are missing');
    this.at += count;
    return from;
  }

  u8 = () => this.view.getUint8(this.skip(1));
  u16 = () => this.view.getUint16(this.skip(2), true);
  u32 = () => this.view.getUint32(this.skip(4), true);
  float = () => finite(this.view.getFloat32(this.skip(4), true));

  varint() {
    let number = 0;
    for (let i = 0; ; ++i) {
      const byte = this.u8();
      number += (byte % 128) * 128 ** i;
      if (byte >= 128) continue;
      demand(number <= 4294967295 && !(i > 0 && byte === 0), 'a varint');
      return number;
    }
  }

  /** @param {number} count */
  bits(count) {
    let number = 0;
    for (let i = 0; i < count; ++i) {
      demand(this.at < this.bytes.length, 'bits are missing');
      number += ((this.bytes[this.at] >> this.bit) & 1) * 2 ** i;
      this.bit = (this.bit + 1) % 8;
      if (this.bit === 0) ++this.at;
    }
    return number;
  }

  flag = () => this.bits(1) === 1;

  floatBits() {
    const scratch = new DataView(new ArrayBuffer(4));
    scratch.setUint32(0, this.bits(32));
    return finite(scratch.getFloat32(0));
  }

  magnitude() {
    const value = this.floatBits();
    demand(value >= 0 && !Object.is(value, -0), 'a negative magnitude');
    return value;
  }

  number() {
    let number = 0;
    for (let i = 0; i < 12; ++i) {
      const group = this.bits(3);
      number += group * 8 ** i;
      if (this.flag()) continue;
      demand(!(i > 0 && group === 0), 'a number that is longer than it need be');
      return number;
    }
    throw new Error('a number that is too long');
  }

  ones() {
    let count = 0;
    while (this.flag()) ++count;
    return count;
  }

  align() {
    while (this.bit !== 0) demand(!this.flag(), 'padding');
  }
}

/**
 * @param {number} count
 * @param {number} size
 */
export function riceParameter(count, size) {
  let x = (size - count) / size;
  let b = 0;
  for (; x >= GOLDEN_FRACTION && b < 31; ++b) x *= x;
  return b;
}

/** @param {number} half */
function valueOfHalf(half) {
  const sign = half >> 15 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = (half & 1023) / 1024;
  demand(exponent < 31, 'not finite');
  return sign * (exponent === 0 ? fraction * 2 ** -14 : (1 + fraction) * 2 ** (exponent - 15));
}

/**
 * @param {Reader} reader
 * @param {number} method
 * @returns {Options}
 */
function readOptions(reader, method) {
  if (method === SIGNSGD) {
    const step = reader.float();
    demand(step > 0, 'the step');
    return { step };
  }
  if (method === QSGD) {
    const [levels, bucket] = [reader.varint(), reader.varint()];
    demand(levels >= 1 && levels <= 65535 && bucket >= 1, 'levels or bucket');
    return { levels, bucket };
  }
  if (method < TOPK) return {};
  const sparsity = reader.float();
  demand(sparsity > 0 && sparsity <= 1, 'the sparsity');
  return { sparsity };
}

/**
 * @param {Reader} reader
 * @param {number} before the size of the tensor before; 0 for the first
 */
function readSize(reader, before) {
  if (reader.flag()) {
    demand(before > 0, 'no size before');
    return before;
  }
  const e = reader.bits(5);
  const size = (2 * reader.number() + 1) * 2 ** e;
  demand(size <= 4294967295 && size !== before, 'a size');
  return size;
}

/**
 * @param {Reader} reader
 * @param {number} method
 * @param {Options} options
 * @param {number} before
 * @returns {Head}
 */
function readHead(reader, method, options, before) {
  const head = { size: readSize(reader, before), dense: false, count: 0, fillers: 0 };
  const nothing = { value: 0, parameter: 0 };
  if (method === TERNGRAD) return { ...head, ...nothing, value: reader.magnitude() };
  if (method < TOPK) return { ...head, ...nothing };
  head.dense = reader.flag();
  if (head.dense) return { ...head, ...nothing };
  const product = /** @type {number} */ (options.sparsity) * head.size;
  const expected = Math.min(head.size, Math.max(1, Math.floor(product + 0.5)));
  head.count = expected;
  if (!reader.flag()) {
    head.count = reader.number();
    demand(head.count <= head.size && head.count !== expected, 'a count');
  }
  if (method === TOPK) {
    head.fillers = reader.number();
    return { ...head, ...nothing };
  }
  if (head.count === 0) return { ...head, ...nothing };
  const value = method === STC ? reader.magnitude() : reader.floatBits();
  const parameter = reader.bits(5);
  demand(value !== 0 && parameter === riceParameter(head.count, head.size), 'a value or parameter');
  return { ...head, value, parameter };
}

/**
 * @template T
 * @param {number} count
 * @param {(i: number) => T} read
 */
const times = (count, read) => Array.from({ length: count }, (_, i) => read(i));

/**
 * @param {Reader} reader
 * @param {Head} head
 * @returns {Decoded}
 */
function readGaps(reader, { size, count, fillers }) {
  const gaps = times(count + fillers, reader.u16);
  demand(gaps.at(-1) !== FILLER, 'a filler at the end');
  /** @type {number[]} */
  const positions = [];
  let next = 0;
  for (const gap of gaps) {
    next += gap;
    if (gap !== FILLER) positions.push(next++);
  }
  demand(positions.length === count && next <= size, 'gaps');
  return { size, positions, values: times(count, reader.float) };
}

/**
 * @param {Reader} reader
 * @param {number} size
 * @param {number} step
 */
function readSigns(reader, size, step) {
  const values = times(size, () => (reader.flag() ? -step : step));
  reader.align();
  return values;
}

/**
 * @param {Reader} reader
 * @param {number} size
 * @param {number} magnitude
 */
function readTrits(reader, size, magnitude) {
  const values = [];
  while (values.length < size) {
    let byte = reader.u8();
    for (let i = 0; i < 5 && values.length < size; ++i) {
      values.push([0, magnitude, -magnitude][byte % 3]);
      byte = Math.floor(byte / 3);
    }
    demand(byte === 0, 'trits');
  }
  return values;
}

/**
 * @param {Reader} reader
 * @param {Head} head
 * @param {number} method
 * @param {Options} options
 * @returns {Decoded | undefined} what has an array
 */
function readArray(reader, head, method, options) {
  const { size, dense, value } = head;
  if (dense || method === NONE || method === FEDAVG) {
    return { size, values: times(size, reader.float) };
  }
  if (method === FP16) return { size, values: times(size, () => valueOfHalf(reader.u16())) };
  if (method === SIGNSGD) return { size, values: readSigns(reader, size, Number(options.step)) };
  if (method === TERNGRAD) return { size, values: readTrits(reader, size, value) };
  return method === TOPK ? readGaps(reader, head) : undefined;
}

/**
 * @param {Reader} reader
 * @param {number} size
 * @param {Options} options
 */
function readLevels(reader, size, { levels = 0, bucket = 0 }) {
  const values = [];
  while (values.length < size) {
    const magnitude = reader.magnitude();
    for (let i = 0; i < bucket && values.length < size; ++i) {
      const n = reader.ones();
      const level = 2 ** n + reader.bits(n) - 1;
      demand(level <= levels && (level === 0 || magnitude > 0), 'a level');
      const sign = level > 0 && reader.flag() ? -1 : 1;
      values.push(sign * Math.fround(magnitude * Math.fround(level / levels)));
    }
  }
  return values;
}

/**
 * @param {Reader} reader
 * @param {Head} head
 * @param {number} method
 * @param {Options} options
 * @returns {Decoded}
 */
function readCodes(reader, { size, count, parameter, value }, method, options) {
  if (method === QSGD) return { size, values: readLevels(reader, size, options) };
  /** @type {number[]} */
  const positions = [];
  let next = 0;
  for (let i = 0; i < count; ++i) {
    next += reader.ones() * 2 ** parameter;
    next += reader.bits(parameter);
    demand(next < size, 'a position');
    positions.push(next++);
  }
  const signed = () => (reader.flag() ? -value : value);
  return { size, positions, values: times(count, method === STC ? signed : () => value) };
}

/**
 * @param {Uint8Array} bytes
 * @returns {Content}
 * @throws {Error} for what is no message
 */
export function decode(bytes) {
  demand(bytes.length >= 8 && bytes[0] === 0x53 && bytes[1] === 0x42 && bytes[2] === 1);
  const content = bytes.subarray(0, -4);
  demand(new Reader(bytes.subarray(-4)).u32() === crc32(content), 'the checksum');
  const reader = new Reader(content);
  reader.skip(3);
  const method = reader.u8();
  demand(method >= NONE && method <= SBC, 'the method');
  const [sender, round, layout] = [reader.varint(), reader.varint(), reader.u32()];
  const count = reader.varint();
  demand(count > 0 && 7 * count <= 8 * content.length, 'the number of tensors');
  const options = readOptions(reader, method);
  /** @type {Head[]} */
  const heads = [];
  for (let i = 0; i < count; ++i) {
    heads.push(readHead(reader, method, options, heads.at(-1)?.size ?? 0));
  }
  reader.align();
  const arrays = heads.map((head) => readArray(reader, head, method, options));
  const tensors = heads.map((head, i) => arrays[i] ?? readCodes(reader, head, method, options));
  reader.align();
  demand(reader.at === content.length, 'bytes that are left');
  return { method, sender, round, layout, tensors };
}
