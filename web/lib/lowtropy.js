// SPDX-License-Identifier: Apache-2.0

/**
 * Neural networks that run on their compressed weights: the entry `lowtropy`. `await init()` first;
 * what is asynchronous does it by itself.
 *
 * @typedef {import('./core/limits.js').Limits} Limits
 * @typedef {import('./core/matrix.js').Choice} Choice
 * @typedef {import('./core/matrix.js').Cost} Cost
 * @typedef {import('./core/matrix.js').FormatName} FormatName
 * @typedef {import('./core/matrix.js').Stats} Stats
 * @typedef {import('./core/matrix.js').StoredArray} StoredArray
 * @typedef {import('./core/module.js').InitOptions} InitOptions
 * @typedef {import('./graph/graph.js').Graph} Graph
 * @typedef {import('./graph/graph.js').Tensor} Tensor
 * @typedef {import('./import/import-onnx.js').ImportOptions} ImportOptions
 * @typedef {import('./import/import-onnx.js').OnnxSource} OnnxSource
 * @typedef {import('./model/classify.js').ClassProbability} ClassProbability
 * @typedef {import('./model/image-options.js').ImageOptions} ImageOptions
 * @typedef {import('./model/image.js').Picture} Picture
 * @typedef {import('./model/model.js').Formats} Formats
 * @typedef {import('./model/model.js').Layer} Layer
 * @typedef {import('./model/model.js').RunOptions} RunOptions
 * @typedef {import('./model/source.js').LoadOptions} LoadOptions
 * @typedef {import('./model/source.js').Progress} Progress
 */

export {
  DisposedError,
  EngineError,
  FileError,
  LimitError,
  LowtropyError,
  MemoryError,
  ShapeError,
  UnsupportedError,
  ValueError,
} from './core/errors.js';
export { FORMATS, Matrix } from './core/matrix.js';
export { init, wasmModule } from './core/module.js';
export { importDeepCompression } from './import/import-deep-compression.js';
export { importOnnx } from './import/import-onnx.js';
export { classify, probabilities, topClasses } from './model/classify.js';
export { imageToTensor, scaledSide } from './model/image.js';
export { Model } from './model/model.js';
