// SPDX-License-Identifier: Apache-2.0

/** The linters. */

import { readFileSync } from 'node:fs';

import { npmCommand } from './build.js';
import { filesIn, isStale } from './common/files.js';
import { StepError, inProject, runShown } from './common/run.js';
import { checkIncludes } from './lint/includes.js';
import { CPP_ROOMS } from './lint/rooms.js';
import { tidySources, tidyStamp } from './lint/tidy.js';

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
  await tidySources(stale, cores);
  console.log(`clang-tidy: ${stale.length} of ${sources.length} files looked at, no complaint`);
}
