// SPDX-License-Identifier: Apache-2.0

/** Operators of com.microsoft on integers with scales: those of ai.onnx, with scales of what goes in and out. */

import { UnsupportedError } from '../../../core/errors.js';
import { concat } from '../ours.js';
import { constantValue } from '../values.js';
import { ELEMENTWISE } from './elementwise.js';
import { NORMALIZATION } from './normalization.js';
import { POOLING } from './pooling.js';
import { multiply } from './products.js';
import {
  QUANTIZATION,
  dequantize,
  elementOf,
  integerBias,
  lowerDynamicQuantizeLinear,
  quantize,
  scaleAt,
} from './quantization.js';
import { RECURRENT } from './recurrent.js';
import { REDUCTION } from './reduction.js';

/**
 * @typedef {import('../node.js').NodeView} NodeView
 * @typedef {import('../lowering.js').Lowering} Lowering
 * @typedef {import('../values.js').Value} Value
 * @typedef {import('./index.js').Lower} AnyLower
 * @typedef {(node: NodeView, lower: Lowering) => Value} Lower
 */

/**
 * An operator of floats on integers: its input, scale and zero point, and those of its output.
 *
 * @param {AnyLower} operator
 * @param {(node: NodeView) => number} [versionOf] of the operator
 * @returns {Lower}
 */
function onFloats(operator, versionOf = ({ version }) => version) {
  return (node, lower) => {
    const value = dequantize(lower, node.input(0), scaleAt(node, 1));
    const [result] = [operator(node.with([value], versionOf(node)), lower)].flat();
    const by = scaleAt(node, 3);
    return quantize(lower, /** @type {Value} */ (result), by, elementOf(by));
  };
}

/**
 * An operator of images whose channels may come last.
 *
 * @param {AnyLower} operator
 * @returns {AnyLower}
 */
function maybeChannelsLast(operator) {
  return (node, lower) => {
    if (node.int('channels_last', 0) === 0) return operator(node, lower);
    const value = node.input(0);
    const rank = value.shape.length;
    const size = value.shape.slice(2).map((_, i) => i);
    const first = lower.transpose(value, [0, rank - 1, ...size.map((i) => i + 1)]);
    const others = node.inputs.slice(1);
    const [result] = [operator(node.with([first, ...others]), lower)].flat();
    return lower.transpose(/** @type {Value} */ (result), [0, ...size.map((i) => i + 2), 1]);
  };
}

/** @type {Lower} */
function lowerQGemm(node, lower) {
  const a = dequantize(lower, node.input(0), scaleAt(node, 1));
  const left = node.int('transA', 0) ? lower.transpose(a, [1, 0]) : a;
  const isTransposed = node.int('transB', 0) === 1;
  const b = dequantize(lower, node.input(3), { ...scaleAt(node, 4), axis: isTransposed ? 0 : 1 });
  const alpha = node.float('alpha', 1);
  let product = multiply(lower, left, b, isTransposed);
  if (alpha !== 1) product = lower.emit('mul', [product, lower.number(alpha)]);
  if (node.optional(6)) {
    product = lower.emit('sum', [product, constantValue(integerBias(node, 6, 1, 4))]);
  }
  if (!node.optional(7)) return product;
  const by = scaleAt(node, 7);
  return quantize(lower, product, by, elementOf(by));
}

/** @param {'sum' | 'mul'} op @returns {Lower} */
function lowerQLinearBinary(op) {
  return (node, lower) => {
    const [a, b] = [0, 3].map((i) => dequantize(lower, node.input(i), scaleAt(node, i + 1)));
    const by = scaleAt(node, 6);
    return quantize(lower, lower.emit(op, [a, b]), by, elementOf(by));
  };
}

/** @type {Lower} */
function lowerQLinearConcat(node, lower) {
  const by = scaleAt(node, 0);
  const values = [];
  for (let i = 2; i < node.inputs.length; i += 3) {
    values.push(dequantize(lower, node.input(i), scaleAt(node, i + 1)));
  }
  const axis = node.axis(node.int('axis', 1), values[0].shape.length);
  return quantize(lower, concat(lower, values, axis), by, elementOf(by));
}

