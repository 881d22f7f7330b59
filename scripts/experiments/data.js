// SPDX-License-Identifier: Apache-2.0

/**
 * The examples of a run. A simulation tests on the last fifth of what it gets, of a text on the last
 * tenth; runs that choose a learning rate do not get what the others test on.
 */

import { gunzipSync } from 'node:zlib';

import { readData } from '../common/data.js';

/**
 * @typedef {import('../../web/lib/index.js').DataOption} DataOption
 * @typedef {import('./plan.js').Settings} Settings
 */

const TRAINING_IMAGES = 8000;
const TRAINING_SHARE_OF_TEXT = 0.9;
const DIGITS = 200;

/**
 * The first examples of an IDX file, as one: a magic number, the count of each dimension, elements
 * of one byte.
 *
 * @param {Uint8Array} bytes
 * @param {number} count
 */
function firstOfIdx(bytes, count) {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const header = 4 + 4 * view.getUint8(3);
  const elements = (bytes.length - header) / view.getUint32(4);
  const part = bytes.slice(0, header + count * elements);
  new DataView(part.buffer).setUint32(4, count);
  return part;
}

/** @param {Settings['judgedOn']} judgedOn @returns {DataOption} */
function mnist(judgedOn) {
  const [images, labels] = ['images-idx3', 'labels-idx1'].map((name) => {
    const bytes = Uint8Array.from(gunzipSync(readData('mnist', `t10k-${name}-ubyte.gz`)));
    return judgedOn === 'test' ? bytes : firstOfIdx(bytes, TRAINING_IMAGES);
  });
  return { images, labels };
}

/** @param {Settings['judgedOn']} judgedOn @returns {DataOption} */
function text(judgedOn) {
  const bytes = Uint8Array.from(readData('text', 'tinyshakespeare.txt'));
  const known = Math.round(TRAINING_SHARE_OF_TEXT * bytes.length);
  return { text: judgedOn === 'test' ? bytes : bytes.slice(0, known) };
}

/** @param {Settings['judgedOn']} judgedOn @returns {DataOption} */
function digits(judgedOn) {
  return { digits: DIGITS, seed: judgedOn === 'test' ? 1 : 2 };
}

/**
 * @param {Settings['data']} name
 * @param {Settings['judgedOn']} judgedOn validation: the last part of the training examples
 * @returns {DataOption}
 */
export function openData(name, judgedOn) {
  return { mnist, text, digits }[name](judgedOn);
}
