// SPDX-License-Identifier: Apache-2.0

/** Files that may be compressed. */

/** As much of one as is read; MNIST's largest has 47 MB. */
const LIMIT = 2 ** 29;

/** @param {Blob} file */
async function isGzip(file) {
  const [first, second] = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  return first === 0x1f && second === 0x8b;
}

/** @param {Blob} file @returns {Promise<ReadableStream<Uint8Array>>} decompressed if it is gzip */
async function open(file) {
  const stream = file.stream();
  return (await isGzip(file)) ? stream.pipeThrough(new DecompressionStream('gzip')) : stream;
}

/**
 * @param {Blob} file
 * @param {number} count
 * @returns {Promise<Uint8Array>} its first bytes, decompressed; fewer of a file that is shorter
 */
export async function readHead(file, count) {
  const reader = (await open(file)).getReader();
  /** @type {number[]} */
  const head = [];
  while (head.length < count) {
    const { done, value } = await reader.read();
    if (done) break;
    head.push(...value.subarray(0, count - head.length));
  }
  await reader.cancel();
  return Uint8Array.from(head);
}

/**
 * @param {Blob} file
 * @param {object} [options]
 * @param {number} [options.limit] bytes; a small file may hold very many, compressed
 * @returns {Promise<Uint8Array<ArrayBuffer>>} all of it, decompressed
 * @throws {Error} where there are more
 */
export async function readWhole(file, { limit = LIMIT } = {}) {
  const reader = (await open(file)).getReader();
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const pieces = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > limit) {
      await reader.cancel();
      throw new Error(`A file holds more than ${limit.toLocaleString('en')} bytes, decompressed.`);
    }
    pieces.push(/** @type {Uint8Array<ArrayBuffer>} */ (value));
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}
