// SPDX-License-Identifier: Apache-2.0

import code from '../../../dist/lowtropy-training.thread.js';
import { initTraining } from '../core/init-training.js';
import { trainingModule } from '../core/training.js';
import { ThreadTransport } from '../transport/threads.js';

/** Where this file is. A variable, so that bundlers do not take the script below for an asset. */
const here = import.meta.url;

/**
 * The server and the workers as threads, all with the same compiled WebAssembly.
 *
 * @param {import('../core/engine.js').InitOptions} wasm
 * @returns {Promise<ThreadTransport>}
 */
export async function startThreads(wasm) {
  await initTraining(wasm);
  return new ThreadTransport(
    {
      code,
      web: () => new Worker(new URL('./thread.js', import.meta.url), { type: 'module' }),
      // In a script that a bundler made this is unknown, or where it was when that was made.
      script: () => (here ? new URL('./thread.js', here) : undefined),
    },
    { module: trainingModule() },
  );
}

/**
 * Memory that all threads see, where threads can share it: in Node.js, and in pages that are isolated
 * from others.
 *
 * @param {number} size bytes
 * @returns {Uint8Array}
 */
export function allocateShared(size) {
  return typeof SharedArrayBuffer === 'function'
    ? new Uint8Array(new SharedArrayBuffer(size))
    : new Uint8Array(size);
}

/**
 * @param {Uint8Array} bytes
 * @returns {Uint8Array} the same, in such memory
 */
export function shareAmongThreads(bytes) {
  if (typeof SharedArrayBuffer !== 'function' || bytes.buffer instanceof SharedArrayBuffer) {
    return bytes;
  }
  const shared = allocateShared(bytes.length);
  shared.set(bytes);
  return shared;
}
