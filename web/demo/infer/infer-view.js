// SPDX-License-Identifier: Apache-2.0

/** The view in which a network runs: on a digit that is drawn, on a photograph, in any format. */

import { setAddress } from '../address.js';
import { isAbort, messageOf } from '../common/client.js';
import { Part } from '../common/element.js';
import { keptModels, onKeptChange, removeKept } from '../common/store.js';
import { count } from '../common/units.js';
import { digitImage } from './digit-image.js';
import { PageError, fetchFirst } from './download.js';
import { decodeRecording } from './recording.js';
import { InferEngine } from './engine.js';
import { sortFiles } from './files.js';
import { readLabels } from './labels.js';
import { renderInfer } from './infer-page.js';
import { SAMPLES } from './sources.js';
import { parseState, stateValues } from './state.js';
import { sampleDigit } from './strokes.js';
import './camera-dialog.js';
import './drawing-pad.js';
import './infer.css';

/**
 * @typedef {import('../common/store.js').Kept} Kept
 * @typedef {import('./engine.js').Request} Request
 * @typedef {import('./protocol.js').Format} Format
 * @typedef {import('./strokes.js').Stroke} Stroke
 */

/** A table of many layers takes long to lay out: so many rows are added at a time. */
const ROWS_AT_ONCE = 4;

export class InferView extends Part {
  /** What is in the address. */
  state = parseState(new URLSearchParams());
  /** What the worker holds and has answered. */
  engine = new InferEngine(() => this.requestUpdate());
  /** @type {Stroke[]} */
  strokes = [];
  /** @type {{ url: string, name: string } | undefined} */
  photo;
  /** What is being loaded. @type {Request | undefined} */
  loading;
  /** @type {Kept[]} */
  kept = [];
  /** Sentences, by where they are shown. */
  errors = { model: '', picture: '', weights: '' };
  status = '';
  /** Of the noise that networks get for which there is no picture. */
  seed = 1;

  /** How many layers of the table are there already. */
  rowsShown = 0;

  #opened = '';

  /** @override */
  connectedCallback() {
    super.connectedCallback();
    onKeptChange(() => this.#listKept());
    this.#listKept();
  }

  /** @override */
  render() {
    return renderInfer(this);
  }

  /** @override */
  updated() {
    const layers = this.engine.model?.layers.length ?? 0;
    if (this.rowsShown >= layers) return;
    setTimeout(() => {
      this.rowsShown = Math.min(this.rowsShown + ROWS_AT_ONCE, layers);
      this.requestUpdate();
    });
  }

  /** @param {URLSearchParams} params */
  enter(params) {
    const before = this.state;
    this.state = parseState(params);
    const { model, photo, formats } = this.state;
    this.#takeDrawing();
    if (photo && photo !== before.photo) this.showSample();
    if (model !== this.#opened) this.#open(model);
    else if (this.engine.model && JSON.stringify(formats) !== JSON.stringify(before.formats)) {
      this.#attempt('weights', () => this.#recode());
    }
    this.requestUpdate();
  }

  /** @param {File[]} files that were dropped or chosen */
  takeFiles(files) {
    return this.#attempt(this.engine.isForPhotographs ? 'picture' : 'model', async () => {
      const dropped = await sortFiles(files);
      if (dropped.kind === 'photograph') {
        this.state.photo = undefined;
        await this.#showPhotograph(dropped.file, dropped.file.name);
      } else if (dropped.kind === 'recording') {
        await this.#hear(dropped.file);
      } else if (dropped.kind === 'labels') {
        await this.#applyLabels(dropped);
      } else {
        const { name, source, labels } = dropped;
        const names = labels ? await readLabels(labels) : [];
        const request = { key: 'file', name, source, labels: names };
        await this.#attempt('model', () => this.#load(request, { isStep: true }));
      }
    });
  }

