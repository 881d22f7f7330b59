// SPDX-License-Identifier: Apache-2.0

/** The other ends as threads of this process: Web Workers, or worker_threads in Node.js. */

import { UnsupportedError } from '../core/errors.js';
import { builtinModule, importBuiltin } from '../core/node.js';

/**
 * @typedef {import('./transport.js').Channel} Channel
 * @typedef {import('./transport.js').Frame} Frame
 * @typedef {import('./transport.js').Listener} Listener
 * @typedef {import('./transport.js').Transport} Transport
 *
 * @typedef {object} ThreadSource how to start a thread
 * @property {string} [code] its script without any import: needs no file, so it works wherever this code
 *   got to. Where there is none, and where a page's policy forbids workers that are no files, the file:
 * @property {() => Worker} web must be literally `() => new Worker(new URL('./x.js', import.meta.url),
 *   { type: 'module' })`, for that is what bundlers look for
 * @property {() => URL | undefined} script the same file for Node.js, where it is preferred
 */

const NODE_THREADS = 'node:worker_threads';

/** What a Web Worker says first. */
const LISTENING = 'listening';

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
    const start = typeof Worker === 'function' ? startWebThread : startNodeThread;
    const thread = await start(this.#source, name, receive, lost);
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
 * @param {ThreadSource} source
 * @param {string} name
 * @param {(frame: Frame) => void} receive
 * @param {(reason: string) => void} lost
 * @returns {Promise<Thread>}
 */
async function startWebThread({ code, web }, name, receive, lost) {
  const worker = (code !== undefined && (await startFromCode(code, name))) || web();
  worker.addEventListener('message', ({ data }) => data !== LISTENING && receive(data));
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
 * @param {string} code
 * @param {string} name
 * @returns {Promise<Worker | undefined>} undefined where the page's policy forbids it
 */
async function startFromCode(code, name) {
  const url = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
  try {
    const worker = new Worker(url, { name });
    const listens = await new Promise((resolve) => {
      worker.addEventListener('message', () => resolve(true), { once: true });
      worker.addEventListener('error', (event) => {
        event.preventDefault();
        resolve(false);
      });
    });
    return listens ? worker : undefined;
  } catch {
    return undefined;
  } finally {
    URL.revokeObjectURL(url);
  }
}

/**
 * @param {ThreadSource} source
 * @param {string} name
 * @param {(frame: Frame) => void} receive
 * @param {(reason: string) => void} lost
 * @returns {Promise<Thread>}
 * @throws {UnsupportedError}
 */
async function startNodeThread({ code, script }, name, receive, lost) {
  const threads = await importThreads();
  /** @type {typeof import('node:fs')} */
  const { existsSync } = await importBuiltin('node:fs');
  const file = script();
  const isThere = file?.protocol === 'file:' && existsSync(file);
  // Not with our own options, which may be meant for our own script: --eval, --input-type, --require.
  const options = { name, execArgv: [], env: environmentWithoutOptions() };
  const worker =
    code !== undefined && !isThere
      ? new threads.Worker(code, { ...options, eval: true })
      : new threads.Worker(/** @type {URL} */ (file), options);
  worker.on('message', receive);
  worker.on('error', (error) => lost(error instanceof Error ? error.message : String(error)));
  worker.on('messageerror', () => lost('a message arrived damaged'));
  worker.on('exit', (code) => lost(`its thread ended with code ${code}`));
  return {
    post: (message, transfer) => worker.postMessage(message, transfer),
    terminate: () => worker.terminate(),
  };
}

/** @returns {Promise<typeof import('node:worker_threads')>} */
async function importThreads() {
  try {
    return await importBuiltin(NODE_THREADS);
  } catch {
    throw new UnsupportedError(
      'There are no threads here: neither Worker, which service workers lack, nor node:worker_threads.',
    );
  }
}

/** Our environment, but without what it adds to the options of Node.js. */
function environmentWithoutOptions() {
  const environment = { ...globalThis.process.env };
  delete environment.NODE_OPTIONS;
  return environment;
}

/**
 * Listens in a thread to the one that started it. At once where that is a Web Worker, which does not
 * keep what arrives while nobody listens; so the script must not wait for anything before.
 *
 * @param {(welcome: any, frame: Frame, send: (frame: Frame) => void) => void} onFrame
 */
export function listenInThread(onFrame) {
  /** @type {unknown[]} */
  const welcome = [];
  /** @param {Thread['post']} post */
  const receiveWith = (post) => (/** @type {any} */ message) => {
    if (welcome.length === 0) welcome.push(message);
    else onFrame(welcome[0], message, (frame) => postFrame(post, frame));
  };
  /** @param {typeof import('node:worker_threads')} threads */
  const listenToPort = ({ parentPort }) => {
    const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
    const receive = receiveWith((message, transfer) => port.postMessage(message, transfer));
    port.on('message', receive);
  };
  /** @type {typeof import('node:worker_threads') | undefined} */
  const threads = builtinModule(NODE_THREADS);
  if (threads?.parentPort) {
    listenToPort(threads);
  } else if (typeof globalThis.postMessage === 'function') {
    const receive = receiveWith((message, transfer) => self.postMessage(message, { transfer }));
    self.addEventListener('message', ({ data }) => receive(data));
    self.postMessage(LISTENING);
  } else {
    // The first Node.js 20. Its threads keep what arrives.
    importBuiltin(NODE_THREADS).then(listenToPort);
  }
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
