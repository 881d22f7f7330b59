// SPDX-License-Identifier: Apache-2.0

import { checkFunction, checkOptions } from '../core/check.js';
import { LowtropyError, ShapeError, ValueError } from '../core/errors.js';
import { Handle } from '../core/handle.js';
import { nativeLimits } from '../core/limits.js';
import { checkFormat } from '../core/matrix.js';
import {
  copyOut,
  makeBytes,
  makeFloats,
  takeFloats,
  uploadFloats,
  withBuffers,
} from '../core/memory.js';
import { call, init } from '../core/module.js';
import { Pauses } from '../core/pause.js';
import { freezeData } from '../core/places.js';
import { checkSignal, throwIfAborted } from '../core/stream.js';
import { describe, tagOf, typedArrayName } from '../core/tags.js';
import { naming, takeValues, uploadBytes, withSource } from '../core/weights.js';
import { checkLoadOptions, openSource, readIntoHeap } from './source.js';
import { describeInputs, isValues, takeFeed } from './values.js';

/**
 * @typedef {import('../../../dist/lowtropy.js').FormatName} FormatName
 * @typedef {import('../../../dist/lowtropy.js').NativeModel} NativeModel
 * @typedef {import('../../../dist/lowtropy.js').NetworkBuilder} NetworkBuilder
 * @typedef {import('../../../dist/lowtropy.js').NativeLayer} NativeLayer
 * @typedef {import('../../../dist/lowtropy.js').Demand} Demand
 * @typedef {import('../../../dist/lowtropy.js').StepTime} StepTime
 * @typedef {import('../core/limits.js').Limits} Limits
 * @typedef {import('../graph/graph.js').Graph} Graph
 * @typedef {import('../graph/graph.js').NamedGraph} NamedGraph
 * @typedef {import('../graph/graph.js').OpenGraph} OpenGraph
 * @typedef {import('../graph/graph.js').CodedTensor} CodedTensor
 * @typedef {import('../graph/graph.js').Tensor} Tensor
 * @typedef {import('../graph/graph.js').TypedVector} TypedVector
 * @typedef {import('./source.js').LoadOptions} LoadOptions
 * @typedef {import('./source.js').ModelSource} ModelSource
 * @typedef {import('./source.js').Progress} Progress
 * @typedef {import('./values.js').Feed} Feed
 * @typedef {import('./values.js').GivenTensor} GivenTensor
 * @typedef {import('./values.js').InputInfo} InputInfo
 * @typedef {import('./values.js').NamedTensor} NamedTensor
 * @typedef {import('./values.js').OutputInfo} OutputInfo
 *
 * @typedef {Float32Array | Float64Array | number[]} Values of the input of a network that has one, of
 *   float32: one sample, or several one after the other
 * @typedef {Record<string, GivenTensor | GivenTensor['data']>} NamedInputs all inputs by their names
 *
 * @typedef {FormatName | 'auto' | Record<string, FormatName | 'auto'>} Formats one for all layers,
 *   or by the layers' names
 *
 * @typedef {object} OwnBuildOptions
 * @property {Formats} [format] by default auto
 * @property {(progress: Progress) => void} [onProgress] called for each tensor, with bytes as dense
 *   float32
 * @property {AbortSignal} [signal] stops it; the promise is rejected with the signal's reason
 * @typedef {OwnBuildOptions & Limits} BuildOptions
 *
 * @typedef {object} RunOptions of what is asynchronous and pauses every 30 ms or so
 * @property {AbortSignal} [signal] stops it; the promise is rejected with the signal's reason
 * @property {(share: number) => void} [onProgress] called with the share that is done, from 0 to 1
 *
 * @typedef {object} Layer a layer that has a matrix, its weight
 * @property {string} name
 * @property {'conv' | 'fc' | 'embedding' | 'lstm' | 'linear' | 'lookup' | 'lstmCells' | 'gruCells'
 *   | 'rnnCells'} op
 * @property {string} weight the weight's name
 * @property {number} rows output channels; four times those of an lstm and of lstmCells, three times those of
 *   gruCells; the classes of an embedding and a lookup
 * @property {number} cols
 * @property {number} columns how many columns its product has: the output's pixels of a conv, 1 of
 *   an fc, an lstm and cells, the rows of a linear one's input, 0 of an embedding and a lookup, whose rows
 *   are only looked up
 * @property {number} repeats how often a run takes the matrix: at each step of an lstm or an
 *   embedding, else once
 * @property {number} macs multiplications of a run on the dense matrix
 * @property {number} nnz elements other than 0
 * @property {number} p0 the share of the most frequent value
 * @property {number} entropy bits per element
 * @property {number} distinct values
 * @property {number} distinctPerRow the mean number of distinct values in a row
 * @property {FormatName} format
 * @property {boolean} scaled whether it is diag(s) · C, with a scale for each row; then p0, entropy,
 *   distinct and distinctPerRow are those of C
 * @property {string} why the format: a sentence
 * @property {number} bytes as held
 * @property {number} nanoseconds predicted for its products in a run, in the format as held;
 *   `Infinity` where that works but is not meant for such products, so that nothing is predicted, as
 *   of `blocks` in a convolution
 * @property {Record<FormatName, number>} bytesIn each format; `Infinity` where it does not hold such a
 *   matrix
 * @property {Record<FormatName, number>} nanosecondsIn each format, predicted, or `Infinity` likewise
 * @property {FormatName} autoFormat what `auto` picks
 * @property {number} energyPj of its products in a run, by the cost model: columns · repeats times
 *   that of one with a vector
 */

