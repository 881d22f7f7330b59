// SPDX-License-Identifier: Apache-2.0

/**
 * Measures every format along density, distinct values, rows, columns and batch, and writes where
 * each of them wins, and where it crosses dense, to scripts/sweep:
 *
 *   npm run sweep [-- --quick] [--report] [--rounds 15] [--seed 1] [--out DIR]
 *
 * --quick: few and small matrices, to build/sweep; --report: measures nothing, and writes the rest
 * from results.csv.
 */

import { isAbsolute } from 'node:path';
import { parseArgs } from 'node:util';

import { init } from '../../web/lib/index.js';
import { machine } from '../bench/machine.js';
import { StepError, inProject, runMain, secondsSince } from '../common/run.js';
import { crossingTable } from './crossings.js';
import { drawMatrix } from './matrix.js';
import { measureCase } from './measure.js';
import { FULL_PLAN, QUICK_PLAN, casesOf } from './plan.js';
import { readReport, writeReport } from './report.js';
import { summaryOf } from './summary.js';

/**
 * @typedef {import('./measure.js').Measurement} Measurement
 * @typedef {import('./plan.js').Plan} Plan
 */

function parseOptions() {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      report: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      seed: { type: 'string', default: '1' },
      out: { type: 'string' },
    },
  });
  const plan = values.quick ? QUICK_PLAN : FULL_PLAN;
  const out = values.out ?? (values.quick ? 'build/sweep' : 'scripts/sweep');
  return {
    report: values.report,
    plan,
    rounds: count('--rounds', values.rounds ?? `${plan.rounds}`, 1),
    seed: count('--seed', values.seed, 0),
    out: isAbsolute(out) ? out : inProject(out),
  };
}

/**
 * @param {string} name
 * @param {string} text
 * @param {number} least
 */
function count(name, text, least) {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new StepError(`${name} must be a whole number of at least ${least}, not "${text}".`);
}

/**
 * @param {Plan} plan
 * @param {{ rounds: number, seed: number }} options
 * @returns {Promise<Measurement[]>}
 */
async function measure(plan, { rounds, seed }) {
  const cases = casesOf(plan);
  /** @type {Measurement[]} */
  const measurements = [];
  console.log(`${cases.length} products, each in every format, in ${rounds} rounds`);
  for (const [i, one] of cases.entries()) {
    measurements.push(...(await measureCase(one, drawMatrix(one, seed), { rounds })));
    if ((i + 1) % 25 === 0) console.log(`  ${i + 1} of ${cases.length}`);
  }
  return measurements;
}

/**
 * @param {string[][]} rows
 * @returns {string}
 */
function aligned(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

await runMain(import.meta.url, async () => {
  const { plan, report, rounds, seed, out } = parseOptions();
  await init();
  const start = performance.now();
  const { measurements, circumstances } = report
    ? readReport(out, plan)
    : {
        measurements: await measure(plan, { rounds, seed }),
        circumstances: {
          ...machine(),
          seed,
          rounds,
          seconds: Math.round((performance.now() - start) / 1000),
        },
      };
  const curves = await writeReport(out, plan, measurements, circumstances);
  const { rows, cols, density, values } = plan.base;
  console.log(
    `\nWhere each format is better than dense, the rest being ${rows}×${cols}, ` +
      `${100 * density} % dense, ${values} values (0 among them):\n`,
  );
  console.log(aligned(crossingTable(plan, curves)));
  console.log(`\n${summaryOf(plan, measurements).join('\n')}`);
  console.log(`\nThe results are in ${out}; it took ${secondsSince(start)}.`);
});
