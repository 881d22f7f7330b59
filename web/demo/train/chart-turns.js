// SPDX-License-Identifier: Apache-2.0

/** @typedef {import('../common/chart.js').Series} Series */

/** From one chart to the next. */
const TURN_MS = 120;

/**
 * Charts take turns to be drawn anew: all at once they would keep the page from answering.
 *
 * @template T what they are made from
 */
export class ChartTurns {
  /** Of each chart; the same array as long as it need not be drawn anew. @type {Series[][]} */
  series;
  #makers;
  #redraw;
  /** @type {T | undefined} */
  #source;
  /** Charts that are behind, the next first. @type {number[]} */
  #behind = [];
  /** Whether a turn is to come. */
  #waiting = false;

  /**
   * @param {Array<(source: T) => Series[]>} makers one for each chart
   * @param {() => void} redraw
   */
  constructor(makers, redraw) {
    this.series = makers.map(() => []);
    this.#makers = makers;
    this.#redraw = redraw;
  }

  /** @param {T} source that is to be shown from now on */
  show(source) {
    this.#source = source;
    for (const index of this.#makers.keys()) {
      if (!this.#behind.includes(index)) this.#behind.push(index);
    }
    if (!this.#waiting) this.#wait(0);
  }

  /** @param {number} delay milliseconds */
  #wait(delay) {
    this.#waiting = true;
    setTimeout(() => this.#turn(), delay);
  }

  #turn() {
    this.#waiting = false;
    const index = this.#behind.shift();
    if (index === undefined) return;
    this.series[index] = this.#makers[index](/** @type {T} */ (this.#source));
    this.#wait(TURN_MS); // also after the last one, for what comes meanwhile
    this.#redraw();
  }
}
