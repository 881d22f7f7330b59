// SPDX-License-Identifier: Apache-2.0

/** From a network's output to classes. */

import { imageToTensor } from './image.js';

/**
 * @typedef {import('./image.js').ImageOptions} ImageOptions
 * @typedef {import('./image.js').Picture} Picture
 * @typedef {import('./model.js').Model} Model
 *
 * @typedef {{ index: number, probability: number }} ClassProbability
 */

/**
 * The probabilities that a network's output stands for: itself where the network ends in a softmax,
 * else its softmax. Deploy files often leave the softmax out.
 *
 * @param {Model} model
 * @param {Float32Array} output of one sample of `model.run`
 * @returns {Float32Array<ArrayBuffer>} which sums to 1
 */
export function probabilities(model, output) {
  const { nodes, outputs } = model.graph;
  let maker = nodes.find((node) => node.output === outputs[0]);
  while (maker?.op === 'flatten' || maker?.op === 'dropout') {
    const [input] = maker.inputs;
    maker = nodes.find((node) => node.output === input);
  }
  return maker?.op === 'softmax' ? new Float32Array(output) : softmax(output);
}

/**
 * exp(x[i]) / Σ exp(x), without overflow.
 *
 * @param {Float32Array} values
 * @returns {Float32Array<ArrayBuffer>}
 */
function softmax(values) {
  const largest = values.reduce((most, value) => Math.max(most, value), -Infinity);
  const powers = Float64Array.from(values, (value) => Math.exp(value - largest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return Float32Array.from(powers, (power) => power / sum);
}

/**
 * The most probable classes, the first of equals before the later ones.
 *
 * @param {ArrayLike<number>} values
 * @param {number} count
 * @returns {ClassProbability[]} the most probable first; all, where there are fewer
 */
export function topClasses(values, count) {
  return Array.from(values, (probability, index) => ({ index, probability }))
    .sort((a, b) => b.probability - a.probability || a.index - b.index)
    .slice(0, count);
}

/**
 * What a picture shows: input, run and probabilities in one.
 *
 * @param {Model} model
 * @param {Picture} picture
 * @param {ImageOptions & { top?: number }} [options] top: how many classes, by default 5
 * @returns {ClassProbability[]}
 */
export function classify(model, picture, { top = 5, ...options } = {}) {
  const output = model.run(imageToTensor(picture, model.inputShape, options));
  return topClasses(probabilities(model, output), top);
}
