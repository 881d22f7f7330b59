// SPDX-License-Identifier: Apache-2.0

/**
 * Asks for one thing at a time. Of what is asked meanwhile only the last counts, so that a slider
 * that moves faster than the worker answers leaves no queue behind.
 *
 * @template Q
 */
export class Latest {
  #busy = false;
  /** @type {Q[]} none or one */
  #next = [];
  #work;

  /** @param {(question: Q) => Promise<void>} work deals with its errors itself */
  constructor(work) {
    this.#work = work;
  }

  /** @param {Q} question */
  async ask(question) {
    this.#next = [question];
    if (this.#busy) return;
    this.#busy = true;
    while (this.#next.length > 0) await this.#work(this.#next.splice(0)[0]);
    this.#busy = false;
  }
}
