// SPDX-License-Identifier: Apache-2.0

/**
 * Reads the wire format of protocol buffers where it lies: https://protobuf.dev/programming-guides/encoding.
 * A message is a run of fields; each is a key, which is its number and how it is written, and a value.
 * What is long is given as a view of the file, never as a copy. This knows no schema: the caller asks of
 * each field what it takes it for, and what nobody asks for is stepped over.
 */

import { FileError, LimitError } from '../../core/errors.js';
import { makeTextDecoder } from '../../core/places.js';

/** How a value is written. Groups, which are 3 and 4, are older than ONNX. */
export const WIRE = Object.freeze({ varint: 0, fixed64: 1, delimited: 2, fixed32: 5 });

/** @type {Map<number, string>} */
const WIRE_NAMES = new Map([
  [WIRE.varint, 'a varint'],
  [WIRE.fixed64, '8 bytes'],
  [WIRE.delimited, 'bytes with their length'],
  [WIRE.fixed32, '4 bytes'],
]);

/** What does not occur, by the wire type. @type {Record<number, string>} */
const REFUSED = {
  ...{ 3: 'begins a group, as nothing of ONNX does', 4: 'ends a group that there is not' },
  ...{
    6: 'has the wire type 6, which means nothing',
    7: 'has the wire type 7, which means nothing',
  },
};

/** Messages within messages; protocol buffers' own libraries stop at 100 as well. */
export const MAX_DEPTH = 100;

/**
 * What a file may be made of, so that what is held of it stays small: an empty message has two bytes in
 * the file, and some hundred here. Counted are numbers in lists, of which a message or a string is worth
 * as many as it takes. Of real networks none has more than 3 for each byte that is no weight; one with
 * thirty thousand nodes has some 2^23.
 */
export const MAX_PARTS = 2 ** 24;
const PART_COST = 16;
const PARTS_PER_BYTE = 6;
/** As many as any file may have. */
const FREE_PARTS = 2 ** 18;

const MAX_VARINT_BYTES = 10;
const MAX_FIELD = 2 ** 29 - 1;
const TWO_TO_32 = 2 ** 32;

/** @type {TextDecoder | undefined} */
let utf8Decoder;

const QUOTED_LENGTH = 60;

/**
 * @param {string} name from a file, where it may hold anything
 * @returns {string} in quotes and on one line, as much of it as a sentence has room for
 */
export function quote(name) {
  const shown = name.length > QUOTED_LENGTH ? `${name.slice(0, QUOTED_LENGTH)}…` : name;
  return JSON.stringify(shown);
}

/** A file, and how many parts of it were read. */
export class ProtoFile {
  #parts = 0;

  /**
   * @param {Uint8Array} bytes
   * @param {string} what for messages, as "the ONNX model"
   */
  constructor(bytes, what) {
    this.bytes = bytes;
    this.what = what;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    /** How many parts it may have. */
    this.maxParts = Math.min(MAX_PARTS, FREE_PARTS + PARTS_PER_BYTE * bytes.length);
  }

  /** @returns {Message} the whole file */
  root() {
    return new Message(this, this.what, 0, this.bytes.length, 0);
  }

  /** @param {number} count */
  spend(count) {
    this.#parts += count;
    if (this.#parts <= this.maxParts) return;
    throw new LimitError(
      `${upper(this.what)} is made of too many parts: beside the elements of tensors it may have ` +
        `${this.maxParts} numbers, of which a string or a message counts as ${PART_COST}.`,
    );
  }

  /**
   * @param {string} what
   * @param {number} offset
   * @returns {never}
   */
  fail(what, offset) {
    throw new FileError(`${upper(this.what)} is damaged at byte ${offset}: ${what}.`);
  }
}

/** @param {string} text */
function upper(text) {
  return text[0].toUpperCase() + text.slice(1);
}

/**
 * The fields of one message, one after the other:
 *
 *     while (message.next()) {
 *       if (message.field === 1) name = message.string();
 *     }
 *
 * `next` goes to the next field, whether or not the value of this one was read.
 */
export class Message {
  /** The number of the current field. */
  field = 0;
  /** How its value is written. @type {number} */
  wire = WIRE.varint;
  /** Where its value begins, behind the length if there is one, and where it ends. */
  #from = 0;
  #to = 0;
  /** Of the varint that was read last. */
  #low = 0;
  #high = 0;

