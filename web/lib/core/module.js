// SPDX-License-Identifier: Apache-2.0

/** The WebAssembly module that runs networks. */

import binary from '../../../dist/lowtropy.binary.js';
import createModule from '../../../dist/lowtropy.js';
import { Engine } from './engine.js';

/**
 * @typedef {import('./engine.js').InitOptions} InitOptions
 * @typedef {import('../../../dist/lowtropy.js').NativeModule} NativeModule
 * @typedef {import('../../../dist/lowtropy.js').NativeBuffer} NativeBuffer
 */

/** @type {Engine<NativeModule>} */
const engine = /* @__PURE__ */ new Engine({
  loader: createModule,
  missing: 'The WebAssembly module is not loaded yet: await init() first.',
});

/**
 * Loads the WebAssembly module. Later calls wait for the first and change nothing; after a failure
 * the next call tries again, also one that waited. Functions that are asynchronous anyway call it themselves.
 *
 * @param {InitOptions} [options]
 * @returns {Promise<void>}
 * @throws {EngineError} if this engine has no WebAssembly SIMD, or what was loaded is not the module
 */
export function init(options = {}) {
  return engine.init(options, binary);
}

/**
 * The compiled WebAssembly, to be posted to a worker and handed to `init` there.
 *
 * @returns {WebAssembly.Module}
 * @throws {EngineError} before `init` is done
 */
export function wasmModule() {
  return engine.compiled;
}

/** @returns {NativeModule} */
export function getNative() {
  return engine.native;
}

/**
 * Calls into the module, and throws the error that the call left.
 *
 * @template T
 * @param {(native: NativeModule) => T} work
 * @returns {NonNullable<T>}
 */
export function call(work) {
  return engine.call(work);
}
