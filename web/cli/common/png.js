// SPDX-License-Identifier: Apache-2.0

/**
 * PNG pictures (W3C, Portable Network Graphics, third edition), of every colour type and depth. Sizes
 * are checked before anything is decompressed, and no more is decompressed than the pixels need.
 */

import { constants, inflateSync } from 'node:zlib';

import { crc32 } from '../../lib/core/crc32.js';
import { readOrientation, upright } from './exif.js';
import { DamagedError, UnsupportedPictureError, checkSize } from './limits.js';

/** @typedef {import('./picture.js').Picture} Picture */

const SIGNATURE = Buffer.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
/** Length, type and checksum of a chunk. */
const CHUNK_FRAME = 12;
const HEADER_LENGTH = 13;

/** Samples of a pixel, and the bits that one may have, by colour type. */
const COLOUR_TYPES = /** @type {Record<number, { channels: number, depths: number[] }>} */ ({
  0: { channels: 1, depths: [1, 2, 4, 8, 16] }, // grey
  2: { channels: 3, depths: [8, 16] }, // red, green, blue
  3: { channels: 1, depths: [1, 2, 4, 8] }, // a place in the palette
  4: { channels: 2, depths: [8, 16] }, // grey, alpha
  6: { channels: 4, depths: [8, 16] }, // red, green, blue, alpha
});
const PALETTE = 3;

/** Where each pass of an interlaced picture begins, and the steps it takes. */
const ADAM7 = [
  { x: 0, y: 0, across: 8, down: 8 },
  { x: 4, y: 0, across: 8, down: 8 },
  { x: 0, y: 4, across: 4, down: 8 },
  { x: 2, y: 0, across: 4, down: 4 },
  { x: 0, y: 2, across: 2, down: 4 },
  { x: 1, y: 0, across: 2, down: 2 },
  { x: 0, y: 1, across: 1, down: 2 },
];
const ONE_PASS = [{ x: 0, y: 0, across: 1, down: 1 }];

/** Writers are known to leave some bytes over. */
const SLACK = 65536;

/**
 * @typedef {object} PngHeader
 * @property {number} width
 * @property {number} height
 * @property {number} depth bits of a sample
 * @property {number} colourType
 * @property {boolean} interlaced
 *
 * @typedef {object} PngParts
 * @property {PngHeader} header
 * @property {Buffer[]} data the compressed pixels
 * @property {Buffer} palette red, green, blue of each place
 * @property {Buffer} transparency of the palette's places, or the one colour that is transparent
 * @property {number} orientation as Exif numbers them
 *
 * @typedef {{ x: number, y: number, across: number, down: number, width: number, height: number,
 *   stride: number }} Pass stride: bytes of a row, without that of its filter
 */

/** @param {Buffer} bytes */
export function isPng(bytes) {
  return bytes.subarray(0, SIGNATURE.length).equals(SIGNATURE);
}

/**
 * @param {Buffer} bytes that begin as a PNG file
 * @returns {Picture}
 * @throws {DamagedError | UnsupportedPictureError | SizeError} with a phrase
 */
export function decodePng(bytes) {
  const parts = readParts(bytes);
  const { header } = parts;
  const passes = passesOf(header);
  const rows = decompress(parts.data, passes);
  const pixels = new Uint8Array(4 * header.width * header.height);
  const paint = makePainter(parts, pixels);
  const distance = Math.max(1, (COLOUR_TYPES[header.colourType].channels * header.depth) >> 3);
  let at = 0;
  for (const pass of passes) {
    /** @type {Uint8Array} */
    let above = new Uint8Array(pass.stride);
    for (let row = 0; row < pass.height; ++row) {
      const filter = rows[at];
      const line = rows.subarray(at + 1, at + 1 + pass.stride);
      unfilter(filter, line, above, distance);
      paint(line, pass, (pass.y + row * pass.down) * header.width + pass.x);
      above = line;
      at += 1 + pass.stride;
    }
  }
  return upright({ data: pixels, ...sizeOf(header) }, parts.orientation);
}

/** @param {PngHeader} header */
function sizeOf({ width, height }) {
  return { width, height };
}

/**
 * @param {Buffer} bytes
 * @returns {PngParts}
 */
