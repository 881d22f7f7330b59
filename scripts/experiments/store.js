// SPDX-License-Identifier: Apache-2.0

/**
 * Finished runs, one JSON file each, named by all that decides their result: what was run once is
 * not run again. Several processes may share a folder; a lock beside each run keeps them apart.
 */

import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { replaceFile } from '../../web/cli/common/replace-file.js';

/**
 * @typedef {import('./plan.js').Settings} Settings
 * @typedef {import('./run.js').Result} Result
 * @typedef {{ settings: Settings, result: Result }} Run
 */

/** How often a run that another process is at is looked for. */
const POLL_MILLISECONDS = 1000;

export class Store {
  #folder;

  /** @param {string} folder */
  constructor(folder) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  /**
   * @param {Settings} settings
   * @param {string} ending
   */
  #path(settings, ending) {
    const digest = createHash('sha256')
      .update(JSON.stringify(sorted(settings)))
      .digest('hex');
    const name = `${settings.model}-${settings.compressor.name}-${digest.slice(0, 16)}`;
    return join(this.#folder, name + ending);
  }

  /**
   * @param {Settings} settings
   * @returns {Result | undefined} undefined where there is none yet
   */
  find(settings) {
    const path = this.#path(settings, '.json');
    if (!existsSync(path)) return undefined;
    return /** @type {Run} */ (JSON.parse(readFileSync(path, 'utf8'))).result;
  }

  /**
   * Runs those of a list that have no result yet, in its order, and waits for those that another
   * process is at.
   *
   * @param {Settings[]} list
   * @param {(settings: Settings) => Promise<Result>} run
   * @returns {Promise<Result[]>} in the order of the list
   */
  async complete(list, run) {
    const open = () => list.filter((settings) => !this.find(settings));
    for (let missing = open(); missing.length > 0; missing = open()) {
      let ran = false;
      for (const settings of missing) ran = (await this.#attempt(settings, run)) || ran;
      if (!ran) await sleep(POLL_MILLISECONDS);
    }
    return list.map((settings) => /** @type {Result} */ (this.find(settings)));
  }

  /**
   * @param {Settings} settings
   * @param {(settings: Settings) => Promise<Result>} run
   * @returns {Promise<boolean>} false where another process is at it, or has just finished it
   */
  async #attempt(settings, run) {
    const lock = this.#path(settings, '.lock');
    if (!takeLock(lock)) return false;
    try {
      if (this.find(settings)) return false;
      const text = JSON.stringify({ settings, result: await run(settings) }, null, 1);
      await replaceFile(this.#path(settings, '.json'), `${text}\n`);
      return true;
    } finally {
      rmSync(lock, { force: true });
    }
  }
}

/**
 * @param {string} path
 * @returns {boolean} whether it is ours now
 */
function takeLock(path) {
  try {
    const file = openSync(path, 'wx');
    writeFileSync(file, String(process.pid));
    closeSync(file);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
  }
  // Left by a process that was killed: whoever finds it removes it, and takes it the next time.
  if (!isAlive(lockOwner(path))) rmSync(path, { force: true });
  return false;
}

/** @param {string} path */
function lockOwner(path) {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch {
    return 0; // given back meanwhile
  }
}

/** @param {number} pid 0: not known, for example because it is being written */
function isAlive(pid) {
  if (pid === 0) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

/**
 * The same value with the keys of all objects in order, so that equal settings have equal text.
 *
 * @param {unknown} value
 * @returns {unknown}
 */
function sorted(value) {
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
