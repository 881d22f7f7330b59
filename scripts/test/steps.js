// SPDX-License-Identifier: Apache-2.0

/** What `npm test` consists of. */

import { build, npmCommand } from '../build.js';
import { filesIn } from '../common/files.js';
import { StepError, runShown } from '../common/run.js';
import { fuzz } from '../fuzz.js';
import { checkCppFormat, checkRooms, checkWebFormat, clangTidy, eslint } from '../lint.js';

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {string} group
 * @property {string[]} needs what it tests, as build.js calls it
 * @property {boolean} [apart] whether it is only run when asked for by its name
 * @property {(cores: number) => Promise<void>} run throws where the test fails
 */

/** Of those whose needs are met the first begins: the longest come first. @type {Step[]} */
export const STEPS = [
  {
    name: 'browser',
    group: 'browser',
    needs: ['module', 'types', 'page'],
    // It keeps some 1.3 cores busy, so another step goes well beside it.
    run: () => nodeTest('tests/browser', 1),
  },
  { name: 'clang-tidy', group: 'lint', needs: ['native'], run: clangTidy },
  {
    name: 'node',
    group: 'node',
    needs: ['module', 'types'],
    run: (cores) => nodeTest('tests/node', cores),
  },
  { name: 'asan', group: 'cpp', needs: ['asan'], run: (cores) => ctest('asan', cores) },
  { name: 'fuzz', group: 'fuzz', needs: ['asan'], run: fuzz },
  {
    name: 'bundlers',
    group: 'bundlers',
    needs: ['module', 'types', 'peers'],
    run: (cores) => nodeTest('tests/bundlers', cores),
  },
  {
    name: 'all-bundlers',
    group: 'all-bundlers',
    needs: ['module', 'types', 'peers'],
    apart: true,
    run: (cores) => nodeTest('tests/bundlers', cores, { LOWTROPY_BUNDLERS: 'all' }),
  },
  { name: 'wasm', group: 'cpp', needs: ['wasm'], run: (cores) => ctest('wasm', cores) },
  { name: 'native', group: 'cpp', needs: ['native'], run: (cores) => ctest('native', cores) },
  { name: 'eslint', group: 'lint', needs: [], run: eslint },
  { name: 'prettier', group: 'lint', needs: [], run: checkWebFormat },
  { name: 'clang-format', group: 'lint', needs: [], run: checkCppFormat },
  { name: 'types', group: 'types', needs: ['module', 'types'], run: checkTypes },
  { name: 'rooms', group: 'lint', needs: [], run: checkRooms },
];

/** What must have been built before, for it is in the same folder or made from it. */
const BUILT_BEFORE = /** @type {Record<string, string[]>} */ ({
  wasm: ['module'],
  types: ['module'],
  page: ['module', 'types'],
});

/** The parts in the order in which they begin. */
const PARTS = ['module', 'native', 'asan', 'wasm', 'types', 'page', 'peers'];

/**
 * @param {string} part as build.js calls it
 * @returns {string} the name of the step that builds it
 */
const buildName = (part) => `build ${part}`;

/** @type {Step[]} */
export const BUILDS = PARTS.map((part) => ({
  name: buildName(part),
  group: 'build',
  needs: BUILT_BEFORE[part] ?? [],
  run: (cores) => build([part], cores),
}));

/**
 * @param {Step} step
 * @returns {string[]} names of the steps that must have ended before
 */
export function stepsBefore({ needs }) {
  return needs.map(buildName);
}

/**
 * @param {string} preset
 * @param {number} cores
 */
async function ctest(preset, cores) {
  await runShown('ctest', ['--preset', preset, '--parallel', `${cores}`]);
}

async function checkTypes() {
  await runShown(npmCommand('tsc'), ['-p', '.']);
}

/**
 * @param {string} folder
 * @param {number} atATime files
 * @param {Record<string, string>} [environment] besides our own
 */
async function nodeTest(folder, atATime, environment = {}) {
  const files = filesIn(folder, /\.test\.js$/);
  if (files.length === 0) throw new StepError(`There are no tests in ${folder}.`);
  Object.assign(process.env, environment);
  await runShown(process.execPath, [
    ...['--test', '--test-reporter=spec', `--test-concurrency=${atATime}`, ...files],
  ]);
}
