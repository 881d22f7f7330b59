// SPDX-License-Identifier: Apache-2.0

/** Weights as the bytes that frames and checkpoints carry: float32, little-endian. */

/**
 * @param {Float32Array} floats
 * @returns {Uint8Array} a view
 */
export function bytesOf(floats) {
  return new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength);
}

/**
 * @param {Uint8Array} bytes at any offset
 * @returns {Float32Array<ArrayBuffer>} a copy
 */
export function floatsOf(bytes) {
  return new Float32Array(new Uint8Array(bytes).buffer);
}
