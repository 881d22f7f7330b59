// SPDX-License-Identifier: Apache-2.0

/** A run in its worker: round after round, as long as it may. */

import { init } from '../../lib/lowtropy.js';
import { Simulation } from '../../lib/training.js';
import { describeShards } from './examples.js';
import { readDigits, readPixels } from './idx.js';
import { pruneModel } from './prune-model.js';
import { isDue } from './record.js';

/**
 * @typedef {import('./protocol.js').TrainEvents} TrainEvents
 * @typedef {import('./protocol.js').Work} Work
 * @typedef {<E extends keyof TrainEvents>(event: E, value: TrainEvents[E]) => void} Tell
 */

/** Evaluation is up to this file. */
const NEVER = 2 ** 31 - 1;
/** Examples by which it is told what weights are worth, and digits that accuracy is measured on. */
const WORTH_EXAMPLES = 200;
const MOST_TESTED = 1000;

export class TrainingWork {
  #tell;
  #options;
  #data;
  #iterations;
  #rounds;
  #simulation;
  /** Rounds that may still run: none while it pauses. */
  #allowed = 0;
  #wake = () => {};
  /** The report of the round before, which may wait for its evaluation. @type {Promise<void>} */
  #reported = Promise.resolve();

  /**
   * @param {Work} work
   * @param {import('./idx.js').Examples} data
   * @param {Tell} tell
   */
  constructor({ options, iterations }, data, tell) {
    this.#tell = tell;
    this.#options = options;
    this.#data = data;
    this.#iterations = iterations;
    this.#rounds = Math.ceil(iterations / (options.delay ?? 1));
    this.#simulation = new Simulation({ ...options, data, evaluateEvery: NEVER });
  }

  /** @returns {Promise<{ weights: number, shards: import('./protocol.js').Shard[] }>} when ready */
  async start() {
    const { workers = 1, split, seed } = this.#options;
    const shards = await describeShards(this.#data, workers, split ?? 'iid', seed ?? 1);
    await this.#simulation.start();
    return { weights: this.#simulation.weightCount, shards };
  }

  /** Ends all workers. */
  async end() {
    await this.#simulation.dispose();
  }

  /** @param {number} rounds that may run from now on */
  allow(rounds) {
    this.#allowed = rounds;
    this.#wake();
  }

  /** Runs until all is done. */
  async loop() {
    let rounds = this.#simulation.run({ iterations: this.#iterations });
    for (;;) {
      if (await this.#mustWait()) continue;
      this.#allowed -= 1;
      try {
        const { value, done } = await rounds.next();
        if (done) break;
        this.#reported = this.#report(value);
        await this.#reported;
      } catch (error) {
        if (this.#present > 0) throw error;
        // Nobody is left: goes on anew when somebody is back.
        this.#tell('workers', this.#simulation.workers);
        this.#tell('lost', this.#simulation.lost);
        rounds = this.#simulation.run({ iterations: this.#iterations });
      }
    }
    this.#tell('state', 'finished');
  }

  get #present() {
    return this.#simulation.workers.filter((status) => status === 'present').length;
  }

  /** @returns {Promise<boolean>} whether it had to */
  async #mustWait() {
    const done = this.#simulation.iterations >= this.#iterations;
    const nobody = this.#present === 0;
    if (done || (this.#allowed > 0 && !nobody)) return false;
    this.#tell('state', nobody ? 'waiting' : 'paused');
    await new Promise((resolve) => {
      this.#wake = () => resolve(undefined);
    });
    if (this.#allowed > 0 && this.#present > 0) this.#tell('state', 'running');
    return true;
  }

  /** @param {import('../../lib/training.js').Round} round */
  async #report(round) {
    const evaluated = round.accuracy === undefined && isDue(round.round, this.#rounds);
    const evaluation = evaluated ? await this.#simulation.evaluate() : {};
    this.#tell('round', { ...round, ...evaluation });
    this.#tell('workers', this.#simulation.workers);
  }

  /**
   * @param {'leave' | 'join' | 'kill'} change told after the rounds before it: what one who is
   *   offline has sent does not grow
   * @param {number} worker
   */
  async change(change, worker) {
    await this.#simulation[change](worker);
    await this.#reported.catch(() => {}); // its failure is the loop's
    this.#tell('workers', this.#simulation.workers);
    this.#wake();
  }

  /** @returns {Promise<import('./protocol.js').Learned>} what has been learned, pruned */
  async model() {
    await init();
    const { images, testImages, testLabels } = this.#data;
    const dense = await this.#simulation.model({ format: 'dense' });
    const { round } = this.#simulation;
    try {
      const test = readDigits(testImages, testLabels, MOST_TESTED);
      const examples = readPixels(images, WORTH_EXAMPLES);
      const { model, report } = await pruneModel(dense, examples, test);
      const file = new Uint8Array(model.save());
      model.dispose();
      return { round, file, report };
    } finally {
      dense.dispose();
    }
  }
}
