// SPDX-License-Identifier: Apache-2.0

/**
 * What the page asks the worker that trains, and what that tells it.
 *
 * @typedef {import('../../lib/training.js').WorkerStatus} WorkerStatus
 * @typedef {import('../../lib/training.js').Round} Round
 * @typedef {import('../../lib/training.js').SimulationOptions} SimulationOptions
 *
 * @typedef {object} OwnFiles IDX files, gzip or not; without those for testing a fifth is put aside
 * @property {Blob} images
 * @property {Blob} labels
 * @property {Blob} [testImages]
 * @property {Blob} [testLabels]
 *
 * @typedef {{ examples: number, labels: number[] }} Shard how many a worker has, and of which digits
 *
 * @typedef {object} Work
 * @property {SimulationOptions} options without the data
 * @property {number} iterations
 * @property {OwnFiles | { digits: number }} data
 *
 * @typedef {object} Learned
 * @property {number} round after which
 * @property {Uint8Array<ArrayBuffer>} file a model file, pruned and quantized
 * @property {import('./prune-model.js').PruneReport} report
 *
 * @typedef {object} TrainRequests
 * @property {[Work, { weights: number, shards: Shard[] }]} start gets ready; `go` begins
 * @property {[undefined, void]} go
 * @property {[undefined, void]} pause after the round that is running
 * @property {[undefined, void]} step one round
 * @property {[number, void]} leave
 * @property {[number, void]} join
 * @property {[number, void]} kill
 * @property {[undefined, Learned]} model what has been learned so far
 * @property {[undefined, void]} end ends all workers
 *
 * @typedef {'running' | 'paused' | 'waiting' | 'finished'} WorkState waiting: nobody is there
 *
 * @typedef {object} TrainEvents
 * @property {Round} round
 * @property {WorkState} state
 * @property {WorkerStatus[]} workers
 * @property {Round['lost']} lost of a round that nobody is left to finish
 * @property {string} failed a sentence
 */

export {};
