// SPDX-License-Identifier: Apache-2.0

import { DisposedError } from './errors.js';

/**
 * Owns an object on the module's heap until `dispose()`.
 *
 * @template {{ delete(): void }} T
 */
export class Handle {
  /** @type {T | null} */
  #native;

  /** @param {T} native */
  constructor(native) {
    this.#native = native;
  }

  /**
   * For this library's own use.
   *
   * @returns {T}
   * @throws {DisposedError} after `dispose()`
   */
  get native() {
    if (!this.#native) {
      throw new DisposedError(`This ${this.constructor.name} was used after its dispose().`);
    }
    return this.#native;
  }

  /** Whether `dispose()` was called. */
  get disposed() {
    return !this.#native;
  }

  /** Gives the memory back. The object cannot be used afterwards; a second call does nothing. */
  dispose() {
    this.#native?.delete();
    this.#native = null;
  }
}
