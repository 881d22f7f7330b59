// SPDX-License-Identifier: Apache-2.0

/**
 * The figure: maps of winners over density and values, and below them time and bytes relative to
 * dense along each axis.
 */

import { INK, MUTED, element, picture, text } from '../common/svg.js';
import { chooseCurves, placeOf } from './crossings.js';
import { drawMap, mapHeight } from './map.js';
import { PANEL_HEIGHT, drawPanel } from './panel.js';
import { MATRIX_AXES } from './plan.js';

/**
 * @typedef {import('./crossings.js').Curve} Curve
 * @typedef {import('./measure.js').Measurement} Measurement
 * @typedef {import('./plan.js').Plan} Plan
 * @typedef {import('./report.js').Circumstances} Circumstances
 */

const PAGE = { left: 12, top: 88, column: 324, gap: 10, heading: 26, bottom: 30 };

/**
 * @param {Plan} plan
 * @param {Measurement[]} measurements of all of its cases
 * @param {Curve[]} curves
 * @param {Circumstances} circumstances
 * @returns {string} an SVG file
 */
export function drawFigure(plan, measurements, curves, circumstances) {
  const { base, batches } = plan;
  const columns = [
    ...batches.map((batch) => ({
      title: `Time, batch ${batch}`,
      measure: /** @type {const} */ ('time'),
      batch,
    })),
    { title: 'Bytes', measure: /** @type {const} */ ('bytes'), batch: undefined },
  ];
  const width = PAGE.column;
  const rows = MATRIX_AXES.length + 1;
  const panelsTop = PAGE.top + mapHeight(plan) + PAGE.heading;
  const lastTop = panelsTop + MATRIX_AXES.length * PANEL_HEIGHT + PAGE.heading;
  const left = (/** @type {number} */ column) => PAGE.left + column * (PAGE.column + PAGE.gap);
  const height = panelsTop + rows * PANEL_HEIGHT + PAGE.heading + PAGE.bottom;
  const { date, cpu, engine, rounds } = circumstances;
  const content = [
    ...header(plan),
    ...columns.flatMap(({ title, measure, batch }, column) => [
      group(left(column), PAGE.top, [
        ...drawMap(plan, measurements, { title, measure, batch: batch ?? batches[0], width }),
      ]),
      heading(left(column), panelsTop, `${title}, against dense`),
      ...MATRIX_AXES.map((axis, row) => {
        const chosen = chooseCurves(curves, { measure, batch, axis });
        const panel = drawPanel(chosen, { width, base: base[axis] });
        return group(left(column), panelsTop + row * PANEL_HEIGHT, panel);
      }),
    ]),
    heading(left(0), lastTop, 'Time by batch, against dense'),
    group(left(0), lastTop, [
      ...drawPanel(chooseCurves(curves, { measure: 'time', batch: undefined, axis: 'batch' }), {
        width,
      }),
    ]),
    heading(left(1), lastTop, 'Time, batch 1, weights from memory'),
    group(left(1), lastTop, [
      ...drawPanel(chooseCurves(curves, { measure: 'memory', batch: 1, axis: 'density' }), {
        width,
        base: base.density,
      }),
    ]),
    group(left(2), lastTop - PAGE.heading, drawKey()),
    text(
      PAGE.left + 4,
      height - 12,
      `${date}, ${cpu}, ${engine}; one thread, medians of ${rounds} interleaved rounds.`,
      { fill: MUTED, 'font-size': 11 },
    ),
  ];
  const title = 'Where each matrix format beats dense, by time and by bytes';
  return picture(title, left(columns.length) - PAGE.gap + PAGE.left, height, content);
}

/**
 * @param {number} x
 * @param {number} y
 * @param {string[]} content
 */
function group(x, y, content) {
  return element('g', { transform: `translate(${x} ${y})` }, content.join('\n'));
}

/**
 * @param {number} x
 * @param {number} y of what it stands above
 * @param {string} content
 */
function heading(x, y, content) {
  return text(x + 40, y - 6, content, { 'font-weight': 600, 'font-size': 13 });
}

/** @param {Plan} plan */
function header({ base: { rows, cols, density, values } }) {
  const said = [
    `Maps: what is best for ${rows}×${cols} by density and distinct values (0 among them), and how ` +
      'many times faster or smaller than dense it is.',
    `Curves: one axis through ${rows}×${cols}, ${placeOf('density', density)} dense, ${values} ` +
      'values (dotted); ×2 takes twice as much as dense, ÷2 half. Rings: crossings with dense.',
  ];
  return [
    text(PAGE.left + 4, 30, 'Where each format wins', { 'font-weight': 700, 'font-size': 20 }),
    ...said.map((sentence, i) => text(PAGE.left + 4, 51 + 17 * i, sentence, { 'font-size': 12.5 })),
  ];
}

const KEY = [
  ['Shaded: better than dense.', ''],
  ['', ''],
  ['dense, csr', 'the baselines'],
  ['cer, cser', 'runs of equal values'],
  ['palette', 'a code for each element'],
  ['pcsr', 'a code, a column per nonzero'],
  ['mask', 'a bitmap, a code per nonzero'],
  ['blocks', 'tables of products, for batch 1'],
];

/** @returns {string[]} */
function drawKey() {
  return KEY.flatMap(([name, meaning], i) => [
    text(40, 20 + 18 * i, name, { fill: INK }),
    text(112, 20 + 18 * i, meaning, { fill: MUTED }),
  ]);
}
