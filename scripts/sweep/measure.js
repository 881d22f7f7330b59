// SPDX-License-Identifier: Apache-2.0

/**
 * Times one matrix in every format: in one process, warmed up, the formats in turn. Products with
 * one column are timed twice, for they read each weight just once: with the weights in a cache, as
 * those of a small network are, and with weights that come from main memory, as `auto` takes it.
 */

import { FORMATS, Model } from '../../web/lib/index.js';
import { Random } from '../networks/random.js';

/**
 * @typedef {import('../../web/lib/index.js').FormatName} FormatName
 * @typedef {import('../../web/lib/index.js').Graph} Graph
 * @typedef {import('../../web/lib/index.js').Tensor} Tensor
 * @typedef {import('./plan.js').Case} Case
 *
 * @typedef {object} Found of one case in one format
 * @property {FormatName} format
 * @property {number} bytes
 * @property {number} bytesToDense dense is 1, smaller is better
 * @property {number} microseconds median, with the weights in a cache
 * @property {number} timeToDense likewise
 * @property {number | undefined} memoryMicroseconds with weights from main memory; only of products
 *   with one column
 * @property {number | undefined} memoryTimeToDense
 * @property {number | undefined} predictedMicroseconds undefined where the format is not meant for
 *   such a product; with one column, of weights from main memory
 * @property {FormatName} auto what `auto` picks for the case
 * @property {FormatName} fastest of the case
 * @property {FormatName} smallest
 *
 * @typedef {Case & Found} Measurement
 */

/** V8 moves to the optimizing compiler between calls; by then it has, or the calls are long. */
const WARM_UP = { calls: 12, leastCalls: 3, milliseconds: 500 };

/** In one turn short products are repeated until they took so long. */
const LEAST_MILLISECONDS = 1;
const MOST_REPEATS = 400;

/** More than caches hold: what it takes to have the weights come from main memory. */
const EVICTING_BYTES = 64 * 2 ** 20;
const CACHE_LINE_BYTES = 64;

/** What is told of a time or a ratio; more digits would be noise. */
const DIGITS = 4;

/** @param {number} value */
const rounded = (value) => Number(value.toPrecision(DIGITS));

/**
 * A network of the product alone: a layer for one column, a 1×1 convolution for several.
 *
 * @param {Case} shape
 * @returns {Graph}
 */
function productGraph({ rows, cols, batch }) {
  const window = { kernel: [1, 1], stride: [1, 1], pad: [0, 0, 0, 0], dilation: [1, 1], groups: 1 };
  const node = {
    ...{ name: 'product', inputs: ['x'], output: 'y', weight: 'w', outChannels: rows },
    ...(batch === 1 ? { op: 'fc' } : { op: 'conv', ...window }),
  };
  const input = { name: 'x', shape: [cols, 1, batch] };
  return /** @type {any} */ ({ name: 'product', input, outputs: ['y'], nodes: [node] });
}

/**
 * @param {number[]} values
 * @returns {number}
 */
function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

const evicting = new Int32Array(EVICTING_BYTES / 4);

/** Writes, so that it is not left out. */
function evictCaches() {
  for (let i = 0; i < evicting.length; i += CACHE_LINE_BYTES / 4) ++evicting[i];
}

/** @param {Model} model @param {Float32Array} input */
function timeOnce(model, input) {
  return model.profile(input)[0].milliseconds;
}

/**
 * Calls a product until V8 has compiled it for good.
 *
 * @param {Model} model
 * @param {Float32Array} input
 * @returns {number} how often it is to be called in one turn
 */
function warmUp(model, input) {
  /** @type {number[]} */
  const times = [];
  const start = performance.now();
  while (times.length < WARM_UP.calls) {
    times.push(timeOnce(model, input));
    const late = performance.now() - start > WARM_UP.milliseconds;
    if (late && times.length >= WARM_UP.leastCalls) break;
  }
  return Math.min(MOST_REPEATS, Math.ceil(LEAST_MILLISECONDS / median(times)));
}

/**
 * The median times of one product for each of the models, which take turns; which of them begins
 * changes from round to round.
 *
 * @param {Model[]} models
 * @param {Float32Array} input
 * @param {{ rounds: number, memory: boolean }} options memory: whether to time weights from main
 *   memory too
 * @returns {{ cached: number, memory: number | undefined }[]} milliseconds
 */
function timeInTurns(models, input, { rounds, memory }) {
  const repeats = models.map((model) => warmUp(model, input));
  /** @type {{ cached: number[], memory: number[] }[]} */
  const turns = models.map(() => ({ cached: [], memory: [] }));
  for (let round = 0; round < rounds; ++round) {
    for (let i = 0; i < models.length; ++i) {
      const k = (round + i) % models.length;
      if (memory) {
        evictCaches();
        turns[k].memory.push(timeOnce(models[k], input));
      }
      const times = Array.from({ length: repeats[k] }, () => timeOnce(models[k], input));
      turns[k].cached.push(median(times));
    }
  }
  return turns.map((turn) => ({
    cached: median(turn.cached),
    memory: memory ? median(turn.memory) : undefined,
  }));
}

/**
 * @param {Case} shape
 * @param {Float32Array} data of the matrix
 * @param {{ rounds: number }} options
 * @returns {Promise<Measurement[]>} of the formats that hold the matrix, in the order of FORMATS
 */
export async function measureCase(shape, data, { rounds }) {
  const { rows, cols, batch } = shape;
  const graph = productGraph(shape);
  /** @type {Map<string, Tensor>} */
  const tensors = new Map([['w', { rows, cols, kind: 'matrix', data }]]);
  /** @type {Model[]} */
  const models = [];
  try {
    models.push(await Model.fromGraph(graph, tensors, { format: 'dense' }));
    const [{ autoFormat, bytesIn, nanosecondsIn }] = models[0].layers;
    const held = FORMATS.filter((format) => Number.isFinite(bytesIn[format]));
    for (const format of held.slice(1)) models.push(models[0].to(format));
    const random = new Random(1, 'input');
    const input = Float32Array.from({ length: cols * batch }, () => random.uniform(-1, 1));
    const times = timeInTurns(models, input, { rounds, memory: batch === 1 });
    /** @param {(format: FormatName, index: number) => number} value */
    const least = (value) => {
      const values = held.map(value);
      return held[values.indexOf(Math.min(...values))];
    };
    const fastest = least((_, k) => times[k].cached);
    const smallest = least((format) => bytesIn[format]);
    return held.map((format, k) => {
      const { cached, memory } = times[k];
      const predicted = nanosecondsIn[format] / 1000;
      return {
        ...shape,
        format,
        bytes: bytesIn[format],
        bytesToDense: rounded(bytesIn[format] / bytesIn.dense),
        microseconds: rounded(1000 * cached),
        timeToDense: rounded(cached / times[0].cached),
        memoryMicroseconds: memory && rounded(1000 * memory),
        memoryTimeToDense: memory && rounded(memory / /** @type {number} */ (times[0].memory)),
        predictedMicroseconds: Number.isFinite(predicted) ? rounded(predicted) : undefined,
        auto: autoFormat,
        fastest,
        smallest,
      };
    });
  } finally {
    for (const model of models) model.dispose();
  }
}
