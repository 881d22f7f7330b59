// SPDX-License-Identifier: Apache-2.0

/** The chunks of a PNG file, as far as its decoder is to be kept from hostile ones. */

const SIGNATURE = Buffer.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
/** Length, type and checksum of a chunk. */
const CHUNK_FRAME = 12;
const HEADER_LENGTH = 13;

/** @param {Buffer} bytes */
export function isPng(bytes) {
  return bytes.subarray(0, SIGNATURE.length).equals(SIGNATURE);
}

/**
 * @param {Buffer} bytes that begin as a PNG file
 * @returns {{ width: number, height: number, interlaced: boolean, data: Buffer[], end: number }}
 *   data: the compressed pixels; end: where the last chunk ends
 * @throws {Error} without a full stop
 */
export function readPngHeader(bytes) {
  const size = { width: 0, height: 0, interlaced: false };
  /** @type {Buffer[]} */
  const data = [];
  for (let at = SIGNATURE.length; at + CHUNK_FRAME <= bytes.length;) {
    const length = bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    const content = bytes.subarray(at + 8, at + 8 + length);
    const first = at === SIGNATURE.length;
    if ((type === 'IHDR') !== first || (first && length !== HEADER_LENGTH)) {
      throw new Error('it does not begin with its one header');
    }
    at += CHUNK_FRAME + length;
    if (at > bytes.length) break;
    if (first) {
      size.width = content.readUInt32BE(0);
      size.height = content.readUInt32BE(4);
      size.interlaced = content[12] !== 0;
      if (size.width === 0 || size.height === 0) throw new Error('it has no pixels');
    }
    if (type === 'IDAT') data.push(content);
    if (type === 'IEND') return { ...size, data, end: at };
  }
  throw new Error('it ends before its last chunk');
}
