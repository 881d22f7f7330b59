// SPDX-License-Identifier: Apache-2.0

import { lowtropy } from './engines/lowtropy.js';
import { onnxruntime } from './engines/onnxruntime.js';
import { tfjs } from './engines/tfjs.js';

/** @typedef {import('./engines/engine.js').Engine} Engine */

/** By what they are called in options. @type {Record<string, Engine>} */
export const PEERS = { ort: onnxruntime, tfjs };

/**
 * @param {{ format: string, peer: string[] }} options peer: which ones, by their names in `PEERS`
 * @returns {Engine[]} ours first
 * @throws {Error} for a peer that there is not
 */
export function chooseEngines({ format, peer }) {
  const peers = peer.map((name) => {
    if (!Object.hasOwn(PEERS, name)) throw new Error(`There is no peer "${name}".`);
    return PEERS[name];
  });
  return [lowtropy(/** @type {'auto'} */ (format)), ...peers];
}
