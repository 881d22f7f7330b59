// SPDX-License-Identifier: Apache-2.0

/** What the worker holds: one model, one input for it, the names of the classes. */

import { PageError, fetchFirst } from './download.js';
import { readLabels } from './labels.js';
import {
  digitFeed,
  inputKindOf,
  noiseFeed,
  pictureFeed,
  recordingFeed,
  usualRange,
} from './feeds.js';
import { loadModel } from './load.js';
import { layerTimes, timesInTurn, warmUp } from './measure.js';
import { decodePhotograph } from './photograph.js';
import { distributionsOf } from './distributions.js';
import { outputFacts, sharesOf, topOf } from './outputs.js';

/**
 * @typedef {import('../../lib/lowtropy.js').Model} Model
 * @typedef {import('../common/serve.js').Control} Control
 * @typedef {import('./protocol.js').Answer} Answer
 * @typedef {import('./protocol.js').Comparison} Comparison
 * @typedef {import('./protocol.js').Format} Format
 * @typedef {import('./protocol.js').Formats} Formats
 * @typedef {import('./protocol.js').InferRequests} InferRequests
 * @typedef {import('./protocol.js').ModelView} ModelView
 * @typedef {import('./protocol.js').PixelRange} PixelRange
 * @typedef {import('./protocol.js').Timing} Timing
 */

const TOP = 5;

/** How long a model waits for the names of its classes; it can do without. */
const LABELS_MS = 3000;

/** No dense copy is made of larger models. */
const MOST_DENSE_BYTES = 128e6;

const DIGITS = Array.from({ length: 10 }, (_, digit) => `${digit}`);

/** Lets messages in, such as the one that stops the loading. */
const messagesIn = () => new Promise((resolve) => setTimeout(resolve));

export class Session {
  /** @type {Model | undefined} */
  #model;
  #sourceBytes = 0;
  #remark = '';
  /** The layers' formats in the file. @type {Record<string, Format>} */
  #inFile = {};
  /** @type {import('../../lib/lowtropy.js').Picture | undefined} */
  #picture;
  /** @type {Float32Array | undefined} */
  #digit;
  /** @type {{ samples: Float32Array, name: string } | undefined} */
  #recording;
  /** Of noise, for models that take nothing else that is here. */
  #seed = 1;
  /** What becomes of a photograph's pixels where the file does not say it. @type {PixelRange | undefined} */
  #range;
  /** What the model gets. @type {import('./feeds.js').Feed | undefined} */
  #input;
  #inputName = '';
  /** What it answered first to that. @type {Float32Array | undefined} */
  #first;
  /** The names of the model's classes. @type {string[]} */
  #labels = [];
  /** ImageNet's, for models that come without. @type {string[]} */
  #usualLabels = [];

  /**
   * Takes another model once that is all there; until then, and after an error, the old one stays.
   *
   * @param {InferRequests['open'][0]} from
   * @param {Control} control
   * @returns {Promise<ModelView>}
   */
  async open({ source, labels, addresses }, control) {
    const opened = await loadModel(source, control);
    const { model, sourceBytes, remark = '' } = opened;
    try {
      checkHasInput(model);
      const own = labels.length > 0 || model.graph.labels;
      if (inputKindOf(model) === 'photograph' && !own) {
        const fetched = this.#fetchLabels(addresses, control.signal);
        await Promise.race([fetched, new Promise((resolve) => setTimeout(resolve, LABELS_MS))]);
      }
      await messagesIn();
      control.signal.throwIfAborted();
    } catch (error) {
      model.dispose();
      throw error;
    }
    this.#labels = labels.length > 0 ? labels : [...(model.graph.labels ?? [])];
    this.#sourceBytes = sourceBytes;
    this.#remark = remark;
    this.#range = usualRange(model);
    this.#inFile = Object.fromEntries(model.layers.map(({ name, format }) => [name, format]));
    this.#take(model);
    return this.#view();
  }

  /**
   * Holds the weights in other formats.
   *
   * @param {Formats} formats names of layers that there are not are skipped
   * @returns {ModelView}
   */
  recode({ all, layers }) {
    const model = this.#needModel();
    const changes = model.layers.flatMap(({ name, format, autoFormat }) => {
      const wanted = layers[name] ?? all ?? this.#inFile[name];
      const held = format === (wanted === 'auto' ? autoFormat : wanted);
      return held ? [] : [[name, wanted]];
    });
    if (changes.length > 0) {
      const other = model.to(Object.fromEntries(changes));
      model.dispose();
      this.#model = other;
    }
    return this.#view();
  }

  /** @param {InferRequests['photograph'][0]} photograph */
  async setPhotograph({ file, name }) {
    this.#picture = await decodePhotograph(file, name);
    this.#forgetInput();
    return null;
  }

