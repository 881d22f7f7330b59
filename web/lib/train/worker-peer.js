// SPDX-License-Identifier: Apache-2.0

import { openExamples } from './examples.js';
import { bytesOf, floatsOf } from './floats.js';

/**
 * @typedef {import('../transport/requests.js').Handler} Handler
 * @typedef {import('./data.js').DataSpec} DataSpec
 * @typedef {import('./kit.js').Kit} Kit
 * @typedef {import('./options.js').Settings} Settings
 *
 * @typedef {object} WorkerFields
 * @property {Settings} settings
 * @property {DataSpec} spec
 * @property {number} worker its number
 * @property {number} stream of random numbers; no two workers have had the same
 */

/**
 * One worker: its shard, its optimizer, its residual. Its weights are the server's whenever it is
 * not training.
 */
export class WorkerPeer {
  #kit;
  #worker;
  #trainer;
  #compressor;
  /** What it was before the last round that may turn out not to count. @type {Before | undefined} */
  #before;
  /** Milliseconds for which its next message is held back. */
  #stall = 0;

  /** @typedef {{ round: number, state: Uint8Array[] }} Before */

  /**
   * @param {Kit} kit
   * @param {WorkerFields} fields
   * @param {Uint8Array[]} body the data
   */
  constructor(kit, { settings, spec, worker, stream }, body) {
    const { model, batch, optimizer, seed, workers, split, compressor } = settings;
    const { train, test } = openExamples(kit, spec, body);
    test.dispose();
    const shard = train.shards(workers, split, seed)[worker];
    this.#kit = kit;
    this.#worker = worker;
    this.#trainer = new kit.Trainer({ model, data: train, shard, batch, optimizer, seed, stream });
    this.#compressor = new kit.Compressor(
      compressor.name,
      { ...compressor.options, seed: Number(compressor.options.seed ?? seed) + stream },
      this.#trainer.layout,
    );
  }

  /** @returns {Record<string, Handler>} */
  get handlers() {
    return {
      train: (fields) => this.#train(/** @type {any} */ (fields)),
      lost: ({ round }) => this.#takeBack(round),
      apply: ({ scale }, messages) => {
        for (const message of messages) this.#trainer.apply(message, scale);
      },
      setWeights: (_, [bytes]) => this.#trainer.setWeights(floatsOf(bytes)),
      weights: () => ({ body: [bytesOf(this.#trainer.weights())] }),
      save: () => ({ body: this.#save() }),
      restore: (_, state) => this.#restore(state),
      stall: ({ milliseconds }) => {
        this.#stall = milliseconds;
      },
    };
  }

  /**
   * @param {{ round: number, steps: number, keep: boolean }} fields keep: the round may turn out not
   *   to count
   */
  async #train({ round, steps, keep }) {
    this.#before = keep ? { round, state: this.#save() } : undefined;
    this.#trainer.beginRound();
    const start = performance.now();
    const { loss } = this.#trainer.step(steps);
    const seconds = (performance.now() - start) / 1000;
    const message = this.#trainer.encode(this.#compressor, { round, sender: this.#worker });
    if (this.#stall > 0) await new Promise((resolve) => setTimeout(resolve, this.#stall));
    this.#stall = 0;
    return { value: { loss, seconds }, body: [message] };
  }

  /**
   * A round whose message was not counted has not been, as far as the worker is concerned: its
   * optimizer, its residual and its random numbers are what they were before it.
   *
   * @param {number} round
   */
  #takeBack(round) {
    if (this.#before?.round !== round) return;
    this.#restore(this.#before.state);
    this.#before = undefined;
  }

  #save() {
    return [this.#trainer.save(), this.#compressor.save()];
  }

  /** @param {Uint8Array[]} state */
  #restore([trainer, compressor]) {
    const restored = this.#kit.Compressor.restore(compressor);
    this.#trainer.restore(trainer);
    this.#compressor.dispose();
    this.#compressor = restored;
  }
}
