// SPDX-License-Identifier: Apache-2.0

/**
 * Einsum: sums of products over labels, as "bij,bjk->bik". Two operands at a time become one product of
 * matrices: batches are labels of both that stay, rows and columns those of one, and what both have and
 * nobody else is summed over.
 */

import { UnsupportedError } from '../../../core/errors.js';
import { reduce } from '../ours.js';
import { sizeOf } from '../values.js';
import { multiply } from './products.js';

/**
 * @typedef {import('../node.js').NodeView} NodeView
 * @typedef {import('../lowering.js').Lowering} Lowering
 * @typedef {import('../values.js').Value} Value
 *
 * @typedef {object} Operand
 * @property {Value} value
 * @property {string[]} labels of its axes
 */

/** What "..." stands for: as many labels as there are axes, counted from the last. */
const dots = (/** @type {number} */ count) =>
  Array.from({ length: count }, (_, index) => `.${count - index}`);

/**
 * @param {string} term of an equation
 * @param {number} rank
 */
function labelsOf(term, rank) {
  const [before, after] = term.split('...');
  if (after === undefined) return [...before];
  return [...before, ...dots(rank - before.length - after.length), ...after];
}

/**
 * @param {Lowering} lower
 * @param {Operand} operand
 * @returns {Operand} with each label once
 */
function takeDiagonals(lower, { value, labels }) {
  const label = labels.find((one, axis) => labels.indexOf(one) !== axis);
  if (label === undefined) return { value, labels };
  const pair = [labels.indexOf(label), labels.lastIndexOf(label)];
  const others = labels.flatMap((_, axis) => (pair.includes(axis) ? [] : [axis]));
  const last = lower.transpose(value, [...others, ...pair]);
  const size = value.shape[pair[0]];
  const axis = others.length;
  const flat = lower.reshape(last, [...last.shape.slice(0, axis), size * size]);
  const diagonal = lower.emit('slice', [flat], {
    axes: [axis],
    starts: [0],
    ends: [size * size],
    steps: [size + 1],
  });
  return takeDiagonals(lower, {
    value: diagonal,
    labels: [...others.map((other) => labels[other]), label],
  });
}

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 * @returns {{ operands: Operand[], output: string[] }}
 */
function parse(node, lower) {
  const equation = node.string('equation', '').replaceAll(' ', '');
  const [left, right] = equation.split('->');
  const terms = left.split(',');
  if (terms.length !== node.inputs.length || !/^[A-Za-z.,]*(->[A-Za-z.]*)?$/.test(equation)) {
    throw new UnsupportedError(`its equation "${equation}" does not fit its inputs`);
  }
  const operands = terms.map((term, index) => {
    const value = node.input(index);
    const labels = labelsOf(term, value.shape.length);
    if (labels.length !== value.shape.length) {
      throw new UnsupportedError(`its equation "${equation}" lacks a label`);
    }
    return takeDiagonals(lower, { value, labels });
  });
  const all = operands.flatMap(({ labels }) => labels);
  const most = Math.max(
    ...operands.map(({ labels }) => labels.filter((l) => l.startsWith('.')).length),
  );
  const implied = [
    ...dots(most),
    ...[...new Set(all)]
      .filter((l) => !l.startsWith('.') && all.indexOf(l) === all.lastIndexOf(l))
      .sort(),
  ];
  const output =
    right === undefined ? implied : labelsOf(right, right.replace('...', '').length + most);
  return { operands, output };
}

/**
 * @param {Lowering} lower
 * @param {Operand} operand
 * @param {Set<string>} kept
 * @returns {Operand} without the labels that nobody else has
 */
function sumAway(lower, { value, labels }, kept) {
  const axes = labels.flatMap((label, axis) => (kept.has(label) ? [] : [axis]));
  if (axes.length === 0) return { value, labels };
  return {
    value: reduce(lower, 'Sum', value, axes, false),
    labels: labels.filter((label) => kept.has(label)),
  };
}

/**
 * @param {Lowering} lower
 * @param {Operand} operand
 * @param {string[]} labels
 */
function arrange(lower, operand, labels) {
  return lower.transpose(
    operand.value,
    labels.map((label) => operand.labels.indexOf(label)),
  );
}

/**
 * @param {Lowering} lower
 * @param {Operand} a
 * @param {Operand} b
 * @param {Set<string>} kept labels of the output and of the operands that follow
 * @returns {Operand}
 */
function multiplyOperands(lower, a, b, kept) {
  // A matrix of weights is the second one.
  if (a.value.constant && !b.value.constant) return multiplyOperands(lower, b, a, kept);
  const left = sumAway(lower, a, new Set([...kept, ...b.labels]));
  const right = sumAway(lower, b, new Set([...kept, ...a.labels]));
  const both = left.labels.filter((label) => right.labels.includes(label));
  const batch = both.filter((label) => kept.has(label));
  const inner = both.filter((label) => !kept.has(label));
  const rows = left.labels.filter((label) => !both.includes(label));
  const cols = right.labels.filter((label) => !both.includes(label));
  const size = new Map(
    [left, right].flatMap(({ value, labels }) =>
      labels.map((label, axis) => [label, value.shape[axis]]),
    ),
  );
  const sizes = (/** @type {string[]} */ labels) => labels.map((label) => Number(size.get(label)));
  const x = lower.reshape(arrange(lower, left, [...batch, ...rows, ...inner]), [
    ...sizes(batch),
    ...[rows, inner].map((labels) => sizeOf(sizes(labels))),
  ]);
  const y = lower.reshape(arrange(lower, right, [...batch, ...inner, ...cols]), [
    ...sizes(batch),
    ...[inner, cols].map((labels) => sizeOf(sizes(labels))),
  ]);
  const labels = [...batch, ...rows, ...cols];
  return { value: lower.reshape(multiply(lower, x, y), sizes(labels)), labels };
}

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 */
function lowerEinsum(node, lower) {
  const { operands, output } = parse(node, lower);
  const result = operands.reduce((a, b, index) => {
    const later = operands.slice(index + 1).flatMap(({ labels }) => labels);
    return multiplyOperands(lower, a, b, new Set([...output, ...later]));
  });
  const rest = sumAway(lower, result, new Set(output));
  return arrange(lower, rest, output);
}

export const EINSUM = { Einsum: lowerEinsum };
