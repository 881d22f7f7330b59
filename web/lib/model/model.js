// SPDX-License-Identifier: Apache-2.0

import { checkFunction, checkOptions } from '../core/check.js';
import { ShapeError, ValueError } from '../core/errors.js';
import { Handle } from '../core/handle.js';
import { checkFormat } from '../core/matrix.js';
import {
  copyIn,
  copyOut,
  makeBytes,
  makeFloats,
  takeFloats,
  uploadFloats,
  withBuffers,
} from '../core/memory.js';
import { call, init } from '../core/module.js';
import { copyData } from '../core/places.js';
import { describe, tagOf } from '../core/tags.js';
import { checkLoadOptions, openSource, readIntoHeap } from './source.js';

/**
 * @typedef {import('../../../dist/lowtropy.js').FormatName} FormatName
 * @typedef {import('../../../dist/lowtropy.js').NativeModel} NativeModel
 * @typedef {import('../../../dist/lowtropy.js').NetworkBuilder} NetworkBuilder
 * @typedef {import('../../../dist/lowtropy.js').NativeLayer} NativeLayer
 * @typedef {import('../../../dist/lowtropy.js').StepTime} StepTime
 * @typedef {import('../import/shapes.js').Graph} Graph
 * @typedef {import('../import/shapes.js').Tensor} Tensor
 * @typedef {import('./source.js').LoadOptions} LoadOptions
 * @typedef {import('./source.js').ModelSource} ModelSource
 * @typedef {import('./source.js').Progress} Progress
 *
 * @typedef {FormatName | 'auto' | Record<string, FormatName | 'auto'>} Formats one for all layers,
 *   or by the layers' names
 *
 * @typedef {object} Layer a layer that has a matrix, its weight
 * @property {string} name
 * @property {'conv' | 'fc' | 'embedding' | 'lstm'} op
 * @property {string} weight the weight's name
 * @property {number} rows output channels; four times those of an lstm; an embedding's classes
 * @property {number} cols
 * @property {number} columns how many columns its product has: the output's pixels of a conv, 1 of
 *   an fc and an lstm, 0 of an embedding, whose rows are only looked up
 * @property {number} repeats how often a run takes the matrix: at each step of an lstm or an
 *   embedding, else once
 * @property {number} macs multiplications of a run on the dense matrix
 * @property {number} nnz elements other than 0
 * @property {number} p0 the share of the most frequent value
 * @property {number} entropy bits per element
 * @property {number} distinct values
 * @property {number} distinctPerRow the mean number of distinct values in a row
 * @property {FormatName} format
 * @property {string} why the format: a sentence
 * @property {number} bytes as held
 * @property {number} nanoseconds predicted for its products in a run, in the format as held;
 *   `Infinity` where that works but is not meant for such products, so that nothing is predicted, as
 *   of `blocks` in a convolution
 * @property {Record<FormatName, number>} bytesIn each format
 * @property {Record<FormatName, number>} nanosecondsIn each format, predicted, or `Infinity` likewise
 * @property {FormatName} autoFormat what `auto` picks
 * @property {number} energyPj of its products in a run, by the cost model: columns · repeats times
 *   that of one with a vector
 */

/**
 * A network that runs on its compressed weights, one sample at a time. Immutable; `run` allocates
 * nothing on the module's heap.
 *
 * @extends {Handle<NativeModel>}
 */
export class Model extends Handle {
  static {
    Object.defineProperty(this, 'name', { value: 'Model' });
  }

  /** @type {Graph | undefined} */
  #graph;
  /** @type {Layer[] | undefined} */
  #layers;

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
   * @throws {MemoryError} where there is no room; says how much was needed
   */
  static async load(source, options = {}) {
    const checked = checkLoadOptions(options);
    await init();
    const loader = await readIntoHeap(await openSource(source, checked), checked);
    return withBuffers([loader], () => new Model(call(() => loader.finish())));
  }

  /**
   * Builds a model from a graph and dense weights.
   *
   * @param {Graph} graph
   * @param {Map<string, Tensor>} tensors by name, row-major; each is forgotten once it is encoded
   *   if `consume` is set
   * @param {{
   *   format?: Formats,
   *   consume?: boolean,
   *   onProgress?: (progress: Progress) => void,
   * }} [options] format: by default auto; onProgress: called for each tensor, with bytes as dense
   *   float32
   * @returns {Promise<Model>}
   * @throws {FileError | ShapeError | ValueError} if graph and tensors do not fit
   */
  static async fromGraph(graph, tensors, options = {}) {
    const known = ['format', 'consume', 'onProgress'];
    const checked = checkOptions(options, 'Model.fromGraph', known);
    const { format = 'auto', consume = false } = checked;
    const onProgress = checkFunction(checked.onProgress, 'The option "onProgress"');
    checkGraph(graph, tensors);
    await init();
    const formats = weightFormats(graph, format);
    const builder = call((native) => native.makeBuilder(JSON.stringify(graph)));
    return withBuffers([/** @type {any} */ (builder)], () => {
      const entries = [...tensors];
      const total = entries.reduce((sum, [, { rows, cols }]) => sum + 4 * rows * cols, 0);
      let loaded = 0;
      for (const [name, tensor] of entries) {
        addTensor(builder, name, tensor, formats.get(name) ?? 'auto');
        if (consume) tensors.delete(name);
        loaded += 4 * tensor.rows * tensor.cols;
        onProgress?.({ loaded, total });
      }
      return new Model(call(() => builder.build()));
    });
  }

