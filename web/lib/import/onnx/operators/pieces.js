// SPDX-License-Identifier: Apache-2.0

/** Pieces of values: taken out, put together, repeated, looked up; and values made from nothing. */

import { UnsupportedError } from '../../../core/errors.js';
import { ourType } from '../constants.js';
import { elementTypeName } from '../element-types.js';
import { cast, part } from '../ours.js';
import { Constant, MOST_EQUAL, checkMade, constantValue, nothing, sizeOf } from '../values.js';
import { weightsOf } from '../weights.js';

/**
 * @typedef {import('../node.js').NodeView} NodeView
 * @typedef {import('../lowering.js').Lowering} Lowering
 * @typedef {import('../values.js').Value} Value
 * @typedef {(node: NodeView, lower: Lowering) => Value} Lower
 */

/** As an attribute of ours holds it; beyond stands for the end. @param {number} place */
const within32 = (place) => Math.min(Math.max(place, -(2 ** 31)), 2 ** 31 - 1);

/**
 * How many elements a slice of one axis has.
 *
 * @param {number} size
 * @param {number} start
 * @param {number} end
 * @param {number} step
 */
function countOf(size, start, end, step) {
  const least = step > 0 ? 0 : -1;
  const within = (/** @type {number} */ place) =>
    Math.min(Math.max(place < 0 ? place + size : place, least), step > 0 ? size : size - 1);
  const first = step > 0 ? within(start) : Math.max(within(start), 0);
  return Math.max(0, Math.ceil((within(end) - first) / step));
}

/** @type {Lower} */
function lowerSlice(node, lower) {
  const value = node.input(0);
  const rank = value.shape.length;
  const starts = node.integersAt(1, 'starts') ?? [];
  const ends = node.integersAt(2, 'ends') ?? [];
  const axes = (node.integersAt(3, 'axes') ?? starts.map((_, i) => i)).map((axis) =>
    node.axis(axis, rank),
  );
  const steps = node.optional(4) ? [...node.constant(4, '"steps"').elements] : starts.map(() => 1);
  if (starts.length !== ends.length || starts.length !== axes.length) {
    throw new UnsupportedError('its starts, ends and axes are not as many');
  }
  const [from, to] = [starts, ends].map((places) => places.map(within32));
  const shape = [...value.shape];
  axes.forEach((axis, i) => (shape[axis] = countOf(value.shape[axis], from[i], to[i], steps[i])));
  if (sizeOf(shape) === 0) return nothing(value.type, shape);
  return lower.emit('slice', [value], { axes, starts: from, ends: to, steps });
}

/** @type {(node: NodeView, lower: Lowering) => Value[]} */
function lowerSplit(node, lower) {
  const value = node.input(0);
  const axis = node.axis(node.int('axis', 0), value.shape.length);
  const count = node.int('num_outputs', node.outputCount);
  const even = Math.ceil(value.shape[axis] / count);
  const sizes =
    node.integersAt(1, 'split') ??
    Array.from({ length: count }, (_, i) => Math.min(even, value.shape[axis] - i * even));
  let end = 0;
  return sizes.map((size) => part(lower, value, axis, end, (end += size)));
}

/** @type {Lower} */
function lowerCast(node, lower) {
  return cast(lower, node.input(0), ourType(elementTypeName(node.int('to', 1)) ?? '', 'output'));
}

/** @type {Lower} */
function lowerCastLike(node, lower) {
  return cast(lower, node.input(0), node.input(1).type);
}

/** @type {Lower} */
function lowerWhere(node, lower) {
  return lower.emit(
    'where',
    [0, 1, 2].map((index) => node.input(index)),
  );
}

/**
 * Rows of a matrix that is known at import are looked up in its format.
 *
 * @type {Lower}
 */
