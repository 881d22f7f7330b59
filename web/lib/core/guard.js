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

/**
 * @typedef {import('../../../dist/lowtropy.js').NativeError} NativeError
 *
 * @typedef {object} NativeGuards what every module exports for this
 * @property {() => NativeError | null} takeError the error of the last call
 * @property {() => number} failedBytes that an allocation asked for in vain during the last call
 * @property {() => number} heldBytes in use
 */

/** One class for each ErrorKind of cpp/lowtropy/base/error.h, in its order. */
const ERRORS = [ShapeError, ValueError, FileError, MemoryError, UnsupportedError, LimitError];

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
    let error;
    try {
      error = this.#native.takeError();
    } catch (unreadable) {
      throw this.#translate(unreadable);
    }
    if (!error) return;
    const Kind = ERRORS[error.kind] ?? LowtropyError;
    throw new Kind(error.message);
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
      return new EngineError(this.#failure);
    }
    if (isException(error)) {
      return new MemoryError(
        `Out of memory: ${this.#native.failedBytes()} bytes were needed in one piece; ` +
          `${this.#native.heldBytes()} bytes are in use.`,
      );
    }
    if (error instanceof RangeError) {
      return new MemoryError(`Out of memory: the engine refused an array (${message}).`);
    }
    if (/deleted object/.test(message)) return new DisposedError('A disposed handle was used.');
    return new EngineError(`The WebAssembly module failed: ${message}.`);
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

/**
 * Whether it is a C++ exception. None leaves a function of ours; what Embind does before and after
 * one throws where there is no memory for a text, and only then.
 *
 * @param {unknown} error
 */
function isException(error) {
  const { Exception } = /** @type {{ Exception?: Function }} */ (
    /** @type {unknown} */ (WebAssembly)
  );
  return Exception ? error instanceof Exception : !(error instanceof Error);
}
