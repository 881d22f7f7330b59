// SPDX-License-Identifier: Apache-2.0

/**
 * Resize and Upsample. Along each axis an element of the result is a sum of a few elements of the input, with
 * weights that only the sizes decide: so it is a product with a matrix of mostly zeros, or, where it is one
 * element as it is, looking that up.
 */

import { UnsupportedError } from '../../../core/errors.js';
import { Constant, checkMade, constantValue, sizeOf } from '../values.js';
import { multiply } from './products.js';
import { enlarge } from './subpixels.js';

/**
 * @typedef {import('../node.js').NodeView} NodeView
 * @typedef {import('../lowering.js').Lowering} Lowering
 * @typedef {import('../values.js').Value} Value
 *
 * @typedef {object} Axis
 * @property {number} from elements of the input
 * @property {number} to elements of the result
 * @property {number} scale
 * @property {[number, number]} region where it begins and ends, as shares of the input
 *
 * @typedef {object} Way
 * @property {string} coordinates
 * @property {'nearest' | 'linear' | 'cubic'} mode
 * @property {string} nearest
 * @property {number} cubic a coefficient
 * @property {boolean} excludeOutside
 * @property {boolean} antialias
 */

/**
 * Where an element of the result lies in the input. @type {Record<string, (x: number, axis: Axis) => number>}
 */
const COORDINATES = {
  half_pixel: (x, { scale }) => (x + 0.5) / scale - 0.5,
  half_pixel_symmetric: (x, { from, to, scale }) => {
    const middle = (from / 2) * (1 - to / (scale * from));
    return middle + (x + 0.5) / scale - 0.5;
  },
  pytorch_half_pixel: (x, { to, scale }) => (to > 1 ? (x + 0.5) / scale - 0.5 : 0),
  align_corners: (x, { from, to }) => (to === 1 ? 0 : (x * (from - 1)) / (to - 1)),
  asymmetric: (x, { scale }) => x / scale,
  tf_half_pixel_for_nn: (x, { scale }) => (x + 0.5) / scale,
  tf_crop_and_resize: (x, { from, to, region: [start, end] }) =>
    to > 1
      ? start * (from - 1) + (x * (end - start) * (from - 1)) / (to - 1)
      : 0.5 * (start + end) * (from - 1),
};

