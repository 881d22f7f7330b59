// SPDX-License-Identifier: Apache-2.0

/** The examples of a simulation: what was asked for, and the bytes of it that the server and the workers get. */

import { FileError, ValueError } from '../core/errors.js';
import { checkBytes as checkBytesOf, checkInteger, checkKeys } from '../core/check.js';
import { isLfsPointer } from '../core/file-kinds.js';
import { makeTextEncoder } from '../core/places.js';
import { crc32 } from '../core/crc32.js';

/**
 * @typedef {Uint8Array | ArrayBuffer} Bytes gzip or not
 *
 * @typedef {string
 *   | { digits: number, seed?: number }
 *   | { images: Bytes, labels: Bytes, testImages?: Bytes, testLabels?: Bytes }
 *   | { text: Bytes, steps?: number }} DataOption
 *   'digits', or 'digits:N' and { digits: N } for N of them; 'mnist:FOLDER' and 'text:FILE' in
 *   Node.js; or the bytes of IDX files or of a text
 *
 * @typedef {object} DataSource
 * @property {'digits' | 'idx' | 'text'} kind
 * @property {string} [path] where the bytes are to be read
 * @property {Uint8Array[]} [bytes]
 * @property {number} [count] of digits
 * @property {number} [seed] of digits
 * @property {number} [steps] characters of an example
 *
 * @typedef {Pick<DataSource, 'kind' | 'count' | 'seed' | 'steps'>} DataSpec
 *
 * @typedef {(size: number) => Uint8Array} Allocate where decompressed bytes go
 *
 * @typedef {object} Data
 * @property {DataSpec} spec
 * @property {Uint8Array[]} body images and labels for training, then those for testing if there are
 *   any; or the text
 * @property {number} checksum of what the examples are: the spec and the body
 */

const DIGITS = 10_000;
const MOST_DIGITS = 1_000_000;
const STEPS = 50;
const MOST_STEPS = 10_000;
/** Bytes that the data may have, unless it is said how many: almost five times MNIST's. */
export const DATA_LIMIT = 2 ** 28;

const TEST_FILES = ['t10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte'];
const TRAIN_FILES = ['train-images-idx3-ubyte', 'train-labels-idx1-ubyte'];
/** All of a folder, each with .gz or without. */
export const MNIST_FILES = Object.freeze([...TRAIN_FILES, ...TEST_FILES]);

/**
 * @param {unknown} option
 * @returns {DataSource}
 * @throws {ValueError}
 */
export function checkData(option) {
  if (typeof option === 'string') return checkDataName(option);
  const known = ['digits', 'seed', 'images', 'labels', 'testImages', 'testLabels', 'text', 'steps'];
  const given = checkKeys(option, 'The data', known);
  if (given.digits !== undefined) return digits(given.digits, given.seed);
  if (given.text !== undefined) {
    const steps = checkInteger(given.steps ?? STEPS, 'The steps of a text', 1, MOST_STEPS);
    return { kind: 'text', steps, bytes: [checkBytes(given.text, 'text')] };
  }
  const names = ['images', 'labels'];
  if ((given.testImages ?? given.testLabels) !== undefined) names.push('testImages', 'testLabels');
  return { kind: 'idx', bytes: names.map((name) => checkBytes(given[name], name)) };
}

/**
 * @param {string} name
 * @returns {DataSource}
 */
function checkDataName(name) {
  const [, kind, rest] = /^([^:]*):?(.*)$/s.exec(name) ?? [];
  if (kind === 'digits') return digits(rest === '' ? DIGITS : Number(rest), undefined);
  if (kind === 'mnist' && rest !== '') return { kind: 'idx', path: rest };
  if (kind === 'text' && rest !== '') return { kind: 'text', steps: STEPS, path: rest };
  throw new ValueError(
    `The data must be digits, digits:N, mnist:FOLDER or text:FILE, not "${name}".`,
  );
}

/**
 * @param {unknown} count
 * @param {unknown} seed
 * @returns {DataSource}
 */
function digits(count, seed) {
  return {
    kind: 'digits',
    count: checkInteger(count, 'The number of digits', 5, MOST_DIGITS),
    seed: checkInteger(seed ?? 1, 'The seed of the digits', 0, 2 ** 32 - 1),
  };
}

/**
 * @param {unknown} value
 * @param {string} name
 */
function checkBytes(value, name) {
  return checkBytesOf(value, `The data's ${name}`);
}

/**
 * @param {DataSource} source
 * @returns {string | undefined} the option that names it, where it has a name
 */
export function dataNameOf({ kind, path }) {
  return path === undefined ? undefined : `${kind === 'idx' ? 'mnist' : 'text'}:${path}`;
}

/**
 * @param {DataSource} source
 * @param {number} [limit] bytes of all its files, decompressed
 * @param {Allocate} [allocate]
 * @returns {Promise<Data>}
 * @throws {FileError} names the file
 */
export async function loadData(
  { kind, path, bytes, ...numbers },
  limit = DATA_LIMIT,
  allocate = (size) => new Uint8Array(size),
) {
  const files = path === undefined ? (bytes ?? []) : await readFiles(kind, path, limit, allocate);
  /** @type {Uint8Array[]} */
  const body = [];
  let left = limit;
  for (const file of files) {
    checkPointer(file, 'The data');
    const part = isGzip(file) ? await decompress(file, left, limit, allocate) : file;
    left -= part.length;
    if (left < 0) throw tooLarge('The data', limit);
    body.push(part);
  }
  const spec = { kind, ...numbers };
  return { spec, body, checksum: checksumOf(spec, body) };
}

/**
 * @param {DataSpec} spec
 * @param {Uint8Array[]} body
 */
