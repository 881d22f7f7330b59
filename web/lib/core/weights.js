// SPDX-License-Identifier: Apache-2.0

/**
 * The weights of a matrix as somebody has them. They are copied into the module's heap as they are
 * and encoded from there: none of them is ever dense that was not.
 */

import { checkInteger } from './check.js';
import { ShapeError, ValueError } from './errors.js';
import { fill, makeBuffer, takeFloats, uploadFloats, withBuffers } from './memory.js';
import { call } from './module.js';
import { describe, plainView, typedArrayName } from './tags.js';

/**
 * @typedef {import('./module.js').NativeBuffer} NativeBuffer
 * @typedef {import('../../../dist/lowtropy.js').NativeSource} NativeSource
 *
 * @typedef {{ data: Float32Array }} DenseWeights row-major, as all of these
 * @typedef {object} CodebookWeights each weight is codebook[code]
 * @property {Float32Array} codebook
 * @property {Uint8Array | Uint16Array | Uint32Array} codes
 * @typedef {object} GapWeights positions and codes, as Deep Compression has them: some elements have an
 *   entry, all others are 0. An entry is a code, and a gap: how many elements without an entry come
 *   between the one before and this one. Of 4 bits two are in a byte, the first in its low half.
 * @property {Float32Array} codebook
 * @property {number} entries
 * @property {Uint8Array} codes
 * @property {4 | 8} codeBits
 * @property {Uint8Array} gaps
 * @property {4 | 8} gapBits
 * @typedef {object} IntegerWeights each weight is scale · (integer − zero point)
 * @property {Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array} integers
 * @property {Float32Array} scales one for all, one a row, or one for each block of a row
 * @property {Int32Array} [zeroPoints] as many; by default 0
 * @property {number} [block] how many columns of a row share a scale; by default all
 * @typedef {DenseWeights | CodebookWeights | GapWeights | IntegerWeights} Weights
 */

const MAX_COUNT = 2 ** 32 - 1;

const CODE_TYPES = [Uint8Array, Uint16Array, Uint32Array];

/** In the order of IntegerType of cpp/lowtropy/matrix/sources/integers.h. */
const INTEGER_TYPES = [Int8Array, Uint8Array, Int16Array, Uint16Array, Int32Array];

/** What the module's `makeSource` takes: the parts of each kind are in source.cc. */
const KINDS = /** @type {const} */ ({ dense: 0, codebook: 1, gaps: 2, integers: 3 });

/**
 * @typedef {object} Parts
 * @property {number} kind
 * @property {import('./memory.js').Floats} table
 * @property {ArrayBufferView} [codes]
 * @property {ArrayBufferView} [others]
 * @property {number} [count]
 * @property {number} [codeType]
 * @property {number} [otherBits]
 */

const NOTHING = new Uint8Array();

/**
 * @template T
 * @param {Weights} weights
 * @param {number} rows
 * @param {number} cols
 * @param {string} what for messages, with its article, as "The tensor "conv""
 * @param {(source: NativeSource) => T} work that takes them from the heap, where they are meanwhile
 * @returns {T}
 * @throws {ShapeError | ValueError} for what does not fit, naming where
 * @throws {MemoryError} where there is no room; says how much was needed
 */
export function withSource(weights, rows, cols, what, work) {
  const { kind, table, codes, others, count, codeType, otherBits } = {
    ...{ codes: NOTHING, others: NOTHING, count: 0, codeType: 0, otherBits: 0 },
    ...takeParts(weights, rows, cols, what),
  };
  /** @type {Array<{ delete(): void }>} */
  const held = [];
  const keep = (/** @type {NativeBuffer} */ buffer) => (held.push(buffer), buffer);
  return withBuffers(held, () => {
    const first = keep(uploadFloats(table));
    const second = keep(uploadBytes(codes));
    const third = keep(uploadBytes(others));
    const source = naming(what, () =>
      call((native) =>
        native.makeSource(kind, rows, cols, first, second, third, count, codeType, otherBits),
      ),
    );
    held.push(source);
    return work(source);
  });
}

/**
 * @param {Weights} weights
 * @param {number} rows
 * @param {number} cols
 * @param {string} what
 * @returns {Parts}
 */
