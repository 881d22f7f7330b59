// SPDX-License-Identifier: Apache-2.0

/**
 * What the view and its worker say to each other, by common/client.js and common/serve.js.
 *
 * @typedef {import('../../lib/lowtropy.js').FormatName} FormatName
 * @typedef {import('../../lib/lowtropy.js').Layer} Layer
 * @typedef {FormatName | 'auto'} Format
 *
 * @typedef {{ net: string, prototxt: string }} Place absolute addresses
 * @typedef {{ kind: 'places', places: Place[], bytes: number }
 *   | { kind: 'deep-compression', net: Blob, prototxt: Blob }
 *   | { kind: 'model-file', file: Blob }
 *   | { kind: 'onnx', files: File[] }
 *   | { kind: 'address', address: string }} ModelSource
 *   places are tried in order, where the model is not found in the one before; bytes: how many it
 *   has, for the progress
 *
 * @typedef {{ stage: 'reading', loaded: number, total: number | undefined }
 *   | { stage: 'encoding' }} Progress
 *
 * @typedef {object} Formats
 * @property {Format | undefined} all undefined: as in the file
 * @property {Record<string, Format>} layers those that differ, by name
 *
 * @typedef {'digit' | 'photograph' | 'other'} InputKind what the page can give to a network
 * @typedef {'caffe' | 'imagenet' | 'unit' | 'signed' | 'bytes'} PixelRange what becomes of pixels: of BGR, ImageNet's
 *   mean is subtracted; of RGB, ImageNet's mean and deviation; 0 to 1; -1 to 1; as they are
 *
 * @typedef {object} ValueFacts
 * @property {string} name
 * @property {string} type
 * @property {Array<number | string>} shape
 *
 * @typedef {object} ModelView what the page shows of a model
 * @property {InputKind} input
 * @property {ValueFacts[]} inputs
 * @property {PixelRange} [range] where it is for photographs and its file does not say it
 * @property {string} [remark] what was taken for granted when it was imported, a sentence
 * @property {number} bytes of weights and biases as held
 * @property {number} denseBytes
 * @property {number} sourceBytes as downloaded or read from files
 * @property {Layer[]} layers
 *
 * @typedef {ValueFacts & { shape: number[], least: number, mean: number, most: number,
 *   largestAt: number }} OutputFacts
 *
 * @typedef {object} Answer
 * @property {Array<{ index: number, label: string, probability: number }>} top none where it counts no classes
 * @property {Float32Array} probabilities of all classes
 * @property {OutputFacts[]} outputs
 * @property {string} on what it ran on
 *
 * @typedef {object} Spread of several measurements, in milliseconds of a run
 * @property {number} median
 * @property {number} low the first quartile
 * @property {number} high the third
 *
 * @typedef {object} Timing
 * @property {Spread} run
 * @property {Record<string, number>} steps milliseconds by the layers' names
 * @property {number | undefined} difference of the answer's probabilities from those in the formats
 *   the input was first shown to: the largest; undefined where the network has no answer
 *
 * @typedef {object} Distribution of a layer's values
 * @property {number} low
 * @property {number} high
 * @property {number[]} counts in bins of equal width from low to high
 *
 * @typedef {object} Comparison with the same network on dense weights
 * @property {Spread} dense of a run there
 * @property {Spread} ours of a run as held, measured in turn with those
 * @property {number} energyPj of a run there
 * @property {Record<string, number>} layerEnergyPj there, by the layers' names
 * @property {Record<string, Distribution>} distributions by the layers' names
 *
 * @typedef {{
 *   open: [{ source: ModelSource, labels: string[], addresses: string[] }, ModelView],
 *   label: [string[], number],
 *   recode: [Formats, ModelView],
 *   photograph: [{ file: Blob, name: string }, null],
 *   digit: [Float32Array, null],
 *   recording: [{ samples: Float32Array, name: string }, null],
 *   range: [PixelRange, null],
 *   seed: [number, null],
 *   run: [null, Answer | null],
 *   measure: [null, Timing | null],
 *   compare: [null, Comparison | null],
 *   save: [null, Uint8Array<ArrayBuffer>],
 * }} InferRequests open: labels are the names of the model's classes; of a network that looks at
 *   photographs and has none, they may be at the addresses. label: takes the names if there are as
 *   many as classes, and tells how many of those there are. null: there is no model yet, no input, or the model is too large for it
 */

export {};
