// SPDX-License-Identifier: Apache-2.0

/** What is measured: lines through one base point along every axis, and a grid of two of them. */

/**
 * @typedef {object} Case one matrix, and how many columns it is multiplied with
 * @property {number} rows
 * @property {number} cols
 * @property {number} density the share of elements other than 0
 * @property {number} values distinct ones, 0 among them unless the density is 1
 * @property {number} batch columns of the right-hand side
 *
 * @typedef {keyof Case} Axis
 *
 * @typedef {object} Plan
 * @property {Omit<Case, 'batch'>} base
 * @property {number[]} batches at which the axes of the matrix are walked
 * @property {Record<Axis, number[]>} axes ascending; the base's own value is among each
 * @property {{ density: number[], values: number[] }} grid likewise, and parts of the axes
 * @property {number} rounds
 *
 * @typedef {object} Series the cases along one axis, all else as in the base
 * @property {Axis} axis
 * @property {number | undefined} batch undefined where the batch is the axis
 * @property {Case[]} cases ascending
 */

/** Of the matrix itself: its size depends on nothing else. @type {Exclude<Axis, 'batch'>[]} */
export const MATRIX_AXES = ['density', 'values', 'rows', 'cols'];

/**
 * @param {number} first
 * @param {number} last
 */
function powersOfTwo(first, last) {
  const count = Math.log2(last / first) + 1;
  return Array.from({ length: count }, (_, i) => first * 2 ** i);
}

/** @type {Plan} */
export const FULL_PLAN = {
  base: { rows: 1024, cols: 1024, density: 0.1, values: 32 },
  batches: [1, 64],
  axes: {
    density: [
      ...[0.01, 0.015, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2],
      ...[0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1],
    ],
    values: powersOfTwo(2, 256),
    rows: powersOfTwo(1, 4096),
    cols: powersOfTwo(1, 4096),
    batch: powersOfTwo(1, 1024),
  },
  grid: { density: [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1], values: powersOfTwo(2, 256) },
  rounds: 15,
};

/** The same on small matrices and with few points: shows that all works, not how fast. @type {Plan} */
export const QUICK_PLAN = {
  base: { rows: 64, cols: 64, density: 0.1, values: 8 },
  batches: [1, 8],
  axes: {
    density: [0.01, 0.1, 1],
    values: [2, 8, 256],
    rows: [1, 64, 128],
    cols: [1, 64, 128],
    batch: [1, 8, 64],
  },
  grid: { density: [0.01, 0.1, 1], values: [2, 8, 256] },
  rounds: 3,
};

/**
 * @param {Plan} plan
 * @param {Axis} axis
 * @param {number} batch not used where the batch is the axis
 * @returns {Case[]} ascending
 */
export function lineOf({ base, axes }, axis, batch) {
  return axes[axis].map((value) => ({ ...base, batch, [axis]: value }));
}

/**
 * @param {Plan} plan
 * @returns {Series[]}
 */
export function seriesOf(plan) {
  const lines = MATRIX_AXES.flatMap((axis) =>
    plan.batches.map((batch) => ({ axis, batch, cases: lineOf(plan, axis, batch) })),
  );
  return [...lines, { axis: 'batch', batch: undefined, cases: lineOf(plan, 'batch', 1) }];
}

/**
 * @param {Plan} plan
 * @param {number} batch
 * @returns {Case[][]} by density, then by values
 */
export function gridOf({ base, grid }, batch) {
  return grid.density.map((density) =>
    grid.values.map((values) => ({ ...base, density, values, batch })),
  );
}

/** @param {Case} one */
export function keyOf({ rows, cols, density, values, batch }) {
  return [rows, cols, density, values, batch].join(' ');
}

/**
 * @param {Plan} plan
 * @returns {Case[]} each once; those with one matrix follow each other, the largest come first, for
 *   small ones take too little time to have the kernels optimized
 */
export function casesOf(plan) {
  const all = [
    ...plan.batches.flatMap((batch) => gridOf(plan, batch).flat()),
    ...seriesOf(plan).flatMap(({ cases }) => cases),
  ];
  const unique = [...new Map(all.map((one) => [keyOf(one), one])).values()];
  return unique.sort(
    (a, b) =>
      b.rows * b.cols - a.rows * a.cols ||
      b.rows - a.rows ||
      a.density - b.density ||
      a.values - b.values ||
      a.batch - b.batch,
  );
}
