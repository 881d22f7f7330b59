// SPDX-License-Identifier: Apache-2.0

/** Pictures from files: JPEG and PNG, by their first bytes, of limited size, upright. */

import { kindOf } from '../../lib/core/file-kinds.js';
import { CommandError, readInput } from './files.js';
import { decodeJpeg, isJpeg } from './jpeg.js';
import { SizeError, UnsupportedPictureError } from './limits.js';
import { decodePng, isPng } from './png.js';

/** @typedef {{ data: Uint8Array, width: number, height: number }} Picture RGBA */

const FILE_LIMIT = 128 * 2 ** 20;

/**
 * @param {string} file
 * @returns {Promise<Picture>}
 * @throws {CommandError} a sentence that names the file
 */
export async function readPicture(file) {
  const bytes = await readInput(file, FILE_LIMIT);
  const type = isJpeg(bytes) ? 'JPEG' : isPng(bytes) ? 'PNG' : undefined;
  try {
    if (type === 'JPEG') return await decodeJpeg(bytes);
    if (type === 'PNG') return decodePng(bytes);
  } catch (error) {
    throw new CommandError(`${file} ${problem(error, String(type))}.`);
  }
  if (bytes.length === 0) throw new CommandError(`${file} is empty.`);
  const kind = kindOf(bytes);
  throw new CommandError(
    `${file} is neither a JPEG nor a PNG picture${kind ? `; it is ${kind}` : ''}.`,
  );
}

/**
 * @param {unknown} error of a decoder
 * @param {string} type
 * @returns {string} what follows the file's name
 */
function problem(error, type) {
  if (error instanceof SizeError) return error.message;
  if (error instanceof UnsupportedPictureError) {
    return `is ${error.message}, which is not supported`;
  }
  // Of decoders that run into something they did not foresee the message tells nobody anything.
  const known = error instanceof Error && !/^(Type|Range|Reference)Error$/.test(error.name);
  return `is a damaged ${type} picture${known ? `: ${error.message.replace(/\.$/, '')}` : ''}`;
}
