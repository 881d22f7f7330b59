// SPDX-License-Identifier: Apache-2.0

/**
 * @typedef {import('../transport/requests.js').Requests} Requests
 *
 * @typedef {'present' | 'late' | 'left' | 'gone'} WorkerStatus present: ready to take part; late: it
 *   has not answered in time, and is waited for no longer; left: by leave(), with its state kept;
 *   gone: it crashed, or was killed
 *
 * @typedef {{ round: number, parts: Uint8Array[] }} WorkerState
 */

/** A worker, as the coordinator sees it. */
export class WorkerRecord {
  /** @type {WorkerStatus} */
  status = 'gone';
  /** @type {Requests | undefined} as long as it is connected */
  connection;
  /** The last round that its weights have in them. */
  round = 0;
  /** Of its model. */
  weightCount = 0;
  /** How often it began anew. */
  lives = 0;
  /** What it was when it left. @type {WorkerState | undefined} */
  saved;
  /** Done when a late answer has arrived, or never will. @type {Promise<void>} */
  settled = Promise.resolve();

  /** @param {number} index its number */
  constructor(index) {
    this.index = index;
  }
}
