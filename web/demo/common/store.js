// SPDX-License-Identifier: Apache-2.0

/**
 * Models kept in this browser, in Cache storage, each under the checksum of its file. Where a
 * browser has no such storage for the page (it has it for secure origins only), nothing is kept.
 */

/** @typedef {{ checksum: string, name: string, bytes: number }} Kept */

const CACHE = 'lowtropy-models-1';
const NAME_HEADER = 'x-lowtropy-name';
const SIZE_HEADER = 'x-lowtropy-bytes';
const CHECKSUM = /^[0-9a-f]{32}$/;

/** Larger files are not kept. */
export const MOST_KEPT_BYTES = 256e6;

/** @param {string} checksum */
const address = (checksum) => new URL(`kept/${checksum}`, document.baseURI).href;

/** @returns {Promise<Cache | undefined>} undefined where there is no storage */
async function openCache() {
  try {
    return await caches.open(CACHE);
  } catch {
    return undefined; // not there, or refused
  }
}

/**
 * @param {Uint8Array<ArrayBuffer>} file
 * @returns {Promise<string>} the first half of its SHA-256
 */
async function checksumOf(file) {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', file));
  return Array.from(digest.subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * @param {string} name
 * @param {Uint8Array<ArrayBuffer>} file
 * @returns {Promise<Kept | undefined>} undefined where the browser has no storage or no room
 */
export async function keepModel(name, file) {
  const cache = await openCache();
  if (!cache || file.length > MOST_KEPT_BYTES) return undefined;
  try {
    const checksum = await checksumOf(file);
    const headers = {
      [NAME_HEADER]: encodeURIComponent(name.slice(0, 200)),
      [SIZE_HEADER]: `${file.length}`,
    };
    await cache.put(address(checksum), new Response(file, { headers }));
    return { checksum, name, bytes: file.length };
  } catch {
    return undefined;
  }
}

/** @returns {Promise<Kept[]>} by their names */
export async function keptModels() {
  const cache = await openCache();
  if (!cache) return [];
  const requests = await cache.keys();
  const models = await Promise.all(
    requests.map(async (request) => {
      const headers = (await cache.match(request))?.headers;
      return {
        checksum: request.url.slice(request.url.lastIndexOf('/') + 1),
        name: decodeURIComponent(headers?.get(NAME_HEADER) ?? 'model'),
        bytes: Number(headers?.get(SIZE_HEADER) ?? 0),
      };
    }),
  );
  return models.sort((a, b) => a.name.localeCompare(b.name));
}

/**
 * @param {string} checksum
 * @returns {Promise<Blob | undefined>} the file
 */
export async function readKept(checksum) {
  if (!CHECKSUM.test(checksum)) return undefined;
  const response = await (await openCache())?.match(address(checksum));
  return response?.blob();
}

/** @param {string} checksum */
export async function removeKept(checksum) {
  await (await openCache())?.delete(address(checksum));
}
