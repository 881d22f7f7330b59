// SPDX-License-Identifier: Apache-2.0

/**
 * The figure: maps of winners over density and values, and below them time and bytes relative to
 * dense along each axis, with the crossings as rings.
 */

import { INK, MUTED, element, line, picture, scale, text } from '../common/svg.js';
import { AXIS_NAMES, placeOf } from './crossings.js';
import { MATRIX_AXES, gridOf, keyOf } from './plan.js';

/**
 * @typedef {import('../../web/lib/index.js').FormatName} FormatName
 * @typedef {import('./crossings.js').Curve} Curve
 * @typedef {import('./crossings.js').Measure} Measure
 * @typedef {import('./measure.js').Measurement} Measurement
 * @typedef {import('./plan.js').Axis} Axis
 * @typedef {import('./plan.js').Plan} Plan
 * @typedef {import('./report.js').Circumstances} Circumstances
 *
 * @typedef {(value: number) => number} Scale
 * @typedef {{ width: number, height: number }} Size
 * @typedef {{ winner: FormatName, gain: number }} Cell gain: over dense
 */

/** Okabe and Ito's colours, which most eyes tell apart; dense is what the others are held against. */
const COLORS = /** @type {const} */ ({
  dense: '#cbd2d9',
  csr: '#56b4e9',
  cer: '#e69f00',
  cser: '#d55e00',
  palette: '#cc79a7',
  pcsr: '#0072b2',
  mask: '#009e73',
  blocks: '#1f2933',
});

/** Formats whose colour is dark. @type {FormatName[]} */
const DARK = ['cser', 'pcsr', 'mask', 'blocks'];

/** CER and CSER are often at the same place. @type {Partial<Record<FormatName, string>>} */
const DASHES = { cer: '4 2' };

const PAGE = { left: 14, top: 92, column: 324, gap: 8, bottom: 28 };
const MAP = { left: 40, right: 8, top: 30, bottom: 40, cell: 25 };
const PANEL = { left: 40, right: 50, top: 10, bottom: 34, height: 204 };

/** Ratios beyond these are drawn at the edge. */
const LEAST_RATIO = 1 / 32;
const MOST_RATIO = 16;

/**
 * @param {Plan} plan
 * @param {Measurement[]} measurements of all of its cases
 * @param {Curve[]} curves
 * @param {Circumstances} circumstances
 * @returns {string} an SVG file
 */
export function drawFigure(plan, measurements, curves, circumstances) {
  /** @type {{ title: string, measure: Measure, batch: number }[]} */
  const columns = [
    ...plan.batches.map((batch) => ({
      title: batch === 1 ? 'Time, batch 1 (a vector)' : `Time, batch ${batch}`,
      measure: /** @type {Measure} */ ('time'),
      batch,
    })),
    { title: 'Bytes', measure: 'bytes', batch: plan.batches[0] },
  ];
  const pitch = PAGE.column + PAGE.gap;
  const mapHeight = MAP.top + MAP.bottom + MAP.cell * plan.grid.density.length;
  /** @param {number} row @param {number} column @param {string[]} content */
  const place = (row, column, content) => {
    const y = PAGE.top + (row === 0 ? 0 : mapHeight + (row - 1) * PANEL.height);
    const transform = `translate(${PAGE.left + column * pitch} ${y})`;
    return element('g', { transform }, content.join('\n'));
  };
  const size = { width: PAGE.column, height: PANEL.height };
  const wide = { width: 2 * PAGE.column + PAGE.gap, height: PANEL.height };
  const last = MATRIX_AXES.length + 1;
  const content = [
    ...header(plan),
    ...columns.map((column, i) => place(0, i, drawMap(plan, measurements, column))),
    ...columns.flatMap(({ measure, batch }, i) =>
      MATRIX_AXES.map((axis, row) => {
        const ofBatch = measure === 'time' ? batch : undefined;
        const chosen = choose(curves, measure, axis, ofBatch);
        return place(row + 1, i, drawPanel(chosen, plan, size, measure));
      }),
    ),
    place(last, 0, drawPanel(choose(curves, 'time', 'batch', undefined), plan, wide, 'time')),
    place(last, 2, drawKey()),
  ];
  const width = 2 * PAGE.left + columns.length * pitch - PAGE.gap;
  const height = PAGE.top + mapHeight + last * PANEL.height + PAGE.bottom;
  const { date, cpu, engine, rounds } = circumstances;
  const note = `${date}, ${cpu}, ${engine}; one thread, medians of ${rounds} interleaved rounds.`;
  content.push(text(PAGE.left + 2, height - 12, note, { fill: MUTED, 'font-size': 11 }));
  return picture(
    'Where each matrix format beats dense, by time and by bytes',
    width,
    height,
    content,
  );
}