  /** @param {File} file a recording */
  async #hear(file) {
    const samples = await decodeRecording(file, file.name);
    await this.engine.hear({ samples, name: file.name });
    await this.engine.run();
    this.#measureAtRest();
  }

  /** @param {import('./protocol.js').PixelRange} range */
  takePixelsAs(range) {
    return this.#attempt('picture', () => this.engine.takePixelsAs(range));
  }

  /** Other noise than before. */
  makeNoise() {
    this.seed += 1;
    return this.#attempt('picture', () => this.engine.makeNoise(this.seed));
  }

  /** @param {{ file: File, refusal: string }} labels refusal: if they cannot be any */
  async #applyLabels({ file, refusal }) {
    const labels = await readLabels(file);
    const classes = labels.length > 0 ? await this.engine.label(labels) : -1;
    if (classes !== labels.length) {
      throw new PageError(
        refusal ||
          (classes < 0 && `“${file.name}” holds no names of classes.`) ||
          `“${file.name}” names ${count(labels.length, 'class', 'classes')}, and this model has ` +
            `${classes}.`,
      );
    }
    this.status = `The classes of ${this.engine.name} have their names from ${file.name}.`;
    await this.engine.run();
  }

  /** @param {string} key of a model, as in the address, that somebody chose */
  open(key) {
    return this.#open(key, { isStep: true });
  }

  /**
   * @param {string} key
   * @param {{ isStep?: boolean }} [options]
   */
  #open(key, options) {
    return this.#attempt('model', async () => {
      try {
        await this.#load(await this.engine.find(key), options);
      } catch (error) {
        // There must be something to look at.
        if (!this.engine.model && key !== 'digits')
          await this.#load(await this.engine.find('digits'));
        throw error;
      }
    });
  }

  stopLoading() {
    this.loading?.controller?.abort();
  }

  /** Ends what the worker has been at for too long. */
  stopWork() {
    const { slow, name } = this.engine;
    const what = !slow ? 'Measuring' : slow === 'run' ? 'Running' : 'Work on';
    this.status = `${what} ${name} was stopped.`;
    this.engine.stop();
  }

  /** @param {Stroke[]} strokes */
  draw(strokes) {
    this.strokes = strokes;
    this.state.digit = undefined;
    this.#readDigit();
  }

  /** The pen is up: the address follows. */
  endStroke() {
    this.state.drawing = this.strokes;
    this.#write();
  }

  /** @param {number} digit */
  drawSample(digit) {
    const { seed } = this.state;
    this.state = { ...this.state, digit, seed: digit === this.state.digit ? seed + 1 : 1 };
    this.#takeDrawing();
    this.#write();
  }

  clear() {
    this.draw([]);
    this.endStroke();
  }

  showSample() {
    return this.#attempt('picture', async () => {
      const { response } = await fetchFirst(SAMPLES);
      this.state.photo = 'dog';
      await this.#showPhotograph(await response.blob(), 'dog.jpg');
    });
  }

  takePhotograph() {
    return this.#attempt('picture', async () => {
      const camera = /** @type {import('./camera-dialog.js').CameraDialog} */ (
        this.querySelector('camera-dialog')
      );
      const photograph = await camera.photograph();
      this.state.photo = undefined;
      if (photograph) await this.#showPhotograph(photograph, 'A photograph taken here');
    });
  }

  /** @param {Format | undefined} format of all layers; undefined: as in the file */
  holdAll(format) {
    this.state.formats = { all: format, layers: {} };
    return this.#attempt('weights', () => this.#recode({ isStep: true }));
  }

  /**
   * @param {string} layer
   * @param {Format | undefined} format undefined: as all others
   */
  holdLayer(layer, format) {
    const layers = { ...this.state.formats.layers };
    if (format) layers[layer] = format;
    else delete layers[layer];
    this.state.formats = { ...this.state.formats, layers };
    return this.#attempt('weights', () => this.#recode({ isStep: true }));
  }

  save() {
    return this.#attempt('weights', async () => {
      const bytes = await this.engine.save();
      const link = document.createElement('a');
      link.href = URL.createObjectURL(new Blob([bytes]));
      link.download = `${this.engine.name.replace(/\.\w+$/, '')}.safetensors`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    });
  }

  /** @param {Kept} model */
  async forget({ checksum }) {
    await removeKept(checksum);
  }

  measureAgain() {
    return this.#attempt('weights', () => this.engine.measure({ again: true }));
  }

  async #listKept() {
    this.kept = await keptModels();
    this.requestUpdate();
  }

  /** @param {{ isStep?: boolean }} [options] */
  #write(options) {
    setAddress('infer', stateValues(this.state), options);
  }

  #takeDrawing() {
    const { digit, seed, drawing } = this.state;
    this.strokes = digit === undefined ? drawing : sampleDigit(digit, seed);
    this.#readDigit();
  }

  #readDigit() {
    this.requestUpdate();
    if (this.strokes.length === 0) this.engine.forgetDigit();
    else this.#attempt('picture', () => this.engine.readDigit(digitImage(this.strokes)));
    this.#measureAtRest();
  }

  #measureAtRest() {
    this.#attempt('weights', () => this.engine.measure());
  }

  /**
   * @param {Blob} photograph
   * @param {string} name
   */
  async #showPhotograph(photograph, name) {
    await this.engine.showPhotograph(photograph, name);
    if (this.photo) URL.revokeObjectURL(this.photo.url);
    this.photo = { url: URL.createObjectURL(photograph), name };
    this.#write({ isStep: this.engine.isForPhotographs });
    if (!this.engine.isForPhotographs) {
      // A model that is on its way runs on it by itself.
      if (!this.loading || this.loading.key === 'digits') await this.open('squeezenet');
    } else {
      await this.engine.run();
      this.#measureAtRest();
    }
  }

  /**
   * Opens a model; until it is all there, and after an error, the one before stays.
   *
   * @param {Request} request
   * @param {{ isStep?: boolean }} [options]
   */
  async #load(request, options) {
    this.stopLoading();
    const controller = new AbortController();
    this.loading = { ...request, controller };
    this.status = '';
    this.#opened = request.key;
    const current = () => this.loading?.controller === controller;
    try {
      const key = await this.engine.open(request, controller.signal, (progress) => {
        if (!current()) return;
        this.loading = { ...request, controller, progress };
        this.requestUpdate();
      });
      if (key !== this.state.model && !current()) return;
      // Formats in the address are those of the model in the address.
      if (request.key !== this.state.model) this.state.formats = { all: undefined, layers: {} };
      this.rowsShown = 0;
      this.state.model = this.#opened = key;
      const { name, model } = this.engine;
      this.seed = 1;
      this.status = key === 'digits' ? '' : `${name} is loaded. ${model?.remark ?? ''}`.trim();
      if (!this.engine.isKept) {
        this.status += ' This browser cannot keep it: it refuses storage, or has no room for it.';
      }
      if (current()) this.loading = undefined;
      await this.#recode(options);
    } catch (error) {
      if (current()) this.#opened = this.state.model = this.engine.key || 'digits';
      if (!isAbort(error)) throw error;
      if (current()) this.status = `Loading ${request.name} was stopped.`;
      this.#write();
    } finally {
      if (current()) this.loading = undefined;
      this.requestUpdate();
    }
  }

  /** @param {{ isStep?: boolean }} [options] */
  async #recode(options) {
    this.#write(options);
    try {
      await this.engine.recode(this.state.formats);
    } catch (error) {
      this.state.formats = this.engine.formats; // it stays as it was
      this.#write();
      throw error;
    }
    await this.engine.run();
    this.#measureAtRest();
  }

  /**
   * Does something, and says in its place what goes wrong with it.
   *
   * @param {keyof InferView['errors']} place
   * @param {() => Promise<unknown>} work
   */
  async #attempt(place, work) {
    this.errors[place] = '';
    try {
      await work();
    } catch (error) {
      if (!isAbort(error)) this.errors[place] = messageOf(error); // else somebody stopped it
    }
    this.requestUpdate();
  }
}

customElements.define('infer-view', InferView);
