// SPDX-License-Identifier: Apache-2.0

/** Picture files made for tests, of every kind. */

import { deflateSync } from 'node:zlib';
import jpeg from 'jpeg-js';

/** @typedef {(x: number, y: number) => number[]} Samples of one pixel */

/** @param {Uint8Array} bytes */
function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; ++bit) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/**
 * @param {string} type
 * @param {Uint8Array} content
 */
export function pngChunk(type, content) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(content.length, 0);
  body.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(body), body.length + 4);
  return chunk;
}

/** PNG colour types, and how many samples a pixel has. */
const CHANNELS = /** @type {Record<number, number>} */ ({ 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 });

/**
 * @param {object} options
 * @param {number} options.width
 * @param {number} options.height
 * @param {number} [options.colourType] 0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGBA
 * @param {8 | 16} [options.depth]
 * @param {Samples} [options.samples]
 * @param {number[]} [options.palette]
 * @param {boolean} [options.interlaced] only for pictures of one pixel
 * @param {Uint8Array} [options.data] the uncompressed rows, instead of samples
 */
export function makePng({
  width,
  height,
  colourType = 6,
  depth = 8,
  samples = () => [0, 0, 0, 255],
  palette,
  interlaced = false,
  data,
}) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, colourType, 0, 0, interlaced ? 1 : 0], 8);
  const stride = 1 + (width * CHANNELS[colourType] * depth) / 8;
  const rows = data ?? Buffer.alloc(stride * height);
  for (let y = 0; !data && y < height; ++y) {
    let at = y * stride + 1;
    for (let x = 0; x < width; ++x) {
      for (const sample of samples(x, y)) {
        if (depth === 16) rows[at++] = sample >> 8;
        rows[at++] = sample & 255;
      }
    }
  }
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    pngChunk('IHDR', header),
    ...(palette ? [pngChunk('PLTE', Uint8Array.from(palette))] : []),
    pngChunk('IDAT', deflateSync(rows)),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

/**
 * @param {number} width
 * @param {number} height
 * @param {Samples} samples RGB
 * @param {number} [orientation] of Exif
 * @param {'II' | 'MM'} [order] of the bytes there
 */
export function makeJpeg(width, height, samples, orientation, order = 'MM') {
  const data = Buffer.alloc(4 * width * height, 255);
  for (let y = 0; y < height; ++y) {
    for (let x = 0; x < width; ++x) data.set(samples(x, y), 4 * (y * width + x));
  }
  const plain = jpeg.encode({ data, width, height }, 100).data;
  if (orientation === undefined) return plain;
  const little = order === 'II';
  const u16 = (/** @type {number} */ n) => (little ? [n & 255, n >> 8] : [n >> 8, n & 255]);
  const u32 = (/** @type {number} */ n) => (little ? [...u16(n), 0, 0] : [0, 0, ...u16(n)]);
  const exif = Buffer.concat([
    Buffer.from(`Exif\0\0${order}`, 'latin1'),
    Uint8Array.of(...u16(42), ...u32(8), ...u16(2)),
    Uint8Array.of(...u16(0x0100), ...u16(4), ...u32(1), ...u32(width)),
    Uint8Array.of(...u16(0x0112), ...u16(3), ...u32(1), ...u16(orientation), 0, 0),
    Uint8Array.of(...u32(0)),
  ]);
  const length = exif.length + 2;
  const frame = Uint8Array.of(0xff, 0xe1, length >> 8, length & 255);
  return Buffer.concat([plain.subarray(0, 2), frame, exif, plain.subarray(2)]);
}
