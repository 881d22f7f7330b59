// SPDX-License-Identifier: Apache-2.0

/**
 * Looks for inputs that break the readers of files: npm run fuzz [-- seconds for each]
 *
 * An input that breaks one is left in build/fuzz/<reader>: put it into tests/fuzz/corpus/<reader>,
 * where the tests go over it for ever. What libFuzzer finds worth keeping stays in
 * build/fuzz/<reader>/found for the next run.
 */

import { mkdirSync } from 'node:fs';
import { basename } from 'node:path';

import { build } from './build.js';
import { filesIn } from './common/files.js';
import { StepError, inProject, runMain, runQuietly, twoAtATime } from './common/run.js';
import { setup } from './setup.js';

const DEFAULT_SECONDS = 30;

/** One input may take this long, with sanitizers on a slow machine. */
const LONGEST_INPUT_SECONDS = 10;

/** @param {number} seconds for each reader */
export async function fuzz(seconds = DEFAULT_SECONDS) {
  const native = filesIn('tests/fuzz', /_fuzzer\.cc$/).map((file) => basename(file, '_fuzzer.cc'));
  const scripts = filesIn('tests/fuzz', /_fuzz\.js$/);
  await twoAtATime(
    [
      ...native.map((reader) => () => runLibFuzzer(reader, seconds)),
      ...scripts.map((script) => () => runScript(script, seconds)),
    ],
    (job) => job(),
  );
}

/**
 * @param {string} reader
 * @param {number} seconds
 */
async function runLibFuzzer(reader, seconds) {
  const folder = `build/fuzz/${reader}`;
  mkdirSync(inProject(folder, 'found'), { recursive: true });
  await report(reader, seconds, inProject('build', 'asan', `${reader}_fuzzer`), [
    `-max_total_time=${seconds}`,
    `-timeout=${LONGEST_INPUT_SECONDS}`,
    `-artifact_prefix=${folder}/`,
    `${folder}/found`,
    `tests/fuzz/corpus/${reader}`,
  ]);
}

/**
 * @param {string} script
 * @param {number} seconds
 */
async function runScript(script, seconds) {
  const reader = basename(script, '_fuzz.js');
  await report(reader, seconds, process.execPath, [script, '--seconds', String(seconds)]);
}

/**
 * @param {string} reader
 * @param {number} seconds
 * @param {string} command
 * @param {string[]} args
 */
async function report(reader, seconds, command, args) {
  console.log(`Fuzzing the reader "${reader}" for ${seconds} s …`);
  const output = await runQuietly(`fuzz-${reader}`, command, args);
  console.log(`  ${reader}: ${output.trimEnd().split('\n').at(-1)}`);
}

/** @param {string} [argument] */
function parseSeconds(argument) {
  const seconds = argument === undefined ? DEFAULT_SECONDS : Number(argument);
  if (Number.isInteger(seconds) && seconds > 0) return seconds;
  throw new StepError(`Seconds are a positive whole number, not "${argument}".`);
}

await runMain(import.meta.url, async () => {
  const seconds = parseSeconds(process.argv[2]);
  await setup();
  await build(['asan']);
  await fuzz(seconds);
});
