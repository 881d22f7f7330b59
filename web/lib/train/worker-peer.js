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
  /** Milliseconds for which its next message is held back. */
  #stall = 0;

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
      { ...compressor.options, seed: ((compressor.options.seed ?? seed) + stream) >>> 0 },
      this.#trainer.layout,
    );
  }

  /** @returns {Record<string, Handler>} */
  get handlers() {
    return {
      train: (fields) => this.#train(/** @type {any} */ (fields)),
      takeBack: () => this.#compressor.takeBack(),
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
   * @param {{ round: number, steps: number, iterations: number }} fields iterations: of all before
   *   the round, by which the learning rate goes, whoever took part in them
   */
  async #train({ round, steps, iterations }) {
    this.#trainer.setScheduleStep(iterations);
    this.#trainer.beginRound();
    const start = performance.now();
    const { loss } = this.#trainer.step(steps);
    const seconds = (performance.now() - start) / 1000;
    const message = this.#trainer.encode(this.#compressor, { round, sender: this.#worker });
    if (this.#stall > 0) await new Promise((resolve) => setTimeout(resolve, this.#stall));
    this.#stall = 0;
    return { value: { loss, seconds }, body: [message] };
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
