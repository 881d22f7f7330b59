// SPDX-License-Identifier: Apache-2.0

/** Peers that are threads of this process: Web Workers, or worker_threads in Node.js. */

/**
 * @typedef {import('./transport.js').Channel} Channel
 * @typedef {import('./transport.js').Frame} Frame
 * @typedef {import('./transport.js').Listener} Listener
 * @typedef {import('./transport.js').Transport} Transport
 *
 * @typedef {{ web: () => Worker, script: () => URL }} ThreadSource how to start one; web must be
 *   literally `() => new Worker(new URL('./x.js', import.meta.url), { type: 'module' })`, for that
 *   is what bundlers look for, and script is the same address for Node.js
 */

/** A variable, so that bundlers for browsers leave the import alone. */
const NODE_THREADS = 'node:worker_threads';

/** @implements {Transport} */
export class ThreadTransport {
  #source;
  #welcome;

  /**
   * @param {ThreadSource} source
   * @param {unknown} welcome what each thread gets before all frames: anything that can be posted
   */
  constructor(source, welcome) {
    this.#source = source;
    this.#welcome = welcome;
  }

  /**
   * @param {string} name
   * @param {Listener} listener
   * @returns {Promise<Channel>}
   */
  async connect(name, listener) {
    let open = true;
    const lost = (/** @type {string} */ reason) => {
      if (open) listener.onLost(reason);
      open = false;
    };
    const receive = (/** @type {Frame} */ frame) => {
      if (open) listener.onFrame(frame);
    };
    const thread =
      typeof Worker === 'function'
        ? startWebWorker(this.#source.web, receive, lost)
        : await startNodeThread(this.#source.script(), name, receive, lost);
    thread.post(this.#welcome, []);
    return {
      send: (frame) => open && postFrame(thread.post, frame),
      close: async () => {
        open = false;
        await thread.terminate();
      },
    };
  }
}

/**
 * @typedef {object} Thread
 * @property {(message: unknown, transfer: ArrayBuffer[]) => void} post
 * @property {() => unknown} terminate
 */

/**
 * @param {() => Worker} start
 * @param {(frame: Frame) => void} receive
 * @param {(reason: string) => void} lost
 * @returns {Thread}
 */
function startWebWorker(start, receive, lost) {
  const worker = start();
  worker.addEventListener('message', ({ data }) => receive(data));
  worker.addEventListener('error', (event) => {
    event.preventDefault();
    worker.terminate(); // A Web Worker survives its errors, but in an unknown state.
    lost(event.message || 'its script could not be loaded');
  });
  worker.addEventListener('messageerror', () => lost('a message arrived damaged'));
  return {
    post: (message, transfer) => worker.postMessage(message, transfer),
    terminate: () => worker.terminate(),
  };
}

/**
 * @param {URL} script
 * @param {string} name
 * @param {(frame: Frame) => void} receive
 * @param {(reason: string) => void} lost
 * @returns {Promise<Thread>}
 */
async function startNodeThread(script, name, receive, lost) {
  /** @type {typeof import('node:worker_threads')} */
  const threads = await import(/* @vite-ignore */ /* webpackIgnore: true */ NODE_THREADS);
  const worker = new threads.Worker(script, { name });
  worker.on('message', receive);
  worker.on('error', (error) => lost(error instanceof Error ? error.message : String(error)));
  worker.on('messageerror', () => lost('a message arrived damaged'));
  worker.on('exit', (code) => lost(`its thread ended with code ${code}`));
  return {
    post: (message, transfer) => worker.postMessage(message, transfer),
    terminate: () => worker.terminate(),
  };
}

/**
 * Listens in a thread to the one that started it.
 *
 * @param {(welcome: any, frame: Frame, send: (frame: Frame) => void) => void} onFrame
 * @returns {Promise<void>}
 */
export async function listenInThread(onFrame) {
  /** @type {unknown[]} */
  const welcome = [];
  /** @param {Thread['post']} post */
  const receiveWith = (post) => (/** @type {any} */ message) => {
    if (welcome.length === 0) welcome.push(message);
    else onFrame(welcome[0], message, (frame) => postFrame(post, frame));
  };
  if ('WorkerGlobalScope' in globalThis) {
    // At once: a Web Worker does not keep what arrives while nobody listens.
    const receive = receiveWith((message, transfer) => self.postMessage(message, { transfer }));
    self.addEventListener('message', ({ data }) => receive(data));
    return;
  }
  /** @type {typeof import('node:worker_threads')} */
  const { parentPort } = await import(/* @vite-ignore */ /* webpackIgnore: true */ NODE_THREADS);
  const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
  port.on(
    'message',
    receiveWith((message, transfer) => port.postMessage(message, transfer)),
  );
}

/**
 * The bytes are copied once and the copies moved, because a view on a part of some buffer would
 * otherwise take the whole buffer with it. What is in shared memory is there for all, and stays.
 *
 * @param {Thread['post']} post
 * @param {Frame} frame
 */
function postFrame(post, { head, body }) {
  /** @type {ArrayBuffer[]} */
  const moved = [];
  const parts = body.map((bytes) => {
    if (!(bytes.buffer instanceof ArrayBuffer)) return bytes;
    const copy = new Uint8Array(bytes);
    moved.push(copy.buffer);
    return copy;
  });
  post({ head, body: parts }, moved);
}
