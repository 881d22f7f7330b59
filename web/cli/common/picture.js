// SPDX-License-Identifier: Apache-2.0

/** Pictures from files: JPEG and PNG, by their first bytes, of limited size, upright. */

import { inflateSync } from 'node:zlib';
import jpeg from 'jpeg-js';
import { PNG } from 'pngjs';

import { CommandError, readInput } from './files.js';
import { readJpegHeader } from './jpeg-header.js';
import { isPng, readPngHeader } from './png-header.js';

/** @typedef {{ data: Uint8Array, width: number, height: number }} Picture RGBA */

const FILE_LIMIT = 128 * 2 ** 20;
/** Of today's larger cameras. As RGBA it takes 400 MB. */
const PIXEL_LIMIT = 100e6;
/** Of the JPEG decoder, which keeps all coefficients as 32-bit integers. */
const JPEG_MEMORY_MB = 2048;

/**
 * @param {string} file
 * @returns {Promise<Picture>}
 * @throws {CommandError} a sentence that names the file
 */
export async function readPicture(file) {
  const bytes = await readInput(file, FILE_LIMIT);
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return decodeJpeg(file, bytes);
  if (isPng(bytes)) return decodePng(file, bytes);
  throw new CommandError(
    bytes.length === 0 ? `${file} is empty.` : `${file} is neither a JPEG nor a PNG picture.`,
  );
}

/**
 * @param {string} file
 * @param {{ width: number, height: number }} header
 */
function checkSize(file, { width, height }) {
  if (width * height > PIXEL_LIMIT) {
    throw new CommandError(
      `${file} has ${width}×${height} pixels; the limit is ${PIXEL_LIMIT / 1e6} million.`,
    );
  }
}

/**
 * @param {string} file
 * @param {string} type
 * @param {unknown} error of a decoder
 */
function damaged(file, type, error) {
  // Of decoders that run into something they did not foresee the message tells nobody anything.
  const known = error instanceof Error && Object.getPrototypeOf(error) === Error.prototype;
  return new CommandError(
    `${file} is a damaged ${type} picture${known ? `: ${error.message.replace(/\.$/, '')}` : ''}.`,
  );
}

/**
 * @param {string} file
 * @param {Buffer<ArrayBuffer>} bytes
 */
function decodeJpeg(file, bytes) {
  const { size, orientation, scan } = readJpegHeader(bytes);
  if (size) checkSize(file, size);
  // The decoder would fill up with grey.
  if (scan === undefined || bytes.indexOf(Buffer.of(0xff, 0xd9), scan) < 0) {
    throw damaged(file, 'JPEG', new Error('it ends before its pixels do'));
  }
  let picture;
  try {
    picture = jpeg.decode(bytes, {
      useTArray: true,
      maxResolutionInMP: PIXEL_LIMIT / 1e6,
      maxMemoryUsageInMB: JPEG_MEMORY_MB,
    });
  } catch (error) {
    throw damaged(file, 'JPEG', error);
  }
  return upright(picture, orientation);
}

/**
 * @param {string} file
 * @param {Buffer<ArrayBuffer>} bytes
 * @returns {Picture}
 */
function decodePng(file, bytes) {
  try {
    const header = readPngHeader(bytes);
    checkSize(file, header);
    if (header.interlaced) {
      // The decoder limits what comes out of the compressed data only of other pictures.
      const most = 8 * header.width * header.height + 14 * header.height + 64;
      inflateSync(Buffer.concat(header.data), { maxOutputLength: most });
    }
    const { data, width, height } = PNG.sync.read(bytes.subarray(0, header.end));
    return { data, width, height };
  } catch (error) {
    throw error instanceof CommandError ? error : damaged(file, 'PNG', error);
  }
}

/**
 * @param {Picture} picture
 * @param {number} orientation as Exif numbers them
 * @returns {Picture} turned as the camera was held
 */
export function upright({ data, width, height }, orientation) {
  if (orientation === 1) return { data, width, height };
  const turned = orientation >= 5;
  const [outWidth, outHeight] = turned ? [height, width] : [width, height];
  // Which of its own ends each axis of the source begins from.
  const flipX = [2, 3, 7, 8].includes(orientation);
  const flipY = [3, 4, 6, 7].includes(orientation);
  const pixels = new Uint32Array(data.slice().buffer);
  const result = new Uint32Array(pixels.length);
  for (let y = 0; y < outHeight; ++y) {
    for (let x = 0; x < outWidth; ++x) {
      const [u, v] = turned ? [y, x] : [x, y];
      const sourceX = flipX ? width - 1 - u : u;
      const sourceY = flipY ? height - 1 - v : v;
      result[y * outWidth + x] = pixels[sourceY * width + sourceX];
    }
  }
  return { data: new Uint8Array(result.buffer), width: outWidth, height: outHeight };
}
