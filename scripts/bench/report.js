// SPDX-License-Identifier: Apache-2.0

/** Measures rows one after another and words what comes out, in Node.js and in browsers. */

import { inferShapes, tensorShapes } from '../../web/lib/import/shapes.js';
import { compare } from './compare.js';

/**
 * @typedef {import('./compare.js').Result} Result
 * @typedef {import('./engines/engine.js').Engine} Engine
 * @typedef {import('./rows.js').Row} Row
 * @typedef {import('./rows.js').Sources} Sources
 *
 * @typedef {object} Measured
 * @property {string} name
 * @property {string} title
 * @property {number} target
 * @property {Record<string, number>} milliseconds medians, by the engines' names
 * @property {Record<string, string>} missing
 * @property {number} [ratio] the better peer's time over ours; above 1, ours is faster
 * @property {boolean} met
 * @property {number} difference
 * @property {number} bytes
 * @property {number} bytesShare of dense ones
 * @property {string[]} formats
 */

/**
 * @param {Row} row
 * @param {Sources} sources
 * @param {Engine[]} engines ours first
 * @param {import('./interleave.js').Options} options
 * @returns {Promise<Measured | undefined>} undefined where its data is missing
 */
export async function measureRow(row, sources, engines, options) {
  const work = await row.build(sources);
  if (!work) return undefined;
  const shapes = tensorShapes(work.graph, inferShapes(work.graph));
  const elements = [...shapes.values()].reduce((sum, { rows, cols }) => sum + rows * cols, 0);
  const result = await compare(work, engines, options);
  const { name, title, target, mostBytes = 1 } = row;
  const [ours, ...peers] = engines.flatMap((engine) => result.milliseconds[engine.name] ?? []);
  const ratio = peers.length > 0 ? Math.min(...peers) / ours : undefined;
  const bytesShare = result.bytes / (4 * elements);
  const met = ratio !== undefined && ratio >= target && bytesShare <= mostBytes;
  return { name, title, target, ...result, ratio, met, bytesShare };
}

const ENGINES = ['lowtropy', 'onnxruntime-web', 'TensorFlow.js'];

/** Columns of the table: their heads and widths; the first is aligned to the left. */
const COLUMNS = /** @type {const} */ ([
  ['', 36],
  ['format', 16],
  ['of dense', 9],
  ['ours ms', 9],
  ['ort ms', 9],
  ['tfjs ms', 9],
  ['ratio', 7],
  ['target', 7],
  ['', 9],
]);

/** @param {readonly string[]} cells */
function line(cells) {
  return cells
    .map((cell, i) => (i < 2 ? cell.padEnd(COLUMNS[i][1]) : cell.padStart(COLUMNS[i][1])))
    .join('')
    .trimEnd();
}

/** The head of the table. */
export function tableHead() {
  const head = line(COLUMNS.map(([title]) => title));
  return `${head}\n${'─'.repeat(COLUMNS.reduce((sum, [, width]) => sum + width, 0))}`;
}

/** @param {number | undefined} value */
const twoDigits = (value) => value?.toFixed(2) ?? '–';

/**
 * @param {Measured} row
 * @returns {string} a line of the table, and one for each engine that could not run it
 */
export function tableRow(row) {
  const cells = line([
    row.title,
    row.formats.join('+'),
    `${(100 * row.bytesShare).toFixed(1)} %`,
    ...ENGINES.map((name) => twoDigits(row.milliseconds[name])),
    twoDigits(row.ratio),
    `≥ ${row.target}`,
    row.met ? 'met' : 'NOT met',
  ]);
  return [cells, ...Object.entries(row.missing).map(([name, why]) => `  ${name}: ${why}`)].join(
    '\n',
  );
}