  /**
   * @param {ProtoFile} file
   * @param {string} what for messages, as "the node"
   * @param {number} start
   * @param {number} end
   * @param {number} depth
   */
  constructor(file, what, start, end, depth) {
    this.file = file;
    this.what = what;
    this.start = start;
    this.end = end;
    this.depth = depth;
    this.offset = start;
  }

  /**
   * @param {string} what
   * @param {number} [offset] in the file
   * @returns {never}
   */
  fail(what, offset = this.#from) {
    return this.file.fail(what, offset);
  }

  /** @returns {boolean} whether there is one more field */
  next() {
    if (this.offset >= this.end) return false;
    const start = this.offset;
    this.#from = start;
    this.#readVarint('a key');
    const key = this.#low >>> 0;
    this.field = key >>> 3;
    this.wire = key & 7;
    if (this.#high !== 0 || this.field === 0 || this.field > MAX_FIELD) {
      this.fail(`there is no field with this number in ${this.what}`, start);
    }
    this.#from = this.offset;
    this.#findEnd(start);
    this.offset = this.#to;
    return true;
  }

  /** @param {number} key where the field begins */
  #findEnd(key) {
    if (this.wire === WIRE.varint) {
      this.#readVarint(`field ${this.field}`);
      this.#to = this.offset;
    } else if (this.wire === WIRE.delimited) {
      this.#readVarint(`the length of field ${this.field}`);
      this.#from = this.offset;
      this.#take(this.#high * TWO_TO_32 + (this.#low >>> 0));
    } else if (this.wire === WIRE.fixed64) this.#take(8);
    else if (this.wire === WIRE.fixed32) this.#take(4);
    else this.fail(`field ${this.field} of ${this.what} ${REFUSED[this.wire]}`, key);
  }

