// SPDX-License-Identifier: Apache-2.0

/** IDX files in memory: images behind a header of 16 bytes, labels behind one of 8. */

/** @typedef {Record<'images' | 'labels' | 'testImages' | 'testLabels', Uint8Array>} Examples */

const IMAGES_MAGIC = 0x803;
const LABELS_MAGIC = 0x801;
const TEST_SHARE = 0.2;

/**
 * @param {number} count
 * @param {number} side
 * @returns {Uint8Array<ArrayBuffer>} black ones
 */
export function blankImages(count, side) {
  return withHeader([IMAGES_MAGIC, count, side, side], count * side * side);
}

/** @param {number} count */
export function blankLabels(count) {
  return withHeader([LABELS_MAGIC, count], count);
}

/**
 * @param {number[]} header
 * @param {number} size
 */
function withHeader(header, size) {
  const bytes = new Uint8Array(4 * header.length + size);
  const view = new DataView(bytes.buffer);
  header.forEach((value, index) => view.setUint32(4 * index, value));
  return bytes;
}

/**
 * Puts the last fifth aside for testing.
 *
 * @param {Uint8Array} images well-formed
 * @param {Uint8Array} labels as many
 * @returns {Examples}
 */
export function splitExamples(images, labels) {
  const view = new DataView(images.buffer, images.byteOffset);
  const [count, rows, columns] = [4, 8, 12].map((place) => view.getUint32(place));
  const first = Math.round(count * (1 - TEST_SHARE));
  const trainImages = cut(images, 16, 0, first * rows * columns);
  const testImages = cut(images, 16, first * rows * columns);
  const trainLabels = cut(labels, 8, 0, first);
  const testLabels = cut(labels, 8, first);
  new DataView(trainImages.buffer).setUint32(4, first);
  new DataView(trainLabels.buffer).setUint32(4, first);
  new DataView(testImages.buffer).setUint32(4, count - first);
  new DataView(testLabels.buffer).setUint32(4, count - first);
  return { images: trainImages, labels: trainLabels, testImages, testLabels };
}

/**
 * @param {Uint8Array} bytes
 * @param {number} header
 * @param {number} from
 * @param {number} [to]
 * @returns {Uint8Array<ArrayBuffer>} with the same header
 */
function cut(bytes, header, from, to) {
  const content = bytes.subarray(header + from, to === undefined ? undefined : header + to);
  const file = new Uint8Array(header + content.length);
  file.set(bytes.subarray(0, header));
  file.set(content, header);
  return file;
}

/**
 * @param {Uint8Array} labels an IDX file
 * @param {Uint32Array} shard numbers of examples
 * @returns {number[]} which there are, rising
 */
export function labelsOf(labels, shard) {
  return [...new Set(Array.from(shard, (example) => labels[8 + example]))].sort((a, b) => a - b);
}

/**
 * @param {Uint8Array} images an IDX file
 * @param {number} most
 * @returns {Float32Array<ArrayBuffer>} the first images' pixels, from 0 to 1
 */
export function readPixels(images, most) {
  const view = new DataView(images.buffer, images.byteOffset);
  const [count, rows, columns] = [4, 8, 12].map((place) => view.getUint32(place));
  const size = Math.min(count, most) * rows * columns;
  return Float32Array.from(images.subarray(16, 16 + size), (pixel) => pixel / 255);
}

/**
 * @param {Uint8Array} images an IDX file
 * @param {Uint8Array} labels as many
 * @param {number} most
 * @returns {import('./prune-model.js').Digits} the first of them
 */
export function readDigits(images, labels, most) {
  const inputs = readPixels(images, most);
  return { inputs, labels: labels.subarray(8, 8 + Math.min(labels.length - 8, most)) };
}
