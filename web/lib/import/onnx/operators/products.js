// SPDX-License-Identifier: Apache-2.0

/** Conv, Gemm and MatMul: products with weights, which become matrices. */

import { UnsupportedError } from '../../../core/errors.js';
import { toFloats } from '../lowering.js';
import { concat } from '../ours.js';
import { constantValue, sizeOf } from '../values.js';
import { weightsOf } from '../weights.js';
import { convolveFree } from './free-weights.js';
import { asBatch, splitFirstAxis } from './volumes.js';
import { stepsOf, windowOf } from './windows.js';

/**
 * @typedef {import('../node.js').NodeView} NodeView
 * @typedef {import('../lowering.js').Lowering} Lowering
 * @typedef {import('../values.js').Constant} Constant
 * @typedef {import('../values.js').Value} Value
 */

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 */
function lowerConv(node, lower) {
  const bias = node.optional(2);
  const known = node.input(1).constant && bias?.constant;
  const product = convolve(node, lower, node.input(0), node.input(1), known);
  return bias && !known ? addToChannels(lower, product, bias) : product;
}

/**
 * @param {Lowering} lower
 * @param {Value} value batch × channels × axes
 * @param {Value} bias of the channels
 */
export function addToChannels(lower, value, bias) {
  const ones = value.shape.slice(2).map(() => 1);
  return lower.emit('sum', [value, lower.reshape(bias, [sizeOf(bias.shape), ...ones])]);
}

/**
 * Weights are out × (in / groups) × kernel.
 *
 * @param {NodeView} node
 * @param {Lowering} lower
 * @param {Value} input
 * @param {Value} weights
 * @param {Constant} [bias]
 * @returns {Value}
 */
export function convolve(node, lower, input, weights, bias) {
  const steps = stepsOf(node, input.shape.slice(2), weights.shape.slice(2));
  return convolveWindow(lower, input, weights, { ...steps, groups: node.int('group', 1) }, bias);
}

/**
 * @param {Lowering} lower
 * @param {Value} input
 * @param {Value} weights
 * @param {import('./windows.js').Steps & { groups: number }} steps
 * @param {Constant} [bias] where the weights are constant
 * @returns {Value}
 */
export function convolveWindow(lower, input, weights, { groups, ...steps }, bias) {
  const [outChannels, inGroup, ...kernel] = weights.shape;
  const [batch, channels, ...size] = input.shape;
  if (input.shape.length !== weights.shape.length || inGroup * groups !== channels) {
    throw new UnsupportedError(
      `its weights of ${weights.shape.join('×')} in ${groups} groups do not fit its input of ` +
        input.shape.join('×'),
    );
  }
  const weight = weights.constant;
  if (!weight) return convolveFree(lower, input, weights, { groups, ...steps });
  if (kernel.length > 2) return convolveVolume(lower, input, weight, { groups, ...steps }, bias);
  const window = windowOf(size, kernel, steps);
  const image = lower.reshape(input, [batch, channels, ...window.size]);
  const output = lower.emit('conv', [image], {
    weight: lower.matrix('weight', outChannels, sizeOf([inGroup, ...kernel]), weightsOf(weight)),
    ...(bias && { bias: biasVector(lower, bias) }),
    outChannels,
    kernel: window.kernel,
    stride: window.stride,
    pad: window.pad,
    dilation: window.dilation,
    groups,
  });
  return lower.reshape(output, [batch, outChannels, ...window.drop(output.shape.slice(2))]);
}

/**
 * What a window sees along its first axis becomes further channels, which the weights have in this order.
 *
 * @param {Lowering} lower
 * @param {Value} input
 * @param {Constant} weight
 * @param {import('./windows.js').Steps & { groups: number }} steps
 * @param {Constant} [bias]
 * @returns {Value}
 */
