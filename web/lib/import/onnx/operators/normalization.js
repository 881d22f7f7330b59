// SPDX-License-Identifier: Apache-2.0

/** What brings values to a common scale: along channels, or along an axis. */

import { UnsupportedError } from '../../../core/errors.js';
import { toFloats } from '../lowering.js';
import { sizeOf } from '../values.js';

/**
 * @typedef {import('../node.js').NodeView} NodeView
 * @typedef {import('../lowering.js').Lowering} Lowering
 * @typedef {import('../values.js').Value} Value
 */

/**
 * By what is computed from the inputs.
 *
 * @param {NodeView} node
 * @param {Lowering} lower
 */
function normalizeByValues(node, lower) {
  const input = node.input(0);
  const ones = input.shape.slice(2).map(() => 1);
  const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((index) => {
    const vector = node.input(index);
    return lower.reshape(vector, [sizeOf(vector.shape), ...ones]);
  });
  const epsilon = lower.number(node.float('epsilon', 1e-5));
  const deviation = lower.emit('sqrt', [lower.emit('sum', [variance, epsilon])]);
  const scale = lower.emit('div', [gamma, deviation]);
  const scaled = lower.emit('mul', [lower.emit('sub', [input, mean]), scale]);
  return lower.emit('sum', [scaled, beta]);
}

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 */
function lowerBatchNormalization(node, lower) {
  if (node.int('training_mode', 0) === 1)
    throw new UnsupportedError('it is to learn ("training_mode")');
  const input = node.input(0);
  if ([1, 2, 3, 4].some((index) => !node.input(index).constant)) {
    return normalizeByValues(node, lower);
  }
  const vector = (/** @type {number} */ index, /** @type {string} */ role) => {
    const constant = node.constant(index, `"${role}"`);
    return lower.vector(role, constant.size, () => toFloats(constant.elements));
  };
  const [batch, channels = 1, ...size] = input.shape;
  const image = lower.reshape(input, [batch, channels, 1, sizeOf(size)]);
  const output = lower.emit('batchnorm', [image], {
    mean: vector(3, 'mean'),
    variance: vector(4, 'variance'),
    gamma: vector(1, 'gamma'),
    beta: vector(2, 'beta'),
    epsilon: node.float('epsilon', 1e-5),
  });
  return lower.reshape(output, input.shape);
}

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 */
function lowerLrn(node, lower) {
  return lower.emit('lrn', [node.input(0)], {
    size: node.int('size', 1),
    alpha: node.float('alpha', 1e-4),
    beta: node.float('beta', 0.75),
    k: node.float('bias', 1),
  });
}

/**
 * Along one axis; before version 13 along all from that axis on.
 *
 * @param {'softmax' | 'logSoftmax'} op
 */
function lowerSoftmax(op) {
  return (/** @type {NodeView} */ node, /** @type {Lowering} */ lower) => {
    const input = node.input(0);
    const rank = input.shape.length;
    const axis = node.axis(node.int('axis', node.version >= 13 ? -1 : 1), rank);
    if (node.version >= 13 || axis === rank - 1) return lower.emit(op, [input], { axis });
    const flat = [input.shape.slice(0, axis), input.shape.slice(axis)].map(sizeOf);
    const result = lower.emit(op, [lower.reshape(input, flat)], { axis: 1 });
    return lower.reshape(result, input.shape);
  };
}

export const NORMALIZATION = {
  BatchNormalization: lowerBatchNormalization,
  LRN: lowerLrn,
  Softmax: lowerSoftmax('softmax'),
  LogSoftmax: lowerSoftmax('logSoftmax'),
};
