// SPDX-License-Identifier: Apache-2.0

/** The worker: answers the page's requests from its session. */

import { init } from '../lib/index.js';
import { Session } from './session.js';

/**
 * @typedef {import('./protocol.js').FromWorker} FromWorker
 * @typedef {import('./protocol.js').ToWorker} ToWorker
 */

const session = new Session();

/** What can be stopped. @type {Map<number, AbortController>} */
const running = new Map();

// The WebAssembly is compiled before anybody asks; who asks first is told what goes wrong.
init().catch(() => {});

/**
 * @param {FromWorker} message
 * @param {Transferable[]} [transfer]
 */
function send(message, transfer = []) {
  self.postMessage(message, { transfer });
}

/**
 * @param {Exclude<ToWorker, { type: 'cancel' }>} request
 * @param {AbortSignal} signal
 */
async function answer(request, signal) {
  const { id } = request;
  switch (request.type) {
    case 'open':
      return session.open(request.payload, {
        onProgress: (progress) => send({ id, type: 'progress', progress }),
        signal,
      });
    case 'recode':
      return session.recode(request.payload);
    case 'show':
      return session.show(request.payload);
    case 'run':
      return session.run();
    case 'save':
      return session.save();
  }
}

self.addEventListener('message', async (/** @type {MessageEvent<ToWorker>} */ { data }) => {
  if (data.type === 'cancel') {
    running.get(data.id)?.abort();
    return;
  }
  const { id } = data;
  const controller = new AbortController();
  running.set(id, controller);
  try {
    const value = await answer(data, controller.signal);
    send({ id, type: 'result', value }, value instanceof Uint8Array ? [value.buffer] : []);
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    send({ id, type: 'error', name, message });
  } finally {
    running.delete(id);
  }
});
