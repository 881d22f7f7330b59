// SPDX-License-Identifier: Apache-2.0

/** Operators that are made of simpler ones, as ONNX itself defines them. */

import { UnsupportedError } from '../../../core/errors.js';
import { reduce } from '../ours.js';
import { sizeOf } from '../values.js';

/**
 * @typedef {import('../node.js').NodeView} NodeView
 * @typedef {import('../lowering.js').Lowering} Lowering
 * @typedef {import('../values.js').Value} Value
 * @typedef {(node: NodeView, lower: Lowering) => Value} Lower
 */

/**
 * (x − mean) / √(variance + epsilon) over some axes; and what it took.
 *
 * @param {Lowering} lower
 * @param {Value} value
 * @param {number[]} axes
 * @param {number} epsilon
 */
function standardize(lower, value, axes, epsilon) {
  const mean = reduce(lower, 'Mean', value, axes);
  const centred = lower.emit('sub', [value, mean]);
  const variance = reduce(lower, 'Mean', lower.emit('mul', [centred, centred]), axes);
  const deviation = lower.emit('sqrt', [lower.emit('sum', [variance, lower.number(epsilon)])]);
  const inverse = lower.emit('reciprocal', [deviation]);
  return { result: lower.emit('mul', [centred, inverse]), mean, inverse };
}

/**
 * @param {Lowering} lower
 * @param {Value} value
 * @param {Value | undefined} scale
 * @param {Value | undefined} bias
 */
function scaleAndShift(lower, value, scale, bias) {
  const scaled = scale ? lower.emit('mul', [value, scale]) : value;
  return bias ? lower.emit('sum', [scaled, bias]) : scaled;
}

/** The axes from one on. @param {number} axis @param {number} rank */
const axesFrom = (axis, rank) => Array.from({ length: rank - axis }, (_, i) => axis + i);

/**
 * @param {Lowering} lower
 * @param {Value} value
 * @param {number} axis the first of those over which it is
 * @param {number} epsilon
 * @param {[scale: Value | undefined, bias: Value | undefined]} by
 * @returns {Value[]} and the mean and the inverse deviation
 */
export function layerNormalize(lower, value, axis, epsilon, [scale, bias]) {
  const axes = axesFrom(axis, value.shape.length);
  const { result, mean, inverse } = standardize(lower, value, axes, epsilon);
  return [scaleAndShift(lower, result, scale, bias), mean, inverse];
}

/** @type {(node: NodeView, lower: Lowering) => Value[]} */
function lowerLayerNormalization(node, lower) {
  const value = node.input(0);
  const axis = node.axis(node.int('axis', -1), value.shape.length);
  const by = /** @type {const} */ ([node.optional(1), node.optional(2)]);
  return layerNormalize(lower, value, axis, node.float('epsilon', 1e-5), [...by]);
}

/**
 * @param {Lowering} lower
 * @param {Value} value
 * @param {number} axis the first of those over which it is
 * @param {number} epsilon
 * @param {Value} [scale]
 * @returns {Value[]} and the inverse of the root of the mean square
 */
export function rootMeanNormalize(lower, value, axis, epsilon, scale) {
  const axes = axesFrom(axis, value.shape.length);
  const mean = reduce(lower, 'Mean', lower.emit('mul', [value, value]), axes);
  const root = lower.emit('sqrt', [lower.emit('sum', [mean, lower.number(epsilon)])]);
  const inverse = lower.emit('reciprocal', [root]);
  return [scaleAndShift(lower, lower.emit('mul', [value, inverse]), scale, undefined), inverse];
}

/** @type {(node: NodeView, lower: Lowering) => Value[]} */
function lowerRmsNormalization(node, lower) {
  const value = node.input(0);
  const axis = node.axis(node.int('axis', -1), value.shape.length);
  return rootMeanNormalize(lower, value, axis, node.float('epsilon', 1e-5), node.optional(1));
}

/**
 * A vector with a value for each channel, to be combined with [batch, channels, …].
 *
 * @param {Lowering} lower
 * @param {Value} vector
 * @param {number} rank of the value
 */
function alongChannels(lower, vector, rank) {
  return lower.reshape(vector, [sizeOf(vector.shape), ...new Array(rank - 2).fill(1)]);
}

/** @type {Lower} */
function lowerInstanceNormalization(node, lower) {
  const value = node.input(0);
  const rank = value.shape.length;
  const { result } = standardize(lower, value, axesFrom(2, rank), node.float('epsilon', 1e-5));
  const [scale, bias] = [1, 2].map((index) => alongChannels(lower, node.input(index), rank));
  return scaleAndShift(lower, result, scale, bias);
}

