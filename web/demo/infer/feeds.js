// SPDX-License-Identifier: Apache-2.0

/** What a network is given: a digit, a photograph, a recording, or noise. */

import { imageToTensor } from '../../lib/lowtropy.js';
import { makeRandom } from '../common/random.js';

/**
 * @typedef {import('../../lib/lowtropy.js').ImageOptions} ImageOptions
 * @typedef {import('../../lib/lowtropy.js').Model} Model
 * @typedef {import('../../lib/lowtropy.js').Picture} Picture
 * @typedef {import('./protocol.js').InputKind} InputKind
 * @typedef {import('./protocol.js').PixelRange} PixelRange
 * @typedef {Model['inputs'][number]} InputInfo
 *
 * @typedef {Record<string, { data: Float32Array | Int32Array | Uint8Array, shape: number[] }>} Feed
 */

const DIGIT_PIXELS = 28 * 28;

/** Integers are drawn below it: there are networks with tables of few rows. */
const NOISE_BELOW = 2;

/** What becomes of pixels where a file does not say it. @type {Record<PixelRange, ImageOptions>} */
const RANGES = {
  caffe: {},
  imagenet: {
    order: 'RGB',
    mean: [0.485, 0.456, 0.406].map((share) => 255 * share),
    std: [0.229, 0.224, 0.225].map((share) => 255 * share),
  },
  unit: { order: 'RGB', mean: 0, std: 255 },
  signed: { order: 'RGB', mean: 127.5, std: 127.5 },
  bytes: { order: 'RGB', mean: 0 },
};

/**
 * @param {Model} model
 * @returns {InputKind} what this page can give it
 */
export function inputKindOf({ inputs, inputShape, graph }) {
  if (inputs.length !== 1 || inputs[0].type === 'bool') return 'other';
  const [{ type, usualShape }] = inputs;
  const size = usualShape.reduce((product, dim) => product * dim, 1);
  if (type === 'float32' && size === DIGIT_PIXELS && usualShape.includes(28)) return 'digit';
  if (inputShape.length !== 4 || inputShape[0] !== 1) return 'other';
  const [, first, height, last] = inputShape;
  const isColour = first === 3 || last === 3;
  const isGray = graph.image?.order === 'gray' && (first === 1 || last === 1);
  return height > 1 && (isColour || isGray) ? 'photograph' : 'other';
}

/**
 * The likeliest: of networks from ONNX, whose inputs have a batch, PyTorch's have channels first,
 * TensorFlow's last.
 *
 * @param {Model} model
 * @returns {PixelRange | undefined} undefined where it is known
 */
export function usualRange({ inputs, inputShape, graph }) {
  // Without a batch they are Caffe's, as what is done by default.
  if (graph.image || inputs[0].usualShape.length === 3) return undefined;
  return inputShape[1] === 3 ? 'imagenet' : 'signed';
}

/**
 * @param {Model} model
 * @param {Picture} picture
 * @param {PixelRange} [range] where the file does not say it
 * @returns {Feed}
 */
export function pictureFeed({ inputs: [input], inputShape, graph }, picture, range) {
  const options = range ? RANGES[range] : graph.image;
  return feedOf(input, imageToTensor(picture, inputShape, options));
}

/**
 * @param {Model} model
 * @param {Float32Array} pixels 28×28, from 0 to 1
 * @returns {Feed}
 */
export function digitFeed({ inputs: [input], graph: { image } }, pixels) {
  if (!image) return feedOf(input, pixels);
  const { mean, std, scale } = image;
  return feedOf(
    input,
    pixels.map((pixel) => ((255 * pixel - mean[0]) * scale) / std[0]),
  );
}

/**
 * The loudest part of a recording, as long as the first input that can be one; zeros in all others, as
 * networks that hear in pieces begin with.
 *
 * @param {Model} model
 * @param {Float32Array} samples
 * @returns {Feed | undefined} where there is no such input
 */
export function recordingFeed({ inputs }, samples) {
  const heard = inputs.find(
    ({ type, usualShape }) =>
      type === 'float32' && usualShape.filter((dim) => dim > 1).length === 1,
  );
  if (!heard) return undefined;
  const feeds = inputs.map((input) => {
    const data = zerosOf(input);
    if (input === heard) {
      const part = loudest(samples, data.length);
      data.set(part);
    }
    return [input.name, { data, shape: input.usualShape }];
  });
  return Object.fromEntries(feeds);
}

/**
 * @param {Model} model
 * @param {number} seed
 * @returns {Feed} floats from -1 to 1
 */
export function noiseFeed({ inputs }, seed) {
  const random = makeRandom(seed);
  const feeds = inputs.map((input) => {
    const data = zerosOf(input);
    for (let i = 0; i < data.length; ++i) {
      data[i] = input.type === 'float32' ? 2 * random() - 1 : Math.floor(NOISE_BELOW * random());
    }
    return [input.name, { data, shape: input.usualShape }];
  });
  return Object.fromEntries(feeds);
}

/** @param {InputInfo} input */
function zerosOf({ type, usualShape }) {
  const size = usualShape.reduce((product, dim) => product * dim, 1);
  if (type === 'float32') return new Float32Array(size);
  return type === 'int32' ? new Int32Array(size) : new Uint8Array(size);
}

/**
 * @param {InputInfo} input
 * @param {Float32Array} values
 * @returns {Feed}
 */
function feedOf({ name, type, usualShape }, values) {
  const data = type === 'float32' ? values : Int32Array.from(values, Math.round);
  return { [name]: { data, shape: usualShape } };
}

/**
 * @param {Float32Array} samples
 * @param {number} length
 */
function loudest(samples, length) {
  let [energy, most, at] = [0, -1, 0];
  for (let end = 0; end < samples.length; ++end) {
    energy += samples[end] ** 2 - (end >= length ? samples[end - length] ** 2 : 0);
    if (end >= length - 1 && energy > most) [most, at] = [energy, end - length + 1];
  }
  return samples.subarray(at, at + length);
}