function readParts(bytes) {
  /** @type {PngHeader | undefined} */
  let header;
  /** @type {Omit<PngParts, 'header'>} */
  const parts = {
    data: [],
    palette: Buffer.alloc(0),
    transparency: Buffer.alloc(0),
    orientation: 1,
  };
  for (let at = SIGNATURE.length; at + CHUNK_FRAME <= bytes.length;) {
    const length = bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    const end = at + CHUNK_FRAME + length;
    if (end > bytes.length) break;
    if (type === 'CgBI') throw new UnsupportedPictureError("a PNG picture in Apple's own form");
    if ((type === 'IHDR') === Boolean(header)) {
      throw new DamagedError('it does not begin with its one header');
    }
    const intact = crc32(bytes.subarray(at + 4, end - 4)) === bytes.readUInt32BE(end - 4);
    const needed = /^[A-Z]/.test(type);
    if (needed && !intact) throw new DamagedError(`the checksum of its ${type} is wrong`);
    const content = bytes.subarray(at + 8, end - 4);
    if (type === 'IHDR') header = readHeader(content);
    else if (type === 'PLTE') parts.palette = content;
    else if (type === 'IDAT') parts.data.push(content);
    else if (type === 'IEND') return checkParts({ header: /** @type {any} */ (header), ...parts });
    else if (needed) throw new DamagedError(`it has a part that is not known, ${type}`);
    else if (intact && type === 'tRNS') parts.transparency = content;
    // Browsers have decided which way up it is when the pixels begin.
    else if (intact && type === 'eXIf' && parts.data.length === 0) {
      parts.orientation = readOrientation(content);
    }
    at = end;
  }
  throw new DamagedError('it ends before its last chunk');
}

/**
 * @param {Buffer} content
 * @returns {PngHeader}
 */
function readHeader(content) {
  if (content.length !== HEADER_LENGTH) {
    throw new DamagedError('it does not begin with its one header');
  }
  const [width, height] = [content.readUInt32BE(0), content.readUInt32BE(4)];
  const [depth, colourType, compression, filter, interlace] = content.subarray(8);
  if (width === 0 || height === 0) throw new DamagedError('it has no pixels');
  if (!COLOUR_TYPES[colourType]?.depths.includes(depth)) {
    throw new DamagedError(`there is no colour type ${colourType} of ${depth} bits`);
  }
  if (compression !== 0 || filter !== 0 || interlace > 1) {
    throw new DamagedError('its header names methods that there are not');
  }
  const pixelBytes = Math.max(1, (COLOUR_TYPES[colourType].channels * depth) / 8);
  checkSize({ width, height }, pixelBytes);
  return { width, height, depth, colourType, interlaced: interlace === 1 };
}

/**
 * @param {PngParts} parts
 * @returns {PngParts} the same
 */
function checkParts(parts) {
  const { palette, header } = parts;
  if (parts.data.length === 0) throw new DamagedError('it has no pixels');
  if (header.colourType !== PALETTE) return parts;
  if (palette.length === 0 || palette.length % 3 !== 0 || palette.length > 3 * 256) {
    throw new DamagedError('it has no palette of colours');
  }
  return parts;
}

/**
 * @param {PngHeader} header
 * @returns {Pass[]} those that have pixels
 */
function passesOf({ width, height, depth, colourType, interlaced }) {
  const bits = COLOUR_TYPES[colourType].channels * depth;
  return (interlaced ? ADAM7 : ONE_PASS)
    .map((pass) => {
      const columns = Math.ceil((width - pass.x) / pass.across);
      const rows = Math.ceil((height - pass.y) / pass.down);
      return { ...pass, width: columns, height: rows, stride: Math.ceil((columns * bits) / 8) };
    })
    .filter((pass) => pass.width > 0 && pass.height > 0);
}

/**
 * @param {Buffer[]} data
 * @param {Pass[]} passes
 * @returns {Buffer} all rows, each behind the byte of its filter
 */
function decompress(data, passes) {
  const size = passes.reduce((sum, { height, stride }) => sum + height * (1 + stride), 0);
  let rows;
  try {
    rows = inflateSync(Buffer.concat(data), {
      maxOutputLength: size + SLACK,
      // What is missing at the end is told by the length of what is there.
      finishFlush: constants.Z_SYNC_FLUSH,
    });
  } catch (error) {
    const { code, message } = /** @type {NodeJS.ErrnoException} */ (error);
    throw new DamagedError(
      code === 'ERR_BUFFER_TOO_LARGE' ? 'it holds more than its pixels' : message,
    );
  }
  if (rows.length < size) throw new DamagedError('it lacks some of its pixels');
  return rows;
}

/**
 * Undoes the filter of a row, in place (section 9 of the specification).
 *
 * @param {number} filter
 * @param {Uint8Array} line
 * @param {Uint8Array} above the row before it, without its filter
 * @param {number} distance bytes to the same sample of the pixel to the left
 */
