// SPDX-License-Identifier: Apache-2.0

import { showResult } from './numbers.js';

/**
 * @typedef {import('./relate.js').Mark} Mark
 *
 * @typedef {{ add: number, multiply: number, read: number, write: number }} Counts
 *
 * @typedef {object} Step how things are after it
 * @property {string} text what it does, a sentence
 * @property {number} row which is worked on; -1 before the first
 * @property {string} expression of the row, as far as it is
 * @property {Counts} counts of all steps so far
 * @property {Mark[]} marks what it looks at, in the format's arrays
 * @property {number[]} inputs and in x
 * @property {number[]} y the rows that are done
 */

/** Writes down steps while a matrix is walked through. */
export class Tape {
  /** @type {Step[]} */
  steps = [];
  /** @type {Counts} */
  #counts = { add: 0, multiply: 0, read: 0, write: 0 };
  #row = -1;
  /** @type {string[]} */
  #terms = [];
  #open = '';
  #sum = 0;
  #added = false;
  /** @type {number[]} */
  #y = [];

  /** @param {Partial<Counts>} counts of what belongs to the next step */
  count(counts) {
    for (const name of /** @type {const} */ (['add', 'multiply', 'read', 'write'])) {
      this.#counts[name] += counts[name] ?? 0;
    }
  }

  /** @param {number} row */
  startRow(row) {
    this.#row = row;
    this.#terms = [];
    this.#open = '';
    this.#sum = 0;
  }

  /** @param {string} expression a sum that is not multiplied yet */
  open(expression) {
    this.#open = expression;
  }

  /**
   * @param {string} text
   * @param {number} value
   */
  addTerm(text, value) {
    this.#added = this.#terms.length > 0;
    if (this.#added) this.count({ add: 1 });
    this.#terms.push(text);
    this.#sum += value;
    this.#open = '';
  }

  /** What the sentence of a term says of its addition. */
  andAdd() {
    return this.#added ? ', and add that' : '';
  }

  /**
   * Puts back what was subtracted, which takes no addition in a row that has nothing else.
   *
   * @param {number} base
   */
  addBase(base) {
    const text = showResult(base);
    if (this.#terms.length === 0) {
      this.#terms.push(text);
      this.#sum = base;
      this.emit(`Row ${this.#row} lists nothing, so that it is just ${text}.`, [], []);
    } else {
      this.addTerm(text, base);
      this.emit(`Put back ${text}, the most frequent value's part.`, [], []);
    }
  }

  isEmptyRow() {
    return this.#terms.length === 0 && this.#open === '';
  }

  /**
   * @param {string} text
   * @param {Mark[]} marks
   * @param {number[]} inputs
   */
  emit(text, marks, inputs) {
    this.steps.push({
      ...{ text, row: this.#row, expression: this.#expression(), marks, inputs },
      ...{ counts: { ...this.#counts }, y: [...this.#y] },
    });
  }

  /** The row's last step writes the result, too. */
  endRow() {
    this.count({ write: 1 });
    this.#y.push(this.#sum);
    const last = this.steps[this.steps.length - 1];
    last.counts = { ...this.#counts };
    last.y = [...this.#y];
    last.expression = `${this.#expression() || '0'} = ${showResult(this.#sum)}`;
  }

  #expression() {
    return [...this.#terms, ...(this.#open ? [this.#open] : [])].join(' + ');
  }
}
