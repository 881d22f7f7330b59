// SPDX-License-Identifier: Apache-2.0

/**
 * The file of a checkpoint. Numbers are little-endian.
 *
 *   offset  bytes  content
 *   0       8      "LTSIM", 0x0d, 0x0a, 0x1a
 *   8       4      version: 2
 *   12      4      H
 *   16      H      JSON: { content, parts: [bytes of each part] }
 *   16 + H  …      the parts, one after the other
 *   end−4   4      CRC-32 of all before
 */

import { checkBytes } from '../core/check.js';
import { FileError } from '../core/errors.js';
import { refusePointer } from '../core/file-kinds.js';
import { makeTextDecoder, makeTextEncoder } from '../core/places.js';
import { crc32 } from '../core/crc32.js';

const MAGIC = Uint8Array.of(0x4c, 0x54, 0x53, 0x49, 0x4d, 0x0d, 0x0a, 0x1a);
const VERSION = 2;
const HEAD_BYTES = 16;
const CHECKSUM_BYTES = 4;

/**
 * @param {unknown} content what JSON can carry
 * @param {Uint8Array[]} parts
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function pack(content, parts) {
  const json = makeTextEncoder().encode(
    JSON.stringify({ content, parts: parts.map(({ length }) => length) }),
  );
  const length = parts.reduce((sum, part) => sum + part.length, HEAD_BYTES + json.length);
  const bytes = new Uint8Array(length + CHECKSUM_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint32(8, VERSION, true);
  view.setUint32(12, json.length, true);
  let at = HEAD_BYTES;
  for (const part of [json, ...parts]) {
    bytes.set(part, at);
    at += part.length;
  }
  view.setUint32(at, crc32(bytes.subarray(0, at)), true);
  return bytes;
}

/**
 * @param {unknown} given bytes
 * @returns {{ content: unknown, parts: Uint8Array[] }} content: still to be checked; parts: views
 * @throws {FileError}
 */
export function unpack(given) {
  const bytes = refusePointer(checkBytes(given, 'A checkpoint'), 'The checkpoint is');
  if (MAGIC.some((byte, index) => bytes[index] !== byte)) {
    throw new FileError('This is no checkpoint of a simulation.');
  }
  if (bytes.length < HEAD_BYTES + CHECKSUM_BYTES) throw damaged('it ends in its first bytes');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const version = view.getUint32(8, true);
  if (version !== VERSION) {
    throw new FileError(`The checkpoint has version ${version}; this library reads ${VERSION}.`);
  }
  const end = bytes.length - CHECKSUM_BYTES;
  if (crc32(bytes.subarray(0, end)) !== view.getUint32(end, true)) {
    throw damaged('its checksum is wrong');
  }
  const jsonEnd = HEAD_BYTES + view.getUint32(12, true);
  if (jsonEnd > end) throw damaged('its header is longer than the file');
  const { content, parts } = parseHeader(bytes.subarray(HEAD_BYTES, jsonEnd));
  return { content, parts: split(bytes.subarray(jsonEnd, end), parts) };
}

/**
 * @param {Uint8Array} json
 * @returns {{ content: unknown, parts: number[] }}
 */
function parseHeader(json) {
  let header;
  try {
    header = JSON.parse(makeTextDecoder().decode(json));
  } catch {
    throw damaged('its header is no JSON');
  }
  if (!Array.isArray(header?.parts) || !header.parts.every(isLength)) {
    throw damaged('its header does not say how long its parts are');
  }
  return header;
}

/** @param {unknown} value */
function isLength(value) {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/**
 * @param {Uint8Array} bytes
 * @param {number[]} lengths
 */
function split(bytes, lengths) {
  if (lengths.reduce((sum, length) => sum + length, 0) !== bytes.length) {
    throw damaged('its parts do not add up to its length');
  }
  let at = 0;
  return lengths.map((length) => bytes.subarray(at, (at += length)));
}

/** @param {string} why a phrase */
function damaged(why) {
  return new FileError(`The checkpoint is damaged: ${why}.`);
}
