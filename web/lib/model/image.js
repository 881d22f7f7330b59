// SPDX-License-Identifier: Apache-2.0

/**
 * From a decoded picture to a network's input: scale, centre crop, order of channels, mean. The
 * same arithmetic in Node.js and in browsers, so that equal pixels give equal tensors.
 */

import { ShapeError, ValueError } from '../core/errors.js';

/**
 * Rows of RGBA, 8 bits each, as `ImageData` and the decoders of JPEG and PNG have them.
 *
 * @typedef {{ data: ArrayLike<number>, width: number, height: number }} Picture
 *
 * @typedef {object} ImageOptions
 * @property {[number, number, number]} [mean] subtracted, in the order of the channels; by default
 *   104, 117, 123, the mean of ImageNet in BGR
 * @property {'BGR' | 'RGB'} [order] of the channels; by default BGR, as Caffe has it
 * @property {number} [scale] multiplied with after the mean is subtracted; by default 1
 */

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
 * @param {Picture} picture
 * @param {readonly number[]} inputShape
 * @returns {[height: number, width: number]}
 */
function checkArguments({ data, width, height }, inputShape) {
  const shape =
    inputShape.length === 4 && inputShape[0] === 1 ? inputShape.slice(1) : [...inputShape];
  if (shape.length !== 3 || shape[0] !== 3) {
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
 * @param {Picture} picture
 * @param {readonly number[]} inputShape [1, 3, height, width] or [3, height, width]
 * @param {ImageOptions} [options]
 * @returns {Float32Array} [3, height, width]
 * @throws {ShapeError} if the picture's data does not have its size, or the input is not for one
 * @throws {ValueError} for an unknown order of channels
 */
export function imageToTensor(picture, inputShape, options = {}) {
  const { mean = [104, 117, 123], order = 'BGR', scale = 1 } = options;
  const [height, width] = checkArguments(picture, inputShape);
  if (order !== 'BGR' && order !== 'RGB') {
    throw new ValueError(`The order of channels is "${order}"; it must be "BGR" or "RGB".`);
  }
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
        tensor[(c * height + y) * width + x] = (sum[3 * x + channel] - mean[c]) * scale;
      }
    }
  });
  return tensor;
}
