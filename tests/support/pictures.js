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

/** Where each pass of an interlaced PNG begins, x and y, and its steps. */
const ADAM7 = [
  ...[
    [0, 0, 8, 8],
    [4, 0, 8, 8],
    [0, 4, 4, 8],
    [2, 0, 4, 4],
  ],
  ...[
    [0, 2, 2, 4],
    [1, 0, 2, 2],
    [0, 1, 1, 2],
  ],
];

/**
 * @param {object} options
 * @param {number} options.width
 * @param {number} options.height
 * @param {number} [options.colourType] 0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGBA
 * @param {1 | 2 | 4 | 8 | 16} [options.depth]
 * @param {Samples} [options.samples]
 * @param {number[]} [options.palette]
 * @param {boolean} [options.interlaced]
 * @param {number} [options.filter] of all rows, from 0 to 4
 * @param {Buffer[]} [options.chunks] further ones, before the pixels
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
  filter = 0,
  chunks = [],
  data,
}) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, colourType, 0, 0, interlaced ? 1 : 0], 8);
  const passes = data ? [] : interlaced ? ADAM7 : [[0, 0, 1, 1]];
  const bits = depth * CHANNELS[colourType];
  const rows = passes.flatMap(([left, top, across, down]) => {
    const columns = Math.ceil((width - left) / across);
    /** @type {Buffer} */
    let above = Buffer.alloc(Math.ceil((columns * bits) / 8));
    const lines = [];
    for (let y = top; y < height && columns > 0; y += down) {
      const line = Buffer.alloc(above.length);
      let bit = 0;
      for (let x = left; x < width; x += across) {
        for (const sample of samples(x, y)) {
          for (let i = depth - 1; i >= 0; --i, ++bit) {
            line[bit >> 3] |= ((sample >> i) & 1) << (7 - (bit & 7));
          }
        }
      }
      lines.push(filtered(filter, line, above, Math.max(1, bits >> 3)));
      above = line;
    }
    return lines;
  });
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    pngChunk('IHDR', header),
    ...(palette ? [pngChunk('PLTE', Uint8Array.from(palette))] : []),
    ...chunks,
    pngChunk('IDAT', deflateSync(data ?? Buffer.concat(rows))),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

/**
 * @param {number} filter
 * @param {Buffer} line
 * @param {Buffer} above
 * @param {number} distance
 * @returns {Buffer} the row as a PNG has it
 */
function filtered(filter, line, above, distance) {
  const result = Buffer.alloc(line.length + 1, filter);
  line.forEach((byte, i) => {
    const left = i < distance ? 0 : line[i - distance];
    const corner = i < distance ? 0 : above[i - distance];
    const guess = left + above[i] - corner;
    const nearest = [left, above[i], corner].reduce((best, each) =>
      Math.abs(guess - each) < Math.abs(guess - best) ? each : best,
    );
    result[i + 1] = byte - [0, left, above[i], (left + above[i]) >> 1, nearest][filter];
  });
  return result;
}

/**
 * Exif that says which way up a picture is.
 *
 * @param {number} orientation
 * @param {'II' | 'MM'} [order] of its bytes
 */
export function makeExif(orientation, order = 'MM') {
  const little = order === 'II';
  const u16 = (/** @type {number} */ n) => (little ? [n & 255, n >> 8] : [n >> 8, n & 255]);
  const u32 = (/** @type {number} */ n) => (little ? [...u16(n), 0, 0] : [0, 0, ...u16(n)]);
  return Buffer.concat([
    Buffer.from(order, 'latin1'),
    Uint8Array.of(...u16(42), ...u32(8), ...u16(2)),
    Uint8Array.of(...u16(0x0100), ...u16(4), ...u32(1), ...u32(64)),
    Uint8Array.of(...u16(0x0112), ...u16(3), ...u32(1), ...u16(orientation), 0, 0),
    Uint8Array.of(...u32(0)),
  ]);
}

/**
 * @param {number} marker the second byte of two
 * @param {ArrayLike<number>} content
 */
export function jpegSegment(marker, content) {
  const length = content.length + 2;
  return Buffer.from([0xff, marker, length >> 8, length & 255, ...Array.from(content)]);
}

/**
 * A JPEG whose blocks of 8×8 have one value each, of any kind of frame.
 *
 * @param {object} options
 * @param {number} [options.width]
 * @param {number} [options.height]
 * @param {(x: number, y: number) => number[]} options.blocks a sample for each component, of the
 *   block with these numbers
 * @param {number[]} [options.ids] of the components; by default 1, 2 …
 * @param {number} [options.adobe] the transform in Adobe's marker; by default there is none
 * @param {boolean} [options.jfif]
 * @param {number} [options.precision]
 * @param {number} [options.frame] the marker of the frame; by default baseline
 * @param {Buffer[]} [options.segments] further ones, at the beginning
 */
export function makeBlockJpeg({
  width = 32,
  height = 32,
  blocks,
  ids = [1, 2, 3, 4],
  adobe,
  jfif = false,
  precision = 8,
  frame = precision === 8 ? 0xc0 : 0xc1,
  segments = [],
}) {
  const count = blocks(0, 0).length;
  const each = Array.from({ length: count }, (_, i) => ids[i]);
  const lengths = [0, 0, 0, 0, 16, ...Array(11).fill(0)]; // 16 codes of 5 bits
  let bits = '';
  const before = Array(count).fill(0);
  for (let y = 0; y < Math.ceil(height / 8); ++y) {
    for (let x = 0; x < Math.ceil(width / 8); ++x) {
      blocks(x, y).forEach((sample, c) => {
        const value = sample - 2 ** (precision - 1); // the first coefficient is 8 times the mean
        const step = value - before[c];
        before[c] = value;
        const size = step === 0 ? 0 : 32 - Math.clz32(Math.abs(step));
        bits += size.toString(2).padStart(5, '0');
        if (size > 0)
          bits += (step > 0 ? step : step + 2 ** size - 1).toString(2).padStart(size, '0');
        bits += '0'; // and no others
      });
    }
  }
  const bytes = bits.match(/.{1,8}/g)?.map((byte) => parseInt(byte.padEnd(8, '1'), 2)) ?? [];
  return Buffer.concat([
    Buffer.of(0xff, 0xd8),
    ...(jfif ? [jpegSegment(0xe0, Buffer.from('JFIF\0\x01\x01\0\0\x01\0\x01\0\0', 'latin1'))] : []),
    ...(adobe === undefined
      ? []
      : [jpegSegment(0xee, [...Buffer.from('Adobe'), 0, 100, 0, 0, 0, 0, adobe])]),
    ...segments,
    jpegSegment(0xdb, [0, ...Array(64).fill(8)]),
    jpegSegment(frame, [
      ...[precision, height >> 8, height & 255, width >> 8, width & 255, count],
      ...each.flatMap((id) => [id, 0x11, 0]),
    ]),
    jpegSegment(0xc4, [0x00, ...lengths, ...lengths.map((_, i) => i)]),
    jpegSegment(0xc4, [0x10, 1, ...Array(15).fill(0), 0]),
    jpegSegment(0xda, [count, ...each.flatMap((id) => [id, 0]), 0, 63, 0]),
    Buffer.from(bytes.flatMap((byte) => (byte === 0xff ? [byte, 0] : [byte]))),
    Buffer.of(0xff, 0xd9),
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
  const exif = jpegSegment(0xe1, [...Buffer.from('Exif\0\0'), ...makeExif(orientation, order)]);
  return Buffer.concat([plain.subarray(0, 2), exif, plain.subarray(2)]);
}
