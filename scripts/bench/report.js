// SPDX-License-Identifier: Apache-2.0

/** Options, progress and results of the benchmark, wherever its rows are measured. */

import { parseArgs } from 'node:util';

import { replaceFile } from '../../web/cli/common/replace-file.js';
import { noData } from '../common/data.js';
import { PEERS } from './peers.js';
import { chooseRows } from './rows.js';

/**
 * @typedef {import('./measure.js').Measured} Measured
 * @typedef {ReturnType<typeof parseOptions>} Options
 */

export function parseOptions() {
  const { values } = parseArgs({
    options: {
      row: { type: 'string', multiple: true },
      format: { type: 'string', default: 'auto' },
      rounds: { type: 'string', default: '21' },
      peer: { type: 'string', multiple: true, default: Object.keys(PEERS) },
      json: { type: 'string' },
    },
  });
  return { ...values, rounds: Number(values.rounds) };
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
function tableHead() {
  const head = line(COLUMNS.map(([title]) => title));
  return `${head}\n${'─'.repeat(COLUMNS.reduce((sum, [, width]) => sum + width, 0))}`;
}

/** @param {number | undefined} value */
const twoDigits = (value) => value?.toFixed(2) ?? '–';

/**
 * @param {Measured} row
 * @returns {string} a line of the table, and one for each engine that could not run it
 */
function tableRow(row) {
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

/**
 * Measures row after row, and shows each as soon as it is known.
 *
 * @param {Options} options
 * @param {{ date: string, cpu: string, engine: string }} where
 * @param {(name: string) => Promise<Measured | undefined>} measure undefined where data is missing
 */
export async function report({ row: names, rounds, json }, where, measure) {
  console.log(
    `${where.date}, ${where.cpu}, ${where.engine}; one thread, medians of ${rounds} interleaved ` +
      'runs.\nratio: the time of the better peer, on dense weights, over ours.\n',
  );
  console.log(tableHead());
  const rows = [];
  for (const { name, title } of chooseRows(names)) {
    const row = await measure(name);
    console.log(row ? tableRow(row) : `${title}: not measured, for ${noData}`);
    if (row) rows.push(row);
  }
  if (json) await replaceFile(json, `${JSON.stringify({ ...where, rounds, rows }, null, 2)}\n`);
}
