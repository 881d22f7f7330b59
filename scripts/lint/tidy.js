// SPDX-License-Identifier: Apache-2.0

/**
 * clang-tidy over several sources at once. Most of its time goes into the headers of others (Google Test,
 * the standard library), which each source includes again: 690 s of one core became 260 s. Sources are
 * joined into the text of one, for some checks look at the file alone that a compiler is given.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

import { setModified } from '../common/files.js';
import { StepError, atATime, inProject, runQuietly, succeeds } from '../common/run.js';

/** With more, too many of them have names in common. */
const LARGEST_UNIT = 6;

/** What Highway compiles again for each instruction set includes itself, so it must stay a file. */
const INCLUDES_ITSELF = /HWY_TARGET_INCLUDE/;

/** @typedef {{ file: string, directory: string, command: string }} Compilation */

/**
 * @param {string[]} sources which build/native compiles
 * @param {number} cores
 * @throws {StepError} where there is something to complain of, when all have been looked at
 */
export async function tidySources(sources, cores) {
  /** @type {Compilation[]} */
  const compilations = JSON.parse(
    readFileSync(inProject('build', 'native', 'compile_commands.json'), 'utf8'),
  );
  const known = new Map(compilations.map((compilation) => [compilation.file, compilation]));
  await atATime(cores, unitsOf(sources), (unit) => tidyUnit(unit, known));
}

/** @param {string} source */
export function tidyStamp(source) {
  return `build/tidy/${source}.stamp`;
}

/**
 * Neighbours go into different units, for modules of one kind use the same names.
 *
 * @param {string[]} sources
 * @returns {string[][]}
 */
export function unitsOf(sources) {
  const single = sources.filter((source) => INCLUDES_ITSELF.test(read(source)));
  const joined = sources.filter((source) => !single.includes(source));
  const ofTests = joined.filter((source) => source.startsWith('tests/'));
  const ofLibrary = joined.filter((source) => !ofTests.includes(source));
  const dealt = [ofTests, ofLibrary].flatMap((files) => {
    const count = Math.ceil(files.length / LARGEST_UNIT);
    return Array.from({ length: count }, (_, at) => files.filter((_, i) => i % count === at));
  });
  return [...single.map((source) => [source]), ...dealt];
}

/**
 * Looks at the halves of a unit where there are complaints: of two sources with names in common, which
 * is none, or about a source, which is told when that one is looked at alone, by its file and line.
 *
 * @param {string[]} unit
 * @param {Map<string, Compilation>} known by the file's whole path
 */
async function tidyUnit(unit, known) {
  const start = Date.now();
  if (unit.length === 1) {
    await runQuietly(`tidy/${unit[0]}`, 'clang-tidy', ['-p', 'build/native', '--quiet', unit[0]]);
  } else if (!(await isTidy(unit, known))) {
    const middle = Math.ceil(unit.length / 2);
    const halves = [unit.slice(0, middle), unit.slice(middle)];
    await atATime(1, halves, (half) => tidyUnit(half, known));
    return;
  }
  unit.forEach((source) => stampTidy(source, start));
}

/**
 * @param {string[]} unit
 * @param {Map<string, Compilation>} known
 * @returns {Promise<boolean>} whether there is nothing to complain of in the sources joined into one
 */
async function isTidy(unit, known) {
  const first = inProject(unit[0]);
  const compilation = known.get(first);
  if (!compilation) throw new StepError(`${unit[0]} is not among the sources that are built.`);
  const folder = inProject('build', 'tidy', 'units', unit[0]);
  const file = `${folder}/unit.cc`;
  // Headers beside a source are found where it lies.
  const command = `${compilation.command.replaceAll(first, file)} -I${dirname(first)}`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, unit.map(read).join('\n'));
  writeFileSync(
    `${folder}/compile_commands.json`,
    JSON.stringify([{ ...compilation, file, command }]),
  );
  return succeeds(`tidy/units/${unit[0]}`, 'clang-tidy', [
    ...['-p', folder, '--quiet', '--config-file', inProject('.clang-tidy'), file],
  ]);
}

/** @param {string} source */
function read(source) {
  return readFileSync(inProject(source), 'utf8');
}

/**
 * @param {string} source
 * @param {number} start by Date.now()
 */
function stampTidy(source, start) {
  const stamp = tidyStamp(source);
  mkdirSync(dirname(inProject(stamp)), { recursive: true });
  writeFileSync(inProject(stamp), '');
  setModified(stamp, start);
}