/** The names of BuildOptions. */
export const BUILD_OPTIONS = ['format', 'onProgress', 'signal', 'maxMemory', 'maxWork'];

/** Operations between two looks at the clock: some 10 ms. */
const PIECE_WORK = 64e6;

/**
 * A network that runs on its compressed weights. Immutable; `run` allocates nothing on the module's
 * heap, but where inputs have other shapes than those of the last few runs.
 *
 * @extends {Handle<NativeModel>}
 */
export class Model extends Handle {
  static {
    Object.defineProperty(this, 'name', { value: 'Model' });
  }

  /** @type {Graph | undefined} */
  #graph;
  /** @type {InputInfo[] | undefined} */
  #inputs;
  /** @type {OutputInfo[] | undefined} */
  #outputs;
  /** The dimensions that the module is planned for, of all inputs. @type {number[]} */
  #dims = [];
  /** @type {Layer[] | undefined} */
  #layers;
  /** @type {Limits} */
  #limits = {};
  /** Asynchronous runs that are not done; each waits for the one before. */
  #runs = 0;
  /** @type {Promise<unknown>} */
  #lastRun = Promise.resolve();

  /**
   * Reads a model file (cpp/lowtropy/io/FORMAT.md). It is streamed into the heap, where each array
   * has its place and is used, so that loading takes little more memory than the file has bytes.
   * The heap has room for 4 GB of models together; no array may have more than 2 GB.
   *
   * @param {ModelSource} source bytes, or where to get them
   * @param {LoadOptions} [options]
   * @returns {Promise<Model>}
   * @throws {FileError} for anything that is not a sound model file, and for what cannot be had;
   *   says what is wrong and where
   * @throws {ValueError} for what no bytes come out of, and for options that there are not
   * @throws {LimitError} where the network asks for more than `maxMemory` or `maxWork`; says how much
   * @throws {MemoryError} where there is no room; says how much was needed
   */
  static async load(source, options = {}) {
    const checked = checkLoadOptions(options);
    await init();
    const loader = await readIntoHeap(await openSource(source, checked), checked);
    try {
      // Checks the weights, which of a large model takes a while.
      const pauses = new Pauses(checked.signal);
      while (call(() => loader.buildNext())) await pauses.take();
      return Model.#of(
        call(() => loader.finish()),
        checked,
      );
    } finally {
      loader.delete();
    }
  }

  /**
   * @param {NativeModel} native
   * @param {Limits} limits
   */
  static #of(native, { maxMemory, maxWork }) {
    const model = new Model(native);
    model.#limits = { maxMemory, maxWork };
    return model;
  }

  /**
   * Builds a model from a graph and weights, dense or coded otherwise.
   *
   * @param {Graph | NamedGraph | OpenGraph} graph
   * @param {Map<string, CodedTensor>} tensors by name, row-major; each is forgotten once it is
   *   encoded if `consume` is set
   * @param {BuildOptions & { consume?: boolean }} [options]
   * @returns {Promise<Model>}
   * @throws {FileError | ShapeError | ValueError} if graph and tensors do not fit
   * @throws {LimitError} where the network asks for more than `maxMemory` or `maxWork`; says how much
   */
  static async fromGraph(graph, tensors, options = {}) {
    const known = [...BUILD_OPTIONS, 'consume'];
    const { consume = false, ...rest } = checkOptions(options, 'Model.fromGraph', known);
    checkGraph(graph, tensors);
    const entries = [...tensors];
    const total = entries.reduce((sum, [, { rows, cols }]) => sum + 4 * rows * cols, 0);
    function* take() {
      for (const [name, tensor] of entries.splice(0)) {
        yield /** @type {const} */ ([name, tensor]);
        if (consume) tensors.delete(name);
      }
    }
    return Model.encode(/** @type {Graph} */ (graph), take(), total, rest);
  }

  /**
   * As `fromGraph`, of tensors that come one by one. For this library's own use.
   *
   * @param {Graph} graph
   * @param {Iterable<readonly [name: string, tensor: CodedTensor]>} tensors
   * @param {number} total bytes as dense float32
   * @param {BuildOptions} options
   * @returns {Promise<Model>}
   */
  static async encode(graph, tensors, total, options) {
    const { format = 'auto' } = options;
    const onProgress = checkFunction(options.onProgress, 'The option "onProgress"');
    const signal = checkSignal(options.signal);
    const limits = nativeLimits(options);
    await init();
    const pauses = new Pauses(signal);
    const formats = weightFormats(graph, format);
    const builder = call((native) => native.makeBuilder(JSON.stringify(graph), ...limits));
    try {
      let loaded = 0;
      for (const [name, tensor] of tensors) {
        addTensor(builder, name, tensor, formats.get(name) ?? 'auto');
        loaded += 4 * tensor.rows * tensor.cols;
        onProgress?.({ loaded, total });
        await pauses.take();
      }
      return Model.#of(
        call(() => builder.build()),
        options,
      );
    } finally {
      builder.delete();
    }
  }

  /** The network as it is described in the file. Frozen. @returns {Graph} */
  get graph() {
    const { native } = this;
    this.#graph ??= freezeData(/** @type {Graph} */ (JSON.parse(native.graph())));
    return this.#graph;
  }

  /** In the order of the graph. Frozen. @returns {InputInfo[]} */
  get inputs() {
    return this.#describeValues().inputs;
  }

  /** In the order of the graph and of `runAll`. Frozen. @returns {OutputInfo[]} */
  get outputs() {
    return this.#describeValues().outputs;
  }

  /**
   * Looked up once, before other shapes are set.
   *
   * @returns {{ inputs: InputInfo[], outputs: OutputInfo[] }}
   */
  #describeValues() {
    const { native } = this;
    this.#inputs ??= freezeData(describeInputs(native));
    this.#outputs ??= freezeData(native.outputs());
    return { inputs: this.#inputs, outputs: this.#outputs };
  }

  /**
   * Of the first input, as usual: with a batch of 1 before it where it is an image,
   * [channels, height, width].
   *
   * @returns {number[]}
   */
  get inputShape() {
    const shape = this.inputs[0].usualShape;
    return shape.length === 3 ? [1, ...shape] : [...shape];
  }

  /** Bytes of weights and biases as held. */
  get byteLength() {
    return this.native.weightBytes();
  }

  /** Bytes that they would take as dense float32. */
  get denseByteLength() {
    return this.native.denseBytes();
  }

  /** Bytes of the memory for values while it runs. */
  get arenaByteLength() {
    return this.native.arenaBytes();
  }

  /**
   * What it takes, as `maxMemory` and `maxWork` count it: bytes of weights, values and tables; and
   * elementary operations of one run.
   *
   * @returns {Demand}
   */
  get demand() {
    return this.native.demand();
  }

  /**
   * The layers that have a weight, in the order in which they run. Frozen. The first time takes a look at all
   * weights, some 10 ms for each million; `layersAsync` pauses meanwhile.
   *
   * @returns {Layer[]}
   */
  get layers() {
    const { native } = this;
    this.#layers ??= freezeData(finishSteps(describeLayers(native)));
    return this.#layers;
  }

  /**
   * As `layers`, which takes no time afterwards.
   *
   * @param {RunOptions} [options]
   * @returns {Promise<Layer[]>}
   */
  async layersAsync(options = {}) {
    const { signal, onProgress } = checkRunOptions(options, 'Model.layersAsync');
    const pauses = new Pauses(signal);
    const steps = this.#layers ? undefined : describeLayers(this.native);
    for (let step = steps?.next(); step; step = steps?.next()) {
      if (step.done) {
        this.#layers ??= freezeData(step.value);
        break;
      }
      onProgress?.(step.value);
      await pauses.take();
      this.native; // throws where it was disposed of meanwhile
    }
    return this.layers;
  }

  /**
   * Runs the network: on the values of its one input, or on all inputs by their names.
   *
   * @overload
   * @param {Values} nchw
   * @returns {Float32Array<ArrayBuffer>} the first output, for each sample one after the other
   * @throws {ShapeError} unless it is a whole number of samples
   */
  /**
   * @overload
   * @param {NamedInputs} inputs where shapes are others than in the last few runs, the network is
   *   planned anew for them, which takes about as long as loading it did without the weights
   * @returns {Record<string, NamedTensor>} all outputs by their names; one of which a run counts the rows has
   *   just these, maybe none
   * @throws {ShapeError | ValueError} for what does not fit; names the input
   * @throws {LimitError} where it would take more than `maxMemory` or `maxWork` with such shapes
   */
  /**
   * @param {Values | NamedInputs} input
   * @returns {Float32Array<ArrayBuffer> | Record<string, NamedTensor>}
   */
  run(input) {
    if (isValues(input)) return /** @type {any} */ (this.#runSamples(input, 1)[0]);
    const feed = takeFeed(this.inputs, input);
    this.#checkIdle();
    this.#begin(feed, false);
    call(() => this.native.advance(Infinity));
    return this.#takeOutputs();
  }

  /**
   * As `run` of values, with all outputs.
   *
   * @param {Values} nchw
   * @returns {Map<string, Float32Array<ArrayBuffer>>} by the outputs' names
   */
  runAll(nchw) {
    const { outputs } = this;
    const values = this.#runSamples(nchw, outputs.length);
    return new Map(outputs.map(({ name }, index) => [name, values[index]]));
  }

  /**
   * As `run`, but pauses every 30 ms or so, so that a page stays alive and the run can be stopped. The
   * same bits as of `run`. Of several such runs each waits for the one before; `run`, `runAll` and
   * `profile` are refused meanwhile.
   *
   * @overload
   * @param {Values} nchw may change afterwards
   * @param {RunOptions} [options]
   * @returns {Promise<Float32Array<ArrayBuffer>>}
   */
  /**
   * @overload
   * @param {NamedInputs} inputs may change afterwards
   * @param {RunOptions} [options]
   * @returns {Promise<Record<string, NamedTensor>>}
   */
  /**
   * @param {Values | NamedInputs} input
   * @param {RunOptions} [options]
   * @returns {Promise<Float32Array<ArrayBuffer> | Record<string, NamedTensor>>}
   */
  async runAsync(input, options = {}) {
    const checked = checkRunOptions(options, 'Model.runAsync');
    if (isValues(input)) return (await this.#runSamplesAsync(input, 1, checked))[0];
    const feed = copyOfFeed(takeFeed(this.inputs, input));
    return this.#inTurn(checked, async (pauses) => {
      await this.#runPieces(feed, false, pauses, (share) => checked.onProgress?.(share));
      return this.#takeOutputs();
    });
  }

  /**
   * As `runAll`, in the way of `runAsync`.
   *
   * @param {Values} nchw may change afterwards
   * @param {RunOptions} [options]
   * @returns {Promise<Map<string, Float32Array<ArrayBuffer>>>}
   */
  async runAllAsync(nchw, options = {}) {
    const { outputs } = this;
    const checked = checkRunOptions(options, 'Model.runAllAsync');
    const values = await this.#runSamplesAsync(nchw, outputs.length, checked);
    return new Map(outputs.map(({ name }, index) => [name, values[index]]));
  }

  /**
   * As `profile`, in the way of `runAsync`.
   *
   * @param {Values | NamedInputs} input may change afterwards
   * @param {RunOptions} [options]
   * @returns {Promise<StepTime[]>}
   */
  async profileAsync(input, options = {}) {
    const { onProgress, signal } = checkRunOptions(options, 'Model.profileAsync');
    const feed = copyOfFeed(this.#takeSample(input));
    return this.#inTurn({ signal }, async (pauses) => {
      await this.#runPieces(feed, true, pauses, (share) => onProgress?.(share));
      return call(() => this.native.stepTimes());
    });
  }

  /**
   * Runs one sample and tells how long each step took. Nodes that were fused into others, and those
   * that take no work, do not occur.
   *
   * @param {Values | NamedInputs} input of several samples the first
   * @returns {StepTime[]} in order
   */
  profile(input) {
    const feed = this.#takeSample(input);
    this.#checkIdle();
    this.#begin(feed, true);
    call(() => this.native.advance(Infinity));
    return call(() => this.native.stepTimes());
  }

  /**
   * @param {Formats} format for all layers, or by the names of those that are to change
   * @param {Limits} [limits] by default those that this model was made with
   * @returns {Model} the same network with its weights held otherwise; to be disposed of by itself
   * @throws {ValueError} for formats and layers that there are not
   * @throws {LimitError} where it would take more than `maxMemory`, which a few bytes that describe
   *   billions of zeros do in other formats
   */
  to(format, limits = {}) {
    const checked = checkOptions(limits, 'Model.to', ['maxMemory', 'maxWork']);
    return finishSteps(this.#recode(format, checked));
  }

  /**
   * As `to`, but pauses every 30 ms or so where it can, between layers.
   *
   * @param {Formats} format
   * @param {RunOptions & Limits} [options]
   * @returns {Promise<Model>}
   */
  async toAsync(format, options = {}) {
    const { signal, onProgress, ...limits } = checkRunOptions(options, 'Model.toAsync', [
      ...['maxMemory', 'maxWork'],
    ]);
    const pauses = new Pauses(signal);
    const steps = this.#recode(format, limits);
    try {
      for (;;) {
        const step = steps.next();
        if (step.done) return step.value;
        onProgress?.(step.value);
        await pauses.take();
      }
    } finally {
      steps.return(/** @type {any} */ (undefined));
    }
  }

  /**
   * @param {Formats} format
   * @param {Limits} limits
   * @returns {Generator<number, Model, void>} of the share that is done
   */
  *#recode(format, limits) {
    const formats = weightFormats(this.graph, format);
    const inherited = { ...this.#limits, ...limits };
    const builder = call(() => this.native.edit(...nativeLimits(inherited)));
    try {
      let done = 0;
      for (const [weight, name] of formats) {
        call(() => builder.recode(weight, name));
        yield ++done / formats.size;
      }
      return Model.#of(
        call(() => builder.build()),
        inherited,
      );
    } finally {
      builder.delete();
    }
  }

  /**
   * @returns {Uint8Array<ArrayBuffer>} the model file (cpp/lowtropy/io/FORMAT.md)
   * @throws {MemoryError} where the engine has no array so large
   */
  save() {
    const { native } = this;
    const writer = call(() => native.save());
    return withBuffers([writer], () => {
      const file = makeBytes(writer.size());
      for (let i = 0, at = 0; i < writer.pieceCount(); ++i) {
        const piece = writer.piece(i);
        file.set(piece, at);
        at += piece.length;
      }
      return file;
    });
  }

  /**
   * @param {unknown} nchw
   * @returns {import('../core/memory.js').Floats}
   */
  #takeInput(nchw) {
    const [{ name, type, usualShape }, ...others] = this.inputs;
    if (others.length > 0 || type !== 'float32') {
      const form = others.length > 0 ? `${others.length + 1} inputs` : `an input of ${type}`;
      throw new ValueError(`The network has ${form}: run({ "${name}": …}) takes them by name.`);
    }
    const size = sizeOf(usualShape);
    return takeFloats(nchw, 'The input', (length) => {
      if (length > 0 && length % size === 0) return;
      throw new ShapeError(
        `The input must hold ${this.inputShape.join('×')} = ${size} values, or a multiple for ` +
          `several samples, not ${length}.`,
      );
    });
  }

  /**
   * @param {unknown} input
   * @returns {Feed} of several samples the first
   */
  #takeSample(input) {
    if (!isValues(input)) return takeFeed(this.inputs, input);
    return this.#feedOf(this.#takeInput(input), 0);
  }

  /**
   * @param {import('../core/memory.js').Floats} values of `#takeInput`
   * @param {number} sample
   * @returns {Feed}
   */
  #feedOf(values, sample) {
    const { usualShape } = this.inputs[0];
    const size = sizeOf(usualShape);
    return { dims: usualShape, values: [values.subarray(sample * size, (sample + 1) * size)] };
  }

  /**
   * @param {Feed} feed
   * @param {boolean} timed
   */
  #begin({ dims, values }, timed) {
    this.#describeValues();
    const { native } = this;
    const planned = this.#dims;
    if (dims.length !== planned.length || dims.some((dim, at) => dim !== planned[at])) {
      call(() => native.setShapes(dims));
      this.#dims = dims;
    }
    // Views die when the heap grows: each is used at once.
    values.forEach((elements, index) => {
      native.input(index).set(/** @type {any} */ (elements));
    });
    call(() => native.start(timed));
  }

  /** @returns {Record<string, NamedTensor>} of the run that is done */
  #takeOutputs() {
    const { native } = this;
    const infos = native.results();
    return Object.fromEntries(
      infos.map(({ name, type, shape }, index) => [
        name,
        { type, shape, data: copyOut(native.output(index)) },
      ]),
    );
  }

  /**
   * @param {unknown} nchw
   * @param {number} outputCount
   * @returns {Float32Array<ArrayBuffer>[]}
   */
  #runSamples(nchw, outputCount) {
    const floats = this.#takeInput(nchw);
    this.#checkIdle();
    const samples = floats.length / sizeOf(this.inputs[0].usualShape);
    /** @type {Float32Array<ArrayBuffer>[]} */
    const results = [];
    for (let sample = 0; sample < samples; ++sample) {
      this.#begin(this.#feedOf(floats, sample), false);
      call(() => this.native.advance(Infinity));
      collectOutputs(this.native, results, outputCount, sample, samples);
    }
    return results;
  }

  /**
   * @param {unknown} nchw
   * @param {number} outputCount
   * @param {RunOptions} options
   * @returns {Promise<Float32Array<ArrayBuffer>[]>}
   */
  async #runSamplesAsync(nchw, outputCount, options) {
    const floats = Float32Array.from(this.#takeInput(nchw));
    const samples = floats.length / sizeOf(this.inputs[0].usualShape);
    return this.#inTurn(options, async (pauses) => {
      /** @type {Float32Array<ArrayBuffer>[]} */
      const results = [];
      for (let sample = 0; sample < samples; ++sample) {
        await this.#runPieces(this.#feedOf(floats, sample), false, pauses, (share) =>
          options.onProgress?.((sample + share) / samples),
        );
        collectOutputs(this.native, results, outputCount, sample, samples);
      }
      return results;
    });
  }

  /**
   * @param {Feed} feed
   * @param {boolean} timed
   * @param {Pauses} pauses
   * @param {(share: number) => void} onProgress
   */
  async #runPieces(feed, timed, pauses, onProgress) {
    this.#begin(feed, timed);
    for (;;) {
      // Taken anew each time: the model may have been disposed of in a pause.
      const share = call(() => this.native.advance(PIECE_WORK));
      onProgress(share);
      if (share === 1) return;
      await pauses.take();
    }
  }

  /**
   * @template T
   * @param {RunOptions} options
   * @param {(pauses: Pauses) => Promise<T>} work when all asynchronous runs before it are done
   * @returns {Promise<T>}
   */
  async #inTurn({ signal }, work) {
    throwIfAborted(signal);
    const before = this.#lastRun;
    this.#runs += 1;
    const run = before
      .then(() => work(new Pauses(signal)))
      .finally(() => {
        this.#runs -= 1;
      });
    this.#lastRun = run.catch(() => {});
    return run;
  }

  #checkIdle() {
    if (this.#runs === 0) return;
    throw new LowtropyError('This model is in an asynchronous run, which is to be awaited first.');
  }
}