function lowerGather(node, lower) {
  const value = node.input(0);
  const indices = cast(lower, node.input(1), 'int32');
  const axis = node.axis(node.int('axis', 0), value.shape.length);
  const { constant, shape } = value;
  const isTable = constant && value.type === 'float32' && shape.length === 2 && axis === 0;
  if (!isTable || indices.constant) return lower.emit('gather', [value, indices], { axis });
  const [classes, outChannels] = shape;
  const weight = lower.matrix('weight', classes, outChannels, weightsOf(constant));
  return lower.emit('lookup', [indices], { weight, classes, outChannels });
}

/** @type {Lower} */
function lowerGatherElements(node, lower) {
  const value = node.input(0);
  const axis = node.axis(node.int('axis', 0), value.shape.length);
  return lower.emit('gatherElements', [value, node.input(1)], { axis });
}

/** @type {Lower} */
function lowerGatherND(node, lower) {
  const batchDims = node.int('batch_dims', 0);
  return lower.emit('gatherND', [node.input(0), node.input(1)], { batchDims });
}

/** @param {NodeView} node */
function reductionOf(node) {
  const name = node.string('reduction', 'none');
  return name === 'add' ? 'sum' : name;
}

/** @type {Lower} */
function lowerScatterElements(node, lower) {
  const values = [0, 1, 2].map((index) => node.input(index));
  const axis = node.axis(node.int('axis', 0), values[0].shape.length);
  return lower.emit('scatterElements', values, { axis, reduction: reductionOf(node) });
}

/** @type {Lower} */
function lowerScatterND(node, lower) {
  const values = [0, 1, 2].map((index) => node.input(index));
  return lower.emit('scatterND', values, { reduction: reductionOf(node) });
}

/** @type {Lower} */
function lowerExpand(node, lower) {
  const value = node.input(0);
  const wanted = node.integersAt(1, 'shape') ?? [];
  const rank = Math.max(wanted.length, value.shape.length);
  const dim = (/** @type {number[]} */ shape, /** @type {number} */ axis) =>
    shape[axis - rank + shape.length] ?? 1;
  // 1 for what stays as it is, so that the node holds for any size that it has there.
  const shape = Array.from({ length: rank }, (_, axis) =>
    dim(value.shape, axis) === 1 ? dim(wanted, axis) : 1,
  );
  const stays = rank === value.shape.length && shape.every((size) => size === 1);
  return stays ? value : lower.emit('expand', [value], { shape });
}

/** @type {Lower} */
function lowerTile(node, lower) {
  return lower.emit('tile', [node.input(0)], { repeats: node.integersAt(1, 'repeats') });
}

/** @type {Lower} */
function lowerPad(node, lower) {
  const value = node.input(0);
  const rank = value.shape.length;
  const mode = node.string('mode', 'constant');
  const given = node.integersAt(1, 'pads') ?? node.ints('paddings') ?? [];
  const axes = node.optional(3)
    ? [...node.constant(3, '"axes"').elements].map((axis) => node.axis(axis, rank))
    : value.shape.map((_, axis) => axis);
  const pads = new Array(2 * rank).fill(0);
  axes.forEach((axis, i) => {
    pads[axis] = given[i];
    pads[axis + rank] = given[i + axes.length];
  });
  const fill = node.optional(2)
    ? Number(node.constant(2, '"constant_value"').elements[0])
    : node.float('value', 0);
  return lower.emit('pad', [value], {
    before: pads.slice(0, rank),
    after: pads.slice(rank),
    mode,
    value: fill,
  });
}

/** @type {Lower} */
function lowerConstantOfShape(node) {
  const shape = [...node.constant(0, 'its shape').elements];
  const value = node.tensor('value');
  const type = value?.type ?? 'float32';
  const number = value ? value.elements[0] : 0;
  const Elements = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }[type];
  checkMade(sizeOf(shape), MOST_EQUAL);
  return constantValue(new Constant(type, shape, () => new Elements(sizeOf(shape)).fill(number)));
}

