// SPDX-License-Identifier: Apache-2.0

/**
 * What becomes of a model that was learned here before it is handed on: as many weights as possible
 * become 0, and those that are left get few values, as long as it reads nearly as many digits as
 * before. Nothing is learned on meanwhile, so what is pruned must be chosen with care: a weight
 * counts by what it adds to its layer's output, its square times the mean square of what it is
 * multiplied by, as a share of all that the layer adds up (Sun, Liu, Bair, Kolter: A Simple and
 * Effective Pruning Approach for Large Language Models, arXiv:2306.11695). Weights at pixels that
 * are always black count nothing. The magnitude alone, and the same share of each matrix, cost
 * several points of accuracy at the same bytes.
 */

import { Model } from '../../lib/lowtropy.js';
import { quantize } from '../../lib/compress/quantize.js';
import { denseTensors } from '../common/dense-tensors.js';

/**
 * @typedef {import('../../lib/graph/graph.js').Graph} Graph
 * @typedef {import('../../lib/graph/graph.js').Tensor} Tensor
 *
 * @typedef {object} Digits
 * @property {Float32Array} inputs 784 pixels from 0 to 1 of each
 * @property {ArrayLike<number>} labels
 *
 * @typedef {{ share: number, values: number | undefined }} Strength share: of all weights that become
 *   0; values: that each matrix keeps, all where it is undefined
 *
 * @typedef {object} PruneReport what was done, and what it costs
 * @property {number} zeros the share of weights that are 0
 * @property {number | undefined} values how many different ones a matrix keeps at most
 * @property {number} tested how many digits accuracy was measured on
 * @property {number} accuracy of the model that is handed on
 * @property {number} denseAccuracy before
 * @property {number} bytes
 * @property {number} denseBytes
 */

/** So much accuracy may be lost: a point. */
export const MOST_LOST = 0.01;

/** From the weakest to the strongest. @type {Strength[]} */
const STRENGTHS = [
  { share: 0, values: undefined },
  ...[256, 64].map((values) => ({ share: 0, values })),
  ...[0, 0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95].map((share) => ({ share, values: 32 })),
];

/**
 * @param {Model} dense its layers are dense
 * @param {Float32Array} examples to learn from, by which the weights' worth is told
 * @param {Digits} test
 * @returns {Promise<{ model: Model, report: PruneReport }>} the smallest that holds
 */
export async function pruneModel(dense, examples, test) {
  const denseRight = countRight(dense, test);
  const tested = test.labels.length;
  const pruner = await Pruner.make(dense, examples);
  /** @type {{ model: Model, right: number, strength: Strength } | undefined} */
  let best;
  // The weakest changes nothing, and holds; all beyond the weakest that does not hold do not.
  let [low, high] = [0, STRENGTHS.length];
  while (!best || high - low > 1) {
    const at = best ? (low + high) >> 1 : 0;
    const model = await pruner.apply(STRENGTHS[at]);
    const right = countRight(model, test);
    if (at > 0 && right < denseRight - MOST_LOST * tested) {
      model.dispose();
      high = at;
    } else {
      best?.model.dispose();
      best = { model, right, strength: STRENGTHS[at] };
      low = at;
    }
  }
  const { model, right, strength } = best;
  const weights = sum(model.layers.map(({ rows, cols }) => rows * cols));
  return {
    model,
    report: {
      zeros: 1 - sum(model.layers.map(({ nnz }) => nnz)) / weights,
      values: strength.values,
      tested,
      accuracy: right / tested,
      denseAccuracy: denseRight / tested,
      bytes: model.byteLength,
      denseBytes: model.denseByteLength,
    },
  };
}

/** Knows what each weight of a model is worth. */
class Pruner {
  #graph;
  #tensors;
  #worths;
  /** The worths of all weights, rising. */
  #sorted;

  /**
   * @param {Graph} graph
   * @param {Map<string, Tensor>} tensors
   * @param {Map<string, Float32Array>} worths of the weights of each matrix
   */
  constructor(graph, tensors, worths) {
    this.#graph = graph;
    this.#tensors = tensors;
    this.#worths = worths;
    this.#sorted = new Float32Array(sum([...worths.values()].map(({ length }) => length)));
    let at = 0;
    for (const worth of worths.values()) {
      this.#sorted.set(worth, at);
      at += worth.length;
    }
    this.#sorted.sort();
  }

