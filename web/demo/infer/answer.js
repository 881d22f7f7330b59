// SPDX-License-Identifier: Apache-2.0

import { html } from 'lit';
import { styles } from '../common/styles.js';
import { formatPercent } from '../common/units.js';

/** @typedef {import('./protocol.js').Answer} Answer */

/**
 * The ten digits with their bars, one below the other in their order.
 *
 * @param {Answer | undefined} answer
 */
export function digitBars(answer) {
  const best = answer ? answer.top[0].index : -1;
  return html`<ol class="digits" id="digits" aria-label="Probabilities">
    ${Array.from({ length: 10 }, (_, digit) => {
      const share = answer?.probabilities[digit] ?? 0;
      return html`<li class=${digit === best ? 'best' : ''}>
        <span>${digit}</span>
        ${bar(share)}
        <span class="number">${answer ? formatPercent(share, share > 0.1 ? 0 : 1) : '–'}</span>
      </li>`;
    })}
  </ol>`;
}

/**
 * The most probable classes.
 *
 * @param {Answer | undefined} answer
 */
export function topBars(answer) {
  if (!answer) return html`<p class="hint">The five classes that it takes for most probable.</p>`;
  return html`<ol class="classes" id="classes" aria-label="What it sees">
    ${answer.top.map(
      ({ label, probability }) =>
        html`<li>
          <span class="label">${label}</span>
          <span class="number">${formatPercent(probability)}</span>
          ${bar(probability)}
        </li>`,
    )}
  </ol>`;
}

/**
 * A bar as long as its share of the space; what it says must also be there as text.
 *
 * @param {number} share from 0 to 1
 * @param {string} [className]
 */
export function bar(share, className = '') {
  return html`<div class="bar" aria-hidden="true">
    <div class=${`fill ${className}`} ${styles({ width: `${100 * share}%` })}></div>
  </div>`;
}
