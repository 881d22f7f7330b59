// SPDX-License-Identifier: Apache-2.0

/** Bytes from wherever they are, streamed into the module's heap. */

import { FileError, ValueError } from '../core/errors.js';
import { makeBuffer } from '../core/memory.js';

/**
 * @typedef {import('../core/module.js').NativeBuffer} NativeBuffer
 *
 * @typedef {{ loaded: number, total: number | undefined }} Progress bytes; `total` is undefined as
 *   long as it is not known
 * @typedef {object} LoadOptions
 * @property {(progress: Progress) => void} [onProgress] called for each piece that arrives
 * @property {AbortSignal} [signal] stops loading; the promise is rejected with the signal's reason
 *
 * @typedef {{ chunks: AsyncIterable<Uint8Array>, total: number | undefined, name: string }} Source
 */

/** Pieces in which bytes that are in memory already are copied, so that progress is seen. */
const CHUNK_BYTES = 1 << 20;

/**
 * @param {Uint8Array | ArrayBuffer | Blob | string | URL} source
 * @param {LoadOptions} options
 * @returns {Promise<Source>}
 */
export async function openSource(source, { signal } = {}) {
  signal?.throwIfAborted();
  if (source instanceof Uint8Array) return fromBytes(source);
  if (source instanceof ArrayBuffer) return fromBytes(new Uint8Array(source));
  if (typeof Blob !== 'undefined' && source instanceof Blob) {
    const name = 'The file';
    return { chunks: readStream(source.stream(), name, signal), total: source.size, name };
  }
  if (typeof source === 'string' || source instanceof URL) return fetchSource(source, signal);
  throw new ValueError(
    'A model is loaded from a Uint8Array, an ArrayBuffer, a Blob or an address.',
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
  return { chunks: pieces(), total: bytes.length, name: 'The model' };
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
  // The length of a body that travels compressed is not the model's.
  const length = response.headers.get('content-encoding')
    ? ''
    : (response.headers.get('content-length') ?? '');
  return {
    chunks: readStream(response.body, address, signal),
    total: /^\d+$/.test(length) ? Number(length) : undefined,
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
 * Copies a source into one buffer on the heap. Where its length is not known beforehand the pieces
 * wait outside the heap until the end.
 *
 * @param {Source} source
 * @param {LoadOptions} options
 * @returns {Promise<NativeBuffer>} to be deleted by the caller
 */
export async function readIntoHeap({ chunks, total, name }, { onProgress, signal } = {}) {
  let buffer = total === undefined ? undefined : makeBuffer(total);
  /** @type {Uint8Array[]} */
  const pieces = [];
  let loaded = 0;
  try {
    onProgress?.({ loaded, total });
    for await (const chunk of chunks) {
      signal?.throwIfAborted();
      if (buffer && loaded + chunk.length > buffer.bytes().length) {
        // It travels compressed from another origin, which hides that from us: the length is not
        // the model's.
        pieces.push(new Uint8Array(buffer.bytes().subarray(0, loaded)));
        buffer.delete();
        buffer = total = undefined;
      }
      // A view taken anew: the heap may have grown meanwhile.
      if (buffer) buffer.bytes().set(chunk, loaded);
      else pieces.push(chunk);
      loaded += chunk.length;
      onProgress?.({ loaded, total });
    }
    if (total !== undefined && loaded < total) {
      throw new FileError(`${name} ended after ${loaded} of ${total} bytes.`);
    }
    return buffer ?? fillBuffer(pieces, loaded);
  } catch (error) {
    buffer?.delete();
    signal?.throwIfAborted();
    throw error;
  }
}

/**
 * @param {Uint8Array[]} pieces
 * @param {number} size
 */
function fillBuffer(pieces, size) {
  const buffer = makeBuffer(size);
  const bytes = buffer.bytes();
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return buffer;
}
