// SPDX-License-Identifier: Apache-2.0

import { checkBytes, checkFloat, checkInteger, checkKeys, checkOptions } from '../core/check.js';
import { ValueError } from '../core/errors.js';
import { Handle } from '../core/handle.js';
import { checkLength, copyIn, copyOut, takeFloats, withBuffers } from '../core/memory.js';
import { plainView, typedArrayName } from '../core/tags.js';
import { callTraining, uploadTrainingBytes } from '../core/training.js';
import { Compressor, checkOrigin } from '../updates/compressor.js';
import { Dataset } from './dataset.js';
import { exportGraph } from './export.js';
import { checkOptimizer } from './optimizer-options.js';

/**
 * @typedef {import('../../../dist/lowtropy-training.js').Evaluation} Evaluation
 * @typedef {import('../../../dist/lowtropy-training.js').NativeTrainer} NativeTrainer
 * @typedef {import('../graph/graph.js').Graph} Graph
 * @typedef {import('../graph/graph.js').Tensor} Tensor
 * @typedef {import('./export.js').ExportOptions} ExportOptions
 * @typedef {import('./optimizer-options.js').OptimizerOptions} OptimizerOptions
 * @typedef {import('../updates/tensors.js').Layout} Layout
 *
 * @typedef {'mlp' | 'lenet5' | 'resnet8' | 'charlstm'} ModelName
 *   mlp is LeNet-300-100, lenet5 Caffe's, resnet8 a residual network for small images, charlstm an
 *   LSTM that reads text
 *
 * @typedef {object} TrainerOptions
 * @property {ModelName} model
 * @property {Dataset} data may be disposed of when the trainer is made
 * @property {Uint32Array} [shard] the numbers of the examples to learn from; by default all
 * @property {number} [batch] examples of a step; default 64
 * @property {Partial<OptimizerOptions>} [optimizer] by default sgd
 * @property {number} [seed] decides the initial weights and, with `stream`, the order of examples;
 *   default 1
 * @property {number} [stream] a number for each worker that starts from the same weights; default 0
 * @property {number} [maxMemory] bytes that weights, gradients, the optimizer's state and the values
 *   of a batch may take together; default 2^31. How large images are, and so the model, is up to
 *   whoever made the data
 */

const OPTIONS = ['model', 'data', 'shard', 'batch', 'optimizer', 'seed', 'stream', 'maxMemory'];
const MOST = 2 ** 32 - 1;

/**
 * A model that learns from examples, its optimizer, and its side of the rounds in which several
 * learn together. `await initTraining()` first.
 *
 * @extends {Handle<NativeTrainer>}
 */
export class Trainer extends Handle {
  static {
    Object.defineProperty(this, 'name', { value: 'Trainer' });
  }

  /** @type {Dataset} */
  #data;
  /** @type {(import('../../../dist/lowtropy-training.js').NamedSize & { offset: number })[]} */
  #tensors;
  /** @type {string} */
  #model;

