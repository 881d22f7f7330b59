// SPDX-License-Identifier: Apache-2.0

import { html } from 'lit';
import { Part } from '../common/element.js';
import { formatBytes, formatNumber } from '../common/units.js';

/** @typedef {import('./session.js').Member} Member */

/** @type {Record<Member['status'], string>} */
const STATUS = { present: 'there', late: 'late', left: 'offline', gone: 'gone' };

/** Each worker with its shard, its bytes, and buttons. Emits `member` with what to do. */
export class MemberTable extends Part {
  /** @override */
  static properties = { members: { attribute: false }, fixed: { attribute: false } };

  constructor() {
    super();
    /** @type {Member[]} */
    this.members = [];
    /** Whether nobody comes or goes any more. */
    this.fixed = false;
  }

  /** @override */
  render() {
    return html`<div class="scroll members" tabindex="0" role="group" aria-label="Workers">
      <table id="members">
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
          ${this.members.map((member, index) => this.#row(member, index))}
        </tbody>
      </table>
    </div>`;
  }

  /**
   * @param {Member} member
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
   * @param {Member['status']} status
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
      @click=${() => this.emit('member', { change, worker })}
    >
      ${text}
    </button>`;
  }
}

customElements.define('member-table', MemberTable);

/** @param {number[]} labels */
function labelsText(labels) {
  return labels.length >= 10 ? '' : `, ${labels.join(' ')}`;
}
