// SPDX-License-Identifier: Apache-2.0

/** How large a picture may be, and what is wrong with one; the file's name comes in front. */

/** Of today's larger cameras. As RGBA it takes 400 MB. */
const PIXEL_LIMIT = 100e6;
/** What a JPEG can have. */
const SIDE_LIMIT = 65535;
/** Of the pixels as a file has them, decompressed. */
const DECODED_LIMIT = 2 ** 29;

/** A picture that is not what its format says; the message is a phrase. */
export class DamagedError extends Error {}

/** A picture of a kind that is not decoded; the message is a phrase that follows "is". */
export class UnsupportedPictureError extends Error {}

/** A picture that is too large; the message is a phrase that follows its name. */
export class SizeError extends Error {}

/**
 * @param {{ width: number, height: number }} size
 * @param {number} pixelBytes of a pixel, decompressed
 * @throws {SizeError} before any memory is taken for it
 */
export function checkSize({ width, height }, pixelBytes) {
  const size = `has ${width}×${height} pixels`;
  if (width * height > PIXEL_LIMIT) {
    throw new SizeError(`${size}; the limit is ${PIXEL_LIMIT / 1e6} million`);
  }
  if (width > SIDE_LIMIT || height > SIDE_LIMIT) {
    throw new SizeError(`${size}; the limit is ${SIDE_LIMIT} on each side`);
  }
  if (width * height * pixelBytes > DECODED_LIMIT) {
    throw new SizeError(
      `${size} of ${pixelBytes} bytes each; the limit is ${DECODED_LIMIT} bytes in all`,
    );
  }
}
