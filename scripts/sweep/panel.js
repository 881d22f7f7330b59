// SPDX-License-Identifier: Apache-2.0

/** Curves of all formats relative to dense along one axis, with the crossings as rings. */

import { INK, MUTED, element, line, scale, text } from '../common/svg.js';
import { COLORS, DASHES } from './colors.js';
import { AXIS_NAMES, placeOf } from './crossings.js';

/**
 * @typedef {import('../../web/lib/index.js').FormatName} FormatName
 * @typedef {import('./crossings.js').Curve} Curve
 * @typedef {import('./plan.js').Axis} Axis
 *
 * @typedef {(value: number) => number} Scale
 * @typedef {object} Frame
 * @property {number} left
 * @property {number} right
 * @property {number} top
 * @property {number} bottom
 */

/** Of a panel and what is around it. */
export const PANEL_HEIGHT = 200;
const MARGIN = { left: 40, right: 50, top: 8, bottom: 36 };

/** Ratios beyond these are drawn at the edge. */
const LEAST_RATIO = 1 / 256;
const MOST_RATIO = 64;

const BETTER = '#eef4f0';

/**
 * @param {Curve[]} curves of one measure along one axis
 * @param {{ width: number, base?: number }} options base: the axis's value in the other panels
 * @returns {string[]}
 */
