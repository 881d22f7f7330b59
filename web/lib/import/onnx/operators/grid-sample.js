// SPDX-License-Identifier: Apache-2.0

/**
 * GridSample: pictures seen at places that another input tells. Each result is a sum of a few elements, which
 * are looked up, times weights that follow from the place.
 */

import { UnsupportedError } from '../../../core/errors.js';
import { cast, part } from '../ours.js';
import { sizeOf } from '../values.js';

/**
 * @typedef {import('../node.js').NodeView} NodeView
 * @typedef {import('../lowering.js').Lowering} Lowering
 * @typedef {import('../values.js').Value} Value
 *
 * @typedef {object} Way
 * @property {'nearest' | 'linear' | 'cubic'} mode
 * @property {'zeros' | 'border' | 'reflection'} padding
 * @property {boolean} corners whether −1 and 1 are the middles of the outermost elements
 *
 * @typedef {object} Tap one of the elements along an axis
 * @property {Value} index of float32, within the picture
 * @property {Value | undefined} weight undefined for 1
 */

/** Of ONNX's cubic interpolation. */
const CUBIC = -0.75;

/** Arithmetic of values. @param {Lowering} lower */
function arithmetic(lower) {
  const value = (/** @type {Value | number} */ x) => (typeof x === 'number' ? lower.number(x) : x);
  const by =
    (/** @type {string} */ op) =>
    (/** @type {Value | number} */ a, /** @type {Value | number} */ b) =>
      lower.emit(op, [value(a), value(b)]);
  return { add: by('sum'), sub: by('sub'), mul: by('mul'), div: by('div'), mod: by('mod') };
}

/**
 * @param {Lowering} lower
 * @param {Value} x
 * @param {number} least
 * @param {number} most
 */
function clip(lower, x, least, most) {
  return lower.emit('clip', [x], { least, most });
}

/**
 * Mirrored at both ends as often as need be.
 *
 * @param {Lowering} lower
 * @param {Value} x
 * @param {number} size
 * @param {boolean} corners
 */
function reflect(lower, x, size, corners) {
  const { add, sub } = arithmetic(lower);
  const [least, most] = corners ? [0, size - 1] : [-0.5, size - 0.5];
  const span = most - least;
  if (span === 0) return lower.emit('mul', [x, lower.number(0)]);
  const period = lower.number(2 * span);
  const within = lower.emit('mod', [sub(x, least), period], { fmod: true });
  // Of negative places the remainder is negative, and the mirror makes it positive.
  const distance = lower.emit('abs', [within]);
  const folded = sub(span, lower.emit('abs', [sub(distance, span)]));
  return add(folded, least);
}

/**
 * @param {Lowering} lower
 * @param {Value} place from −1 to 1
 * @param {number} size of the axis
 * @param {Way} way
 * @returns {Value} in elements
 */
function toElements(lower, place, size, { corners }) {
  const { add, mul } = arithmetic(lower);
  const scale = corners ? (size - 1) / 2 : size / 2;
  return add(mul(place, scale), corners ? scale : scale - 0.5);
}

/**
 * @param {Lowering} lower
 * @param {Value} x distance from an element, 0 to 1
 * @returns {Value[]} the weights of the elements before it, at it and behind it
 */
function cubicWeights(lower, x) {
  const { add, sub, mul } = arithmetic(lower);
  // (a + 2)|d|³ − (a + 3)|d|² + 1 within 1, and a|d|³ − 5a|d|² + 8a|d| − 4a within 2.
  const near = (/** @type {Value} */ d) =>
    add(mul(mul(sub(mul(d, CUBIC + 2), CUBIC + 3), d), d), 1);
  const far = (/** @type {Value} */ d) =>
    sub(mul(add(mul(sub(mul(d, CUBIC), 5 * CUBIC), d), 8 * CUBIC), d), 4 * CUBIC);
  return [far(add(x, 1)), near(x), near(sub(1, x)), far(sub(2, x))];
}

/**
 * @param {Lowering} lower
 * @param {Value} place in elements
 * @param {number} size
 * @param {Way} way
 * @returns {Tap[]}
 */
function tapsOf(lower, place, size, way) {
  const { add, sub, mul } = arithmetic(lower);
  const { mode, padding, corners } = way;
  const bounded = (/** @type {Value} */ x) => {
    if (padding === 'reflection') return clip(lower, reflect(lower, x, size, corners), 0, size - 1);
    return clip(lower, x, 0, size - 1);
  };
  // Cubic interpolation bounds each element on its own, the others the place.
  const start = mode !== 'cubic' && padding !== 'zeros' ? bounded(place) : place;
  const tap = (/** @type {Value} */ index, /** @type {Value | undefined} */ weight) => {
    const inside = bounded(index);
    if (padding !== 'zeros') return { index: inside, weight };
    const isInside = cast(lower, lower.emit('equal', [inside, index]), 'float32');
    return { index: inside, weight: weight ? mul(weight, isInside) : isInside };
  };
  if (mode === 'nearest') return [tap(lower.emit('round', [start]), undefined)];
  const floor = lower.emit('floor', [start]);
  const rest = sub(start, floor);
  if (mode === 'linear') return [tap(floor, sub(1, rest)), tap(add(floor, 1), rest)];
  return cubicWeights(lower, rest).map((weight, i) => tap(add(floor, i - 1), weight));
}

/** @param {NodeView} node @returns {Way} */
function wayOf(node) {
  const modes = {
    nearest: 'nearest',
    bilinear: 'linear',
    linear: 'linear',
    bicubic: 'cubic',
    cubic: 'cubic',
  };
  const name = node.string('mode', 'linear');
  const padding = node.string('padding_mode', 'zeros');
  if (!Object.hasOwn(modes, name) || !['zeros', 'border', 'reflection'].includes(padding)) {
    throw new UnsupportedError(`its "mode" is ${name} and its "padding_mode" ${padding}`);
  }
  return /** @type {Way} */ ({
    mode: modes[/** @type {keyof typeof modes} */ (name)],
    padding,
    corners: node.int('align_corners', 0) === 1,
  });
}

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 */
function lowerGridSample(node, lower) {
  const input = node.input(0);
  const grid = node.input(1);
  if (input.shape.length !== 4) throw new UnsupportedError('its input is no batch of pictures');
  const [batch, channels, height, width] = input.shape;
  const size = grid.shape.slice(1, 3);
  const count = sizeOf(size);
  const way = wayOf(node);
  const { add, mul } = arithmetic(lower);
  const places = lower.reshape(grid, [batch, count, 2]);
  const along = [width, height].map((length, i) => {
    const place = toElements(lower, part(lower, places, 2, i, i + 1), length, way);
    return tapsOf(lower, place, length, way);
  });
  const pixels = lower.transpose(
    lower.reshape(input, [batch, channels, height * width]),
    [0, 2, 1],
  );
  const terms = along[1].flatMap((y) =>
    along[0].map((x) => {
      const index = cast(lower, add(mul(y.index, width), x.index), 'int32');
      const seen = lower.emit('gatherND', [pixels, index], { batchDims: 1 });
      const weights = [x.weight, y.weight].filter((weight) => weight !== undefined);
      return weights.reduce((value, weight) => mul(value, weight), seen);
    }),
  );
  const sum = terms.reduce((a, b) => add(a, b));
  return lower.reshape(lower.transpose(sum, [0, 2, 1]), [batch, channels, ...size]);
}

export const GRID_SAMPLE = { GridSample: lowerGridSample };