  /**
   * @param {Model} dense
   * @param {Float32Array} examples
   */
  static async make(dense, examples) {
    const { graph } = dense;
    const tensors = tensorsOf(dense);
    const energies = await energiesOf(graph, tensors, examples);
    const worths = new Map(
      [...energies].map(([weight, columns]) => {
        const { data } = /** @type {Tensor} */ (tensors.get(weight));
        return [weight, worthsOf(data, columns)];
      }),
    );
    return new Pruner(graph, tensors, worths);
  }

  /**
   * @param {Strength} strength
   * @returns {Promise<Model>}
   */
  async apply({ share, values }) {
    const least = this.#sorted[Math.floor(share * this.#sorted.length)];
    const tensors = new Map(
      [...this.#tensors].map(([name, tensor]) => {
        const worth = this.#worths.get(name);
        if (!worth) return [name, tensor];
        const data = tensor.data.map((value, i) => (worth[i] < least ? 0 : value));
        if (values !== undefined) quantize(data, values);
        return [name, { ...tensor, data }];
      }),
    );
    return Model.fromGraph(this.#graph, tensors);
  }
}

/**
 * @param {Model} dense
 * @returns {Map<string, Tensor>}
 */
function tensorsOf(dense) {
  const sizes = new Map(dense.layers.map(({ weight, rows, cols }) => [weight, { rows, cols }]));
  return new Map(
    [...denseTensors(dense)].map(([name, data]) => {
      const size = sizes.get(name);
      return [
        name,
        size
          ? { ...size, kind: 'matrix', data }
          : { rows: 1, cols: data.length, kind: 'vector', data },
      ];
    }),
  );
}

/**
 * The mean squares of what the weights of each column are multiplied by.
 *
 * @param {Graph} graph
 * @param {Map<string, Tensor>} tensors
 * @param {Float32Array} examples
 * @returns {Promise<Map<string, Float32Array>>} by weight
 */
async function energiesOf(graph, tensors, examples) {
  const layers = graph.nodes.flatMap((node) =>
    node.op === 'conv' || node.op === 'fc' ? [node] : [],
  );
  const inner = layers.map(({ inputs }) => inputs[0]).filter((name) => name !== graph.input.name);
  const outputs = [...new Set([...inner, ...graph.outputs])];
  const model = await Model.fromGraph({ ...graph, outputs }, tensors, { format: 'dense' });
  const values = model.runAll(examples);
  const size = model.inputShape.reduce((product, n) => product * n, 1);
  model.dispose();
  return new Map(
    layers.map((node) => {
      const value = values.get(node.inputs[0]) ?? examples;
      const squares = meanSquares(value, examples.length / size);
      const { cols } = /** @type {Tensor} */ (tensors.get(node.weight));
      // A convolution has a column for each place of its kernel, channel after channel.
      const places = node.op === 'conv' ? node.kernel[0] * node.kernel[1] : 1;
      return [node.weight, spread(squares, cols / places, places)];
    }),
  );
}

/**
 * @param {Float32Array} values of several samples one after the other
 * @param {number} samples
 * @returns {Float32Array} by element
 */
function meanSquares(values, samples) {
  const size = values.length / samples;
  const means = new Float32Array(size);
  for (let i = 0; i < values.length; ++i) means[i % size] += values[i] ** 2 / samples;
  return means;
}

/**
 * @param {Float32Array} squares channel after channel
 * @param {number} channels
 * @param {number} places
 * @returns {Float32Array} the mean of each channel, once for each place
 */
function spread(squares, channels, places) {
  const pixels = squares.length / channels;
  const means = new Float32Array(channels);
  squares.forEach((square, i) => (means[Math.floor(i / pixels)] += square / pixels));
  return Float32Array.from({ length: channels * places }, (_, i) => means[Math.floor(i / places)]);
}

/**
 * @param {Float32Array} weights row-major
 * @param {Float32Array} energies of the columns
 * @returns {Float32Array} each one's share of what the layer adds up
 */
function worthsOf(weights, energies) {
  const cols = energies.length;
  const worths = weights.map((weight, i) => weight * weight * energies[i % cols]);
  const all = worths.reduce((total, worth) => total + worth, 0) || 1;
  return worths.map((worth) => worth / all);
}

/**
 * @param {Model} model
 * @param {Digits} digits
 * @returns {number} how many it reads right
 */
function countRight(model, { inputs, labels }) {
  const scores = model.run(inputs);
  const classes = scores.length / labels.length;
  let right = 0;
  for (let i = 0; i < labels.length; ++i) {
    const own = scores.subarray(i * classes, (i + 1) * classes);
    right += Number(own.indexOf(Math.max(...own)) === labels[i]);
  }
  return right;
}

/** @param {number[]} numbers */
function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}