function convolveVolume(lower, input, weight, { groups, ...all }, bias) {
  const [outChannels, inGroup, ...whole] = weight.shape;
  const { slices, kernel, steps } = splitFirstAxis(lower, input, whole, all, 0);
  const [batch, channels, ...seen] = slices[0].shape;
  const layers = slices.map((slice) => lower.reshape(slice, [batch, channels, 1, ...seen]));
  const joined = lower.reshape(concat(lower, layers, 2), [batch, channels * whole[0], ...seen]);
  const flat = weight.withShape([outChannels, inGroup * whole[0], ...kernel]);
  return asBatch(lower, joined, (images) =>
    convolveWindow(lower, images, constantValue(flat), { ...steps, groups }, bias),
  );
}

/**
 * @param {Lowering} lower
 * @param {Constant} bias
 */
export function biasVector(lower, bias) {
  return lower.vector('bias', bias.size, () => toFloats(bias.elements));
}

/**
 * Each vector along the last axis times a matrix of weights.
 *
 * @param {Lowering} lower
 * @param {Value} left
 * @param {Constant} weight of two dimensions
 * @param {[number, number]} axes those of its outputs and of its inputs
 * @param {Constant} [bias]
 * @returns {Value}
 */
function multiplyWeights(lower, left, weight, axes, bias) {
  const [outChannels, inChannels] = axes.map((axis) => weight.shape[axis]);
  return lower.emit('linear', [left], {
    weight: lower.matrix('weight', outChannels, inChannels, weightsOf(weight, axes)),
    ...(bias && { bias: biasVector(lower, bias) }),
    outChannels,
  });
}

/**
 * alpha · A · B + beta · C, of which A and B may be transposed.
 *
 * @param {NodeView} node
 * @param {Lowering} lower
 */
function lowerGemm(node, lower) {
  const alpha = node.float('alpha', 1);
  const beta = node.float('beta', 1);
  const left = node.int('transA', 0) ? lower.transpose(node.input(0), [1, 0]) : node.input(0);
  const isTransposed = node.int('transB', 0) === 1;
  const right = node.input(1);
  const added = beta === 0 ? undefined : node.optional(2);
  const outputs = right.shape[isTransposed ? 0 : 1];
  const asBias =
    alpha === 1 && beta === 1 && right.constant && added?.constant?.shape.join() === `${outputs}`;
  let product =
    right.constant && asBias
      ? multiplyWeights(
          lower,
          left,
          right.constant,
          isTransposed ? [0, 1] : [1, 0],
          added?.constant,
        )
      : multiply(lower, left, right, isTransposed);
  if (alpha !== 1) product = lower.emit('mul', [product, lower.number(alpha)]);
  if (!added || asBias) return product;
  return lower.emit('sum', [
    product,
    beta === 1 ? added : lower.emit('mul', [added, lower.number(beta)]),
  ]);
}

/** With its last two axes in the other order. @param {Lowering} lower @param {Value} value */
export function swapLast(lower, value) {
  const axes = value.shape.map((_, axis) => axis);
  return lower.transpose(value, [...axes.slice(0, -2), axes.length - 1, axes.length - 2]);
}

/**
 * Products of the matrices in the last two axes, of which there is one for each index of those before.
 *
 * @param {Lowering} lower
 * @param {Value} left
 * @param {Value} right
 * @param {boolean} [isTransposed] whether the right one is
 * @returns {Value}
 */
export function multiply(lower, left, right, isTransposed = false) {
  if (right.constant && right.shape.length === 2) {
    return multiplyWeights(lower, left, right.constant, isTransposed ? [0, 1] : [1, 0]);
  }
  if (left.constant && left.shape.length === 2 && right.shape.length > 1) {
    // The same, turned around.
    const columns = isTransposed ? right : swapLast(lower, right);
    return swapLast(lower, multiplyWeights(lower, columns, left.constant, [0, 1]));
  }
  return lower.emit('matMul', [left, isTransposed ? lower.transpose(right, [1, 0]) : right]);
}

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 */
function lowerMatMul(node, lower) {
  return multiply(lower, node.input(0), node.input(1));
}

export const PRODUCTS = { Conv: lowerConv, Gemm: lowerGemm, MatMul: lowerMatMul };
