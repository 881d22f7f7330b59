// SPDX-License-Identifier: Apache-2.0

/** Bytes from wherever they are, streamed into the module's heap. */

import { checkFunction, checkOptions } from '../core/check.js';
import { FileError, LowtropyError, MemoryError, ValueError } from '../core/errors.js';
import { HEAD_BYTES, kindOf, wayToOnnx } from '../core/file-kinds.js';
import { nativeLimits } from '../core/limits.js';
import { makeBytes } from '../core/memory.js';
import { call } from '../core/module.js';
import { hasFiles, openFile } from '../core/node-files.js';
import { Pauses } from '../core/pause.js';
import { reasonOf } from '../core/reasons.js';
import { checkSignal, orAborted, piecesOf, readStream, throwIfAborted } from '../core/stream.js';
import { bytesOf, describe, tagOf } from '../core/tags.js';

/**
 * @typedef {import('../../../dist/lowtropy.js').NativeLoader} NativeLoader
 *
 * @typedef {Uint8Array | Uint8ClampedArray | Int8Array | DataView | ArrayBufferLike} Bytes
 * @typedef {Bytes | Blob | Response | AsyncIterable<Bytes> | ReadableStream<Bytes> | string | URL}
 *   ModelSource a file's bytes, something that they come out of piece by piece (a file that a user
 *   chose, a stream of Node.js, an answer of `fetch`), or where to get them: an address, which in
 *   browsers may be relative to the page, and in Node.js a path
 *
 * @typedef {{ loaded: number, total: number | undefined }} Progress bytes; `total` is undefined as
 *   long as it is not known
 * @typedef {object} LoadOptions
 * @property {(progress: Progress) => void} [onProgress] called for each piece that arrives
 * @property {AbortSignal} [signal] stops loading at once; the promise is rejected with the signal's
 *   reason
 * @property {number} [maxMemory] see Limits
 * @property {number} [maxWork] see Limits
 *
 * @typedef {object} Source
 * @property {AsyncIterable<unknown>} chunks
 * @property {number | undefined} total bytes, as far as known
 * @property {boolean} exact whether `total` can be relied on
 * @property {string} name for messages
 */

/** What 32 bits address. */
const HEAP_LIMIT = 2 ** 32;

/** Pieces in which bytes that are in memory already are copied, so that progress is seen. */
const CHUNK_BYTES = 1 << 20;

/** What `fetch` can be asked for. */
const FETCHED = new Set(['http:', 'https:', 'data:', 'blob:']);

/** How an address begins that is no path. A single letter is a drive of Windows. */
const SCHEME = /^[a-z][a-z\d+.-]+:\/\//i;

/**
 * @param {LoadOptions} options
 * @returns {LoadOptions}
 * @throws {ValueError}
 */
export function checkLoadOptions(options) {
  const known = ['onProgress', 'signal', 'maxMemory', 'maxWork'];
  const { onProgress, signal, ...limits } = checkOptions(options, 'Model.load', known);
  return {
    onProgress: checkFunction(onProgress, 'The option "onProgress"'),
    signal: checkSignal(signal),
    ...limits,
  };
}

/**
 * @param {ModelSource} source
 * @param {LoadOptions} options
 * @returns {Promise<Source>}
 */
export async function openSource(source, { signal } = {}) {
  throwIfAborted(signal);
  const kind = tagOf(source);
  const bytes = modelBytes(source);
  if (bytes) return fromBytes(bytes);
  if (kind === 'String' || kind === 'URL') return openAddress(String(source), signal);
  const it = /** @type {any} */ (source);
  if (kind === 'Response') return openResponse(it, it.url || 'The response', signal);
  if (kind === 'Blob' || kind === 'File') {
    return { chunks: readBlob(it, signal), total: it.size, exact: true, name: 'The file' };
  }
  const name = 'The stream';
  if (typeof it?.getReader === 'function') {
    if (it.locked) throw new ValueError('The stream is being read by somebody else.');
    return { chunks: readStream(it, signal), total: undefined, exact: false, name };
  }
  if (typeof it?.[Symbol.asyncIterator] === 'function') {
    return { chunks: piecesOf(it, signal), total: undefined, exact: false, name };
  }
  throw new ValueError(
    'A model is loaded from a Uint8Array or other bytes, a Blob, a stream or an address, not from ' +
      `${describe(source)}.`,
  );
}

