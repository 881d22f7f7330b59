// SPDX-License-Identifier: Apache-2.0

/** The view's side of its worker: what is held there, and the newest of what it answered. */

import { Client } from '../common/client.js';
import { handover } from '../common/handover.js';
import { keepModel, keptModels, readKept } from '../common/store.js';
import { PageError } from './download.js';
import { DIGITS, LABELS, SQUEEZENET } from './sources.js';

/**
 * @typedef {import('./protocol.js').Answer} Answer
 * @typedef {import('./protocol.js').Comparison} Comparison
 * @typedef {import('./protocol.js').Formats} Formats
 * @typedef {import('./protocol.js').InferRequests} InferRequests
 * @typedef {import('./protocol.js').ModelSource} ModelSource
 * @typedef {import('./protocol.js').ModelView} ModelView
 * @typedef {import('./protocol.js').Progress} Progress
 * @typedef {import('./protocol.js').Timing} Timing
 *
 * @typedef {object} Request for a model
 * @property {string} key of it in the address
 * @property {string} name
 * @property {ModelSource} source
 * @property {Blob[]} [labels]
 * @property {string} [origin] how its bytes came
 * @property {AbortController} [controller] once it is being loaded
 * @property {Progress} [progress]
 */

export class InferEngine {
  /** @type {Client<InferRequests>} */
  #client = new Client(new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }));
  #onChange;
  #running = false;
  #runAgain = false;
  /** Counts changes of model, formats and input, so that what comes late is not shown. */
  #version = 0;
  /** The pixels that wait for the worker. @type {Float32Array | undefined} */
  #pixels;

  key = '';
  name = '';
  /** Whether a model that is no part of the page will be there after a reload. */
  isKept = true;
  origin = 'Downloaded';
  /** @type {ModelView | undefined} */
  model;
  /** @type {Answer | undefined} */
  answer;
  /** @type {Timing | undefined} */
  timing;
  /** @type {Comparison | undefined} */
  comparison;

  /** @param {() => void} onChange whenever something here changes */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  get isForPhotographs() {
    return this.model?.input[0] === 3;
  }

  get isForDigits() {
    return this.model?.input.join() === '1,28,28';
  }

  /**
   * @param {string} key
   * @returns {Promise<Request>}
   * @throws {PageError} where it is not in this browser
   */
  async find(key) {
    if (key === 'digits') return { key, name: 'Digit reader', source: DIGITS };
    if (key === 'squeezenet') {
      const kept = (await keptModels()).find(({ name }) => name === 'SqueezeNet');
      if (!kept) return { key, name: 'SqueezeNet', source: SQUEEZENET };
      return { ...(await this.find(kept.checksum)), key };
    }
    if (key === 'handed' && handover.model) {
      const { name, bytes } = handover.model;
      const source = /** @type {const} */ ({ kind: 'model-file', file: new Blob([bytes]) });
      return { key, name, source, origin: 'Trained here' };
    }
    const file = await readKept(key);
    const name = (await keptModels()).find(({ checksum }) => checksum === key)?.name;
    if (!file || !name) {
      throw new PageError(
        'The model of this address is not kept in this browser; open its file to see it here.',
      );
    }
    return { key, name, source: { kind: 'model-file', file }, origin: 'Kept in this browser' };
  }

  /**
   * Loads a model in the formats of its file, and keeps it in the browser.
   *
   * @param {Request} request
   * @param {AbortSignal} signal
   * @param {(progress: Progress) => void} onProgress
   * @returns {Promise<string>} its key from now on
   */
  async open({ key, name, source, labels = [], origin }, signal, onProgress) {
    onProgress({ stage: 'reading', loaded: 0, total: undefined });
    const model = await this.#client.request(
      'open',
      { source, labels: [...labels, ...LABELS] },
      { signal, onProgress },
    );
    this.#version += 1;
    this.isKept = true;
    this.model = model;
    this.answer = this.timing = this.comparison = undefined;
    this.name = name;
    const fetched = source.kind === 'places' || source.kind === 'address';
    this.origin = origin ?? (fetched ? 'Downloaded' : 'Read from files');
    this.key = key === 'digits' ? key : await this.#keep(key, name, origin);
    this.#onChange();
    return this.key;
  }

  /**
   * @param {string} key
   * @param {string} name
   * @param {string | undefined} origin
   */
  async #keep(key, name, origin) {
    if (origin === 'Kept in this browser') return key;
    const kept = await keepModel(name, await this.save());
    this.isKept = kept !== undefined;
    return key === 'squeezenet' ? key : (kept?.checksum ?? key);
  }

  /** @param {Formats} formats */
  async recode(formats) {
    if (!this.model) return;
    this.#version += 1;
    this.model = await this.#client.request('recode', formats);
    this.timing = undefined;
    this.#onChange();
  }

  /**
   * @param {Blob} file
   * @param {string} name
   */
  async showPhotograph(file, name) {
    await this.#client.request('photograph', { file, name });
    this.#version += 1;
  }

  /** @param {Float32Array} pixels */
  async readDigit(pixels) {
    this.#version += 1;
    this.#pixels = pixels;
    await this.run();
  }

  forgetDigit() {
    this.#version += 1;
    if (this.isForDigits) this.answer = undefined;
  }

  /** Runs the model; while it runs, the newest of what else is asked for waits. */
  async run() {
    this.#runAgain = true;
    if (this.#running) return;
    this.#running = true;
    try {
      while (this.#runAgain && this.model) {
        this.#runAgain = false;
        const pixels = this.#pixels;
        this.#pixels = undefined;
        const version = this.#version;
        if (pixels) await this.#client.request('digit', pixels);
        const answer = await this.#client.request('run', null);
        if (version === this.#version) this.answer = answer ?? undefined;
        this.#onChange();
      }
    } finally {
      this.#running = false;
    }
  }

  /** Takes times, if nothing changes meanwhile. */
  async measure() {
    if (!this.model || this.#running) return;
    const version = this.#version;
    const timing = await this.#client.request('measure', null);
    if (version !== this.#version) return;
    this.timing = timing ?? undefined;
    this.#onChange();
    const comparison = await this.#client.request('compare', null);
    if (version !== this.#version) return;
    this.comparison = comparison ?? undefined;
    this.#onChange();
  }

  /** @returns {Promise<Uint8Array<ArrayBuffer>>} the model's file */
  save() {
    return this.#client.request('save', null);
  }
}
