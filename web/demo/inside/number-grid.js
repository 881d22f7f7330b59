// SPDX-License-Identifier: Apache-2.0

import { html } from 'lit';
import { live } from 'lit/directives/live.js';
import { Part } from '../common/element.js';
import { styles } from '../common/styles.js';
import { formatFloat32, parseFloat32 } from './numbers.js';

/**
 * A grid of numbers that can be edited: Tab gets in and out, arrow keys move within it.
 *
 * Emits `edit` with { index, value }, `refuse` with a sentence on what is no number (empty: all are
 * again), `pick` with { source, index }, of the element under the pointer or the focus; index is
 * undefined when there is none any more.
 */
export class NumberGrid extends Part {
  /** @override */
  static properties = {
    name: { attribute: false },
    rows: { attribute: false },
    cols: { attribute: false },
    values: { attribute: false },
    where: { attribute: false },
    colName: { attribute: false },
    rowName: { attribute: false },
    lit: { attribute: false },
  };

  /** What is being typed, or is no number. @type {Map<number, string>} */
  #typed = new Map();
  /** Where Tab leads. */
  #current = 0;

  constructor() {
    super();
    this.name = '';
    this.rows = 0;
    this.cols = 0;
    /** @type {number[]} */
    this.values = [];
    /** Where an element stands, for people. @type {(row: number, col: number) => string} */
    this.where = () => '';
    /** @type {(col: number) => string} */
    this.colName = String;
    /** @type {((row: number) => string) | undefined} */
    this.rowName = undefined;
    /** What is lit up, by place. @type {Map<number, string>} */
    this.lit = new Map();
  }

  /** Forgets what was typed and is no number. */
  forget() {
    this.#typed.clear();
    this.requestUpdate();
  }

  /** @override */
  render() {
    const cols = Array.from({ length: this.cols }, (_, col) => col);
    const rows = Array.from({ length: this.rows }, (_, row) => row);
    this.#current = Math.min(this.#current, this.rows * this.cols - 1);
    return html`<table
      class="numbers"
      role="grid"
      aria-label=${this.name}
      ${styles({ '--cols': String(this.cols) })}
      @mouseleave=${() => this.#pick('hover')}
    >
      <thead>
        <tr>
          ${this.rowName && html`<td></td>`}
          ${cols.map((col) => html`<th scope="col">${this.colName(col)}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${this.rowName && html`<th scope="row">${this.rowName(row)}</th>`}
              ${cols.map((col) => this.#cell(row, col))}
            </tr>`,
        )}
      </tbody>
    </table>`;
  }

  /**
   * @param {number} row
   * @param {number} col
   */
  #cell(row, col) {
    const index = row * this.cols + col;
    const typed = this.#typed.get(index);
    const shown = typed ?? formatFloat32(this.values[index]);
    return html`<td
      class=${this.lit.get(index) ?? ''}
      @mouseenter=${() => this.#pick('hover', index)}
    >
      <input
        type="text"
        inputmode="decimal"
        autocomplete="off"
        spellcheck="false"
        data-index=${index}
        aria-label=${this.where(row, col)}
        aria-invalid=${typed !== undefined && !isNumber(typed)}
        tabindex=${index === this.#current ? 0 : -1}
        .value=${live(shown)}
        @focus=${this.#enter}
        @blur=${() => this.#pick('focus')}
        @input=${this.#type}
        @change=${this.#finish}
        @keydown=${this.#press}
      />
    </td>`;
  }

  /**
   * @param {'hover' | 'focus'} source
   * @param {number} [index]
   */
  #pick(source, index) {
    this.emit('pick', { source, index });
  }

  /** @param {FocusEvent} event */
  #enter({ target }) {
    const input = /** @type {HTMLInputElement} */ (target);
    this.#current = Number(input.dataset.index);
    input.select();
    this.#pick('focus', this.#current);
    this.requestUpdate();
  }

  /** Numbers count while they are typed; what is none may be on its way to one. @param {Event} event */
  #type({ target }) {
    const { value, dataset } = /** @type {HTMLInputElement} */ (target);
    const index = Number(dataset.index);
    this.#typed.set(index, value);
    if (isNumber(value)) this.#take(index, value);
    this.requestUpdate();
  }

  /** @param {Event} event */
  #finish({ target }) {
    const { value, dataset } = /** @type {HTMLInputElement} */ (target);
    this.#take(Number(dataset.index), value);
    this.requestUpdate();
  }

  /**
   * @param {number} index
   * @param {string} text
   */
  #take(index, text) {
    try {
      const value = parseFloat32(text, this.#whereIs(index));
      if (document.activeElement !== this.#input(index)) this.#typed.delete(index);
      this.emit('refuse', this.#complaint());
      if (!Object.is(value, this.values[index])) this.emit('edit', { index, value });
    } catch (error) {
      this.#typed.set(index, text);
      this.emit('refuse', /** @type {Error} */ (error).message);
    }
  }

  /** What is still wrong somewhere. */
  #complaint() {
    for (const [index, text] of this.#typed) {
      try {
        parseFloat32(text, this.#whereIs(index));
      } catch (error) {
        return /** @type {Error} */ (error).message;
      }
    }
    return '';
  }

  /** @param {number} index */
  #whereIs(index) {
    return this.where(Math.floor(index / this.cols), index % this.cols);
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    const input = /** @type {HTMLInputElement} */ (event.target);
    const index = Number(input.dataset.index);
    if (event.key === 'Escape') {
      this.#typed.delete(index);
      this.emit('refuse', this.#complaint());
      this.requestUpdate();
      return;
    }
    if (event.key === 'Enter') {
      this.#take(index, input.value);
      return;
    }
    const next = this.#neighbour(event.key, index, input);
    if (next === undefined) return;
    event.preventDefault();
    this.#input(next)?.focus();
  }

  /**
   * @param {string} key
   * @param {number} index
   * @param {HTMLInputElement} input sideways, the caret goes through its text first
   */
  #neighbour(key, index, { value, selectionStart, selectionEnd }) {
    const col = index % this.cols;
    const whole = selectionStart === 0 && selectionEnd === value.length;
    if (key === 'ArrowLeft' && col > 0 && (whole || selectionEnd === 0)) return index - 1;
    if (key === 'ArrowRight' && col < this.cols - 1 && (whole || selectionStart === value.length)) {
      return index + 1;
    }
    if (key === 'ArrowUp' && index >= this.cols) return index - this.cols;
    if (key === 'ArrowDown' && index + this.cols < this.values.length) return index + this.cols;
    return undefined;
  }

  /** @param {number} index */
  #input(index) {
    return /** @type {HTMLInputElement | null} */ (this.querySelector(`[data-index="${index}"]`));
  }
}
customElements.define('number-grid', NumberGrid);

/** @param {string} text */
function isNumber(text) {
  try {
    parseFloat32(text, '');
    return true;
  } catch {
    return false;
  }
}
