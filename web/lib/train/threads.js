// SPDX-License-Identifier: Apache-2.0

import { initTraining, trainingModule } from '../core/training.js';
import { ThreadTransport } from '../transport/threads.js';

/** Where this file is. A variable, so that bundlers do not take the script below for an asset. */
const here = import.meta.url;

/**
 * Peers as threads, all with the same compiled WebAssembly.
 *
 * @param {import('../core/engine.js').InitOptions} wasm
 * @returns {Promise<ThreadTransport>}
 */
export async function startThreads(wasm) {
  await initTraining(wasm);
  return new ThreadTransport(
    {
      web: () => new Worker(new URL('./peer.js', import.meta.url), { type: 'module' }),
      script: () => new URL('./peer.js', here),
    },
    { module: trainingModule() },
  );
}

/**
 * The data of all threads, once for all of them where threads can share memory: in Node.js, and in
 * pages that are isolated from others.
 *
 * @param {Uint8Array[]} body
 * @returns {Uint8Array[]}
 */
export function shareAmongThreads(body) {
  if (typeof SharedArrayBuffer !== 'function') return body;
  return body.map((bytes) => {
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
    shared.set(bytes);
    return shared;
  });
}
