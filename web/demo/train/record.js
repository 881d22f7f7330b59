// SPDX-License-Identifier: Apache-2.0

/** What is remembered of a run: its course, by the worker's mean, beside dense exchange. */

import { ratioOf as ratioOfBytes } from '../../lib/coordinate/accounting.js';
import { runName } from './settings.js';

/**
 * @typedef {import('../../lib/training.js').Round} Round
 * @typedef {import('./settings.js').Settings} Settings
 *
 * @typedef {object} Point after a round; bytes are means of the workers
 * @property {number} round
 * @property {number} iterations
 * @property {number} roundUp bytes in this round
 * @property {number} roundDown
 * @property {number} up bytes since the beginning
 * @property {number} down
 * @property {number} denseUp what dense exchange would have sent, as the library counts it
 * @property {number} denseDown
 * @property {number} roundDense up, in this round
 * @property {number} seconds of the simulated clock
 * @property {number} denseSeconds the same, had the exchange been dense
 * @property {number | null} loss of the round's batches
 * @property {number} [accuracy] on the examples for testing, where it was found out
 *
 * @typedef {object} RunRecord
 * @property {number} id
 * @property {Settings} settings
 * @property {string} name
 * @property {number} look which colour and dash its lines have
 * @property {number} weights of the model
 * @property {Point[]} points thinned out where there are many
 * @property {Point} [last]
 * @property {number} [accuracy] the latest
 * @property {'running' | 'finished' | 'stopped'} state
 */

/** More points than this no picture needs. */
const MOST_POINTS = 600;
const COLORS = 8;
/** Different for neighbours, and for those that share a colour. @type {number[][]} */
const DASHES = [[], [10, 5], [3, 4], [12, 4, 3, 4], [6, 3]];

/**
 * @param {Settings} settings
 * @param {number} weights
 * @param {RunRecord[]} others whose looks are taken
 * @returns {RunRecord}
 */
export function newRecord(settings, weights, others) {
  let look = 0;
  while (others.some((other) => other.look === look)) look += 1;
  const id = 1 + Math.max(0, ...others.map((other) => other.id));
  return { id, settings, name: runName(settings), look, weights, points: [], state: 'running' };
}

/** @param {RunRecord} record */
export function lookOf({ look }) {
  return { color: `--c${1 + (look % COLORS)}`, dash: DASHES[look % DASHES.length] };
}

/** @param {number[]} values */
function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

/**
 * @param {RunRecord} record to be added to
 * @param {Round} round
 */
export function addRound(record, { round, iterations, bytes, totals, loss, accuracy, ...clock }) {
  const point = {
    round,
    iterations,
    roundUp: mean(bytes.up),
    roundDown: mean(bytes.down),
    up: mean(totals.up),
    down: mean(totals.down),
    denseUp: mean(totals.denseUp),
    denseDown: mean(totals.denseDown),
    roundDense: mean(totals.denseUp) - (record.last?.denseUp ?? 0),
    seconds: totals.simulatedSeconds,
    denseSeconds: (record.last?.denseSeconds ?? 0) + clock.denseSimulatedSeconds,
    loss,
    ...(accuracy !== undefined && { accuracy }),
  };
  record.last = point;
  record.accuracy = accuracy ?? record.accuracy;
  record.points.push(point);
  if (record.points.length > MOST_POINTS) record.points = thin(record.points);
}

/**
 * @param {Point[]} points
 * @returns {Point[]} every other; those that tell an accuracy, and the last, stay
 */
export function thin(points) {
  return points.filter(
    ({ accuracy }, index) =>
      accuracy !== undefined || index % 2 === 1 || index === points.length - 1,
  );
}

/**
 * How many times fewer bytes were sent than dense exchange would have.
 *
 * @param {Point | undefined} point
 * @returns {number | undefined} undefined where nothing was sent
 */
export function ratioOf(point) {
  return (point && ratioOfBytes([point.denseUp], [point.up])) ?? undefined;
}

/**
 * @param {number} round from 1
 * @param {number} rounds of the whole run
 * @returns {boolean} whether the accuracy is to be found out: often in the beginning, when it rises
 */
export function isDue(round, rounds) {
  const isPower = (round & (round - 1)) === 0;
  return isPower || round >= rounds || round % Math.ceil(rounds / 40) === 0;
}
