// SPDX-License-Identifier: Apache-2.0

/** Which way up a picture is, as its camera says in Exif: in JPEG and in PNG files alike. */

const ORIENTATION_TAG = 0x0112;
const TYPE_SHORT = 3;

/**
 * Never throws, and never reads beyond the bytes: nonsense is as good as nothing.
 *
 * @param {Buffer} tiff what Exif consists of
 * @returns {number} from 1, which is upright, to 8
 */
export function readOrientation(tiff) {
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

/**
 * @param {import('./picture.js').Picture} picture
 * @param {number} orientation as Exif numbers them
 * @returns {import('./picture.js').Picture} turned as the camera was held
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
