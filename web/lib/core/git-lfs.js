// SPDX-License-Identifier: Apache-2.0

/** Files that are not there yet: a clone without Git LFS has small texts in their places. */

const BEGINNING = 'version https://git-lfs.github.com/spec/v1\n';
/** More than such a text ever has. */
const MOST_BYTES = 1024;

/**
 * @param {Uint8Array} bytes of a whole file
 * @returns {boolean} whether they are but the text that stands for it
 */
export function isGitLfsPointer(bytes) {
  if (bytes.length > MOST_BYTES || bytes.length < BEGINNING.length) return false;
  return [...BEGINNING].every((letter, index) => bytes[index] === letter.charCodeAt(0));
}
