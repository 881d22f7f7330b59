// SPDX-License-Identifier: Apache-2.0

/** The WebAssembly for training: apart, so that the script of the threads, who get it compiled, lacks it. */

import binary from '../../../dist/lowtropy-training.binary.js';
import { loadTraining } from './training.js';

/** @typedef {import('./engine.js').InitOptions} InitOptions */

/**
 * Loads the WebAssembly module for compression of updates and training, as `init` does the other
 * one.
 *
 * @param {InitOptions} [options]
 * @returns {Promise<void>}
 * @throws {EngineError} if this engine has no WebAssembly SIMD, or what was loaded is not the module
 */
export function initTraining(options = {}) {
  return loadTraining(options, binary);
}
