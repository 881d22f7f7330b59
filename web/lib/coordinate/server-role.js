// SPDX-License-Identifier: Apache-2.0

import { ValueError } from '../core/errors.js';
import { sealed, sealedWeights } from './answers.js';
import { checkInteger } from '../core/check.js';
import { openExamples } from '../learn/examples.js';
import { bytesOf } from '../core/floats.js';
import { checkParts } from './request-checks.js';

/**
 * @typedef {import('../transport/requests.js').Handler} Handler
 * @typedef {import('../learn/data.js').DataSpec} DataSpec
 * @typedef {import('./role-handlers.js').Kit} Kit
 * @typedef {import('./options.js').Settings} Settings
 *
 * @typedef {{ worker: number, reason: string }} Refusal reason: a sentence
 * @typedef {{ counted: number[], refused: Refusal[] }} Plan of a round: whose messages are added to
 *   the weights, each divided by their number
 *
 * @typedef {object} Prepared what a round would make
 * @property {number} round
 * @property {number[]} counted
 * @property {Float32Array} weights
 * @property {Uint8Array | undefined} before the state of the aggregator, to go back to
 */

/** Batches from which the running statistics of batch normalization are estimated. */
const CALIBRATION_BATCHES = 20;

/**
 * The server: it has the weights, and all examples to evaluate them with. It does not learn from
 * any.
 */
export class ServerRole {
  #kit;
  #compressor;
  #workerCount;
  #trainer;
  #test;
  /** The last round that its weights have in them. */
  #round = 0;
  /** @type {Prepared | undefined} */
  #prepared;
  /** Where the mean is compressed again. */
  #aggregator;

