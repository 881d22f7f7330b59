// SPDX-License-Identifier: Apache-2.0

/** The view's side of its worker: what is held there, and the newest of what it answered. */

import { Client, isAbort } from '../common/client.js';
import { handover } from '../common/handover.js';
import { findWork, workIsOver } from '../common/quiet.js';
import { MOST_KEPT_BYTES, keepLabels, keepModel, keptModels, readKept } from '../common/store.js';
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
 * @property {string[]} [labels] the names of its classes
 * @property {string} [origin] how its bytes came
 * @property {string} [checksum] of one that is kept
 * @property {AbortController} [controller] once it is being loaded
 * @property {Progress} [progress]
 *
 * @typedef {'no' | 'measuring' | 'here' | 'elsewhere' | 'stopped' | 'done'} Measuring here,
 *   elsewhere: it waits for what is at work in this tab or another
 */

/** What takes longer is shown, with a way to stop it. */
const SLOW_MS = 1000;

/** Digits are read before anybody has to wait; times are taken when the hand rests. */
const REST_MS = 350;

/** So long may a worker take to stop by itself. */
const STOP_MS = 300;

const FROM_BROWSER = 'Kept in this browser';

/** @returns {Client<InferRequests>} */
function startWorker() {
  return new Client(new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }));
}

