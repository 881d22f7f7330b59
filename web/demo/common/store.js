// SPDX-License-Identifier: Apache-2.0

/**
 * Models kept in this browser, in Cache storage, each under the checksum of its file, and beside it
 * the names of its classes, if it came with them. Where a browser has no such storage for the page
 * (it has it for secure origins only), nothing is kept.
 */

/**
 * @typedef {object} Kept
 * @property {string} checksum
 * @property {string} name no two have the same
 * @property {number} bytes
 * @property {string} key of a model that the page knows by itself, such as squeezenet; else empty
 */

const CACHE = 'lowtropy-models-1';
const NAME_HEADER = 'x-lowtropy-name';
const SIZE_HEADER = 'x-lowtropy-bytes';
const KEY_HEADER = 'x-lowtropy-key';
const CHECKSUM = /^[0-9a-f]{32}$/;

/** Larger files are not kept. */
export const MOST_KEPT_BYTES = 256e6;

/** Of a name. */
const MOST_LETTERS = 200;

/** @param {string} name of an entry: a checksum, or the labels of one */
const address = (name) => new URL(`kept/${name}`, document.baseURI).href;

/** @param {string} checksum */
const labelsOf = (checksum) => `${checksum}-labels`;

/** By which tabs tell each other that what is kept has changed. */
const CHANNEL = 'lowtropy-models';

/** @type {BroadcastChannel | undefined} */
let channel;
/** @type {Set<() => void>} */
const listeners = new Set();

/** @param {() => void} listener told whenever this tab or another keeps or removes a model */
export function onKeptChange(listener) {
  if (!channel) {
    channel = new BroadcastChannel(CHANNEL);
    channel.addEventListener('message', () => listeners.forEach((each) => each()));
  }
  listeners.add(listener);
}

function changed() {
  channel?.postMessage('changed');
  listeners.forEach((listener) => listener());
}

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
 * @param {string} wanted
 * @param {Kept[]} others
 * @returns {string} itself, or with a number where another has it
 */
export function uniqueName(wanted, others) {
  const taken = new Set(others.map(({ name }) => name));
  if (!taken.has(wanted)) return wanted;
  let number = 2;
  while (taken.has(`${wanted} (${number})`)) number += 1;
  return `${wanted} (${number})`;
}

/**
 * @param {string} name
 * @param {Uint8Array<ArrayBuffer>} file
 * @param {{ key?: string, labels?: string[] }} [more]
 * @returns {Promise<Kept | undefined>} undefined where the browser has no storage or no room
 */
export async function keepModel(name, file, { key = '', labels = [] } = {}) {
  const cache = await openCache();
  if (!cache || file.length > MOST_KEPT_BYTES) return undefined;
  try {
    const checksum = await checksumOf(file);
    const all = await keptModels();
    const before = all.find((kept) => kept.checksum === checksum);
    const others = all.filter((kept) => kept !== before);
    /** @type {Kept} */
    const kept = before?.key
      ? before // which the page finds by its key, whatever a copy of it is called
      : {
          checksum,
          key,
          name: uniqueName(name.slice(0, MOST_LETTERS), others),
          bytes: file.length,
        };
    const headers = {
      [NAME_HEADER]: encodeURIComponent(kept.name),
      [SIZE_HEADER]: `${kept.bytes}`,
      [KEY_HEADER]: kept.key,
    };
    await cache.put(address(checksum), new Response(file, { headers }));
    if (labels.length > 0) await keepLabels(checksum, labels);
    changed();
    return kept;
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
        key: headers?.get(KEY_HEADER) ?? '',
      };
    }),
  );
  return models
    .filter(({ checksum }) => CHECKSUM.test(checksum))
    .sort((a, b) => a.name.localeCompare(b.name));
}

/**
 * @param {string} checksum
 * @returns {Promise<{ file: Blob, labels: string[] } | undefined>}
 */
export async function readKept(checksum) {
  if (!CHECKSUM.test(checksum)) return undefined;
  const cache = await openCache();
  const response = await cache?.match(address(checksum));
  if (!response) return undefined;
  const labels = await cache?.match(address(labelsOf(checksum)));
  return { file: await response.blob(), labels: labels ? await labels.json() : [] };
}

/**
 * @param {string} checksum of a model that is kept
 * @param {string[]} labels the names of its classes
 */
export async function keepLabels(checksum, labels) {
  const cache = await openCache();
  await cache?.put(address(labelsOf(checksum)), Response.json(labels)).catch(() => {}); // no room
}

/** @param {string} checksum */
export async function removeKept(checksum) {
  const cache = await openCache();
  await cache?.delete(address(checksum));
  await cache?.delete(address(labelsOf(checksum)));
  changed();
}
