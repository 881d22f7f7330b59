// SPDX-License-Identifier: Apache-2.0

/**
 * What was sent, what dense exchange would have sent, and how long both clocks say it took.
 *
 * Dense exchange is the same thing everywhere, and this file alone says what: in every iteration
 * each worker sends its update up as float32, 4 bytes a weight, and gets the mean of all updates
 * back as float32; who missed rounds gets the weights, once, before it begins again. A run without
 * compression (none, delay 1) sends just that, and besides the head and the checksum of each
 * message: some 30 bytes, where LeNet-300-100 has a million.
 */

/**
 * @typedef {import('./links.js').Link} Link
 *
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
   * What the round takes one worker: what it missed, its work, its message, the round's result.
   *
   * @param {number} worker
   * @param {Required<Link> | undefined} link without one nothing takes time
   * @param {number} workSeconds
   */
  simulatedSeconds(worker, link, workSeconds) {
    const ahead = this.#ahead[worker];
    const sent = { ahead, up: this.up[worker], down: this.down[worker] - ahead, exchanges: 1 };
    return roundSeconds(sent, link, workSeconds);
  }

  /**
   * What the same round would have taken the worker by dense exchange.
   *
   * @param {number} worker
   * @param {Required<Link> | undefined} link
   * @param {number} workSeconds
   * @param {number} iterations of the round, after each of which the updates are exchanged
   */
  denseSimulatedSeconds(worker, link, workSeconds, iterations) {
    const ahead = this.#denseAhead[worker];
    const down = this.denseDown[worker] - ahead;
    const sent = { ahead, up: this.denseUp[worker], down, exchanges: iterations };
    return roundSeconds(sent, link, workSeconds);
  }

  /** @param {Totals} totals to be added to */
  addTo(totals) {
    for (const key of /** @type {const} */ (['up', 'down', 'denseUp', 'denseDown'])) {
      this[key].forEach((bytes, worker) => (totals[key][worker] += bytes));
    }
  }
}

/**
 * @param {{ ahead: number, up: number, down: number, exchanges: number }} sent bytes before the
 *   round, and of all its exchanges
 * @param {Required<Link> | undefined} link
 * @param {number} workSeconds
 */
function roundSeconds({ ahead, up, down, exchanges }, link, workSeconds) {
  if (!link) return workSeconds;
  return (
    (ahead > 0 ? transfer(ahead, link.down, link) : 0) +
    workSeconds +
    transfer(up, link.up, link, exchanges) +
    transfer(down, link.down, link, exchanges)
  );
}

/**
 * @param {number} bytes
 * @param {number} rate bits per second
 * @param {Required<Link>} link
 * @param {number} [times] in so many parts, each of which has the latency
 */
function transfer(bytes, rate, { latency }, times = 1) {
  return times * latency + (8 * bytes) / rate;
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
