// SPDX-License-Identifier: Apache-2.0

/**
 * The WebAssembly module that compresses updates and trains: one of its own, because a page that
 * only runs networks should not download it.
 */

import createModule from '../../../dist/lowtropy-training.js';
import { Engine } from './engine.js';
import { fill } from './memory.js';

/**
 * @typedef {import('./engine.js').InitOptions} InitOptions
 * @typedef {import('../../../dist/lowtropy-training.js').NativeTraining} NativeTraining
 * @typedef {import('../../../dist/lowtropy-training.js').NativeBuffer} NativeBuffer
 */

/** @type {Engine<NativeTraining>} */
const engine = /* @__PURE__ */ new Engine({
  loader: createModule,
  missing: 'The WebAssembly module for training is not loaded yet: await initTraining() first.',
});

/**
 * Loads the WebAssembly module from where the options say.
 *
 * @param {InitOptions} options
 * @param {string | URL} [binary] the WebAssembly where they say nothing
 * @returns {Promise<void>}
 */
export function loadTraining(options, binary) {
  return engine.init(options, binary);
}

/**
 * The compiled WebAssembly, to be posted to a worker and handed to `initTraining` there.
 *
 * @returns {WebAssembly.Module}
 * @throws {EngineError} before `initTraining` is done
 */
export function trainingModule() {
  return engine.compiled;
}

/** @returns {NativeTraining} */
export function getTraining() {
  return engine.native;
}

/**
 * Calls into the module, and throws the error that the call left.
 *
 * @template T
 * @param {(native: NativeTraining) => T} work
 * @returns {NonNullable<T>}
 */
export function callTraining(work) {
  return engine.call(work);
}

/**
 * A buffer on the heap of this module, as `makeBuffer` of memory.js makes one on the other's.
 *
 * @param {number} bytes
 * @returns {NativeBuffer} to be deleted by the caller
 * @throws {MemoryError} where there is no room; says how much was needed
 */
export function makeTrainingBuffer(bytes) {
  return callTraining((native) => native.makeBuffer(bytes));
}

/**
 * @param {Uint8Array} bytes of `checkBytes`
 * @returns {NativeBuffer} of the module for training, to be deleted by the caller
 */
export function uploadTrainingBytes(bytes) {
  return fill(makeTrainingBuffer(bytes.length), (buffer) => buffer.bytes().set(bytes));
}
