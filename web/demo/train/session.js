// SPDX-License-Identifier: Apache-2.0

/** The run that is under way, as the page sees it. */

import { Client, messageOf } from '../common/client.js';
import { beginWork } from '../common/quiet.js';
import { addRound, newRecord } from './record.js';
import { toOptions } from './settings.js';

/**
 * @typedef {import('./protocol.js').Learned} Learned
 * @typedef {import('./protocol.js').WorkerStatus} WorkerStatus
 * @typedef {import('./protocol.js').OwnFiles} OwnFiles
 * @typedef {import('./protocol.js').Round} Round
 * @typedef {import('./protocol.js').Shard} Shard
 * @typedef {import('./protocol.js').WorkState} WorkState
 * @typedef {import('./record.js').RunRecord} RunRecord
 * @typedef {import('./settings.js').Settings} Settings
 *
 * @typedef {object} WorkerState a worker that learns
 * @property {WorkerStatus} status
 * @property {Shard} shard
 * @property {number} up bytes since the beginning
 * @property {number} down
 *
 * @typedef {{ worker: number, reason: string }} Gone reason: a sentence
 */

/** The page is drawn anew no more often than this. */
const DRAW_MS = 150;

export class Session extends EventTarget {
  /** @type {'idle' | 'starting' | WorkState} */
  state = 'idle';
  /** @type {RunRecord | undefined} */
  record;
  /** @type {WorkerState[]} */
  workers = [];
  /** @type {Round | undefined} */
  round;
  /** Workers that are gone, the latest last. @type {Gone[]} */
  gone = [];
  /** What was handed on last. @type {Learned | undefined} */
  learned;
  /** Why a run could not begin or go on: a sentence. */
  error = '';
  /** @type {Client<import('./protocol.js').TrainRequests> | undefined} */
  #client;
  #timer = 0;
  /** While it trains: says that it no longer does. @type {(() => void) | undefined} */
  #endWork;

  /** Whether settings cannot take effect now. */
  get busy() {
    return this.state !== 'idle' && this.state !== 'finished';
  }

  /**
   * Begins a run; the one before is ended.
   *
   * @param {Settings} settings
   * @param {OwnFiles | undefined} own
   * @param {RunRecord[]} others kept runs
   * @param {{ paused?: boolean }} [options] paused: before the first round
   */
  async start(settings, own, others, { paused = false } = {}) {
    this.reset();
    /** @type {Client<import('./protocol.js').TrainRequests>} */
    const client = new Client(
      new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }),
      (name, value) => this.#client === client && this.#receive(name, value),
    );
    this.#client = client;
    this.#change('starting');
    try {
      const data = own && settings.data === 'own' ? own : { digits: settings.examples };
      const options = toOptions(settings);
      const { iterations } = settings;
      const { weights, shards } = await client.request('start', { options, iterations, data });
      if (this.#client !== client) return;
      this.record = newRecord(settings, weights, others);
      this.workers = shards.map((shard) => ({ status: 'present', shard, up: 0, down: 0 }));
      if (!paused) await client.request('go', undefined);
      this.#change(paused ? 'paused' : 'running');
    } catch (error) {
      if (this.#client === client) this.#fail(messageOf(error));
    }
  }

  /** @param {'go' | 'pause' | 'step'} command */
  async command(command) {
    await this.#client?.request(command, undefined).catch(() => {});
  }

  /**
   * @param {'leave' | 'join' | 'kill'} change
   * @param {number} worker
   */
  async changeWorker(change, worker) {
    try {
      await this.#client?.request(change, worker);
      if (change === 'kill') this.#tellLoss(worker, 'It was made to crash.');
    } catch (error) {
      if (this.#client) this.error = messageOf(error);
    }
    this.#changed();
  }

  /**
   * What has been learned, pruned and quantized; what that took is in `learned` from then on.
   *
   * @returns {Promise<Uint8Array<ArrayBuffer>>} a model file
   */
  async model() {
    const client = this.#client;
    if (!client) throw new Error('There is no model before a run has begun.');
    if (this.learned && this.learned.round === this.round?.round) return this.learned.file;
    const endWork = beginWork();
    const learned = await client.request('model', undefined).finally(endWork);
    if (this.#client === client) this.learned = learned;
    this.#changed();
    return learned.file;
  }

  /** Ends the run, its workers included. */
  reset() {
    this.#client?.end('end');
    this.#client = undefined;
    if (this.record?.state === 'running') this.record.state = 'stopped';
    Object.assign(this, { workers: [], gone: [], error: '' });
    this.record = this.round = this.learned = undefined;
    this.#change('idle');
  }

  /**
   * @param {string} name
   * @param {any} value
   */
  #receive(name, value) {
    if (name === 'round') this.#takeRound(value);
    else if (name === 'workers') this.#takeStatuses(value);
    else if (name === 'lost') this.#takeLosses(value);
    else if (name === 'state') this.#takeState(value);
    else this.#fail(messageOf(value));
  }

  /** @param {WorkState} state */
  #takeState(state) {
    if (this.state === 'starting') return; // told before the answer that it is ready
    if (state === 'finished' && this.record) this.record.state = 'finished';
    this.#change(state);
  }

  /** @param {Round} round */
  #takeRound(round) {
    this.round = round;
    if (this.record) addRound(this.record, round);
    this.workers = this.workers.map((worker, index) => ({
      ...worker,
      up: round.totals.up[index],
      down: round.totals.down[index],
    }));
    this.#takeLosses(round.lost);
    this.dispatchEvent(new CustomEvent('round', { detail: round }));
    this.#changed();
  }

  /** @param {Round['lost']} lost */
  #takeLosses(lost) {
    for (const { worker, reason } of lost) this.#tellLoss(worker, reason);
    this.#changed();
  }

  /** @param {WorkerStatus[]} statuses */
  #takeStatuses(statuses) {
    this.workers = this.workers.map((worker, index) => ({ ...worker, status: statuses[index] }));
    // Nobody wants to read of one who is back.
    this.gone = this.gone.filter(({ worker }) => statuses[worker] === 'gone');
    this.#changed();
  }

  /**
   * @param {number} worker
   * @param {string} reason
   */
  #tellLoss(worker, reason) {
    if (reason === 'It was killed.') return; // which the page did, and told
    const others = this.gone.filter((each) => each.worker !== worker);
    this.gone = [...others, { worker, reason }];
  }

  /** @param {string} sentence */
  #fail(sentence) {
    this.#client?.end('end');
    this.#client = undefined;
    if (this.record?.state === 'running') this.record.state = 'stopped';
    this.error = sentence;
    this.#change('idle');
  }

  /** @param {Session['state']} state */
  #change(state) {
    this.state = state;
    if (state === 'starting' || state === 'running') {
      this.#endWork ??= beginWork();
    } else {
      this.#endWork?.();
      this.#endWork = undefined;
    }
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.dispatchEvent(new Event('change'));
  }

  #changed() {
    this.#timer ||= window.setTimeout(() => {
      this.#timer = 0;
      this.dispatchEvent(new Event('change'));
    }, DRAW_MS);
  }
}
