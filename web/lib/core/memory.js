// SPDX-License-Identifier: Apache-2.0

/**
 * Values in and out of the module's heap. Views of the heap die when it grows, so they stay inside
 * these functions: what goes in and comes out is copied.
 */

import { MemoryError, ShapeError, ValueError } from './errors.js';
import { call } from './module.js';

/**
 * @typedef {import('./module.js').NativeBuffer} NativeBuffer
 * @typedef {Float32Array | ArrayLike<number>} Floats
 */

/**
 * @param {number} bytes
 * @returns {NativeBuffer} to be deleted by the caller
 * @throws {MemoryError} where there is no room; says how much was needed
 */
export function makeBuffer(bytes) {
  return call((native) => native.makeBuffer(bytes));
}

/**
 * @param {number} length bytes
 * @returns {Uint8Array<ArrayBuffer>} outside the module's heap
 * @throws {MemoryError} where there is no room
 */
export function makeBytes(length) {
  try {
    return new Uint8Array(length);
  } catch {
    throw new MemoryError(`Out of memory: ${length} bytes were needed in one piece.`);
  }
}

/**
 * @param {number} length
 * @returns {Float32Array<ArrayBuffer>} outside the module's heap
 * @throws {MemoryError} where there is no room
 */
export function makeFloats(length) {
  try {
    return new Float32Array(length);
  } catch {
    throw new MemoryError(`Out of memory: ${4 * length} bytes were needed in one piece.`);
  }
}

/**
 * @template T
 * @param {Array<{ delete(): void }>} buffers on the heap, deleted in the end, whatever happens
 * @param {() => T} work
 * @returns {T}
 */
export function withBuffers(buffers, work) {
  try {
    return work();
  } finally {
    for (const buffer of buffers) buffer.delete();
  }
}

/**
 * A buffer that holds the values, and `slack` further floats of 0.
 *
 * @param {Floats} values
 * @param {number} [slack]
 * @returns {NativeBuffer} to be deleted by the caller
 */
export function uploadFloats(values, slack = 0) {
  const buffer = makeBuffer(4 * (values.length + slack));
  const floats = buffer.floats();
  floats.set(values);
  floats.fill(0, values.length);
  return buffer;
}

/**
 * @param {Float32Array} view of the heap
 * @param {Floats} values as many
 */
export function copyIn(view, values) {
  view.set(values);
}

/**
 * @param {Float32Array} view of the heap
 * @returns {Float32Array<ArrayBuffer>}
 */
export function copyOut(view) {
  const floats = makeFloats(view.length);
  floats.set(view);
  return floats;
}

/**
 * @param {unknown} values
 * @param {string} what for the message
 * @returns {Floats}
 */
export function checkFloats(values, what) {
  if (values instanceof Float32Array || values instanceof Float64Array) return values;
  if (Array.isArray(values) && values.every((value) => typeof value === 'number')) return values;
  throw new ValueError(`${what} must be a Float32Array or an array of numbers.`);
}

/**
 * @param {number} length
 * @param {number} expected
 * @param {string} what for the message
 */
export function checkLength(length, expected, what) {
  if (length !== expected) {
    throw new ShapeError(`${what} must hold ${expected} values, not ${length}.`);
  }
}

/**
 * @param {unknown} value
 * @param {string} what for the message
 * @returns {number}
 */
export function checkCount(value, what) {
  if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 2 ** 32) {
    return value;
  }
  throw new ShapeError(`${what} must be a whole number from 1 to ${2 ** 32 - 1}, not ${value}.`);
}
