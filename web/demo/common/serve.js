// SPDX-License-Identifier: Apache-2.0

/** A worker's side of `Client`. */

/**
 * @typedef {{ onProgress: (progress: any) => void, signal: AbortSignal }} Control
 * @typedef {(payload: any, control: Control) => unknown} Handler
 */

/** What can be stopped. @type {Map<number, AbortController>} */
const running = new Map();

/**
 * Answers requests by the handlers of their names. A Uint8Array as the result is handed over, not
 * copied.
 *
 * @param {Record<string, Handler>} handlers
 */
export function serve(handlers) {
  self.addEventListener('message', async ({ data: { id, type, payload } }) => {
    if (type === 'cancel') {
      running.get(id)?.abort();
      return;
    }
    const controller = new AbortController();
    running.set(id, controller);
    try {
      const value = await handlers[type](payload, {
        onProgress: (progress) => self.postMessage({ id, type: 'progress', progress }),
        signal: controller.signal,
      });
      const transfer = value instanceof Uint8Array ? [value.buffer] : [];
      self.postMessage({ id, type: 'result', value }, { transfer });
    } catch (error) {
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      self.postMessage({ id, type: 'error', name, message });
    } finally {
      running.delete(id);
    }
  });
}

/**
 * Tells the page something that it did not ask for.
 *
 * @param {string} name
 * @param {unknown} value
 */
export function tell(name, value) {
  self.postMessage({ type: 'event', name, value });
}
