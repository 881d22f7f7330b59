// SPDX-License-Identifier: Apache-2.0

/**
 * What was sent, and what dense exchange would have sent.
 *
 * Dense exchange is the same thing everywhere, and this file alone says what: in every iteration
 * each worker sends its update up as float32, 4 bytes a weight, and gets the mean of all updates
 * back as float32; who missed rounds gets the weights, once, before it begins again. A run without
 * compression (none, delay 1) sends just that, and besides the head and the checksum of each
 * message: some 30 bytes, where LeNet-300-100 has a million.
 */

/**
 * @typedef {object} Totals since the simulation began; bytes by worker
 * @property {number[]} up
 * @property {number[]} down
 * @property {number[]} denseUp what dense exchange would have sent up, of messages that came in time
 * @property {number[]} denseDown what dense exchange would have sent down
 * @property {number} seconds
 * @property {number} simulatedSeconds
 *
 * @typedef {Totals & { ratio: number | null, downRatio: number | null }} TotalsReport ratio: how many
 *   times smaller what went up was; downRatio: the same of what went down; null where nothing did
 */

const FLOAT_BYTES = 4;

/**
 * What dense exchange sends one way between a worker and the server.
 *
 * @param {number} weights of the model
 * @param {number} iterations
 * @returns {number} bytes
 */
export function denseBytes(weights, iterations) {
  return FLOAT_BYTES * weights * iterations;
}

/**
 * @param {number} workers
 * @returns {Totals}
 */
export function noTotals(workers) {
  const zeros = () => new Array(workers).fill(0);
  return {
    up: zeros(),
    down: zeros(),
    denseUp: zeros(),
    denseDown: zeros(),
    seconds: 0,
    simulatedSeconds: 0,
  };
}

/**
 * @typedef {object} Sent between a worker and the server
 * @property {number} ahead bytes that came before the round's work: what the worker had missed
 * @property {number} up bytes of the worker's messages
 * @property {number} down bytes of the round's results
 * @property {number} exchanges that up and down are the sums of
 */

/** @typedef {{ worker: number, reason: string }} Loss a worker that is gone; reason: a sentence */

/** What happens in one round. */
export class Ledger {
  /** @type {Loss[]} */
  lost = [];
  /** Messages that arrived after their round. */
  stale = 0;
  /** Bytes by worker. */
  up;
  down;
  denseUp;
  denseDown;
  /** Of down, what came before the round's work. */
  #ahead;
  #denseAhead;

  /** @param {number} workers */
  constructor(workers) {
    const zeros = () => /** @type {number[]} */ (new Array(workers).fill(0));
    this.up = zeros();
    this.down = zeros();
    this.denseUp = zeros();
    this.denseDown = zeros();
    this.#ahead = zeros();
    this.#denseAhead = zeros();
  }

  /**
   * @param {number} worker
   * @param {number} bytes
   * @param {number} dense
   */
  addUp(worker, bytes, dense) {
    this.up[worker] += bytes;
    this.denseUp[worker] += dense;
  }

  /**
   * The result of a round.
   *
   * @param {number} worker
   * @param {number} bytes
   * @param {number} dense
   */
  addDown(worker, bytes, dense) {
    this.down[worker] += bytes;
    this.denseDown[worker] += dense;
  }

  /**
   * What a worker missed, sent before it can begin.
   *
   * @param {number} worker
   * @param {number} bytes
   * @param {number} dense
   */
  addAhead(worker, bytes, dense) {
    this.addDown(worker, bytes, dense);
    this.#ahead[worker] += bytes;
    this.#denseAhead[worker] += dense;
  }

  /**
   * @param {number} worker
   * @returns {Sent} in the round
   */
  sent(worker) {
    const ahead = this.#ahead[worker];
    return { ahead, up: this.up[worker], down: this.down[worker] - ahead, exchanges: 1 };
  }

  /**
   * @param {number} worker
   * @param {number} iterations of the round, after each of which the updates are exchanged
   * @returns {Sent} what dense exchange would have in the same round
   */
  denseSent(worker, iterations) {
    const ahead = this.#denseAhead[worker];
    const down = this.denseDown[worker] - ahead;
    return { ahead, up: this.denseUp[worker], down, exchanges: iterations };
  }

  /** @param {Totals} totals to be added to */
  addTo(totals) {
    for (const key of /** @type {const} */ (['up', 'down', 'denseUp', 'denseDown'])) {
      this[key].forEach((bytes, worker) => (totals[key][worker] += bytes));
    }
  }
}

/**
 * How many times smaller what was sent is.
 *
 * @param {number[]} dense
 * @param {number[]} sent
 * @returns {number | null} null where nothing was sent
 */
export function ratioOf(dense, sent) {
  const [denseSum, sentSum] = [dense, sent].map((list) => list.reduce((sum, n) => sum + n, 0));
  return sentSum > 0 ? denseSum / sentSum : null;
}
