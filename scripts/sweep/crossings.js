// SPDX-License-Identifier: Apache-2.0

/** Where the curve of a format crosses that of dense. */

import { FORMATS } from '../../web/lib/index.js';
import { MATRIX_AXES, keyOf, lineOf } from './plan.js';

/**
 * @typedef {import('../../web/lib/index.js').FormatName} FormatName
 * @typedef {import('./measure.js').Measurement} Measurement
 * @typedef {import('./plan.js').Axis} Axis
 * @typedef {import('./plan.js').Plan} Plan
 *
 * @typedef {'time' | 'memory' | 'bytes'} Measure memory: the time with weights from main memory
 * @typedef {[number, number]} Point a place on an axis, and the ratio to dense there
 * @typedef {'below' | 'above'} Side
 *
 * @typedef {object} Crossing
 * @property {number} at
 * @property {Side} better where the format is better than dense: below this place or above it
 *
 * @typedef {object} Group of curves
 * @property {string} title
 * @property {Measure} measure
 * @property {number | undefined} batch undefined where it is the axis, or nothing depends on it
 * @property {readonly Axis[]} axes
 *
 * @typedef {object} Curve
 * @property {Measure} measure
 * @property {Axis} axis
 * @property {number | undefined} batch as of its group
 * @property {FormatName} format never dense
 * @property {Point[]} points
 * @property {Crossing[]} crossings
 */

/** Formats that are compared with dense: those that hold all matrices, which grid does not. */
export const RIVALS = FORMATS.filter((format) => !['dense', 'grid'].includes(format));

/** Times that differ by less are the same: a curve that follows dense does not cross it. */
const TIME_TOLERANCE = 0.03;

/**
 * Straight lines between the points, on logarithmic scales of both. A crossing is where the curve
 * last was at 1 before it went beyond the tolerance on the other side.
 *
 * @param {Point[]} points ascending
 * @param {number} [tolerance]
 * @returns {Crossing[]} ascending
 */
export function findCrossings(points, tolerance = 0) {
  const band = Math.log(1 + tolerance);
  const logs = points.map(([x, ratio]) => [Math.log(x), Math.log(ratio)]);
  /** @type {Crossing[]} */
  const crossings = [];
  let side = 0;
  logs.forEach(([, ratio], i) => {
    const now = Math.abs(ratio) > band ? Math.sign(ratio) : 0;
    if (now === 0) return;
    if (side !== 0 && now !== side) {
      let before = i - 1;
      while (logs[before][1] * now > 0) --before;
      const at = Math.exp(zeroBetween(logs[before], logs[before + 1]));
      crossings.push({ at, better: now > 0 ? 'below' : 'above' });
    }
    side = now;
  });
  return crossings;
}

/**
 * @param {number[]} from x and y, of which the ys are of different signs or the first is 0
 * @param {number[]} to
 */
function zeroBetween([x1, y1], [x2, y2]) {
  return y1 === 0 ? x1 : x1 + ((x2 - x1) * y1) / (y1 - y2);
}

/** What holds a measure's ratio to dense. */
const RATIOS = /** @type {const} */ ({
  time: 'timeToDense',
  memory: 'memoryTimeToDense',
  bytes: 'bytesToDense',
});

/**
 * @param {Plan} plan
 * @returns {Group[]}
 */
export function groupsOf({ batches }) {
  /** @type {Group[]} */
  const times = batches.flatMap((batch) => {
    const title = `time, batch ${batch}`;
    /** @type {Group} */
    const cached = { title, measure: 'time', batch, axes: MATRIX_AXES };
    if (batch !== 1) return [cached];
    return [cached, { ...cached, title: `${title}, from memory`, measure: 'memory' }];
  });
  return [
    ...times,
    { title: 'time', measure: 'time', batch: undefined, axes: ['batch'] },
    { title: 'bytes', measure: 'bytes', batch: undefined, axes: MATRIX_AXES },
  ];
}

/**
 * Of all formats but dense.
 *
 * @param {Plan} plan
 * @param {Measurement[]} measurements of all of the plan's cases
 * @returns {Curve[]}
 */
export function curvesOf(plan, measurements) {
  const found = new Map(measurements.map((one) => [`${keyOf(one)} ${one.format}`, one]));
  return groupsOf(plan).flatMap(({ measure, batch, axes }) =>
    axes.flatMap((axis) =>
      RIVALS.map((format) => {
        const points = lineOf(plan, axis, batch ?? plan.batches[0]).map((one) => {
          const measured = /** @type {Measurement} */ (found.get(`${keyOf(one)} ${format}`));
          return /** @type {Point} */ ([one[axis], measured[RATIOS[measure]]]);
        });
        const crossings = findCrossings(points, measure === 'bytes' ? 0 : TIME_TOLERANCE);
        return { measure, axis, batch, format, points, crossings };
      }),
    ),
  );
}

/** The axes in words. @type {Record<Axis, string>} */
export const AXIS_NAMES = {
  density: 'density',
  values: 'distinct values',
  rows: 'rows',
  cols: 'columns',
  batch: 'batch',
};

/**
 * @param {Axis} axis
 * @param {number} value
 */
export function placeOf(axis, value) {
  if (axis === 'density') return `${digits(100 * value)} %`;
  return digits(value);
}

/** @param {number} value */
function digits(value) {
  return value >= 10 ? String(Math.round(value)) : String(Number(value.toPrecision(2)));
}

/**
 * Where a curve is better than dense, in a word or two.
 *
 * @param {Pick<Curve, 'axis' | 'points' | 'crossings'>} curve
 */
export function rangeOf({ axis, points, crossings }) {
  if (crossings.length === 0) {
    const mean = points.reduce((sum, [, ratio]) => sum + Math.log(ratio), 0);
    return mean < 0 ? 'always' : 'never';
  }
  return crossings
    .map(({ at, better }) => `${better === 'below' ? '<' : '>'} ${placeOf(axis, at)}`)
    .join(', ');
}

/**
 * What is better than dense where, as lines of text with a column for each format.
 *
 * @param {Plan} plan
 * @param {Curve[]} curves
 * @returns {string[][]} the first row is the head
 */
export function crossingTable(plan, curves) {
  const rows = groupsOf(plan).flatMap(({ title, measure, batch, axes }) =>
    axes.map((axis) => {
      const chosen = chooseCurves(curves, { measure, batch, axis });
      return [
        title,
        `${AXIS_NAMES[axis]} ${rangeText(axis, plan.axes[axis])}`,
        ...chosen.map(rangeOf),
      ];
    }),
  );
  return [['better than dense in', 'along', ...RIVALS], ...rows];
}

/**
 * @param {Curve[]} curves
 * @param {{ measure: Measure, batch: number | undefined, axis: Axis }} which
 * @returns {Curve[]} one for each of RIVALS
 */
export function chooseCurves(curves, { measure, batch, axis }) {
  return curves.filter(
    (curve) => curve.measure === measure && curve.batch === batch && curve.axis === axis,
  );
}

/**
 * @param {Axis} axis
 * @param {number[]} values ascending
 */
function rangeText(axis, values) {
  const [first, last] = [values[0], values[values.length - 1]];
  return `${placeOf(axis, first).replace(' %', '')}–${placeOf(axis, last)}`;
}