  /**
   * @param {Kit} kit
   * @param {{ settings: Settings, spec: DataSpec }} fields
   * @param {Uint8Array[]} body the data
   */
  constructor(kit, { settings, spec }, body) {
    const { model, batch, optimizer, seed, compressor, downstream, workers } = settings;
    const { train, test } = openExamples(kit, spec, body);
    this.#kit = kit;
    this.#compressor = compressor.name;
    this.#workerCount = workers;
    this.#test = test;
    this.#trainer = new kit.Trainer({
      model,
      data: train,
      batch,
      optimizer,
      seed,
      stream: 0,
    });
    this.#aggregator =
      downstream === 'recompress'
        ? new kit.Aggregator(
            compressor.name,
            { ...compressor.options, seed: compressor.options.seed ?? seed },
            this.#trainer.layout,
          )
        : undefined;
  }

  /** @returns {number} */
  get weightCount() {
    return this.#trainer.weightCount;
  }

  /** @returns {Record<string, Handler>} */
  get handlers() {
    /** @type {(handler: Handler) => Handler} of a request about the weights after a round */
    const after = (handler) => (fields, body) => {
      this.#checkRound(fields.round);
      return handler(fields, body);
    };
    return {
      prepare: (fields, messages) => this.#prepare(/** @type {any} */ (fields), messages),
      commit: (fields) => this.#commit(/** @type {any} */ (fields)),
      forget: () => this.#forget(),
      evaluate: after(({ limit }) => {
        this.#trainer.calibrate(CALIBRATION_BATCHES);
        return { value: this.#trainer.evaluate({ data: this.#test, limit }) };
      }),
      export: after(({ options }) => this.#export(options)),
      weights: after(() => sealedWeights(this.#trainer.weights())),
      save: after(() =>
        sealed([this.#trainer.save(), ...(this.#aggregator ? [this.#aggregator.save()] : [])]),
      ),
      restore: ({ round }, state) => this.#restore(round, state),
    };
  }

  /**
   * The coordinator and the server count the rounds each by themselves; where they differ, weights
   * would be taken for others.
   *
   * @param {unknown} round the last that is finished
   */
  #checkRound(round) {
    if (round === this.#round) return;
    throw new ValueError(`The server has the weights after round ${this.#round}, not ${round}.`);
  }

  /**
   * What the weights become by a round's messages, added in the order given. A message that cannot
   * be used is left out; then the others weigh more. The weights stay as they are until `commit`.
   *
   * @param {{ round: number, workers: number[] }} fields
   * @param {Uint8Array[]} messages of these workers
   * @returns {ReturnType<typeof sealed>} a Plan; body: what goes down instead of the messages
   */
  #prepare({ round, workers }, messages) {
    this.#forget();
    this.#checkRound(checkInteger(round, 'The round', 1, 2 ** 32 - 1) - 1);
    this.#checkWorkers(workers);
    checkParts(messages, workers.length, 'the messages');
    const refused = workers.flatMap((worker, index) => {
      const reason = this.#refusal(messages[index], round, worker);
      return reason === undefined ? [] : [{ worker, reason }];
    });
    const counted = workers.filter((each) => refused.every(({ worker }) => worker !== each));
    const used = messages.filter((_, index) => counted.includes(workers[index]));
    const before = this.#aggregator?.save();
    this.#prepared = { round, counted, weights: this.#trainer.weights(), before };
    try {
      const body = this.#add(used, round);
      return sealed(body, { counted, refused });
    } catch (error) {
      this.#forget();
      throw error;
    }
  }

  /** @param {unknown} workers */
  #checkWorkers(workers) {
    if (!Array.isArray(workers) || new Set(workers).size !== workers.length) {
      throw new ValueError('The messages of a round must come from different workers.');
    }
    for (const worker of workers) checkInteger(worker, 'A worker', 0, this.#workerCount - 1);
  }

  /**
   * Works out the weights that are prepared.
   *
   * @param {Uint8Array[]} messages
   * @param {number} round
   * @returns {Uint8Array[]} what goes down instead of the messages, if anything does
   */
  #add(messages, round) {
    const trainer = this.#trainer;
    const prepared = /** @type {Prepared} */ (this.#prepared);
    if (messages.length === 0) return [];
    const now = prepared.weights;
    const body = this.#aggregator ? [this.#mean(this.#aggregator, messages, round)] : [];
    const [down, scale] = this.#aggregator ? [body, 1] : [messages, 1 / messages.length];
    try {
      for (const message of down) trainer.apply(message, scale);
      prepared.weights = trainer.weights();
    } finally {
      trainer.setWeights(now);
    }
    if (prepared.weights.every(Number.isFinite)) return body;
    throw new ValueError(`The messages of round ${round} would make weights infinite.`);
  }

  /**
   * @param {InstanceType<Kit['Aggregator']>} aggregator
   * @param {Uint8Array[]} messages
   * @param {number} round
   */
  #mean(aggregator, messages, round) {
    for (const message of messages) aggregator.add(message);
    return aggregator.finish({ round });
  }

  /**
   * Makes the weights what was prepared. To be asked again, if the answer was not understood,
   * changes nothing.
   *
   * @param {{ round: number, counted: number[] }} fields whose messages the workers will get
   */
  #commit({ round, counted }) {
    const prepared = this.#prepared;
    if (!prepared && round === this.#round) return;
    if (prepared?.round !== round || String(prepared.counted) !== String(counted)) {
      throw new ValueError(`Round ${round} was not prepared so.`);
    }
    this.#trainer.setWeights(prepared.weights);
    this.#round = round;
    this.#prepared = undefined;
  }

  /** Drops what was prepared. */
  #forget() {
    const before = this.#prepared?.before;
    this.#prepared = undefined;
    if (before) this.#restoreAggregator(before);
  }

  /**
   * @param {Uint8Array} message
   * @param {number} round
   * @param {number} worker
   * @returns {string | undefined} why it cannot be counted
   */
  #refusal(message, round, worker) {
    try {
      const found = this.#kit.checkMessage(message, this.#trainer.layout);
      if (found.round !== round) return `It is of round ${found.round}.`;
      if (found.sender !== worker) return `It is of worker ${found.sender}.`;
      if (found.method !== this.#compressor) return `It was compressed with ${found.method}.`;
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /**
   * @param {unknown} round the last that the state has in it
   * @param {Uint8Array[]} state
   */
  #restore(round, state) {
    checkParts(state, this.#aggregator ? 2 : 1, "the server's state");
    const [trainer, aggregator] = state;
    const last = checkInteger(round, 'The round', 0, 2 ** 32 - 1);
    if (aggregator) this.#restoreAggregator(aggregator);
    this.#trainer.restore(trainer);
    this.#round = last;
    this.#prepared = undefined;
  }

  /** @param {Uint8Array} state */
  #restoreAggregator(state) {
    const restored = this.#kit.Aggregator.restore(state);
    this.#aggregator?.dispose();
    this.#aggregator = restored;
  }

  /** @param {{ prune?: number, values?: number }} options */
  #export(options) {
    this.#trainer.calibrate(CALIBRATION_BATCHES);
    const { graph, tensors } = this.#trainer.toGraph(options);
    const entries = [...tensors];
    return sealed(
      entries.map(([, { data }]) => bytesOf(Float32Array.from(data))),
      {
        graph,
        tensors: entries.map(([name, { rows, cols, kind }]) => ({ name, rows, cols, kind })),
      },
    );
  }
}
