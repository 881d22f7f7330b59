// SPDX-License-Identifier: Apache-2.0

import { html } from 'lit';
import { Part } from '../common/element.js';
import { explain } from '../common/explain.js';
import { formatShort } from '../common/units.js';
import { dissect } from './dissect.js';
import { golombOf } from './golomb.js';
import { formula } from './golomb-formula.js';
import { messageView, sizes } from './message-view.js';
import { positions } from './positions.js';
import { sidesOf } from './sides.js';
import { DEFAULTS, FEWEST_ELEMENTS, LEAST_P, MOST_ELEMENTS, MOST_P } from './state.js';
import { bars } from './update-bars.js';

/**
 * @typedef {import('./protocol.js').State} State
 * @typedef {import('./protocol.js').UpdateAnswer} UpdateAnswer
 * @typedef {import('./dissect.js').Dissected} Dissected
 * @typedef {ReturnType<typeof sidesOf>} Sides
 */

/** Of the slider for p, which is logarithmic. */
const P_STEPS = 200;

/** A small update, encoded. Emits `state-change` with what of the state changes. */
export class UpdatePart extends Part {
  /** @override */
  static properties = { state: { attribute: false }, answer: { attribute: false } };

  /** @type {Dissected | undefined} */
  #message;
  /** @type {Sides | undefined} */
  #sides;

  constructor() {
    super();
    /** @type {State} */
    this.state = DEFAULTS;
    /** @type {UpdateAnswer | undefined} */
    this.answer = undefined;
  }

  /** @override @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (!changed.has('answer') || !this.answer) return;
    this.#message = dissect(this.answer.bytes);
    this.#sides = sidesOf(this.answer.values, this.answer.indices.length);
  }

  /** @override */
  render() {
    const { answer } = this;
    return html`<section class="card" aria-labelledby="update-title">
        <div class="row apart">
          <h2 id="update-title">An update of the weights, encoded</h2>
          ${this.#controls()}
        </div>
        ${answer && this.#sides && this.#picture(answer, this.#sides)}
      </section>
      ${answer && this.#message && this.#encoded(answer, this.#message)}`;
  }

  #controls() {
    const { n, p } = this.state;
    const percent = `${formatShort(100 * p)} %`;
    return html`<div class="row sliders">
      <label class="slider" for="n"
        >N = <output class="number">${n}</output>
        <span class="hidden">elements of the update</span></label
      >
      <input
        id="n"
        type="range"
        min=${FEWEST_ELEMENTS}
        max=${MOST_ELEMENTS}
        step="1"
        .value=${String(n)}
        @input=${(/** @type {Event} */ event) => this.emit('state-change', { n: valueOf(event) })}
      />
      <label class="slider" for="p"
        >p = <output class="number">${percent}</output>
        <span class="hidden">of them sent</span></label
      >
      <input
        id="p"
        type="range"
        min="0"
        max=${P_STEPS}
        step="1"
        aria-valuetext=${percent}
        .value=${String(toSlider(p))}
        @input=${(/** @type {Event} */ event) =>
          this.emit('state-change', { p: fromSlider(valueOf(event)) })}
      />
      <button id="draw-update" type="button" @click=${this.#draw}>Draw another</button>
    </div>`;
  }

  #draw() {
    this.emit('state-change', { seed: (this.state.seed + 1) % 2 ** 32, isStep: true });
  }

  /**
   * @param {UpdateAnswer} answer
   * @param {Sides} sides
   */
  #picture(answer, sides) {
    return html`${bars(answer, sides)}
      <p id="choice">${choice(sides, answer)}</p>
      ${explain(
        'The pale bars are the update ΔW, the strong ones what is sent of it; what stays pale is the residual, which is added to the next update, so that nothing is lost for good.',
        'One mean and one sign stand for all that is sent, so that a value costs no bits but those of its position.',
        'sbc',
        'Algorithm 2',
      )}`;
  }

  /**
   * @param {UpdateAnswer} answer
   * @param {Dissected} message
   */
  #encoded({ n, bytes }, { pieces, tensors }) {
    const [{ count, codes, parameter }] = tensors;
    const golomb = golombOf(count, n);
    const bits = codes.reduce((sum, code) => sum + code.unary.length + code.remainder.length, 0);
    return html`<div class="pair">
        <section class="card" aria-labelledby="positions-title">
          <h2 id="positions-title">The positions, as gaps</h2>
          ${positions(codes, parameter)} ${sizes(n, count, bits, bytes.length)}
          ${explain(
            `Each block is a position that is sent: the gap before it, and the gap’s Golomb–Rice code, ${codeOf(parameter)}.`,
            'Small gaps are the likely ones and get the short codes, which no code that takes bit by bit can do much better.',
            'sbc',
            'section III-C',
          )}
        </section>
        <section class="card" aria-labelledby="formula-title">
          <h2 id="formula-title">How many bits for the rest</h2>
          ${formula(golomb, count, n)} ${facts(golomb, bits / count)}
          ${explain(
            'The formula for b* with the numbers of this message, whose p is the share k / N that is really sent.',
            'It needs nothing but p, so that sender and receiver can agree on the code without looking at the gaps.',
            'sbc',
            'section III-C',
          )}
        </section>
      </div>
      <section class="card" aria-labelledby="message-title">
        <h2 id="message-title">The message, all ${bytes.length} bytes of it</h2>
        ${messageView(bytes, pieces)}
        ${explain(
          'These bytes go over the wire; heads and codes are streams of bits, the lowest of each byte first.',
          'An update of millions of elements has the same few bytes around its codes, which then weigh nothing.',
          'sbc',
          'section III',
        )}
      </section>`;
  }
}
customElements.define('update-part', UpdatePart);

