// SPDX-License-Identifier: Apache-2.0

import { html } from 'lit';
import { Part } from '../common/element.js';
import { explain } from '../common/explain.js';
import { formatNumber, formatPercent } from '../common/units.js';
import { drawMatrix } from './draw.js';
import { litIn, marksIn } from './lights.js';
import { FORMATS, MOST_SIDE } from './protocol.js';
import { DEFAULTS, EXAMPLE, countUp, fitInput } from './state.js';
import { steps } from './steps.js';
import { describeCell, describeElement } from './words.js';
import './dot-product.js';
import './format-card.js';
import './number-grid.js';

/**
 * @typedef {import('./lights.js').Pick} Pick
 * @typedef {import('./number-grid.js').NumberGrid} NumberGrid
 * @typedef {import('./protocol.js').Arrays} Arrays
 * @typedef {import('./protocol.js').Format} Format
 * @typedef {import('./protocol.js').Grid} Grid
 * @typedef {import('./protocol.js').MatrixAnswer} MatrixAnswer
 * @typedef {import('./protocol.js').State} State
 */

const SIDES = countUp(MOST_SIDE);

/** A small matrix in four formats. Emits `state-change` with what of the state changes. */
export class MatrixPart extends Part {
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
    if (this.#arrays) {
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
            ${this.#sides(matrix)}
          </div>
          <div class="scroll">${this.#grid(matrix, lit)}</div>
          <p class="error" id="matrix-error" role="alert">${this.#refusal}</p>
          <div class="row">
            <button id="example" type="button" @click=${() => this.#replace(EXAMPLE)}>
              Example
            </button>
            <button id="draw" type="button" @click=${this.#draw}>Draw another</button>
          </div>
          ${this.#stats()}
        </section>
        <div class="formats" @pick=${this.#pickCell}>
          ${FORMATS.map(
            (each) =>
              html`<format-card
                id="format-${each}"
                .format=${each}
                .encoded=${answer?.formats[each]}
                .dense=${answer?.formats.dense.bytes}
                .marks=${marks[each] ?? new Map()}
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

  /** Ends what runs by itself. */
  pause() {
    this.querySelector('dot-product')?.pause();
  }

  /** Forgets what was typed and is no number. */
  forget() {
    this.#refusal = '';
    for (const grid of this.querySelectorAll('number-grid')) grid.forget();
    this.requestUpdate();
  }

  /** @param {Grid} matrix */
  #sides({ rows, cols }) {
    /** @param {'rows' | 'cols'} side @param {string} label @param {number} now */
    const choice = (side, label, now) =>
      html`<label class="side"
        ><span class="hint">${label}</span>
        <select
          class="small"
          id=${side}
          @change=${(/** @type {Event} */ event) => this.#resize(side, event)}
        >
          ${SIDES.map((each) => html`<option .selected=${each === now}>${each}</option>`)}
        </select></label
      >`;
    return html`<div class="row">
      ${choice('rows', 'Rows', rows)} ${choice('cols', 'Columns', cols)}
    </div>`;
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
      .where=${(/** @type {number} */ row, /** @type {number} */ col) => `Row ${row}, column ${col}`}
      .rowName=${String}
      .lit=${lit}
      @edit=${this.#edit}
      @refuse=${this.#refuse}
      @pick=${this.#pickElement}
    ></number-grid>`;
  }

  #stats() {
    const { p0, entropy, distinct, distinctPerRow } = this.answer?.stats ?? {};
    if (p0 === undefined) return '';
    /** @param {string} id @param {unknown} name @param {string} value @param {string} note */
    const fact = (id, name, value, note) =>
      html`<div>
        <dt>${name}</dt>
        <dd id=${id}>${value}<span class="note">${note}</span></dd>
      </div>`;
    return html`<dl class="facts stats">
      ${fact('p0', html`p<sub>0</sub>`, formatPercent(p0), 'the most frequent value')}
      ${fact('entropy', 'H', formatNumber(Number(entropy), 2), 'bits of entropy')}
      ${fact('distinct', 'K', String(distinct), 'distinct values')}
      ${fact('distinct-per-row', 'k̄', formatNumber(Number(distinctPerRow), 2), 'of them per row')}
    </dl>`;
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

  /**
   * @param {'rows' | 'cols'} side
   * @param {Event} event
   */
  #resize(side, { target }) {
    const { matrix } = this.state;
    const next = { ...matrix, [side]: Number(/** @type {HTMLSelectElement} */ (target).value) };
    next.values = Array.from({ length: next.rows * next.cols }, (_, i) => {
      const [row, col] = [Math.floor(i / next.cols), i % next.cols];
      return row < matrix.rows && col < matrix.cols ? matrix.values[row * matrix.cols + col] : 0;
    });
    this.#replace(next);
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
    this.#change(matrix, more);
  }

  /**
   * @param {Grid} matrix
   * @param {Partial<State>} [more]
   */
  #change(matrix, more) {
    this.pause();
    this.emit('state-change', { matrix, x: fitInput(this.state.x, matrix.cols), step: 0, ...more });
  }
}
customElements.define('matrix-part', MatrixPart);

function legend() {
  const keys = [
    ['column', 'the element'],
    ['run', 'its run'],
    ['value', 'its value'],
    ['pointer', 'pointers to it'],
  ];
  return html`<ul class="row legend" aria-label="What the marks mean">
    ${keys.map(
      ([role, name]) =>
        html`<li><span class="cell sample ${role}" aria-hidden="true"></span> ${name}</li>`,
    )}
  </ul>`;
}