export function drawPanel(curves, { width, base }) {
  const [{ axis, points }] = curves;
  const values = points.map(([value]) => value);
  const frame = {
    left: MARGIN.left,
    right: width - MARGIN.right,
    top: MARGIN.top,
    bottom: PANEL_HEIGHT - MARGIN.bottom,
  };
  const { left, right, top, bottom } = frame;
  const x = logScale([values[0], values[values.length - 1]], [left, right]);
  const [least, most] = ratioDomain(curves);
  const place = logScale([least, most], [bottom, top]);
  const y = (/** @type {number} */ ratio) => place(Math.min(most, Math.max(least, ratio)));
  const better = { x: left, y: y(1), width: right - left, height: bottom - y(1), fill: BETTER };
  const dotted = { stroke: MUTED, 'stroke-dasharray': '1 3' };
  return [
    element('rect', better),
    ...ratioAxis([least, most], y, frame),
    ...valueAxis(axis, values, x, frame),
    ...(base === undefined ? [] : [line([x(base), top], [x(base), bottom], dotted)]),
    line([left, y(1)], [right, y(1)], { stroke: INK, 'stroke-width': 1.2 }),
    ...curves.map((curve) => drawCurve(curve, x, y)),
    ...drawNames(curves, y, frame),
    ...drawCrossings(curves, x, y(1), frame),
  ];
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
 * Powers of two around all ratios and around 1.
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
 * @param {Frame} frame
 */
function ratioAxis([least, most], y, { left, right }) {
  const octaves = Math.log2(most / least);
  const step = octaves > 12 ? 4 : octaves > 5 ? 2 : 1;
  const powers = Array.from({ length: 33 }, (_, i) => i - 16).filter(
    (power) => power % step === 0 && 2 ** power >= least && 2 ** power <= most,
  );
  return powers.flatMap((power) => [
    line([left, y(2 ** power)], [right, y(2 ** power)]),
    text(left - 5, y(2 ** power) + 4, ratioText(power), {
      fill: power === 0 ? INK : MUTED,
      'text-anchor': 'end',
      'font-size': 11,
    }),
  ]);
}

/** @param {number} power of two */
function ratioText(power) {
  if (power === 0) return 'dense';
  return power > 0 ? `×${2 ** power}` : `÷${2 ** -power}`;
}

/** Which of an axis's values are written. @type {Record<Axis, number[]>} */
const TICKS = {
  density: [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1],
  values: [2, 4, 8, 16, 32, 64, 128, 256],
  rows: [1, 4, 16, 64, 256, 1024, 4096],
  cols: [1, 4, 16, 64, 256, 1024, 4096],
  batch: [1, 4, 16, 64, 256, 1024],
};

/**
 * @param {Axis} axis
 * @param {number[]} values
 * @param {Scale} x
 * @param {Frame} frame
 */
function valueAxis(axis, values, x, { left, right, bottom }) {
  const [first, last] = [values[0], values[values.length - 1]];
  const middle = { 'text-anchor': 'middle', 'font-size': 11 };
  return [
    ...TICKS[axis]
      .filter((tick) => tick >= first && tick <= last)
      .flatMap((tick) => [
        line([x(tick), bottom], [x(tick), bottom + 3], { stroke: MUTED }),
        text(x(tick), bottom + 14, placeOf(axis, tick), { ...middle, fill: MUTED }),
      ]),
    text((left + right) / 2, bottom + 28, AXIS_NAMES[axis], { ...middle, fill: INK }),
  ];
}

/**
 * @param {Curve} curve
 * @param {Scale} x
 * @param {Scale} y
 */
function drawCurve({ format, points }, x, y) {
  const d = points.map(
    ([value, ratio], i) => `${i ? 'L' : 'M'}${x(value).toFixed(1)} ${y(ratio).toFixed(1)}`,
  );
  const dash = DASHES[format];
  return element('path', {
    ...{ d: d.join(''), fill: 'none', stroke: COLORS[format], 'stroke-width': 1.8 },
    ...{ 'stroke-linejoin': 'round', ...(dash ? { 'stroke-dasharray': dash } : {}) },
  });
}

const NAME_SPACING = 12;

/**
 * The formats' names at the right, in the order in which the curves end.
 *
 * @param {Curve[]} curves
 * @param {Scale} y
 * @param {Frame} frame
 */
function drawNames(curves, y, { right, top, bottom }) {
  const ends = curves.map(({ points }) => y(points[points.length - 1][1]));
  const places = spread(ends, [top + 2, bottom - 6], NAME_SPACING);
  return curves.flatMap(({ format }, i) => [
    line([right, ends[i]], [right + 6, places[i]], { stroke: COLORS[format] }),
    text(right + 8, places[i] + 4, format, {
      ...{ fill: COLORS[format], 'font-size': 11, 'font-weight': 600 },
    }),
  ]);
}

/**
 * Moves places apart as little as their order and the room allow: down where they are too near, and
 * up again where they leave the room.
 *
 * @param {number[]} places
 * @param {[number, number]} room
 * @param {number} spacing
 * @returns {number[]}
 */
export function spread(places, [first, last], spacing) {
  const order = places.map((_, i) => i).sort((a, b) => places[a] - places[b]);
  const result = [...places];
  let free = first;
  for (const i of order) {
    result[i] = Math.max(free, places[i]);
    free = result[i] + spacing;
  }
  let limit = last;
  for (const i of order.reverse()) {
    result[i] = Math.min(limit, result[i]);
    limit = result[i] - spacing;
  }
  return result;
}

/** Where numbers may stand, below and above the line of dense: nearer ones first. */
const NUMBER_OFFSETS = [-7, 15, -18, 26];
const RING = 3.4;
/** Rings that are nearer to each other share a number. */
const NEAR = 9;
const DIGIT_WIDTH = 6.2;

/**
 * @param {Curve[]} curves
 * @param {Scale} x
 * @param {number} level of dense
 * @param {Frame} frame
 */
function drawCrossings(curves, x, level, { left, right }) {
  const marks = curves.flatMap(({ axis, format, crossings }) =>
    crossings.map(({ at }) => ({ format, x: x(at), number: placeOf(axis, at).replace(' %', '') })),
  );
  marks.sort((a, b) => a.x - b.x);
  /** @type {(typeof marks)[]} */
  const clusters = [];
  for (const mark of marks) {
    const cluster = clusters[clusters.length - 1];
    if (cluster && mark.x - cluster[0].x < NEAR) cluster.push(mark);
    else clusters.push([mark]);
  }
  const ends = NUMBER_OFFSETS.map(() => -Infinity);
  const numbers = clusters.flatMap((cluster) => {
    const [first, last] = [cluster[0], cluster[cluster.length - 1]];
    const label = first.number === last.number ? first.number : `${first.number}–${last.number}`;
    const half = (DIGIT_WIDTH * label.length) / 2;
    const middle = Math.max(left + half, Math.min((first.x + last.x) / 2, right - half));
    const row = ends.findIndex((end) => end < middle - half - 3);
    if (row < 0) return [];
    ends[row] = middle + half;
    return text(middle, level + NUMBER_OFFSETS[row], label, {
      ...{ 'text-anchor': 'middle', 'font-size': 10.5, 'font-weight': 600 },
      fill: cluster.length === 1 ? COLORS[first.format] : INK,
      ...{ stroke: '#ffffff', 'stroke-width': 3, 'paint-order': 'stroke' },
    });
  });
  const rings = marks.map((mark) =>
    element('circle', {
      ...{ cx: mark.x, cy: level, r: RING, fill: '#ffffff' },
      ...{ stroke: COLORS[mark.format], 'stroke-width': 2 },
    }),
  );
  return [...numbers, ...rings];
}