function takeParts(weights, rows, cols, what) {
  if ('gaps' in weights) return takeGaps(weights, what);
  if ('codes' in weights) return takeCodebook(weights, what);
  if ('integers' in weights) return takeIntegers(weights, what);
  return { kind: KINDS.dense, table: takeValues(weights.data, rows, cols, what) };
}

/**
 * @param {unknown} data
 * @param {number} rows
 * @param {number} cols
 * @param {string} what
 * @returns {import('./memory.js').Floats} rows · cols of them
 * @throws {ShapeError | ValueError}
 */
export function takeValues(data, rows, cols, what) {
  return takeFloats(data, what, (length) => {
    if (length === rows * cols) return;
    throw new ShapeError(
      `${what} must hold ${rows}×${cols} = ${rows * cols} values, not ${length}.`,
    );
  });
}

/**
 * @template T
 * @param {string} what
 * @param {() => T} work
 * @returns {T}
 * @throws {ShapeError | ValueError} that of the work, beginning with what it is about
 */
export function naming(what, work) {
  try {
    return work();
  } catch (error) {
    if (error instanceof ShapeError) throw new ShapeError(`${what}: ${error.message}`);
    if (error instanceof ValueError) throw new ValueError(`${what}: ${error.message}`);
    throw error;
  }
}

/**
 * @param {CodebookWeights} weights
 * @param {string} what
 * @returns {Parts}
 */
function takeCodebook({ codebook, codes }, what) {
  const numbers = takeNumbers(codes, CODE_TYPES, `${what}: the codes`);
  return {
    kind: KINDS.codebook,
    table: takeFloats(codebook, `${what}: the codebook`, () => {}),
    codes: numbers,
    codeType: numbers.BYTES_PER_ELEMENT,
  };
}

/**
 * @param {GapWeights} weights
 * @param {string} what
 * @returns {Parts}
 */
function takeGaps({ codebook, entries, codes, codeBits, gaps, gapBits }, what) {
  return {
    kind: KINDS.gaps,
    table: takeFloats(codebook, `${what}: the codebook`, () => {}),
    codes: takeNumbers(codes, [Uint8Array], `${what}: the codes`),
    others: takeNumbers(gaps, [Uint8Array], `${what}: the gaps`),
    count: checkInteger(entries, `${what}: the number of entries`, 0, MAX_COUNT),
    codeType: codeBits,
    otherBits: gapBits,
  };
}

/**
 * @param {IntegerWeights} weights
 * @param {string} what
 * @returns {Parts}
 */
function takeIntegers({ integers, scales, zeroPoints = new Int32Array(), block = 0 }, what) {
  const numbers = takeNumbers(integers, INTEGER_TYPES, `${what}: the integers`);
  return {
    kind: KINDS.integers,
    table: takeFloats(scales, `${what}: the scales`, () => {}),
    codes: numbers,
    others: takeNumbers(zeroPoints, [Int32Array], `${what}: the zero points`),
    count: checkInteger(block, `${what}: the columns of a block`, 0, MAX_COUNT),
    codeType: INTEGER_TYPES.findIndex((Kind) => numbers instanceof Kind),
  };
}

/**
 * @template {{ new (buffer: ArrayBufferLike, offset: number, length: number): ArrayBufferView }} Kind
 * @param {unknown} values
 * @param {Kind[]} kinds
 * @param {string} what for the message
 * @returns {InstanceType<Kind>} a plain array of this realm that shares the memory
 * @throws {ValueError} for what is none of these
 */
function takeNumbers(values, kinds, what) {
  const name = typedArrayName(values);
  const Kind = kinds.find((kind) => kind.name === name);
  if (!Kind) {
    const names = kinds.map((kind) => kind.name).join(', ');
    throw new ValueError(`${what} must be one of ${names}, not ${describe(values)}.`);
  }
  try {
    return plainView(values, Kind);
  } catch {
    throw new ValueError(`${what}: the memory was given away, to another thread perhaps.`);
  }
}

/** @param {ArrayBufferView} view @returns {NativeBuffer} that holds its bytes */
export function uploadBytes({ buffer, byteOffset, byteLength }) {
  return fill(makeBuffer(byteLength), (to) =>
    to.bytes().set(new Uint8Array(buffer, byteOffset, byteLength)),
  );
}
