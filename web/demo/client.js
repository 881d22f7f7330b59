// SPDX-License-Identifier: Apache-2.0

/** The worker, as promises. */

/**
 * @typedef {import('./protocol.js').FromWorker} FromWorker
 * @typedef {import('./protocol.js').Progress} Progress
 * @typedef {import('./protocol.js').Requests} Requests
 *
 * @typedef {object} Pending
 * @property {(value: any) => void} resolve
 * @property {(error: Error) => void} reject
 * @property {((progress: Progress) => void) | undefined} onProgress
 */

export class Client {
  #worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  #lastId = 0;
  /** @type {Map<number, Pending>} */
  #pending = new Map();
  /** @type {Error | undefined} */
  #broken;

  constructor() {
    this.#worker.addEventListener('message', ({ data }) => this.#receive(data));
    this.#worker.addEventListener('error', ({ message }) => this.#break(message));
    this.#worker.addEventListener('messageerror', () => this.#break('a message was damaged'));
  }

  /**
   * @template {keyof Requests} T
   * @param {T} type
   * @param {Requests[T][0]} payload
   * @param {{ onProgress?: (progress: Progress) => void, signal?: AbortSignal }} [options] signal:
   *   asks the worker to stop; it then rejects with an AbortError, unless it was done already
   * @returns {Promise<Requests[T][1]>}
   */
  request(type, payload, { onProgress, signal } = {}) {
    if (this.#broken) return Promise.reject(this.#broken);
    const id = ++this.#lastId;
    signal?.addEventListener('abort', () => this.#worker.postMessage({ id, type: 'cancel' }));
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject, onProgress });
      this.#worker.postMessage({ id, type, payload });
    });
  }

  /** @param {FromWorker} message */
  #receive(message) {
    const pending = this.#pending.get(message.id);
    if (message.type === 'progress') {
      pending?.onProgress?.(message.progress);
      return;
    }
    this.#pending.delete(message.id);
    if (message.type === 'result') {
      pending?.resolve(message.value);
    } else {
      const error = new Error(message.message);
      error.name = message.name;
      pending?.reject(error);
    }
  }

  /** @param {string} reason */
  #break(reason) {
    this.#broken = new Error(
      `The page's worker failed (${reason || 'it could not be loaded'}); reload the page to go on.`,
    );
    for (const { reject } of this.#pending.values()) reject(this.#broken);
    this.#pending.clear();
  }
}
