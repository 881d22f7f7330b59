// SPDX-License-Identifier: Apache-2.0

/** The names of a network's classes: a text with a name in each line. */

/** Larger files hold no names: ImageNet's 1000 take 32 kB. */
export const MOST_LABEL_BYTES = 4e6;

/** ImageNet's numbers for what there is in the world, which stand before the names. */
const NUMBER = /^n\d{8}\s+/;

/**
 * @param {Uint8Array} bytes UTF-8, or UTF-16 if they begin as that does
 * @returns {string}
 */
export function decodeText(bytes) {
  const utf16 = { 0xfffe: 'utf-16le', 0xfeff: 'utf-16be' }[(bytes[0] << 8) | bytes[1]];
  return new TextDecoder(utf16 ?? 'utf-8').decode(bytes);
}

/**
 * @param {string} text
 * @returns {string[]} in the order of the classes
 */
export function parseLabels(text) {
  const lines = text.split(/\r\n|\n|\r/);
  while (lines.length > 0 && lines[lines.length - 1].trim() === '') lines.pop();
  return lines.map((line) => line.replace(NUMBER, '').trim());
}

/**
 * @param {Blob} file
 * @returns {Promise<string[]>} none, if it is too large to hold names
 */
export async function readLabels(file) {
  if (file.size > MOST_LABEL_BYTES) return [];
  return parseLabels(decodeText(new Uint8Array(await file.arrayBuffer())));
}