/**
 * @param {Sides} sides
 * @param {UpdateAnswer} answer
 */
function choice({ plus, minus, sendsTop }, { indices, n }) {
  const [up, down] = [formatShort(plus), formatShort(minus).replace('-', '−')];
  const k = indices.length;
  const which = sendsTop
    ? html`<strong>μ⁺ = ${up} ≥ μ⁻ = ${down}</strong>, so the ${elements(k, 'largest')} sent,
        ${k === 1 ? '' : 'each '}as +μ⁺.`
    : html`<strong>μ⁻ = ${down} > μ⁺ = ${up}</strong>, so the ${elements(k, 'most negative')} sent,
        ${k === 1 ? '' : 'each '}as −μ⁻.`;
  return html`k = max(1, round(p · N)) = <span class="number" id="k">${k}</span> of ${n}. ${which}`;
}

/**
 * @param {number} k
 * @param {string} which
 */
function elements(k, which) {
  return k === 1 ? `${which} element is` : `${k} ${which} elements are`;
}

/**
 * @param {import('./golomb.js').Golomb} golomb
 * @param {number} measured bits a position
 */
function facts({ expected, bound }, measured) {
  /** @param {string} id @param {string} name @param {number} value @param {unknown} note */
  const fact = (id, name, value, note) =>
    html`<div>
      <dt>${name}</dt>
      <dd id=${id}>${value.toFixed(3)}<span class="note">${note}</span></dd>
    </div>`;
  return html`<dl class="facts">
    ${fact('measured', 'This message', measured, 'bits a position')}
    ${fact(
      'expected',
      'Expected',
      expected,
      html`b* + 1 / (1 − (1 − p)<sup>2<sup>b*</sup></sup
        >)`,
    )}
    ${fact('bound', 'Entropy bound', bound, 'H(p) / p')}
  </dl>`;
}

/** @param {number} parameter b */
function codeOf(parameter) {
  if (parameter === 0) return 'which with b = 0 is just unary';
  const bits = parameter === 1 ? 'one bit' : `${parameter} bits`;
  return `of a unary part, which counts whole ${2 ** parameter}s, and ${bits} for the rest`;
}

/** @param {Event} event */
function valueOf({ target }) {
  return Number(/** @type {HTMLInputElement} */ (target).value);
}

/** @param {number} p */
function toSlider(p) {
  return Math.round((P_STEPS * Math.log(p / LEAST_P)) / Math.log(MOST_P / LEAST_P));
}

/** @param {number} at */
function fromSlider(at) {
  return Number((LEAST_P * (MOST_P / LEAST_P) ** (at / P_STEPS)).toPrecision(3));
}
