// SPDX-License-Identifier: Apache-2.0

/**
 * Values in and out of the module's heap. Views of the heap die when it grows, so they stay inside
 * these functions: what goes in and comes out is copied.
 */

import { MemoryError, ShapeError, ValueError } from './errors.js';
import { call } from './module.js';
import { describe, plainView, typedArrayName } from './tags.js';

/**
 * @typedef {import('./module.js').NativeBuffer} NativeBuffer
 * @typedef {Float32Array | Float64Array} Floats plain arrays of this realm
 */

/**
 * @template T
 * @typedef {T extends Float32Array ? Float32Array<ArrayBuffer> : T extends Int32Array
 *   ? Int32Array<ArrayBuffer> : Uint8Array<ArrayBuffer>} Copied
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
 * @param {Floats} values of `takeFloats`
 * @param {number} [slack]
 * @returns {NativeBuffer} to be deleted by the caller
 */
export function uploadFloats(values, slack = 0) {
  return fill(makeBuffer(4 * (values.length + slack)), (buffer) => {
    const floats = buffer.floats();
    floats.set(values);
    floats.fill(0, values.length);
  });
}

/**
 * @param {NativeBuffer} buffer deleted where it cannot be filled
 * @param {(buffer: NativeBuffer) => void} work fills it
 * @returns {NativeBuffer} the same
 */
export function fill(buffer, work) {
  try {
    work(buffer);
    return buffer;
  } catch (error) {
    buffer.delete();
    throw error;
  }
}

/**
 * @param {Float32Array} view of the heap
 * @param {Floats} values as many
 */
export function copyIn(view, values) {
  view.set(values);
}

/**
 * @template {Float32Array | Int32Array | Uint8Array} Elements
 * @param {Elements} view of the heap
 * @returns {Copied<Elements>} a copy outside it
 * @throws {MemoryError} where there is no room
 */
export function copyOut(view) {
  try {
    return /** @type {any} */ (view.slice());
  } catch {
    throw new MemoryError(`Out of memory: ${view.byteLength} bytes were needed in one piece.`);
  }
}

/**
 * The numbers that somebody hands over, in an array that no longer changes. Arrays are objects whose
 * `length` and elements may be anything, and something else each time they are asked: everything is
 * read once, and what was read is what is checked and used. Typed arrays are taken as they are, at
 * the length that the engine knows.
 *
 * @param {unknown} values
 * @param {string} what for the message
 * @param {(length: number) => void} check of the length, before memory is taken for a copy
 * @returns {Floats}
 * @throws {ValueError} for what is neither a Float32Array nor an array of numbers
 */
export function takeFloats(values, what, check) {
  const name = typedArrayName(values);
  if (name === 'Float32Array') return takeView(values, Float32Array, what, check);
  if (name === 'Float64Array') return takeView(values, Float64Array, what, check);
  if (name === 'Float16Array' || Array.isArray(values)) {
    return copyArray(/** @type {ArrayLike<unknown>} */ (values), what, check);
  }
  throw new ValueError(
    `${what} must be a Float32Array or an array of numbers, not ${describe(values)}.`,
  );
}

/**
 * @template {Float32ArrayConstructor | Float64ArrayConstructor} Kind
 * @param {unknown} values
 * @param {Kind} Kind
 * @param {string} what
 * @param {(length: number) => void} check
 */
function takeView(values, Kind, what, check) {
  let view;
  try {
    view = plainView(values, Kind);
  } catch {
    throw new ValueError(`${what}: the memory was given away, to another thread perhaps.`);
  }
  check(view.length);
  return view;
}

/**
 * @param {ArrayLike<unknown>} values
 * @param {string} what
 * @param {(length: number) => void} check
 */
function copyArray(values, what, check) {
  const { length } = values;
  check(length);
  const copy = makeFloats(length);
  for (let i = 0; i < length; ++i) {
    const value = values[i];
    if (typeof value !== 'number') {
      const found = value === undefined ? 'nothing' : describe(value);
      throw new ValueError(
        `${what} must be a Float32Array or an array of numbers; there is ${found} at ${i}.`,
      );
    }
    copy[i] = value;
  }
  return copy;
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