/**
 * @template {RunOptions} T
 * @param {T} options
 * @param {string} what the method
 * @param {string[]} [more] options that it has besides
 * @returns {T}
 * @throws {ValueError}
 */
function checkRunOptions(options, what, more = []) {
  const checked = checkOptions(options, what, ['signal', 'onProgress', ...more]);
  checkSignal(checked.signal);
  checkFunction(checked.onProgress, 'The option "onProgress"');
  return checked;
}

/**
 * @template T
 * @param {Generator<unknown, T, void>} steps
 * @returns {T}
 */
function finishSteps(steps) {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** @param {readonly number[]} shape */
function sizeOf(shape) {
  return shape.reduce((product, dim) => product * dim, 1);
}

/**
 * @param {Feed} feed
 * @returns {Feed} that no longer changes
 */
function copyOfFeed({ dims, values }) {
  return { dims, values: values.map((elements) => elements.slice()) };
}

/**
 * @param {NativeModel} native after a run
 * @param {Float32Array<ArrayBuffer>[]} results of each output, for all samples
 * @param {number} outputCount
 * @param {number} sample
 * @param {number} samples
 */
function collectOutputs(native, results, outputCount, sample, samples) {
  for (let i = 0; i < outputCount; ++i) {
    const view = /** @type {Float32Array} */ (native.output(i));
    if (samples === 1) {
      results[i] = copyOut(view);
    } else {
      results[i] ??= makeFloats(samples * view.length);
      if (results[i].length !== samples * view.length) {
        throw new ShapeError('An output has other sizes for other samples: run one at a time.');
      }
      results[i].set(view, sample * view.length);
    }
  }
}

/**
 * That these are a graph and tensors at all; what is in them is checked where it is used.
 *
 * @param {unknown} graph
 * @param {unknown} tensors
 * @throws {ValueError}
 */
function checkGraph(graph, tensors) {
  if (typeof graph !== 'object' || graph === null || !('nodes' in graph)) {
    throw new ValueError(`A graph must be an object with nodes, not ${describe(graph)}.`);
  }
  if (!Array.isArray(graph.nodes) || graph.nodes.some((node) => Object(node) !== node)) {
    throw new ValueError('The nodes of a graph must be an array of objects.');
  }
  if (tagOf(tensors) !== 'Map') {
    throw new ValueError(`The tensors must be a Map by their names, not ${describe(tensors)}.`);
  }
  for (const [name, tensor] of /** @type {Map<unknown, unknown>} */ (tensors)) {
    if (Object(tensor) === tensor && typeof name === 'string') continue;
    throw new ValueError(`The tensor "${String(name)}" must be an object, by its name.`);
  }
}

/**
 * @param {Graph} graph
 * @param {Formats} format
 * @returns {Map<string, FormatName | 'auto'>} by the weights' names
 */
function weightFormats(graph, format) {
  /** @type {Map<string, FormatName | 'auto'>} */
  const formats = new Map();
  const layers = graph.nodes.flatMap((node) =>
    'weight' in node ? [[node.name, node.weight]] : [],
  );
  if (typeof format === 'string') {
    checkFormat(format);
    for (const [, weight] of layers) formats.set(weight, format);
    return formats;
  }
  if (typeof format !== 'object' || format === null) {
    throw new ValueError(`A format is a name, or an object by layers, not ${describe(format)}.`);
  }
  for (const [layer, name] of Object.entries(format)) {
    const found = layers.find(([known]) => known === layer);
    if (!found) throw new ValueError(`There is no layer "${layer}" that has weights.`);
    formats.set(found[1], checkFormat(name));
  }
  return formats;
}

/**
 * @param {NetworkBuilder} builder
 * @param {string} name
 * @param {CodedTensor} tensor
 * @param {string} format
 */
function addTensor(builder, name, tensor, format) {
  const what = `The tensor "${name}"`;
  const { rows, cols } = tensor;
  if (tensor.kind === 'matrix') {
    withSource(
      /** @type {Exclude<CodedTensor, TypedVector>} */ (tensor),
      rows,
      cols,
      what,
      (source) => naming(what, () => call(() => builder.addMatrix(name, source, format))),
    );
  } else {
    const { data } = /** @type {Tensor | TypedVector} */ (tensor);
    const isTyped = ['Int32Array', 'Uint8Array'].includes(String(typedArrayName(data)));
    const values = isTyped ? uploadBytes(data) : uploadFloats(takeValues(data, rows, cols, what));
    withBuffers([values], () => naming(what, () => call(() => builder.addVector(name, values))));
  }
}

/**
 * Looks at each weight once, however many layers share it.
 *
 * @param {NativeModel} native
 * @returns {Generator<number, Layer[], void>} of the share that is done
 */
function* describeLayers(native) {
  const layers = call(() => native.layers());
  /** The numbers of columns of each weight's products. @type {Map<string, Set<number>>} */
  const columnsOf = new Map();
  for (const { weight, columns } of layers) {
    columnsOf.set(weight, (columnsOf.get(weight) ?? new Set()).add(columns));
  }
  /** @type {Map<string, Map<number, WeightFacts>>} */
  const facts = new Map();
  for (const [weight, set] of columnsOf) {
    const columns = [...set];
    const { stats, cost, choices } = call(() => native.describeWeight(weight, columns));
    const byColumns = columns.map(
      (count, i) => /** @type {const} */ ([count, { stats, cost, choice: choices[i] }]),
    );
    facts.set(weight, new Map(byColumns));
    yield facts.size / columnsOf.size;
  }
  return layers.map((layer) =>
    describeLayer(layer, /** @type {any} */ (facts.get(layer.weight)?.get(layer.columns))),
  );
}

/**
 * @typedef {import('../../../dist/lowtropy.js').Choice} Choice
 * @typedef {import('../../../dist/lowtropy.js').Cost} Cost
 * @typedef {import('../../../dist/lowtropy.js').Stats} Stats
 * @typedef {{ stats: Stats, cost: Cost, choice: Choice }} WeightFacts
 */

/**
 * @param {NativeLayer} layer
 * @param {WeightFacts} facts
 * @returns {Layer}
 */
function describeLayer(layer, { stats, choice, cost }) {
  const { nnz, p0, entropy, distinct, distinctPerRow } = stats;
  /** @param {(candidate: import('../../../dist/lowtropy.js').Candidate) => number} value */
  const byFormat = (value) =>
    /** @type {Record<FormatName, number>} */ (
      Object.fromEntries(choice.candidates.map((candidate) => [candidate.format, value(candidate)]))
    );
  const bytesIn = byFormat(({ bytes }) => bytes);
  const nanosecondsIn = byFormat(({ nanoseconds }) => nanoseconds * layer.repeats);
  const why =
    layer.format === choice.format
      ? choice.reason
      : `asked for; auto picks ${choice.format}: ${choice.reason}`;
  return {
    ...layer,
    nnz,
    p0,
    entropy,
    distinct,
    distinctPerRow,
    why,
    nanoseconds: nanosecondsIn[layer.format],
    bytesIn,
    nanosecondsIn,
    autoFormat: choice.format,
    energyPj: cost.energyPj * layer.columns * layer.repeats,
  };
}
