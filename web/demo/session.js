// SPDX-License-Identifier: Apache-2.0

/** What the worker holds: one model, one photograph, the names of the classes. */

import {
  Model,
  imageToTensor,
  importDeepCompression,
  probabilities,
  topClasses,
} from '../lib/index.js';
import { PageError, fetchFirst, readBody } from './download.js';
import { decodePhotograph } from './photograph.js';

/**
 * @typedef {import('./protocol.js').Answer} Answer
 * @typedef {import('./protocol.js').Format} Format
 * @typedef {import('./protocol.js').ModelSource} ModelSource
 * @typedef {import('./protocol.js').ModelView} ModelView
 * @typedef {import('./protocol.js').Place} Place
 * @typedef {import('./protocol.js').Progress} Progress
 *
 * @typedef {{ onProgress: (progress: Progress) => void, signal: AbortSignal }} Control
 * @typedef {{ model: Model, sourceBytes: number }} Opened
 */

const TOP = 5;

/** How long a model waits for the names of its classes; it can do without. */
const LABELS_MS = 3000;

/** Runs are timed until this is over, but a few at least and not too many. */
const TIMED_MS = 600;
const LEAST_RUNS = 3;
const MOST_RUNS = 9;

/** Lets messages in, such as the one that stops the loading. */
const messagesIn = () => new Promise((resolve) => setTimeout(resolve));

export class Session {
  /** @type {Model | undefined} */
  #model;
  #sourceBytes = 0;
  /** @type {Format} */
  #format = 'auto';
  /** @type {import('../lib/index.js').Picture | undefined} */
  #picture;
  /** @type {Float32Array | undefined} what the model gets of the picture */
  #tensor;
  /** @type {string[]} */
  #labels = [];

