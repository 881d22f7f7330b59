// SPDX-License-Identifier: Apache-2.0

/**
 * Our operators with their attributes, for those that several of ONNX's are made of. The rest are emitted
 * where they are needed.
 */

import { toFloats } from './lowering.js';
import { Constant, constantValue } from './values.js';

/**
 * @typedef {import('./lowering.js').Lowering} Lowering
 * @typedef {import('./values.js').ElementType} ElementType
 * @typedef {import('./values.js').Value} Value
 * @typedef {'Sum' | 'Mean' | 'Max' | 'Min' | 'Prod' | 'L1' | 'L2' | 'LogSum' | 'LogSumExp'
 *   | 'SumSquare'} Reduction
 */

/**
 * @param {Lowering} lower
 * @param {Reduction} reduction
 * @param {Value} value
 * @param {number[]} axes
 * @param {boolean} [keepDims]
 */
export function reduce(lower, reduction, value, axes, keepDims = true) {
  return lower.emit(`reduce${reduction}`, [value], { axes, keepDims });
}

/**
 * The part of a value from `start` to before `end` along one axis.
 *
 * @param {Lowering} lower
 * @param {Value} value
 * @param {number} axis
 * @param {number} start
 * @param {number} end
 */
export function part(lower, value, axis, start, end) {
  if (start === 0 && end === value.shape[axis]) return value;
  return lower.emit('slice', [value], { axes: [axis], starts: [start], ends: [end], steps: [1] });
}

/**
 * @param {Lowering} lower
 * @param {Value} value
 * @param {ElementType} type
 */
export function cast(lower, value, type) {
  const { constant, shape } = value;
  if (value.type === type) return value;
  if (!constant || type !== 'float32') return lower.emit('cast', [value], { type });
  return constantValue(new Constant(type, shape, () => toFloats(constant.elements)));
}

/**
 * @param {Lowering} lower
 * @param {Value[]} values
 * @param {number} axis
 */
export function concat(lower, values, axis) {
  return values.length === 1 ? values[0] : lower.emit('concat', values, { axis });
}
