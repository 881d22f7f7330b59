// SPDX-License-Identifier: Apache-2.0

/**
 * Files that are replaced whole or not at all. What is written goes under another name beside the
 * file first, which then takes its place. That name is by chance: one left by a process that was
 * killed stands in nobody's way, and a name as long as can be leaves room for it. It is removed when
 * the process ends before it is whole, by signals too.
 */

import { randomBytes } from 'node:crypto';
import { unlinkSync } from 'node:fs';
import { open, readlink, realpath, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';

/** @typedef {import('node:fs/promises').FileHandle} FileHandle */

const SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
/** As the system has it. */
const MOST_LINKS = 40;

/** Paths that are to be removed if the process ends now. @type {Set<string>} */
const unfinished = new Set();

function removeUnfinished() {
  for (const path of unfinished) {
    try {
      unlinkSync(path);
    } catch {
      // It is gone already, or its folder is.
    }
  }
  unfinished.clear();
}

/**
 * Does for a signal what would have been done without this, unless somebody else deals with it.
 *
 * @param {NodeJS.Signals} signal
 */
function onSignal(signal) {
  if (process.listenerCount(signal) > 1) return;
  removeUnfinished();
  unwatch();
  process.kill(process.pid, signal);
}

function watch() {
  process.on('exit', removeUnfinished);
  for (const signal of SIGNALS) process.on(signal, onSignal);
}

function unwatch() {
  process.off('exit', removeUnfinished);
  for (const signal of SIGNALS) process.off(signal, onSignal);
}

/**
 * @template T
 * @param {string} folder
 * @param {(handle: FileHandle, path: string) => Promise<T>} work after which the file must be moved
 *   away, or is removed
 * @returns {Promise<T>}
 */
async function withTemporary(folder, work) {
  const path = join(folder, `.lowtropy-${randomBytes(9).toString('hex')}.part`);
  if (unfinished.size === 0) watch();
  unfinished.add(path);
  /** @type {FileHandle | undefined} */
  let handle;
  try {
    handle = await open(path, 'wx', 0o666);
    return await work(handle, path);
  } finally {
    await handle?.close().catch(() => {});
    if (handle) await unlink(path).catch(() => {});
    unfinished.delete(path);
    if (unfinished.size === 0) unwatch();
  }
}

/**
 * @param {string} file
 * @returns {Promise<string>} the path that it stands for, if it is a symbolic link; there need not be
 *   anything
 */
export async function followLinks(file) {
  let path = file;
  for (let links = 0; links < MOST_LINKS; ++links) {
    const next = await readlink(path).catch((/** @type {NodeJS.ErrnoException} */ error) => {
      if (error.code === 'EINVAL' || error.code === 'ENOENT') return undefined; // no link
      throw error;
    });
    if (next === undefined) return path;
    path = isAbsolute(next) ? next : join(await realpath(dirname(path)), next);
  }
  throw Object.assign(new Error('too many links'), { code: 'ELOOP' });
}

/**
 * @param {string} file a symbolic link stays one: what it stands for is replaced. A pipe or a device
 *   is not replaced, but written to
 * @param {Uint8Array | string | AsyncIterable<Uint8Array | string>} content
 * @returns {Promise<void>}
 * @throws {NodeJS.ErrnoException} and then what was there is there still
 */
export async function replaceFile(file, content) {
  const existing = await stat(file).catch(() => undefined);
  if (existing && !existing.isFile() && !existing.isDirectory()) return writeFile(file, content);
  const target = await followLinks(file);
  await withTemporary(dirname(target), async (handle, path) => {
    if (existing) await handle.chmod(existing.mode & 0o777);
    await writeFile(handle, content);
    await handle.sync();
    await handle.close();
    await rename(path, target);
  });
}

/**
 * Whether `replaceFile` could do its work now.
 *
 * @param {string} file
 * @throws {NodeJS.ErrnoException & { path: string }} path: the file, or the folder it is to be in
 */
export async function checkReplaceable(file) {
  const target = await followLinks(file);
  const folder = dirname(target);
  await withTemporary(folder, async () => {}).catch((error) => {
    throw Object.assign(error, { path: folder });
  });
  const [existing, place] = [await stat(target).catch(() => undefined), await stat(folder)];
  const user = process.getuid?.();
  // In a folder as /tmp everybody may make files, but only replace their own.
  if (!existing || user === undefined || user === 0 || !(place.mode & 0o1000)) return;
  if (existing.uid !== user && place.uid !== user) {
    throw Object.assign(new Error('not the owner'), { code: 'EPERM', path: file });
  }
}