/**
 * @param {Curve[]} curves
 * @param {Measure} measure
 * @param {Axis} axis
 * @param {number | undefined} batch
 */
function choose(curves, measure, axis, batch) {
  return curves.filter(
    (curve) => curve.measure === measure && curve.axis === axis && curve.batch === batch,
  );
}

/** @param {Plan} plan */
function header({ base: { rows, cols, density, values } }) {
  const said = [
    `Above: what wins for ${rows}×${cols}, by density and distinct values (0 among them), and how ` +
      'many times faster or smaller than dense it is.',
    `Below: each format relative to dense along one axis through ${rows}×${cols}, ` +
      `${placeOf('density', density)} dense, ${values} values (the dotted line). Rings: where it ` +
      'crosses dense.',
  ];
  return [
    text(PAGE.left + 2, 30, 'Where each format wins', { 'font-weight': 700, 'font-size': 20 }),
    ...said.map((sentence, i) => text(PAGE.left + 2, 52 + 17 * i, sentence, { 'font-size': 12.5 })),
  ];
}

/**
 * @param {Plan} plan
 * @param {Measurement[]} measurements
 * @param {{ title: string, measure: Measure, batch: number }} column
 * @returns {string[]}
 */
function drawMap(plan, measurements, { title, measure, batch }) {
  const found = new Map(measurements.map((one) => [`${keyOf(one)} ${one.format}`, one]));
  const { density, values } = plan.grid;
  const width = (PAGE.column - MAP.left - MAP.right) / values.length;
  const bottom = MAP.top + MAP.cell * density.length;
  const cells = gridOf(plan, batch).flatMap((row, i) =>
    row.map((one, j) => {
      const { fastest, smallest } = /** @type {Measurement} */ (found.get(`${keyOf(one)} dense`));
      const winner = measure === 'time' ? fastest : smallest;
      const best = /** @type {Measurement} */ (found.get(`${keyOf(one)} ${winner}`));
      const gain = 1 / (measure === 'time' ? best.timeToDense : best.bytesToDense);
      const corner = { x: MAP.left + j * width, y: bottom - (i + 1) * MAP.cell, width };
      return drawCell({ winner, gain }, corner);
    }),
  );
  const middle = { 'text-anchor': 'middle', fill: MUTED, 'font-size': 11 };
  return [
    text(MAP.left, 18, title, { 'font-weight': 600, 'font-size': 15 }),
    ...cells,
    ...density.map((share, i) =>
      text(MAP.left - 5, bottom - (i + 0.5) * MAP.cell + 4, placeOf('density', share), {
        'text-anchor': 'end',
        fill: MUTED,
        'font-size': 11,
      }),
    ),
    ...values.map((value, j) =>
      text(MAP.left + (j + 0.5) * width, bottom + 14, `${value}`, middle),
    ),
    text(MAP.left + (values.length * width) / 2, bottom + 29, AXIS_NAMES.values, middle),
  ];
}

/**
 * @param {Cell} cell
 * @param {{ x: number, y: number, width: number }} corner
 */
function drawCell({ winner, gain }, { x, y, width }) {
  const box = { x: x + 0.5, y: y + 0.5, width: width - 1, height: MAP.cell - 1, rx: 2 };
  const ink = {
    'text-anchor': 'middle',
    fill: DARK.includes(winner) ? '#ffffff' : INK,
    'font-size': 9,
  };
  const middle = x + width / 2;
  const rect = element('rect', { ...box, fill: COLORS[winner] });
  if (winner === 'dense') return rect + text(middle, y + 16, winner, ink);
  return rect + text(middle, y + 11, winner, ink) + text(middle, y + 21, `×${gainText(gain)}`, ink);
}

/** @param {number} gain */
function gainText(gain) {
  return gain < 9.95 ? gain.toFixed(1) : gain.toFixed(0);
}

/**
 * @param {Curve[]} curves of one panel
 * @param {Plan} plan
 * @param {Size} size
 * @param {Measure} measure
 * @returns {string[]}
 */
