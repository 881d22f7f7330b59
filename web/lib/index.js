// SPDX-License-Identifier: Apache-2.0

/**
 * Neural networks that run on their compressed weights. `await init()` first; what is asynchronous
 * does it by itself.
 */

export {
  DisposedError,
  EngineError,
  FileError,
  LowtropyError,
  MemoryError,
  ShapeError,
  UnsupportedError,
  ValueError,
} from './core/errors.js';
export { FORMATS, Matrix } from './core/matrix.js';
export { init, wasmModule } from './core/module.js';
export { importDeepCompression } from './import/import-deep-compression.js';
export { classify, probabilities, topClasses } from './model/classify.js';
export { imageToTensor, scaledSide } from './model/image.js';
export { Model } from './model/model.js';
