// SPDX-License-Identifier: Apache-2.0

/**
 * What the page and its worker say to each other. Each request has an id of its own; the worker
 * answers it with any number of `progress` messages and then one `result` or `error`.
 *
 * @typedef {import('../lib/index.js').Model} Model
 * @typedef {Model['layers'][number]} Layer
 * @typedef {Layer['format'] | 'auto'} Format
 *
 * @typedef {{ net: string, prototxt: string }} Place absolute addresses
 * @typedef {{ kind: 'places', places: Place[], bytes: number }
 *   | { kind: 'deep-compression', net: Blob, prototxt: Blob }
 *   | { kind: 'model-file', file: Blob }} ModelSource
 *   places are tried in order, where the model is not found in the one before; bytes: how many it
 *   has, for the progress
 *
 * @typedef {{ stage: 'reading', loaded: number, total: number | undefined }
 *   | { stage: 'encoding' }} Progress
 *
 * @typedef {object} ModelView what the page shows of a model
 * @property {number} bytes of weights and biases as held
 * @property {number} denseBytes
 * @property {number} sourceBytes as downloaded or read from files
 * @property {Layer[]} layers
 *
 * @typedef {object} Answer
 * @property {Array<{ label: string, probability: number }>} top
 * @property {Float32Array} probabilities of all classes
 * @property {number} milliseconds the median of the runs
 * @property {number} runs that were timed, after one that was not
 *
 * @typedef {object} Requests what is sent, and what comes back
 * @property {[payload: { source: ModelSource, labels: Array<string | Blob> }, result: ModelView]} open
 *   labels: where the classes' names may be; it works without them
 * @property {[payload: { format: Format }, result: ModelView | null]} recode null: no model yet
 * @property {[payload: { photograph: Blob, name: string }, result: null]} show
 * @property {[payload: null, result: Answer | null]} run null: model or photograph are missing
 * @property {[payload: null, result: Uint8Array<ArrayBuffer>]} save
 *
 * @typedef {{ [T in keyof Requests]: { id: number, type: T, payload: Requests[T][0] } }[keyof Requests]
 *   | { id: number, type: 'cancel' }} ToWorker
 * @typedef {{ id: number, type: 'progress', progress: Progress }
 *   | { id: number, type: 'result', value: unknown }
 *   | { id: number, type: 'error', name: string, message: string }} FromWorker
 */

export {};
