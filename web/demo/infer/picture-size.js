// SPDX-License-Identifier: Apache-2.0

/**
 * How large a picture is, from its first bytes: a few of them can say a hundred million pixels,
 * which a browser would decode before anybody is asked.
 */

/** @typedef {{ width: number, height: number }} Size */

/** Photographs of today's cameras have up to 200 million pixels, and sides of up to 16,384. */
export const MOST_PIXELS = 2e8;
export const LONGEST_SIDE = 2 ** 15;

/** As much of a file as is looked at: in a JPEG the size stands behind its thumbnails. */
export const HEAD_BYTES = 2 ** 18;

/**
 * @param {Uint8Array} head of the file
 * @returns {Size | undefined} undefined where it is not told in there
 */
export function pictureSize(head) {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const text = (/** @type {number} */ at, /** @type {number} */ length) =>
    String.fromCharCode(...head.subarray(at, at + length));
  try {
    if (text(1, 3) === 'PNG') return { width: view.getUint32(16), height: view.getUint32(20) };
    if (text(0, 4) === 'GIF8') return gifSize(view);
    if (text(0, 2) === 'BM') return bmpSize(view);
    if (text(0, 4) === 'RIFF') return webpSize(view, text(12, 4));
    if (view.getUint16(0) === 0xffd8) return jpegSize(view);
    if (text(4, 4) === 'ftyp') return heifSize(view, head);
  } catch {
    // It ends before that; the browser will say what it thinks of it.
  }
  return undefined;
}

/** @param {DataView} view */
function gifSize(view) {
  return { width: view.getUint16(6, true), height: view.getUint16(8, true) };
}

/** @param {DataView} view */
function bmpSize(view) {
  if (view.getUint32(14, true) === 12) {
    return { width: view.getUint16(18, true), height: view.getUint16(20, true) };
  }
  const [width, height] = [view.getInt32(18, true), view.getInt32(22, true)];
  return { width: Math.abs(width), height: Math.abs(height) };
}

/**
 * @param {DataView} view
 * @param {string} kind
 */
function webpSize(view, kind) {
  if (kind === 'VP8 ') {
    return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
  }
  if (kind === 'VP8L') {
    const bits = view.getUint32(21, true);
    return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >> 14) & 0x3fff) };
  }
  const [width, height] = [24, 27].map(
    (at) => 1 + (view.getUint16(at, true) | (view.getUint8(at + 2) << 16)),
  );
  return kind === 'VP8X' ? { width, height } : undefined;
}

/** @param {DataView} view @returns {Size | undefined} of the first frame */
function jpegSize(view) {
  for (let at = 2; ; at += 2 + view.getUint16(at + 2)) {
    while (view.getUint8(at) === 0xff && view.getUint8(at + 1) === 0xff) at += 1;
    const marker = view.getUint16(at);
    // SOF0 to SOF15, of which three numbers stand for something else.
    if (marker >= 0xffc0 && marker <= 0xffcf && ![0xffc4, 0xffc8, 0xffcc].includes(marker)) {
      return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
    }
    if (marker < 0xff00 || marker === 0xffda) return undefined;
  }
}

/**
 * Of AVIF and HEIC: the largest of their parts ("ispe"), and of the grid that those may make up.
 *
 * @param {DataView} view
 * @param {Uint8Array} head
 * @returns {Size | undefined}
 */
function heifSize(view, head) {
  /** @type {Size | undefined} */
  let size;
  for (let at = 8; at + 16 <= head.length; ++at) {
    if (view.getUint32(at) !== 0x69737065) continue;
    const [width, height] = [view.getUint32(at + 8), view.getUint32(at + 12)];
    if (!size || width * height > size.width * size.height) size = { width, height };
  }
  return size;
}
