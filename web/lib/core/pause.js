// SPDX-License-Identifier: Apache-2.0

/** Long work that lets others work, too: it pauses often, so that an abort is seen and a page lives. */

import { throwIfAborted } from './stream.js';

/** A frame and a half of 50 a second: nobody sees it, and pauses take little of the time. */
const WORK_MS = 30;

/**
 * Until all events that wait have been handled. Not by a timer, which browsers hold up: a page that
 * is not in sight has one a second.
 *
 * @returns {Promise<void>}
 */
export function pause() {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') {
      setImmediate(resolve);
    } else if (typeof MessageChannel === 'function') {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(0);
    } else {
      setTimeout(resolve, 0);
    }
  });
}

/** When events were let in last, whoever did it: short pieces of work after each other are long, too. */
let last = -Infinity;

/** The pauses of one piece of long work. */
export class Pauses {
  /** @type {AbortSignal | undefined} */
  #signal;

  /** @param {AbortSignal} [signal] that ends the work; its reason is thrown */
  constructor(signal) {
    throwIfAborted(signal);
    this.#signal = signal;
  }

  /** Called often; pauses when it is time. */
  async take() {
    if (performance.now() - last >= WORK_MS) {
      await pause();
      last = performance.now();
    }
    throwIfAborted(this.#signal);
  }
}
