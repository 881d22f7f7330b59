// SPDX-License-Identifier: Apache-2.0

import { FileError, LimitError, Model } from '../../lib/lowtropy.js';
import { CommandError, nameOf, readInput } from './files.js';
import { makeProgress } from './terminal.js';

/**
 * @param {string} what
 * @param {LimitError} error
 */
export function limitError(what, { message }) {
  const [limit] = /maxWork|maxMemory/.exec(message) ?? [];
  if (!limit) return new CommandError(`${what}. ${message}`); // what no option can allow
  const option = limit === 'maxWork' ? '--max-work' : '--max-memory';
  return new CommandError(`${what}. ${message} ${option} allows more.`);
}

/** More than 32-bit WebAssembly could hold. */
const MODEL_LIMIT = 2 ** 32 - 1;

/**
 * @param {string} source a file or an address
 * @returns {Promise<Buffer<ArrayBuffer> | string>} the file, or the same address
 */
export async function readModelFile(source) {
  return /^(https?|file|data):/i.test(source) ? source : readInput(source, MODEL_LIMIT);
}

/**
 * @param {string} source a file or an address
 * @param {import('../../lib/lowtropy.js').Limits} limits
 * @param {Uint8Array | string} [given] what `readModelFile` made of it
 * @returns {Promise<{ model: Model, fileBytes: number }>}
 */
export async function openModel(source, limits, given) {
  const progress = makeProgress(`Loading ${nameOf(source)}`);
  let fileBytes = 0;
  const input = given ?? (await readModelFile(source));
  try {
    const model = await Model.load(input, {
      ...limits,
      onProgress({ loaded, total }) {
        fileBytes = loaded;
        progress(loaded, total);
      },
    });
    return { model, fileBytes };
  } catch (error) {
    if (error instanceof LimitError) throw limitError(`${nameOf(source)} is not loaded`, error);
    if (error instanceof FileError && typeof input !== 'string') {
      throw new CommandError(`${nameOf(source)} cannot be loaded. ${error.message}`);
    }
    throw error;
  }
}
