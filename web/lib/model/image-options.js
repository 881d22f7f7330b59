// SPDX-License-Identifier: Apache-2.0

/** How a picture becomes a network's input: what can be said about it, checked, and kept in files. */

import { checkInteger, checkName, checkNumber, checkOptions } from '../core/check.js';
import { ShapeError, ValueError } from '../core/errors.js';
import { describe, typedArrayName } from '../core/tags.js';

/**
 * @typedef {number | readonly number[] | Float32Array | Float64Array} ChannelNumbers one number for
 *   all channels, or one for each, in their order
 *
 * @typedef {object} ImageOptions what becomes of a pixel, a number from 0 to 255:
 *   (pixel − mean) · scale / std. What torchvision calls mean and std is meant for pixels from 0 to 1:
 *   give 255 times those.
 * @property {ChannelNumbers} [mean] by default 104, 117, 123, the mean of ImageNet in BGR; in RGB the
 *   same the other way round; 0 in gray
 * @property {ChannelNumbers} [std] the standard deviation, above 0; by default 1
 * @property {number} [scale] by default 1
 * @property {'BGR' | 'RGB' | 'gray'} [order] of the channels; by default BGR, as Caffe has it, and gray for an
 *   input of one channel, which is 0.299 red + 0.587 green + 0.114 blue
 * @property {'NCHW' | 'NHWC'} [layout] whether the input's last dimensions are channels, height and width, or
 *   height, width and channels; by default as its shape says
 * @property {'crop' | 'contain' | 'corner' | 'stretch'} [fit] how a picture of another size fills the input.
 *   crop, the default: it is scaled in proportion until its shorter side is `side`, and its middle is taken;
 *   contain: the whole of it in the middle of an even ground; corner: the same in the upper left corner;
 *   stretch: out of proportion
 * @property {number} [side] of a crop, in pixels; by default `scaledSide` of the input's
 * @property {number} [fill] of contain and corner: the pixels of the ground, 0 to 255; by default 0
 *
 * @typedef {import('../graph/graph.js').ImageNote} ImageNote
 *
 * @typedef {ImageNote & { height: number, width: number, channels: number }} ImagePlan
 */

/** The mean of ImageNet's red, green and blue, as Caffe has it. */
const MEAN = { BGR: [104, 117, 123], RGB: [123, 117, 104], gray: [0] };
const ORDERS = /** @type {const} */ (['BGR', 'RGB', 'gray']);
const LAYOUTS = /** @type {const} */ (['NCHW', 'NHWC']);
const FITS = /** @type {const} */ (['crop', 'contain', 'corner', 'stretch']);

/** As kMaxPictureSide of cpp/lowtropy/graph/notes.h. */
const MAX_SIDE = 65535;

export const IMAGE_OPTIONS = Object.freeze([
  ...['mean', 'std', 'scale', 'order', 'layout', 'fit', 'side', 'fill'],
]);

/**
 * @param {ImageOptions} options
 * @param {readonly number[]} inputShape with a batch of 1 in front, or without
 * @param {string} what the function that they are for
 * @returns {ImagePlan}
 * @throws {ShapeError} for an input that no picture fills
 * @throws {ValueError} names the option that cannot be
 */
export function planImage(options, inputShape, what) {
  const given = checkOptions(options, what, IMAGE_OPTIONS);
  const shape = checkShape(inputShape);
  const layout =
    given.layout === undefined ? layoutOf(shape) : checkName(given.layout, 'The layout', LAYOUTS);
  const [channels, height, width] = layout === 'NCHW' ? shape : [shape[2], shape[0], shape[1]];
  const order = given.order === undefined ? defaultOrder(channels) : checkOrder(given.order);
  const expected = order === 'gray' ? 1 : 3;
  if (channels !== expected) {
    throw new ShapeError(
      order === 'gray' && given.order !== undefined
        ? `A gray picture has 1 channel; it cannot fill an input of ${inputShape.join('×')}.`
        : `A picture has 3 channels; it cannot fill an input of ${inputShape.join('×')}.`,
    );
  }
  return {
    ...{ layout, order, channels, height, width },
    ...checkNumbers(given, order),
    ...checkFit(given),
  };
}

