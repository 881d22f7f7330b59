// SPDX-License-Identifier: Apache-2.0

import { openExamples } from './examples.js';
import { bytesOf } from './floats.js';

/**
 * @typedef {import('../transport/requests.js').Handler} Handler
 * @typedef {import('./data.js').DataSpec} DataSpec
 * @typedef {import('./kit.js').Kit} Kit
 * @typedef {import('./options.js').Settings} Settings
 *
 * @typedef {{ worker: number, reason: string }} Refusal reason: a sentence
 * @typedef {{ counted: number[], refused: Refusal[], scale: number }} Aggregate scale: of each
 *   message that goes down
 */

/** Batches from which the running statistics of batch normalization are estimated. */
const CALIBRATION_BATCHES = 20;

/**
 * The server: it has the weights, and all examples to evaluate them with. It does not learn from
 * any.
 */
export class ServerPeer {
  #kit;
  #compressor;
  #trainer;
  #test;
  /** Where the mean is compressed again. */
  #aggregator;

  /**
   * @param {Kit} kit
   * @param {{ settings: Settings, spec: DataSpec }} fields
   * @param {Uint8Array[]} body the data
   */
  constructor(kit, { settings, spec }, body) {
    const { model, batch, optimizer, seed, compressor, downstream } = settings;
    const { train, test } = openExamples(kit, spec, body);
    this.#kit = kit;
    this.#compressor = compressor.name;
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
    return {
      aggregate: ({ round, senders }, messages) => this.#aggregate(round, senders, messages),
      evaluate: ({ limit }) => {
        this.#trainer.calibrate(CALIBRATION_BATCHES);
        return { value: this.#trainer.evaluate({ data: this.#test, limit }) };
      },
      export: (fields) => this.#export(fields),
      weights: () => ({ body: [bytesOf(this.#trainer.weights())] }),
      save: () => ({
        body: [this.#trainer.save(), ...(this.#aggregator ? [this.#aggregator.save()] : [])],
      }),
      restore: (_, state) => this.#restore(state),
    };
  }

  /**
   * Adds a round's messages to the weights, in the order given. A message that cannot be used is
   * left out; then the others weigh more.
   *
   * @param {number} round
   * @param {number[]} senders
   * @param {Uint8Array[]} messages of the senders
   * @returns {{ value: Aggregate, body: Uint8Array[] }} body: what goes down instead of the messages
   */
  #aggregate(round, senders, messages) {
    const refused = senders.flatMap((worker, index) => {
      const reason = this.#refusal(messages[index], round, worker);
      return reason === undefined ? [] : [{ worker, reason }];
    });
    const counted = senders.filter((sender) => refused.every(({ worker }) => worker !== sender));
    const used = messages.filter((_, index) => counted.includes(senders[index]));
    const value = { counted, refused, scale: this.#aggregator ? 1 : 1 / used.length };
    if (used.length === 0) return { value: { ...value, scale: 0 }, body: [] };
    if (!this.#aggregator) {
      for (const message of used) this.#trainer.apply(message, value.scale);
      return { value, body: [] };
    }
    for (const message of used) this.#aggregator.add(message);
    const mean = this.#aggregator.finish({ round });
    this.#trainer.apply(mean, 1);
    return { value, body: [mean] };
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

  /** @param {Uint8Array[]} state */
  #restore([trainer, aggregator]) {
    if (this.#aggregator) {
      const restored = this.#kit.Aggregator.restore(aggregator);
      this.#aggregator.dispose();
      this.#aggregator = restored;
    }
    this.#trainer.restore(trainer);
  }

  /** @param {{ prune?: number, values?: number }} options */
  #export(options) {
    this.#trainer.calibrate(CALIBRATION_BATCHES);
    const { graph, tensors } = this.#trainer.toGraph(options);
    const entries = [...tensors];
    return {
      value: {
        graph,
        tensors: entries.map(([name, { rows, cols, kind }]) => ({ name, rows, cols, kind })),
      },
      body: entries.map(([, { data }]) => bytesOf(Float32Array.from(data))),
    };
  }
}
