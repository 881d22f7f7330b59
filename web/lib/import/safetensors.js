// SPDX-License-Identifier: Apache-2.0

/**
 * Safetensors files of others: weights by name, without a graph. Enough to see what they would take here.
 */

import { viewOf, widenFloats } from '../core/elements.js';
import { FileError } from '../core/errors.js';

/**
 * @typedef {object} StoredTensor
 * @property {string} name
 * @property {string} dtype as the file has it
 * @property {number[]} shape
 * @property {Uint8Array} bytes where they lie in the file
 */

/** What the format itself allows of a header. */
const MAX_HEADER = 100_000_000;

/** How elements are read, and their bytes. */
const TYPES = {
  F64: { width: 8, read: arrayReader(Float64Array) },
  F32: { width: 4, read: arrayReader(Float32Array) },
  F16: { width: 2, read: (/** @type {Uint8Array} */ bytes) => widenFloats(bytes, 'float16') },
  BF16: { width: 2, read: (/** @type {Uint8Array} */ bytes) => widenFloats(bytes, 'bfloat16') },
  I64: {
    width: 8,
    read: (/** @type {Uint8Array} */ bytes) =>
      Float32Array.from(viewOf(bytes, BigInt64Array), Number),
  },
  U64: {
    width: 8,
    read: (/** @type {Uint8Array} */ bytes) =>
      Float32Array.from(viewOf(bytes, BigUint64Array), Number),
  },
  I32: { width: 4, read: arrayReader(Int32Array) },
  U32: { width: 4, read: arrayReader(Uint32Array) },
  I16: { width: 2, read: arrayReader(Int16Array) },
  U16: { width: 2, read: arrayReader(Uint16Array) },
  I8: { width: 1, read: arrayReader(Int8Array) },
  U8: { width: 1, read: arrayReader(Uint8Array) },
  BOOL: { width: 1, read: arrayReader(Uint8Array) },
};

/**
 * @param {any} Kind
 * @returns {(bytes: Uint8Array) => Float32Array}
 */
function arrayReader(Kind) {
  return (bytes) => Float32Array.from(/** @type {any} */ (viewOf(bytes, Kind)));
}

/**
 * @param {Uint8Array} bytes of the file; what is read refers to them
 * @returns {StoredTensor[]} in the order of the header
 * @throws {FileError} for what is no safetensors file, or damaged
 */
export function readSafetensors(bytes) {
  const damaged = (/** @type {string} */ why) =>
    new FileError(`The safetensors file is damaged: ${why}.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = bytes.length >= 8 ? Number(view.getBigUint64(0, true)) : Infinity;
  if (length > Math.min(bytes.length - 8, MAX_HEADER)) throw damaged('its header is cut off');
  const header = parseHeader(bytes.subarray(8, 8 + length));
  if (!header) throw damaged('its header is no JSON object');
  const data = bytes.subarray(8 + length);
  return Object.entries(header)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, entry]) => {
      const { dtype, shape, data_offsets: offsets } = Object(entry);
      const isShape =
        Array.isArray(shape) && shape.every((dim) => Number.isSafeInteger(dim) && dim >= 0);
      if (typeof dtype !== 'string' || !isShape || !isRange(offsets, data.length)) {
        throw damaged(`the tensor "${name}" has no type, shape and place in it`);
      }
      const size = shape.reduce((/** @type {number} */ a, /** @type {number} */ b) => a * b, 1);
      const found = Object.hasOwn(TYPES, dtype) ? typeOf(dtype) : undefined;
      if (found && offsets[1] - offsets[0] !== size * found.width) {
        throw damaged(
          `the tensor "${name}" of ${shape.join('×')} ${dtype} takes ${size * found.width} bytes, not ` +
            `${offsets[1] - offsets[0]}`,
        );
      }
      return { name, dtype, shape, bytes: data.subarray(offsets[0], offsets[1]) };
    });
}

/** @param {string} dtype */
function typeOf(dtype) {
  return TYPES[/** @type {keyof typeof TYPES} */ (dtype)];
}

/**
 * @param {Uint8Array} text
 * @returns {Record<string, unknown> | undefined}
 */
function parseHeader(text) {
  try {
    const header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text));
    return typeof header === 'object' && !Array.isArray(header) && header ? header : undefined;
  } catch {
    return undefined;
  }
}

/**
 * @param {unknown} offsets
 * @param {number} end
 */
function isRange(offsets, end) {
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(Number.isSafeInteger))
    return false;
  return offsets[0] >= 0 && offsets[0] <= offsets[1] && offsets[1] <= end;
}

/**
 * @param {StoredTensor} tensor
 * @returns {Float32Array | undefined} its elements, rounded to float32; undefined for types of elements that are
 *   not read, such as those of 8-bit floats
 */
export function floatsOf({ dtype, bytes }) {
  return Object.hasOwn(TYPES, dtype) ? typeOf(dtype).read(bytes) : undefined;
}
