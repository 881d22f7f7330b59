// SPDX-License-Identifier: Apache-2.0

/** Writes what was found: results.csv, RESULTS.md and the figures, from finished runs alone. */

import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';

import { replaceFile } from '../../web/cli/common/replace-file.js';
import { inProject } from '../common/run.js';
import { accuracyFigure, gridFigure, readable } from './figures.js';
import { percent } from './plan.js';

/**
 * @typedef {import('./plan.js').Method} Method
 * @typedef {import('./plan.js').Series} Series
 * @typedef {import('./plan.js').Settings} Settings
 * @typedef {import('./run.js').Result} Result
 *
 * @typedef {{ method: Method, settings: Settings, result: Result }} Finished
 * @typedef {{ series: Series, runs: Finished[] }} Outcome what there is of a series so far
 */

/** @param {number} accuracy */
const points = (accuracy) => (100 * accuracy).toFixed(2);

/** @param {Result} result */
const upRatio = ({ denseBytes, upBytes }) => denseBytes / upBytes;

/** @param {Result} result */
const downRatio = ({ denseBytes, downBytes }) => denseBytes / downBytes;

/**
 * @param {string} folder
 * @param {Outcome[]} outcomes
 */
export async function writeReport(folder, outcomes) {
  const some = outcomes.filter(({ runs }) => runs.length > 0);
  const curves = some.filter(({ series }) => !series.grid);
  const grids = some.filter(({ series }) => series.grid);
  /** @param {string} name @param {string} content */
  const write = (name, content) => replaceFile(join(folder, name), content);
  await write('results.csv', csv(some));
  if (curves.length > 0) await write('accuracy.svg', accuracyFigure(curves.map(panel)));
  for (const outcome of grids) await write(`${outcome.series.name}.svg`, drawGrid(outcome));
  await write('RESULTS.md', await markdown(some));
}

/** @param {Outcome} outcome */
function panel({ series, runs }) {
  const curves = runs.map(({ method, result }) => ({ id: method.id, label: method.label, result }));
  return { title: series.title, curves };
}

/** @param {Outcome} outcome */
function drawGrid({ series, runs }) {
  const grid = /** @type {import('./plan.js').Grid} */ (series.grid);
  return gridFigure(series.title, grid, (sparsity, delay) => {
    const found = runs.find(
      ({ method }) => method.compressor.sparsity === sparsity && method.delay === delay,
    );
    return found && { accuracy: found.result.accuracy, ratio: upRatio(found.result) };
  });
}

const CSV_COLUMNS = [
  ...['series', 'model', 'data', 'split', 'method', 'sparsity', 'delay', 'workers', 'batch'],
  ...['iterations', 'learning_rate', 'momentum', 'sign_step', 'downstream', 'seed', 'accuracy'],
  ...['loss', 'up_bytes_per_worker', 'down_bytes_per_worker', 'dense_bytes_per_worker', 'seconds'],
];

/** @param {Outcome[]} outcomes */
function csv(outcomes) {
  const rows = outcomes.flatMap(({ series, runs }) => runs.map((run) => csvRow(series, run)));
  return [CSV_COLUMNS, ...rows].map((row) => `${row.join(',')}\n`).join('');
}

/**
 * @param {Series} series
 * @param {Finished} run
 */
function csvRow(series, { method, settings: s, result: r }) {
  const { learningRate, momentum } = s.optimizer;
  return [
    ...[series.name, s.model, s.data, s.split, method.compressor.name],
    ...[s.compressor.sparsity ?? '', s.delay, s.workers, s.batch, s.iterations, learningRate],
    ...[momentum, s.compressor.step ?? '', s.downstream, s.seed, r.accuracy, r.loss],
    ...[r.upBytes, r.downBytes, r.denseBytes, r.seconds.toFixed(1)],
  ];
}

/** @param {Outcome[]} outcomes */
async function markdown(outcomes) {
  const sections = outcomes.map((outcome) =>
    outcome.series.grid ? gridSection(outcome) : methodSection(outcome),
  );
  const text = [
    '<!-- Written by npm run experiments; changes are lost. -->',
    '# Accuracy against bits',
    machines(outcomes),
    HOW,
    outcomes.some(({ series }) => !series.grid) ? '![Accuracy against bits](accuracy.svg)' : '',
    ...sections,
  ].join('\n\n');
  const options = await resolveConfig(inProject('scripts/experiments/RESULTS.md'));
  return format(text, { ...options, parser: 'markdown' });
}

const HOW = [
  'Every number here is from a real run, over real messages: bytes are those of whole messages,',
  'headers and checksums included, and `npm run experiments` makes them again. "Up" is what one worker',
  'sent in all, on average; "fewer" is how many times that goes into what dense float32 exchange in',
  'each iteration would have sent. Down is what one worker received.',
  'All methods of a table have the same iterations, workers, batches and seed.',
  '',
  "The learning rate of each method is the best of three multiples of the table's base, tried with",
  'as many iterations and another seed, and judged on training examples that were held out: the same',
  'budget for all. The test examples chose nothing. signSGD knows no learning rate, for only the',
  'signs count: the step that they make was tuned instead, in the same way. Where the whole run',
  'diverged with the best, the next best was taken.',
  '',
  'The runs are short, so that all of them take about an hour on two cores: CharLSTM and ResNet8 stop',
  'long before they have converged.',
].join('\n');