function drawPanel(curves, { base, axes }, { width, height }, measure) {
  const [{ axis }] = curves;
  const right = width - PANEL.right;
  const bottom = height - PANEL.bottom;
  const values = axes[axis];
  const x = logScale([values[0], values[values.length - 1]], [PANEL.left, right]);
  const domain = ratioDomain(curves);
  const y = logScale(domain, [bottom, PANEL.top]);
  const clamped = (/** @type {number} */ ratio) =>
    y(Math.min(domain[1], Math.max(domain[0], ratio)));
  const ofBase = axis === 'batch' ? undefined : base[axis];
  return [
    ...(measure === 'time'
      ? [shade([PANEL.left, right], [y(1), bottom])]
      : [shade([PANEL.left, right], [y(1), bottom])]),
    ...ratioAxis(domain, y, right),
    ...valueAxis(axis, values, x, bottom),
    ...(ofBase === undefined
      ? []
      : [
          line([x(ofBase), PANEL.top], [x(ofBase), bottom], {
            stroke: MUTED,
            'stroke-dasharray': '1 3',
          }),
        ]),
    line([PANEL.left, y(1)], [right, y(1)], { stroke: INK, 'stroke-width': 1.2 }),
    ...curves.map(({ format, points }) => {
      const d = points.map(([at, ratio], i) => {
        return `${i ? 'L' : 'M'}${x(at).toFixed(1)} ${clamped(ratio).toFixed(1)}`;
      });
      const dash = DASHES[format];
      return element('path', {
        d: d.join(''),
        fill: 'none',
        stroke: COLORS[format],
        'stroke-width': 1.8,
        'stroke-linejoin': 'round',
        ...(dash ? { 'stroke-dasharray': dash } : {}),
      });
    }),
    ...drawLabels(curves, clamped, right, [PANEL.top, bottom]),
    ...drawCrossings(curves, x, y(1), right),
  ];
}

/**
 * @param {[number, number]} from
 * @param {[number, number]} to
 */
function shade([left, right], [top, bottom]) {
  const box = { x: left, y: top, width: right - left, height: Math.max(0, bottom - top) };
  return element('rect', { ...box, fill: '#eef4f1' });
}

/**
 * @param {[number, number]} from
 * @param {[number, number]} to
 * @returns {Scale}
 */
function logScale([a, b], to) {
  const place = scale([Math.log(a), Math.log(b)], to);
  return (value) => place(Math.log(value));
}

/**
 * Powers of two around all ratios, and around 1.
 *
 * @param {Curve[]} curves
 * @returns {[number, number]}
 */
function ratioDomain(curves) {
  const ratios = curves.flatMap(({ points }) => points.map(([, ratio]) => ratio));
  const [least, most] = [Math.min(0.5, ...ratios), Math.max(2, ...ratios)];
  return [
    Math.max(LEAST_RATIO, 2 ** Math.floor(Math.log2(least))),
    Math.min(MOST_RATIO, 2 ** Math.ceil(Math.log2(most))),
  ];
}

/**
 * @param {[number, number]} domain
 * @param {Scale} y
 * @param {number} right
 */
function ratioAxis([least, most], y, right) {
  const powers = Array.from({ length: 13 }, (_, i) => 2 ** (i - 6));
  const shown = powers.filter((power) => power >= least && power <= most);
  const step = shown.length > 6 ? 2 : 1;
  return shown
    .filter((power) => Math.log2(power) % step === 0)
    .flatMap((power) => [
      line([PANEL.left, y(power)], [right, y(power)]),
      text(PANEL.left - 5, y(power) + 4, ratioText(power), {
        fill: power === 1 ? INK : MUTED,
        'text-anchor': 'end',
        'font-size': 11,
      }),
    ]);
}

/** @param {number} power */
function ratioText(power) {
  if (power === 1) return 'dense';
  return power > 1 ? `×${power}` : `÷${1 / power}`;
}

/** Which of an axis's values are written. @type {Record<Axis, number[]>} */
const TICKS = {
  density: [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1],
  values: [2, 4, 8, 16, 32, 64, 128, 256],
  rows: [1, 4, 16, 64, 256, 1024, 4096],
  cols: [1, 4, 16, 64, 256, 1024, 4096],
  batch: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024],
};

/**
 * @param {Axis} axis
 * @param {number[]} values
 * @param {Scale} x
 * @param {number} bottom
 */
