// SPDX-License-Identifier: Apache-2.0

import { checkOpen } from './request-checks.js';
import { ServerPeer } from './server-peer.js';
import { WorkerPeer } from './worker-peer.js';

/**
 * @typedef {import('../transport/requests.js').Handler} Handler
 * @typedef {import('../learn/kit.js').Kit} Kit
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
      const checked = checkOpen(fields, body);
      await kit.init(welcome);
      const Peer = checked.role === 'server' ? ServerPeer : WorkerPeer;
      const peer = new Peer(kit, checked, body);
      delete handlers.open; // it is something now, and stays that
      Object.assign(handlers, peer.handlers);
      return { value: { weightCount: peer.weightCount } };
    },
  };
  return handlers;
}
