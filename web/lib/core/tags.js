// SPDX-License-Identifier: Apache-2.0

/**
 * What a value is. Objects of another realm (an iframe, a `vm` context, a test environment) are no
 * instances of this realm's classes, so that `instanceof` refuses what is right; and a subclass or a
 * Proxy may say of itself what it likes. What the engine keeps inside an object tells neither lie:
 * the getters below read just that, of objects of any realm.
 */

const typedArray = Object.getPrototypeOf(Uint8Array.prototype);

/**
 * @param {object} prototype
 * @param {string | symbol} name
 * @returns {(this: unknown) => any}
 */
function getterOf(prototype, name) {
  return /** @type {any} */ (Object.getOwnPropertyDescriptor(prototype, name)).get;
}

const nameOfTypedArray = getterOf(typedArray, Symbol.toStringTag);
const lengthOfTypedArray = getterOf(typedArray, 'length');
const partsOfTypedArray = {
  buffer: getterOf(typedArray, 'buffer'),
  byteOffset: getterOf(typedArray, 'byteOffset'),
  byteLength: getterOf(typedArray, 'byteLength'),
};
const partsOfDataView = {
  buffer: getterOf(DataView.prototype, 'buffer'),
  byteOffset: getterOf(DataView.prototype, 'byteOffset'),
  byteLength: getterOf(DataView.prototype, 'byteLength'),
};
const lengthOfBuffer = getterOf(ArrayBuffer.prototype, 'byteLength');
/** Pages that are not isolated have none. */
const lengthOfSharedBuffer =
  typeof SharedArrayBuffer === 'undefined'
    ? undefined
    : getterOf(SharedArrayBuffer.prototype, 'byteLength');

/**
 * @param {unknown} value
 * @returns {string | undefined} 'Float32Array' and so on; undefined if it is no typed array
 */
export function typedArrayName(value) {
  return nameOfTypedArray.call(value);
}

/**
 * @param {unknown} value
 * @returns {number} of a typed array; 0 if its memory was given away
 */
export function typedArrayLength(value) {
  return lengthOfTypedArray.call(value);
}

/**
 * @param {unknown} value
 * @returns {boolean} whether it is an ArrayBuffer or a SharedArrayBuffer
 */
export function isBuffer(value) {
  for (const getter of [lengthOfBuffer, lengthOfSharedBuffer]) {
    try {
      getter?.call(value);
      if (getter) return true;
    } catch {
      // It is none.
    }
  }
  return false;
}

/** Arrays of whole bytes; of wider numbers nobody knows which bytes are meant. */
const BYTE_ARRAYS = new Set(['Uint8Array', 'Uint8ClampedArray', 'Int8Array']);

/**
 * The bytes of a buffer, a DataView or an array of bytes, as a plain Uint8Array of this realm that shares the memory: its
 * length is what the engine says, and stays so.
 *
 * @param {unknown} value
 * @returns {Uint8Array | undefined} undefined if it is anything else
 * @throws {TypeError} if its memory was given away
 */
export function bytesOf(value) {
  if (isBuffer(value)) return new Uint8Array(/** @type {ArrayBuffer} */ (value));
  if (!ArrayBuffer.isView(value)) return undefined;
  const name = typedArrayName(value);
  if (name && !BYTE_ARRAYS.has(name)) return undefined;
  const parts = name ? partsOfTypedArray : partsOfDataView;
  const buffer = parts.buffer.call(value);
  return new Uint8Array(buffer, parts.byteOffset.call(value), parts.byteLength.call(value));
}

/**
 * @template {new (buffer: ArrayBufferLike, byteOffset: number, length: number) => ArrayBufferView} Kind
 * @param {unknown} value a typed array of that kind
 * @param {Kind} Kind of this realm
 * @returns {InstanceType<Kind>} a plain one that shares the memory
 * @throws {TypeError} if its memory was given away
 */
export function plainView(value, Kind) {
  const { buffer, byteOffset } = partsOfTypedArray;
  return /** @type {any} */ (
    new Kind(buffer.call(value), byteOffset.call(value), lengthOfTypedArray.call(value))
  );
}

/**
 * @param {unknown} value
 * @returns {string} 'Blob', 'URL', 'Map', 'Array' and so on
 */
export function tagOf(value) {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/**
 * What something is, for a message: "a string", "an Int32Array", "null".
 *
 * @param {unknown} value
 */
export function describe(value) {
  if (value === null || value === undefined || typeof value === 'boolean') return `${value}`;
  if (typeof value === 'number') return Number.isNaN(value) ? 'NaN' : `the number ${value}`;
  const name = typeof value === 'object' ? (typedArrayName(value) ?? tagOf(value)) : typeof value;
  const shown = name === 'Object' ? 'object' : name === 'Array' ? 'array' : name;
  return `${/^[aeiou]/i.test(shown) && !/^(U[RU]|Uint)/.test(shown) ? 'an' : 'a'} ${shown}`;
}
