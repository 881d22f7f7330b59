// SPDX-License-Identifier: Apache-2.0

/** What axes of a value come to. */

import { UnsupportedError } from '../../../core/errors.js';
import { reduce } from '../ours.js';

/**
 * @typedef {import('../node.js').NodeView} NodeView
 * @typedef {import('../lowering.js').Lowering} Lowering
 * @typedef {import('../values.js').Value} Value
 * @typedef {(node: NodeView, lower: Lowering) => Value} Lower
 */

/**
 * @param {import('../ours.js').Reduction} reduction
 * @returns {Lower}
 */
function reducing(reduction) {
  return (node, lower) => {
    const value = node.input(0);
    const rank = value.shape.length;
    const given = node.integersAt(1, 'axes') ?? [];
    if (given.length === 0 && node.int('noop_with_empty_axes', 0) === 1) return value;
    const axes =
      given.length === 0
        ? value.shape.map((_, axis) => axis)
        : given.map((axis) => node.axis(axis, rank)).sort((a, b) => a - b);
    return reduce(lower, reduction, value, axes, node.int('keepdims', 1) === 1);
  };
}

/**
 * @param {'argMax' | 'argMin'} op
 * @returns {Lower}
 */
function lowerArg(op) {
  return (node, lower) => {
    const value = node.input(0);
    return lower.emit(op, [value], {
      axis: node.axis(node.int('axis', 0), value.shape.length),
      keepDims: node.int('keepdims', 1) === 1,
      last: node.int('select_last_index', 0) === 1,
    });
  };
}

/** @type {Lower} */
function lowerCumSum(node, lower) {
  const value = node.input(0);
  const [axis] = node.constant(1, '"axis"').elements;
  return lower.emit('cumSum', [value], {
    axis: node.axis(Number(axis), value.shape.length),
    exclusive: node.int('exclusive', 0) === 1,
    reverse: node.int('reverse', 0) === 1,
  });
}

/** @type {(node: NodeView, lower: Lowering) => Value[]} */
function lowerTopK(node, lower) {
  const value = node.input(0);
  const count = node.version >= 10 ? node.constant(1, '"K"').elements[0] : node.int('k', 0);
  if (!(count >= 0)) throw new UnsupportedError(`its "K" is ${count}`);
  const attributes = {
    axis: node.axis(node.int('axis', -1), value.shape.length),
    k: Number(count),
    smallest: node.int('largest', 1) === 0,
  };
  return [false, true].map((indices) => lower.emit('topK', [value], { ...attributes, indices }));
}

export const REDUCTION = {
  ReduceSum: reducing('Sum'),
  ReduceMean: reducing('Mean'),
  ReduceMax: reducing('Max'),
  ReduceMin: reducing('Min'),
  ReduceProd: reducing('Prod'),
  ReduceL1: reducing('L1'),
  ReduceL2: reducing('L2'),
  ReduceLogSum: reducing('LogSum'),
  ReduceLogSumExp: reducing('LogSumExp'),
  ReduceSumSquare: reducing('SumSquare'),
  ArgMax: lowerArg('argMax'),
  ArgMin: lowerArg('argMin'),
  CumSum: lowerCumSum,
  TopK: lowerTopK,
};
