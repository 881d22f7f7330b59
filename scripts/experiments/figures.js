// SPDX-License-Identifier: Apache-2.0

/** The figures: accuracy against what was sent, and the grid of sparsities and delays. */

import { percent } from './plan.js';
import { FAINT, INK, MUTED, element, line, picture, scale, text } from '../common/svg.js';

/**
 * @typedef {import('./plan.js').Grid} Grid
 * @typedef {import('./run.js').Result} Result
 * @typedef {import('./run.js').Point} Point
 *
 * @typedef {{ id: string, label: string, result: Result }} Curve
 * @typedef {{ title: string, curves: Curve[] }} Panel
 * @typedef {{ accuracy: number, ratio: number }} Cell ratio: dense bytes over those sent
 * @typedef {(value: number) => number} Scale
 */

const PANEL = { width: 540, height: 380, left: 52, right: 150, top: 34, bottom: 44 };
const COLUMNS = 2;

/** Okabe and Ito's colours, which most eyes tell apart; SBC's three are of one hue. */
const COLORS = /** @type {Record<string, string>} */ ({
  none: '#1f2933',
  'fedavg-10': '#e69f00',
  'fedavg-100': '#a36f00',
  topk: '#009e73',
  signsgd: '#cc79a7',
  terngrad: '#8c564b',
  qsgd: '#7f7f7f',
  stc: '#d55e00',
  'sbc-0.001-1': '#56a8e0',
  'sbc-0.01-10': '#0072b2',
  'sbc-0.01-100': '#003f66',
});

/** @param {string} id */
const colorOf = (id) => COLORS[id] ?? MUTED;

/** Accuracies are drawn by the errors that are left, so that 98 and 99 % are apart. */
const MOST_ACCURATE = 0.9995;

/** @param {number} accuracy */
function stretched(accuracy) {
  return -Math.log10(1 - Math.min(accuracy, MOST_ACCURATE));
}

const ACCURACY_TICKS = [
  0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998,
];

/** @param {number} bytes */
const log10 = (bytes) => Math.log10(Math.max(1, bytes));

/**
 * @param {Panel[]} panels
 * @returns {string} an SVG file
 */
export function accuracyFigure(panels) {
  const rows = Math.ceil(panels.length / COLUMNS);
  const columns = Math.min(COLUMNS, panels.length);
  const content = panels.map((panel, i) => {
    const x = (i % COLUMNS) * PANEL.width;
    const y = Math.floor(i / COLUMNS) * PANEL.height;
    return element('g', { transform: `translate(${x} ${y})` }, drawPanel(panel).join('\n'));
  });
  const title = 'Accuracy on the test examples against bits sent by one worker';
  return picture(title, columns * PANEL.width, rows * PANEL.height, content);
}

/** @param {Panel} panel */
function drawPanel({ title, curves }) {
  const points = curves.flatMap(({ result }) => result.curve);
  const x = bitsScale(points);
  const y = accuracyScale(points);
  return [
    text(PANEL.left, 20, title, { 'font-weight': 600, 'font-size': 14 }),
    ...bitsAxis(points, x),
    ...accuracyAxis(points, y),
    ...curves.map((curve) => drawCurve(curve, x, y)),
    ...drawLabels(curves, x, y),
  ];
}

/** @param {Point} point */
const bits = ({ upBytes }) => 8 * upBytes;

/**
 * @param {Point[]} points
 * @returns {[number, number]}
 */
function decades(points) {
  const logs = points.map((point) => log10(bits(point)));
  return [Math.floor(Math.min(...logs)), Math.ceil(Math.max(...logs))];
}

/** @param {Point[]} points @returns {Scale} of bits */
function bitsScale(points) {
  const place = scale(decades(points), [PANEL.left, PANEL.width - PANEL.right]);
  return (value) => place(log10(value));
}

/** @param {Point[]} points @returns {[number, number]} */
function accuracies(points) {
  const values = points.map(({ accuracy }) => accuracy);
  return [Math.min(...values), Math.min(MOST_ACCURATE, Math.max(...values) + 0.001)];
}

/** @param {Point[]} points @returns {Scale} of an accuracy */
function accuracyScale(points) {
  const [least, most] = accuracies(points);
  const place = scale(
    [stretched(least), stretched(most)],
    [PANEL.height - PANEL.bottom, PANEL.top],
  );
  return (accuracy) => place(stretched(accuracy));
}

/**
 * @param {Point[]} points
 * @param {Scale} x
 */
function bitsAxis(points, x) {
  const [first, last] = decades(points);
  const bottom = PANEL.height - PANEL.bottom;
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  const middle = (PANEL.left + PANEL.width - PANEL.right) / 2;
  return [
    ...ticks.flatMap((power) => {
      const at = x(10 ** power);
      const number = element('tspan', {}, '10') + superscript(power);
      const place = { x: at, y: bottom + 16, fill: MUTED, 'text-anchor': 'middle' };
      return [line([at, PANEL.top], [at, bottom]), element('text', place, number)];
    }),
    text(middle, bottom + 34, 'bits sent by one worker', {
      fill: MUTED,
      'text-anchor': 'middle',
    }),
  ];
}

/** @param {number} power */
function superscript(power) {
  return element('tspan', { dy: -4, 'font-size': 9 }, String(power));
}

/**
 * @param {Point[]} points
 * @param {Scale} y
 */
