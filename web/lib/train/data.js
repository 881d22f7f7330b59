// SPDX-License-Identifier: Apache-2.0

/** The examples of a simulation: what was asked for, and the bytes of it that peers get. */

import { FileError, ValueError } from '../core/errors.js';
import { refusePointer } from '../core/file-kinds.js';
import { checkBytes as checkBytesOf, checkInteger, checkKeys } from '../core/check.js';
import { crc32 } from './crc32.js';

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
 * @typedef {object} Data
 * @property {DataSpec} spec
 * @property {Uint8Array[]} body images and labels for training, then those for testing if there are
 *   any; or the text
 * @property {number} checksum of the body
 */

const DIGITS = 10_000;
const MOST_DIGITS = 1_000_000;
const STEPS = 50;
const MOST_STEPS = 10_000;
/** Of one file, decompressed. */
const LIMIT = 2 ** 30;

const TEST_FILES = ['t10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte'];
const TRAIN_FILES = ['train-images-idx3-ubyte', 'train-labels-idx1-ubyte'];

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
 * @returns {DataOption | undefined} what it was made from, unless that was bytes
 */
export function dataOptionOf({ kind, path, count, seed }) {
  if (kind === 'digits') return { digits: Number(count), seed };
  return path === undefined ? undefined : `${kind === 'idx' ? 'mnist' : 'text'}:${path}`;
}

/**
 * @param {DataSource} source
 * @returns {Promise<Data>}
 * @throws {FileError} names the file
 */
export async function loadData({ kind, path, bytes, ...numbers }) {
  const files = path === undefined ? (bytes ?? []) : await readFiles(kind, path);
  const body = await Promise.all(files.map(decompress));
  const checksum = body.reduce((crc, part) => crc32(part, crc), 0);
  return { spec: { kind, ...numbers }, body, checksum };
}

/**
 * @param {DataSource['kind']} kind
 * @param {string} path
 */
async function readFiles(kind, path) {
  if (kind === 'text') return [await readFile(path)];
  const test = await Promise.all(TEST_FILES.map((name) => readEither(path, name)));
  const train = await Promise.all(TRAIN_FILES.map((name) => readEither(path, name)));
  const missing =
    TEST_FILES.find((_, index) => !test[index]) ??
    (train.some((file) => file) && TRAIN_FILES.find((_, index) => !train[index]));
  if (missing) throw new FileError(`${path} holds no ${missing}, with .gz or without.`);
  return [...train, ...test].filter((file) => file !== undefined);
}

/**
 * @param {string} folder
 * @param {string} name
 * @returns {Promise<Uint8Array | undefined>} undefined where there is neither
 */
async function readEither(folder, name) {
  for (const ending of ['', '.gz']) {
    try {
      return await readFile(`${folder}/${name}${ending}`);
    } catch (error) {
      if (!(error instanceof MissingError)) throw error;
    }
  }
  return undefined;
}

class MissingError extends FileError {}

/**
 * @param {string} path
 * @returns {Promise<Uint8Array>}
 */
async function readFile(path) {
  // A variable, so that bundlers for browsers leave it alone.
  const fileSystem = 'node:fs/promises';
  let node;
  try {
    node = await import(/* @vite-ignore */ /* webpackIgnore: true */ fileSystem);
  } catch {
    throw new FileError(`${path} can be read in Node.js only; hand over its bytes instead.`);
  }
  try {
    return await node.readFile(path);
  } catch (error) {
    const { code, message } = /** @type {Error & { code?: string }} */ (error);
    if (code === 'ENOENT') throw new MissingError(`${path} does not exist.`);
    throw new FileError(`${path} cannot be read: ${message}.`);
  }
}

/**
 * @param {Uint8Array} bytes
 * @returns {Promise<Uint8Array>} themselves, unless they are gzip
 */
async function decompress(bytes) {
  refusePointer(bytes, 'The data are');
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const blob = new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (bytes)]);
  const reader = blob.stream().pipeThrough(new DecompressionStream('gzip')).getReader();
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const chunks = [];
  let size = 0;
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      chunks.push(next.value);
      size += next.value.length;
      if (size > LIMIT) break;
    }
  } catch {
    throw new FileError('The data are damaged: they begin as gzip, but do not go on so.');
  }
  if (size > LIMIT) throw new FileError(`The data have more than ${LIMIT} bytes, decompressed.`);
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}
