// SPDX-License-Identifier: Apache-2.0

/** Operators of the domain com.microsoft, which onnxruntime's optimizer writes into files. */

import { UnsupportedError } from '../../../core/errors.js';
import { cast, reduce } from '../ours.js';
import { COMPOSITE, layerNormalize, rootMeanNormalize } from './composite.js';
import { PIECES } from './pieces.js';
import { PRODUCTS, multiply, swapLast } from './products.js';

/**
 * @typedef {import('../node.js').NodeView} NodeView
 * @typedef {import('../lowering.js').Lowering} Lowering
 * @typedef {import('../values.js').Value} Value
 * @typedef {(node: NodeView, lower: Lowering) => Value} Lower
 */

/** @type {Lower} */
function lowerFusedConv(node, lower) {
  const sum = node.optional(3);
  const product = PRODUCTS.Conv(node, lower);
  const value = sum ? lower.emit('sum', [product, sum]) : product;
  return activate(node, lower, value, node.floats('activation_params') ?? []);
}

/** @type {Lower} */
function lowerFusedGemm(node, lower) {
  const numbers = [node.float('activation_alpha', 0), node.float('activation_beta', 0)];
  return activate(node, lower, PRODUCTS.Gemm(node, lower), numbers);
}

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 * @param {Value} value
 * @param {number[]} numbers of its activation
 */
function activate(node, lower, value, numbers) {
  const activation = node.string('activation', '');
  switch (activation) {
    case '':
      return value;
    case 'Relu':
      return lower.emit('relu', [value]);
    case 'Sigmoid':
      return lower.emit('sigmoid', [value]);
    case 'Tanh':
      return lower.emit('tanh', [value]);
    case 'LeakyRelu':
      return lower.emit('leakyRelu', [value], { alpha: numbers[0] });
    case 'Clip':
      return lower.emit('clip', [value], { least: numbers[0], most: numbers[1] });
    case 'HardSigmoid':
      return lower.emit('hardSigmoid', [value], { alpha: numbers[0], beta: numbers[1] });
    default:
      throw new UnsupportedError(`its activation is "${activation}"`);
  }
}

/** @type {Lower} */
function lowerFusedMatMul(node, lower) {
  if (node.int('transBatchA', 0) === 1 || node.int('transBatchB', 0) === 1) {
    throw new UnsupportedError('it transposes batches');
  }
  const left = node.int('transA', 0) === 1 ? swapLast(lower, node.input(0)) : node.input(0);
  const right = node.input(1);
  const isTransposed = node.int('transB', 0) === 1;
  const product =
    isTransposed && right.shape.length !== 2
      ? multiply(lower, left, swapLast(lower, right))
      : multiply(lower, left, right, isTransposed);
  const alpha = node.float('alpha', 1);
  return alpha === 1 ? product : lower.emit('mul', [product, lower.number(alpha)]);
}

/** @param {boolean} tanh @returns {Lower} */
function lowerGelu(tanh) {
  return (node, lower) => {
    const bias = node.optional(1);
    const value = bias ? lower.emit('sum', [node.input(0), bias]) : node.input(0);
    return lower.emit('gelu', [value], { tanh });
  };
}

/**
 * What is normalized: the input, what skipped the layer, and a bias.
 *
 * @param {NodeView} node
 * @param {Lowering} lower
 * @param {number} biasAt
 */
function sumOfSkip(node, lower, biasAt) {
  const bias = node.optional(biasAt);
  const both = lower.emit('sum', [node.input(0), node.input(1)]);
  return bias ? lower.emit('sum', [both, bias]) : both;
}

/** @type {(node: NodeView, lower: Lowering) => Array<Value | undefined>} */
function lowerSkipLayerNormalization(node, lower) {
  const sum = sumOfSkip(node, lower, 4);
  const by = /** @type {const} */ ([node.input(2), node.optional(3)]);
  const epsilon = node.float('epsilon', 1e-12);
  const all = layerNormalize(lower, sum, sum.shape.length - 1, epsilon, [...by]);
  return [...all, sum];
}

/** @type {(node: NodeView, lower: Lowering) => Array<Value | undefined>} */
function lowerSkipSimplifiedLayerNormalization(node, lower) {
  const sum = sumOfSkip(node, lower, 3);
  const epsilon = node.float('epsilon', 1e-12);
  const axis = sum.shape.length - 1;
  const [result, inverse] = rootMeanNormalize(lower, sum, axis, epsilon, node.input(2));
  return [result, undefined, inverse, sum];
}

/**
 * Rows of words, positions and kinds of segments, summed and normalized; how many words a mask has; the sum.
 *
 * @type {(node: NodeView, lower: Lowering) => Array<Value | undefined>}
 */
function lowerEmbedLayerNormalization(node, lower) {
  const [batch, length] = node.input(0).shape;
  const look = (/** @type {number} */ table, /** @type {Value} */ indices) =>
    PIECES.Gather(node.with([node.input(table), indices]), lower);
  const steps = lower.numbers(length, [1, length]);
  const words = look(2, node.input(0));
  const placed = lower.emit('sum', [words, look(3, node.optional(8) ?? steps)]);
  const segments = node.optional(1);
  const sum = segments ? lower.emit('sum', [placed, look(4, segments)]) : placed;
  const by = /** @type {const} */ ([node.input(5), node.input(6)]);
  const [result] = layerNormalize(lower, sum, 2, node.float('epsilon', 1e-12), [...by]);
  const mask = node.optional(7);
  const counts = mask
    ? reduce(lower, 'Sum', cast(lower, mask, 'int32'), [1], false)
    : lower.integers(new Array(batch).fill(0));
  return [result, counts, sum];
}

/** @type {Lower} */
function lowerQuickGelu(node, lower) {
  const value = node.input(0);
  const scaled = lower.emit('mul', [value, lower.number(node.float('alpha', 1.702))]);
  return lower.emit('mul', [value, lower.emit('sigmoid', [scaled])]);
}

export const MICROSOFT = {
  FusedConv: lowerFusedConv,
  FusedGemm: lowerFusedGemm,
  TransposeMatMul: lowerFusedMatMul,
  Pad: PIECES.Pad,
  Trilu: PIECES.Trilu,
  FusedMatMul: lowerFusedMatMul,
  Gelu: lowerGelu(false),
  BiasGelu: lowerGelu(false),
  FastGelu: lowerGelu(true),
  QuickGelu: lowerQuickGelu,
  SkipLayerNormalization: lowerSkipLayerNormalization,
  SimplifiedLayerNormalization: COMPOSITE.SimplifiedLayerNormalization,
  SkipSimplifiedLayerNormalization: lowerSkipSimplifiedLayerNormalization,
  EmbedLayerNormalization: lowerEmbedLayerNormalization,
};
