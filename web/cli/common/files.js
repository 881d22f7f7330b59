// SPDX-License-Identifier: Apache-2.0

/** Files in and out, and what is said where they cannot be had. */

import {
  access,
  constants,
  open,
  realpath,
  rename,
  stat,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** A file or an address that cannot be used; the message is a sentence that names it. */
export class CommandError extends Error {}

/** @type {Record<string, string>} */
const REASONS = {
  EACCES: 'may not be accessed',
  EISDIR: 'is a folder, not a file',
  ELOOP: 'is a link in a circle',
  EMFILE: 'cannot be opened: too many files are open',
  ENAMETOOLONG: 'has too long a name',
  ENOENT: 'does not exist',
  ENOSPC: 'cannot be written: the disk is full',
  ENOTDIR: 'does not exist: a part of its path is not a folder',
  EPERM: 'may not be accessed',
  EROFS: 'cannot be written: the disk is read-only',
};

/**
 * @param {string} file
 * @param {unknown} error
 * @returns {CommandError}
 */
function fileError(file, error) {
  if (error instanceof CommandError) return error;
  const { code = '', message } = /** @type {NodeJS.ErrnoException} */ (error);
  return new CommandError(`${file} ${REASONS[code] ?? `cannot be used: ${message}`}.`);
}

/**
 * @param {string} file
 * @param {number} limit bytes
 * @returns {Promise<Buffer<ArrayBuffer>>}
 * @throws {CommandError}
 */
export async function readInput(file, limit) {
  const tooLarge = () => new CommandError(`${file} is larger than the ${limit} bytes allowed.`);
  let handle;
  try {
    handle = await open(file);
    const status = await handle.stat();
    if (status.isFile() && status.size > limit) throw tooLarge();
    // Pipes and devices do not tell their size, and may never end.
    const chunks = [];
    let size = 0;
    for await (const chunk of handle.createReadStream({ autoClose: false })) {
      size += chunk.length;
      if (size > limit) throw tooLarge();
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } catch (error) {
    throw fileError(file, error);
  } finally {
    await handle?.close();
  }
}

/**
 * Writes a file whole or not at all: under another name beside it first, which then takes its place.
 *
 * @param {string} file
 * @param {Uint8Array} bytes
 * @throws {CommandError}
 */
export async function writeOutput(file, bytes) {
  const existing = await stat(file).catch(() => undefined);
  try {
    if (existing && !existing.isFile() && !existing.isDirectory()) {
      await writeFile(file, bytes); // A pipe or a device, which is not to be replaced.
      return;
    }
    if (existing?.isDirectory()) throw new CommandError(`${file} is a folder, not a file.`);
    const target = existing ? await realpath(file) : file;
    const temporary = join(dirname(target), `.${basename(target)}.${process.pid}.part`);
    const handle = await open(temporary, 'wx', 0o666);
    try {
      if (existing) await handle.chmod(existing.mode & 0o777);
      await handle.writeFile(bytes);
      await handle.sync();
      await handle.close();
      await rename(temporary, target);
    } catch (error) {
      await handle.close().catch(() => {});
      await unlink(temporary).catch(() => {});
      throw error;
    }
  } catch (error) {
    throw fileError(file, error);
  }
}

/**
 * Whether a file could be written, for those that would learn it only after hours.
 *
 * @param {string} file
 * @throws {CommandError}
 */
export async function checkOutput(file) {
  const existing = await stat(file).catch(() => undefined);
  if (existing?.isDirectory()) throw new CommandError(`${file} is a folder, not a file.`);
  const place = existing && !existing.isFile() ? file : dirname(file);
  await access(place, constants.W_OK).catch((error) => {
    throw fileError(place, error);
  });
}

/**
 * Whether both are one file, by whatever names.
 *
 * @param {string} a
 * @param {string} b
 */
export async function isSameFile(a, b) {
  const [first, second] = await Promise.all(
    [a, b].map((file) => stat(file, { bigint: true }).catch(() => undefined)),
  );
  return Boolean(first && second && first.ino === second.ino && first.dev === second.dev);
}
