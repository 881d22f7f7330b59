// SPDX-License-Identifier: Apache-2.0

/** Holds the includes of C++ against the rooms of the house. */

import { dirname, join } from 'node:path';

import { complaint } from './rooms.js';

/** What quoted includes start from, besides the folder of the file. */
const ROOTS = ['cpp', 'cpp/bindings', 'tests', 'tests/cpp'];

/**
 * @param {import('./rooms.js').Rooms} rooms
 * @param {Map<string, string>} files by their paths within the project, what is in them
 * @returns {string[]} complaints, each a sentence after a place
 */
export function checkIncludes(rooms, files) {
  const complaints = [];
  for (const [file, text] of files) {
    for (const [index, line] of text.split('\n').entries()) {
      const [, name] = /^\s*#\s*include\s+"([^"]+)"/.exec(line) ?? [];
      if (name === undefined) continue;
      const found = [dirname(file), ...ROOTS].map((root) => join(root, name));
      const used = found.find((path) => files.has(path)) ?? name;
      const message = complaint(rooms, file, used);
      if (message) complaints.push(`${file}:${index + 1}: ${message}`);
    }
  }
  return complaints;
}
