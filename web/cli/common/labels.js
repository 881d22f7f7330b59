// SPDX-License-Identifier: Apache-2.0

/** The names of a network's classes, from the files in which they are found. */

import { isLfsPointer } from '../../lib/core/file-kinds.js';
import { CommandError, readInput } from './files.js';

const LIMIT = 16 * 2 ** 20;

/** WordNet's identifiers, which ImageNet's lists begin their lines with. */
const WORDNET = /^n\d{8}\s+/;

/**
 * @param {string} file a name a line, or JSON; in UTF-8, or in UTF-16 with its mark
 * @returns {Promise<string[]>} by the classes' numbers
 * @throws {CommandError}
 */
export async function readLabels(file) {
  const bytes = await readInput(file, LIMIT);
  if (isLfsPointer(bytes)) {
    throw new CommandError(`${file} is a pointer of Git LFS; "git lfs pull" fetches the labels.`);
  }
  return parseLabels(decodeText(file, bytes));
}

/**
 * @param {string} file
 * @param {Uint8Array} bytes
 * @returns {string} without the mark of its encoding
 */
function decodeText(file, bytes) {
  const mark = (bytes[0] << 8) | bytes[1];
  const encoding = mark === 0xfffe ? 'utf-16le' : mark === 0xfeff ? 'utf-16be' : 'utf-8';
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
    if (!text.includes('\0')) return text;
  } catch {
    // Bytes that are no characters.
  }
  throw new CommandError(`${file} is no text in UTF-8, or in UTF-16 with its byte order mark.`);
}

/**
 * @param {string} text
 * @returns {string[]}
 */
export function parseLabels(text) {
  const inJson = /^\s*[[{]/.test(text) ? parseJson(text) : undefined;
  const lines = inJson ?? text.replace(/\s+$/, '').split(/\r\n|\n|\r/);
  return withoutNumbers(lines.map((line) => line.trim().replace(WORDNET, '')));
}

/**
 * A list of names, or an object by the classes' numbers of names or of lists that end in one, such as
 * `{ "0": ["n01440764", "tench"] }`.
 *
 * @param {string} text
 * @returns {string[] | undefined} undefined for other JSON, and for what is none
 */
function parseJson(text) {
  let json;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const count = Object.keys(json).length;
  const labels = Array.from({ length: count }, (_, index) => [json[index]].flat().at(-1));
  return labels.every((label) => typeof label === 'string') ? labels : undefined;
}

/**
 * Some lists begin each line with its number: "0 tench", "1: goldfish".
 *
 * @param {string[]} lines
 */
function withoutNumbers(lines) {
  const number = /^(\d+)(?::\s*|,\s*|\t|\s+)(?=\S)/;
  for (const first of [0, 1]) {
    const numbered = lines.every((line, i) => number.exec(line)?.[1] === String(first + i));
    if (numbered) return lines.map((line) => line.replace(number, '').replace(/^'(.*)',?$/, '$1'));
  }
  return lines;
}