/**
 * @param {Blob} blob
 * @param {AbortSignal} [signal]
 */
async function* readBlob(blob, signal) {
  if (typeof blob.stream === 'function') {
    yield* readStream(blob.stream(), signal);
    return;
  }
  // Test environments have Blobs of their own, some of which can do only this.
  const reader = new FileReader();
  const read = new Promise((resolve, reject) => {
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
  });
  reader.readAsArrayBuffer(blob);
  yield await orAborted(read, signal);
}

/** @param {unknown} source */
function modelBytes(source) {
  try {
    return bytesOf(source);
  } catch {
    throw new ValueError('The model: the memory was given away, to another thread perhaps.');
  }
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
 * @param {string} address
 * @param {AbortSignal} [signal]
 * @returns {Promise<Source>}
 */
async function openAddress(address, signal) {
  const url = parseAddress(address);
  if (url && FETCHED.has(url.protocol)) return fetchSource(url.href, signal);
  if (!hasFiles()) return fetchSource(address, signal); // relative to the page
  if (url?.protocol !== 'file:' && SCHEME.test(address)) {
    throw new FileError(
      `The model cannot be read from ${address}: addresses begin with http, https, file, data or blob.`,
    );
  }
  const opening = openFile(url?.protocol === 'file:' ? url : address, 'The model');
  // Opening a pipe waits for somebody who writes to it.
  const { chunks, size } = await orAborted(opening, signal).catch((error) => {
    opening.then(({ chunks: late }) => /** @type {any} */ (late).destroy()).catch(() => {});
    throw error;
  });
  return { chunks: piecesOf(chunks, signal), total: size, exact: true, name: address };
}

/** @param {string} address */
function parseAddress(address) {
  try {
    return new URL(address);
  } catch {
    return undefined;
  }
}

/**
 * @param {string} address
 * @param {AbortSignal} [signal]
 * @returns {Promise<Source>}
 */
async function fetchSource(address, signal) {
  // One of this realm: `fetch` takes no other.
  const controller = new AbortController();
  let response;
  try {
    response = await orAborted(fetch(address, { signal: controller.signal }), signal);
  } catch (error) {
    controller.abort();
    throwIfAborted(signal);
    throw new FileError(`The model cannot be fetched from ${address}: ${reasonOf(error)}.`, {
      cause: error,
    });
  }
  return openResponse(response, address, signal);
}

/**
 * @param {Response} response
 * @param {string} name where it is from
 * @param {AbortSignal} [signal]
 * @returns {Source}
 */
function openResponse(response, name, signal) {
  if (!response.ok || !response.body) {
    throw new FileError(
      `The model cannot be fetched from ${name}: the server answers ${response.status}.`,
    );
  }
  if (response.bodyUsed || response.body.locked) {
    throw new ValueError(`The answer of ${name} was read already.`);
  }
  // The length of a body that travels compressed is not the model's. One that travels compressed from
  // another origin hides that from us, so that the length is not to be relied on.
  const length = response.headers.get('content-encoding')
    ? ''
    : (response.headers.get('content-length') ?? '');
  return {
    chunks: readStream(response.body, signal),
    total: /^\d+$/.test(length) ? Number(length) : undefined,
    exact: false,
    name,
  };
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
  const head = new Uint8Array(HEAD_BYTES);
  let loaded = 0;
  try {
    onProgress?.({ loaded, total });
    for await (const chunk of withReason(chunks, name, () => loaded)) {
      throwIfAborted(signal);
      const bytes = chunkBytes(chunk, name);
      if (loaded < HEAD_BYTES) head.set(bytes.subarray(0, HEAD_BYTES - loaded), loaded);
      loaded += bytes.length;
      appendChunk(loader, bytes);
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
    throwIfAborted(signal);
    throw explain(error, name, head.subarray(0, loaded));
  }
}

/**
 * A source's bytes in an array, for those who look at all of them. Bytes that are given are not copied.
 *
 * @param {ModelSource} source
 * @param {LoadOptions} options
 * @returns {Promise<Uint8Array>}
 */
export async function readBytes(source, { onProgress, signal } = {}) {
  throwIfAborted(signal);
  const given = modelBytes(source);
  if (given) return given;
  const { chunks, name, total, exact } = await openSource(source, { signal });
  const pauses = new Pauses(signal);
  const pieces = new Pieces(exact ? total : undefined);
  onProgress?.({ loaded: 0, total });
  for await (const chunk of withReason(chunks, name, () => pieces.length)) {
    pieces.add(chunkBytes(chunk, name));
    onProgress?.({ loaded: pieces.length, total });
    await pauses.take();
  }
  if (total !== undefined && pieces.length < total) {
    throw new FileError(`${name} ended after ${pieces.length} of ${total} bytes.`);
  }
  return pieces.join();
}

/** Bytes that arrive in pieces, each of which is held once: in the whole, or until this is made. */
class Pieces {
  length = 0;
  /** @type {Uint8Array | undefined} */
  #whole;
  /** @type {Uint8Array[]} */
  #loose = [];

  /** @param {number | undefined} total as far as it can be relied on */
  constructor(total) {
    this.#whole = total === undefined ? undefined : makeBytes(total);
  }

  /** @param {Uint8Array} piece may change afterwards */
  add(piece) {
    const end = this.length + piece.length;
    if (this.#whole && end <= this.#whole.length) this.#whole.set(piece, this.length);
    else this.#loose.push(piece.slice());
    this.length = end;
  }

  /** @returns {Uint8Array} */
  join() {
    if (this.#whole && this.#loose.length === 0) return this.#whole.subarray(0, this.length);
    const joined = makeBytes(this.length);
    const start = this.length - this.#loose.reduce((sum, { length }) => sum + length, 0);
    if (this.#whole) joined.set(this.#whole.subarray(0, start));
    // From the end, so that each piece can go when it was copied.
    for (let at = this.length; this.#loose.length > 0;) {
      const piece = /** @type {Uint8Array} */ (this.#loose.pop());
      at -= piece.length;
      joined.set(piece, at);
    }
    return joined;
  }
}

/**
 * What goes wrong within a source, as an error that says where.
 *
 * @param {AsyncIterable<unknown>} chunks
 * @param {string} name
 * @param {() => number} loaded
 */
async function* withReason(chunks, name, loaded) {
  try {
    yield* chunks;
  } catch (error) {
    if (error instanceof LowtropyError) throw error;
    throw new FileError(`${name} broke off after ${loaded()} bytes: ${reasonOf(error)}.`, {
      cause: error,
    });
  }
}

/**
 * @param {unknown} error
 * @param {string} name
 * @param {Uint8Array} head the file's beginning, as far as it came
 * @returns {unknown} for a file of another kind an error that says so
 */
function explain(error, name, head) {
  // What begins as a model file does is one: damaged, or of another version.
  const isModel = head[8] === 0x7b && head.subarray(4, 8).every((byte) => byte === 0);
  const kind = error instanceof FileError && !isModel ? kindOf(head) : undefined;
  return kind
    ? new FileError(`${name} is not a safetensors file; it is ${kind}.${wayFrom(kind)}`)
    : error;
}

/** @param {string} kind */
function wayFrom(kind) {
  return kind === 'an ONNX model'
    ? ' importOnnx, or lowtropy import, makes a model of it.'
    : wayToOnnx(kind);
}

/**
 * @param {unknown} chunk
 * @param {string} name
 * @returns {Uint8Array}
 */
function chunkBytes(chunk, name) {
  const bytes = modelBytes(chunk);
  if (bytes) return bytes;
  const text = typeof chunk === 'string' ? '; read it without an encoding' : '';
  throw new ValueError(`${name} gives ${describe(chunk)} instead of bytes${text}.`);
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
