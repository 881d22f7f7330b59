// SPDX-License-Identifier: Apache-2.0

/** What the digit reader learns from: digits of MNIST, turned and bent a little, and drawn ones. */

import { gunzipSync } from 'node:zlib';

import { Dataset } from '../../web/lib/index.js';
import { readData } from '../common/data.js';
import { Random } from '../networks/random.js';

/** @typedef {{ pixels: Uint8Array, labels: Uint8Array }} Examples 28×28 bytes for each label */

export const SIDE = 28;
const PIXELS = SIDE * SIDE;

/** Of MNIST's 10,000 images for testing the first so many are learned from; the rest tests. */
export const LEARNED = 8000;

/** @returns {Examples} all of what is in the data folder */
export function readMnist() {
  const read = (/** @type {string} */ name) => gunzipSync(readData('mnist', `${name}.gz`));
  return {
    pixels: read('t10k-images-idx3-ubyte').subarray(16),
    labels: read('t10k-labels-idx1-ubyte').subarray(8),
  };
}

/**
 * @param {Examples} examples
 * @param {number} from
 * @param {number} to
 * @returns {Examples}
 */
export function slice({ pixels, labels }, from, to) {
  return { pixels: pixels.subarray(PIXELS * from, PIXELS * to), labels: labels.subarray(from, to) };
}

/**
 * @param {...Examples} parts
 * @returns {Examples}
 */
export function join(...parts) {
  return {
    pixels: Buffer.concat(parts.map(({ pixels }) => pixels)),
    labels: Buffer.concat(parts.map(({ labels }) => labels)),
  };
}

/**
 * @param {Examples} examples
 * @returns {Dataset} to be disposed of
 */
export function toDataset({ pixels, labels }) {
  return Dataset.idx(
    idxFile([labels.length, SIDE, SIDE], pixels),
    idxFile([labels.length], labels),
  );
}

/**
 * @param {number[]} sizes
 * @param {Uint8Array} bytes
 */
function idxFile(sizes, bytes) {
  const file = new Uint8Array(4 + 4 * sizes.length + bytes.length);
  const view = new DataView(file.buffer);
  view.setUint32(0, 0x0800 + sizes.length); // unsigned bytes, so many axes
  sizes.forEach((size, axis) => view.setUint32(4 + 4 * axis, size));
  file.set(bytes, 4 + 4 * sizes.length);
  return file;
}

/**
 * @param {number} count
 * @param {number} seed
 * @returns {Examples} digits drawn from strokes
 */
export function drawnDigits(count, seed) {
  const data = Dataset.digits({ count, seed });
  const examples = { pixels: new Uint8Array(PIXELS * count), labels: new Uint8Array(count) };
  for (let i = 0; i < count; ++i) {
    const { inputs, labels } = data.example(i);
    examples.pixels.set(
      inputs.map((value) => Math.round(255 * value)),
      PIXELS * i,
    );
    examples.labels[i] = labels[0];
  }
  data.dispose();
  return examples;
}

/**
 * Each digit turned, sheared, scaled and moved by chance, its strokes made thicker or thinner by
 * a change of contrast.
 *
 * @param {Examples} examples
 * @param {number} seed
 * @returns {Examples}
 */
export function bend({ pixels, labels }, seed) {
  const random = new Random(seed, 'bend');
  const bent = new Uint8Array(pixels.length);
  for (let i = 0; i < labels.length; ++i) {
    const from = pixels.subarray(PIXELS * i, PIXELS * (i + 1));
    warp(from, bent.subarray(PIXELS * i, PIXELS * (i + 1)), random);
  }
  return { pixels: bent, labels };
}

/**
 * @param {Uint8Array} from
 * @param {Uint8Array} to
 * @param {Random} random
 */
function warp(from, to, random) {
  const turn = random.uniform(-0.22, 0.22); // radians
  const shear = random.uniform(-0.2, 0.2);
  const [scaleX, scaleY] = [random.uniform(0.85, 1.2), random.uniform(0.85, 1.2)];
  const [moveX, moveY] = [random.uniform(-1.5, 1.5), random.uniform(-1.5, 1.5)];
  const contrast = random.uniform(0.8, 1.6);
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const middle = (SIDE - 1) / 2;
  for (let y = 0; y < SIDE; ++y) {
    for (let x = 0; x < SIDE; ++x) {
      const [u, v] = [(x - middle - moveX) * scaleX, (y - middle - moveY) * scaleY];
      const value = between(
        from,
        cos * u - sin * v + shear * v + middle,
        sin * u + cos * v + middle,
      );
      to[y * SIDE + x] = Math.min(255, Math.round(value * contrast));
    }
  }
}

/**
 * @param {Uint8Array} pixels
 * @param {number} x
 * @param {number} y
 * @returns {number} mixed from the four nearest; black outside
 */
function between(pixels, x, y) {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  let sum = 0;
  for (const [column, row] of [
    [left, top],
    [left + 1, top],
    [left, top + 1],
    [left + 1, top + 1],
  ]) {
    if (column < 0 || column >= SIDE || row < 0 || row >= SIDE) continue;
    const weight = (1 - Math.abs(x - column)) * (1 - Math.abs(y - row));
    sum += weight * pixels[row * SIDE + column];
  }
  return sum;
}
