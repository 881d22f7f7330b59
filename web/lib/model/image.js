// SPDX-License-Identifier: Apache-2.0

/**
 * From a decoded picture to a network's input: scale, centre crop, order of channels, mean. The
 * same arithmetic in Node.js and in browsers, so that equal pixels give equal tensors.
 */

import { checkNumber } from '../core/check.js';
import { ShapeError, ValueError } from '../core/errors.js';
import { bytesOf, describe, typedArrayName } from '../core/tags.js';
import { planImage } from './image-options.js';

/**
 * Rows of RGBA, 8 bits each, as `ImageData` and the decoders of JPEG and PNG have them.
 *
 * @typedef {{ data: ArrayLike<number>, width: number, height: number }} Picture
 *
 * @typedef {import('./image-options.js').ImageOptions} ImageOptions
 * @typedef {import('./image-options.js').ImagePlan} ImagePlan
 *
 * @typedef {object} Axis of the input, of which the picture fills a part
 * @property {number} start of that part
 * @property {ReturnType<typeof mixtures>} mixtures of each of its pixels
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
 * @throws {ShapeError} unless it has the pixels that it says
 */
function checkSize({ data, width, height }) {
  const isSize = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0;
  if (isSize && data.length === 4 * width * height) return;
  throw new ShapeError(
    `A picture of ${width}×${height} needs ${4 * width * height} bytes of RGBA, not ${data.length}.`,
  );
}

/**
 * Where in the input the picture comes, and of which of its pixels each is mixed.
 *
 * @param {Picture} picture
 * @param {ImagePlan} plan
 * @returns {{ rows: Axis, columns: Axis }}
 */
function placePicture({ height: from, width: fromWide }, { height, width, fit, side }) {
  const isWhole = fit === 'contain' || fit === 'corner';
  const down = height / from;
  const across = width / fromWide;
  const zoom = isWhole ? Math.min(down, across) : Math.max(down, across, cropZoom());
  const place = (/** @type {number} */ length, /** @type {number} */ to) => {
    if (fit === 'stretch') return axisOf(length, to, to, 0);
    const scaled = Math.max(Math.round(length * zoom), 1);
    if (!isWhole) return axisOf(length, Math.max(scaled, to), to, 0);
    return axisOf(length, scaled, scaled, fit === 'contain' ? Math.floor((to - scaled) / 2) : 0);
  };
  const same = from === height && fromWide === width;
  if (same) return { rows: axisOf(from, from, from, 0), columns: axisOf(width, width, width, 0) };
  return { rows: place(from, height), columns: place(fromWide, width) };

  function cropZoom() {
    if (side) return side / Math.min(from, fromWide);
    return Math.max(scaledSide(height) / from, scaledSide(width) / fromWide);
  }
}

/**
 * @param {number} from
 * @param {number} scaled
 * @param {number} to
 * @param {number} start
 * @returns {Axis}
 */
function axisOf(from, scaled, to, start) {
  return { start, mixtures: mixtures(from, scaled, to) };
}

/**
 * Makes a network's input of a picture.
 *
 * The picture is scaled, in proportion, until it covers `scaledSide` of the input's height and
 * width (for a square input: its shorter side becomes that long), and its middle is taken, unless
 * `fit` says otherwise; a picture of exactly the input's size is taken as it is. Transparent pixels
 * show white.
 *
 * Scaling is bilinear with a triangle that widens as the picture shrinks, as in Pillow and
 * torchvision: each output pixel is computed from all source pixels it covers, in float64, without
 * rounding in between. Of the ways tried this one gives the probabilities that the project's
 * reference has for SqueezeNet (dog.jpg: 258 at 0.782; cat.jpg: 278 0.32, 263 0.28, 277 0.16,
 * 281 0.07, 282 0.06); mixing only the four nearest pixels, as graphics libraries do, aliases, and
 * gives 0.98 and 278 0.48, 263 0.18.
 *
 * @param {Picture} given
 * @param {readonly number[]} inputShape such as [1, 3, height, width], [3, height, width] or
 *   [1, height, width, 3]; with 1 in place of 3 for gray
 * @param {ImageOptions} [options] such as `model.graph.image`, where a file has it
 * @returns {Float32Array} in that shape
 * @throws {ShapeError} if the picture's data does not have its size, or the input is not for one
 * @throws {ValueError} names an option that there is not or that cannot be
 */
export function imageToTensor(given, inputShape, options = {}) {
  const plan = planImage(options, inputShape, 'imageToTensor');
  const picture = takePicture(given);
  checkSize(picture);
  const { height, width, channels } = plan;
  const { rows, columns } = placePicture(picture, plan);
  const put = writerOf(plan);
  const tensor = new Float32Array(channels * height * width);
  if (plan.fill !== undefined) fillAll(tensor, plan, put);
  /** @type {Map<number, Float64Array>} */
  const scaledRows = new Map();
  rows.mixtures.forEach(({ first, weights }, y) => {
    const sum = new Float64Array(3 * columns.mixtures.length);
    for (const row of scaledRows.keys()) if (row < first) scaledRows.delete(row);
    weights.forEach((weight, n) => {
      const row = scaledRows.get(first + n) ?? scaledRow(picture, first + n, columns.mixtures);
      scaledRows.set(first + n, row);
      for (let i = 0; i < row.length; ++i) sum[i] += weight * row[i];
    });
    for (let x = 0; x < columns.mixtures.length; ++x) {
      put(tensor, rows.start + y, columns.start + x, sum[3 * x], sum[3 * x + 1], sum[3 * x + 2]);
    }
  });
  return tensor;
}

/**
 * @param {ImagePlan} plan
 * @returns {(tensor: Float32Array, y: number, x: number, red: number, green: number, blue: number) => void}
 */
function writerOf({ layout, order, channels, height, width, mean, std, scale }) {
  const factor = std.map((each) => scale / each);
  const [step, pixel] = layout === 'NCHW' ? [height * width, 1] : [1, channels];
  const at = (/** @type {number} */ y, /** @type {number} */ x) => (y * width + x) * pixel;
  if (order === 'gray') {
    return (tensor, y, x, red, green, blue) => {
      const luma = 0.299 * red + 0.587 * green + 0.114 * blue;
      tensor[at(y, x)] = (luma - mean[0]) * factor[0];
    };
  }
  const [r, b] = order === 'RGB' ? [0, 2] : [2, 0];
  return (tensor, y, x, red, green, blue) => {
    const first = at(y, x);
    tensor[first + r * step] = (red - mean[r]) * factor[r];
    tensor[first + step] = (green - mean[1]) * factor[1];
    tensor[first + b * step] = (blue - mean[b]) * factor[b];
  };
}

/**
 * @param {Float32Array} tensor
 * @param {ImagePlan} plan
 * @param {ReturnType<typeof writerOf>} put
 */
function fillAll(tensor, { height, width, fill = 0 }, put) {
  for (let y = 0; y < height; ++y) {
    for (let x = 0; x < width; ++x) put(tensor, y, x, fill, fill, fill);
  }
}
