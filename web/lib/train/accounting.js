// SPDX-License-Identifier: Apache-2.0

/** What was sent, what dense exchange would have sent, and how long both clocks say it took. */

/**
 * @typedef {import('./links.js').Link} Link
 *
 * @typedef {object} Totals since the simulation began; bytes by worker
 * @property {number[]} up
 * @property {number[]} down
 * @property {number[]} denseUp what the messages that came in time would have been, had every
 *   iteration sent its update as float32
 * @property {number[]} denseDown what came down after the rounds, had every iteration sent the mean
 *   update as float32
 * @property {number} seconds
 * @property {number} simulatedSeconds
 *
 * @typedef {Totals & { ratio: number | null, downRatio: number | null }} TotalsReport ratio: how many
 *   times smaller what went up was; downRatio: the same of what went down; null where nothing did
 */

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

  /** @param {number} workers */
  constructor(workers) {
    const zeros = () => /** @type {number[]} */ (new Array(workers).fill(0));
    this.up = zeros();
    this.down = zeros();
    this.denseUp = zeros();
    this.denseDown = zeros();
    this.#ahead = zeros();
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
   */
  addAhead(worker, bytes) {
    this.down[worker] += bytes;
    this.#ahead[worker] += bytes;
  }

  /**
   * What the round takes one worker: what it missed, its work, its message, the round's result.
   *
   * @param {number} worker
   * @param {Required<Link> | undefined} link without one nothing takes time
   * @param {number} workSeconds
   */
  simulatedSeconds(worker, link, workSeconds) {
    if (!link) return workSeconds;
    const ahead = this.#ahead[worker];
    const result = this.down[worker] - ahead;
    return (
      (ahead > 0 ? transfer(ahead, link.down, link) : 0) +
      workSeconds +
      transfer(this.up[worker], link.up, link) +
      transfer(result, link.down, link)
    );
  }

  /** @param {Totals} totals to be added to */
  addTo(totals) {
    for (const key of /** @type {const} */ (['up', 'down', 'denseUp', 'denseDown'])) {
      this[key].forEach((bytes, worker) => (totals[key][worker] += bytes));
    }
  }
}

/**
 * @param {number} bytes
 * @param {number} rate bits per second
 * @param {Required<Link>} link
 */
function transfer(bytes, rate, { latency }) {
  return latency + (8 * bytes) / rate;
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
