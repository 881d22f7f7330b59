// SPDX-License-Identifier: Apache-2.0

/**
 * What browsers and Node.js both have, but test environments that simulate a browser within Node.js do
 * not pass on.
 */

import { builtinModule } from './node.js';

/** @returns {TextEncoder} */
export function makeTextEncoder() {
  return new (globalThis.TextEncoder ?? util().TextEncoder)();
}

/** @returns {TextDecoder} of UTF-8 that refuses what is none, and keeps a byte order mark */
export function makeTextDecoder() {
  const Decoder = globalThis.TextDecoder ?? util().TextDecoder;
  return new Decoder('utf-8', { fatal: true, ignoreBOM: true });
}

/**
 * @template T
 * @param {T} data that JSON could carry, but for numbers that are not finite
 * @returns {T} a copy of all of it
 */
export function copyData(data) {
  if (typeof structuredClone === 'function') return structuredClone(data);
  if (data === null || typeof data !== 'object') return data;
  if (Array.isArray(data)) return /** @type {any} */ (data.map(copyData));
  const entries = Object.entries(data).map(([key, value]) => [key, copyData(value)]);
  return Object.fromEntries(entries);
}

/**
 * @template T
 * @param {T} data that JSON could carry
 * @returns {T} the same, all of which can no longer be changed
 */
export function freezeData(data) {
  if (data !== null && typeof data === 'object') {
    Object.values(data).forEach(freezeData);
    Object.freeze(data);
  }
  return data;
}

function util() {
  return /** @type {typeof import('node:util')} */ (builtinModule('node:util'));
}
