// SPDX-License-Identifier: Apache-2.0

import { PageError } from './download.js';

/**
 * Of a photograph with more pixels than phones take, fewer will do: networks look at some 50,000. Up
 * to here the page sees each pixel as the command does.
 */
const MOST_PIXELS = 16_000_000;

/**
 * Decodes a photograph, turned as its camera says; a huge one is made smaller.
 *
 * @param {Blob} file
 * @param {string} name
 * @returns {Promise<{ data: Uint8ClampedArray, width: number, height: number }>} RGBA
 * @throws {PageError} if it is not one
 */
export async function decodePhotograph(file, name) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, {
      imageOrientation: 'from-image',
      colorSpaceConversion: 'none', // networks learned from the numbers as they are in the file
    });
  } catch {
    throw new PageError(`“${name}” is damaged, or not a photograph that this browser can show.`);
  }
  const zoom = Math.min(1, Math.sqrt(MOST_PIXELS / (bitmap.width * bitmap.height)));
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
