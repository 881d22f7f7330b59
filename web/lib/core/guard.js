// SPDX-License-Identifier: Apache-2.0

/**
 * Everything that a module exports, guarded, whoever calls it: what goes wrong in there arrives as an
 * error of this library, and a module that has trapped, whose memory may be in any state, is not
 * entered any more.
 */

import {
  DisposedError,
  EngineError,
  FileError,
  LimitError,
  LowtropyError,
  MemoryError,
  ShapeError,
  UnsupportedError,
  ValueError,
} from './errors.js';
import { makeTextDecoder } from './places.js';

/**
 * @typedef {object} NativeGuards what every module exports for this
 * @property {() => number} takeError the ErrorKind of the last call's error, −1 for what should not
 *   happen, −2 for none
 * @property {() => Uint8Array} errorMessage its message, a view
 * @property {() => number} takeFailedBytes that an allocation asked for in vain during the last call
 * @property {() => number} heldBytes in use
 */

/** One class for each ErrorKind of cpp/lowtropy/base/error.h, in its order. */
const ERRORS = [ShapeError, ValueError, FileError, MemoryError, UnsupportedError, LimitError];

/** What `takeError` says where there is none. */
const NONE = -2;

/**
 * @template {NativeGuards} T
 */
export class GuardedModule {
  /** @type {T} */
  #native;
  /** @type {string | undefined} */
  #failure;

  /** What the module exports, each function and each method of a class guarded. @type {T} */
  exports;

  /** @param {T} native as Embind made it; the methods of its classes are replaced */
  constructor(native) {
    this.#native = native;
    const entries = Object.entries(native).map(([name, value]) => {
      if (typeof value !== 'function') return [name, value];
      if (!isHandleClass(value)) return [name, this.#guard(value)];
      this.#guardMethods(value.prototype);
      return [name, value];
    });
    this.exports = Object.fromEntries(entries);
  }

  /** Why it must be made anew, a sentence; undefined as long as it works. */
  get failure() {
    return this.#failure;
  }

  /** @param {Record<string, any>} prototype of a class whose objects are handles */
  #guardMethods(prototype) {
    for (const name of Object.keys(prototype)) {
      if (name !== 'constructor') prototype[name] = this.#guard(prototype[name]);
    }
    // All classes share the object that has `delete`, and the first one to come guards it.
    const base = Object.getPrototypeOf(prototype);
    if (base.delete.guarded) return;
    const owner = this;
    const guarded = this.#guard(base.delete);
    // The memory of a module that has failed is given up as a whole.
    base.delete = Object.assign(
      /** @this {unknown} */ function () {
        if (owner.#failure === undefined) guarded.call(this);
      },
      { guarded: true },
    );
  }

  /**
   * @param {Function} exported
   * @returns {(this: unknown, ...args: unknown[]) => unknown}
   */
  #guard(exported) {
    const module = this;
    return function (...args) {
      module.#check();
      let result;
      try {
        result = exported.apply(this, args);
      } catch (error) {
        throw module.#translate(error);
      }
      module.#throwLeft();
      return result;
    };
  }

  #check() {
    if (this.#failure !== undefined) throw new EngineError(this.#failure);
  }

  /** Throws the error that a call has left. */
  #throwLeft() {
    const kind = this.#native.takeError();
    if (kind === NONE) return;
    const message = makeTextDecoder().decode(this.#native.errorMessage().slice());
    // There was no memory for a message.
    if (message === '') throw this.#outOfMemory();
    const Kind = ERRORS[kind] ?? LowtropyError;
    throw new Kind(message);
  }

  /**
   * @param {unknown} error what came out of a call: a trap, a failure in Embind's conversions
   * @returns {LowtropyError}
   */
  #translate(error) {
    if (error instanceof LowtropyError) return error;
    const message = error instanceof Error ? error.message : String(error);
    if (isTrap(error, message)) {
      this.#failure =
        `The WebAssembly module failed (${message}) and what it held is lost; ` +
        'it must be made anew, by init().';
      return new EngineError(this.#failure, { cause: error });
    }
    // Of the module's allocator, where Embind had a text to convert.
    if (message === 'out of memory') return this.#outOfMemory();
    if (error instanceof RangeError) {
      return new MemoryError(`Out of memory: the engine refused an array (${message}).`);
    }
    if (/deleted object/.test(message)) return new DisposedError('A disposed handle was used.');
    return new EngineError(`The WebAssembly module failed: ${message}.`);
  }

  #outOfMemory() {
    return new MemoryError(
      `Out of memory: ${this.#native.takeFailedBytes()} bytes were needed in one piece; ` +
        `${this.#native.heldBytes()} bytes are in use.`,
    );
  }
}

/**
 * Whether it is a class of Embind's, whose objects live on the module's heap.
 *
 * @param {Function} value
 */
function isHandleClass(value) {
  const { prototype } = value;
  return Boolean(prototype && 'delete' in prototype && 'isDeleted' in prototype);
}

/**
 * Whether the module was left in the middle of something: it hit a wall, or the stack's end. The
 * stack's end is a RangeError in V8 and JavaScriptCore, and an InternalError in SpiderMonkey.
 *
 * @param {unknown} error
 * @param {string} message
 */
function isTrap(error, message) {
  return error instanceof WebAssembly.RuntimeError || /call stack|recursion/.test(message);
}
