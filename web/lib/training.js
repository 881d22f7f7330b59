// SPDX-License-Identifier: Apache-2.0

/**
 * Networks that learn together over compressed updates: the entry `lowtropy/training`. A simulation
 * does all that it needs by itself; `await initTraining()` before the rest.
 *
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

export { initTraining } from './core/init-training.js';
export { trainingModule } from './core/training.js';
export { Aggregator } from './train/aggregator.js';
export { COMPRESSORS, Compressor } from './train/compressor.js';
export { Dataset } from './train/dataset.js';
export { applyMessage, decodeMessage } from './train/message.js';
export { MODELS } from './train/options.js';
export { Simulation } from './train/simulation.js';
export { Trainer } from './train/trainer.js';
