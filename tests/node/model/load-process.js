// SPDX-License-Identifier: Apache-2.0

/**
 * A process that loads one model and tells what memory it took, as JSON. Memory never comes back
 * from a heap, nor does a process forget its peak, so that this takes a process of its own.
 *
 *   node load-process.js stream|blob|address SOURCE
 */

import { createReadStream, openAsBlob, readFileSync } from 'node:fs';

import { Model, init } from '../../../web/lib/index.js';
import { heapBytes } from '../../support/heap.js';

/**
 * @typedef {object} Taken bytes
 * @property {number} heap of WebAssembly in the end, which is the most there was: it never shrinks
 * @property {number | undefined} growth of the process's resident memory at its peak; undefined
 *   where the system does not tell
 * @property {number} loaded
 */

/** @type {Record<string, (source: string) => any>} */
const openers = {
  stream: (path) => createReadStream(path),
  blob: (path) => openAsBlob(path),
  address: (url) => url,
};

/**
 * @param {'VmRSS' | 'VmHWM'} what now, or at the peak
 * @returns {number} bytes of resident memory; NaN where the system does not tell
 */
function residentBytes(what) {
  try {
    const [, kilobytes] =
      new RegExp(`${what}:\\s+(\\d+) kB`).exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    return 1024 * Number(kilobytes);
  } catch {
    return NaN;
  }
}

const [kind, source] = process.argv.slice(2);
await init();
const before = residentBytes('VmRSS');
let loaded = 0;
const model = await Model.load(await openers[kind](source), {
  onProgress: (progress) => (loaded = progress.loaded),
});
const growth = residentBytes('VmHWM') - before;
/** @type {Taken} */
const taken = { heap: heapBytes(), growth: Number.isNaN(growth) ? undefined : growth, loaded };
model.dispose();
console.log(JSON.stringify(taken));
