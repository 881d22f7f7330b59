// SPDX-License-Identifier: Apache-2.0

/** Pieces that arrive one after the other, and signals that stop waiting for them. */

import { ValueError } from './errors.js';
import { describe } from './tags.js';

/**
 * @param {unknown} signal
 * @returns {AbortSignal | undefined} the same
 * @throws {ValueError} for what is no signal, of this realm or another
 */
export function checkSignal(signal) {
  if (signal === undefined) return undefined;
  const { aborted, addEventListener } = Object(signal);
  if (typeof aborted === 'boolean' && typeof addEventListener === 'function') {
    return /** @type {AbortSignal} */ (signal);
  }
  throw new ValueError(`The option "signal" must be an AbortSignal, not ${describe(signal)}.`);
}

/**
 * @param {AbortSignal | undefined} signal
 * @throws the signal's reason, once it is aborted
 */
export function throwIfAborted(signal) {
  if (signal?.aborted) throw reasonOfAbort(signal);
}

/** @param {AbortSignal} signal */
function reasonOfAbort(signal) {
  return signal.reason ?? new DOMException('This operation was aborted', 'AbortError');
}

/**
 * Waits for something, but not longer than until the signal is aborted: also where that something
 * knows nothing of signals and may never come.
 *
 * @template T
 * @param {PromiseLike<T>} wanted
 * @param {AbortSignal | undefined} signal
 * @returns {Promise<T>} rejected with the signal's reason
 */
export function orAborted(wanted, signal) {
  if (!signal) return Promise.resolve(wanted);
  return new Promise((resolve, reject) => {
    const stop = () => reject(reasonOfAbort(signal));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    Promise.resolve(wanted)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', stop));
  });
}

/**
 * The pieces of anything that gives them asynchronously. Whoever stops early, by the signal or by
 * leaving the loop, does not wait for the source to agree: it may be stalled.
 *
 * @param {AsyncIterable<unknown> | Iterable<unknown>} source
 * @param {AbortSignal | undefined} signal
 * @returns {AsyncGenerator<unknown, void, void>}
 */
export async function* piecesOf(source, signal) {
  const iterator = iteratorOf(source);
  let finished = false;
  try {
    for (;;) {
      const { done, value } = await orAborted(Promise.resolve(iterator.next()), signal);
      if (done) {
        finished = true;
        return;
      }
      yield value;
    }
  } finally {
    if (!finished) leave(source, iterator);
  }
}

/**
 * @param {any} source
 * @returns {AsyncIterator<unknown> | Iterator<unknown>}
 */
function iteratorOf(source) {
  return (source[Symbol.asyncIterator] ?? source[Symbol.iterator]).call(source);
}

/**
 * @param {any} source
 * @param {any} iterator
 */
function leave(source, iterator) {
  const ignore = () => {};
  // A generator that waits within `next` hears of `return` only afterwards; a stream of Node.js can be
  // ended at once.
  if (typeof source.destroy === 'function') source.destroy();
  Promise.resolve(iterator.return?.()).catch(ignore);
}

/**
 * The pieces of a ReadableStream, which is not asynchronously iterable in every browser. In the end it
 * is released, and cancelled if there was more.
 *
 * @param {ReadableStream<unknown>} stream
 * @param {AbortSignal | undefined} signal
 * @returns {AsyncGenerator<unknown, void, void>}
 */
export async function* readStream(stream, signal) {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await orAborted(reader.read(), signal);
      if (done) return;
      yield value;
    }
  } finally {
    // The answer may never come, and is of no interest.
    reader.cancel(signal?.aborted ? signal.reason : undefined).catch(() => {});
    reader.releaseLock();
  }
}
