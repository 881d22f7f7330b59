// SPDX-License-Identifier: Apache-2.0

/** What the coordinator asks the server and the workers for, looked at before anything is done. */

import { ShapeError, ValueError } from '../core/errors.js';
import { checkInteger, checkKeys, checkName } from '../core/check.js';
import { checkData } from '../learn/data.js';
import { checkSettings } from './options.js';

/**
 * @typedef {import('../transport/transport.js').Head} Head
 * @typedef {import('../learn/data.js').DataSpec} DataSpec
 * @typedef {import('./role-handlers.js').Kit} Kit
 * @typedef {import('./options.js').Settings} Settings
 * @typedef {import('../updates/tensors.js').Layout} Layout
 *
 * @typedef {object} OpenFields
 * @property {'server' | 'worker'} role
 * @property {Settings} settings
 * @property {DataSpec} spec
 * @property {number} worker its number; of the server 0
 * @property {number} stream of random numbers; no two workers have had the same, and 0 is the server's
 */

/**
 * @param {Head} fields of the first request
 * @param {Uint8Array[]} body the data
 * @returns {OpenFields}
 */
export function checkOpen(fields, body) {
  const role = checkName(fields.role, 'The role', /** @type {const} */ (['server', 'worker']));
  const spec = checkSpec(fields.spec, body);
  const settings = checkSettings(fields.settings, spec.kind);
  if (role === 'server') return { role, settings, spec, worker: 0, stream: 0 };
  const worker = checkInteger(fields.worker, 'The worker', 0, settings.workers - 1);
  const stream = checkInteger(fields.stream, 'The stream', 1, 2 ** 32 - 1);
  return { role, settings, spec, worker, stream };
}

/**
 * @param {unknown} spec
 * @param {Uint8Array[]} body
 * @returns {DataSpec}
 */
function checkSpec(spec, body) {
  const given = checkKeys(spec, 'The data', ['kind', 'count', 'seed', 'steps']);
  const kind = checkName(
    given.kind,
    'The kind of data',
    /** @type {const} */ (['digits', 'idx', 'text']),
  );
  const { count, seed, steps } = /** @type {Partial<DataSpec>} */ (given);
  if (kind === 'digits') {
    checkParts(body, 0, 'digits');
    checkData({ digits: Number(count), seed });
    return { kind, count, seed };
  }
  if (kind === 'text') {
    checkParts(body, 1, 'a text');
    checkData({ text: body[0], steps });
    return { kind, steps };
  }
  if (body.length !== 2 && body.length !== 4) checkParts(body, 2, 'images');
  return { kind };
}

/**
 * @param {Uint8Array[]} body
 * @param {number} count
 * @param {string} what
 */
export function checkParts(body, count, what) {
  if (body.length === count) return;
  throw new ShapeError(`There are ${body.length} parts of ${what}, where ${count} belong.`);
}

/**
 * All of a round's messages, before the first of them is applied.
 *
 * @param {Kit} kit
 * @param {Uint8Array[]} messages
 * @param {Layout} layout
 * @param {number} round
 */
export function checkMessages(kit, messages, layout, round) {
  for (const message of messages) {
    const found = kit.checkMessage(message, layout);
    if (found.round !== round) {
      throw new ValueError(`A message is of round ${found.round}, not ${round}.`);
    }
  }
}
