// SPDX-License-Identifier: Apache-2.0

import { html } from 'lit';

/** @typedef {import('./dissect.js').Code} Code */

/**
 * The positions of a message: each with its gap and its bits.
 *
 * @param {Code[]} codes
 * @param {number} parameter b
 */
export function positions(codes, parameter) {
  return html`<ol class="codes" id="codes" tabindex="0" aria-label="Positions that are sent">
      ${codes.map(
        ({ gap, index, unary, remainder }) =>
          html`<li class="code">
            <span class="gap"><span class="hint">gap</span> ${gap}</span>
            <span class="bits"
              ><span class="unary"><span class="hidden">unary </span>${unary}</span>${
                remainder &&
                html`<span class="rest"><span class="hidden"> rest </span>${remainder}</span>`
              }</span
            >
            <span class="hint">at <span class="position">${index}</span></span>
          </li>`,
      )}
    </ol>
    <ul class="row legend" aria-label="What the bits mean">
      <li>
        <span class="bits"><span class="unary">10</span></span>
        ${parameter > 0 ? `⌊gap / ${2 ** parameter}⌋ ones` : 'as many ones as the gap'}, and a zero
      </li>
      ${
        parameter > 0
          ? html`<li>
              <span class="bits"><span class="rest">01</span></span> the rest, in ${parameter}
              ${parameter === 1 ? 'bit' : 'bits, the lowest first'}
            </li>`
          : ''
      }
    </ul>`;
}