/** @type {Lower} */
function lowerQLinearWhere(node, lower) {
  const [a, b] = [1, 4].map((i) => dequantize(lower, node.input(i), scaleAt(node, i + 1)));
  const by = scaleAt(node, 7);
  return quantize(lower, lower.emit('where', [node.input(0), a, b]), by, elementOf(by));
}

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 * @param {Value} left
 * @param {{ scale: number, zeroPoint: number, bias: number }} at where the right one has these
 */
function multiplyIntegers(node, lower, left, at) {
  const right = node.input(1);
  const axis = right.shape.length - 1;
  const by = { scale: node.input(at.scale), zeroPoint: node.optional(at.zeroPoint), axis };
  const product = multiply(lower, left, dequantize(lower, right, by));
  const bias = node.optional(at.bias);
  return bias ? lower.emit('sum', [product, bias]) : product;
}

/** @type {Lower} */
function lowerDynamicQuantizeMatMul(node, lower) {
  const [integers, scale, zeroPoint] = lowerDynamicQuantizeLinear(node, lower);
  const left = dequantize(lower, integers, { scale, zeroPoint });
  return multiplyIntegers(node, lower, left, { scale: 2, zeroPoint: 3, bias: 4 });
}

/** @type {Lower} */
function lowerMatMulIntegerToFloat(node, lower) {
  const values = node.input(0);
  const axis = Math.max(0, values.shape.length - 2);
  const by = { scale: node.input(2), zeroPoint: node.optional(4), axis };
  const left = dequantize(lower, values, by);
  return multiplyIntegers(node, lower, left, { scale: 3, zeroPoint: 5, bias: 6 });
}

/**
 * Weights of an LSTM, directions × columns × rows, as ONNX has them.
 *
 * @param {NodeView} node
 * @param {Lowering} lower
 * @param {number} index
 * @param {number} scaleIndex
 */
function recurrentWeights(node, lower, index, scaleIndex) {
  const weights = node.input(index);
  const [directions, , rows] = weights.shape;
  const given = [scaleIndex, scaleIndex + 1].map((at) => node.optional(at));
  const isOfRows = given[0]?.shape.length === 2 && given[0].shape[1] === rows && rows !== 1;
  if (isOfRows && directions > 1) {
    throw new UnsupportedError('its weights have scales for each row of two directions');
  }
  const [scale, zeroPoint] = given.map(
    (value) => value && lower.reshape(value, [isOfRows ? rows : directions]),
  );
  const by = { scale: /** @type {Value} */ (scale), zeroPoint, axis: isOfRows ? 2 : 0 };
  return lower.transpose(dequantize(lower, weights, by), [0, 2, 1]);
}

/**
 * Its values stay floats, which onnxruntime turns into integers of 8 bits.
 *
 * @type {AnyLower}
 */
function lowerDynamicQuantizeLstm(node, lower) {
  const weights = [recurrentWeights(node, lower, 1, 8), recurrentWeights(node, lower, 2, 10)];
  return RECURRENT.LSTM(node.with([node.input(0), ...weights, ...node.inputs.slice(3, 8)]), lower);
}

export const MICROSOFT_QUANTIZATION = {
  DynamicQuantizeLSTM: lowerDynamicQuantizeLstm,
  QuantizeLinear: QUANTIZATION.QuantizeLinear,
  DequantizeLinear: QUANTIZATION.DequantizeLinear,
  QLinearConv: maybeChannelsLast(QUANTIZATION.QLinearConv),
  QGemm: lowerQGemm,
  QLinearAdd: lowerQLinearBinary('sum'),
  QLinearMul: lowerQLinearBinary('mul'),
  QLinearConcat: lowerQLinearConcat,
  QLinearWhere: lowerQLinearWhere,
  QLinearLeakyRelu: onFloats(ELEMENTWISE.LeakyRelu),
  QLinearSigmoid: onFloats(ELEMENTWISE.Sigmoid),
  QLinearSoftmax: onFloats(NORMALIZATION.Softmax, (node) => node.int('opset', 13)),
  QLinearReduceMean: onFloats(REDUCTION.ReduceMean),
  QLinearAveragePool: onFloats(maybeChannelsLast(POOLING.AveragePool)),
  QLinearGlobalAveragePool: onFloats(maybeChannelsLast(POOLING.GlobalAveragePool)),
  DynamicQuantizeMatMul: lowerDynamicQuantizeMatMul,
  MatMulIntegerToFloat: lowerMatMulIntegerToFloat,
};
