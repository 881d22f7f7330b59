// SPDX-License-Identifier: Apache-2.0

/** What a JPEG file says before its pixels: size, and which way up it is. */

const SOF_FIRST = 0xc0;
const SOF_LAST = 0xcf;
/** Markers among those of frames that are none: Huffman tables, an extension, arithmetic coding. */
const NOT_SOF = new Set([0xc4, 0xc8, 0xcc]);
const SOS = 0xda;
const APP1 = 0xe1;
const EXIF = Buffer.from('Exif\0\0', 'latin1');
const ORIENTATION_TAG = 0x0112;
const TYPE_SHORT = 3;

/**
 * @typedef {object} JpegHeader
 * @property {{ width: number, height: number } | undefined} size
 * @property {number} orientation as Exif numbers them, from 1, which is upright, to 8
 * @property {number | undefined} scan where the first scan begins
 */

/**
 * Never throws, and never reads beyond the bytes: what is damaged is left out.
 *
 * @param {Buffer} bytes
 * @returns {JpegHeader}
 */
export function readJpegHeader(bytes) {
  /** @type {JpegHeader} */
  const header = { size: undefined, orientation: 1, scan: undefined };
  for (let at = 2; at + 4 <= bytes.length;) {
    if (bytes[at] !== 0xff) break;
    const marker = bytes[at + 1];
    if (marker === 0xff) {
      at += 1; // a filler
      continue;
    }
    const length = bytes.readUInt16BE(at + 2);
    const segment = bytes.subarray(at + 4, at + 2 + length);
    if (marker === SOS) {
      header.scan = at;
      break;
    }
    if (marker >= SOF_FIRST && marker <= SOF_LAST && !NOT_SOF.has(marker) && segment.length >= 5) {
      header.size = { height: segment.readUInt16BE(1), width: segment.readUInt16BE(3) };
    }
    if (marker === APP1 && segment.subarray(0, 6).equals(EXIF)) {
      header.orientation = readOrientation(segment.subarray(6));
    }
    at += 2 + Math.max(length, 2);
  }
  return header;
}

/**
 * @param {Buffer} tiff
 * @returns {number}
 */
function readOrientation(tiff) {
  if (tiff.length < 8) return 1;
  const order = tiff.toString('latin1', 0, 2);
  if (order !== 'II' && order !== 'MM') return 1;
  const u16 = (/** @type {number} */ at) =>
    order === 'II' ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at);
  const directory = order === 'II' ? tiff.readUInt32LE(4) : tiff.readUInt32BE(4);
  if (directory + 2 > tiff.length) return 1;
  const entries = u16(directory);
  for (let i = 0; i < entries; ++i) {
    const at = directory + 2 + 12 * i;
    if (at + 12 > tiff.length) break;
    if (u16(at) !== ORIENTATION_TAG) continue;
    const value = u16(at + 8);
    return u16(at + 2) === TYPE_SHORT && value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}
