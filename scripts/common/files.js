// SPDX-License-Identifier: Apache-2.0

/** Looking for files of the project, and at their age. */

import { existsSync, readdirSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';

import { inProject } from './run.js';

/**
 * Files in a folder and the folders in it, sorted; none where there is no such folder.
 *
 * @param {string} folder within the project
 * @param {RegExp} [pattern] of their names
 * @returns {string[]} paths within the project
 */
export function filesIn(folder, pattern = /^/) {
  if (!existsSync(inProject(folder))) return [];
  return readdirSync(inProject(folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(inProject().length))
    .sort();
}

/**
 * Whether an output is missing, or older than one of what it is made from.
 *
 * @param {string} output
 * @param {string[]} inputs
 */
export function isStale(output, inputs) {
  const made = modified(output);
  return inputs.some((input) => modified(input) > made);
}

/** @param {string} file within the project */
function modified(file) {
  return statSync(inProject(file), { throwIfNoEntry: false })?.mtimeMs ?? -Infinity;
}

/**
 * Makes an output as old as the moment at which its making began, for what changed since then is
 * not in it.
 *
 * @param {string} output within the project
 * @param {number} time by Date.now()
 */
export function setModified(output, time) {
  utimesSync(inProject(output), time / 1000, time / 1000);
}
