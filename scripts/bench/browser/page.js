// SPDX-License-Identifier: Apache-2.0

/** What the benchmark runs within the page: the same as in Node.js. */

import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';

import { init } from '../../../web/lib/index.js';
import { measureRow } from '../measure.js';
import { chooseEngines } from '../peers.js';

/** @typedef {import('../measure.js').Measured} Measured */

const peerWasm = new URL(
  '../../../node_modules/@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm',
  import.meta.url,
).href;
// It asks for all its builds, and takes the one with SIMD and one thread: see engines/tfjs.js.
setWasmPaths({
  'tfjs-backend-wasm.wasm': peerWasm,
  'tfjs-backend-wasm-simd.wasm': peerWasm,
  'tfjs-backend-wasm-threaded-simd.wasm': peerWasm,
});

/** @type {import('../rows.js').Sources} */
const sources = {
  async squeezeNet() {
    const [net, prototxt] = await Promise.all(['net', 'prototxt'].map((name) => fetch(name)));
    if (!net.ok || !prototxt.ok) return undefined;
    return { net: new Uint8Array(await net.arrayBuffer()), prototxt: await prototxt.text() };
  },
};

/**
 * @param {string} name of the row
 * @param {{ format: string, peer: string[], rounds: number }} options
 * @returns {Promise<Measured | undefined>}
 */
async function measure(name, options) {
  await init();
  return measureRow(name, sources, chooseEngines(options), options);
}

Object.assign(globalThis, { measure });
