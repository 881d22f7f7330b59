// SPDX-License-Identifier: Apache-2.0

/** Elements as files have them: little-endian, of any width, at any place. */

import { makeFloats } from './memory.js';

/**
 * @template {ArrayBufferView & { length: number }} T
 * @param {Uint8Array} data
 * @param {{ new (buffer: ArrayBufferLike, offset: number, length: number): T, BYTES_PER_ELEMENT: number }} Kind
 * @returns {T} a view where they lie at a multiple of their width, else of a copy
 */
export function viewOf(data, Kind) {
  const { BYTES_PER_ELEMENT: width } = Kind;
  // A slice of a Buffer of Node.js would be a view.
  const { buffer, byteOffset, length } =
    data.byteOffset % width === 0 ? data : new Uint8Array(data);
  return new Kind(buffer, byteOffset, length / width);
}

/** @param {number} bits of a bfloat16 @returns {number} of the same float32 */
function widenBrainFloat(bits) {
  return bits << 16;
}

/** @param {number} bits of a float16 @returns {number} of the same float32 */
export function widenHalf(bits) {
  const sign = (bits & 0x8000) << 16;
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 0x3ff;
  if (exponent === 31) return sign | 0x7f800000 | (mantissa << 13);
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (mantissa << 13);
  if (mantissa === 0) return sign;
  // Below 2^-14 a half has no leading one; as float32 each of them has.
  const shift = Math.clz32(mantissa) - 21;
  return sign | ((113 - shift) << 23) | (((mantissa << shift) & 0x3ff) << 13);
}

/**
 * @param {Uint8Array} data of float16 or bfloat16
 * @param {'float16' | 'bfloat16'} type
 * @returns {Float32Array<ArrayBuffer>} the same numbers
 */
export function widenFloats(data, type) {
  const halves = viewOf(data, Uint16Array);
  const result = makeFloats(halves.length);
  const words = new Uint32Array(result.buffer);
  const widen = type === 'bfloat16' ? widenBrainFloat : widenHalf;
  for (let i = 0; i < words.length; ++i) words[i] = widen(halves[i]);
  return result;
}