/** @type {Lower} */
function lowerRange(node) {
  const [start, limit, delta] = [0, 1, 2].map((i) =>
    Number(node.constant(i, 'its range').elements[0]),
  );
  const count = Math.max(0, Math.ceil((limit - start) / delta));
  const { type } = node.input(0);
  const Elements = type === 'float32' ? Float32Array : Int32Array;
  checkMade(count);
  const make = () => new Elements(count).map((_, i) => start + i * delta);
  return constantValue(new Constant(type, [count], make));
}

/** @type {Lower} */
function lowerEyeLike(node) {
  const { shape, type: like } = node.input(0);
  const type = node.int('dtype', 0)
    ? ourType(elementTypeName(node.int('dtype', 1)) ?? '', 'output')
    : like;
  const k = node.int('k', 0);
  const Elements = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }[type];
  const [rows, cols] = shape;
  checkMade(rows * cols);
  const make = () => {
    const elements = new Elements(rows * cols);
    for (let row = 0; row < rows; ++row) {
      if (row + k >= 0 && row + k < cols) elements[row * cols + row + k] = 1;
    }
    return elements;
  };
  return constantValue(new Constant(type, shape, make));
}

/** @type {Lower} */
function lowerTrilu(node, lower) {
  const value = node.input(0);
  const k = node.optional(1) ? Number(node.constant(1, '"k"').elements[0]) : 0;
  const upper = node.int('upper', 1) === 1;
  if (sizeOf(value.shape) === 0) return value;
  const [rows, cols] = value.shape.slice(-2);
  checkMade(rows * cols);
  const make = () =>
    Uint8Array.from({ length: rows * cols }, (_, i) => {
      const beyond = (i % cols) - Math.floor(i / cols) - k;
      return Number(upper ? beyond >= 0 : beyond <= 0);
    });
  const mask = constantValue(new Constant('bool', [rows, cols], make));
  const zero =
    value.type === 'float32' ? lower.number(0) : cast(lower, lower.number(0), value.type);
  return lower.emit('where', [mask, value, zero]);
}

/** @type {Lower} */
function lowerOneHot(node, lower) {
  const indices = cast(lower, node.input(0), 'int32');
  const depth = Number(node.constant(1, '"depth"').elements[0]);
  const rank = indices.shape.length + 1;
  const axis = node.axis(node.int('axis', -1), rank);
  const values = node.input(2);
  const shape = [...indices.shape.slice(0, axis), 1, ...indices.shape.slice(axis)];
  const wrapped = lower.emit('mod', [indices, lower.integers([depth], [])], { fmod: false });
  const places = lower.numbers(
    depth,
    shape.map((_, i) => (i === axis ? depth : 1)),
  );
  const isHot = lower.emit('equal', [lower.reshape(wrapped, shape), places]);
  const [off, on] = [0, 1].map((i) => lower.reshape(part(lower, values, 0, i, i + 1), []));
  return lower.emit('where', [isHot, on, off]);
}

/** @param {'depthToSpace' | 'spaceToDepth'} op @returns {Lower} */
function blocks(op) {
  return (node, lower) =>
    lower.emit(op, [node.input(0)], {
      block: node.int('blocksize', 1),
      ...(op === 'depthToSpace' && { order: node.string('mode', 'DCR') }),
    });
}

export const PIECES = {
  Slice: lowerSlice,
  Split: lowerSplit,
  Cast: lowerCast,
  CastLike: lowerCastLike,
  Where: lowerWhere,
  Gather: lowerGather,
  GatherElements: lowerGatherElements,
  GatherND: lowerGatherND,
  ScatterElements: lowerScatterElements,
  Scatter: lowerScatterElements,
  ScatterND: lowerScatterND,
  Expand: lowerExpand,
  Tile: lowerTile,
  Pad: lowerPad,
  ConstantOfShape: lowerConstantOfShape,
  Range: lowerRange,
  EyeLike: lowerEyeLike,
  Trilu: lowerTrilu,
  OneHot: lowerOneHot,
  DepthToSpace: blocks('depthToSpace'),
  SpaceToDepth: blocks('spaceToDepth'),
};
