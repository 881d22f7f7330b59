// SPDX-License-Identifier: Apache-2.0

/** The examples of a run, and how they are dealt out. Runs in a worker. */

import { Dataset, initTraining } from '../../lib/training.js';
import { formatBytes } from '../common/units.js';
import { readHead, readWhole } from './gunzip.js';
import { blankImages, blankLabels, labelsOf, splitExamples } from './idx.js';

/**
 * @typedef {import('./idx.js').Examples} Examples
 * @typedef {import('./protocol.js').Shard} Shard
 * @typedef {import('./protocol.js').Work} Work
 */

const SIDE = 28;

/**
 * @param {Work['data']} data
 * @param {number} [workers] that each get a copy
 * @returns {Promise<Examples>}
 * @throws {Error} a sentence, for files that are damaged or too large
 */
export async function loadExamples(data, workers = 1) {
  if ('digits' in data) return drawDigits(data.digits);
  const { images: file, labels: names, testImages: testFile, testLabels: testNames } = data;
  const sizes = await Promise.all([file, testFile].map((each) => each && imagesSize(each)));
  checkRoom(sizes.reduce((sum = 0, size = 0) => sum + size, 0) ?? 0, workers);
  const [images, labels] = [await readImages(file), await readLabels(names)];
  if (!testFile || !testNames) {
    if (countOf(images) !== countOf(labels)) throw new Error(DAMAGED);
    return splitExamples(images, labels);
  }
  return {
    ...{ images, labels },
    testImages: await readImages(testFile),
    testLabels: await readLabels(testNames),
  };
}

const DAMAGED = 'The MNIST files are damaged: they have not as many examples as they say.';

/** All copies of the images together. */
const MOST_COPIED = 1.5e9;

/**
 * @param {number} bytes of all images
 * @param {number} workers
 */
function checkRoom(bytes, workers) {
  const copies = workers + 2; // the server has one, and so has this worker
  if (bytes * copies <= MOST_COPIED) return;
  throw new Error(
    `The images take ${formatBytes(bytes)}, and each of the ${workers} workers and the server gets ` +
      `a copy: together more than the ${formatBytes(MOST_COPIED)} that this page uses. Fewer ` +
      'workers or fewer images have room.',
  );
}

/** @param {Uint8Array} idx @returns {number} of examples, as the header says */
function countOf(idx) {
  return new DataView(idx.buffer, idx.byteOffset).getUint32(4);
}

/** @param {Blob} file @returns {Promise<number>} what it says that it holds */
async function imagesSize(file) {
  return 16 + countOf(await readHead(file, 16)) * SIDE * SIDE;
}

/** @param {Blob} file */
async function readImages(file) {
  return readExactly(file, await imagesSize(file));
}

/** @param {Blob} file */
async function readLabels(file) {
  return readExactly(file, 8 + countOf(await readHead(file, 8)));
}

/**
 * No more than the header promises: what is compressed could hold very much.
 *
 * @param {Blob} file
 * @param {number} size
 */
async function readExactly(file, size) {
  const bytes = await readWhole(file, { limit: size });
  if (bytes.length !== size) throw new Error(DAMAGED);
  return bytes;
}

/**
 * As a file, so that the digits are drawn once and not by every worker.
 *
 * @param {number} count
 */
async function drawDigits(count) {
  await initTraining();
  const drawn = Dataset.digits({ count });
  const images = blankImages(count, SIDE);
  const labels = blankLabels(count);
  for (let index = 0; index < count; ++index) {
    const example = drawn.example(index);
    const start = 16 + index * SIDE * SIDE;
    for (let pixel = 0; pixel < example.inputs.length; ++pixel) {
      images[start + pixel] = Math.round(255 * example.inputs[pixel]);
    }
    labels[8 + index] = example.labels[0];
  }
  drawn.dispose();
  return splitExamples(images, labels);
}

/**
 * @param {Examples} examples
 * @param {number} workers
 * @param {string} split
 * @param {number} seed
 * @returns {Promise<Shard[]>} as the simulation deals them out
 */
export async function describeShards({ images, labels }, workers, split, seed) {
  await initTraining();
  const data = Dataset.idx(images, labels);
  try {
    return data.shards(workers, split, seed).map((shard) => ({
      examples: shard.length,
      labels: labelsOf(labels, shard),
    }));
  } finally {
    data.dispose();
  }
}
