// SPDX-License-Identifier: Apache-2.0

/** A map of winners over density and distinct values. */

import { INK, MUTED, element, text } from '../common/svg.js';
import { COLORS, DARK } from './colors.js';
import { AXIS_NAMES, placeOf } from './crossings.js';
import { gridOf, keyOf } from './plan.js';

/**
 * @typedef {import('../../web/lib/index.js').FormatName} FormatName
 * @typedef {import('./measure.js').Measurement} Measurement
 * @typedef {import('./plan.js').Plan} Plan
 */

const MARGIN = { left: 40, right: 6, top: 30, bottom: 38 };
const CELL_HEIGHT = 25;

/** @param {Plan} plan */
export function mapHeight({ grid }) {
  return MARGIN.top + CELL_HEIGHT * grid.density.length + MARGIN.bottom;
}

/**
 * @param {Plan} plan
 * @param {Measurement[]} measurements
 * @param {{ title: string, measure: 'time' | 'bytes', batch: number, width: number }} options
 * @returns {string[]}
 */
export function drawMap(plan, measurements, { title, measure, batch, width }) {
  const found = new Map(measurements.map((one) => [`${keyOf(one)} ${one.format}`, one]));
  const { density, values } = plan.grid;
  const cell = (width - MARGIN.left - MARGIN.right) / values.length;
  const bottom = MARGIN.top + CELL_HEIGHT * density.length;
  const cells = gridOf(plan, batch).flatMap((row, i) =>
    row.map((one, j) => {
      const { fastest, smallest } = /** @type {Measurement} */ (found.get(`${keyOf(one)} dense`));
      const winner = measure === 'time' ? fastest : smallest;
      const best = /** @type {Measurement} */ (found.get(`${keyOf(one)} ${winner}`));
      const gain = 1 / (measure === 'time' ? best.timeToDense : best.bytesToDense);
      const corner = { x: MARGIN.left + j * cell, y: bottom - (i + 1) * CELL_HEIGHT };
      return drawCell(winner, gain, { ...corner, width: cell });
    }),
  );
  const muted = { fill: MUTED, 'font-size': 11 };
  const middle = { ...muted, 'text-anchor': 'middle' };
  return [
    text(MARGIN.left, 18, title, { 'font-weight': 600, 'font-size': 15 }),
    ...cells,
    ...density.map((share, i) =>
      text(MARGIN.left - 5, bottom - (i + 0.5) * CELL_HEIGHT + 4, placeOf('density', share), {
        ...muted,
        'text-anchor': 'end',
      }),
    ),
    ...values.map((value, j) =>
      text(MARGIN.left + (j + 0.5) * cell, bottom + 14, `${value}`, middle),
    ),
    text(MARGIN.left + (values.length * cell) / 2, bottom + 28, AXIS_NAMES.values, {
      ...middle,
      fill: INK,
    }),
  ];
}

/**
 * @param {FormatName} winner
 * @param {number} gain over dense
 * @param {{ x: number, y: number, width: number }} place
 */
function drawCell(winner, gain, { x, y, width }) {
  const box = { x: x + 0.5, y: y + 0.5, width: width - 1, height: CELL_HEIGHT - 1, rx: 2 };
  const fill = DARK.includes(winner) ? '#ffffff' : INK;
  const ink = { fill, 'text-anchor': 'middle', 'font-size': 9 };
  const middle = x + width / 2;
  const area = element('rect', { ...box, fill: COLORS[winner] });
  if (winner === 'dense') return area + text(middle, y + 16, winner, ink);
  const times = `×${gain < 9.95 ? gain.toFixed(1) : gain.toFixed(0)}`;
  return area + text(middle, y + 11, winner, ink) + text(middle, y + 21, times, ink);
}
