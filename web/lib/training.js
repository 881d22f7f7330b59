// SPDX-License-Identifier: Apache-2.0

/**
 * Networks that learn together over compressed updates: the entry `lowtropy/training`. A simulation
 * does all that it needs by itself; `await initTraining()` before the rest.
 *
 * @typedef {import('./coordinate/accounting.js').TotalsReport} Totals
 * @typedef {import('./updates/compressor.js').CompressorOptions} CompressorOptions
 * @typedef {import('./updates/compressor.js').MethodName} MethodName
 * @typedef {import('./learn/data.js').DataOption} DataOption
 * @typedef {import('./coordinate/worker-record.js').WorkerStatus} WorkerStatus
 * @typedef {import('./updates/message.js').Message} Message
 * @typedef {import('./updates/message.js').TensorUpdate} TensorUpdate
 * @typedef {import('./coordinate/links.js').Link} Link
 * @typedef {import('./learn/optimizer-options.js').OptimizerOptions} OptimizerOptions
 * @typedef {import('./learn/optimizer-options.js').Schedule} Schedule
 * @typedef {import('./coordinate/options.js').SimulationOptions} SimulationOptions
 * @typedef {import('./simulate/simulation.js').Evaluation} Evaluation
 * @typedef {import('./simulate/simulation.js').Round} Round
 * @typedef {import('./updates/tensors.js').Layout} Layout
 * @typedef {import('./updates/tensors.js').Tensors} Tensors
 * @typedef {import('./transport/transport.js').Transport} Transport
 */

export { initTraining } from './core/init-training.js';
export { trainingModule } from './core/training.js';
export { Aggregator } from './updates/aggregator.js';
export { COMPRESSORS, Compressor } from './updates/compressor.js';
export { Dataset } from './learn/dataset.js';
export { applyMessage, decodeMessage } from './updates/message.js';
export { MODELS } from './coordinate/options.js';
export { Simulation } from './simulate/simulation.js';
export { Trainer } from './learn/trainer.js';
