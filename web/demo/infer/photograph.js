// SPDX-License-Identifier: Apache-2.0

import { count } from '../common/units.js';
import { PageError } from './download.js';
import { HEAD_BYTES, LONGEST_SIDE, MOST_PIXELS, pictureSize } from './picture-size.js';

/**
 * Of a photograph with more pixels than phones take, fewer will do: networks look at some 50,000. Up
 * to here the page sees each pixel as the command does.
 */
const ENOUGH_PIXELS = 16_000_000;

/** Larger files are no photographs. */
const MOST_BYTES = 256e6;

/**
 * Decodes a photograph, turned as its camera says; a huge one is made smaller.
 *
 * @param {Blob} file
 * @param {string} name
 * @returns {Promise<{ data: Uint8ClampedArray, width: number, height: number }>} RGBA
 * @throws {PageError} if it is not one, or one of a size that no camera makes
 */
export async function decodePhotograph(file, name) {
  await checkSize(file, name);
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, {
      imageOrientation: 'from-image',
      colorSpaceConversion: 'none', // networks learned from the numbers as they are in the file
    });
  } catch {
    throw new PageError(`“${name}” is damaged, or not a photograph that this browser can show.`);
  }
  if (isTooLarge(bitmap)) {
    const { width, height } = bitmap;
    bitmap.close();
    throw new PageError(tooLarge(name, { width, height }));
  }
  const zoom = Math.min(1, Math.sqrt(ENOUGH_PIXELS / (bitmap.width * bitmap.height)));
  const width = Math.max(1, Math.round(bitmap.width * zoom));
  const height = Math.max(1, Math.round(bitmap.height * zoom));
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (!context) throw new PageError(`There is no memory for the ${width}×${height} of “${name}”.`);
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  return { data, width, height };
}

/**
 * Before anything is decoded.
 *
 * @param {Blob} file
 * @param {string} name
 * @throws {PageError}
 */
async function checkSize(file, name) {
  if (file.size > MOST_BYTES) {
    throw new PageError(`“${name}” has ${count(file.size, 'byte')}, too many for a photograph.`);
  }
  const size = pictureSize(new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer()));
  if (size && isTooLarge(size)) throw new PageError(tooLarge(name, size));
}

/** @param {import('./picture-size.js').Size} size */
function isTooLarge({ width, height }) {
  return Math.max(width, height) > LONGEST_SIDE || width * height > MOST_PIXELS;
}

/**
 * @param {string} name
 * @param {import('./picture-size.js').Size} size
 */
function tooLarge(name, { width, height }) {
  const [most, side] = [MOST_PIXELS, LONGEST_SIDE].map((number) => number.toLocaleString('en'));
  return (
    `“${name}” has ${width.toLocaleString('en')} × ${height.toLocaleString('en')} pixels; this ` +
    `page takes up to ${most}, and sides of up to ${side}.`
  );
}
