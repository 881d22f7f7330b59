// SPDX-License-Identifier: Apache-2.0

/** What is done with each element on its own, of one value or of several whose shapes fit together. */

import { UnsupportedError } from '../../../core/errors.js';
import { cast } from '../ours.js';

/**
 * @typedef {import('../node.js').NodeView} NodeView
 * @typedef {import('../lowering.js').Lowering} Lowering
 * @typedef {import('../values.js').Value} Value
 * @typedef {(node: NodeView, lower: Lowering) => Value} Lower
 */

/** Bounds of `clip` that are none: no float32 is beyond them but the infinities. */
const LARGEST = { least: -3.4028234663852886e38, most: 3.4028234663852886e38 };

/**
 * @param {string} op ours
 * @param {Record<string, number>} [numbers] attributes of both, and what they are where they are left out
 * @returns {Lower}
 */
function unary(op, numbers = {}) {
  return (node, lower) => {
    const attributes = Object.entries(numbers).map(([name, otherwise]) => [
      name,
      node.float(name, otherwise),
    ]);
    return lower.emit(op, [node.input(0)], Object.fromEntries(attributes));
  };
}

/**
 * @param {string} op ours
 * @returns {Lower}
 */
function binary(op) {
  return (node, lower) => lower.emit(op, [node.input(0), legacy(node, lower)]);
}

/**
 * The second input, which before version 7 was put in its place by attributes.
 *
 * @param {NodeView} node
 * @param {Lowering} lower
 */
function legacy(node, lower) {
  const [a, b] = [node.input(0), node.input(1)];
  if (node.version >= 7 || node.int('broadcast', 0) === 0) return b;
  const rank = a.shape.length;
  const axis = node.int('axis', rank - b.shape.length);
  if (axis === rank - b.shape.length) return b;
  return lower.reshape(b, [
    ...b.shape,
    ...new Array(Math.max(0, rank - axis - b.shape.length)).fill(1),
  ]);
}

/**
 * Of any number of values, two at a time.
 *
 * @param {string} op ours
 * @returns {(node: NodeView, lower: Lowering) => Value}
 */
function variadic(op) {
  return (node, lower) =>
    node.inputs
      .map((_, index) => node.input(index))
      .reduce((sum, value) => lower.emit(op, [sum, value]));
}

/** @type {Lower} */
function lowerMean(node, lower) {
  const sum = variadic('sum')(node, lower);
  return lower.emit('mul', [sum, lower.number(1 / node.inputs.length)]);
}

/** Bounds that are computed from the inputs. @type {Lower} */
function clipToValues(node, lower) {
  const [least, most] = [1, 2].map((index) => node.optional(index));
  const above = least ? lower.emit('max', [node.input(0), least]) : node.input(0);
  return most ? lower.emit('min', [above, most]) : above;
}

/** @type {Lower} */
function lowerClip(node, lower) {
  if ([1, 2].some((index) => node.optional(index) && !node.input(index).constant)) {
    return clipToValues(node, lower);
  }
  const bound = (
    /** @type {number} */ index,
    /** @type {string} */ name,
    /** @type {number} */ none,
  ) =>
    node.optional(index)
      ? Number(node.constant(index, `"${name}"`).elements[0])
      : node.float(name, none);
  const least = bound(1, 'min', -Infinity);
  const most = bound(2, 'max', Infinity);
  if (Number.isNaN(least) || Number.isNaN(most))
    throw new UnsupportedError('a bound is not a number');
  const isFloat = node.input(0).type === 'float32';
  if (isFloat && least === 0 && most === Infinity) return lower.emit('relu', [node.input(0)]);
  const bounds = [
    ...(least === -Infinity ? [] : [['least', least]]),
    ...(most === Infinity ? [] : [['most', most]]),
  ];
  if (bounds.length === 0) return node.input(0);
  return lower.emit('clip', [node.input(0)], { ...LARGEST, ...Object.fromEntries(bounds) });
}

/**
 * What the exponent's type does not matter for.
 *
 * @type {Lower}
 */
function lowerPow(node, lower) {
  const base = node.input(0);
  const exponent = node.input(1);
  if (base.type === exponent.type) return lower.emit('pow', [base, exponent]);
  const floats = [base, exponent].map((value) => cast(lower, value, 'float32'));
  return cast(lower, lower.emit('pow', floats), base.type);
}

/**
 * Before version 7 slopes were of channels.
 *
 * @type {Lower}
 */
