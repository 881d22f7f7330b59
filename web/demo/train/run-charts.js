// SPDX-License-Identifier: Apache-2.0

import { html } from 'lit';
import '../common/chart.js';
import { explain } from '../common/explain.js';
import { formatBytes, formatPercent, formatRounded } from '../common/units.js';
import { lookOf } from './record.js';

/**
 * @typedef {import('../common/chart.js').Axis} Axis
 * @typedef {import('../common/chart.js').Series} Series
 * @typedef {import('./record.js').Point} Point
 * @typedef {import('./record.js').RunRecord} RunRecord
 */

/** @type {Axis} */
const ROUNDS = { label: 'round', format: (value) => formatRounded(value, 3) };
/** @type {Axis} */
const BYTES = { label: 'bytes', log: true, format: bytesText };
/** @type {Axis} */
const SENT = { label: 'sent by each worker', log: true, format: bytesText };
/** @type {Axis} */
const SECONDS = {
  label: 'simulated time, seconds',
  log: true,
  format: (value) => formatRounded(value, 3),
};
/** @type {Axis} */
const ACCURACY = { label: 'accuracy', range: [0, 1], format: (value) => formatPercent(value, 0) };

/**
 * Of the traffic's lines, the same colour is the same direction, and dashes are single rounds.
 *
 * @type {Array<{ name: string, color: string, dash?: number[], of: (point: Point, first: Point) => number }>}
 */
const TRAFFIC = [
  { name: 'up, all rounds', color: '--c1', of: ({ up }) => up },
  { name: 'up, each round', color: '--c1', dash: [3, 4], of: ({ roundUp }) => roundUp },
  { name: 'down, all rounds', color: '--c2', of: ({ down }) => down },
  { name: 'down, each round', color: '--c2', dash: [3, 4], of: ({ roundDown }) => roundDown },
  { name: 'dense, all rounds', color: '--c7', of: ({ denseUp }) => denseUp },
  {
    name: 'dense, each round',
    color: '--c7',
    dash: [3, 4],
    of: ({ roundDense }) => roundDense,
  },
];

/**
 * What the charts show, in their order.
 *
 * @type {Array<(source: { record: RunRecord | undefined, runs: RunRecord[] }) => Series[]>}
 */
export const CHARTS = [
  ({ record }) => (record ? trafficOf(record) : []),
  ({ runs }) => accuracyBy(runs, ({ up }) => up),
  ({ runs }) => accuracyBy(runs, ({ seconds }) => seconds),
];

/** @param {Series[][]} series of CHARTS */
export function runCharts([traffic, byBytes, byTime]) {
  return html`<div class="charts">
    <section class="card" aria-labelledby="traffic-title">
      <h2 id="traffic-title">Bytes, round by round</h2>
      <line-chart
        id="traffic"
        .series=${traffic}
        .x=${ROUNDS}
        .y=${BYTES}
        .label=${'Bytes sent and received by a worker, by round, beside dense exchange.'}
      ></line-chart>
      ${explain(
        'The grey lines are dense exchange, the same up and down: lines far below them are traffic saved, each step of the grid a factor of ten.',
        'Sent bytes are iterations × how often × how many entries × bits for each, and every factor is cut.',
        'sbc',
        'section I',
      )}
    </section>
    <section class="card" aria-labelledby="by-bytes-title">
      <h2 id="by-bytes-title">Accuracy against bytes</h2>
      <line-chart
        id="by-bytes"
        .series=${byBytes}
        .x=${SENT}
        .y=${ACCURACY}
        .label=${'Accuracy against the bytes that each worker sent, a line for each run.'}
      ></line-chart>
      ${explain(
        'Further left is less traffic, higher is better.',
        'Sent to a hundredth of the entries with one sign, updates lose little: what is left out is kept for later.',
        'sbc',
        'Algorithm 2',
      )}
    </section>
    <section class="card" aria-labelledby="by-time-title">
      <h2 id="by-time-title">Accuracy against time</h2>
      <line-chart
        id="by-time"
        .series=${byTime}
        .x=${SECONDS}
        .y=${ACCURACY}
        .label=${'Accuracy against simulated time, a line for each run.'}
      ></line-chart>
      ${explain(
        'The clock is simulated: the iterations’ time and that of the real bytes over the chosen link.',
        'Over a slow link dense exchange waits for its messages most of the time.',
        'sbc',
        'section I',
      )}
    </section>
  </div>`;
}

/**
 * @param {RunRecord} record
 * @returns {Series[]}
 */
function trafficOf({ points }) {
  return TRAFFIC.map(({ name, color, dash, of }) => ({
    name,
    color,
    dash,
    points: points
      .map((point) => /** @type {const} */ ([point.round, of(point, points[0])]))
      .filter(([, bytes]) => bytes > 0),
  }));
}

/**
 * @param {RunRecord[]} runs
 * @param {(point: Point) => number} of
 * @returns {Series[]}
 */
function accuracyBy(runs, of) {
  return runs.map((run) => ({
    name: run.name,
    ...lookOf(run),
    points: run.points
      .filter((point) => point.accuracy !== undefined && of(point) > 0)
      .map((point) => /** @type {const} */ ([of(point), point.accuracy ?? 0])),
  }));
}

/** @param {number} bytes */
function bytesText(bytes) {
  return formatBytes(bytes).replace(/\.0+ /, ' ');
}