  /**
   * @param {TrainerOptions} options
   * @throws {ValueError} for options that cannot be: an unknown model, one for other data, a shard
   *   with examples that are not there
   * @throws {MemoryError} for a model that takes more than `maxMemory` with such data and batches,
   *   before any is taken
   */
  constructor(options) {
    const { model, data, batch = 64, seed = 1, stream = 0, ...rest } = checkTrainer(options);
    const { maxMemory = 2 ** 31 } = rest;
    checkInteger(batch, 'The batch', 1, 2 ** 31 - 1);
    checkInteger(seed, 'The seed', 0, Number.MAX_SAFE_INTEGER);
    checkInteger(stream, 'The stream', 0, MOST);
    checkInteger(maxMemory, 'The option maxMemory', 1, Number.MAX_SAFE_INTEGER);
    const optimizer = checkOptimizer(rest.optimizer ?? {});
    const shard = rest.shard ?? Uint32Array.from({ length: data.size }, (_, index) => index);
    const numbers = plainView(shard, Uint32Array);
    const buffer = uploadTrainingBytes(
      new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength),
    );
    const native = { model, batch, seed, stream, maxMemory, optimizer };
    super(
      withBuffers([buffer], () =>
        callTraining((module) => module.makeTrainer(native, data.native, buffer)),
      ),
    );
    this.#model = model;
    // One of its own, which lives as long as the trainer.
    this.#data = data.slice(0, data.size);
    const handle = this.native;
    this.#tensors = callTraining(() => handle.tensors());
  }

  /** @returns {Layout} the sizes of the weights' tensors by name, in the order of `weights` */
  get layout() {
    return Object.fromEntries(this.#tensors.map(({ name, size }) => [name, size]));
  }

  /** How many weights there are in all. */
  get weightCount() {
    return this.#tensors.reduce((sum, { size }) => sum + size, 0);
  }

  /** Optimizer steps done. */
  get steps() {
    return this.native.steps();
  }

  /**
   * Where the schedule of the learning rate is at the next step: by default after as many as were
   * done. Others count where several learn together, of whom not all take part in each round.
   *
   * @param {number} step
   */
  setScheduleStep(step) {
    checkInteger(step, 'The step of the schedule', 0, Number.MAX_SAFE_INTEGER);
    this.native.setScheduleStep(step);
  }

  /**
   * @param {number} [count] steps of the optimizer, each on one batch of the shard
   * @returns {{ loss: number }} the mean of their batches
   */
  step(count = 1) {
    checkInteger(count, 'The number of steps', 1, MOST);
    const { native } = this;
    return { loss: callTraining(() => native.step(count)) };
  }

  /** @returns {Float32Array<ArrayBuffer>} a copy: tensor after tensor, as in `layout` */
  weights() {
    return copyOut(this.native.weights());
  }

  /**
   * @param {Float32Array} weights as of `weights`
   * @throws {ShapeError} unless there are as many
   */
  setWeights(weights) {
    const floats = takeFloats(weights, 'The weights', (length) =>
      checkLength(length, this.weightCount, 'The weights'),
    );
    copyIn(this.native.weights(), floats);
  }

  /**
   * How the model does. Batch normalization goes by its running statistics; see `calibrate`.
   *
   * @param {{ data?: Dataset, limit?: number }} [options] by default all of the data it was made
   *   with; `limit`: no more than the first so many examples
   * @returns {Evaluation}
   * @throws {ShapeError} for data with examples of another shape
   */
  evaluate(options = {}) {
    const known = ['data', 'limit'];
    const { data = this.#data, limit } = checkOptions(options, 'Trainer.evaluate', known);
    checkDataset(data);
    if (limit !== undefined) checkInteger(limit, 'The limit', 1, MOST);
    const { native } = this;
    return callTraining(() => native.evaluate(data.native, limit ?? -1));
  }

  /**
   * The outputs for some examples, before the softmax.
   *
   * @param {Dataset} data
   * @param {number[] | Uint32Array} examples at most a batch
   * @returns {Float32Array<ArrayBuffer>} one row of a number for each class; of text, for each step
   *   of an example after the other one row for each example
   * @throws {ValueError} for examples that are not there
   * @throws {ShapeError} for data with examples of another shape, or more than a batch
   */
  predict(data, examples) {
    checkDataset(data);
    const { native } = this;
    const list = Uint32Array.from(checkExamples(examples));
    const buffer = uploadTrainingBytes(new Uint8Array(list.buffer));
    return withBuffers([buffer], () => callTraining(() => native.predict(data.native, buffer)));
  }

  /**
   * Estimates the running statistics of batch normalization anew, with the weights as they are:
   * messages change weights only. Does nothing for models without.
   *
   * @param {number} batches of the shard
   */
  calibrate(batches) {
    checkInteger(batches, 'The number of batches', 1, MOST);
    const { native } = this;
    callTraining(() => native.calibrate(batches));
  }

  /**
   * @returns {Uint8Array<ArrayBuffer>} all that decides how training goes on: weights, the
   *   optimizer's state, running statistics, the places in the order of examples and in the
   *   schedule, and, after `beginRound`, the weights that the round began with
   */
  save() {
    const { native } = this;
    return callTraining(() => native.save());
  }

  /**
   * Goes on from where `save` was called, to the same bits.
   *
   * @param {Uint8Array} bytes of a trainer with the same options, but for those of the optimizer
   *   other than its name
   * @throws {FileError} with a sentence, for anything else, and then nothing has changed
   */
  restore(bytes) {
    const { native } = this;
    const buffer = uploadTrainingBytes(checkBytes(bytes, 'A saved trainer'));
    withBuffers([buffer], () => callTraining(() => native.restore(buffer)));
  }

  /**
   * The model for `Model.fromGraph`.
   *
   * @param {ExportOptions} [options]
   * @returns {{ graph: Graph, tensors: Map<string, Tensor> }}
   */
  toGraph(options = {}) {
    const { native } = this;
    const nodes = callTraining(() => native.nodes());
    const weights = this.weights();
    const tensors = new Map(
      this.#tensors.map(({ name, size, offset }) => [name, weights.slice(offset, offset + size)]),
    );
    return exportGraph(this.#model, this.#data.shape, nodes, tensors, options);
  }

  /** Remembers the weights, for `encode`. */
  beginRound() {
    const { native } = this;
    callTraining(() => native.beginRound());
  }

  /**
   * Compresses what the weights moved by since `beginRound`, and moves them back: the messages of
   * all workers then move them by `apply`. Where the compressor is to mask the momentum, the
   * optimizer's is cleared at what was sent.
   *
   * @param {Compressor} compressor made for this `layout`
   * @param {import('../updates/compressor.js').Origin} [origin]
   * @returns {Uint8Array<ArrayBuffer>} the message
   * @throws {ValueError} before `beginRound`, and for weights that have become NaN or infinite; then
   *   nothing has changed
   */
  encode(compressor, origin = {}) {
    if (!(compressor instanceof Compressor)) {
      throw new ValueError('An update is encoded with a Compressor.');
    }
    const { round, sender } = checkOrigin(origin, 'Trainer.encode');
    const { native } = this;
    return callTraining(() => native.encode(compressor.native, sender, round));
  }

  /**
   * Adds `scale` times a message to the weights.
   *
   * @param {Uint8Array} bytes
   * @param {number} [scale] finite, as float32 too
   * @throws {FileError} for what is not a message
   * @throws {ShapeError} for one about other tensors
   * @throws {ValueError} for a scale that cannot be, and where a weight would become NaN or
   *   infinite; whatever is thrown, the weights are as they were
   */
  apply(bytes, scale = 1) {
    checkFloat(scale, 'The scale', 'that is finite', () => true);
    const { native } = this;
    const buffer = uploadTrainingBytes(checkBytes(bytes, 'A message'));
    withBuffers([buffer], () => callTraining(() => native.apply(buffer, scale)));
  }

  /**
   * Gives the memory back. The trainer cannot be used afterwards; a second call does nothing.
   *
   * @override
   */
  dispose() {
    if (!this.disposed) this.#data.dispose();
    super.dispose();
  }
}

/** @param {unknown} data */
function checkDataset(data) {
  if (!(data instanceof Dataset)) throw new ValueError('The data must be a Dataset.');
}

/**
 * @param {unknown} examples
 * @returns {number[]} which a Uint32Array holds as they are
 */
function checkExamples(examples) {
  if (!Array.isArray(examples) && !ArrayBuffer.isView(examples)) {
    throw new ValueError('The examples must be an array of numbers or a Uint32Array.');
  }
  const list = Array.from(/** @type {ArrayLike<number>} */ (/** @type {unknown} */ (examples)));
  for (const example of list) checkInteger(example, 'An example', 0, MOST);
  return list;
}

/**
 * @param {unknown} options
 * @returns {TrainerOptions}
 */
function checkTrainer(options) {
  const given = checkKeys(options, 'A trainer', OPTIONS);
  checkDataset(given.data);
  if (typeof given.model !== 'string') throw new ValueError('The model must be a name.');
  if (given.shard !== undefined && typedArrayName(given.shard) !== 'Uint32Array') {
    throw new ValueError('The shard must be a Uint32Array.');
  }
  return /** @type {TrainerOptions} */ (/** @type {unknown} */ (given));
}