function lowerPRelu(node, lower) {
  const value = node.input(0);
  const slope = node.input(1);
  const ranks = value.shape.length - 1;
  const perChannel = node.version < 7 && slope.shape.length === 1 && slope.shape[0] !== 1;
  const fit = perChannel
    ? lower.reshape(slope, [slope.shape[0], ...new Array(ranks - 1).fill(1)])
    : slope;
  return lower.emit('prelu', [value, fit]);
}

/** @type {Lower} */
function lowerMod(node, lower) {
  const values = [node.input(0), node.input(1)];
  return lower.emit('mod', values, { fmod: node.int('fmod', 0) === 1 });
}

/** @type {Lower} */
function lowerBitShift(node, lower) {
  const isLeft = node.string('direction', '') === 'LEFT';
  return lower.emit(isLeft ? 'shiftLeft' : 'shiftRight', [node.input(0), node.input(1)]);
}

/** @type {Lower} */
function lowerShrink(node, lower) {
  const value = node.input(0);
  const bound = node.float('lambd', 0.5);
  const bias = node.float('bias', 0);
  const floats = cast(lower, value, 'float32');
  const above = lower.emit('sub', [floats, lower.number(bias)]);
  const below = lower.emit('sum', [floats, lower.number(bias)]);
  const isBelow = lower.emit('less', [floats, lower.number(-bound)]);
  const isAbove = lower.emit('greater', [floats, lower.number(bound)]);
  const others = lower.emit('where', [isAbove, above, lower.number(0)]);
  return cast(lower, lower.emit('where', [isBelow, below, others]), value.type);
}

/** @type {Lower} */
function lowerSwish(node, lower) {
  const value = node.input(0);
  const alpha = node.float('alpha', 1);
  const scaled = alpha === 1 ? value : lower.emit('mul', [value, lower.number(alpha)]);
  return lower.emit('mul', [value, lower.emit('sigmoid', [scaled])]);
}

export const ELEMENTWISE = {
  Swish: lowerSwish,
  Relu: unary('relu'),
  HardSwish: unary('hardswish'),
  Neg: unary('neg'),
  Abs: unary('abs'),
  Sign: unary('sign'),
  Exp: unary('exp'),
  Log: unary('log'),
  Sqrt: unary('sqrt'),
  Reciprocal: unary('reciprocal'),
  Floor: unary('floor'),
  Ceil: unary('ceil'),
  Round: unary('round'),
  Sin: unary('sin'),
  Cos: unary('cos'),
  Tan: unary('tan'),
  Asin: unary('asin'),
  Acos: unary('acos'),
  Atan: unary('atan'),
  Sinh: unary('sinh'),
  Cosh: unary('cosh'),
  Tanh: unary('tanh'),
  Asinh: unary('asinh'),
  Acosh: unary('acosh'),
  Atanh: unary('atanh'),
  Sigmoid: unary('sigmoid'),
  Erf: unary('erf'),
  Softplus: unary('softplus'),
  Softsign: unary('softsign'),
  Mish: unary('mish'),
  Elu: unary('elu', { alpha: 1 }),
  Celu: unary('celu', { alpha: 1 }),
  Selu: unary('selu', { alpha: 1.67326319217681884765625, gamma: 1.05070102214813232421875 }),
  LeakyRelu: unary('leakyRelu', { alpha: 0.01 }),
  HardSigmoid: unary('hardSigmoid', { alpha: 0.2, beta: 0.5 }),
  ThresholdedRelu: unary('thresholdedRelu', { alpha: 1 }),
  Not: unary('not'),
  IsNaN: unary('isNaN'),
  BitwiseNot: unary('bitNot'),
  Clip: lowerClip,
  Add: binary('sum'),
  Sub: binary('sub'),
  Mul: binary('mul'),
  Div: binary('div'),
  Pow: lowerPow,
  PRelu: lowerPRelu,
  Equal: binary('equal'),
  Greater: binary('greater'),
  Less: binary('less'),
  GreaterOrEqual: binary('greaterOrEqual'),
  LessOrEqual: binary('lessOrEqual'),
  And: binary('and'),
  Or: binary('or'),
  Xor: binary('xor'),
  BitwiseAnd: binary('bitAnd'),
  BitwiseOr: binary('bitOr'),
  BitwiseXor: binary('bitXor'),
  Sum: variadic('sum'),
  Max: variadic('max'),
  Min: variadic('min'),
  Mean: lowerMean,
  Mod: lowerMod,
  Shrink: lowerShrink,
  BitShift: lowerBitShift,
};