  /** The network as it is described in the file; a copy. @returns {Graph} */
  get graph() {
    this.#graph ??= JSON.parse(this.native.graph());
    return copyData(/** @type {Graph} */ (this.#graph));
  }

  /** [1, channels, height, width]. @returns {[number, number, number, number]} */
  get inputShape() {
    return [1, ...this.graph.input.shape];
  }

  /** The names of the outputs, in the order of `runAll`. @returns {string[]} */
  get outputs() {
    return this.graph.outputs;
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

  /** The layers that have a weight, in the order in which they run. @returns {Layer[]} */
  get layers() {
    const { native } = this;
    this.#layers ??= call(() => native.layers()).map(describeLayer);
    return copyData(this.#layers);
  }

  /**
   * Runs the network.
   *
   * @param {Float32Array | Float64Array | number[]} nchw one sample, or several one after the other
   * @returns {Float32Array<ArrayBuffer>} the first output, for each sample one after the other
   * @throws {ShapeError} unless it is a whole number of samples
   */
  run(nchw) {
    return this.#runSamples(nchw, 1)[0];
  }

  /**
   * As `run`, with all outputs.
   *
   * @param {Float32Array | Float64Array | number[]} nchw
   * @returns {Map<string, Float32Array<ArrayBuffer>>} by the outputs' names
   */
  runAll(nchw) {
    const { outputs } = this;
    const values = this.#runSamples(nchw, outputs.length);
    return new Map(outputs.map((name, index) => [name, values[index]]));
  }

  /**
   * Runs one sample and tells how long each step took. Nodes that were fused into others, and those
   * that take no work, do not occur.
   *
   * @param {Float32Array | Float64Array | number[]} nchw
   * @returns {StepTime[]} in order
   */
  profile(nchw) {
    const { native } = this;
    const floats = this.#takeInput(nchw);
    const view = native.input();
    copyIn(view, floats.subarray(0, view.length));
    return call(() => native.runTimed());
  }

  /**
   * @param {Formats} format for all layers, or by the names of those that are to change
   * @returns {Model} the same network with its weights held otherwise; to be disposed of by itself
   * @throws {ValueError} for formats and layers that there are not
   */
  to(format) {
    const { native } = this;
    const formats = weightFormats(this.graph, format);
    const builder = call(() => native.edit());
    return withBuffers([/** @type {any} */ (builder)], () => {
      for (const [weight, name] of formats) call(() => builder.recode(weight, name));
      return new Model(call(() => builder.build()));
    });
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
    const size = this.native.input().length;
    return takeFloats(nchw, 'The input', (length) => {
      if (length > 0 && length % size === 0) return;
      throw new ShapeError(
        `The input must hold ${this.inputShape.join('×')} = ${size} values, or a multiple for ` +
          `several samples, not ${length}.`,
      );
    });
  }

  /**
   * @param {unknown} nchw
   * @param {number} outputCount
   * @returns {Float32Array<ArrayBuffer>[]}
   */
  #runSamples(nchw, outputCount) {
    const { native } = this;
    const floats = this.#takeInput(nchw);
    const size = native.input().length;
    const samples = floats.length / size;
    /** @type {Float32Array<ArrayBuffer>[]} */
    const results = [];
    for (let sample = 0; sample < samples; ++sample) {
      const from = sample * size;
      copyIn(native.input(), floats.subarray(from, from + size));
      call(() => native.run());
      for (let i = 0; i < outputCount; ++i) {
        const view = native.output(i);
        if (samples === 1) {
          results[i] = copyOut(view);
        } else {
          results[i] ??= makeFloats(samples * view.length);
          results[i].set(view, sample * view.length);
        }
      }
    }
    return results;
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
 * @param {Tensor} tensor
 * @param {string} format
 */
function addTensor(builder, name, tensor, format) {
  const { rows, cols, kind } = tensor;
  const data = takeFloats(tensor.data, `The tensor "${name}"`, (length) => {
    if (length === rows * cols) return;
    throw new ShapeError(
      `The tensor "${name}" must hold ${rows}×${cols} = ${rows * cols} values, not ${length}.`,
    );
  });
  const values = uploadFloats(data);
  withBuffers([values], () => {
    try {
      call(() =>
        kind === 'matrix'
          ? builder.addMatrix(name, values, rows, cols, format)
          : builder.addVector(name, values),
      );
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      throw new ValueError(`The tensor "${name}": ${error.message}`);
    }
  });
}

/**
 * @param {NativeLayer} layer
 * @returns {Layer}
 */
function describeLayer({ stats, choice, cost, ...layer }) {
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
