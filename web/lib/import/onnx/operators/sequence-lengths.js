// SPDX-License-Identifier: Apache-2.0

/**
 * Sequences of different lengths side by side: cells go through all steps of all, and what is beyond a
 * sequence's end is not looked at. Backwards each begins with its own last step, so that it is turned around,
 * and what comes of it turned around again.
 */

import { cast } from '../ours.js';

/**
 * @typedef {import('../lowering.js').Lowering} Lowering
 * @typedef {import('../values.js').Value} Value
 */

export class SequenceLengths {
  #lower;
  #steps;
  #lengths;
  #isWithin;

  /**
   * @param {Lowering} lower
   * @param {Value} lengths of each sequence
   * @param {number} steps
   */
  constructor(lower, lengths, steps) {
    const [batch] = lengths.shape;
    this.#lower = lower;
    this.#steps = lower.numbers(steps, [steps, 1, 1]);
    this.#lengths = lower.reshape(cast(lower, lengths, 'int32'), [1, batch, 1]);
    /** Steps × batch × 1. */
    this.#isWithin = lower.emit('less', [this.#steps, this.#lengths]);
  }

  /**
   * Whether these are the lengths of all that there is, in all runs.
   *
   * @param {Value} lengths
   * @param {number} steps
   */
  static areWhole({ constant }, steps) {
    return constant !== undefined && [...constant.elements].every((length) => length === steps);
  }

  /**
   * @param {Value} value steps × batch × anything
   * @returns {Value} with each sequence turned around
   */
  turn(value) {
    const last = this.#lower.emit('sub', [this.#lengths, this.#lower.integers([1], [])]);
    const turned = this.#lower.emit('sub', [last, this.#steps]);
    return this.#at(
      value,
      this.#lower.emit('where', [this.#isWithin, turned, this.#steps]),
      value.shape,
    );
  }

  /**
   * @param {Value} value steps × batch × anything
   * @returns {Value} 0 beyond the ends
   */
  cut(value) {
    return this.#lower.emit('where', [this.#isWithin, value, this.#lower.number(0)]);
  }

  /**
   * @param {Value} value steps × batch × anything
   * @returns {Value} 1 × batch × anything: of each sequence its last step; of those without any, 0
   */
  last(value) {
    const lower = this.#lower;
    const [one, zero] = [1, 0].map((number) => lower.integers([number], []));
    const place = lower.emit('max', [lower.emit('sub', [this.#lengths, one]), zero]);
    const found = this.#at(value, place, [1, ...value.shape.slice(1)]);
    const has = lower.emit('greater', [this.#lengths, zero]);
    return lower.emit('where', [has, found, lower.number(0)]);
  }

  /**
   * @param {Value} value
   * @param {Value} steps for each sequence those that are taken
   * @param {number[]} shape of what is taken
   */
  #at(value, steps, shape) {
    const indices = this.#lower.emit('expand', [steps], { shape });
    return this.#lower.emit('gatherElements', [value, indices], { axis: 0 });
  }
}
