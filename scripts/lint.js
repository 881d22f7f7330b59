// SPDX-License-Identifier: Apache-2.0

/** The linters. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

import { npmCommand } from './build.js';
import { filesIn, isStale, setModified } from './common/files.js';
import { StepError, inProject, runShown, runQuietly, atATime } from './common/run.js';
import { checkIncludes } from './lint/includes.js';
import { CPP_ROOMS } from './lint/rooms.js';

const CPP_FOLDERS = ['cpp', 'tests/cpp', 'tests/fuzz', 'tests/install'];

/** @param {RegExp} pattern of file names */
function cppFiles(pattern) {
  return CPP_FOLDERS.flatMap((folder) => filesIn(folder, pattern));
}

/** What clang-format and prettier are to look at. */
export function formattedFiles() {
  return {
    cpp: cppFiles(/\.(cc|h)$/),
    web: ['eslint.config.js', 'package.json', 'CMakePresets.json', 'scripts', 'tests', 'web'],
  };
}

export async function checkCppFormat() {
  await runShown('clang-format', ['--dry-run', '-Werror', ...formattedFiles().cpp]);
}

export async function checkWebFormat() {
  await runShown(npmCommand('prettier'), ['--check', ...formattedFiles().web]);
}

export async function eslint() {
  await runShown(npmCommand('eslint'), ['--max-warnings', '0', '.']);
}

/** Whether C++ includes go along the arrows of the house. */
export async function checkRooms() {
  const files = ['cpp', 'tests'].flatMap((folder) => filesIn(folder, /\.(cc|h)$/));
  const texts = files.map((file) => readFileSync(inProject(file), 'utf8'));
  const complaints = checkIncludes(CPP_ROOMS, new Map(files.map((file, i) => [file, texts[i]])));
  if (complaints.length > 0) throw new StepError(complaints.join('\n'));
  console.log(`The includes of ${files.length} files go along the arrows.`);
}

/**
 * Runs clang-tidy over the sources that changed, or whose headers did, since it last liked them.
 *
 * @param {number} cores
 */
export async function clangTidy(cores) {
  const common = [...cppFiles(/\.h$/), '.clang-tidy', 'CMakeLists.txt'];
  const sources = CPP_FOLDERS.slice(0, 2)
    .flatMap((folder) => filesIn(folder, /\.cc$/))
    .filter((source) => !source.startsWith('cpp/bindings/')); // known to Emscripten only
  const stale = sources.filter((source) => isStale(tidyStamp(source), [source, ...common]));
  await atATime(cores, stale, tidy);
  console.log(`clang-tidy: ${stale.length} of ${sources.length} files looked at, no complaint`);
}

/** @param {string} source */
async function tidy(source) {
  const start = Date.now();
  await runQuietly(`tidy/${source}`, 'clang-tidy', ['-p', 'build/native', '--quiet', source]);
  const stamp = tidyStamp(source);
  mkdirSync(dirname(inProject(stamp)), { recursive: true });
  writeFileSync(inProject(stamp), '');
  setModified(stamp, start);
}

/** @param {string} source */
function tidyStamp(source) {
  return `build/tidy/${source}.stamp`;
}
