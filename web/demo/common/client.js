// SPDX-License-Identifier: Apache-2.0

/** A worker, as promises. */

/**
 * @typedef {{ id: number, type: 'progress', progress: any }
 *   | { id: number, type: 'result', value: any }
 *   | { id: number, type: 'error', name: string, message: string }
 *   | { type: 'event', name: string, value: any }} FromWorker
 *
 * @typedef {object} Pending
 * @property {(value: any) => void} resolve
 * @property {(error: Error) => void} reject
 * @property {((progress: any) => void) | undefined} onProgress
 *
 * @typedef {Record<string, [payload: any, result: any]>} Requests what is sent, and what comes back
 */

/** How long a worker may take to end the workers that it started. */
const LAST_REQUEST_MS = 3000;

/** @template {Requests} R */
export class Client {
  #worker;
  #lastId = 0;
  /** @type {Map<number, Pending>} */
  #pending = new Map();
  /** @type {Error | undefined} */
  #broken;
  #onEvent;

  /**
   * @param {Worker} worker that answers by `serve`
   * @param {(name: string, value: any) => void} [onEvent] what it tells without being asked; of a
   *   worker that dies, 'broken' and the error
   */
  constructor(worker, onEvent = () => {}) {
    this.#worker = worker;
    this.#onEvent = onEvent;
    worker.addEventListener('message', ({ data }) => this.#receive(data));
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      this.#break(event.message || 'it could not be loaded');
    });
    worker.addEventListener('messageerror', () => this.#break('a message was damaged'));
  }

  /**
   * @template {keyof R & string} T
   * @param {T} type
   * @param {R[T][0]} payload
   * @param {{
   *   onProgress?: (progress: any) => void,
   *   signal?: AbortSignal,
   *   transfer?: Transferable[],
   * }} [options] signal: asks the worker to stop; it then rejects with an AbortError, unless it was
   *   done already
   * @returns {Promise<R[T][1]>}
   */
  request(type, payload, { onProgress, signal, transfer = [] } = {}) {
    if (this.#broken) return Promise.reject(this.#broken);
    const id = ++this.#lastId;
    signal?.addEventListener('abort', () => this.#worker.postMessage({ id, type: 'cancel' }));
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject, onProgress });
      this.#worker.postMessage({ id, type, payload }, transfer);
    });
  }

  /**
   * Ends the worker; what it was asked for is rejected at once.
   *
   * @param {keyof R & string} request to end its own workers, which it is sent before. Those would
   *   end with it, but Chromium then keeps it, and one of them, every fiftieth time.
   */
  end(request) {
    this.#fail(new DOMException('It was stopped.', 'AbortError'));
    const id = ++this.#lastId;
    const terminate = () => this.#worker.terminate();
    this.#worker.addEventListener('message', ({ data }) => data.id === id && terminate());
    setTimeout(terminate, LAST_REQUEST_MS);
    this.#worker.postMessage({ id, type: request });
  }

  /** Ends the worker at once, in the midst of whatever it does; what it was asked for is rejected. */
  terminate() {
    this.#worker.terminate();
    this.#fail(new DOMException('It was stopped.', 'AbortError'));
  }

  /** @param {FromWorker} message */
  #receive(message) {
    if (message.type === 'event') {
      this.#onEvent(message.name, message.value);
      return;
    }
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
    const error = new Error(`A worker of this page failed (${reason}); reload the page to go on.`);
    this.#fail(error);
    this.#onEvent('broken', error);
  }

  /** @param {Error} error */
  #fail(error) {
    this.#broken = error;
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}

/** @param {unknown} error */
export function isAbort(error) {
  return error instanceof Error && error.name === 'AbortError';
}

/**
 * @param {unknown} error
 * @returns {string} a sentence
 */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}