  /** @param {number} length of the value, which begins at `#from` */
  #take(length) {
    const left = this.end - this.#from;
    if (length > left) {
      this.fail(`field ${this.field} of ${this.what} has ${length} bytes, and ${left} are there`);
    }
    this.#to = this.#from + length;
  }

  /** @param {string} what */
  #readVarint(what) {
    const { bytes } = this.file;
    this.#low = 0;
    this.#high = 0;
    const start = this.offset;
    for (let shift = 0; ; shift += 7) {
      if (this.offset >= this.end) this.fail(`${what} of ${this.what} is cut off`, start);
      if (this.offset - start >= MAX_VARINT_BYTES) {
        this.fail(`${what} of ${this.what} has more than ${MAX_VARINT_BYTES} bytes`, start);
      }
      const byte = bytes[this.offset++];
      const bits = byte & 127;
      if (shift < 32) this.#low |= bits << shift;
      if (shift >= 32) this.#high |= bits << (shift - 32);
      else if (shift === 28) this.#high |= bits >>> 4;
      if (byte < 128) break;
    }
    this.#high >>>= 0;
  }

  /** @param {number} wire */
  #need(wire) {
    if (this.wire === wire) return;
    const [found, wanted] = [this.wire, wire].map((each) => WIRE_NAMES.get(each));
    this.fail(`field ${this.field} of ${this.what} is ${found}, and must be ${wanted}`);
  }

  /** Reads the varint of the current field once more. */
  #value() {
    this.#need(WIRE.varint);
    this.offset = this.#from;
    this.#readVarint('a number');
  }

  /** @returns {number | bigint} signed, of 64 bits: a bigint where a number would not be exact */
  int64() {
    this.#value();
    return signed(this.#low, this.#high);
  }

  /** @returns {number} signed, of 64 bits; refused beyond the safe integers */
  integer() {
    const value = this.int64();
    if (typeof value === 'number') return value;
    return this.fail(`field ${this.field} of ${this.what} is ${value}, which is too large`);
  }

  /** @returns {number} signed, the lower 32 bits, as protocol buffers read an int32 */
  int32() {
    this.#value();
    return this.#low | 0;
  }

  /** @returns {number} */
  float() {
    this.#need(WIRE.fixed32);
    return this.file.view.getFloat32(this.#from, true);
  }

  /** @returns {Uint8Array} a view of the file */
  bytes() {
    this.#need(WIRE.delimited);
    return this.file.bytes.subarray(this.#from, this.#to);
  }

  /** @returns {string} */
  string() {
    const bytes = this.bytes();
    this.file.spend(PART_COST + (bytes.length >>> 3));
    return decodeUtf8(bytes) ?? this.fail(`field ${this.field} of ${this.what} is no UTF-8`);
  }

  /**
   * @param {string} what it is, as "the node"
   * @returns {Message}
   */
  message(what) {
    this.#need(WIRE.delimited);
    if (this.depth >= MAX_DEPTH)
      this.fail(`there are more than ${MAX_DEPTH} messages in each other`);
    this.file.spend(PART_COST);
    return new Message(this.file, what, this.#from, this.#to, this.depth + 1);
  }

  /**
   * The numbers of a list, which may be packed into one field or stand in one each.
   *
   * @param {Array<number | bigint>} list to which they are added
   */
  addInt64s(list) {
    this.eachVarint((low, high) => {
      this.file.spend(1);
      list.push(signed(low, high));
    });
  }

  /** @param {number[]} list to which they are added */
  addFloats(list) {
    const { view } = this.file;
    const bytes = this.fixed(4);
    this.file.spend(bytes.length / 4);
    for (let at = this.#from; at < this.#to; at += 4) list.push(view.getFloat32(at, true));
  }

  /**
   * The varints of the current field, one or packed.
   *
   * @param {(low: number, high: number) => void} take their halves, unsigned
   */
  eachVarint(take) {
    if (this.wire === WIRE.varint) {
      this.#value();
      take(this.#low >>> 0, this.#high);
      return;
    }
    this.#need(WIRE.delimited);
    const [from, to] = [this.#from, this.#to];
    const packed = new Message(this.file, this.what, from, to, this.depth);
    while (packed.offset < to) {
      packed.#readVarint(`a number in field ${this.field}`);
      take(packed.#low >>> 0, packed.#high);
    }
  }

  /** @returns {number} how many varints the current field has, one or packed */
  countVarints() {
    if (this.wire === WIRE.varint) return 1;
    const bytes = this.bytes();
    let count = 0;
    for (let i = 0; i < bytes.length; ++i) if (bytes[i] < 128) count += 1;
    if (bytes.length > 0 && bytes[bytes.length - 1] >= 128) {
      this.fail(`the last number in field ${this.field} of ${this.what} is cut off`);
    }
    return count;
  }

  /**
   * Numbers of a fixed width, one or packed.
   *
   * @param {4 | 8} width in bytes
   * @returns {Uint8Array} their bytes, a view
   */
  fixed(width) {
    if (this.wire !== (width === 4 ? WIRE.fixed32 : WIRE.fixed64)) this.#need(WIRE.delimited);
    const length = this.#to - this.#from;
    if (length % width !== 0) {
      this.fail(`field ${this.field} of ${this.what} has ${length} bytes, no multiple of ${width}`);
    }
    return this.file.bytes.subarray(this.#from, this.#to);
  }
}

/**
 * @param {number} low
 * @param {number} high
 * @returns {number | bigint}
 */
function signed(low, high) {
  const value = (high | 0) * TWO_TO_32 + (low >>> 0);
  if (Number.isSafeInteger(value)) return value;
  return BigInt.asIntN(64, (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0));
}

/** Up to here characters one by one are faster than a decoder. */
const SHORT_NAME = 64;

/**
 * @param {Uint8Array} bytes
 * @returns {string | undefined} undefined if they are no ASCII
 */
function decodeAscii(bytes) {
  let text = '';
  for (let i = 0; i < bytes.length; ++i) {
    if (bytes[i] > 127) return undefined;
    text += String.fromCharCode(bytes[i]);
  }
  return text;
}

/**
 * @param {Uint8Array} bytes
 * @returns {string | undefined} undefined if they are no UTF-8
 */
export function decodeUtf8(bytes) {
  const ascii = bytes.length <= SHORT_NAME ? decodeAscii(bytes) : undefined;
  if (ascii !== undefined) return ascii;
  utf8Decoder ??= makeTextDecoder();
  // Browsers decode no memory that threads share.
  const own = bytes.buffer instanceof ArrayBuffer ? bytes : bytes.slice();
  try {
    return utf8Decoder.decode(own);
  } catch {
    return undefined;
  }
}