/** @param {Outcome[]} outcomes */
function machines(outcomes) {
  const results = outcomes.flatMap(({ runs }) => runs.map(({ result }) => result));
  const dates = results.map(({ date }) => date).sort();
  const where = [...new Set(results.map(({ cpu, engine }) => `${cpu}, ${engine}`))].join('; ');
  const hours = results.reduce((sum, { seconds }) => sum + seconds, 0) / 3600;
  const span = [...new Set([dates[0], dates[dates.length - 1]])].join(' to ');
  return `${span}; ${where}; ${results.length} runs, ${hours.toFixed(1)} hours without the tuning.`;
}

/**
 * @param {string[]} header
 * @param {string[][]} rows
 */
function table(header, rows) {
  const rule = header.map((_, i) => (i === 0 ? '---' : '---:'));
  return [header, rule, ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** @param {Outcome} outcome */
function methodSection({ series, runs }) {
  const [{ settings }] = runs;
  const baseline = runs.find(({ method }) => method.id === 'none')?.result;
  const text = settings.data === 'text';
  const rows = runs.map(({ method, settings: { compressor, optimizer }, result }) => [
    method.label,
    points(result.accuracy),
    baseline ? signed(100 * (result.accuracy - baseline.accuracy)) : '',
    ...(text ? [Math.exp(result.loss).toFixed(3)] : []),
    bytes(result.upBytes),
    `×${readable(upRatio(result))}`,
    bytes(result.downBytes),
    `×${readable(downRatio(result))}`,
    compressor.step === undefined ? `${optimizer.learningRate}` : `step ${compressor.step}`,
  ]);
  const header = ['method', 'accuracy, %', 'to baseline', ...(text ? ['perplexity'] : [])];
  header.push('up', 'fewer', 'down', 'fewer', 'learning rate');
  return [
    `## ${series.title}`,
    budget(series, settings),
    table(header, rows),
    shortfalls(runs, baseline),
  ].join('\n\n');
}

/**
 * @param {Series} series
 * @param {Settings} settings
 */
function budget({ tuning }, { workers, batch, iterations, split, optimizer }) {
  const shards = split === 'iid' ? 'random shards' : `shards of ${split.slice(7)} classes`;
  return (
    `${workers} workers with ${shards}, batches of ${batch} each, ${iterations} iterations of SGD ` +
    `with momentum ${optimizer.momentum}; tuned with ${tuning.iterations}.`
  );
}

/**
 * A sentence on the settings of SBC that are more than a point below the baseline.
 *
 * @param {Finished[]} runs
 * @param {Result | undefined} baseline
 */
function shortfalls(runs, baseline) {
  const ours = runs.filter(({ method }) => method.compressor.name === 'sbc');
  if (!baseline || ours.length === 0) return '';
  const far = ours.filter(({ result }) => baseline.accuracy - result.accuracy > 0.01);
  if (far.length === 0) return 'SBC is within 1 point of the baseline in every setting.';
  const names = far.map(({ method, result }) => {
    const gap = 100 * (baseline.accuracy - result.accuracy);
    return `${method.label} by ${gap.toFixed(1)}`;
  });
  return `More than 1 point below the baseline: ${names.join(', ')}.`;
}

/** @param {Outcome} outcome */
function gridSection({ series, runs }) {
  const { sparsities, delays } = /** @type {import('./plan.js').Grid} */ (series.grid);
  const rows = delays.map((delay) => [
    String(delay),
    ...sparsities.map((sparsity) => {
      const found = runs.find(
        ({ method }) => method.compressor.sparsity === sparsity && method.delay === delay,
      );
      if (!found) return '';
      return `${points(found.result.accuracy)} (×${readable(upRatio(found.result))})`;
    }),
  ]);
  const [{ settings }] = runs;
  return [
    `## ${series.title}`,
    `${budget(series, settings)} Accuracy in %, and how many times fewer bytes went up than with ` +
      `dense exchange. All cells have the learning rate that was tuned for SBC (1 %, 10): ` +
      `${settings.optimizer.learningRate}.`,
    `![${series.title}](${series.name}.svg)`,
    table(['n', ...sparsities.map((sparsity) => `p = ${percent(sparsity)}`)], rows),
  ].join('\n\n');
}

/** @param {number} difference */
function signed(difference) {
  return `${difference < 0 ? '−' : '+'}${Math.abs(difference).toFixed(2)}`;
}

/** @param {number} count */
function bytes(count) {
  const units = ['B', 'KB', 'MB', 'GB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
  const value = count / 1000 ** power;
  return `${value >= 100 ? Math.round(value) : value.toPrecision(3)} ${units[power]}`;
}