/** How a place becomes an element. @type {Record<string, (x: number) => number>} */
const NEAREST = {
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

/**
 * The weight of an element at a distance. @type {Record<'linear' | 'cubic', (x: number, a: number) => number>}
 */
const KERNELS = {
  linear: (x) => Math.max(0, 1 - Math.abs(x)),
  cubic: (x, a) => {
    const d = Math.abs(x);
    if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
    return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
  },
};

const REACH = { linear: 1, cubic: 2 };

/**
 * What an element of the result is made of.
 *
 * @param {number} place in the input
 * @param {Axis} axis
 * @param {Way} way
 * @returns {Map<number, number>} weights by index
 */
function termsAt(place, { from, scale }, { mode, nearest, cubic, excludeOutside, antialias }) {
  const within = (/** @type {number} */ index) => Math.min(Math.max(index, 0), from - 1);
  if (mode === 'nearest') return new Map([[within(NEAREST[nearest](place)), 1]]);
  // Where the result is smaller the kernel is as much wider.
  const width = antialias ? Math.max(1, 1 / scale) : 1;
  const reach = REACH[mode] * width;
  /** @type {Map<number, number>} */
  const terms = new Map();
  let sum = 0;
  for (let index = Math.floor(place - reach) + 1; index < place + reach; ++index) {
    const isOutside = index < 0 || index >= from;
    if (isOutside && excludeOutside) continue;
    const weight = KERNELS[mode]((index - place) / width, cubic);
    sum += weight;
    terms.set(within(index), (terms.get(within(index)) ?? 0) + weight);
  }
  if (excludeOutside || antialias) terms.forEach((weight, index) => terms.set(index, weight / sum));
  return terms;
}

/**
 * @param {Lowering} lower
 * @param {Value} value
 * @param {number} at which axis
 * @param {Axis} axis
 * @param {Way} way
 * @param {(place: number) => boolean} isNothing whether an element stays 0
 * @returns {Value}
 */
function resizeAxis(lower, value, at, axis, way, isNothing) {
  const places = Array.from({ length: axis.to }, (_, x) => COORDINATES[way.coordinates](x, axis));
  const rows = places.map((place) => (isNothing(place) ? new Map() : termsAt(place, axis, way)));
  if (rows.every((terms) => terms.size === 1 && [...terms.values()][0] === 1)) {
    const indices = rows.map((terms) => [...terms.keys()][0]);
    if (indices.every((index, x) => index === x) && axis.from === axis.to) return value;
    return lower.emit('gather', [value, lower.integers(indices)], { axis: at });
  }
  const { from, to } = axis;
  checkMade(to * from);
  const make = () => {
    const weights = new Float32Array(to * from);
    rows.forEach((terms, x) =>
      terms.forEach((weight, index) => (weights[x * from + index] = weight)),
    );
    return weights;
  };
  const last = value.shape.length - 1;
  const axes = value.shape.map((_, i) => i);
  [axes[at], axes[last]] = [axes[last], axes[at]];
  const matrix = constantValue(new Constant('float32', [to, from], make));
  return lower.transpose(multiply(lower, lower.transpose(value, axes), matrix, true), axes);
}

/**
 * @param {NodeView} node
 * @returns {Way}
 */
function wayOf(node) {
  const mode = node.string('mode', 'nearest');
  const known = { nearest: 'nearest', linear: 'linear', bilinear: 'linear', cubic: 'cubic' }[mode];
  if (!known) throw new UnsupportedError(`its "mode" is ${mode}`);
  const usual = node.version >= 11 ? 'half_pixel' : 'asymmetric';
  const coordinates = node.string('coordinate_transformation_mode', usual);
  if (!Object.hasOwn(COORDINATES, coordinates)) {
    throw new UnsupportedError(`its coordinates are "${coordinates}"`);
  }
  const nearest = node.string('nearest_mode', node.version >= 11 ? 'round_prefer_floor' : 'floor');
  if (!Object.hasOwn(NEAREST, nearest))
    throw new UnsupportedError(`its nearest mode is "${nearest}"`);
  return {
    coordinates,
    mode: /** @type {Way['mode']} */ (known),
    nearest,
    cubic: node.float('cubic_coeff_a', -0.75),
    excludeOutside: node.int('exclude_outside', 0) === 1,
    antialias: node.int('antialias', 0) === 1,
  };
}

/**
 * @param {NodeView} node
 * @returns {{ scales?: number[], sizes?: number[], region?: number[] }}
 */
function wanted(node) {
  const list = (/** @type {number} */ index, /** @type {string} */ what) => {
    const elements = node.optional(index) ? [...node.constant(index, what).elements] : [];
    return elements.length > 0 ? elements : undefined;
  };
  if (node.version < 10 && node.node.opType === 'Upsample') {
    return { scales: list(1, '"scales"') ?? node.floats('scales') };
  }
  if (node.version < 11) return { scales: list(1, '"scales"') };
  return { region: list(1, '"roi"'), scales: list(2, '"scales"'), sizes: list(3, '"sizes"') };
}

/**
 * @param {NodeView} node
 * @param {number[]} shape
 * @returns {Axis[]} of all axes
 */
function axesOf(node, shape) {
  const { scales, sizes, region } = wanted(node);
  const rank = shape.length;
  const axes = node.ints('axes')?.map((axis) => node.axis(axis, rank)) ?? shape.map((_, i) => i);
  const policy = node.string('keep_aspect_ratio_policy', 'stretch');
  const ratios = sizes && axes.map((axis, i) => sizes[i] / shape[axis]);
  const ratio =
    ratios && { not_larger: Math.min(...ratios), not_smaller: Math.max(...ratios) }[policy];
  return shape.map((from, axis) => {
    const i = axes.indexOf(axis);
    if (i < 0) return { from, to: from, scale: 1, region: [0, 1] };
    if (sizes) {
      const to = ratio ? Math.floor(ratio * from + 0.5) : sizes[i];
      return { from, to, scale: ratio ?? to / from, region: regionOf(region, i, axes.length) };
    }
    if (!scales) throw new UnsupportedError('it has neither scales nor sizes');
    const to = Math.floor(from * scales[i]);
    return { from, to, scale: scales[i], region: regionOf(region, i, axes.length) };
  });
}

/**
 * @param {number[] | undefined} region
 * @param {number} i
 * @param {number} count
 * @returns {[number, number]}
 */
function regionOf(region, i, count) {
  return region ? [region[i], region[i + count]] : [0, 1];
}

/**
 * How often each pixel of an image is repeated along both of its axes, where that is all that is done.
 *
 * @param {Axis[]} axes
 * @param {ReturnType<typeof wayOf>} way
 */
function timesOf(axes, way) {
  if (axes.length !== 4) return undefined;
  const [batch, channels, height, width] = axes;
  const times = height.to / height.from;
  const isWhole = Number.isInteger(times) && times > 1 && width.to / width.from === times;
  if (!isWhole || batch.from !== batch.to || channels.from !== channels.to) return undefined;
  const isRepeated = [height, width].every((axis) =>
    Array.from({ length: axis.to }, (_, x) => {
      const terms = termsAt(COORDINATES[way.coordinates](x, axis), axis, way);
      return terms.size === 1 && terms.get(Math.floor(x / times)) === 1;
    }).every(Boolean),
  );
  return isRepeated ? times : undefined;
}

/** Of all elements of a result, before anything is worked out for each place of an axis. */
const LARGEST = 2 ** 28;

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 */
function lowerResize(node, lower) {
  const way = wayOf(node);
  const input = node.input(0);
  const axes = axesOf(node, input.shape);
  const size = axes.reduce((product, { to }) => product * to, 1);
  if (size > LARGEST)
    throw new UnsupportedError(`it makes ${size} elements; the limit is ${LARGEST}`);
  const crops = way.coordinates === 'tf_crop_and_resize';
  const isOutside = (/** @type {number} */ place, /** @type {Axis} */ { from }) =>
    crops && (place < 0 || place > from - 1);
  const times = timesOf(axes, way);
  if (times && !crops) return enlarge(lower, input, times);
  let value = input;
  axes.forEach((axis, at) => {
    value = resizeAxis(lower, value, at, axis, way, (place) => isOutside(place, axis));
  });
  const outside = axes.map((axis) =>
    Array.from({ length: axis.to }, (_, x) =>
      isOutside(COORDINATES[way.coordinates](x, axis), axis),
    ),
  );
  const filling = node.float('extrapolation_value', 0);
  if (filling === 0 || !outside.flat().includes(true)) return value;
  return lower.emit('sum', [value, constantValue(fillingOf(outside, filling))]);
}

/**
 * A value where an element lies outside along any axis, else 0.
 *
 * @param {boolean[][]} outside along each axis
 * @param {number} filling
 */
function fillingOf(outside, filling) {
  const shape = outside.map((axis) => (axis.includes(true) ? axis.length : 1));
  const make = () =>
    Float32Array.from({ length: sizeOf(shape) }, (_, index) => {
      let rest = index;
      let is = false;
      for (let axis = shape.length - 1; axis >= 0; --axis) {
        is ||= outside[axis][rest % shape[axis]];
        rest = Math.floor(rest / shape[axis]);
      }
      return is ? filling : 0;
    });
  return new Constant('float32', shape, make);
}

export const RESIZE = { Resize: lowerResize, Upsample: lowerResize };