  /**
   * @param {string[]} labels names of classes
   * @returns {number} how many classes the model has; the names are taken if they are as many
   */
  label(labels) {
    const model = this.#needModel();
    const classes = sharesOf(model, model.run(this.#anyInput(model)))?.length ?? 0;
    if (labels.length === classes) this.#labels = labels;
    return classes;
  }

  /** @param {Float32Array} pixels 28×28, from 0 to 1 */
  setDigit(pixels) {
    this.#digit = pixels;
    this.#forgetInput();
    return null;
  }

  /** @param {InferRequests['recording'][0]} recording mono */
  setRecording(recording) {
    const model = this.#needModel();
    if (!recordingFeed(model, recording.samples)) {
      throw new PageError(`This network takes no recording; it takes ${namesOf(model)}.`);
    }
    this.#recording = recording;
    this.#forgetInput();
    return null;
  }

  /** @param {PixelRange} range */
  setRange(range) {
    this.#range = range;
    this.#forgetInput();
    return null;
  }

  /** @param {number} seed of noise, in place of a recording */
  setSeed(seed) {
    this.#seed = seed;
    this.#recording = undefined;
    this.#forgetInput();
    return null;
  }

  /** @returns {Answer | null} null where there is no picture for a model that takes one */
  run() {
    const model = this.#model;
    const input = this.#givenInput();
    if (!model || !input) return null;
    const outputs = model.run(input);
    const shares = sharesOf(model, outputs) ?? new Float32Array();
    this.#first ??= shares;
    const top = shares.length > 0 ? topOf(shares, this.#namesOf(shares.length), TOP) : [];
    return { top, probabilities: shares, outputs: outputFacts(outputs), on: this.#inputName };
  }

  /** @returns {Promise<Timing | null>} */
  async measure() {
    const model = this.#model;
    if (!model) return null;
    const input = this.#anyInput(model);
    await warmUp([() => model.run(input)], () => model.disposed);
    if (model.disposed) return null;
    const shares = this.#givenInput() && sharesOf(model, model.run(input));
    const first = this.#first;
    const difference =
      shares && first?.length === shares.length
        ? shares.reduce((most, share, i) => Math.max(most, Math.abs(share - first[i])), 0)
        : undefined;
    const [run] = timesInTurn([() => model.run(input)]);
    return { run, steps: layerTimes(model, input), difference };
  }

  /** @returns {Promise<Comparison | null>} null where the dense weights are too large */
  async compare() {
    const model = this.#model;
    if (!model || model.denseByteLength > MOST_DENSE_BYTES) return null;
    const input = this.#anyInput(model);
    const dense = model.to('dense');
    try {
      const runs = [() => dense.run(input), () => model.run(input)];
      await warmUp(runs, () => model.disposed);
      // Meanwhile there may be another.
      if (model.disposed) return null;
      const [there, ours] = timesInTurn(runs);
      const layerEnergyPj = Object.fromEntries(
        dense.layers.map(({ name, energyPj }) => [name, energyPj]),
      );
      return {
        dense: there,
        ours,
        energyPj: dense.layers.reduce((sum, { energyPj }) => sum + energyPj, 0),
        layerEnergyPj,
        distributions: distributionsOf(dense),
      };
    } finally {
      dense.dispose();
    }
  }

  /** @returns {Uint8Array<ArrayBuffer>} */
  save() {
    return this.#needModel().save();
  }

  /** @param {Model} model which belongs to the session from now on */
  #take(model) {
    this.#model?.dispose();
    this.#model = model;
    this.#forgetInput(); // the next may have another size
  }

  #needModel() {
    if (!this.#model) throw new PageError('There is no model yet.');
    return this.#model;
  }

  #forgetInput() {
    this.#input = this.#first = undefined;
  }

  /** @returns {import('./feeds.js').Feed | undefined} what there is for this model */
  #givenInput() {
    const model = this.#model;
    if (!model || this.#input) return this.#input;
    const kind = inputKindOf(model);
    if (kind === 'photograph') {
      if (this.#picture) this.#input = pictureFeed(model, this.#picture, this.#range);
    } else if (kind === 'digit') {
      if (this.#digit) this.#input = digitFeed(model, this.#digit);
    } else {
      const heard = this.#recording && recordingFeed(model, this.#recording.samples);
      this.#inputName = heard ? String(this.#recording?.name) : `noise ${this.#seed}`;
      this.#input = heard ?? noiseFeed(model, this.#seed);
    }
    return this.#input;
  }

  /**
   * @param {Model} model
   * @returns {import('./feeds.js').Feed} noise where there is no picture: the time is the same
   */
  #anyInput(model) {
    return this.#givenInput() ?? noiseFeed(model, this.#seed);
  }

  /** @param {number} classes */
  #namesOf(classes) {
    const known = [this.#labels, this.#usualLabels, DIGITS];
    return known.find((names) => names.length === classes) ?? [];
  }

  /** @returns {ModelView} */
  #view() {
    const model = this.#needModel();
    const { byteLength, denseByteLength, layers } = model;
    return {
      input: inputKindOf(model),
      inputs: model.inputs.map(({ name, type, shape }) => ({ name, type, shape: [...shape] })),
      range: inputKindOf(model) === 'photograph' ? this.#range : undefined,
      remark: this.#remark,
      bytes: byteLength,
      denseBytes: denseByteLength,
      sourceBytes: this.#sourceBytes,
      layers,
    };
  }

  /**
   * @param {string[]} addresses one after the other is tried
   * @param {AbortSignal} signal
   */
  async #fetchLabels(addresses, signal) {
    if (this.#usualLabels.length > 0) return;
    try {
      const { response } = await fetchFirst(addresses, signal);
      this.#usualLabels = await readLabels(await response.blob());
    } catch {
      // The model works without.
    }
  }
}

/**
 * @param {Model} model
 * @throws {PageError} where there is nothing to give it
 */
function checkHasInput({ inputs }) {
  if (inputs.length > 0) return;
  throw new PageError('This network takes no input: it always gives the same.');
}

/** @param {Model} model */
function namesOf({ inputs }) {
  return inputs.map(({ name, shape }) => `"${name}" of ${shape.join('×')}`).join(', ');
}
