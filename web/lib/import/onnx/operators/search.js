// SPDX-License-Identifier: Apache-2.0

/**
 * What finds elements, so that how many there are depends on the values: of what is known at import these alone,
 * else all that there could be, see counted-rows.js.
 */

import { cast, concat, reduce } from '../ours.js';
import { Constant, checkMade, constantValue, nothing, sizeOf, transposed } from '../values.js';

/**
 * @typedef {import('../node.js').NodeView} NodeView
 * @typedef {import('../lowering.js').Lowering} Lowering
 * @typedef {import('../values.js').Value} Value
 */

/**
 * @param {number[]} numbers
 * @param {number[]} shape
 */
function integers(numbers, shape) {
  return constantValue(new Constant('int32', shape, () => Int32Array.from(numbers)));
}

/**
 * Where a value is not 0, in order: as many places as there are elements, of which a run tells how many are
 * true.
 *
 * @param {Lowering} lower
 * @param {Value} value of one dimension
 * @returns {{ places: Value, count: Value }}
 */
function findPlaces(lower, value) {
  const found = cast(lower, cast(lower, value, 'bool'), 'int32');
  const [size] = value.shape;
  // Of equal ones the first comes first, so that these are in order.
  const attributes = { axis: 0, k: size, smallest: false, indices: true };
  const places = lower.emit('topK', [found], attributes);
  return { places, count: reduce(lower, 'Sum', found, [0], false) };
}

/**
 * @param {Lowering} lower
 * @param {Value} value
 * @returns {Value} dimensions × places
 */
function findNonZero(lower, value) {
  const { shape } = value;
  const { places, count } = findPlaces(lower, lower.reshape(value, [sizeOf(shape)]));
  const number = (/** @type {number} */ n) => lower.integers([n], []);
  const indices = shape.map((dim, axis) => {
    const outer = lower.emit('div', [places, number(sizeOf(shape.slice(axis + 1)))]);
    const index = lower.emit('mod', [outer, number(dim)], { fmod: false });
    return lower.reshape(index, [1, sizeOf(shape)]);
  });
  return { ...concat(lower, indices, 0), element: 'int64', rows: { axis: 1, count } };
}

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 * @returns {Value}
 */
function lowerNonZero(node, lower) {
  const { constant } = node.input(0);
  if (!constant) return findNonZero(lower, node.input(0));
  const { elements, shape } = constant;
  const found = [...elements.keys()].filter((i) => elements[i] !== 0);
  const places = shape.flatMap((dim, axis) => {
    const inner = sizeOf(shape.slice(axis + 1));
    return found.map((i) => Math.floor(i / inner) % dim);
  });
  return integers(places, [shape.length, found.length]);
}

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 */
function lowerCompress(node, lower) {
  const value = node.input(0);
  const hasAxis = node.node.attributes.has('axis');
  const from = hasAxis ? value : lower.reshape(value, [sizeOf(value.shape)]);
  const axis = hasAxis ? node.axis(node.int('axis', 0), value.shape.length) : 0;
  const condition = node.input(1);
  if (!condition.constant) {
    const { places, count } = findPlaces(lower, condition);
    return { ...lower.emit('gather', [from, places], { axis }), rows: { axis, count } };
  }
  const { elements } = condition.constant;
  const kept = [...elements.keys()].filter((i) => elements[i] !== 0);
  if (kept.length > 0) return lower.emit('gather', [from, lower.integers(kept)], { axis });
  return nothing(
    from.type,
    from.shape.map((dim, i) => (i === axis ? 0 : dim)),
  );
}

/**
 * @param {ArrayLike<number>} a
 * @param {ArrayLike<number>} b
 */
function compare(a, b) {
  for (let i = 0; i < a.length; ++i) {
    if (a[i] !== b[i]) return a[i] - b[i];
  }
  return 0;
}

/**
 * Distinct slices along an axis; of a value without one, elements.
 *
 * @param {NodeView} node
 * @returns {Value[]}
 */
function lowerUnique(node) {
  const { elements, type, shape } = node.constant(0, 'what it looks through');
  const hasAxis = node.node.attributes.has('axis');
  const axis = hasAxis ? node.axis(node.int('axis', 0), shape.length) : 0;
  const dims = hasAxis ? shape : [sizeOf(shape)];
  const axes = [axis, ...dims.flatMap((_, i) => (i === axis ? [] : [i]))];
  const ahead = axes.map((i) => dims[i]);
  const size = sizeOf(ahead.slice(1));
  const moved = transposed(elements, dims, axes);
  const all = Array.from({ length: dims[axis] }, (_, i) =>
    moved.subarray(i * size, (i + 1) * size),
  );
  const keys = all.map((slice) => slice.join());
  const distinct = [...new Set(keys)].map((key) => keys.indexOf(key));
  if (node.int('sorted', 1) === 1) distinct.sort((a, b) => compare(all[a], all[b]));
  const order = new Map(distinct.map((first, i) => [keys[first], i]));
  const inverse = keys.map((key) => Number(order.get(key)));
  const counts = new Array(distinct.length).fill(0);
  for (const at of inverse) ++counts[at];
  const Elements = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }[type];
  const kept = Elements.from(distinct.flatMap((at) => [...all[at]]));
  const back = dims.map((_, i) => axes.indexOf(i));
  const result = transposed(kept, [distinct.length, ...ahead.slice(1)], back);
  return [
    constantValue(
      new Constant(
        type,
        dims.map((dim, i) => (i === axis ? distinct.length : dim)),
        () => result,
      ),
    ),
    integers(distinct, [distinct.length]),
    integers(inverse, [all.length]),
    integers(counts, [distinct.length]),
  ];
}

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 */
function lowerReverseSequence(node, lower) {
  const value = node.input(0);
  const { elements: lengths } = node.constant(1, 'the lengths of its sequences');
  const time = node.int('time_axis', 0);
  const batch = node.int('batch_axis', 1);
  const { shape } = value;
  const dims = shape.map((dim, axis) => (axis === time || axis === batch ? dim : 1));
  const inner = sizeOf(dims.slice(1));
  checkMade(sizeOf(dims));
  const places = Array.from({ length: sizeOf(dims) }, (_, i) => {
    const [first, second] = [Math.floor(i / inner), i % inner];
    const [t, b] = time === 0 ? [first, second] : [second, first];
    return t < lengths[b] ? lengths[b] - 1 - t : t;
  });
  const indices = lower.emit('expand', [lower.integers(places, dims)], { shape });
  return lower.emit('gatherElements', [value, indices], { axis: time });
}

export const SEARCH = {
  NonZero: lowerNonZero,
  Compress: lowerCompress,
  Unique: lowerUnique,
  ReverseSequence: lowerReverseSequence,
};
