// SPDX-License-Identifier: Apache-2.0

/** Files, where the engine has them. */

import { FileError } from './errors.js';
import { reasonOf } from './reasons.js';

/** Pieces in which a file is read. */
const PIECE_BYTES = 1 << 20;

/** Whether strings that are no addresses are paths: in Node.js, but not in a window of Electron. */
export function hasFiles() {
  const { process } = globalThis;
  return (
    typeof process?.versions?.node === 'string' && /** @type {any} */ (process).type !== 'renderer'
  );
}

/**
 * A module of Node.js, by a name that bundlers for browsers do not see.
 *
 * @param {string} name
 * @returns {Promise<any>}
 */
export async function nodeModule(name) {
  const builtin = globalThis.process?.getBuiltinModule?.(name);
  return builtin ?? import(/* @vite-ignore */ /* webpackIgnore: true */ name);
}

/**
 * @param {string | URL} address a path, or an address with the scheme file
 * @param {string} what it is to be, with its article, as "The model"
 * @returns {Promise<{ chunks: AsyncIterable<Uint8Array>, size: number | undefined }>} size:
 *   undefined of what does not tell it, such as a pipe
 * @throws {FileError}
 */
export async function openFile(address, what) {
  try {
    const [{ open }, { fileURLToPath }] = await Promise.all([
      nodeModule('node:fs/promises'),
      nodeModule('node:url'),
    ]);
    const path = typeof address === 'string' ? address : fileURLToPath(address.href);
    const handle = await open(path);
    const status = await handle.stat();
    if (status.isDirectory()) {
      await handle.close();
      throw Object.assign(new Error(), { code: 'EISDIR' });
    }
    // Files of the kernel's, which are made as they are read, say that they have no bytes.
    const size = status.isFile() && status.size > 0 ? status.size : undefined;
    return { chunks: handle.createReadStream({ highWaterMark: PIECE_BYTES }), size };
  } catch (error) {
    throw new FileError(`${what} cannot be read from ${address}: ${reasonOf(error)}.`, {
      cause: error,
    });
  }
}
