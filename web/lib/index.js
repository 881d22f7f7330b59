// SPDX-License-Identifier: Apache-2.0

/**
 * Neural networks that run on their compressed weights. `await init()` first; what is asynchronous
 * does it by itself.
 *
 * @typedef {import('./core/limits.js').Limits} Limits
 * @typedef {import('./core/matrix.js').Choice} Choice
 * @typedef {import('./core/matrix.js').Cost} Cost
 * @typedef {import('./core/matrix.js').FormatName} FormatName
 * @typedef {import('./core/matrix.js').Stats} Stats
 * @typedef {import('./core/matrix.js').StoredArray} StoredArray
 * @typedef {import('./core/module.js').InitOptions} InitOptions
 * @typedef {import('./import/shapes.js').Graph} Graph
 * @typedef {import('./import/shapes.js').Tensor} Tensor
 * @typedef {import('./model/classify.js').ClassProbability} ClassProbability
 * @typedef {import('./model/image.js').ImageOptions} ImageOptions
 * @typedef {import('./model/image.js').Picture} Picture
 * @typedef {import('./model/model.js').Formats} Formats
 * @typedef {import('./model/model.js').Layer} Layer
 * @typedef {import('./model/model.js').RunOptions} RunOptions
 * @typedef {import('./model/source.js').LoadOptions} LoadOptions
 * @typedef {import('./model/source.js').Progress} Progress
 * @typedef {import('./train/accounting.js').TotalsReport} Totals
 * @typedef {import('./train/compressor.js').CompressorOptions} CompressorOptions
 * @typedef {import('./train/compressor.js').MethodName} MethodName
 * @typedef {import('./train/data.js').DataOption} DataOption
 * @typedef {import('./train/member.js').MemberStatus} MemberStatus
 * @typedef {import('./train/message.js').Message} Message
 * @typedef {import('./train/message.js').TensorUpdate} TensorUpdate
 * @typedef {import('./train/links.js').Link} Link
 * @typedef {import('./train/optimizer-options.js').OptimizerOptions} OptimizerOptions
 * @typedef {import('./train/optimizer-options.js').Schedule} Schedule
 * @typedef {import('./train/options.js').SimulationOptions} SimulationOptions
 * @typedef {import('./train/simulation.js').Evaluation} Evaluation
 * @typedef {import('./train/simulation.js').Round} Round
 * @typedef {import('./train/tensors.js').Layout} Layout
 * @typedef {import('./train/tensors.js').Tensors} Tensors
 * @typedef {import('./transport/transport.js').Transport} Transport
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
export { initTraining, trainingModule } from './core/training.js';
export { importDeepCompression } from './import/import-deep-compression.js';
export { classify, probabilities, topClasses } from './model/classify.js';
export { imageToTensor, scaledSide } from './model/image.js';
export { Model } from './model/model.js';
export { Aggregator } from './train/aggregator.js';
export { COMPRESSORS, Compressor } from './train/compressor.js';
export { Dataset } from './train/dataset.js';
export { applyMessage, decodeMessage } from './train/message.js';
export { MODELS } from './train/options.js';
export { Simulation } from './train/simulation.js';
export { Trainer } from './train/trainer.js';
