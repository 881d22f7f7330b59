// SPDX-License-Identifier: Apache-2.0

/** The p × n map: which runs fill which cells. */

import { isSparse } from './settings.js';

/**
 * @typedef {import('./record.js').RunRecord} RunRecord
 * @typedef {import('./settings.js').Settings} Settings
 * @typedef {{ p: number, n: number }} Cell
 */

/** Columns; all entries (1) are Federated Averaging. */
export const MAP_P = [0.001, 0.01, 0.1, 1];
/** Rows. */
export const MAP_N = [1, 10, 25, 100];

/**
 * @param {Settings} settings
 * @param {Cell} cell
 * @returns {Settings} the same with the cell's p and n
 */
export function settingsOfCell(settings, { p, n }) {
  if (p < 1) return { ...settings, method: 'sbc', p, n };
  return { ...settings, method: n === 1 ? 'none' : 'fedavg', n };
}

/**
 * What a run must have in common with another to be in the same map. The link and the clock are not
 * in it, for they change nothing that is learned or sent.
 *
 * @param {Settings} settings
 */
function groundOf(settings) {
  const { workers, model, data, split, iterations, batch, rate, examples, seed } = settings;
  const masked = isSparse(settings.method) && settings.mask;
  return [workers, model, data, split, iterations, batch, rate, examples, seed, masked].join(' ');
}

/**
 * @param {RunRecord[]} runs
 * @param {Settings} settings
 * @param {Cell} cell
 * @returns {RunRecord | undefined} the latest finished one that fills the cell
 */
export function runOfCell(runs, settings, cell) {
  const wanted = settingsOfCell(settings, cell);
  return runs.findLast(
    ({ state, settings: had }) =>
      state === 'finished' &&
      had.method === wanted.method &&
      had.n === wanted.n &&
      (!isSparse(had.method) || had.p === wanted.p) &&
      groundOf(had) === groundOf(wanted),
  );
}

/**
 * @param {RunRecord[]} runs
 * @param {Settings} settings
 * @returns {Cell[]} those without a run, the quickest first
 */
export function missingCells(runs, settings) {
  return MAP_N.toReversed()
    .flatMap((n) => MAP_P.map((p) => ({ p, n })))
    .filter((cell) => !runOfCell(runs, settings, cell));
}
