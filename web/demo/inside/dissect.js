// SPDX-License-Identifier: Apache-2.0

/** A message of Sparse Binary Compression taken apart, to the bit, as its specification lays it out. */

import { BitCursor } from './bit-cursor.js';

/**
 * @typedef {'frame' | 'option' | 'head' | 'array' | 'codes' | 'checksum'} Section
 *
 * @typedef {object} Piece of a message
 * @property {Section} section
 * @property {string} name
 * @property {string} meaning
 * @property {number} from bit, counted from the lowest of the first byte
 * @property {number} to the bit after its last
 *
 * @typedef {object} Code of a position
 * @property {number} gap elements left out before it
 * @property {number} index the position
 * @property {string} unary bits
 * @property {string} remainder bits, lowest first, as they are sent
 *
 * @typedef {object} Dissected
 * @property {Piece[]} pieces in the order of the message, from its first bit to its last
 * @property {Head[]} tensors
 *
 * @typedef {object} Head
 * @property {number} size
 * @property {boolean} dense
 * @property {number} count
 * @property {number} value
 * @property {number} parameter
 * @property {Code[]} codes
 */

const SBC = 9;

/**
 * @param {Uint8Array} bytes of a valid message
 * @returns {Dissected}
 * @throws {Error} if it is of another method
 */
export function dissect(bytes) {
  const cursor = new BitCursor(bytes);
  const { piece } = cursor;
  piece('frame', 'letters', () => String.fromCharCode(cursor.bits(8), cursor.bits(8)));
  piece('frame', 'version', () => cursor.bits(8));
  const method = piece('frame', 'method', () => cursor.bits(8));
  if (method !== SBC) throw new Error(`The message is of method ${method}, not of SBC.`);
  piece('frame', 'sender', () => cursor.varint());
  piece('frame', 'round', () => cursor.varint());
  piece(
    'frame',
    'layout id',
    () => cursor.bits(32),
    (id) => `0x${id.toString(16)}`,
  );
  const count = piece('frame', 'tensors', () => cursor.varint());
  const p = piece(
    'option',
    'p',
    () => cursor.float(),
    (value) => String(shortFloat(value)),
  );
  /** @type {Head[]} */
  const tensors = [];
  for (let i = 0; i < count; ++i) tensors.push(readHead(cursor, p, tensors.at(-1)?.size));
  cursor.pad('head');
  for (const { dense, size } of tensors) {
    for (let i = 0; dense && i < size; ++i) piece('array', `element ${i}`, () => cursor.float());
  }
  for (const tensor of tensors) {
    if (!tensor.dense) tensor.codes = readCodes(cursor, tensor);
  }
  cursor.pad('codes');
  piece(
    'checksum',
    'CRC-32',
    () => cursor.bits(32),
    (sum) => `0x${sum.toString(16)}`,
  );
  return { pieces: cursor.pieces, tensors };
}

/**
 * @param {BitCursor} cursor
 * @param {number} p
 * @param {number | undefined} before the size of the tensor before
 * @returns {Head}
 */
function readHead(cursor, p, before) {
  const { piece } = cursor;
  const size = piece('head', 'size', () => readSize(cursor, before));
  const head = { size, dense: false, count: size, value: 0, parameter: 0, codes: [] };
  head.dense = piece(
    'head',
    'dense',
    () => cursor.bits(1) === 1,
    (dense) => (dense ? 'yes' : 'no'),
  );
  if (head.dense) return head;
  const expected = Math.min(size, Math.max(1, Math.floor(p * size + 0.5)));
  head.count = piece(
    'head',
    'count',
    () => (cursor.bits(1) ? expected : cursor.number()),
    (count) => (count === expected ? `${count}, as p says` : String(count)),
  );
  if (head.count === 0) return head;
  head.value = piece(
    'head',
    'value',
    () => cursor.float(),
    (value) => String(shortFloat(value)),
  );
  head.parameter = piece('head', 'b', () => cursor.bits(5));
  return head;
}

/**
 * @param {BitCursor} cursor
 * @param {number | undefined} before
 */
function readSize(cursor, before) {
  if (cursor.bits(1)) return before ?? 0;
  const exponent = cursor.bits(5);
  return (2 * cursor.number() + 1) * 2 ** exponent;
}

/**
 * @param {BitCursor} cursor
 * @param {Head} head
 * @returns {Code[]}
 */
function readCodes(cursor, { count, parameter }) {
  let next = 0;
  return Array.from({ length: count }, (_, i) => {
    const ones = cursor.piece('codes', `unary ${i}`, () => cursor.ones());
    const low = parameter
      ? cursor.piece('codes', `remainder ${i}`, () => cursor.bits(parameter))
      : 0;
    const gap = ones * 2 ** parameter + low;
    const index = next + gap;
    next = index + 1;
    return { gap, index, unary: `${'1'.repeat(ones)}0`, remainder: lowFirst(low, parameter) };
  });
}

/**
 * @param {number} number
 * @param {number} length
 */
function lowFirst(number, length) {
  return Array.from({ length }, (_, i) => (number >>> i) & 1).join('');
}

/** @param {number} value */
function shortFloat(value) {
  return Number(value.toPrecision(6));
}
