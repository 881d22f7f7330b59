// SPDX-License-Identifier: Apache-2.0

/** Files that may be compressed. */

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
 * @returns {Promise<Uint8Array<ArrayBuffer>>} all of it, decompressed
 */
export async function readWhole(file) {
  return new Uint8Array(await new Response(await open(file)).arrayBuffer());
}
