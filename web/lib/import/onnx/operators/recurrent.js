// SPDX-License-Identifier: Apache-2.0

/**
 * LSTM, GRU and RNN. What the values add to the gates is one product for all steps; what the state adds is
 * done by our cells, one direction at a time.
 */

import { UnsupportedError } from '../../../core/errors.js';
import { concat, part } from '../ours.js';
import { Constant, constantValue, sizeOf } from '../values.js';
import { biasVector, multiply } from './products.js';
import { weightsOf } from '../weights.js';

/**
 * @typedef {import('../node.js').NodeView} NodeView
 * @typedef {import('../lowering.js').Lowering} Lowering
 * @typedef {import('../values.js').Value} Value
 *
 * @typedef {object} Kind
 * @property {string} op ours
 * @property {number} gates
 * @property {number} states
 * @property {string[]} functions our attributes for its activations
 * @property {string[]} usual activations
 * @property {(node: NodeView) => Record<string, unknown>} attributes
 */

/** Ours, by ONNX's names, which are of any case. */
const FUNCTIONS = new Map([
  ['sigmoid', 'sigmoid'],
  ['tanh', 'tanh'],
  ['relu', 'relu'],
  ['hardsigmoid', 'hardSigmoid'],
]);

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
  const each = quantized && quantized.scales.length === 1 ? quantized : undefined;
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
 * @param {Kind} kind
 * @returns {(node: NodeView, lower: Lowering) => Value[]}
 */
function lowerRecurrent(kind) {
  return (node, lower) => {
    checkSupported(node);
    const batchFirst = node.int('layout', 0) === 1;
    const given = node.input(INPUT.values);
    const values = batchFirst ? lower.transpose(given, [1, 0, 2]) : given;
    const name = node.string('direction', 'forward');
    const reversed = name === 'bidirectional' ? [false, true] : [name === 'reverse'];
    const runs = reversed.map((reverse, direction) =>
      runDirection(node, lower, kind, values, direction, reverse, batchFirst),
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

/** @param {NodeView} node */
function checkSupported(node) {
  if (node.optional(INPUT.peephole)) throw new UnsupportedError('it has peepholes ("P")');
  if (node.float('clip', 0) !== 0) throw new UnsupportedError('it clips its gates ("clip")');
  const lengths = node.optional(INPUT.lengths);
  if (!lengths) return;
  const [steps] = node.input(INPUT.values).shape;
  if (!lengths.constant || [...lengths.constant.elements].some((length) => length !== steps)) {
    throw new UnsupportedError('its sequences have different lengths ("sequence_lens")');
  }
}

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 * @param {Kind} kind
 * @param {Value} values steps × batch × features
 * @param {number} direction its index
 * @param {boolean} reverse
 * @param {boolean} batchFirst
 * @returns {{ all: Value, last: Value[] }} steps × 1 × batch × size, and 1 × batch × size of each state
 */
function runDirection(node, lower, kind, values, direction, reverse, batchFirst) {
  const weight = ofDirection(node.constant(INPUT.weight, '"W"'), direction);
  const recurrence = ofDirection(node.constant(INPUT.recurrence, '"R"'), direction);
  const [rows, size] = recurrence.shape;
  const bias = node.optional(INPUT.bias) && node.constant(INPUT.bias, '"B"');
  const product = multiply(lower, values, constantValue(weight), true);
  const gates = bias
    ? lower.emit('sum', [product, constantValue(ofDirection(bias, direction, 0, rows))])
    : product;
  const states = statesOf(node, lower, kind, direction, batchFirst, [values.shape[1], size]);
  const cells = lower.emit(kind.op, [gates, ...states], {
    weight: lower.matrix('recurrence', rows, size, weightsOf(recurrence)),
    ...(bias && {
      bias: biasVector(lower, ofDirection(bias, direction, rows, 2 * rows)),
    }),
    reverse,
    ...kind.attributes(node),
    ...functionsOf(node, kind, direction),
  });
  const [steps, batch] = cells.shape;
  const hidden = part(lower, cells, 2, 0, size);
  const end = reverse ? 0 : steps - 1;
  const last = part(lower, cells, 0, end, end + 1);
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
 * @param {number} direction
 * @param {boolean} batchFirst
 * @param {[number, number]} shape batch and size
 * @returns {Value[]} none where all begin with 0
 */
function statesOf(node, lower, kind, direction, batchFirst, shape) {
  const given = [INPUT.state, INPUT.memory]
    .slice(0, kind.states)
    .map((index) => node.optional(index));
  if (given.every((value) => value === undefined)) return [];
  return given.map((value) => {
    if (!value) {
      const zeros = () => new Float32Array(sizeOf(shape));
      return constantValue(new Constant('float32', shape, zeros));
    }
    const states = batchFirst ? lower.transpose(value, [1, 0, 2]) : value;
    return lower.reshape(part(lower, states, 0, direction, direction + 1), shape);
  });
}

/**
 * @param {NodeView} node
 * @param {Kind} kind
 * @param {number} direction
 */
function functionsOf(node, { functions, usual }, direction) {
  const all = node.strings('activations');
  const count = functions.length;
  const names = all ? all.slice(direction * count, (direction + 1) * count) : usual;
  const ours = names.map((name) => {
    const known = FUNCTIONS.get(name.toLowerCase());
    if (!known) throw new UnsupportedError(`its activation "${name}" is not supported`);
    return known;
  });
  return Object.fromEntries(functions.map((name, i) => [name, ours[i]]));
}

export const RECURRENT = {
  LSTM: lowerRecurrent({
    op: 'lstmCells',
    gates: 4,
    states: 2,
    functions: ['gateFunction', 'candidateFunction', 'outputFunction'],
    usual: ['Sigmoid', 'Tanh', 'Tanh'],
    attributes: (node) => ({ coupled: node.int('input_forget', 0) === 1 }),
  }),
  GRU: lowerRecurrent({
    op: 'gruCells',
    gates: 3,
    states: 1,
    functions: ['gateFunction', 'candidateFunction'],
    usual: ['Sigmoid', 'Tanh'],
    attributes: (node) => ({ resetAfter: node.int('linear_before_reset', 0) !== 0 }),
  }),
  RNN: lowerRecurrent({
    op: 'rnnCells',
    gates: 1,
    states: 1,
    functions: ['gateFunction'],
    usual: ['Tanh'],
    attributes: () => ({}),
  }),
};
