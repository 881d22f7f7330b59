// SPDX-License-Identifier: Apache-2.0

/**
 * From a decoded picture to a network's input: scale, centre crop, order of channels, mean. The
 * same arithmetic in Node.js and in browsers, so that equal pixels give equal tensors.
 */

import { checkNumber, checkOptions } from '../core/check.js';
import { ShapeError, ValueError } from '../core/errors.js';
import { bytesOf, describe, typedArrayName } from '../core/tags.js';

/**
 * Rows of RGBA, 8 bits each, as `ImageData` and the decoders of JPEG and PNG have them.
 *
 * @typedef {{ data: ArrayLike<number>, width: number, height: number }} Picture
 *
 * @typedef {number | readonly number[] | Float32Array | Float64Array} ChannelNumbers one number for
 *   all channels, or one for each, in their order
 *
 * @typedef {object} ImageOptions what becomes of a pixel, a number from 0 to 255:
 *   (pixel − mean) · scale / std. What torchvision calls mean and std is meant for pixels from 0 to 1:
 *   give 255 times those.
 * @property {ChannelNumbers} [mean] by default 104, 117, 123, the mean of ImageNet in BGR; in RGB the
 *   same the other way round
 * @property {ChannelNumbers} [std] the standard deviation, above 0; by default 1
 * @property {number} [scale] by default 1
 * @property {'BGR' | 'RGB'} [order] of the channels; by default BGR, as Caffe has it
 *
 * @typedef {object} Normalization
 * @property {number[]} mean of each channel
 * @property {number[]} factor of each channel: scale / std
 * @property {'BGR' | 'RGB'} order
 */

/** The mean of ImageNet's red, green and blue, as Caffe has it. */
const MEAN = { BGR: [104, 117, 123], RGB: [123, 117, 104] };

export const IMAGE_OPTIONS = Object.freeze(['mean', 'std', 'scale', 'order']);

/**
 * To how many pixels the side of a picture is scaled for the middle `length` of them to be the
 * input: 256 for the usual inputs of 224 and 227, their nearest multiples likewise (512 for 448),
 * and in the ratio of 227 to 256 where that rule does not cover the input (32 for 28, 337 for 299).
 *
 * @param {number} length of the input's side
 * @returns {number} at least `length`
 */
export function scaledSide(length) {
  const side = 256 * Math.round(length / 227);
  return side >= length ? side : Math.round((length * 256) / 227);
}

/**
 * Scales one axis and takes the middle of it: for each output pixel, the source pixels it is mixed
 * from, by a triangle around its place that reaches to the next output pixel, or to the next source
 * pixel where those lie further apart. Pixels are squares whose centres lie at halves.
 *
 * @param {number} from length of the source
 * @param {number} scaled length it is scaled to, a whole number
 * @param {number} to length of the middle that is taken; what is over is cut off on both sides, the
 *   odd pixel at the end
 * @returns {Array<{ first: number, weights: number[] }>} the weights of each sum to 1
 */
function mixtures(from, scaled, to) {
  const step = from / scaled;
  const reach = Math.max(step, 1);
  const offset = Math.floor((scaled - to) / 2);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + offset + 0.5) * step;
    const first = Math.max(Math.ceil(centre - reach - 0.5), 0);
    const last = Math.min(Math.floor(centre + reach - 0.5), from - 1);
    const raw = Array.from(
      { length: last - first + 1 },
      (_unused, n) => 1 - Math.abs(first + n + 0.5 - centre) / reach,
    );
    const sum = raw.reduce((total, weight) => total + weight, 0);
    return { first, weights: raw.map((weight) => weight / sum) };
  });
}

/**
 * @param {Picture} picture
 * @param {number} row
 * @param {ReturnType<typeof mixtures>} columns
 * @returns {Float64Array} the row scaled: red, green, blue of each output column; white shows
 *   where it is transparent
 */
function scaledRow({ data, width }, row, columns) {
  const result = new Float64Array(3 * columns.length);
  columns.forEach(({ first, weights }, x) => {
    weights.forEach((weight, n) => {
      const at = 4 * (row * width + first + n);
      const opaque = data[at + 3] / 255;
      for (let c = 0; c < 3; ++c) {
        result[3 * x + c] += weight * (data[at + c] * opaque + 255 * (1 - opaque));
      }
    });
  });
  return result;
}

/**
 * @param {ImageOptions} options
 * @param {string} what the function that they are for
 * @returns {Normalization}
 * @throws {ValueError} names the option that cannot be
 */
function checkNormalization(options, what) {
  const given = checkOptions(options, what, IMAGE_OPTIONS);
  const { order = 'BGR' } = given;
  if (order !== 'BGR' && order !== 'RGB') {
    throw new ValueError(`The order of channels is "${String(order)}"; it must be "BGR" or "RGB".`);
  }
  const any = () => true;
  const mean = forChannels(given.mean ?? MEAN[order], 'The mean', 'that is finite', any);
  const std = forChannels(given.std ?? 1, 'The std', 'above 0', (value) => value > 0);
  const scale = checkNumber(given.scale ?? 1, 'The scale', 'that is finite', any);
  const factor = std.map((value) => scale / value);
  mean.forEach((value, c) => {
    const most = Math.fround((255 + Math.abs(value)) * Math.abs(factor[c]));
    if (Number.isFinite(most)) return;
    throw new ValueError(
      `A mean of ${value} with a scale of ${scale} and a std of ${std[c]} gives no finite numbers.`,
    );
  });
  return { mean, factor, order };
}

