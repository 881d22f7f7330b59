// SPDX-License-Identifier: Apache-2.0

/**
 * JPEG pictures, decoded by libjpeg-turbo as browsers decode them: in WebAssembly, within limits.
 * Those of four components (CMYK, as printers want it), which that build does not convert, are decoded
 * by another decoder, in JavaScript.
 */

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import decode, { init } from '@jsquash/jpeg/decode.js';
import jpeg from 'jpeg-js';

import { upright } from './exif.js';
import { DamagedError, UnsupportedPictureError, checkSize } from './limits.js';
import { blocksOf, readJpegHeader } from './jpeg-header.js';

/** @typedef {import('./picture.js').Picture} Picture */

/** Of scans times blocks: 20 passes over the largest picture. */
const WORK_LIMIT = 20 * 4.7e6;
/** Of the decoder in JavaScript, which keeps all coefficients as 32-bit integers. */
const MEMORY_MB = 2048;

/** Adobe's marker, with pixels that are what they are: CMYK, of which 255 is no ink. */
const ADOBE_CMYK = Buffer.from('\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\0', 'latin1');

/** What the decoder says of pixels that are not there. */
const LACKS_PIXELS = /premature end/i;

/** @type {Promise<WebAssembly.Module> | undefined} */
let compiled;

/** @param {Uint8Array} bytes */
export function isJpeg(bytes) {
  return bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
}

/**
 * @param {Buffer<ArrayBuffer>} bytes
 * @returns {Promise<Picture>}
 * @throws {DamagedError | UnsupportedPictureError | Error} with a phrase
 */
export async function decodeJpeg(bytes) {
  const header = readJpegHeader(bytes);
  if (header.unsupported) throw new UnsupportedPictureError(header.unsupported);
  checkSize(header, 4);
  // The decoders would fill up with grey.
  if (!header.complete || header.scans === 0)
    throw new DamagedError('it ends before its pixels do');
  const blocks = blocksOf(header);
  if (header.width === 0 || header.height === 0) throw new DamagedError('it has no pixels');
  // Each block takes one bit at the very least.
  if (8 * header.scanBytes < blocks) throw new DamagedError('it lacks most of its pixels');
  if (header.scans * blocks > WORK_LIMIT) {
    throw new DamagedError(`its ${header.scans} passes over so many pixels would take too long`);
  }
  const four = header.components.length === 4;
  const picture = four ? decodeFour(bytes, header.adobe) : await decodeByTurbo(bytes);
  return upright(picture, header.orientation);
}

/**
 * @param {Buffer<ArrayBuffer>} bytes
 * @returns {Promise<Picture>}
 */
async function decodeByTurbo(bytes) {
  /** @type {string[]} */
  const complaints = [];
  // An instance for each picture: what one leaves behind, after an error above all, is of no harm to
  // the next, and its memory is given back.
  const start = /** @type {(module: WebAssembly.Module, options: object) => Promise<void>} */ (
    /** @type {unknown} */ (init)
  );
  const say = (/** @type {string} */ text) => complaints.push(text);
  await start(await decoderModule(), { print: say, printErr: say });
  let picture;
  try {
    picture = await decode(/** @type {any} */ (bytes));
  } catch {
    throw new DamagedError(complaints[0] ?? 'it cannot be decoded');
  }
  const lacking = complaints.find((text) => LACKS_PIXELS.test(text));
  if (lacking) throw new DamagedError('it ends before its pixels do');
  const { data, width, height } = picture;
  return { data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength), width, height };
}

/** @returns {Promise<WebAssembly.Module>} */
function decoderModule() {
  compiled ??= readFile(
    createRequire(import.meta.url).resolve('@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm'),
  ).then((bytes) => WebAssembly.compile(bytes));
  return compiled;
}

/**
 * @param {Buffer<ArrayBuffer>} bytes
 * @param {boolean} adobe whether it says by Adobe's marker what it is
 * @returns {Picture}
 */
function decodeFour(bytes, adobe) {
  const marked = adobe
    ? bytes
    : Buffer.concat([bytes.subarray(0, 2), ADOBE_CMYK, bytes.subarray(2)]);
  const { data, width, height } = jpeg.decode(marked, {
    useTArray: true,
    tolerantDecoding: false,
    maxResolutionInMP: Infinity, // checked before
    maxMemoryUsageInMB: MEMORY_MB,
  });
  return { data, width, height };
}
