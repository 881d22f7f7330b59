// SPDX-License-Identifier: Apache-2.0

/**
 * LSTM, GRU and RNN. What the values add to the gates is one product for all steps; what the state adds is
 * done by our cells, one direction at a time.
 */

import { concat, part } from '../ours.js';
import { Constant, constantValue, sizeOf } from '../values.js';
import { weightsOf } from '../weights.js';
import { cellFunctions } from './cell-functions.js';
import { biasVector, multiply } from './products.js';
import { SequenceLengths } from './sequence-lengths.js';

/**
 * @typedef {import('../node.js').NodeView} NodeView
 * @typedef {import('../lowering.js').Lowering} Lowering
 * @typedef {import('../values.js').Quantized} Quantized
 * @typedef {import('../values.js').Value} Value
 *
 * @typedef {object} Kind
 * @property {string} op ours
 * @property {number} states
 * @property {string[]} functions our names of its activations
 * @property {string[]} usual activations
 * @property {(node: NodeView) => Record<string, unknown>} attributes
 */

/** Where an operator has its inputs. */
const INPUT = {
  values: 0,
  weight: 1,
  recurrence: 2,
  bias: 3,
  lengths: 4,
  state: 5,
  memory: 6,
  peephole: 7,
};

/**
 * Scales of one direction: the one of all, one of each direction, or those of the rows.
 *
 * @param {Quantized} quantized
 * @param {number} direction
 * @param {number} begin
 * @param {number} end
 * @returns {Quantized | undefined} where there are others
 */
function quantizedOf(quantized, direction, begin, end) {
  const { scales, zeroPoints, axis, block } = quantized;
  if (scales.length === 1) return quantized;
  if (block !== 0 || axis > 1) return undefined;
  const [first, last] = axis === 0 ? [direction, direction + 1] : [begin, end];
  return {
    ...quantized,
    scales: scales.slice(first, last),
    zeroPoints: zeroPoints.slice(first, last),
    axis: 0,
  };
}

/**
 * The part of a constant for one direction, without that axis.
 *
 * @param {Constant} constant
 * @param {number} direction
 * @param {number} [begin] along the next axis
 * @param {number} [end]
 */
function ofDirection(constant, direction, begin = 0, end = constant.shape[1]) {
  const shape = [end - begin, ...constant.shape.slice(2)];
  const inner = sizeOf(constant.shape.slice(2));
  const from = (direction * constant.shape[1] + begin) * inner;
  const { quantized } = constant;
  const each = quantized && quantizedOf(quantized, direction, begin, end);
  return new Constant(
    constant.type,
    shape,
    () => constant.elements.slice(from, from + sizeOf(shape)),
    each && {
      quantized: { ...each, codes: () => each.codes().slice(from, from + sizeOf(shape)) },
    },
  );
}

/**
 * @typedef {object} Direction
 * @property {number} index
 * @property {boolean} reverse
 * @property {Record<string, unknown>} functions attributes of our cells
 * @property {SequenceLengths} [lengths] where they differ
 */

/**
 * @param {Kind} kind
 * @returns {(node: NodeView, lower: Lowering) => Value[]}
 */
function lowerRecurrent(kind) {
  return (node, lower) => {
    const batchFirst = node.int('layout', 0) === 1;
    const given = node.input(INPUT.values);
    const values = batchFirst ? lower.transpose(given, [1, 0, 2]) : given;
    const runs = directionsOf(node, lower, kind, values.shape[0]).map((direction) =>
      runDirection(node, lower, kind, values, direction, batchFirst),
    );
    const outputs = [
      concat(
        lower,
        runs.map(({ all }) => all),
        1,
      ),
      ...Array.from({ length: kind.states }, (_, i) =>
        concat(
          lower,
          runs.map(({ last }) => last[i]),
          0,
        ),
      ),
    ];
    if (!batchFirst) return outputs;
    // [steps, directions, batch, size] and [directions, batch, size] with the batch first.
    return outputs.map((value) =>
      lower.transpose(value, value.shape.length === 4 ? [2, 0, 1, 3] : [1, 0, 2]),
    );
  };
}

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 * @param {Kind} kind
 * @param {number} steps
 * @returns {Direction[]}
 */
