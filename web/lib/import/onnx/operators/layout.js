// SPDX-License-Identifier: Apache-2.0

/** What moves values, or leaves them where they are: shapes, axes, pieces. */

import { UnsupportedError } from '../../../core/errors.js';
import { concat } from '../ours.js';
import { constantValue, Constant, integersValue, nothing, sizeOf } from '../values.js';

/**
 * @typedef {import('../node.js').NodeView} NodeView
 * @typedef {import('../lowering.js').Lowering} Lowering
 * @typedef {import('../values.js').Value} Value
 */

/** @param {NodeView} node */
function lowerIdentity(node) {
  return node.input(0);
}

/**
 * As it is in use, when nothing is dropped.
 *
 * @param {NodeView} node
 * @returns {Value[]}
 */
function lowerDropout(node) {
  const value = node.input(0);
  const training = node.optional(2);
  const ratio = node.optional(1);
  const drops = ratio?.constant ? ratio.constant.elements[0] !== 0 : true;
  if (training && drops && !(training.constant && training.constant.elements[0] === 0)) {
    throw new UnsupportedError('it is to drop values at random, as in training ("training_mode")');
  }
  const { shape } = value;
  const mask = new Constant('bool', shape, () => new Uint8Array(sizeOf(shape)).fill(1));
  return [value, constantValue(mask)];
}

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 */
function lowerReshape(node, lower) {
  const input = node.input(0);
  const wanted = node.integersAt(1, 'shape');
  if (!wanted) throw new UnsupportedError('it lacks its "shape"');
  const copies = node.int('allowzero', 0) === 0;
  const shape = wanted.map((dim, axis) => (dim === 0 && copies ? (input.shape[axis] ?? 0) : dim));
  const open = shape.indexOf(-1);
  const known = sizeOf(shape.filter((_, axis) => axis !== open));
  if (open >= 0) shape[open] = known === 0 ? 0 : sizeOf(input.shape) / known;
  if (
    shape.some((dim) => !Number.isInteger(dim) || dim < 0) ||
    sizeOf(shape) !== sizeOf(input.shape)
  ) {
    throw new UnsupportedError(
      `its input of ${input.shape.join('×')} cannot become ${wanted.join('×')}`,
    );
  }
  return sizeOf(shape) === 0 ? nothing(input.type, shape) : lower.reshape(input, shape);
}

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 */
function lowerFlatten(node, lower) {
  const input = node.input(0);
  const given = node.int('axis', 1);
  const axis = given < 0 ? given + input.shape.length : given;
  const sizes = [input.shape.slice(0, axis), input.shape.slice(axis)].map(sizeOf);
  return lower.reshape(input, sizes);
}

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 */
function lowerSqueeze(node, lower) {
  const input = node.input(0);
  const rank = input.shape.length;
  const axes = node.integersAt(1, 'axes')?.map((axis) => node.axis(axis, rank));
  const leaves = (/** @type {number} */ axis) =>
    axes ? axes.includes(axis) : input.shape[axis] === 1;
  return lower.reshape(
    input,
    input.shape.filter((_, axis) => !leaves(axis)),
  );
}

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 */
function lowerUnsqueeze(node, lower) {
  const input = node.input(0);
  const given = node.integersAt(1, 'axes');
  if (!given) throw new UnsupportedError('it lacks its "axes"');
  const rank = input.shape.length + given.length;
  const axes = given.map((axis) => node.axis(axis, rank));
  const dims = [...input.shape];
  const shape = Array.from({ length: rank }, (_, axis) =>
    axes.includes(axis) ? 1 : /** @type {number} */ (dims.shift()),
  );
  return lower.reshape(input, shape);
}

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 */
function lowerTranspose(node, lower) {
  const input = node.input(0);
  return lower.transpose(input, node.ints('perm') ?? input.shape.map((_, axis) => axis).reverse());
}

/**
 * Where a run tells how many rows there are, it tells the shape.
 *
 * @param {NodeView} node
 * @param {Lowering} lower
 */
function lowerShape(node, lower) {
  const { shape, rows } = node.input(0);
  const rank = shape.length;
  const within = (/** @type {number} */ axis) =>
    Math.min(Math.max(axis < 0 ? axis + rank : axis, 0), rank);
  const [start, end] = [within(node.int('start', 0)), within(node.int('end', rank))];
  const dims = shape.slice(start, end);
  if (!rows || rows.axis < start || rows.axis >= end) return integersValue(dims);
  const axis = rows.axis - start;
  const count = lower.emit('min', [lower.reshape(rows.count, [1]), lower.integers([dims[axis]])]);
  const [before, after] = [dims.slice(0, axis), dims.slice(axis + 1)].map((some) =>
    some.length === 0 ? [] : [lower.integers(some)],
  );
  return { ...concat(lower, [...before, count, ...after], 0), element: 'int64' };
}

/** @param {NodeView} node */
function lowerSize(node) {
  const elements = Int32Array.of(sizeOf(node.input(0).shape));
  return constantValue(new Constant('int32', [], () => elements));
}

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 */
function lowerConcat(node, lower) {
  const values = node.inputs.map((_, index) => node.input(index));
  const axis = node.axis(node.int('axis', 1), values[0].shape.length);
  const filled = values.filter(({ shape }) => sizeOf(shape) !== 0);
  return filled.length === 0 ? values[0] : concat(lower, filled, axis);
}

export const LAYOUT = {
  Identity: lowerIdentity,
  Dropout: lowerDropout,
  Reshape: lowerReshape,
  Flatten: lowerFlatten,
  Squeeze: lowerSqueeze,
  Unsqueeze: lowerUnsqueeze,
  Transpose: lowerTranspose,
  Shape: lowerShape,
  Size: lowerSize,
  Concat: lowerConcat,
};
