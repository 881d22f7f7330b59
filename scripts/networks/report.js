// SPDX-License-Identifier: Apache-2.0

/** Writes RESULTS.md from what was measured. */

import { format, resolveConfig } from 'prettier';

import { replaceFile } from '../../web/cli/common/replace-file.js';
import { inProject } from '../common/run.js';

/**
 * @typedef {import('./measure.js').Row} Row
 * @typedef {import('./store.js').Statistics} Statistics
 *
 * @typedef {object} Result of one network
 * @property {string} title
 * @property {string} weights a phrase: what they are
 * @property {boolean} drawn
 * @property {Statistics} statistics
 * @property {Row[]} rows
 * @property {number} rounds
 * @property {{ date: string, cpu: string, engine: string }} machine
 */

/** The abstract of arXiv:1805.10692: "up to", over four networks. */
const PAPER = { smaller: 15, faster: 1.7, energy: 20 };

/** @param {number} ratio */
const times = (ratio) => `×${ratio >= 9.95 ? ratio.toFixed(1) : ratio.toFixed(2)}`;

/** @param {Row} row */
const costs = ({ bytes, milliseconds, operations }) => ({
  smaller: bytes,
  faster: milliseconds,
  energy: operations.energyPj,
});

/**
 * How many times less than dense.
 *
 * @param {Row} dense
 * @param {Row} row
 */
function gains(dense, row) {
  const [base, own] = [costs(dense), costs(row)];
  return {
    smaller: base.smaller / own.smaller,
    faster: base.faster / own.faster,
    energy: base.energy / own.energy,
  };
}

/**
 * @param {Row[]} rows
 * @returns {{ dense: Row, auto: Row }}
 */
function ends(rows) {
  const [dense, auto] = ['dense', 'auto'].map((name) => rows.find((row) => row.format === name));
  return { dense: /** @type {Row} */ (dense), auto: /** @type {Row} */ (auto) };
}

/**
 * @param {string[]} head
 * @param {string[][]} rows
 */
function table(head, rows) {
  const rule = head.map((_, column) => (column === 0 ? '---' : '--:'));
  return [head, rule, ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** @param {Result} result */
function overviewRow({ title, rows }) {
  const { dense, auto } = ends(rows);
  const all = rows.map((row) => ({ format: row.format, ...gains(dense, row) }));
  /** @param {'smaller' | 'faster' | 'energy'} what */
  const best = (what) => {
    const [first] = all.filter((row) => row.format !== 'auto').sort((a, b) => b[what] - a[what]);
    return `${times(first[what])} (${first.format})`;
  };
  const chosen = gains(dense, auto);
  return [
    title,
    ...[times(chosen.smaller), times(chosen.faster), times(chosen.energy)],
    ...[best('smaller'), best('faster'), best('energy')],
  ];
}

/** @param {Result} result */
function section({ title, weights, drawn, statistics, rows, rounds, machine }) {
  const { dense, auto } = ends(rows);
  const { p0, entropy, distinctPerRow, mostDistinct } = statistics;
  const lines = rows.map((row) => {
    const gain = gains(dense, row);
    return [
      row.format,
      (row.bytes / 1e6).toFixed(2),
      times(gain.smaller),
      (row.operations.add / 1e6).toFixed(0),
      (row.operations.multiply / 1e6).toFixed(0),
      row.milliseconds.toFixed(1),
      times(gain.faster),
      (row.operations.energyPj / 1e9).toFixed(1),
      times(gain.energy),
    ];
  });
  const chosen = Object.entries(auto.chosen ?? {}).map(([name, count]) => `${name} ${count}`);
  return [
    `## ${title}`,
    `${drawn ? `Weights are drawn: ${weights}.` : `${weights}.`} ` +
      `${statistics.weights.toLocaleString('en')} weights; reached: p0 = ${p0.toFixed(3)}, ` +
      `H = ${entropy.toFixed(2)} bits, k̄ = ${distinctPerRow.toFixed(1)}, at most ${mostDistinct} ` +
      `distinct values in a matrix. Auto's layers: ${chosen.join(', ')}. Medians of ${rounds} ` +
      `rounds; ${machine.date}, ${machine.cpu}, ${machine.engine}.`,
    table(
      ['format', 'MB', 'smaller', 'M add', 'M mult', 'ms', 'faster', 'mJ', 'less energy'],
      lines,
    ),
  ].join('\n\n');
}

/**
 * @param {Result[]} results
 * @param {string} file within the project
 */
export async function writeReport(results, file) {
  const text = [
    '# The networks of the CER/CSER paper, in every format',
    'Written by `npm run networks -- results`. One image of 224×224 (SqueezeNet: 227×227), Node.js, ' +
      'one thread. Each format in turn runs interleaved with auto; its time is the ratio of the two ' +
      "medians times auto's. `blocks`, which is for products with one column, has no row of its own. " +
      'MB (of 10⁶ bytes): weights, biases and normalizations as held. Additions, multiplications (in millions) and energy are those of ' +
      "matrix products alone, by the library's cost model (45 nm CMOS): a convolution counts one " +
      'product with a vector for each pixel of its output. Gains are over dense: ours, not that of ' +
      'another engine; `npm run bench` compares with those. p0 and H are means over all weights, ' +
      'k̄ is the mean number of distinct values in a row, over all rows.',
    'Trained weights of AlexNet, VGG-16, ResNet-152 and DenseNet-161 are not part of this project. ' +
      'Theirs are drawn from a seed to statistics that were published; SqueezeNet is the real one.',
    table(
      [
        'over dense',
        ...['auto: smaller', 'faster', 'less energy'],
        ...['best: smaller', 'faster', 'less energy'],
      ],
      [
        ...results.map(overviewRow),
        [
          "the paper's abstract, up to",
          ...['', '', ''],
          ...[`×${PAPER.smaller}`, `×${PAPER.faster}`, `×${PAPER.energy}`],
        ],
      ],
    ),
    ...results.map(section),
  ].join('\n\n');
  const path = inProject(file);
  const options = await resolveConfig(path);
  await replaceFile(path, await format(text, { ...options, parser: 'markdown' }));
}
