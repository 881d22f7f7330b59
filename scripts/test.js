// SPDX-License-Identifier: Apache-2.0

/**
 * Sets up, builds and tests everything, goes on after a failure, and ends with a table.
 *
 *   npm test [-- lint types cpp fuzz node browser bundlers]     or single steps by the names in the table
 */

import { build, npmCommand } from './build.js';
import { filesIn } from './common/files.js';
import { StepError, runMain, runShown, secondsSince } from './common/run.js';
import { fuzz } from './fuzz.js';
import { checkCppFormat, checkRooms, checkWebFormat, clangTidy, eslint } from './lint.js';
import { setup } from './setup.js';

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {string} group
 * @property {string[]} needs what it tests, as build.js calls it
 * @property {() => Promise<void>} run throws where the test fails
 */

/** @type {Step[]} */
const steps = [
  { name: 'clang-format', group: 'lint', needs: [], run: checkCppFormat },
  { name: 'clang-tidy', group: 'lint', needs: ['native'], run: clangTidy },
  { name: 'rooms', group: 'lint', needs: [], run: checkRooms },
  { name: 'prettier', group: 'lint', needs: [], run: checkWebFormat },
  { name: 'eslint', group: 'lint', needs: [], run: eslint },
  { name: 'types', group: 'types', needs: ['module', 'types'], run: checkTypes },
  { name: 'native', group: 'cpp', needs: ['native'], run: () => ctest('native') },
  { name: 'asan', group: 'cpp', needs: ['asan'], run: () => ctest('asan') },
  { name: 'wasm', group: 'cpp', needs: ['wasm'], run: () => ctest('wasm') },
  { name: 'fuzz', group: 'fuzz', needs: ['asan'], run: () => fuzz() },
  { name: 'node', group: 'node', needs: ['module', 'types'], run: () => nodeTest('tests/node', 2) },
  {
    name: 'browser',
    group: 'browser',
    needs: ['module', 'types', 'page'],
    run: () => nodeTest('tests/browser'),
  },
  {
    name: 'bundlers',
    group: 'bundlers',
    needs: ['module', 'types', 'peers'],
    run: () => nodeTest('tests/bundlers', 2),
  },
];

/** @param {string} preset */
async function ctest(preset) {
  await runShown('ctest', ['--preset', preset]);
}

async function checkTypes() {
  await runShown(npmCommand('tsc'), ['-p', '.']);
}

/**
 * @param {string} folder
 * @param {number} [atATime] files; of the page one, for each takes both cores
 */
async function nodeTest(folder, atATime = 1) {
  const files = filesIn(folder, /\.test\.js$/);
  if (files.length === 0) throw new StepError(`There are no tests in ${folder}.`);
  await runShown(process.execPath, [
    ...['--test', '--test-reporter=spec', `--test-concurrency=${atATime}`, ...files],
  ]);
}

/**
 * @param {string[]} names of steps or groups; none means all
 * @returns {Step[]}
 */
function chooseSteps(names) {
  if (names.length === 0) return steps;
  const unknown = names.find((name) => !steps.some((step) => matches(step, name)));
  if (unknown) {
    const known = steps.map((step) => step.name).join(', ');
    throw new StepError(`There is no test step called ${unknown}; there are ${known}.`);
  }
  return steps.filter((step) => names.some((name) => matches(step, name)));
}

/**
 * @param {Step} step
 * @param {string} name
 */
function matches(step, name) {
  return step.name === name || step.group === name;
}

/**
 * What is to be built before the steps, as steps, each part once.
 *
 * @param {Step[]} chosen
 * @returns {Step[]}
 */
function buildSteps(chosen) {
  const parts = new Set(chosen.flatMap((step) => step.needs));
  return [...parts].map((part) => ({
    name: `build ${part}`,
    group: 'build',
    needs: [],
    run: () => build([part]),
  }));
}

/** @typedef {{ name: string, passed: boolean, time: string }} Result */

/**
 * @param {Step} step
 * @returns {Promise<Result>}
 */
async function attempt({ name, run }) {
  console.log(`\n━━━ ${name} ━━━`);
  const start = performance.now();
  let passed = true;
  try {
    await run();
  } catch (error) {
    console.error(error instanceof StepError ? error.message : error);
    passed = false;
  }
  return { name, passed, time: secondsSince(start) };
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
  /** @type {Result[]} */
  const results = [];
  for (const step of [...buildSteps(chosen), ...chosen]) results.push(await attempt(step));
  printTable(results);
  if (results.some(({ passed }) => !passed)) process.exitCode = 1;
});
