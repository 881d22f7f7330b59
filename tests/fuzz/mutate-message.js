// SPDX-License-Identifier: Apache-2.0

/**
 * Changes protocol buffers from within: a change deep inside would be lost if the lengths of all messages
 * around it did not change, too.
 */

import { ProtoFile, WIRE } from '../../web/lib/import/onnx/protobuf.js';
import { Proto } from '../support/onnx-writer.js';

/**
 * @typedef {object} Piece a field
 * @property {number} field
 * @property {number} wire
 * @property {Uint8Array} value without the key and the length
 *
 * @typedef {(below: number) => number} Random an integer from 0
 */

/** What is at an edge of something. */
const NUMBERS = [
  0n,
  1n,
  2n,
  3n,
  16n,
  127n,
  128n,
  255n,
  2n ** 31n,
  2n ** 32n,
  2n ** 53n,
  2n ** 63n,
  -1n,
];

/**
 * @param {Uint8Array} bytes
 * @returns {Piece[] | undefined} undefined if they are no message
 */
function split(bytes) {
  const message = new ProtoFile(bytes, 'the message').root();
  /** @type {Piece[]} */
  const pieces = [];
  try {
    while (message.next()) {
      const { field, wire } = message;
      pieces.push({ field, wire, value: valueOf(message, bytes) });
    }
  } catch {
    return undefined;
  }
  return pieces;
}

/**
 * @param {import('../../web/lib/import/onnx/protobuf.js').Message} message
 * @param {Uint8Array} bytes
 */
function valueOf(message, bytes) {
  if (message.wire === WIRE.delimited) return message.bytes();
  if (message.wire === WIRE.varint) return new Proto().varint(message.int64()).finish();
  return bytes.slice(message.offset - (message.wire === WIRE.fixed32 ? 4 : 8), message.offset);
}

/**
 * @param {Piece[]} pieces
 * @returns {Uint8Array}
 */
function join(pieces) {
  const proto = new Proto();
  for (const { field, wire, value } of pieces) {
    if (wire === WIRE.delimited) proto.bytes(field, value);
    else proto.key(field, wire).raw(value);
  }
  return proto.finish();
}

/**
 * @param {Uint8Array} bytes
 * @param {Random} random
 * @returns {Piece | undefined} a field somewhere within, to take elsewhere
 */
function pick(bytes, random) {
  const pieces = split(bytes);
  if (!pieces?.length) return undefined;
  const piece = pieces[random(pieces.length)];
  const inner = piece.wire === WIRE.delimited && random(3) ? pick(piece.value, random) : undefined;
  return inner ?? piece;
}

/**
 * @param {Uint8Array} bytes a message
 * @param {Uint8Array} other another, to take pieces from
 * @param {Random} random
 * @param {(bytes: Uint8Array) => Uint8Array} mutate what is no message
 * @returns {Uint8Array}
 */
export function mutateMessage(bytes, other, random, mutate) {
  const pieces = split(bytes);
  if (!pieces?.length) return mutate(bytes);
  const at = random(pieces.length);
  const piece = pieces[at];
  if (piece.wire === WIRE.delimited && random(4)) {
    const value = mutateMessage(piece.value, other, random, mutate);
    return join(pieces.with(at, { ...piece, value }));
  }
  const number = new Proto().varint(NUMBERS[random(NUMBERS.length)]).finish();
  const changes = [
    () => pieces.toSpliced(at, 1),
    () => pieces.toSpliced(at, 0, piece),
    () => pieces.toSpliced(at, 1).toSpliced(random(pieces.length), 0, piece),
    () => pieces.with(at, { field: piece.field, wire: WIRE.varint, value: number }),
    () => pieces.with(at, { ...piece, field: 1 + random(26) }),
    () => pieces.toSpliced(at, 0, pick(other, random) ?? piece),
    () => pieces.with(at, { ...piece, value: (pick(other, random) ?? piece).value }),
  ];
  return join(changes[random(changes.length)]());
}
