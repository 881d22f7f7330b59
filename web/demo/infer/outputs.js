// SPDX-License-Identifier: Apache-2.0

/** What a network gave: classes where it counts some, and what each output is. */

import { probabilities, topClasses } from '../../lib/lowtropy.js';

/**
 * @typedef {import('../../lib/lowtropy.js').Model} Model
 * @typedef {ReturnType<Model['run']>} Outputs
 * @typedef {import('./protocol.js').OutputFacts} OutputFacts
 */

/** A row of more is none of classes. */
const MOST_CLASSES = 100_000;

/**
 * @param {Model} model
 * @param {any} outputs
 * @returns {Float32Array | undefined} of its classes; undefined where the first output is no row of them
 */
export function sharesOf(model, outputs) {
  const [{ name }] = model.outputs;
  const { type, data, shape } = outputs[name];
  const isRow = Math.max(...shape) === data.length || shape.length === 0;
  if (type !== 'float32' || !isRow || data.length < 2 || data.length > MOST_CLASSES) {
    return undefined;
  }
  return data.some(Number.isNaN) ? undefined : probabilities(model, data);
}

/**
 * @param {Float32Array} shares
 * @param {readonly string[]} names
 * @param {number} count
 */
export function topOf(shares, names, count) {
  return topClasses(shares, count).map(({ index, probability }) => ({
    index,
    label: names[index] || `class ${index}`,
    probability,
  }));
}

/**
 * @param {any} outputs of a run
 * @returns {OutputFacts[]}
 */
export function outputFacts(outputs) {
  return Object.entries(outputs).map(([name, { type, shape, data }]) => {
    let [least, most, sum, at] = [Infinity, -Infinity, 0, 0];
    for (let i = 0; i < data.length; ++i) {
      if (data[i] < least) least = data[i];
      if (data[i] > most) [most, at] = [data[i], i];
      sum += data[i];
    }
    return { name, type, shape: [...shape], least, mean: sum / data.length, most, largestAt: at };
  });
}