  /**
   * Takes another model once that is all there; until then, and after an error, the old one stays.
   *
   * @param {{ source: ModelSource, labels: Array<string | Blob> }} from
   * @param {Control} control
   * @returns {Promise<ModelView>}
   */
  async open({ source, labels }, control) {
    const labelled = this.#readLabels(labels, control.signal);
    const { model, sourceBytes } = await load(source, this.#format, control);
    try {
      checkInput(model);
      await Promise.race([labelled, new Promise((resolve) => setTimeout(resolve, LABELS_MS))]);
      await messagesIn();
      control.signal.throwIfAborted();
    } catch (error) {
      model.dispose();
      throw error;
    }
    this.#sourceBytes = sourceBytes;
    this.#take(model);
    return this.#hold(model);
  }

  /**
   * Holds the weights in another format, those of models that are opened later too.
   *
   * @param {{ format: Format }} to
   * @returns {ModelView | null}
   */
  recode({ format }) {
    this.#format = format;
    return this.#model ? this.#hold(this.#model) : null;
  }

  /** @param {{ photograph: Blob, name: string }} what */
  async show({ photograph, name }) {
    this.#picture = await decodePhotograph(photograph, name);
    this.#tensor = undefined;
    return null;
  }

  /** @returns {Answer | null} */
  run() {
    const model = this.#model;
    if (!model || !this.#picture) return null;
    this.#tensor ??= imageToTensor(this.#picture, model.inputShape);
    const shares = probabilities(model, model.run(this.#tensor));
    const names = this.#labels.length === shares.length ? this.#labels : [];
    const top = topClasses(shares, TOP).map(({ index, probability }) => ({
      label: names[index] ?? `class ${index}`,
      probability,
    }));
    return { top, probabilities: shares, ...timeRuns(model, this.#tensor) };
  }

  /** @returns {Uint8Array<ArrayBuffer>} */
  save() {
    if (!this.#model) throw new PageError('There is no model to save yet.');
    return this.#model.save();
  }

  /** @param {Model} model which belongs to the session from now on */
  #take(model) {
    this.#model?.dispose();
    this.#model = model;
    this.#tensor = undefined; // the next may have another size
  }

  /**
   * Sees to it that the session's model is in the session's format.
   *
   * @param {Model} model
   */
  #hold(model) {
    const format = this.#format;
    const isHeld = model.layers.every(
      (layer) => layer.format === (format === 'auto' ? layer.autoFormat : format),
    );
    if (isHeld) return this.#view(model);
    const other = model.to(format);
    this.#take(other);
    return this.#view(other);
  }

  /**
   * @param {Model} model
   * @returns {ModelView}
   */
  #view({ byteLength, denseByteLength, layers }) {
    return {
      bytes: byteLength,
      denseBytes: denseByteLength,
      sourceBytes: this.#sourceBytes,
      layers,
    };
  }

  /**
   * The names of the classes, from the first source that has them; classes have numbers as long as
   * none has.
   *
   * @param {Array<string | Blob>} sources
   * @param {AbortSignal} signal
   */
  async #readLabels(sources, signal) {
    try {
      const file = sources.find((source) => source instanceof Blob);
      if (!file && this.#labels.length > 0) return;
      const addresses = sources.filter((source) => typeof source === 'string');
      const text = await (file ?? (await fetchFirst(addresses, signal)).response).text();
      this.#labels = text
        .trim()
        .split('\n')
        .map((line) => line.replace(/^n\d{8}\s+/, '').trim());
    } catch {
      // The model works without.
    }
  }
}

/**
 * @param {ModelSource} source
 * @param {Format} format
 * @param {Control} control
 * @returns {Promise<Opened>}
 */
async function load(source, format, control) {
  if (source.kind === 'model-file') {
    const { onProgress, signal } = control;
    const model = await Model.load(source.file, {
      signal,
      onProgress: ({ loaded, total }) => onProgress({ stage: 'reading', loaded, total }),
    });
    return { model, sourceBytes: source.file.size };
  }
  const [net, prototxt] =
    source.kind === 'places'
      ? await download(source.places, source.bytes, control)
      : [await source.net.arrayBuffer(), await source.prototxt.arrayBuffer()];
  control.onProgress({ stage: 'encoding' });
  await messagesIn();
  control.signal.throwIfAborted();
  const text = new TextDecoder().decode(prototxt);
  const model = await importDeepCompression(net, text, { format });
  return { model, sourceBytes: net.byteLength + prototxt.byteLength };
}

/**
 * @param {Place[]} places
 * @param {number} bytes
 * @param {Control} control
 * @returns {Promise<Array<Uint8Array<ArrayBuffer>>>} the .net file and the deploy file
 */
async function download(places, bytes, { onProgress, signal }) {
  let loaded = 0;
  /** @param {number} piece */
  const onPiece = (piece) => {
    loaded += piece;
    // The server's content-length is of no use: it may be that of a compressed body.
    onProgress({ stage: 'reading', loaded, total: loaded <= bytes ? bytes : undefined });
  };
  onPiece(0);
  const { response, index } = await fetchFirst(
    places.map((place) => place.net),
    signal,
  );
  const net = await readBody(response, onPiece, signal);
  const deploy = await fetchFirst([places[index].prototxt], signal);
  return [net, await readBody(deploy.response, onPiece, signal)];
}

/** @param {Model} model */
function checkInput({ inputShape }) {
  const [, channels, height, width] = inputShape;
  if (channels !== 3) {
    throw new PageError(
      `This page shows photographs to networks, which takes 3 channels; this one's input is ` +
        `${channels}×${height}×${width}.`,
    );
  }
}

/**
 * @param {Model} model which has run before: engines take a moment to compile what runs often
 * @param {Float32Array} tensor
 * @returns {{ milliseconds: number, runs: number }}
 */
function timeRuns(model, tensor) {
  const times = [];
  const start = performance.now();
  while (
    times.length < LEAST_RUNS ||
    (times.length < MOST_RUNS && performance.now() - start < TIMED_MS)
  ) {
    const before = performance.now();
    model.run(tensor);
    times.push(performance.now() - before);
  }
  times.sort((a, b) => a - b);
  return { milliseconds: times[times.length >> 1], runs: times.length };
}
