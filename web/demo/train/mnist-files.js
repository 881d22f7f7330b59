// SPDX-License-Identifier: Apache-2.0

/** One's own MNIST files, recognized by what is in them. */

import { readHead } from './gunzip.js';

/**
 * @typedef {import('./protocol.js').OwnFiles} OwnFiles
 * @typedef {{ file: File, kind: 'images' | 'labels', count: number }} Found
 */

const IMAGES_MAGIC = 0x803;
const LABELS_MAGIC = 0x801;
const SIDE = 28;
/** As many as there are values of 28 x 28 bytes in a gigabyte; a run has room for fewer. */
const MOST_EXAMPLES = 1_000_000;

/**
 * @param {File[]} files
 * @returns {Promise<{ files: OwnFiles, count: number, testCount: number }>} testCount: 0 where there
 *   are no files for testing
 * @throws {Error} with a sentence that says what is missing or wrong
 */
export async function sortMnistFiles(files) {
  /** @type {Found[]} */
  const found = [];
  for (const file of files) found.push(await recognize(file));
  const pairs = pairUp(found);
  if (pairs.length > 2) {
    throw new Error(
      `These are ${pairs.length} pairs of images and labels; two are the most, for training and for testing.`,
    );
  }
  const [train, test] = pairs;
  return {
    files: {
      images: train.images.file,
      labels: train.labels.file,
      ...(test && { testImages: test.images.file, testLabels: test.labels.file }),
    },
    count: train.images.count,
    testCount: test?.images.count ?? 0,
  };
}

/**
 * @param {File} file
 * @returns {Promise<Found>}
 */
async function recognize(file) {
  let head;
  try {
    head = await readHead(file, 16);
  } catch {
    throw new Error(`“${file.name}” cannot be read; is it a folder, or damaged?`);
  }
  const view = new DataView(head.buffer);
  const number = (/** @type {number} */ place) =>
    place + 4 <= head.length ? view.getUint32(place) : NaN;
  const [magic, count] = [number(0), number(4)];
  if (magic !== IMAGES_MAGIC && magic !== LABELS_MAGIC) {
    throw new Error(
      `“${file.name}” is not one of MNIST's files, which are called train-images-idx3-ubyte, ` +
        'train-labels-idx1-ubyte and likewise with t10k, with .gz or without.',
    );
  }
  if (!(count >= 10 && count <= MOST_EXAMPLES)) {
    throw new Error(
      `“${file.name}” is damaged: it begins as MNIST's files do, but ends too early.`,
    );
  }
  if (magic === LABELS_MAGIC) return { file, kind: 'labels', count };
  const [rows, columns] = [number(8), number(12)];
  if (rows !== SIDE || columns !== SIDE) {
    throw new Error(
      `The images of “${file.name}” are ${columns} × ${rows}; these models look at ${SIDE} × ${SIDE}.`,
    );
  }
  return { file, kind: 'images', count };
}

/**
 * @param {Found[]} found
 * @returns {Array<{ images: Found, labels: Found }>} by falling size: those for training first
 */
function pairUp(found) {
  const labels = found.filter(({ kind }) => kind === 'labels');
  const pairs = found
    .filter(({ kind }) => kind === 'images')
    .map((images) => {
      const index = labels.findIndex(({ count }) => count === images.count);
      if (index < 0) throw new Error(partnerMissing(images, 'labels'));
      return { images, labels: labels.splice(index, 1)[0] };
    });
  if (labels.length > 0) throw new Error(partnerMissing(labels[0], 'images'));
  return pairs.sort((a, b) => b.images.count - a.images.count);
}

/**
 * @param {Found} found
 * @param {string} missing
 */
function partnerMissing({ file, kind, count }, missing) {
  const size = count.toLocaleString('en');
  return `“${file.name}” holds ${size} ${kind}; drop it together with the file of their ${missing}.`;
}
