// SPDX-License-Identifier: Apache-2.0

/**
 * Looks for inputs that break the readers of files: npm run fuzz [-- seconds for each]
 *
 * An input that breaks one is left in build/fuzz/<reader>: put it into tests/fuzz/corpus/<reader>,
 * where the tests go over it for ever. What libFuzzer finds worth keeping stays in
 * build/fuzz/<reader>/found for the next run.
 *
 * The tests fuzz as well, but do not search: with fixed seeds and counts and from the committed
 * corpora alone, so that one source gives everybody one answer, whatever was found here before.
 */

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';

import { build } from './build.js';
import { filesIn } from './common/files.js';
import { CORES, StepError, inProject, runMain, runQuietly, atATime } from './common/run.js';
import { setup } from './setup.js';

const DEFAULT_SECONDS = 30;

/** One input may take this long, with sanitizers on a slow machine. */
const LONGEST_INPUT_SECONDS = 10;

/** The tests tell only what never ends from what is slow: time is no part of their answer. */
const ENDLESS_SECONDS = 600;

const SEED = 1;

/** How many inputs the tests try of each reader: some 20 seconds' worth of each, on one core. */
const RUNS = {
  graph: 50_000,
  idx: 300_000,
  message: 150_000,
  model: 15_000,
  state: 6_000,
  import: 50_000,
};

/** @typedef {keyof typeof RUNS} Reader */

/**
 * Fuzzes each reader for so long, starting with all that was found before.
 *
 * @param {number} seconds for each reader
 */
export async function search(seconds) {
  await forReaders(
    CORES,
    `for ${seconds} s`,
    (reader) => {
      const folder = `build/fuzz/${reader}`;
      mkdirSync(inProject(folder, 'found'), { recursive: true });
      return [
        `-max_total_time=${seconds}`,
        `-timeout=${LONGEST_INPUT_SECONDS}`,
        `-artifact_prefix=${folder}/`,
        `${folder}/found`,
        `tests/fuzz/corpus/${reader}`,
      ];
    },
    (reader) => ['--seconds', `${seconds}`, '--output', `build/fuzz/${reader}`],
  );
}

/**
 * Fuzzes each reader with the same inputs each time.
 *
 * @param {number} cores
 */
export async function fuzz(cores) {
  await forReaders(
    cores,
    'with fixed inputs',
    (reader) => {
      const folder = freshFolder(reader);
      // Listed, because the order in which a folder is read differs between file systems.
      const inputs = filesIn(`tests/fuzz/corpus/${reader}`);
      writeFileSync(inProject(folder, 'inputs'), inputs.join(','));
      return [
        `-seed=${SEED}`,
        `-runs=${RUNS[reader]}`,
        `-timeout=${ENDLESS_SECONDS}`,
        '-reload=0', // which would be once a second
        '-use_cmp=0', // addresses are among what is compared, and they differ from run to run
        `-artifact_prefix=${folder}/`,
        `-seed_inputs=@${folder}/inputs`,
        `${folder}/found`,
      ];
    },
    (reader) => ['--seed', `${SEED}`, '--runs', `${RUNS[reader]}`, '--output', freshFolder(reader)],
  );
}

/** @param {Reader} reader */
function freshFolder(reader) {
  const folder = `build/fuzz-test/${reader}`;
  rmSync(inProject(folder), { recursive: true, force: true });
  mkdirSync(inProject(folder, 'found'), { recursive: true });
  return folder;
}

/**
 * @param {number} cores
 * @param {string} how
 * @param {(reader: Reader) => string[]} libFuzzerOptions
 * @param {(reader: Reader) => string[]} scriptOptions
 */
async function forReaders(cores, how, libFuzzerOptions, scriptOptions) {
  const native = filesIn('tests/fuzz', /_fuzzer\.cc$/).map((file) => {
    const reader = /** @type {Reader} */ (basename(file, '_fuzzer.cc'));
    const command = inProject('build', 'asan', `${reader}_fuzzer`);
    return () => report(reader, how, command, libFuzzerOptions(reader));
  });
  const scripts = filesIn('tests/fuzz', /_fuzz\.js$/).map((script) => {
    const reader = /** @type {Reader} */ (basename(script, '_fuzz.js'));
    return () => report(reader, how, process.execPath, [script, ...scriptOptions(reader)]);
  });
  await atATime(cores, [...native, ...scripts], (job) => job());
}

/**
 * @param {Reader} reader
 * @param {string} how
 * @param {string} command
 * @param {string[]} args
 */
async function report(reader, how, command, args) {
  console.log(`Fuzzing the reader "${reader}" ${how} …`);
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
  await search(seconds);
});
