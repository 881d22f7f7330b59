// SPDX-License-Identifier: Apache-2.0

/** What arrives through a transport, looked at before it is used: it may be anything. */

/**
 * @typedef {import('./transport.js').Frame} Frame
 * @typedef {import('./transport.js').Head} Head
 */

/**
 * @param {unknown} frame
 * @returns {number | null | undefined} its id; null of a complaint about a frame that has none;
 *   undefined of what is no frame
 */
export function idOf(frame) {
  const { head } = /** @type {Partial<Frame>} */ (Object(frame));
  if (!isHead(head)) return undefined;
  return Number.isSafeInteger(head.id) || head.id === null ? head.id : undefined;
}

/**
 * @param {unknown} value
 * @returns {value is Head}
 */
export function isHead(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * @param {unknown} body
 * @returns {Uint8Array[] | undefined} undefined unless it is an array of Uint8Arrays, of whatever
 *   realm: those of another are looked at through one of this
 */
export function readBody(body) {
  if (!Array.isArray(body)) return undefined;
  const parts = Array.from(body, (part) => {
    if (part instanceof Uint8Array) return part;
    const isBytes = Object.prototype.toString.call(part) === '[object Uint8Array]';
    return isBytes && ArrayBuffer.isView(part)
      ? new Uint8Array(part.buffer, part.byteOffset, part.byteLength)
      : undefined;
  });
  return parts.every((part) => part !== undefined) ? parts : undefined;
}
