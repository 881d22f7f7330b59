// SPDX-License-Identifier: Apache-2.0

/** results.csv, and back; crossings.csv; machine.json; formats.svg. */

import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { replaceFile } from '../../web/cli/common/replace-file.js';
import { StepError } from '../common/run.js';
import { curvesOf } from './crossings.js';
import { casesOf, keyOf } from './plan.js';
import { drawFigure } from './plot.js';

/**
 * @typedef {import('./crossings.js').Curve} Curve
 * @typedef {import('./measure.js').Measurement} Measurement
 * @typedef {import('./plan.js').Plan} Plan
 *
 * @typedef {object} Circumstances under which all was measured
 * @property {string} date
 * @property {string} cpu
 * @property {string} engine
 * @property {number} seed
 * @property {number} rounds
 * @property {number} seconds that it took
 */

/** The columns of results.csv, and what they hold. @type {Record<string, keyof Measurement>} */
const COLUMNS = {
  rows: 'rows',
  cols: 'cols',
  density: 'density',
  values: 'values',
  batch: 'batch',
  format: 'format',
  bytes: 'bytes',
  bytes_to_dense: 'bytesToDense',
  microseconds: 'microseconds',
  time_to_dense: 'timeToDense',
  memory_microseconds: 'memoryMicroseconds',
  memory_time_to_dense: 'memoryTimeToDense',
  predicted_microseconds: 'predictedMicroseconds',
  auto: 'auto',
  fastest: 'fastest',
  smallest: 'smallest',
};

/** @type {Set<keyof Measurement>} */
const WORDS = new Set(/** @type {const} */ (['format', 'auto', 'fastest', 'smallest']));

/** @param {(string | number)[][]} rows */
function csv(rows) {
  return rows.map((row) => `${row.join(',')}\n`).join('');
}

/**
 * @param {Measurement[]} measurements
 * @returns {string} what is not predicted or was not measured is an empty cell
 */
export function writeResults(measurements) {
  const keys = Object.values(COLUMNS);
  const rows = measurements.map((one) => keys.map((key) => one[key] ?? ''));
  return csv([Object.keys(COLUMNS), ...rows]);
}

/**
 * @param {string} text of writeResults
 * @returns {Measurement[]}
 * @throws {StepError} where it has other columns
 */
export function readResults(text) {
  const [head, ...lines] = text.trimEnd().split('\n');
  if (head !== Object.keys(COLUMNS).join(',')) {
    throw new StepError('results.csv has other columns than this version writes.');
  }
  return lines.map((line) => {
    const cells = line.split(',');
    const entries = Object.values(COLUMNS).map((key, i) => {
      if (WORDS.has(key)) return [key, cells[i]];
      return [key, cells[i] === '' ? undefined : Number(cells[i])];
    });
    return /** @type {Measurement} */ (Object.fromEntries(entries));
  });
}

/** @param {Curve[]} curves */
export function writeCrossings(curves) {
  const rows = curves.flatMap(({ measure, batch, axis, format, crossings }) =>
    crossings.map(({ at, better }) => [
      ...[measure, batch ?? '', axis, format],
      ...[Number(at.toPrecision(3)), better],
    ]),
  );
  return csv([['measure', 'batch', 'axis', 'format', 'crosses_dense_at', 'better'], ...rows]);
}

/**
 * What is in a folder already.
 *
 * @param {string} folder
 * @param {Plan} plan
 * @returns {{ measurements: Measurement[], circumstances: Circumstances }}
 * @throws {StepError} where it is not all there
 */
export function readReport(folder, plan) {
  const [results, notes] = ['results.csv', 'machine.json'].map((name) => join(folder, name));
  if (!existsSync(results) || !existsSync(notes)) {
    throw new StepError(`There are no results in ${folder} yet; npm run sweep makes them.`);
  }
  const measurements = readResults(readFileSync(results, 'utf8'));
  const measured = new Set(measurements.map(keyOf));
  if (!casesOf(plan).every((one) => measured.has(keyOf(one)))) {
    throw new StepError(`The results in ${folder} are of another plan; npm run sweep makes them.`);
  }
  return { measurements, circumstances: JSON.parse(readFileSync(notes, 'utf8')) };
}

/**
 * @param {string} folder
 * @param {Plan} plan
 * @param {Measurement[]} measurements
 * @param {Circumstances} circumstances
 * @returns {Promise<Curve[]>}
 */
export async function writeReport(folder, plan, measurements, circumstances) {
  const curves = curvesOf(plan, measurements);
  mkdirSync(folder, { recursive: true });
  /** @param {string} name @param {string} content */
  const write = (name, content) => replaceFile(join(folder, name), content);
  await write('results.csv', writeResults(measurements));
  await write('machine.json', `${JSON.stringify(circumstances, null, 2)}\n`);
  await write('crossings.csv', writeCrossings(curves));
  await write('formats.svg', drawFigure(plan, measurements, curves, circumstances));
  return curves;
}
