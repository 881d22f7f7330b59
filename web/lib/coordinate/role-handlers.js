// SPDX-License-Identifier: Apache-2.0

import { checkOpen } from './request-checks.js';
import { ServerRole } from './server-role.js';
import { WorkerRole } from './worker-role.js';

/**
 * @typedef {import('../transport/requests.js').Handler} Handler
 *
 * @typedef {object} Kit what both roles compute with, handed over by whoever gives a role a place
 * @property {(welcome: any) => Promise<unknown>} init makes the rest ready
 * @property {typeof import('../updates/aggregator.js').Aggregator} Aggregator
 * @property {typeof import('../updates/compressor.js').Compressor} Compressor
 * @property {typeof import('../learn/dataset.js').Dataset} Dataset
 * @property {typeof import('../learn/trainer.js').Trainer} Trainer
 * @property {typeof import('../updates/message.js').checkMessage} checkMessage
 */

/**
 * What the server or a worker answers. The first request must be `open`, which says which of them it is;
 * then it answers that one's requests.
 *
 * @param {Kit} kit
 * @param {any} welcome what `kit.init` takes
 * @returns {Record<string, Handler>}
 */
export function roleHandlers(kit, welcome) {
  /** @type {Record<string, Handler>} */
  const handlers = {
    async open(fields, body) {
      const checked = checkOpen(fields, body);
      await kit.init(welcome);
      const Role = checked.role === 'server' ? ServerRole : WorkerRole;
      const role = new Role(kit, checked, body);
      delete handlers.open; // it is something now, and stays that
      Object.assign(handlers, role.handlers);
      return { value: { weightCount: role.weightCount } };
    },
  };
  return handlers;
}
