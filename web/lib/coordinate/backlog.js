// SPDX-License-Identifier: Apache-2.0

/**
 * What the server sent in past rounds, for workers that missed some of it. It is kept as long as it
 * is smaller than the weights themselves, which is what a worker gets that missed more.
 *
 * @typedef {{ round: number, scale: number, messages: Uint8Array[], bytes: number }} Entry
 */
export class Backlog {
  /** @type {Entry[]} of consecutive rounds */
  #entries = [];
  #bytes = 0;
  #limit;
  /** The round after which nothing is missing. */
  #start;

  /**
   * @param {number} limit bytes of the weights
   * @param {number} start the last round that is finished
   */
  constructor(limit, start) {
    this.#limit = limit;
    this.#start = start;
  }

  /**
   * @param {number} round
   * @param {number} scale of each message
   * @param {Uint8Array[]} messages
   */
  add(round, scale, messages) {
    const bytes = messages.reduce((sum, { length }) => sum + length, 0);
    this.#entries.push({ round, scale, messages, bytes });
    this.#bytes += bytes;
    while (this.#bytes >= this.#limit && this.#entries.length > 0) {
      const [dropped] = this.#entries.splice(0, 1);
      this.#bytes -= dropped.bytes;
      this.#start = dropped.round;
    }
  }

  /**
   * @param {number} round the last of which a worker has everything
   * @returns {Entry[] | undefined} what came after it, or undefined if that is not kept
   */
  since(round) {
    if (round < this.#start) return undefined;
    return this.#entries.filter((entry) => entry.round > round);
  }
}