function checksumOf({ kind, count, seed, steps }, body) {
  const lengths = body.map(({ length }) => length);
  const text = JSON.stringify([kind, count ?? 0, seed ?? 0, steps ?? 0, ...lengths]);
  return body.reduce((crc, part) => crc32(part, crc), crc32(makeTextEncoder().encode(text)));
}

/**
 * @param {string} what
 * @param {number} limit
 */
function tooLarge(what, limit) {
  return new FileError(
    `${what} have more than ${limit} bytes, decompressed; the option maxDataBytes (--max-data) allows more.`,
  );
}

/**
 * @param {Uint8Array} bytes
 * @param {string} what
 */
function checkPointer(bytes, what) {
  if (!isLfsPointer(bytes)) return;
  throw new FileError(
    `${what} are a pointer of Git LFS, not the file itself: fetch that with "git lfs pull".`,
  );
}

/**
 * @param {DataSource['kind']} kind
 * @param {string} path
 * @param {number} limit bytes of each
 * @param {Allocate} allocate
 */
async function readFiles(kind, path, limit, allocate) {
  if (kind === 'text') return [await readFile(path, limit, allocate)];
  const read = (/** @type {string} */ name) => readEither(path, name, limit, allocate);
  const test = await Promise.all(TEST_FILES.map(read));
  const train = await Promise.all(TRAIN_FILES.map(read));
  const missing =
    TEST_FILES.find((_, index) => !test[index]) ??
    (train.some((file) => file) && TRAIN_FILES.find((_, index) => !train[index]));
  if (missing) throw new FileError(`${path} holds no ${missing}, with .gz or without.`);
  return [...train, ...test].filter((file) => file !== undefined);
}

/**
 * @param {string} folder
 * @param {string} name
 * @param {number} limit bytes
 * @param {Allocate} allocate
 * @returns {Promise<Uint8Array | undefined>} undefined where there is neither
 */
async function readEither(folder, name, limit, allocate) {
  for (const ending of ['', '.gz']) {
    try {
      return await readFile(`${folder}/${name}${ending}`, limit, allocate);
    } catch (error) {
      if (!(error instanceof MissingError)) throw error;
    }
  }
  return undefined;
}

class MissingError extends FileError {}

/**
 * @param {string} path
 * @param {number} limit bytes
 * @param {Allocate} allocate
 * @returns {Promise<Uint8Array>}
 */
async function readFile(path, limit, allocate) {
  // A variable, so that bundlers for browsers leave it alone.
  const fileSystem = 'node:fs/promises';
  let node;
  try {
    node = await import(/* @vite-ignore */ /* webpackIgnore: true */ fileSystem);
  } catch {
    throw new FileError(`${path} can be read in Node.js only; hand over its bytes instead.`);
  }
  let handle;
  try {
    handle = await node.open(path);
    const status = await handle.stat();
    if (status.isFile() && status.size > limit) throw tooLarge(`The data of ${path}`, limit);
    // Pipes and devices do not tell their size, and may never end.
    const stream = handle.createReadStream({ autoClose: false });
    const bytes = await collect(stream, limit, status.size, allocate);
    if (!bytes) throw tooLarge(`The data of ${path}`, limit);
    checkPointer(bytes, `The data of ${path}`);
    return bytes;
  } catch (error) {
    if (error instanceof FileError) throw error;
    const { code, message } = /** @type {Error & { code?: string }} */ (error);
    if (code === 'ENOENT') throw new MissingError(`${path} does not exist.`);
    throw new FileError(`${path} cannot be read: ${message}.`);
  } finally {
    await handle?.close();
  }
}

/**
 * @param {AsyncIterable<Uint8Array>} chunks
 * @param {number} limit
 * @param {number} expected bytes; there may be more or fewer
 * @param {Allocate} allocate
 * @returns {Promise<Uint8Array | undefined>} undefined where there are more than the limit
 */
async function collect(chunks, limit, expected, allocate) {
  let bytes = allocate(Math.min(expected, limit));
  let size = 0;
  for await (const chunk of chunks) {
    const next = size + chunk.length;
    if (next > limit) return undefined;
    if (next > bytes.length) {
      const larger = allocate(Math.min(limit, Math.max(next, 2 * bytes.length)));
      larger.set(bytes);
      bytes = larger;
    }
    bytes.set(chunk, size);
    size = next;
  }
  return bytes.subarray(0, size);
}

/** @param {Uint8Array} bytes */
function isGzip(bytes) {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * @param {Uint8Array} bytes gzip
 * @param {number} left how many they may be, decompressed
 * @param {number} limit of all files, for the message
 * @param {Allocate} allocate
 * @returns {Promise<Uint8Array>}
 */
async function decompress(bytes, left, limit, allocate) {
  let whole;
  try {
    whole = await collect(gunzip(bytes), left, sizeIn(bytes), allocate);
  } catch {
    throw new FileError('The data are damaged: they begin as gzip, but do not go on so.');
  }
  if (!whole) throw tooLarge('The data', limit);
  return whole;
}

/** No byte becomes more: a bit each for 258 bytes and their distance. */
const GZIP_RATIO = 1032;

/** @param {Uint8Array} bytes gzip @returns {number} what it says its size is, if that can be */
function sizeIn(bytes) {
  if (bytes.length < 18) return 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Math.min(view.getUint32(bytes.length - 4, true), GZIP_RATIO * bytes.length);
}

/**
 * @param {Uint8Array} bytes
 * @returns {AsyncGenerator<Uint8Array>}
 */
async function* gunzip(bytes) {
  const blob = new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (bytes)]);
  const reader = blob.stream().pipeThrough(new DecompressionStream('gzip')).getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    await reader.cancel().catch(() => {});
  }
}