function unfilter(filter, line, above, distance) {
  const { length } = line;
  switch (filter) {
    case 0:
      return;
    case 1:
      for (let i = distance; i < length; ++i) line[i] += line[i - distance];
      return;
    case 2:
      for (let i = 0; i < length; ++i) line[i] += above[i];
      return;
    case 3:
      for (let i = 0; i < length; ++i) {
        line[i] += ((i < distance ? 0 : line[i - distance]) + above[i]) >> 1;
      }
      return;
    case 4:
      for (let i = 0; i < length; ++i) {
        line[i] +=
          i < distance ? above[i] : paeth(line[i - distance], above[i], above[i - distance]);
      }
      return;
    default:
      throw new DamagedError(`a row has the filter ${filter}, which there is not`);
  }
}

/**
 * @param {number} left
 * @param {number} above
 * @param {number} corner
 * @returns {number} the one nearest to left + above − corner
 */
function paeth(left, above, corner) {
  const toLeft = Math.abs(above - corner);
  const toAbove = Math.abs(left - corner);
  const toCorner = Math.abs(left + above - 2 * corner);
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}

/**
 * @param {PngParts} parts
 * @param {Uint8Array} pixels RGBA
 * @returns {(line: Uint8Array, pass: Pass, first: number) => void} writes the pixels of a row, from
 *   the pixel `first` on, in the steps of the pass
 */
function makePainter({ header: { depth, colourType }, palette, transparency }, pixels) {
  const { channels } = COLOUR_TYPES[colourType];
  const most = 2 ** depth - 1;
  // One colour, all samples of which are transparent.
  const hasKey = (colourType === 0 || colourType === 2) && transparency.length >= 2 * channels;
  const key = hasKey ? (/** @type {number} */ c) => transparency.readUInt16BE(2 * c) & most : null;
  const [key0, key1, key2] = key ? [0, channels >> 1, channels - 1].map(key) : [-1, -1, -1];
  if (colourType === PALETTE) {
    const colours = paletteColours(palette, transparency);
    return (line, { width, across }, first) => {
      const samples = unpack(line, width, depth);
      for (let x = 0, at = 4 * first; x < width; ++x, at += 4 * across) {
        const place = 4 * samples[x];
        for (let c = 0; c < 4; ++c) pixels[at + c] = colours[place + c];
      }
    };
  }
  const scale = 255 / most;
  const [green, blue] = channels >= 3 ? [1, 2] : [0, 0];
  const alpha = channels % 2 === 0 ? channels - 1 : -1;
  return (line, { width, across }, first) => {
    const samples = unpack(line, width * channels, depth);
    for (let x = 0, at = 4 * first, i = 0; x < width; ++x, at += 4 * across, i += channels) {
      const r = samples[i];
      const g = samples[i + green];
      const b = samples[i + blue];
      pixels[at] = r * scale + 0.5;
      pixels[at + 1] = g * scale + 0.5;
      pixels[at + 2] = b * scale + 0.5;
      if (alpha > 0) pixels[at + 3] = samples[i + alpha] * scale + 0.5;
      else pixels[at + 3] = r === key0 && g === key1 && b === key2 ? 0 : 255;
    }
  };
}

/**
 * @param {Buffer} palette
 * @param {Buffer} transparency of its first places
 * @returns {Uint8Array} RGBA of each place; those beyond its end are as the last, as in browsers
 */
function paletteColours(palette, transparency) {
  const colours = new Uint8Array(4 * 256);
  for (let place = 0; place < 256; ++place) {
    const there = Math.min(place, palette.length / 3 - 1);
    for (let c = 0; c < 3; ++c) colours[4 * place + c] = palette[3 * there + c];
    colours[4 * place + 3] = transparency[there] ?? 255;
  }
  return colours;
}

/**
 * @param {Uint8Array} line
 * @param {number} count
 * @param {number} depth
 * @returns {Uint8Array | Uint16Array} a sample each
 */
function unpack(line, count, depth) {
  if (depth === 8) return line;
  if (depth === 16) {
    const samples = new Uint16Array(count);
    for (let i = 0; i < count; ++i) samples[i] = (line[2 * i] << 8) | line[2 * i + 1];
    return samples;
  }
  const samples = new Uint8Array(count);
  const each = 8 / depth;
  const mask = 2 ** depth - 1;
  for (let i = 0; i < count; ++i) {
    samples[i] = (line[Math.floor(i / each)] >> (8 - depth * (1 + (i % each)))) & mask;
  }
  return samples;
}
