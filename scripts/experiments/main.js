// SPDX-License-Identifier: Apache-2.0

/**
 * Trains by every method of the plan, and writes accuracy against bits to scripts/experiments:
 *
 *   npm run experiments [-- --only lenet5] [--quick] [--report] [--runs DIR] [--out DIR]
 *
 * Finished runs stay in build/experiments and are not run again, so that it can be stopped at any
 * time; started twice, two processes share the work. --report only writes what is finished.
 */

import { mkdirSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { parseArgs } from 'node:util';

import { StepError, inProject, runMain } from '../common/run.js';
import { readable } from './figures.js';
import { FULL_PLAN, QUICK_PLAN, finalRun, percent, tunedAs, tuningRuns } from './plan.js';
import { writeReport } from './report.js';
import { runOnce } from './run.js';
import { Store } from './store.js';

/**
 * @typedef {import('./plan.js').Method} Method
 * @typedef {import('./plan.js').Series} Series
 * @typedef {import('./plan.js').Settings} Settings
 * @typedef {import('./report.js').Outcome} Outcome
 * @typedef {import('./run.js').Result} Result
 */

function parseOptions() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      quick: { type: 'boolean', default: false },
      report: { type: 'boolean', default: false },
      runs: { type: 'string' },
      out: { type: 'string' },
    },
  });
  const place = values.quick ? 'build/experiments/quick' : 'scripts/experiments';
  return {
    ...values,
    runs: folder(values.runs ?? 'build/experiments/runs'),
    out: folder(values.out ?? place),
  };
}

/** @param {string} path */
function folder(path) {
  return isAbsolute(path) ? path : inProject(path);
}

/**
 * @param {Series[]} series
 * @param {string | undefined} name
 */
function choose(series, name) {
  if (name === undefined) return series;
  const chosen = series.filter((one) => one.name === name);
  if (chosen.length > 0) return chosen;
  throw new StepError(
    `There is no series ${name}; there are ${series.map((one) => one.name).join(', ')}.`,
  );
}

/**
 * The indices of a method's tuning runs, the best first: by accuracy, then by loss.
 *
 * @param {Result[]} results
 */
function ranked(results) {
  const order = results.map((_, i) => i);
  return order.sort(
    (a, b) => results[b].accuracy - results[a].accuracy || results[a].loss - results[b].loss,
  );
}

/**
 * The final runs of the methods whose tuning is finished: each with its best learning rate or, where
 * the whole run diverged with that, with the next best.
 *
 * @param {Series} series
 * @param {Store} store
 * @returns {{ method: Method, settings: Settings }[]}
 */
function finalRuns(series, store) {
  return series.methods.flatMap((method) => {
    const results = tuningRuns(series, method).map((settings) => store.find(settings));
    const known = results.filter((result) => result !== undefined);
    if (known.length < results.length) return [];
    const runs = ranked(known).map((choice) => finalRun(series, method, choice));
    const settings = runs.find((run) => !store.find(run)?.failure) ?? runs[0];
    return [{ method, settings }];
  });
}

/**
 * @param {Series} series
 * @param {Store} store
 * @returns {Outcome}
 */
function outcome(series, store) {
  const runs = finalRuns(series, store).flatMap(({ method, settings }) => {
    const result = store.find(settings);
    return result ? [{ method, settings, result }] : [];
  });
  return { series, runs };
}

/**
 * @param {Settings} settings
 * @returns {Promise<Result>}
 */
async function runAndTell(settings) {
  const result = await runOnce(settings);
  const { model, compressor, delay, iterations, optimizer, judgedOn } = settings;
  const rate = compressor.step ? `step ${compressor.step}` : `rate ${optimizer.learningRate}`;
  const sparsity = compressor.sparsity ? percent(compressor.sparsity) : '';
  const name = `${compressor.name} ${sparsity}`.trimEnd();
  console.log(
    `  ${model}, ${name}, delay ${delay}, ${iterations} iterations, ${rate}: ` +
      `${judgedOn} accuracy ${(100 * result.accuracy).toFixed(2)} %, ` +
      `×${readable(result.denseBytes / result.upBytes)} fewer bytes, ` +
      `${result.seconds.toFixed(1)} s${result.failure ? `; ${result.failure}` : ''}`,
  );
  return result;
}

/**
 * @param {Series} series
 * @param {Store} store
 */
async function runSeries(series, store) {
  console.log(`\n${series.title}`);
  const tuned = new Map(series.methods.map((method) => [tunedAs(series, method).id, method]));
  await store.complete(
    [...tuned.values()].flatMap((method) => tuningRuns(series, method)),
    runAndTell,
  );
  // Once more for each learning rate with which a run may have diverged.
  for (let tries = 0; tries < series.tuning.learningRates.length; ++tries) {
    const runs = finalRuns(series, store).map(({ settings }) => settings);
    await store.complete(runs, runAndTell);
  }
}

await runMain(import.meta.url, async () => {
  const options = parseOptions();
  const all = (options.quick ? QUICK_PLAN : FULL_PLAN).series;
  const chosen = choose(all, options.only);
  const store = new Store(options.runs);
  mkdirSync(options.out, { recursive: true });
  const report = () =>
    writeReport(
      options.out,
      all.map((series) => outcome(series, store)),
    );
  if (!options.report) {
    for (const series of chosen) {
      await runSeries(series, store);
      await report();
    }
  }
  await report();
  console.log(`\nThe results are in ${options.out}.`);
});
