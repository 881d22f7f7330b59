// SPDX-License-Identifier: Apache-2.0

/** What stands around the matrix: its sides, its statistics, and what the marks mean. */

import { html } from 'lit';
import { formatNumber, formatPercent } from '../common/units.js';
import { MOST_SIDE } from './protocol.js';
import { countUp } from './state.js';

/** @typedef {import('./protocol.js').Grid} Grid */

const SIDES = countUp(MOST_SIDE);

/**
 * @param {Grid} matrix
 * @param {(matrix: Grid) => void} change
 */
export function sides(matrix, change) {
  /** @param {'rows' | 'cols'} side @param {string} label */
  const choice = (side, label) =>
    html`<label class="side"
      ><span class="hint">${label}</span>
      <select
        class="small"
        id=${side}
        @change=${(/** @type {Event} */ { target }) => change(resized(matrix, { [side]: Number(/** @type {HTMLSelectElement} */ (target).value) }))}
      >
        ${SIDES.map((each) => html`<option .selected=${each === matrix[side]}>${each}</option>`)}
      </select></label
    >`;
  return html`<div class="row">${choice('rows', 'Rows')} ${choice('cols', 'Columns')}</div>`;
}

/**
 * @param {Grid} matrix
 * @param {{ rows?: number, cols?: number }} size
 * @returns {Grid} what fits of the matrix, and zeros
 */
function resized(matrix, size) {
  const { rows, cols } = { ...matrix, ...size };
  const values = Array.from({ length: rows * cols }, (_, i) => {
    const [row, col] = [Math.floor(i / cols), i % cols];
    return row < matrix.rows && col < matrix.cols ? matrix.values[row * matrix.cols + col] : 0;
  });
  return { rows, cols, values };
}

/** @param {import('../../lib/lowtropy.js').Stats} stats */
export function statistics({ p0, entropy, distinct, distinctPerRow }) {
  /** @param {string} id @param {unknown} name @param {string} value @param {string} note */
  const fact = (id, name, value, note) =>
    html`<div>
      <dt>${name}</dt>
      <dd id=${id}>${value}<span class="note">${note}</span></dd>
    </div>`;
  return html`<dl class="facts stats">
    ${fact('p0', html`p<sub>0</sub>`, formatPercent(p0), 'the most frequent value')}
    ${fact('entropy', 'H', formatNumber(entropy, 2), 'bits of entropy')}
    ${fact('distinct', 'K', String(distinct), 'distinct values')}
    ${fact('distinct-per-row', 'k̄', formatNumber(distinctPerRow, 2), 'of them per row')}
  </dl>`;
}

export function legend() {
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
