// SPDX-License-Identifier: Apache-2.0

import { ServerPeer } from './server-peer.js';
import { WorkerPeer } from './worker-peer.js';

/**
 * @typedef {import('../transport/requests.js').Handler} Handler
 * @typedef {import('./kit.js').Kit} Kit
 */

/**
 * What a peer answers. The first request must be `open`, which says whether it is the server or a
 * worker; it then answers that one's requests.
 *
 * @param {Kit} kit
 * @param {any} welcome what `kit.init` takes
 * @returns {Record<string, Handler>}
 */
export function peerHandlers(kit, welcome) {
  /** @type {Record<string, Handler>} */
  const handlers = {
    async open(fields, body) {
      await kit.init(welcome);
      if (fields.role === 'server') {
        const server = new ServerPeer(kit, /** @type {any} */ (fields), body);
        Object.assign(handlers, server.handlers);
        return { value: { weightCount: server.weightCount } };
      }
      Object.assign(handlers, new WorkerPeer(kit, /** @type {any} */ (fields), body).handlers);
      return {};
    },
  };
  return handlers;
}
