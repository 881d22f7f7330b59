// SPDX-License-Identifier: Apache-2.0

/** Files in and out, and what is said where they cannot be had. */

import { fstatSync } from 'node:fs';
import { access, constants, open, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { isLfsPointer } from '../../lib/core/file-kinds.js';
import { checkReplaceable, followLinks, replaceFile } from './replace-file.js';

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
  EPIPE: 'cannot be written: whoever reads it has stopped',
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
  return new CommandError(`${nameOf(file)} ${REASONS[code] ?? `cannot be used: ${message}`}.`);
}

/** What stands for standard input or standard output in place of a file. */
const STANDARD = '-';

/**
 * @param {string} file
 * @returns {string} as a sentence has it
 */
export function nameOf(file) {
  return file === STANDARD ? 'Standard input' : file;
}

/**
 * Reads a whole file, pipe or device; standard input where it is called "-".
 *
 * @param {string} file
 * @param {number} limit bytes
 * @returns {Promise<Buffer<ArrayBuffer>>}
 * @throws {CommandError} a sentence that names the file; also for a pointer of Git LFS in its place
 */
export async function readInput(file, limit) {
  try {
    const bytes = isStandardInput(file) ? await readStandardInput(limit) : await read(file, limit);
    if (!isLfsPointer(bytes)) return bytes;
    throw new CommandError(
      `${nameOf(file)} is a pointer of Git LFS, not the file itself: fetch that with "git lfs pull".`,
    );
  } catch (error) {
    throw error instanceof LimitError
      ? new CommandError(`${nameOf(file)} is larger than the ${limit} bytes allowed.`)
      : fileError(file, error);
  }
}

/** More was read than is allowed. */
class LimitError extends Error {}

/** @param {string} file */
function isStandardInput(file) {
  return file === STANDARD || file === '/dev/stdin';
}

/** Whether it was read: it can be only once. */
let standardInputRead = false;

/** @param {number} limit */
async function readStandardInput(limit) {
  if (standardInputRead) {
    throw new CommandError('Standard input can be read only once, for one of the files.');
  }
  standardInputRead = true;
  return collect(process.stdin, limit);
}

/**
 * @param {string} file
 * @param {number} limit
 */
async function read(file, limit) {
  const handle = await open(file);
  try {
    const status = await handle.stat();
    if (status.isFile() && status.size > limit) throw new LimitError();
    // Pipes and devices do not tell their size, and may never end.
    return await collect(handle.createReadStream({ autoClose: false }), limit);
  } finally {
    await handle.close();
  }
}

/**
 * @param {AsyncIterable<Buffer<ArrayBuffer>>} stream
 * @param {number} limit
 */
async function collect(stream, limit) {
  const chunks = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > limit) throw new LimitError();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * @param {string} file
 * @returns {Promise<NodeJS.WriteStream | undefined>} standard output or error, where it is one of
 *   them by whatever name
 */
async function standardStream(file) {
  if (file === STANDARD) return process.stdout;
  const status = await stat(file, { bigint: true }).catch(() => undefined);
  return [process.stdout, process.stderr].find((stream, index) => {
    const own = fstatSync(index + 1, { bigint: true });
    return status && own.ino === status.ino && own.dev === status.dev;
  });
}

/**
 * @param {string} file
 * @returns {Promise<boolean>} whether what is said should not be said on standard output, because
 *   this may go there
 */
export async function goesToStream(file) {
  if (await standardStream(file)) return true;
  const existing = await stat(file).catch(() => undefined);
  return Boolean(existing && !existing.isFile() && !existing.isDirectory());
}

/**
 * Writes a file whole or not at all. Standard output ("-"), pipes and devices, which are not to be
 * replaced, are written to; of a symbolic link, what it stands for is replaced.
 *
 * @param {string} file
 * @param {Uint8Array} bytes
 * @throws {CommandError}
 */
export async function writeOutput(file, bytes) {
  try {
    const stream = await standardStream(file);
    if (stream) {
      await writeTo(stream, bytes);
      return;
    }
    const existing = await stat(file).catch(() => undefined);
    if (existing?.isDirectory()) throw new CommandError(`${file} is a folder, not a file.`);
    await replaceFile(file, bytes);
  } catch (error) {
    throw fileError(file === STANDARD ? 'Standard output' : file, error);
  }
}

/**
 * @param {NodeJS.WriteStream} stream
 * @param {Uint8Array} bytes
 * @returns {Promise<void>}
 */
function writeTo(stream, bytes) {
  return new Promise((resolve, reject) => {
    stream.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

/**
 * Whether a file could be written, for those that would learn it only after hours.
 *
 * @param {string} file
 * @throws {CommandError} names the file, or the folder it is to be in
 */
export async function checkOutput(file) {
  if (await standardStream(file)) return;
  try {
    const existing = await stat(file).catch((error) => {
      if (error.code !== 'ENOENT') throw error;
    });
    if (existing?.isDirectory()) throw new CommandError(`${file} is a folder, not a file.`);
    if (/[/\\]$/.test(file)) throw new CommandError(`${file} is the name of a folder.`);
    if (existing && !existing.isFile()) await access(file, constants.W_OK);
    else await checkReplaceable(file);
  } catch (error) {
    const { path } = /** @type {NodeJS.ErrnoException} */ (error);
    throw fileError(path ?? file, error);
  }
}

/**
 * Whether both are one file, by whatever names, or would be if they were written.
 *
 * @param {string} a
 * @param {string} b
 */
export async function isSameFile(a, b) {
  if (a === STANDARD || b === STANDARD) {
    const [one, other] = await Promise.all([a, b].map(standardStream));
    return one === other;
  }
  const [first, second] = await Promise.all(
    [a, b].map((file) => stat(file, { bigint: true }).catch(() => undefined)),
  );
  if (first && second) return first.ino === second.ino && first.dev === second.dev;
  const [one, other] = await Promise.all([a, b].map(placeOf));
  return one !== undefined && one === other;
}

/**
 * @param {string} file
 * @returns {Promise<string | undefined>} its one name, if its folder is there
 */
async function placeOf(file) {
  try {
    const target = await followLinks(file);
    return join(await realpath(dirname(target)), basename(target));
  } catch {
    return undefined;
  }
}
