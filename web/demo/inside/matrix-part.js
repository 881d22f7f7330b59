// SPDX-License-Identifier: Apache-2.0

import { html } from 'lit';
import { Part } from '../common/element.js';
import { explain } from '../common/explain.js';
import { drawMatrix } from './draw.js';
import { litIn, marksIn } from './lights.js';
import { legend, sides, statistics } from './matrix-facts.js';
import { FORMATS } from './protocol.js';
import { DEFAULTS, EXAMPLE, fitInput } from './state.js';
import { steps } from './steps.js';
import { describeCell, describeElement } from './words.js';
import './dot-product.js';
import './format-card.js';
import './number-grid.js';

/**
 * @typedef {import('./dot-product.js').DotProduct} DotProduct
 * @typedef {import('./lights.js').Pick} Pick
 * @typedef {import('./number-grid.js').NumberGrid} NumberGrid
 * @typedef {import('./protocol.js').Arrays} Arrays
 * @typedef {import('./protocol.js').Format} Format
 * @typedef {import('./protocol.js').Grid} Grid
 * @typedef {import('./protocol.js').MatrixAnswer} MatrixAnswer
 * @typedef {import('./protocol.js').State} State
 */

/** @param {number} row @param {number} col */
const where = (row, col) => `Row ${row}, column ${col}`;

/** One and the same, so that what has no marks need not be drawn anew. */
const NONE = new Map();

/** A small matrix in four formats. Emits `state-change` with what of the state changes. */
export class MatrixPart extends Part {
  /** @override */
  static properties = { state: { attribute: false }, answer: { attribute: false } };

  /** What is pointed at, and what has the focus. @type {Record<string, Pick | undefined>} */
  #picks = {};
  #refusal = '';
  /** @type {Record<Format, Arrays> | undefined} */
  #arrays;
  /** @type {import('./tape.js').Step[]} */
  #steps = [];

  constructor() {
    super();
    /** @type {State} */
    this.state = DEFAULTS;
    /** @type {MatrixAnswer | undefined} */
    this.answer = undefined;
  }

