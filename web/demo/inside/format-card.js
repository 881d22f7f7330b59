// SPDX-License-Identifier: Apache-2.0

import { html } from 'lit';
import { Part } from '../common/element.js';
import { count, formatRounded } from '../common/units.js';
import { showFloat32 } from './numbers.js';
import { keyOf } from './relate.js';

/**
 * @typedef {import('./protocol.js').Encoded} Encoded
 * @typedef {import('./protocol.js').Format} Format
 * @typedef {import('./protocol.js').Stored} Stored
 * @typedef {import('./relate.js').Role} Role
 */

/** @type {Record<Format, { title: string, what: string }>} */
const NAMES = {
  dense: { title: 'Dense', what: 'every element' },
  csr: { title: 'CSR', what: 'what is not 0, and its column' },
  cer: { title: 'CER', what: 'each value once; its columns, row by row' },
  cser: { title: 'CSER', what: 'as CER, but only runs that exist' },
};

/** @type {Record<string, [row: number, col: number]>} */
const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** The arrays of a format, in cells. Emits `pick` with { source, format, array, index }. */
export class FormatCard extends Part {
  /** @override */
  static properties = {
    format: { attribute: false },
    encoded: { attribute: false },
    marks: { attribute: false },
    dense: { attribute: false },
  };

  /** Where Tab leads: an array's number, and a cell's. */
  #current = [0, 0];

  constructor() {
    super();
    /** @type {Format} */
    this.format = 'dense';
    /** @type {Encoded | undefined} */
    this.encoded = undefined;
    /** What is lit up. @type {Map<string, Role>} */
    this.marks = new Map();
    /** Bytes of the dense matrix. */
    this.dense = 0;
  }

  /** @override */
  render() {
    const { title, what } = NAMES[this.format];
    const { encoded } = this;
    return html`<section class="card format" aria-labelledby="title-${this.format}">
      <header class="row apart">
        <h3 id="title-${this.format}">${title} <span class="hint">${what}</span></h3>
        ${encoded && this.#size(encoded)}
      </header>
      ${
        encoded &&
        html`<div
          class="arrays"
          role="grid"
          aria-label="Arrays of ${title}"
          @mouseover=${this.#hover}
          @mouseleave=${() => this.emit('pick', { source: 'hover' })}
          @focusin=${this.#focus}
          @focusout=${() => this.emit('pick', { source: 'focus' })}
          @keydown=${this.#press}
        >
          ${encoded.arrays.map((array, row) => this.#array(array, row))}
        </div>`
      }
    </section>`;
  }

  /** @param {Encoded} encoded */
  #size({ bytes, ops }) {
    return html`<p class="size number">
      <strong>${count(bytes, 'byte')}</strong>
      <span class="hint"
        >${this.format === 'dense' ? '' : `${formatRounded((100 * bytes) / this.dense)} % · `}${count(
          ops.add,
          'addition',
        )},
        ${count(ops.multiply, 'multiplication')}</span
      >
    </p>`;
  }

  /**
   * @param {Stored} array
   * @param {number} row
   */
  #array({ name, bits, values }, row) {
    return html`<div class="array" role="row" data-array=${name}>
      <span class="array-name" role="rowheader">${name} <span class="hint">${bits} bit</span></span>
      <span class="cells" role="none">
        ${values.map((value, index) => this.#cell(name, value, row, index))}
        ${values.length === 0 ? html`<span class="hint" role="gridcell">empty</span>` : ''}
      </span>
    </div>`;
  }

  /**
   * @param {string} name
   * @param {number} value
   * @param {number} row
   * @param {number} index
   */
  #cell(name, value, row, index) {
    const role = this.marks.get(keyOf(name, index));
    const isCurrent = this.#current[0] === row && this.#current[1] === index;
    return html`<span
      class="cell ${role ?? ''}"
      role="gridcell"
      tabindex=${isCurrent ? 0 : -1}
      aria-selected=${role !== undefined}
      data-row=${row}
      data-index=${index}
      ><span class="index">${index}<span class="hidden">: </span></span>${showFloat32(value)}</span
    >`;
  }

  /** @override @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (!changed.has('encoded')) return;
    const [row, index] = this.#current;
    if (!(index < (this.encoded?.arrays[row]?.values.length ?? 0))) this.#current = [0, 0];
  }

  /** @param {Event} event */
  #hover({ target }) {
    this.#pick('hover', /** @type {HTMLElement} */ (target).closest('.cell'));
  }

  /** @param {Event} event */
  #focus({ target }) {
    const cell = /** @type {HTMLElement} */ (target);
    this.#current = [Number(cell.dataset.row), Number(cell.dataset.index)];
    this.#pick('focus', cell);
    this.requestUpdate();
  }

  /**
   * @param {'hover' | 'focus'} source
   * @param {Element | null} cell
   */
  #pick(source, cell) {
    if (!(cell instanceof HTMLElement)) return;
    const array = this.encoded?.arrays[Number(cell.dataset.row)]?.name;
    this.emit('pick', { source, format: this.format, array, index: Number(cell.dataset.index) });
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    const move = MOVES[event.key];
    if (!move) return;
    event.preventDefault();
    const arrays = this.encoded?.arrays ?? [];
    let row = this.#current[0] + move[0];
    while (arrays[row]?.values.length === 0) row += move[0];
    if (!arrays[row]) return;
    const last = arrays[row].values.length - 1;
    const index = Math.max(0, Math.min(this.#current[1] + move[1], last));
    const next = this.querySelector(`[data-row="${row}"][data-index="${index}"]`);
    if (next instanceof HTMLElement) next.focus();
  }
}
customElements.define('format-card', FormatCard);
