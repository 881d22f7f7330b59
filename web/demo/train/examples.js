// SPDX-License-Identifier: Apache-2.0

/** The examples of a run, and how they are dealt out. Runs in a worker. */

import { Dataset, initTraining } from '../../lib/training.js';
import { readWhole } from './gunzip.js';
import { blankImages, blankLabels, labelsOf, splitExamples } from './idx.js';

/**
 * @typedef {import('./idx.js').Examples} Examples
 * @typedef {import('./protocol.js').Shard} Shard
 * @typedef {import('./protocol.js').Work} Work
 */

const SIDE = 28;

/**
 * @param {Work['data']} data
 * @returns {Promise<Examples>}
 */
export async function loadExamples(data) {
  if ('digits' in data) return drawDigits(data.digits);
  const [images, labels] = await readAll(data.images, data.labels);
  if (!data.testImages || !data.testLabels) {
    checkSizes(images, labels);
    return splitExamples(images, labels);
  }
  const [testImages, testLabels] = await readAll(data.testImages, data.testLabels);
  return { images, labels, testImages, testLabels };
}

/** @param {...Blob} files */
const readAll = (...files) => Promise.all(files.map((file) => readWhole(file)));

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
 * @param {Uint8Array} images
 * @param {Uint8Array} labels
 * @throws {Error} a sentence, unless the files have what they say
 */
function checkSizes(images, labels) {
  const count = new DataView(images.buffer).getUint32(4);
  if (images.length !== 16 + count * SIDE * SIDE || labels.length !== 8 + count) {
    throw new Error('The MNIST files are damaged: they have not as many examples as they say.');
  }
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
