// SPDX-License-Identifier: Apache-2.0

/**
 * What finds elements, so that how many there are depends on the values: only of what is known at import, for
 * all shapes of ours are known before a run.
 */

import { UnsupportedError } from '../../../core/errors.js';
import { Constant, constantValue, sizeOf } from '../values.js';

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

/** @param {NodeView} node */
function lowerNonZero(node) {
  const { elements, shape } = node.constant(0, 'what it looks through');
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
  const { elements } = node.constant(1, 'its condition');
  const kept = [...elements.keys()].filter((i) => elements[i] !== 0);
  const hasAxis = node.node.attributes.has('axis');
  const from = hasAxis ? value : lower.reshape(value, [sizeOf(value.shape)]);
  const axis = hasAxis ? node.axis(node.int('axis', 0), value.shape.length) : 0;
  return lower.emit('gather', [from, lower.integers(kept)], { axis });
}

/** @param {NodeView} node @returns {Value[]} */
function lowerUnique(node) {
  const { elements, type, shape } = node.constant(0, 'what it looks through');
  if (node.node.attributes.has('axis') && shape.length > 1) {
    throw new UnsupportedError('it looks for slices along an axis');
  }
  const all = Array.from(elements);
  const distinct = [...new Set(all)];
  if (node.int('sorted', 1) === 1) distinct.sort((a, b) => a - b);
  const order = new Map(distinct.map((value, i) => [value, i]));
  const inverse = all.map((value) => Number(order.get(value)));
  const counts = distinct.map((_, i) => inverse.filter((at) => at === i).length);
  const Elements = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }[type];
  return [
    constantValue(new Constant(type, [distinct.length], () => Elements.from(distinct))),
    integers(
      distinct.map((value) => all.indexOf(value)),
      [distinct.length],
    ),
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
