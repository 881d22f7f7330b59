// SPDX-License-Identifier: Apache-2.0

/**
 * Writes the paper's networks as model files into build/networks, and what they cost:
 *
 *   npm run networks [-- NAME …] [--seed 1]                the files, and statistics of their weights
 *   npm run networks -- results [NAME …] [--rounds 15]     RESULTS.md, with SqueezeNet
 *
 * What is there already is not made again; RESULTS.md is written from all that was measured so far.
 */

import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { replaceFile } from '../../web/cli/common/replace-file.js';
import { Model, init } from '../../web/lib/index.js';
import { readDeepCompression } from '../../web/lib/import/deep-compression.js';
import { noData, squeezeNetFiles } from '../common/data.js';
import { machine } from '../bench/machine.js';
import { StepError, runMain, secondsSince } from '../common/run.js';
import { DEFAULT_SEED, buildNetwork, networkNames } from './index.js';
import { measureNetwork } from './measure.js';
import { writeReport } from './report.js';
import { statisticsOf, storeNetwork, storePath } from './store.js';

/**
 * @typedef {import('../../web/lib/index.js').Tensor} Tensor
 * @typedef {import('./index.js').NetworkName} NetworkName
 * @typedef {import('./report.js').Result} Result
 *
 * @typedef {object} Network ready to be measured
 * @property {string} title
 * @property {string} weights
 * @property {boolean} drawn
 * @property {Model} model
 * @property {Map<string, Tensor>} tensors
 */

const SQUEEZENET = 'squeezenet';

/** V8 has compiled the kernels by then: one run calls them many times. */
const WARM_UP = 3;

function parseOptions() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seed: { type: 'string', default: `${DEFAULT_SEED}` },
      rounds: { type: 'string', default: '15' },
      out: { type: 'string', default: 'scripts/networks/RESULTS.md' },
    },
  });
  const results = positionals[0] === 'results';
  const names = results ? positionals.slice(1) : positionals;
  const known = results ? [...networkNames, SQUEEZENET] : networkNames;
  const unknown = names.find((name) => !(/** @type {string[]} */ (known).includes(name)));
  if (unknown)
    throw new StepError(`There is no network ${unknown}; there are ${known.join(', ')}.`);
  const chosen = names.length > 0 ? names : known;
  return {
    results,
    names: chosen,
    seed: Number(values.seed),
    rounds: Number(values.rounds),
    out: values.out,
  };
}

/**
 * @param {NetworkName} name
 * @param {number} seed
 */
async function write(name, seed) {
  const start = performance.now();
  const { title, weights } = buildNetwork(name, { seed });
  console.log(`${title}: weights drawn from seed ${seed} (${weights}) …`);
  const { statistics, bytes, denseBytes, file, made } = await storeNetwork(name, seed);
  const { p0, entropy, distinctPerRow, mostDistinct } = statistics;
  console.log(
    `  ${statistics.weights} weights: p0 ${p0.toFixed(3)}, H ${entropy.toFixed(2)} bits, ` +
      `k̄ ${distinctPerRow.toFixed(1)}, at most ${mostDistinct} distinct values in a matrix\n` +
      `  ${bytes} bytes, ${(denseBytes / bytes).toFixed(1)} times fewer than dense\n` +
      `  ${file} ${made ? `took ${secondsSince(start)}` : 'is there already'}`,
  );
}

/**
 * @param {string} name
 * @param {number} seed
 * @returns {Promise<Network>}
 */
async function open(name, seed) {
  if (name === SQUEEZENET) {
    if (noData) throw new StepError(`There is no SqueezeNet: ${noData}.`);
    const { net, prototxt } = squeezeNetFiles();
    const { graph, tensors } = readDeepCompression(net, prototxt);
    const model = await Model.fromGraph(graph, tensors);
    const weights = 'Trained, pruned and quantized by Deep Compression (arXiv:1510.00149)';
    return { title: 'SqueezeNet', weights, drawn: false, model, tensors };
  }
  const { file } = await storeNetwork(/** @type {NetworkName} */ (name), seed);
  const { title, weights, tensors } = buildNetwork(/** @type {NetworkName} */ (name), { seed });
  return { title, weights, drawn: true, model: await Model.load(readFileSync(file)), tensors };
}

/**
 * @param {string} name
 * @param {{ seed: number, rounds: number }} options
 * @returns {Promise<Result>}
 */
async function measure(name, { seed, rounds }) {
  const { model, tensors, ...said } = await open(name, seed);
  try {
    const rows = await measureNetwork(model, tensors, { rounds, warmUp: WARM_UP });
    return { ...said, statistics: statisticsOf(model), rows, rounds, machine: machine() };
  } finally {
    model.dispose();
  }
}

/** @param {ReturnType<typeof parseOptions>} options */
async function writeResults({ names, out, ...options }) {
  /** @param {string} name */
  const notes = (name) => storePath(`${name}-results.json`);
  for (const name of names) {
    const start = performance.now();
    console.log(`Measuring ${name} …`);
    await replaceFile(notes(name), JSON.stringify(await measure(name, options), null, 2));
    console.log(`  took ${secondsSince(start)}`);
  }
  const measured = [...networkNames, SQUEEZENET].map(notes).filter(existsSync);
  /** @type {Result[]} */
  const results = measured.map((file) => JSON.parse(readFileSync(file, 'utf8')));
  await writeReport(results, out);
  console.log(`Wrote ${out}.`);
}

await runMain(import.meta.url, async () => {
  const options = parseOptions();
  await init();
  if (options.results) return writeResults(options);
  for (const name of options.names) await write(/** @type {NetworkName} */ (name), options.seed);
  return undefined;
});