  /** @override @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    const { answer } = this;
    if (!answer) return;
    if (changed.has('answer')) {
      const byName = FORMATS.map((format) => {
        const { arrays } = answer.formats[format];
        return [format, Object.fromEntries(arrays.map(({ name, values }) => [name, values]))];
      });
      this.#arrays = Object.fromEntries(byName);
      this.#picks = { focus: this.#stillThere(this.#picks.focus) };
    }
    if (this.#arrays && (changed.has('answer') || changed.has('state'))) {
      const { format } = this.state;
      this.#steps = steps(format, this.#arrays[format], answer.matrix, answer.x);
    }
  }

  /** @param {Pick | undefined} pick */
  #stillThere(pick) {
    return pick && 'element' in pick && pick.element < this.state.matrix.values.length
      ? pick
      : undefined;
  }

  /** @override */
  render() {
    const { matrix, format, step, x } = this.state;
    const { answer } = this;
    const pick = this.#picks.hover ?? this.#picks.focus;
    const at = Math.min(step, this.#steps.length);
    const now = this.#steps[at - 1];
    const marks =
      this.#arrays && answer ? marksIn(answer.matrix, this.#arrays, pick, format, now) : {};
    const lit =
      this.#arrays && answer ? litIn(answer.matrix, this.#arrays, pick, format, now) : new Map();
    return html`<div class="matrix-part">
        <section class="card" aria-labelledby="matrix-title">
          <div class="row apart">
            <h2 id="matrix-title">The matrix W</h2>
            ${sides(matrix, (next) => this.#replace(next))}
          </div>
          <div class="scroll">${this.#grid(matrix, lit)}</div>
          <p class="error" id="matrix-error" role="alert">${this.#refusal}</p>
          <div class="row">
            <button id="example" type="button" @click=${() => this.#replace(EXAMPLE)}>
              Example
            </button>
            <button id="draw" type="button" @click=${this.#draw}>Draw another</button>
          </div>
          ${answer && statistics(answer.stats)}
        </section>
        <div class="formats" @pick=${this.#pickCell}>
          ${FORMATS.map(
            (each) =>
              html`<format-card
                id="format-${each}"
                .format=${each}
                .encoded=${answer?.formats[each]}
                .dense=${answer?.formats.dense.bytes}
                .marks=${marks[each] ?? NONE}
              ></format-card>`,
          )}
        </div>
      </div>
      <div class="beside">
        <p class="picked" id="picked" aria-live="polite">${this.#words(pick)}</p>
        ${legend()}
      </div>
      ${explain(
        'One matrix four times: each number in a cell is one that is stored, at the width that it needs.',
        'CER and CSER hold each distinct value once, so that the fewer bits of entropy the weights have, the smaller they get and the fewer multiplications they take.',
        'formats',
        'section III',
      )}
      <dot-product
        .format=${format}
        .step=${at}
        .x=${x}
        .steps=${this.#steps}
        .encoded=${answer?.formats[format]}
      ></dot-product>`;
  }

  get #product() {
    return /** @type {DotProduct | null} */ (this.querySelector('dot-product'));
  }

  /** Ends what runs by itself. */
  pause() {
    this.#product?.pause();
  }

  /** Forgets what was typed and is no number. */
  forget() {
    this.#refusal = '';
    for (const grid of this.querySelectorAll('number-grid')) {
      /** @type {NumberGrid} */ (grid).forget();
    }
    this.#product?.forget();
    this.requestUpdate();
  }

  /**
   * @param {Grid} matrix
   * @param {Map<number, string>} lit
   */
  #grid({ rows, cols, values }, lit) {
    return html`<number-grid
      id="matrix"
      .name=${'The matrix W'}
      .rows=${rows}
      .cols=${cols}
      .values=${values}
      .where=${where}
      .rowName=${String}
      .lit=${lit}
      @edit=${this.#edit}
      @refuse=${this.#refuse}
      @pick=${this.#pickElement}
    ></number-grid>`;
  }

  /** @param {Pick | undefined} pick */
  #words(pick) {
    if (!pick || !this.answer || !this.#arrays) {
      return 'Point at an element or a cell, or go there with Tab and the arrow keys: what belongs to it lights up.';
    }
    const { matrix } = this.answer;
    return 'element' in pick
      ? describeElement(matrix, this.#arrays, pick.element)
      : describeCell(matrix, this.#arrays, pick);
  }

  /** @param {CustomEvent} event */
  #edit({ detail: { index, value } }) {
    const { matrix } = this.state;
    this.#change({ ...matrix, values: matrix.values.with(index, value) });
  }

  /** @param {CustomEvent} event */
  #refuse({ detail }) {
    this.#refusal = detail && `${detail} The matrix stays as it was.`;
    this.requestUpdate();
  }

  /** @param {CustomEvent} event */
  #pickElement({ detail: { source, index } }) {
    this.#picks[source] = index === undefined ? undefined : { element: index };
    this.requestUpdate();
  }

  /** @param {CustomEvent} event */
  #pickCell({ detail: { source, format, array, index } }) {
    this.#picks[source] = array === undefined ? undefined : { format, array, index };
    this.requestUpdate();
  }

  #draw() {
    const { draw, matrix } = this.state;
    this.#replace(drawMatrix(draw + 1, matrix.rows, matrix.cols), { draw: draw + 1 });
  }

  /**
   * @param {Grid} matrix
   * @param {Partial<State>} [more]
   */
  #replace(matrix, more) {
    this.forget();
    this.#change(matrix, { ...more, isStep: true });
  }

  /**
   * @param {Grid} matrix
   * @param {Partial<State> & { isStep?: boolean }} [more]
   */
  #change(matrix, more) {
    this.pause();
    this.emit('state-change', { matrix, x: fitInput(this.state.x, matrix.cols), step: 0, ...more });
  }
}
customElements.define('matrix-part', MatrixPart);
