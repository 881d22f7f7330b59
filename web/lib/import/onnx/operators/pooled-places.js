// SPDX-License-Identifier: Apache-2.0

/** Where MaxPool finds its maxima ("Indices"), and MaxUnpool, which puts values there. */

import { UnsupportedError } from '../../../core/errors.js';
import { Constant, checkMade, constantValue, sizeOf } from '../values.js';
import { listOf } from './windows.js';

/**
 * @typedef {import('../node.js').NodeView} NodeView
 * @typedef {import('../lowering.js').Lowering} Lowering
 * @typedef {import('../values.js').Value} Value
 * @typedef {import('./windows.js').Steps} Steps
 */

/** Less than any other float32. */
const LEAST = -3.4028234663852886e38;

/**
 * The pixels of each window.
 *
 * @param {number[]} size of an image
 * @param {number[]} outputs
 * @param {number[]} kernel
 * @param {Steps} steps
 * @returns {Int32Array} outputs × kernel, the number of each pixel; beyond the image the first that there is not
 */
export function windowPixels(size, outputs, kernel, { strides, dilations, pads }) {
  const [count, length] = [outputs, kernel].map(sizeOf);
  checkMade(count * length);
  const beyond = sizeOf(size);
  const at = (
    /** @type {number} */ number,
    /** @type {number[]} */ shape,
    /** @type {number} */ axis,
  ) => Math.floor(number / sizeOf(shape.slice(axis + 1))) % shape[axis];
  return Int32Array.from({ length: count * length }, (_, i) => {
    let pixel = 0;
    for (let axis = 0; axis < size.length; ++axis) {
      const place =
        at(Math.floor(i / length), outputs, axis) * strides[axis] +
        at(i % length, kernel, axis) * dilations[axis] -
        pads[axis];
      if (place < 0 || place >= size[axis]) return beyond;
      pixel = pixel * size[axis] + place;
    }
    return pixel;
  });
}

/**
 * The number of the pixel that is the largest of its window, the first of several.
 *
 * @param {NodeView} node
 * @param {Lowering} lower
 * @param {Value} value batch × channels × size, of float32
 * @param {number[]} outputs as the pooling has them
 * @param {number[]} kernel
 * @param {Steps} steps
 * @returns {Value} batch × channels × outputs, counted through all of the value
 */
export function largestPixels(node, lower, value, outputs, kernel, steps) {
  const [batch, channels, ...size] = value.shape;
  const [pixels, count, length] = [size, outputs, kernel].map(sizeOf);
  const numbers = windowPixels(size, outputs, kernel, steps);
  const flat = lower.reshape(value, [batch, channels, pixels]);
  const padded = lower.emit('pad', [flat], {
    before: [0, 0, 0],
    after: [0, 0, 1],
    mode: 'constant',
    value: LEAST,
  });
  const constant = (/** @type {Int32Array} */ elements, /** @type {number[]} */ shape) =>
    constantValue(new Constant('int32', shape, () => elements));
  const windows = lower.emit('gather', [padded, constant(numbers, [count, length])], { axis: 2 });
  const best = lower.emit('argMax', [windows], { axis: 3, keepDims: false, last: false });
  const starts = Int32Array.from({ length: count }, (_, i) => i * length);
  const places = lower.emit('sum', [best, constant(starts, [count])]);
  const order = node.int('storage_order', 0) === 1 ? transposedNumbers(numbers, size) : numbers;
  const found = lower.emit('gather', [constant(order, [count * length]), places], { axis: 0 });
  checkMade(batch * channels);
  const planes = Int32Array.from({ length: batch * channels }, (_, i) => i * pixels);
  const whole = lower.emit('sum', [found, constant(planes, [batch, channels, 1])]);
  return lower.reshape(whole, [batch, channels, ...outputs]);
}

/** Pixels counted along the first axis first. @param {Int32Array} numbers @param {number[]} size */
function transposedNumbers(numbers, size) {
  if (size.length !== 2) throw new UnsupportedError('its "storage_order" is of other images');
  const [rows, cols] = size;
  return numbers.map((number) => (number % cols) * rows + Math.floor(number / cols));
}

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 * @returns {Value}
 */
function lowerMaxUnpool(node, lower) {
  const [value, indices] = [node.input(0), node.input(1)];
  const [batch, channels, ...size] = value.shape;
  const kernel = node.ints('kernel_shape') ?? [];
  const strides = listOf(node, 'strides', size.length, 1);
  const pads = listOf(node, 'pads', 2 * size.length, 0);
  const usual = size.map(
    (dim, i) => (dim - 1) * strides[i] + kernel[i] - pads[i] - pads[i + size.length],
  );
  const wanted = node.optional(2) && [...node.constant(2, '"output_shape"').elements];
  const shape = wanted ?? [batch, channels, ...usual];
  const total = sizeOf(shape);
  checkMade(total);
  const zeros = constantValue(new Constant('float32', [total], () => new Float32Array(total)));
  const flat = [indices, value].map((one) => lower.reshape(one, [sizeOf(one.shape)]));
  const places = wanted ? movedPlaces(lower, flat[0], [batch, channels, ...usual], shape) : flat[0];
  const filled = lower.emit('scatterElements', [zeros, places, flat[1]], {
    axis: 0,
    reduction: 'none',
  });
  return lower.reshape(filled, shape);
}

/**
 * Numbers of elements of one shape as those of a larger one, in whose corner it lies.
 *
 * @param {Lowering} lower
 * @param {Value} places
 * @param {number[]} from
 * @param {number[]} to
 */
function movedPlaces(lower, places, from, to) {
  const number = (/** @type {number} */ n) => lower.integers([n], []);
  return from
    .map((dim, axis) => {
      const inner = lower.emit('div', [places, number(sizeOf(from.slice(axis + 1)))]);
      const index = lower.emit('mod', [inner, number(dim)], { fmod: false });
      return lower.emit('mul', [index, number(sizeOf(to.slice(axis + 1)))]);
    })
    .reduce((sum, place) => lower.emit('sum', [sum, place]));
}

export const POOLED_PLACES = { MaxUnpool: lowerMaxUnpool };