export class InferEngine {
  #client = startWorker();
  /** Settled when the worker knows what there is. @type {Promise<void>} */
  #ready = Promise.resolve();
  #onChange;
  /** Settled when no run is under way. @type {Promise<void>} */
  #running = Promise.resolve();
  #isRunning = false;
  /** The measurement that is under way. @type {Promise<void> | undefined} */
  #measurement;
  #runAgain = false;
  /** Counts changes of model, formats and input, so that what comes late is not shown. */
  #version = 0;
  /** The pixels that wait for the worker. @type {Float32Array | undefined} */
  #pixels;
  /** What a new worker has to be told. */
  #held = {
    /** @type {InferRequests['open'][0] | undefined} */
    open: undefined,
    /** @type {Formats} */
    formats: { all: undefined, layers: {} },
    /** @type {Float32Array | undefined} */
    pixels: undefined,
    /** @type {InferRequests['photograph'][0] | undefined} */
    photograph: undefined,
    /** @type {InferRequests['recording'][0] | undefined} */
    recording: undefined,
    /** @type {InferRequests['range'][0] | undefined} */
    range: undefined,
    /** @type {InferRequests['seed'][0] | undefined} */
    seed: undefined,
  };
  #checksum = '';

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
  /** Beside dense weights. @type {Comparison | undefined} */
  comparison;
  /** Of the same model in other formats, too. @type {Comparison['distributions'] | undefined} */
  distributions;
  /** @type {Measuring} */
  measuring = 'no';
  /** What the worker has been at for long. @type {keyof InferRequests | undefined} */
  slow;

  /** @param {() => void} onChange whenever something here changes */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  /** The formats that the model is held in. */
  get formats() {
    return this.#held.formats;
  }

  get isForPhotographs() {
    return this.model?.input === 'photograph';
  }

  get isForDigits() {
    return this.model?.input === 'digit';
  }

  /**
   * @param {string} key
   * @returns {Promise<Request>}
   * @throws {PageError} where it is not in this browser
   */
  async find(key) {
    if (key === 'digits') return { key, name: 'Digit reader', source: DIGITS };
    if (key === 'handed' && handover.model) {
      const { name, bytes } = handover.model;
      const source = /** @type {const} */ ({ kind: 'model-file', file: new Blob([bytes]) });
      return { key, name, source, origin: 'Trained here' };
    }
    const kept = (await keptModels()).find((each) => each.checksum === key || each.key === key);
    const found = kept && (await readKept(kept.checksum));
    if (kept && found) {
      const source = /** @type {const} */ ({ kind: 'model-file', file: found.file });
      const { name, checksum } = kept;
      return { key, name, checksum, source, labels: found.labels, origin: FROM_BROWSER };
    }
    if (key === 'squeezenet') return { key, name: 'SqueezeNet', source: SQUEEZENET };
    throw new PageError(
      'The model of this address is not kept in this browser; open its file to see it here.',
    );
  }

  /**
   * Loads a model in the formats of its file, and keeps it in the browser.
   *
   * @param {Request} request
   * @param {AbortSignal} signal stops it, if need be with the worker
   * @param {(progress: Progress) => void} onProgress
   * @returns {Promise<string>} its key from now on
   */
  async open(request, signal, onProgress) {
    const { key, name, source, labels = [], origin } = request;
    onProgress({ stage: 'reading', loaded: 0, total: undefined });
    await this.#ready;
    signal.throwIfAborted();
    const payload = { source, labels, addresses: LABELS };
    const client = this.#client;
    let isOpen = true;
    const endIfStuck = () => isOpen && this.#client === client && this.#restart();
    signal.addEventListener('abort', () => setTimeout(endIfStuck, STOP_MS));
    try {
      const model = await client.request('open', payload, { signal, onProgress });
      this.#weightsChange();
      this.model = model;
    } finally {
      isOpen = false;
    }
    this.isKept = true;
    this.answer = this.distributions = undefined;
    this.name = name;
    const fetched = source.kind === 'places' || source.kind === 'address';
    this.origin = origin ?? (fetched ? 'Downloaded' : 'Read from files');
    Object.assign(this.#held, {
      ...{ open: payload, formats: { all: undefined, layers: {} } },
      ...{ recording: undefined, range: undefined, seed: undefined },
    });
    this.#checksum = request.checksum ?? '';
    this.key = key === 'digits' ? key : await this.#keep(request);
    this.#onChange();
    return this.key;
  }

  /** @param {Request} request */
  async #keep({ key, name, origin, labels = [] }) {
    if (origin === FROM_BROWSER) return key;
    const file = await this.save();
    if (this.#held.open && file.length <= MOST_KEPT_BYTES) {
      // Shorter to load again than what it came from.
      const source = { kind: /** @type {const} */ ('model-file'), file: new Blob([file]) };
      this.#held.open = { ...this.#held.open, source };
    }
    const own = key === 'squeezenet';
    const kept = await keepModel(name, file, { labels, key: own ? key : '' });
    this.isKept = kept !== undefined;
    this.#checksum = kept?.checksum ?? '';
    this.name = kept && !kept.key ? kept.name : name;
    return own ? key : (kept?.checksum ?? key);
  }

  /** What was measured was measured on other weights. */
  #weightsChange() {
    this.#version += 1;
    this.timing = this.comparison = undefined;
    this.measuring = 'no';
  }

  /** @param {Formats} formats */
  async recode(formats) {
    if (!this.model) return;
    this.#weightsChange();
    this.#onChange();
    this.model = await this.#ask('recode', formats);
    this.#held.formats = formats;
    this.#onChange();
  }

  /**
   * @param {string[]} labels the names of the model's classes
   * @returns {Promise<number>} how many classes it has; the names are taken if they are as many
   */
  async label(labels) {
    const classes = await this.#ask('label', labels);
    if (classes !== labels.length) return classes;
    if (this.#held.open) this.#held.open = { ...this.#held.open, labels };
    if (this.#checksum) await keepLabels(this.#checksum, labels);
    return classes;
  }

  /**
   * @param {Blob} file
   * @param {string} name
   */
  async showPhotograph(file, name) {
    await this.#ask('photograph', { file, name });
    this.#held.photograph = { file, name };
    this.#version += 1;
  }

  /** @param {InferRequests['recording'][0]} recording */
  async hear(recording) {
    await this.#ask('recording', recording);
    this.#held.recording = recording;
    this.#version += 1;
  }

  /** @param {InferRequests['range'][0]} range of pixels, until another model comes */
  async takePixelsAs(range) {
    await this.#ask('range', range);
    this.#held.range = range;
    if (this.model) this.model = { ...this.model, range };
    this.#version += 1;
    await this.run();
  }

  /** @param {number} seed of noise */
  async makeNoise(seed) {
    await this.#ask('seed', seed);
    Object.assign(this.#held, { seed, recording: undefined });
    this.#version += 1;
    await this.run();
  }

  /** @param {Float32Array} pixels */
  async readDigit(pixels) {
    this.#version += 1;
    this.#pixels = this.#held.pixels = pixels;
    await this.run();
  }

  forgetDigit() {
    this.#version += 1;
    if (this.isForDigits) this.answer = undefined;
  }

  /** Runs the model; while it runs, the newest of what else is asked for waits. */
  async run() {
    this.#runAgain = true;
    if (!this.#isRunning) this.#running = this.#runAll();
    await this.#running;
  }

  async #runAll() {
    this.#isRunning = true;
    try {
      while (this.#runAgain && this.model) {
        this.#runAgain = false;
        const pixels = this.#pixels;
        this.#pixels = undefined;
        const version = this.#version;
        if (pixels) await this.#request('digit', pixels);
        const answer = await this.#ask('run', null);
        if (version === this.#version) this.answer = answer ?? undefined;
        this.#onChange();
      }
    } finally {
      this.#isRunning = false;
    }
  }

  /**
   * Takes times, unless they are known or it was stopped: when the hand rests, and nothing else is
   * at work. Whatever changes meanwhile, it begins anew.
   *
   * @param {object} [options]
   * @param {boolean} [options.again] all the same
   */
  async measure({ again = false } = {}) {
    if (again) this.measuring = 'no';
    this.#measurement ??= this.#measureUntilDone().finally(() => {
      this.#measurement = undefined;
    });
    await this.#measurement;
  }

  get #isMeasured() {
    const { timing, answer, measuring } = this;
    if (measuring === 'stopped') return true;
    // Without an input there was no answer to look at.
    return measuring === 'done' && (timing?.difference !== undefined || !answer);
  }

  async #measureUntilDone() {
    try {
      while (this.model && !this.#isMeasured) await this.#measureOnce();
    } catch (error) {
      if (this.measuring === 'measuring') this.#measures('no');
      if (!isAbort(error)) throw error;
    }
  }

  async #measureOnce() {
    const version = this.#version;
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
    await this.#running.catch(() => {});
    if (version !== this.#version) return;
    const where = await findWork();
    if (where) {
      this.#measures(where);
      await workIsOver();
      return;
    }
    this.#measures('measuring');
    const timing = await this.#request('measure', null);
    if (version !== this.#version) return;
    const comparison = await this.#request('compare', null);
    if (version !== this.#version || (await findWork())) return;
    this.timing = timing ?? undefined;
    this.comparison = comparison ?? undefined;
    this.distributions = comparison?.distributions;
    this.#measures('done');
  }

  /** @param {Measuring} measuring */
  #measures(measuring) {
    this.measuring = measuring;
    this.#onChange();
  }

  /** @returns {Promise<Uint8Array<ArrayBuffer>>} the model's file */
  save() {
    return this.#ask('save', null);
  }

  /** Ends whatever the worker is at; the model stays, and does not run until it is asked to. */
  stop() {
    this.#runAgain = false;
    this.measuring = 'stopped';
    this.#restart();
  }

  /**
   * Nothing but the end of its worker ends a computation. The next one gets the same model, formats
   * and pictures.
   */
  #restart() {
    this.#client.terminate();
    this.#client = startWorker();
    this.slow = undefined;
    this.#ready = this.#tellAll(this.#client).catch(() => {});
    this.#onChange();
  }

  /** @param {Client<InferRequests>} client that knows nothing yet */
  async #tellAll(client) {
    const { open, formats, pixels, photograph, recording, range, seed } = this.#held;
    if (open) await client.request('open', open);
    if (open) await client.request('recode', formats);
    if (pixels) await client.request('digit', pixels);
    if (photograph) await client.request('photograph', photograph);
    if (range) await client.request('range', range);
    if (seed !== undefined) await client.request('seed', seed);
    if (recording) await client.request('recording', recording);
  }

  /**
   * @template {keyof InferRequests & string} T
   * @param {T} type
   * @param {InferRequests[T][0]} payload
   * @param {Parameters<Client<InferRequests>['request']>[2]} [options]
   * @returns {Promise<InferRequests[T][1]>}
   */
  async #request(type, payload, options) {
    await this.#ready;
    return this.#client.request(type, payload, options);
  }

  /**
   * As `#request`; what takes long can be seen.
   *
   * @template {keyof InferRequests & string} T
   * @param {T} type
   * @param {InferRequests[T][0]} payload
   * @returns {Promise<InferRequests[T][1]>}
   */
  async #ask(type, payload) {
    const timer = setTimeout(() => {
      this.slow = type;
      this.#onChange();
    }, SLOW_MS);
    try {
      return await this.#request(type, payload);
    } finally {
      clearTimeout(timer);
      if (this.slow === type) {
        this.slow = undefined;
        this.#onChange();
      }
    }
  }
}
