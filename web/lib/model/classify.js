// SPDX-License-Identifier: Apache-2.0

/** From a network's output to classes. */

import { checkInteger, checkOptions } from '../core/check.js';
import { ValueError } from '../core/errors.js';
import { takeFloats } from '../core/memory.js';
import { describe } from '../core/tags.js';
import { IMAGE_OPTIONS } from './image-options.js';
import { imageToTensor } from './image.js';
import { Model } from './model.js';

/**
 * @typedef {import('./image-options.js').ImageOptions} ImageOptions
 * @typedef {import('./image.js').Picture} Picture
 *
 * @typedef {{ index: number, probability: number }} ClassProbability
 */

const MOST_CLASSES = 2 ** 32 - 1;

/**
 * The probabilities that a network's output stands for: itself where the network ends in a softmax,
 * else its softmax. Deploy files often leave the softmax out.
 *
 * @param {Model} model
 * @param {Float32Array} output of one sample of `model.run`
 * @returns {Float32Array<ArrayBuffer>} which sums to 1
 * @throws {ValueError} for what is no Model, and for an output that holds NaN
 */
export function probabilities(model, output) {
  checkModel(model);
  const values = takeOutput(output);
  const { nodes, outputs } = model.graph;
  let maker = nodes.find((node) => node.output === outputs[0]);
  while (maker && ['flatten', 'dropout', 'reshape'].includes(maker.op)) {
    const [input] = maker.inputs;
    maker = nodes.find((node) => node.output === input);
  }
  return maker?.op === 'softmax' ? values : softmax(values);
}

/** @param {unknown} model */
function checkModel(model) {
  if (model instanceof Model) return;
  throw new ValueError(`The model must be a Model, not ${describe(model)}.`);
}

/**
 * @param {unknown} output
 * @returns {Float32Array<ArrayBuffer>} a copy
 */
function takeOutput(output) {
  const values = new Float32Array(takeFloats(output, 'The output', () => {}));
  const wrong = values.findIndex(Number.isNaN);
  if (wrong < 0) return values;
  throw new ValueError(`The output holds NaN at ${wrong}: the network got too large numbers.`);
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
 * @param {Float32Array | Float64Array | number[]} values
 * @param {number} count at least 1
 * @returns {ClassProbability[]} the most probable first; all, where there are fewer
 * @throws {ValueError} for NaN, and for a count that is none
 */
export function topClasses(values, count) {
  checkInteger(count, 'The number of classes', 1, MOST_CLASSES);
  return Array.from(takeOutput(values), (probability, index) => ({ index, probability }))
    .sort((a, b) => b.probability - a.probability || a.index - b.index)
    .slice(0, count);
}

/**
 * What a picture shows: input, run and probabilities in one.
 *
 * @param {Model} model
 * @param {Picture} picture
 * @param {ImageOptions & { top?: number }} [options] top: how many classes, by default 5; without any
 *   other, those that the model's file keeps (`model.graph.image`) hold, where it does
 * @returns {ClassProbability[]}
 * @throws {ShapeError} for a model that takes no pictures of three channels, and for a picture whose
 *   data do not have its size
 * @throws {ValueError} names an option that there is not or that cannot be
 */
export function classify(model, picture, options = {}) {
  checkModel(model);
  const { top = 5, ...rest } = checkOptions(options, 'classify', ['top', ...IMAGE_OPTIONS]);
  checkInteger(top, 'The option "top"', 1, MOST_CLASSES);
  const image = Object.keys(rest).length > 0 ? rest : model.graph.image;
  const tensor = imageToTensor(picture, model.inputShape, image);
  const output = runOnPicture(model, tensor);
  return topClasses(probabilities(model, output), top);
}

/**
 * For this package's own use.
 *
 * @param {Model} model
 * @param {Float32Array} tensor of its input, of `imageToTensor`
 * @returns {Float32Array} the first output
 */
export function runOnPicture(model, tensor) {
  const [{ name, type }] = model.inputs;
  if (type === 'float32') return model.run(tensor);
  // Networks of integers take pixels as they are.
  const results = model.run({ [name]: Int32Array.from(tensor, Math.round) });
  return Float32Array.from(results[model.outputs[0].name].data);
}