/**
 * What of it a file keeps.
 *
 * @param {ImagePlan} plan
 * @returns {ImageNote}
 */
export function noteOf({ layout, order, mean, std, scale, fit, side, fill }) {
  return {
    ...{ layout, order, mean, std, scale, fit },
    ...(side !== undefined && { side }),
    ...(fill !== undefined && { fill }),
  };
}

/**
 * @param {readonly number[]} inputShape
 * @returns {number[]} of three
 */
function checkShape(inputShape) {
  if (!Array.isArray(inputShape)) {
    throw new ShapeError(`An input's shape must be an array, not ${describe(inputShape)}.`);
  }
  const shape = inputShape.length === 4 && inputShape[0] === 1 ? inputShape.slice(1) : inputShape;
  if (shape.length === 3 && shape.every((n) => Number.isInteger(n) && n > 0)) return [...shape];
  throw new ShapeError(
    `A picture has 3 channels; it cannot fill an input of ${inputShape.join('×')}.`,
  );
}

/**
 * Three channels are more often meant than one, and channels first more often than last.
 *
 * @param {number[]} shape
 */
function layoutOf([first, , last]) {
  const isLast = first !== 3 && (last === 3 || (first !== 1 && last === 1));
  return isLast ? 'NHWC' : 'NCHW';
}

/** @param {number} channels */
function defaultOrder(channels) {
  return channels === 1 ? 'gray' : 'BGR';
}

/** @param {unknown} order */
function checkOrder(order) {
  const found = ORDERS.find((name) => name === order);
  if (found) return found;
  throw new ValueError(
    `The order of channels is "${String(order)}"; it must be "BGR", "RGB" or "gray".`,
  );
}

/**
 * @param {ImageOptions} given
 * @param {'BGR' | 'RGB' | 'gray'} order
 */
function checkNumbers(given, order) {
  const any = () => true;
  const count = order === 'gray' ? 1 : 3;
  const mean = forChannels(given.mean ?? MEAN[order], count, 'The mean', 'that is finite', any);
  const std = forChannels(given.std ?? 1, count, 'The std', 'above 0', (value) => value > 0);
  const scale = checkNumber(given.scale ?? 1, 'The scale', 'that is finite', any);
  mean.forEach((value, c) => {
    const most = Math.fround((255 + Math.abs(value)) * Math.abs(scale / std[c]));
    if (Number.isFinite(most)) return;
    throw new ValueError(
      `A mean of ${value} with a scale of ${scale} and a std of ${std[c]} gives no finite numbers.`,
    );
  });
  return { mean, std, scale };
}

/** @param {ImageOptions} given */
function checkFit({ fit = 'crop', side, fill }) {
  checkName(fit, 'The fit', FITS);
  const isFilled = fit === 'contain' || fit === 'corner';
  if (side !== undefined && fit !== 'crop') {
    throw new ValueError(`A side is of the fit "crop", not of "${fit}".`);
  }
  if (fill !== undefined && !isFilled) {
    throw new ValueError(`A fill is of the fits "contain" and "corner", not of "${fit}".`);
  }
  if (fit === 'crop') return { fit, side: checkInteger(side ?? 0, 'The side', 0, MAX_SIDE) };
  if (!isFilled) return { fit };
  const isPixel = (/** @type {number} */ value) => value >= 0 && value <= 255;
  return { fit, fill: checkNumber(fill ?? 0, 'The fill', 'from 0 to 255', isPixel) };
}

/**
 * @param {unknown} given
 * @param {number} count of channels
 * @param {string} what
 * @param {string} range for the message
 * @param {(value: number) => boolean} fits
 * @returns {number[]} one for each channel
 */
function forChannels(given, count, what, range, fits) {
  const isList = Array.isArray(given) || /^Float/.test(typedArrayName(given) ?? '');
  const list = isList ? [.../** @type {Iterable<unknown>} */ (given)] : [given];
  if (list.length !== 1 && list.length !== count) {
    const most = count === 1 ? 'one number' : 'one number or three';
    throw new ValueError(`${what} must be ${most}, not ${list.length}.`);
  }
  const numbers = list.map((value) => checkNumber(value, what, range, fits));
  return numbers.length === count ? numbers : Array(count).fill(numbers[0]);
}
