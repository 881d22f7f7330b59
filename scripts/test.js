// SPDX-License-Identifier: Apache-2.0

/**
 * Sets up, builds and tests everything, goes on after a failure, and ends with a table.
 *
 *   npm test [-- lint types cpp fuzz node browser bundlers]     or single steps by the names in the table
 *
 * Steps run beside each other, one on each of two cores; what each prints comes whole when it has ended.
 */

import { spawn } from 'node:child_process';

import { CORES, StepError, inProject, runMain, secondsSince } from './common/run.js';
import { setup } from './setup.js';
import { schedule } from './test/schedule.js';
import { BUILDS, STEPS, stepsBefore } from './test/steps.js';

/** @typedef {import('./test/steps.js').Step} Step */

/**
 * @param {string[]} names of steps or groups; none means all but those that are asked for by name
 * @returns {Step[]}
 */
function chooseSteps(names) {
  if (names.length === 0) return STEPS.filter(({ apart }) => !apart);
  const unknown = names.find((name) => !STEPS.some((step) => matches(step, name)));
  if (unknown) {
    const known = STEPS.map((step) => step.name).join(', ');
    throw new StepError(`There is no test step called ${unknown}; there are ${known}.`);
  }
  return STEPS.filter((step) => names.some((name) => matches(step, name)));
}

/**
 * @param {Step} step
 * @param {string} name
 */
function matches(step, name) {
  return step.name === name || step.group === name;
}

/**
 * @param {Step[]} chosen
 * @returns {Step[]} what is to be built before them, each part once
 */
function chooseBuilds(chosen) {
  const wanted = new Set(chosen.flatMap(stepsBefore));
  return BUILDS.filter(({ name }) => wanted.has(name));
}

/** @typedef {{ name: string, passed: boolean, time: string }} Result */

/**
 * @param {string} name
 * @param {number} cores
 * @returns {Promise<Result>}
 */
async function attempt(name, cores) {
  const start = performance.now();
  const shown = cores === CORES; // nothing is beside it, so what it prints may come at once
  if (shown) console.log(`\n━━━ ${name} ━━━`);
  else console.log(`${name} begins`);
  const { code, output } = await runStep(name, cores, shown);
  const time = secondsSince(start);
  if (!shown) console.log(`\n━━━ ${name} (${time}) ━━━\n${output}`);
  return { name, passed: code === 0, time };
}

/**
 * @param {string} name
 * @param {number} cores
 * @param {boolean} shown whether its output goes to our own terminal, instead of into `output`
 * @returns {Promise<{ code: number, output: string }>}
 */
function runStep(name, cores, shown) {
  const args = [inProject('scripts', 'test', 'step.js'), name, `${cores}`];
  const child = spawn(process.execPath, args, {
    cwd: inProject(),
    stdio: shown ? 'inherit' : ['ignore', 'pipe', 'pipe'],
  });
  /** @type {Buffer[]} */
  const pieces = [];
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (piece) => pieces.push(piece));
  return new Promise((resolve) => {
    child.on('close', (code) => {
      resolve({ code: code ?? 1, output: Buffer.concat(pieces).toString('utf8') });
    });
  });
}

/** @param {Result[]} results */
function printTable(results) {
  console.log('\n━━━ summary ━━━');
  for (const { name, passed, time } of results) {
    console.log(`${passed ? 'passed' : 'FAILED'}  ${name.padEnd(16)} ${time.padStart(8)}`);
  }
}

await runMain(import.meta.url, async () => {
  const chosen = chooseSteps(process.argv.slice(2));
  await setup();
  const start = performance.now();
  /** @type {Result[]} */
  const results = [];
  const tasks = [...chooseBuilds(chosen), ...chosen].map((step) => ({
    name: step.name,
    cores: 1,
    after: stepsBefore(step),
    run: async (/** @type {number} */ cores) => void results.push(await attempt(step.name, cores)),
  }));
  await schedule(tasks, CORES);
  printTable(results);
  console.log(`All of it took ${secondsSince(start)}.`);
  if (results.some(({ passed }) => !passed)) process.exitCode = 1;
});