/**
 * @param {unknown} given
 * @param {string} what
 * @param {string} range for the message
 * @param {(value: number) => boolean} fits
 * @returns {number[]} three
 */
function forChannels(given, what, range, fits) {
  const isList = Array.isArray(given) || /^Float/.test(typedArrayName(given) ?? '');
  const list = isList ? [.../** @type {Iterable<unknown>} */ (given)] : [given];
  if (list.length !== 1 && list.length !== 3) {
    throw new ValueError(`${what} must be one number or three, not ${list.length}.`);
  }
  const numbers = list.map((value) => checkNumber(value, what, range, fits));
  return numbers.length === 3 ? numbers : Array(3).fill(numbers[0]);
}

/**
 * @param {Picture} picture
 * @returns {Picture} which no longer changes
 * @throws {ValueError} for what is none
 */
function takePicture(picture) {
  if (typeof picture !== 'object' || picture === null) {
    throw new ValueError(
      `A picture must be an object of data, width and height, not ${describe(picture)}.`,
    );
  }
  const { data, width, height } = picture;
  return { data: takePixels(data), width, height };
}

/**
 * @param {unknown} data
 * @returns {ArrayLike<number>}
 */
function takePixels(data) {
  if (Array.isArray(data)) {
    const fits = (/** @type {number} */ value) => value >= 0 && value <= 255;
    return Array.from(data, (each) => checkNumber(each, 'A pixel', 'from 0 to 255', fits));
  }
  if (typedArrayName(data) !== 'Int8Array' && typedArrayName(data)) {
    const bytes = bytesOf(data);
    if (bytes) return bytes;
  }
  throw new ValueError(
    `The data of a picture must be a Uint8ClampedArray of RGBA, not ${describe(data)}.`,
  );
}

/**
 * @param {Picture} picture
 * @param {readonly number[]} inputShape
 * @returns {[height: number, width: number]}
 */
function checkArguments({ data, width, height }, inputShape) {
  if (!Array.isArray(inputShape)) {
    throw new ShapeError(`An input's shape must be an array, not ${describe(inputShape)}.`);
  }
  const shape =
    inputShape.length === 4 && inputShape[0] === 1 ? inputShape.slice(1) : [...inputShape];
  if (shape.length !== 3 || shape[0] !== 3 || !shape.every((n) => Number.isInteger(n) && n > 0)) {
    throw new ShapeError(
      `A picture has 3 channels; it cannot fill an input of ${inputShape.join('×')}.`,
    );
  }
  if (
    !(Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0) ||
    data.length !== 4 * width * height
  ) {
    throw new ShapeError(
      `A picture of ${width}×${height} needs ${4 * width * height} bytes of RGBA, not ${
        data.length
      }.`,
    );
  }
  return [shape[1], shape[2]];
}

/**
 * Makes a network's input of a picture.
 *
 * The picture is scaled, in proportion, until it covers `scaledSide` of the input's height and
 * width (for a square input: its shorter side becomes that long), and its middle is taken; a
 * picture of exactly the input's size is taken as it is. Transparent pixels show white.
 *
 * Scaling is bilinear with a triangle that widens as the picture shrinks, as in Pillow and
 * torchvision: each output pixel is computed from all source pixels it covers, in float64, without
 * rounding in between. Of the ways tried this one gives the probabilities that the project's
 * reference has for SqueezeNet (dog.jpg: 258 at 0.782; cat.jpg: 278 0.32, 263 0.28, 277 0.16,
 * 281 0.07, 282 0.06); mixing only the four nearest pixels, as graphics libraries do, aliases, and
 * gives 0.98 and 278 0.48, 263 0.18.
 *
 * @param {Picture} given
 * @param {readonly number[]} inputShape [1, 3, height, width] or [3, height, width]
 * @param {ImageOptions} [options]
 * @returns {Float32Array} [3, height, width]
 * @throws {ShapeError} if the picture's data does not have its size, or the input is not for one
 * @throws {ValueError} names an option that there is not or that cannot be
 */
export function imageToTensor(given, inputShape, options = {}) {
  const { mean, factor, order } = checkNormalization(options, 'imageToTensor');
  const picture = takePicture(given);
  const [height, width] = checkArguments(picture, inputShape);
  const asItIs = picture.height === height && picture.width === width;
  const zoom = asItIs
    ? 1
    : Math.max(scaledSide(height) / picture.height, scaledSide(width) / picture.width);
  const columns = mixtures(picture.width, Math.round(picture.width * zoom), width);
  /** @type {Map<number, Float64Array>} */
  const scaledRows = new Map();
  const tensor = new Float32Array(3 * height * width);
  const rows = mixtures(picture.height, Math.round(picture.height * zoom), height);
  rows.forEach(({ first, weights }, y) => {
    const sum = new Float64Array(3 * width);
    for (const row of scaledRows.keys()) if (row < first) scaledRows.delete(row);
    weights.forEach((weight, n) => {
      const row = scaledRows.get(first + n) ?? scaledRow(picture, first + n, columns);
      scaledRows.set(first + n, row);
      for (let i = 0; i < row.length; ++i) sum[i] += weight * row[i];
    });
    for (let c = 0; c < 3; ++c) {
      const channel = order === 'RGB' ? c : 2 - c;
      for (let x = 0; x < width; ++x) {
        tensor[(c * height + y) * width + x] = (sum[3 * x + channel] - mean[c]) * factor[c];
      }
    }
  });
  return tensor;
}