/** @type {Lower} */
function lowerGroupNormalization(node, lower) {
  const value = node.input(0);
  const groups = node.int('num_groups', 1);
  const [batch, channels, ...size] = value.shape;
  const grouped = lower.reshape(value, [batch, groups, (channels / groups) * sizeOf(size)]);
  const { result } = standardize(lower, grouped, [2], node.float('epsilon', 1e-5));
  // Before version 21 there is a scale for each group, later for each channel.
  const perGroup = node.version < 21;
  const planes = lower.reshape(
    result,
    perGroup ? [batch, groups, channels / groups, ...size] : value.shape,
  );
  const [scale, bias] = [1, 2].map((index) =>
    alongChannels(lower, node.input(index), planes.shape.length),
  );
  return lower.reshape(scaleAndShift(lower, planes, scale, bias), value.shape);
}

/** @type {Lower} */
function lowerMeanVariance(node, lower) {
  const value = node.input(0);
  const axes = node.ints('axes') ?? [0, 2, 3];
  const rank = value.shape.length;
  const all = axes.map((axis) => node.axis(axis, rank));
  return standardize(lower, value, all, 1e-9).result;
}

/** @type {Lower} */
function lowerLpNormalization(node, lower) {
  const value = node.input(0);
  const axis = node.axis(node.int('axis', -1), value.shape.length);
  const norm = reduce(lower, node.int('p', 2) === 1 ? 'L1' : 'L2', value, [axis]);
  return lower.emit('div', [value, norm]);
}

/** @type {Lower} */
function lowerGelu(node, lower) {
  return lower.emit('gelu', [node.input(0)], {
    tanh: node.string('approximate', 'none') === 'tanh',
  });
}

/** @type {Lower} */
function lowerHardmax(node, lower) {
  const input = node.input(0);
  const rank = input.shape.length;
  const axis = node.axis(node.int('axis', node.version >= 13 ? -1 : 1), rank);
  const flat =
    node.version >= 13
      ? input
      : lower.reshape(input, [input.shape.slice(0, axis), input.shape.slice(axis)].map(sizeOf));
  const along = node.version >= 13 ? axis : 1;
  const best = lower.emit('argMax', [flat], { axis: along, keepDims: true, last: false });
  const places = lower.numbers(
    flat.shape[along],
    flat.shape.map((dim, i) => (i === along ? dim : 1)),
  );
  const isBest = lower.emit('cast', [lower.emit('equal', [places, best])], { type: 'float32' });
  return lower.reshape(isBest, input.shape);
}

/** @type {Lower} */
function lowerIsInf(node, lower) {
  const input = node.input(0);
  const signs = [
    ['detect_positive', Infinity],
    ['detect_negative', -Infinity],
  ].filter(([name]) => node.int(String(name), 1) === 1);
  if (signs.length === 2) return lower.emit('isInf', [input]);
  if (signs.length === 0) throw new UnsupportedError('it looks for no infinity at all');
  const side = lower.emit(signs[0][1] === Infinity ? 'greater' : 'less', [input, lower.number(0)]);
  return lower.emit('and', [lower.emit('isInf', [input]), side]);
}

/** Global pooling of any kind but the mean. @param {'Max' | 'L2' | 'L1'} reduction @returns {Lower} */
function globally(reduction) {
  return (node, lower) => {
    const value = node.input(0);
    return reduce(lower, reduction, value, axesFrom(2, value.shape.length));
  };
}

/** @type {Lower} */
function lowerGlobalLpPool(node, lower) {
  const p = node.int('p', 2);
  if (p !== 1 && p !== 2) throw new UnsupportedError(`its "p" is ${p}`);
  return globally(p === 1 ? 'L1' : 'L2')(node, lower);
}

export const COMPOSITE = {
  LayerNormalization: lowerLayerNormalization,
  RMSNormalization: lowerRmsNormalization,
  SimplifiedLayerNormalization: lowerRmsNormalization,
  InstanceNormalization: lowerInstanceNormalization,
  GroupNormalization: lowerGroupNormalization,
  MeanVarianceNormalization: lowerMeanVariance,
  LpNormalization: lowerLpNormalization,
  Gelu: lowerGelu,
  Hardmax: lowerHardmax,
  IsInf: lowerIsInf,
  GlobalMaxPool: globally('Max'),
  GlobalLpPool: lowerGlobalLpPool,
};
