// SPDX-License-Identifier: Apache-2.0

import { html } from 'lit';
import { Part } from '../common/element.js';
import { formatBytes, formatNumber } from '../common/units.js';

/** @typedef {import('./session.js').WorkerState} WorkerState */

/** @type {Record<WorkerState['status'], string>} */
const STATUS = { present: 'there', late: 'late', left: 'offline', gone: 'gone' };

/** Each worker with its shard, its bytes, and buttons. Emits `worker` with what to do. */
export class WorkerTable extends Part {
  /** @override */
  static properties = { workers: { attribute: false }, fixed: { attribute: false } };

  constructor() {
    super();
    /** @type {WorkerState[]} */
    this.workers = [];
    /** Whether nobody comes or goes any more. */
    this.fixed = false;
  }

  /** @override */
  render() {
    return html`<div class="scroll workers" tabindex="0" role="group" aria-label="Workers">
      <table id="worker-table">
        <thead>
          <tr>
            <th scope="col">Worker</th>
            <th scope="col">Examples</th>
            <th scope="col">Sent</th>
            <th scope="col">Got</th>
            <th scope="col">Now</th>
            <th scope="col"><span class="hidden">Change</span></th>
          </tr>
        </thead>
        <tbody>
          ${this.workers.map((worker, index) => this.#row(worker, index))}
        </tbody>
      </table>
    </div>`;
  }

  /**
   * @param {WorkerState} worker
   * @param {number} index
   */
  #row({ status, shard, up, down }, index) {
    return html`<tr data-worker=${index}>
      <th scope="row">${index + 1}</th>
      <td>${formatNumber(shard.examples)}${labelsText(shard.labels)}</td>
      <td>${formatBytes(up)}</td>
      <td>${formatBytes(down)}</td>
      <td class="status">${STATUS[status]}</td>
      <td class="do">${this.fixed ? '' : this.#buttons(status, index)}</td>
    </tr>`;
  }

  /**
   * @param {WorkerState['status']} status
   * @param {number} index
   */
  #buttons(status, index) {
    const name = `worker ${index + 1}`;
    if (status === 'left' || status === 'gone') {
      return this.#button('join', index, 'bring back', `Bring ${name} back`);
    }
    return html`${this.#button('leave', index, 'offline', `Take ${name} offline`)}
    ${this.#button('kill', index, 'crash', `Crash ${name}`)}`;
  }

  /**
   * @param {'join' | 'leave' | 'kill'} change
   * @param {number} worker
   * @param {string} text
   * @param {string} label
   */
  #button(change, worker, text, label) {
    return html`<button
      type="button"
      class="small ${change}"
      aria-label=${label}
      @click=${() => this.emit('worker', { change, worker })}
    >
      ${text}
    </button>`;
  }
}

customElements.define('worker-table', WorkerTable);

/** @param {number[]} labels */
function labelsText(labels) {
  return labels.length >= 10 ? '' : `, ${labels.join(' ')}`;
}
