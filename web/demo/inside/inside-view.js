// SPDX-License-Identifier: Apache-2.0

import { html } from 'lit';
import { setAddress } from '../address.js';
import { Client, messageOf } from '../common/client.js';
import { Part } from '../common/element.js';
import { Latest } from './latest.js';
import { DEFAULTS, addressOf, readState } from './state.js';
import './inside.css';
import './matrix-part.js';
import './update-part.js';
import './update.css';

/**
 * @typedef {import('./matrix-part.js').MatrixPart} MatrixPart
 * @typedef {import('./protocol.js').InsideRequests} InsideRequests
 * @typedef {import('./protocol.js').State} State
 */

/** Browsers slow down pages that change their address more often than some times a second. */
const ADDRESS_MS = 150;

/** The view: small examples of both papers, computed by the library and shown to the bit. */
class InsideView extends Part {
  /** @type {State} */
  #state = DEFAULTS;
  #problem = '';
  /** @type {InsideRequests['matrix'][1] | undefined} */
  #matrix;
  /** @type {InsideRequests['update'][1] | undefined} */
  #update;
  /** @type {Client<InsideRequests>} */
  #client = new Client(new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }));
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #addressTimer;

  #matrices = new Latest(async (/** @type {InsideRequests['matrix'][0]} */ question) => {
    this.#matrix = (await this.#ask('matrix', question)) ?? this.#matrix;
    this.requestUpdate();
  });

  #updates = new Latest(async (/** @type {InsideRequests['update'][0]} */ question) => {
    this.#update = (await this.#ask('update', question)) ?? this.#update;
    this.requestUpdate();
  });

  get #matrixPart() {
    return /** @type {MatrixPart | null} */ (this.querySelector('matrix-part'));
  }

  /** @param {URLSearchParams} params */
  enter(params) {
    clearTimeout(this.#addressTimer);
    const { state, problem } = readState(params);
    this.#problem = problem;
    this.#state = state;
    this.#matrixPart?.forget();
    this.#matrices.ask(state);
    this.#updates.ask(state);
    this.requestUpdate();
  }

  leave() {
    this.#matrixPart?.pause();
    this.#writeAddress();
  }

  /** @param {File[]} files */
  takeFiles([{ name }]) {
    this.#problem = `There is nothing to be done with “${name}” here; photographs and models go to “Infer”.`;
    this.requestUpdate();
  }

  /** @override */
  render() {
    return html`<div class="view" @state-change=${this.#change}>
      <div>
        <h1>Look inside</h1>
        <p class="lead">
          Small enough to see every number: a matrix that is multiplied in its compressed form, and
          an update of weights that travels in a few bytes.
        </p>
      </div>
      <p class="error" id="inside-error" role="alert">${this.#problem}</p>
      <matrix-part .state=${this.#state} .answer=${this.#matrix}></matrix-part>
      <update-part .state=${this.#state} .answer=${this.#update}></update-part>
    </div>`;
  }

  /** @param {CustomEvent<Partial<State> & { isStep?: boolean }>} event */
  #change({ detail: { isStep = false, ...detail } }) {
    const before = this.#state;
    this.#state = { ...before, ...detail };
    this.#problem = '';
    if (detail.matrix || detail.x) this.#matrices.ask(this.#state);
    if (detail.n || detail.p || detail.seed !== undefined) this.#updates.ask(this.#state);
    clearTimeout(this.#addressTimer);
    // Another matrix, format or update is a step that Back undoes; what a number or slider does is
    // not.
    if (isStep) this.#writeAddress({ isStep });
    else this.#addressTimer = setTimeout(() => this.#writeAddress(), ADDRESS_MS);
    this.requestUpdate();
  }

  /** @param {{ isStep?: boolean }} [options] */
  #writeAddress(options) {
    clearTimeout(this.#addressTimer);
    setAddress('inside', addressOf(this.#state), options);
  }

  /**
   * @template {keyof InsideRequests & string} T
   * @param {T} type
   * @param {InsideRequests[T][0]} question
   * @returns {Promise<InsideRequests[T][1] | undefined>}
   */
  async #ask(type, question) {
    try {
      return await this.#client.request(type, question);
    } catch (error) {
      this.#problem = messageOf(error);
      return undefined;
    }
  }
}
customElements.define('inside-view', InsideView);