function valueAxis(axis, values, x, bottom) {
  const [first, last] = [values[0], values[values.length - 1]];
  const middle = { fill: MUTED, 'text-anchor': 'middle', 'font-size': 11 };
  return [
    ...TICKS[axis]
      .filter((tick) => tick >= first && tick <= last)
      .flatMap((tick) => [
        line([x(tick), bottom], [x(tick), bottom + 3], { stroke: MUTED }),
        text(x(tick), bottom + 14, placeOf(axis, tick).replace(' %', '%'), middle),
      ]),
    text((x(first) + x(last)) / 2, bottom + 27, AXIS_NAMES[axis], { ...middle, fill: INK }),
  ];
}

/** The lines of labels at the right of a panel. */
const LABEL_SPACING = 12;

/**
 * Names at the right, in the order in which the curves end.
 *
 * @param {Curve[]} curves
 * @param {Scale} y
 * @param {number} right
 * @param {[number, number]} room
 */
function drawLabels(curves, y, right, [top, bottom]) {
  const ends = curves.map(({ format, points }) => ({ format, y: y(points[points.length - 1][1]) }));
  const places = spread(
    ends.map((end) => end.y),
    [top, bottom],
  );
  return ends.flatMap(({ format, y: end }, i) => [
    line([right, end], [right + 6, places[i]], { stroke: COLORS[format] }),
    text(right + 8, places[i] + 4, format, {
      fill: COLORS[format],
      'font-size': 11,
      'font-weight': 600,
    }),
  ]);
}

/**
 * Moves places apart as little as needed, in their order.
 *
 * @param {number[]} places
 * @param {[number, number]} room
 * @returns {number[]}
 */
function spread(places, [top, bottom]) {
  const order = places.map((_, i) => i).sort((a, b) => places[a] - places[b]);
  const result = new Array(places.length).fill(0);
  let free = top;
  order.forEach((index, k) => {
    result[index] = Math.max(free, places[index]);
    free = result[index] + LABEL_SPACING;
    // Where one does not fit below those before it, these move up.
    const most = bottom - LABEL_SPACING * (order.length - 1 - k);
    for (let j = k, limit = most; j >= 0 && result[order[j]] > limit; --j) {
      result[order[j]] = limit;
      limit -= LABEL_SPACING;
    }
    free = Math.min(free, result[index] + LABEL_SPACING);
  });
  return result;
}

/** Where the numbers of crossings may stand, from the line of dense: nearer ones first. */
const NUMBER_OFFSETS = [-7, 15, -18, 26];

/**
 * @param {Curve[]} curves
 * @param {Scale} x
 * @param {number} level of dense
 * @param {number} right
 */
function drawCrossings(curves, x, level, right) {
  const marks = curves.flatMap(({ axis, format, crossings }) =>
    crossings.map(({ at }) => ({ format, x: x(at), label: placeOf(axis, at) })),
  );
  marks.sort((a, b) => a.x - b.x);
  const ends = NUMBER_OFFSETS.map(() => -Infinity);
  const numbers = marks.flatMap(({ format, x: at, label }) => {
    const half = 2.9 * label.length;
    const middle = Math.min(at, right - half);
    const free = ends.findIndex((end) => end < middle - half - 2);
    if (free < 0) return [];
    ends[free] = middle + half;
    return text(middle, level + NUMBER_OFFSETS[free], label, {
      'text-anchor': 'middle',
      'font-size': 10,
      'font-weight': 600,
      fill: COLORS[format],
      stroke: '#ffffff',
      'stroke-width': 2.5,
      'paint-order': 'stroke',
    });
  });
  const rings = marks.map(({ format, x: at }) =>
    element('circle', {
      ...{ cx: at, cy: level, r: 3.4, fill: '#ffffff', stroke: COLORS[format], 'stroke-width': 2 },
    }),
  );
  return [...rings, ...numbers];
}

/** @returns {string[]} */
function drawKey() {
  const said = [
    'The shaded half is better than dense.',
    '',
    'dense, csr: the baselines',
    'cer, cser: runs of equal values',
    'palette: a code for every element',
    'pcsr: a code and a column for each listed one',
    'mask: a bitmap and codes',
    'blocks: tables of products, for one column',
  ];
  return said.map((sentence, i) =>
    text(PANEL.left, 22 + 17 * i, sentence, { fill: i === 0 ? INK : MUTED, 'font-size': 12 }),
  );
}
