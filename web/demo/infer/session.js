// SPDX-License-Identifier: Apache-2.0

/** What the worker holds: one model, one input for it, the names of the classes. */

import { imageToTensor, probabilities, topClasses } from '../../lib/lowtropy.js';
import { PageError, fetchFirst } from './download.js';
import { readLabels } from './labels.js';
import { loadModel } from './load.js';
import { layerTimes, timesInTurn, warmUp } from './measure.js';
import { decodePhotograph } from './photograph.js';
import { distributionsOf } from './distributions.js';

/**
 * @typedef {import('../../lib/lowtropy.js').Model} Model
 * @typedef {import('../common/serve.js').Control} Control
 * @typedef {import('./protocol.js').Answer} Answer
 * @typedef {import('./protocol.js').Comparison} Comparison
 * @typedef {import('./protocol.js').Format} Format
 * @typedef {import('./protocol.js').Formats} Formats
 * @typedef {import('./protocol.js').InferRequests} InferRequests
 * @typedef {import('./protocol.js').ModelView} ModelView
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
  /** The layers' formats in the file. @type {Record<string, Format>} */
  #inFile = {};
  /** @type {import('../../lib/lowtropy.js').Picture | undefined} */
  #picture;
  /** @type {Float32Array | undefined} */
  #digit;
  /** What the model gets. @type {Float32Array | undefined} */
  #input;
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
    const { model, sourceBytes } = await loadModel(source, control);
    try {
      checkInput(model);
      if (model.inputShape[1] === 3 && labels.length === 0) {
        const fetched = this.#fetchLabels(addresses, control.signal);
        await Promise.race([fetched, new Promise((resolve) => setTimeout(resolve, LABELS_MS))]);
      }
      await messagesIn();
      control.signal.throwIfAborted();
    } catch (error) {
      model.dispose();
      throw error;
    }
    this.#labels = labels;
    this.#sourceBytes = sourceBytes;
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
    const classes = probabilities(model, model.run(this.#anyInput(model))).length;
    if (labels.length === classes) this.#labels = labels;
    return classes;
  }

  /** @param {Float32Array} pixels 28×28, from 0 to 1 */
  setDigit(pixels) {
    this.#digit = pixels;
    this.#forgetInput();
    return null;
  }

  /** @returns {Answer | null} null where there is no picture for such a model */
  run() {
    const model = this.#model;
    const input = this.#pictureInput();
    if (!model || !input) return null;
    const shares = probabilities(model, model.run(input));
    this.#first ??= shares;
    const names = this.#namesOf(shares.length);
    const top = topClasses(shares, TOP).map(({ index, probability }) => ({
      index,
      label: names[index] || `class ${index}`,
      probability,
    }));
    return { top, probabilities: shares };
  }

  /** @returns {Promise<Timing | null>} */
  async measure() {
    const model = this.#model;
    if (!model) return null;
    const input = this.#anyInput(model);
    await warmUp([() => model.run(input)], () => model.disposed);
    if (model.disposed) return null;
    const shares = this.#pictureInput() && probabilities(model, model.run(input));
    const first = this.#first;
    const difference =
      shares && first
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

  /** @returns {Float32Array | undefined} what somebody drew or photographed, for this model */
  #pictureInput() {
    const [channels, height, width] = this.#model?.inputShape.slice(1) ?? [];
    if (channels === 3 && this.#picture) {
      this.#input ??= imageToTensor(this.#picture, [channels, height, width]);
    } else if (channels * height * width === this.#digit?.length) {
      this.#input ??= this.#digit;
    }
    return this.#input;
  }

  /**
   * @param {Model} model
   * @returns {Float32Array} zeros where there is no picture: the time is the same
   */
  #anyInput(model) {
    const [, ...sizes] = model.inputShape;
    return this.#pictureInput() ?? new Float32Array(sizes.reduce((product, n) => product * n, 1));
  }

  /** @param {number} classes */
  #namesOf(classes) {
    const known = [this.#labels, this.#usualLabels, DIGITS];
    return known.find((names) => names.length === classes) ?? [];
  }

  /** @returns {ModelView} */
  #view() {
    const { byteLength, denseByteLength, layers, inputShape } = this.#needModel();
    const [, channels, height, width] = inputShape;
    return {
      input: [channels, height, width],
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
 * @throws {PageError} unless it takes one image
 */
function checkInput({ inputs }) {
  const [{ type, usualShape }] = inputs;
  const isImage = usualShape.length === 3 || (usualShape.length === 4 && usualShape[0] === 1);
  if (inputs.length === 1 && type === 'float32' && isImage) return;
  const names = inputs.map(({ name, shape }) => `"${name}" of ${shape.join('×')}`).join(', ');
  throw new PageError(`This network takes ${names}; here are only those that take one image.`);
}