function directionsOf(node, lower, kind, steps) {
  const name = node.string('direction', 'forward');
  const reversed = name === 'bidirectional' ? [false, true] : [name === 'reverse'];
  const functions = cellFunctions(node, kind.functions, kind.usual, reversed.length);
  const given = node.optional(INPUT.lengths);
  const lengths =
    given && !SequenceLengths.areWhole(given, steps)
      ? new SequenceLengths(lower, given, steps)
      : undefined;
  return reversed.map((reverse, index) => ({
    index,
    reverse,
    functions: functions[index],
    lengths,
  }));
}

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 * @param {Kind} kind
 * @param {Value} values steps × batch × features
 * @param {Direction} direction
 * @param {boolean} batchFirst
 * @returns {{ all: Value, last: Value[] }} steps × 1 × batch × size, and 1 × batch × size of each state
 */
function runDirection(node, lower, kind, values, direction, batchFirst) {
  const { reverse, lengths } = direction;
  const isTurned = lengths !== undefined && reverse;
  const made = runCells(node, lower, kind, isTurned ? lengths.turn(values) : values, {
    ...direction,
    reverse: reverse && !isTurned,
    batchFirst,
  });
  const [steps, batch, width] = made.shape;
  const size = width / kind.states;
  const end = reverse ? 0 : steps - 1;
  const last = lengths ? lengths.last(made) : part(lower, made, 0, end, end + 1);
  const inOrder = isTurned ? lengths.turn(made) : made;
  const hidden = part(lower, lengths ? lengths.cut(inOrder) : inOrder, 2, 0, size);
  return {
    all: lower.reshape(hidden, [steps, 1, batch, size]),
    last: Array.from({ length: kind.states }, (_, i) =>
      part(lower, last, 2, i * size, (i + 1) * size),
    ),
  };
}

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 * @param {Kind} kind
 * @param {Value} values steps × batch × features
 * @param {Direction & { batchFirst: boolean }} direction
 * @returns {Value} steps × batch × states
 */
function runCells(node, lower, kind, values, { index, reverse, functions, batchFirst }) {
  const weight = ofDirection(node.constant(INPUT.weight, '"W"'), index);
  const recurrence = ofDirection(node.constant(INPUT.recurrence, '"R"'), index);
  const [rows, size] = recurrence.shape;
  const bias = node.optional(INPUT.bias) && node.constant(INPUT.bias, '"B"');
  const product = multiply(lower, values, constantValue(weight), true);
  const gates = bias
    ? lower.emit('sum', [product, constantValue(ofDirection(bias, index, 0, rows))])
    : product;
  const peephole = node.optional(INPUT.peephole);
  const states = statesOf(node, lower, kind, index, batchFirst, [values.shape[1], size]);
  const clip = node.float('clip', 0);
  const seen = peephole
    ? [lower.reshape(part(lower, peephole, 0, index, index + 1), [3 * size])]
    : [];
  return lower.emit(kind.op, [gates, ...states, ...seen], {
    weight: lower.matrix('recurrence', rows, size, weightsOf(recurrence)),
    ...(bias && {
      bias: biasVector(lower, ofDirection(bias, index, rows, 2 * rows)),
    }),
    reverse,
    ...(clip > 0 && { clip }),
    ...kind.attributes(node),
    ...functions,
  });
}

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 * @param {Kind} kind
 * @param {number} direction
 * @param {boolean} batchFirst
 * @param {[number, number]} shape batch and size
 * @returns {Value[]} none where all begin with 0
 */
function statesOf(node, lower, kind, direction, batchFirst, shape) {
  const given = [INPUT.state, INPUT.memory]
    .slice(0, kind.states)
    .map((index) => node.optional(index));
  if (given.every((value) => !value) && !node.optional(INPUT.peephole)) return [];
  return given.map((value) => {
    if (!value) {
      const zeros = () => new Float32Array(sizeOf(shape));
      return constantValue(new Constant('float32', shape, zeros));
    }
    const states = batchFirst ? lower.transpose(value, [1, 0, 2]) : value;
    return lower.reshape(part(lower, states, 0, direction, direction + 1), shape);
  });
}

export const RECURRENT = {
  LSTM: lowerRecurrent({
    op: 'lstmCells',
    states: 2,
    functions: ['gate', 'candidate', 'output'],
    usual: ['Sigmoid', 'Tanh', 'Tanh'],
    attributes: (node) => ({ coupled: node.int('input_forget', 0) === 1 }),
  }),
  GRU: lowerRecurrent({
    op: 'gruCells',
    states: 1,
    functions: ['gate', 'candidate'],
    usual: ['Sigmoid', 'Tanh'],
    attributes: (node) => ({ resetAfter: node.int('linear_before_reset', 0) !== 0 }),
  }),
  RNN: lowerRecurrent({
    op: 'rnnCells',
    states: 1,
    functions: ['gate'],
    usual: ['Tanh'],
    attributes: () => ({}),
  }),
};