function accuracyAxis(points, y) {
  const [least, most] = accuracies(points);
  const right = PANEL.width - PANEL.right;
  /** @type {number[]} */
  const shown = [];
  for (const tick of ACCURACY_TICKS.filter((value) => value >= least && value <= most)) {
    const crowded = shown.some((other) => Math.abs(y(other) - y(tick)) < 14);
    if (!crowded) shown.push(tick);
  }
  return shown.flatMap((tick) => [
    line([PANEL.left, y(tick)], [right, y(tick)]),
    text(PANEL.left - 6, y(tick) + 4, percent(tick), { fill: MUTED, 'text-anchor': 'end' }),
  ]);
}

/**
 * @param {Curve} curve
 * @param {Scale} x
 * @param {Scale} y
 */
function drawCurve({ id, result }, x, y) {
  const places = result.curve.map((point) => [x(bits(point)), y(point.accuracy)]);
  const d = places.map(([px, py], i) => `${i ? 'L' : 'M'}${px.toFixed(1)} ${py.toFixed(1)}`);
  const [cx, cy] = places[places.length - 1];
  const stroke = colorOf(id);
  return (
    element('path', { d: d.join(''), fill: 'none', stroke, 'stroke-width': 1.6 }) +
    element('circle', { cx, cy, r: 3.5, fill: stroke })
  );
}

/**
 * Names at the right, in the order in which the curves end, each with a line to its end.
 *
 * @param {Curve[]} curves
 * @param {Scale} x
 * @param {Scale} y
 */
function drawLabels(curves, x, y) {
  const left = PANEL.width - PANEL.right + 14;
  const ends = curves.map(({ id, label, result }) => {
    const end = result.curve[result.curve.length - 1];
    return { id, label, x: x(bits(end)), y: y(end.accuracy) };
  });
  ends.sort((a, b) => a.y - b.y);
  const spacing = 15;
  const most = PANEL.height - PANEL.bottom - spacing * (ends.length - 1);
  let free = PANEL.top;
  return ends.flatMap((end, i) => {
    const at = Math.max(free, Math.min(end.y, most + spacing * i));
    free = at + spacing;
    const color = colorOf(end.id);
    return [
      line([end.x + 5, end.y], [left - 3, at], { stroke: color, 'stroke-opacity': '0.35' }),
      text(left, at + 4, end.label, { fill: color }),
    ];
  });
}

const CELL = { width: 92, height: 46, left: 92, top: 74 };

/**
 * @param {string} title
 * @param {Grid} grid
 * @param {(sparsity: number, delay: number) => Cell | undefined} cellAt
 * @returns {string} an SVG file
 */
export function gridFigure(title, { sparsities, delays }, cellAt) {
  const width = CELL.left + CELL.width * sparsities.length + 16;
  const height = CELL.top + CELL.height * delays.length + 40;
  const cells = delays.flatMap((delay) => sparsities.map((sparsity) => cellAt(sparsity, delay)));
  const shade = shadeOf(cells.flatMap((cell) => (cell ? [stretched(cell.accuracy)] : [])));
  const content = [
    text(16, 24, title, { 'font-weight': 600, 'font-size': 14 }),
    text(CELL.left, 46, 'p, the share of entries sent', { fill: MUTED }),
    text(16, CELL.top - 8, 'n, the delay', { fill: MUTED }),
    ...sparsities.map((sparsity, column) =>
      text(CELL.left + CELL.width * (column + 0.5), CELL.top - 8, percent(sparsity), {
        'text-anchor': 'middle',
      }),
    ),
    ...delays.map((delay, row) =>
      text(CELL.left - 10, CELL.top + CELL.height * (row + 0.5) + 4, String(delay), {
        'text-anchor': 'end',
      }),
    ),
    ...cells.map((cell, i) =>
      drawCell(cell, shade, [i % sparsities.length, Math.floor(i / sparsities.length)]),
    ),
    text(16, height - 14, 'accuracy, and how many times fewer bytes than dense exchange', {
      fill: MUTED,
    }),
  ];
  return picture(title, width, height, content);
}

/**
 * @param {number[]} values
 * @returns {(value: number) => number} 0 to 1
 */
function shadeOf(values) {
  return values.length === 0 ? () => 0 : scale([Math.min(...values), Math.max(...values)], [0, 1]);
}

/**
 * @param {Cell | undefined} cell
 * @param {(value: number) => number} shade
 * @param {[number, number]} place column and row
 */
function drawCell(cell, shade, [column, row]) {
  const x = CELL.left + CELL.width * column;
  const y = CELL.top + CELL.height * row;
  const share = cell ? shade(stretched(cell.accuracy)) : 0;
  const box = { x, y, width: CELL.width - 2, height: CELL.height - 2, rx: 3 };
  if (!cell) return element('rect', { ...box, fill: FAINT });
  const ink = share > 0.55 ? '#ffffff' : INK;
  const middle = { 'text-anchor': 'middle', fill: ink };
  return (
    element('rect', { ...box, fill: blend(share) }) +
    text(x + CELL.width / 2, y + 20, `${(100 * cell.accuracy).toFixed(1)} %`, {
      ...middle,
      'font-weight': 600,
    }) +
    text(x + CELL.width / 2, y + 36, `×${readable(cell.ratio)}`, { ...middle, 'font-size': 11 })
  );
}

/** @param {number} share from a pale to a deep blue */
function blend(share) {
  const from = [230, 240, 248];
  const to = [0, 82, 136];
  return `rgb(${from.map((c, i) => Math.round(c + share * (to[i] - c))).join(',')})`;
}

/** @param {number} ratio */
export function readable(ratio) {
  return ratio < 10 ? ratio.toFixed(1) : Math.round(ratio).toLocaleString('en');
}
