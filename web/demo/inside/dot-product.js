// SPDX-License-Identifier: Apache-2.0

import { html } from 'lit';
import { prefersReducedMotion } from '../common/css.js';
import { Part } from '../common/element.js';
import { explain } from '../common/explain.js';
import { count } from '../common/units.js';
import { counters, results } from './product-facts.js';
import { FORMATS } from './protocol.js';
import './number-grid.js';

/**
 * @typedef {import('./protocol.js').Encoded} Encoded
 * @typedef {import('./protocol.js').Format} Format
 * @typedef {import('./tape.js').Step} Step
 */

const STEP_MS = 700;

/** @param {number} _ @param {number} col */
const where = (_, col) => `Element ${col} of x`;

/** @param {number} col */
const nameOf = (col) => `x${col}`;

/**
 * The product with a vector, step by step. Emits `state-change` with what of format, step and x
 * changes.
 */
export class DotProduct extends Part {
  /** @override */
  static properties = {
    format: { attribute: false },
    step: { attribute: false },
    x: { attribute: false },
    steps: { attribute: false },
    encoded: { attribute: false },
  };

  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  #refusal = '';

  constructor() {
    super();
    /** @type {Format} */
    this.format = 'cser';
    this.step = 0;
    /** @type {number[]} */
    this.x = [];
    /** @type {Step[]} */
    this.steps = [];
    /** @type {Encoded | undefined} */
    this.encoded = undefined;
  }

  /** @override */
  disconnectedCallback() {
    super.disconnectedCallback();
    this.pause();
  }

  forget() {
    this.#refusal = '';
    this.requestUpdate();
  }

  pause() {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.requestUpdate();
  }

  /** @override */
  render() {
    const now = this.steps[this.step - 1];
    return html`<section class="card dot" aria-labelledby="dot-title">
      <div class="row apart">
        <h2 id="dot-title">The product W · x, step by step</h2>
        ${this.#formats()}
      </div>
      <div class="dot-parts">
        <div class="dot-input">
          ${this.#input(now)}
          <p class="error" id="x-error" role="alert">${this.#refusal}</p>
          ${this.#buttons()}
        </div>
        <div class="dot-now">
          <p class="hint" id="step-text" aria-live="polite">${this.#words(now)}</p>
          <p class="expression number" id="expression">
            ${now && now.row >= 0 ? `row ${now.row}: ${now.expression}` : ' '}
          </p>
          ${results(now, this.encoded?.y ?? [])}
        </div>
        ${counters(now, this.steps.at(-1))}
      </div>
      ${explain(
        'Each step takes what is lit up above; an addition, a multiplication or a load counts when it happens.',
        'Where values repeat, the inputs of a run are added first and multiplied once, so that multiplications go with the distinct values and not with the elements.',
        'formats',
        'sections III and IV',
      )}
    </section>`;
  }

  /** @param {Step | undefined} now */
  #words(now) {
    if (now) return `Step ${this.step} of ${this.steps.length}. ${now.text}`;
    return this.steps.length > 0 ? `${count(this.steps.length, 'step')}, from row 0 on.` : '';
  }

  #formats() {
    return html`<fieldset class="row choices">
      <legend class="hidden">Format</legend>
      ${FORMATS.map(
        (format) =>
          html`<button
            class="small"
            type="button"
            data-format=${format}
            aria-pressed=${format === this.format}
            @click=${() => this.#change({ format, step: 0, isStep: true })}
          >
            ${format === 'dense' ? 'dense' : format.toUpperCase()}
          </button>`,
      )}
    </fieldset>`;
  }

  /** @param {Step | undefined} now */
  #input(now) {
    return html`<div class="scroll">
      <number-grid
        id="x"
        .name=${'The vector x'}
        .rows=${1}
        .cols=${this.x.length}
        .values=${this.x}
        .where=${where}
        .colName=${nameOf}
        .lit=${new Map(now?.inputs.map((index) => [index, 'column']))}
        @edit=${this.#edit}
        @refuse=${this.#refuse}
        @pick=${(/** @type {Event} */ event) => event.stopPropagation()}
      ></number-grid>
    </div>`;
  }

  /** @param {CustomEvent} event */
  #edit(event) {
    event.stopPropagation();
    this.#change({ x: this.x.with(event.detail.index, event.detail.value) });
  }

  /** @param {CustomEvent} event */
  #refuse(event) {
    event.stopPropagation();
    this.#refusal = event.detail && `${event.detail} x stays as it was.`;
    this.requestUpdate();
  }

  #buttons() {
    const atEnd = this.step >= this.steps.length;
    const run = prefersReducedMotion() ? 'To the end' : this.#timer === undefined ? 'Run' : 'Pause';
    const atStart = this.step === 0;
    // They keep the focus where they can do nothing: the next press shall not be another's.
    return html`<div class="row" id="step-buttons">
      <button type="button" aria-disabled=${atStart} @click=${() => this.#go(-1)}>Back</button>
      <button class="primary" type="button" aria-disabled=${atEnd} @click=${() => this.#go(1)}>
        Step
      </button>
      <button type="button" ?disabled=${atEnd} @click=${this.#run}>${run}</button>
      <button type="button" aria-disabled=${atStart} @click=${() => this.#change({ step: 0 })}>
        Reset
      </button>
    </div>`;
  }

  /** @param {number} by */
  #go(by) {
    this.#change({ step: Math.max(0, Math.min(this.step + by, this.steps.length)) });
  }

  #run() {
    if (prefersReducedMotion()) {
      this.#change({ step: this.steps.length });
    } else if (this.#timer !== undefined) {
      this.pause();
    } else {
      this.#timer = setInterval(() => this.#tick(), STEP_MS);
      this.#tick();
    }
  }

  #tick() {
    const next = Math.min(this.step + 1, this.steps.length);
    if (next === this.steps.length) this.pause();
    this.emit('state-change', { step: next });
  }

  /** By hand, which ends running. @param {{ format?: Format, step?: number, x?: number[], isStep?: boolean }} changes */
  #change(changes) {
    this.pause();
    this.emit('state-change', changes);
  }
}
customElements.define('dot-product', DotProduct);
