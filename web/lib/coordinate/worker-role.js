// SPDX-License-Identifier: Apache-2.0

import { FileError, ValueError } from '../core/errors.js';
import { checksumOf, sealed, sealedWeights } from './answers.js';
import { checkInteger, checkNumber } from '../core/check.js';
import { openExamples } from '../learn/examples.js';
import { floatsOf } from '../core/floats.js';
import { checkMessages, checkParts } from './request-checks.js';

/**
 * @typedef {import('../transport/requests.js').Handler} Handler
 * @typedef {import('./role-handlers.js').Kit} Kit
 * @typedef {import('./request-checks.js').OpenFields} OpenFields
 */

const MOST = 2 ** 32 - 1;

/**
 * One worker: its shard, its optimizer, its residual. Its weights are the server's whenever it is
 * not training.
 */
export class WorkerRole {
  #kit;
  #worker;
  #trainer;
  #compressor;
  /** The last round that its weights have in them. */
  #round = 0;
  /** Milliseconds for which its next message is held back. */
  #stall = 0;

  /**
   * @param {Kit} kit
   * @param {OpenFields} fields
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

  /** @returns {number} */
  get weightCount() {
    return this.#trainer.weightCount;
  }

  /** @returns {Record<string, Handler>} */
  get handlers() {
    return {
      train: (fields) => this.#train(/** @type {any} */ (fields)),
      takeBack: () => this.#compressor.takeBack(),
      apply: ({ round, scale }, messages) => this.#apply(round, scale, messages),
      setWeights: (fields, body) => this.#setWeights(/** @type {any} */ (fields), body),
      weights: ({ round }) => {
        this.#checkRound(round);
        return sealedWeights(this.#trainer.weights());
      },
      save: ({ round }) => {
        this.#checkRound(round);
        return sealed([this.#trainer.save(), this.#compressor.save()]);
      },
      restore: ({ round }, state) => this.#restore(round, state),
      stall: ({ milliseconds }) => {
        this.#stall = checkInteger(milliseconds, 'The milliseconds', 0, 2 ** 31 - 1);
      },
    };
  }

  /** @param {unknown} round the last that its weights should have in them */
  #checkRound(round) {
    if (round === this.#round) return;
    throw new ValueError(
      `Worker ${this.#worker} has the weights after round ${this.#round}, not ${round}.`,
    );
  }

  /**
   * @param {{ round: number, steps: number, iterations: number }} fields iterations: of all before
   *   the round, by which the learning rate goes, whoever took part in them
   */
  async #train({ round, steps, iterations }) {
    this.#checkRound(checkInteger(round, 'The round', 1, MOST) - 1);
    checkInteger(steps, 'The steps', 1, 2 ** 31 - 1);
    checkInteger(iterations, 'The iterations', 0, Number.MAX_SAFE_INTEGER);
    this.#trainer.setScheduleStep(iterations);
    const before = this.#trainer.weights();
    const start = performance.now();
    const { loss, message } = this.#learn(steps, round, before);
    const seconds = (performance.now() - start) / 1000;
    if (this.#stall > 0) await new Promise((resolve) => setTimeout(resolve, this.#stall));
    this.#stall = 0;
    return { value: { loss, seconds }, body: [message] };
  }

  /**
   * @param {number} steps
   * @param {number} round
   * @param {Float32Array} before the weights, which they are again afterwards, whatever happens
   */
  #learn(steps, round, before) {
    const trainer = this.#trainer;
    try {
      trainer.beginRound();
      const { loss } = trainer.step(steps);
      return { loss, message: trainer.encode(this.#compressor, { round, sender: this.#worker }) };
    } catch (error) {
      trainer.setWeights(before);
      throw error;
    }
  }

  /**
   * @param {number} round
   * @param {number} scale of each message
   * @param {Uint8Array[]} messages of that round
   */
  #apply(round, scale, messages) {
    this.#checkRound(checkInteger(round, 'The round', 1, MOST) - 1);
    checkNumber(scale, 'The scale', 'from 0 to 1', (value) => value >= 0 && value <= 1);
    checkMessages(this.#kit, messages, this.#trainer.layout, round);
    for (const message of messages) this.#trainer.apply(message, scale);
    this.#round = round;
  }

  /**
   * @param {{ round: number, checksum: number }} fields
   * @param {Uint8Array[]} body
   */
  #setWeights({ round, checksum }, body) {
    checkInteger(round, 'The round', 0, MOST);
    checkParts(body, 1, 'weights');
    if (checksum !== checksumOf(body)) throw new FileError('The weights arrived damaged.');
    if (body[0].length !== 4 * this.weightCount) {
      throw new FileError(`There must be ${this.weightCount} weights as float32.`);
    }
    this.#trainer.setWeights(floatsOf(body[0]));
    this.#round = round;
  }

  /**
   * @param {unknown} round the last that the state has in it
   * @param {Uint8Array[]} state
   */
  #restore(round, state) {
    checkParts(state, 2, "a worker's state");
    const last = checkInteger(round, 'The round', 0, MOST);
    const [trainer, compressor] = state;
    const restored = this.#kit.Compressor.restore(compressor);
    try {
      this.#checkSame(restored);
      this.#trainer.restore(trainer);
    } catch (error) {
      restored.dispose();
      throw error;
    }
    this.#compressor.dispose();
    this.#compressor = restored;
    this.#round = last;
  }

  /** @param {InstanceType<Kit['Compressor']>} restored */
  #checkSame({ method, layout }) {
    const own = this.#compressor;
    if (method === own.method && JSON.stringify(layout) === JSON.stringify(own.layout)) return;
    throw new FileError('The saved compressor is one of another method, or for other tensors.');
  }
}
