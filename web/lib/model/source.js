// SPDX-License-Identifier: Apache-2.0

/** Bytes from wherever they are, streamed into the module's heap. */

import { FileError, MemoryError, ValueError } from '../core/errors.js';
import { nativeLimits } from '../core/limits.js';
import { call } from '../core/module.js';
import { Pauses } from '../core/pause.js';

/**
 * @typedef {import('../../../dist/lowtropy.js').NativeLoader} NativeLoader
 *
 * @typedef {Uint8Array | ArrayBuffer | Blob | AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>
 *   | string | URL} ModelSource a file's bytes, something that they come out of piece by piece (a
 *   file that a user chose, a stream of Node.js), or an address to fetch them from
 *
 * @typedef {{ loaded: number, total: number | undefined }} Progress bytes; `total` is undefined as
 *   long as it is not known
 * @typedef {object} LoadOptions
 * @property {(progress: Progress) => void} [onProgress] called for each piece that arrives
 * @property {AbortSignal} [signal] stops loading; the promise is rejected with the signal's reason
 * @property {number} [maxMemory] see Limits
 * @property {number} [maxWork] see Limits
 *
 * @typedef {object} Source
 * @property {AsyncIterable<Uint8Array>} chunks
 * @property {number | undefined} total bytes, as far as known
 * @property {boolean} exact whether `total` can be relied on
 * @property {string} name for messages
 */

/** What 32 bits address. */
const HEAP_LIMIT = 2 ** 32;

/** Pieces in which bytes that are in memory already are copied, so that progress is seen. */
const CHUNK_BYTES = 1 << 20;

/**
 * @param {ModelSource} source
 * @param {LoadOptions} options
 * @returns {Promise<Source>}
 */
export async function openSource(source, { signal } = {}) {
  signal?.throwIfAborted();
  if (source instanceof Uint8Array) return fromBytes(source);
  if (source instanceof ArrayBuffer) return fromBytes(new Uint8Array(source));
  if (typeof Blob !== 'undefined' && source instanceof Blob) {
    const name = 'The file';
    const chunks = readStream(source.stream(), name, signal);
    return { chunks, total: source.size, exact: true, name };
  }
  if (typeof source === 'string' || source instanceof URL) return fetchSource(source, signal);
  const name = 'The stream';
  if (typeof ReadableStream !== 'undefined' && source instanceof ReadableStream) {
    return { chunks: readStream(source, name, signal), total: undefined, exact: false, name };
  }
  if (typeof source === 'object' && source !== null && Symbol.asyncIterator in source) {
    return { chunks: source, total: undefined, exact: false, name };
  }
  throw new ValueError(
    'A model is loaded from a Uint8Array, an ArrayBuffer, a Blob, a stream or an address.',
  );
}

/**
 * @param {Uint8Array} bytes
 * @returns {Source}
 */
function fromBytes(bytes) {
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      yield bytes.subarray(at, at + CHUNK_BYTES);
    }
  }
  return { chunks: pieces(), total: bytes.length, exact: true, name: 'The model' };
}

/**
 * @param {string | URL} url
 * @param {AbortSignal} [signal]
 * @returns {Promise<Source>}
 */
async function fetchSource(url, signal) {
  const address = String(url);
  let response;
  try {
    response = await fetch(url, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw new FileError(
      `The model cannot be fetched from ${address}: ${
        error instanceof Error ? error.message : error
      }.`,
    );
  }
  if (!response.ok || !response.body) {
    throw new FileError(
      `The model cannot be fetched from ${address}: the server answers ${response.status}.`,
    );
  }
  // The length of a body that travels compressed is not the model's. One that travels compressed from
  // another origin hides that from us, so that the length is not to be relied on.
  const length = response.headers.get('content-encoding')
    ? ''
    : (response.headers.get('content-length') ?? '');
  return {
    chunks: readStream(response.body, address, signal),
    total: /^\d+$/.test(length) ? Number(length) : undefined,
    exact: false,
    name: address,
  };
}

/**
 * ReadableStream is not asynchronously iterable in every browser.
 *
 * @param {ReadableStream<Uint8Array>} stream
 * @param {string} name
 * @param {AbortSignal} [signal]
 */
async function* readStream(stream, name, signal) {
  const reader = stream.getReader();
  let loaded = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error) => {
        signal?.throwIfAborted();
        throw new FileError(
          `${name} broke off after ${loaded} bytes: ${
            error instanceof Error ? error.message : error
          }.`,
        );
      });
      if (done) return;
      loaded += value.length;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/**
 * Copies a source into the heap, each piece to the place where it stays. Outside the heap nothing is
 * held but the piece that is being copied.
 *
 * @param {Source} source
 * @param {LoadOptions} options
 * @returns {Promise<NativeLoader>} which has the whole file; to be deleted by the caller
 */
export async function readIntoHeap(source, { onProgress, signal, ...limits } = {}) {
  const { chunks, name, exact } = source;
  let { total } = source;
  checkAddressable(total);
  const size = exact && total !== undefined ? total : -1;
  const loader = call((native) => native.makeLoader(size, ...nativeLimits(limits)));
  const pauses = new Pauses(signal);
  let loaded = 0;
  try {
    onProgress?.({ loaded, total });
    for await (const chunk of chunks) {
      signal?.throwIfAborted();
      appendChunk(loader, chunk);
      loaded += chunk.length;
      const told = loader.fileSize();
      if (told >= 0) total = told;
      onProgress?.({ loaded, total });
      await pauses.take();
    }
    if (total !== undefined && loaded < total) {
      throw new FileError(`${name} ended after ${loaded} of ${total} bytes.`);
    }
    return loader;
  } catch (error) {
    loader.delete();
    signal?.throwIfAborted();
    throw error;
  }
}

/**
 * @param {NativeLoader} loader
 * @param {Uint8Array} chunk
 */
function appendChunk(loader, chunk) {
  for (let at = 0; at < chunk.length;) {
    // A view taken anew: the heap may have grown meanwhile.
    const space = loader.space();
    // What has no place goes in as one byte too many, for the loader to refuse.
    const bytes = Math.min(space.length || 1, chunk.length - at);
    if (space.length > 0) space.set(chunk.subarray(at, at + bytes));
    call(() => loader.advance(bytes));
    at += bytes;
  }
}

/** @param {number | undefined} total bytes */
function checkAddressable(total) {
  if (total !== undefined && total > HEAP_LIMIT) {
    throw new MemoryError(
      `Out of memory: the model has ${total} bytes, and there is room for at most ${HEAP_LIMIT}.`,
    );
  }
}
