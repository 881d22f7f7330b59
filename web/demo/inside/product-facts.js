// SPDX-License-Identifier: Apache-2.0

/** What a product has cost so far, and what has come out of it. */

import { html } from 'lit';
import { showResult } from './numbers.js';

/** @typedef {import('./tape.js').Step} Step */

/** Beside the library's float32, the steps' sums are as good as exact. */
const TOLERANCE = 1e-5;

/**
 * @param {Step | undefined} now
 * @param {Step | undefined} last
 */
export function counters(now, last) {
  const names = /** @type {const} */ ([
    ['add', 'Additions'],
    ['multiply', 'Multiplications'],
    ['read', 'Loads'],
  ]);
  return html`<dl class="facts counts">
    ${names.map(
      ([key, name]) =>
        html`<div>
          <dt>${name}</dt>
          <dd id="count-${key}">
            ${now?.counts[key] ?? 0} <span class="hint">of ${last?.counts[key] ?? 0}</span>
          </dd>
        </div>`,
    )}
  </dl>`;
}

/**
 * @param {Step | undefined} now
 * @param {number[]} y the library's
 */
export function results(now, y) {
  const done = now?.y ?? [];
  const check = done.length > 0 && done.length === y.length ? compare(done, y) : '';
  return html`<ol class="results number" aria-label="The product y">
      ${y.map(
        (_, row) =>
          html`<li class=${row < done.length ? 'done' : ''}>
            <span class="hint">y${row}</span> ${row < done.length ? showResult(done[row]) : '·'}
          </li>`,
      )}
    </ol>
    <p class="hint" id="check">${check}</p>`;
}

/**
 * @param {number[]} done
 * @param {number[]} y
 */
function compare(done, y) {
  const scale = Math.max(1, ...y.map(Math.abs));
  const equal = y.every(
    (value, i) => Object.is(value, done[i]) || Math.abs(value - done[i]) <= TOLERANCE * scale,
  );
  const theirs = equal ? 'the same' : y.map(showResult).join(', ');
  return `Lowtropy’s own product, computed on these arrays, is ${theirs}.`;
}
