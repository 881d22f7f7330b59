// SPDX-License-Identifier: Apache-2.0

import { html, svg } from 'lit';
import { formatShort } from '../common/units.js';

/**
 * @typedef {import('./protocol.js').UpdateAnswer} UpdateAnswer
 * @typedef {ReturnType<typeof import('./sides.js').sidesOf>} Sides
 */

// Positions and sizes are set as properties: the page's policy forbids style attributes.

/** Height of the picture in its own units; an element is as wide as STEP. */
const HEIGHT = 200;
const STEP = 10;
const MARGIN = 8;

/**
 * The update as bars, and over them what is sent.
 *
 * @param {UpdateAnswer} answer
 * @param {Sides} sides
 */
export function bars({ values, n, indices, value }, sides) {
  const high = Math.max(0, ...values);
  const low = Math.min(0, ...values);
  /** @param {number} at */
  const y = (at) => MARGIN + ((high - at) / (high - low || 1)) * (HEIGHT - 2 * MARGIN);
  const sent = new Set(indices);
  const others = sides.sendsTop ? sides.bottom : sides.top;
  const other = sides.sendsTop ? -sides.minus : sides.plus;
  const label = `${n} elements of an update, from ${formatShort(low)} to ${formatShort(high)}; ${indices.length} ${indices.length === 1 ? 'is' : 'are'} sent as ${formatShort(value)}: ${indices.join(', ')}.`;
  return html`<div class="bars">
      <svg
        id="bars"
        role="img"
        aria-label=${label}
        viewBox="0 0 ${n * STEP} ${HEIGHT}"
        preserveAspectRatio="none"
      >
        ${Array.from(values, (each, i) => bar(i, each, y, sent.has(i) ? 'pale chosen' : 'pale', 0.8))}
        ${others.map((i) => bar(i, values[i], y, 'candidate', 0.8))}
        ${indices.map((i) => bar(i, value, y, 'sent', 0.5))} ${line(y(0), n, 'zero')}
        ${line(y(value), n, 'mean')} ${line(y(other), n, 'mean unchosen')}
      </svg>
      ${meanLabel(y(value), sides.sendsTop, value, true)}
      ${meanLabel(y(other), !sides.sendsTop, other, false)}
    </div>
    <ul class="row legend" aria-label="What the bars mean">
      <li><span class="swatch pale"></span> the update</li>
      <li><span class="swatch sent"></span> what is sent</li>
      <li><span class="swatch candidate"></span> the other side’s candidates</li>
    </ul>`;
}

/**
 * @param {number} index
 * @param {number} value
 * @param {(value: number) => number} y
 * @param {string} kind
 * @param {number} width share of the element's own
 */
function bar(index, value, y, kind, width) {
  const [top, bottom] = value < 0 ? [y(0), y(value)] : [y(value), y(0)];
  return svg`<rect class=${kind} x=${(index + (1 - width) / 2) * STEP} y=${top}
    width=${width * STEP} height=${bottom - top}></rect>`;
}

/**
 * @param {number} y
 * @param {number} n
 * @param {string} kind
 */
function line(y, n, kind) {
  return svg`<line class=${kind} x1="0" x2=${n * STEP} y1=${y} y2=${y}></line>`;
}

/**
 * Text beside the picture, which is stretched.
 *
 * @param {number} y
 * @param {boolean} isTop
 * @param {number} value
 * @param {boolean} chosen
 */
function meanLabel(y, isTop, value, chosen) {
  const number = formatShort(value).replace('-', '−');
  return html`<span
    class="mean-label number ${chosen ? 'chosen' : ''} ${isTop ? 'above' : 'below'}"
    aria-hidden="true"
    .style=${`top: ${(100 * y) / HEIGHT}%`}
    ><span>${isTop ? (value < 0 ? 'μ⁺' : '+μ⁺') : '−μ⁻'}</span
    ><span class="mean-value"> = ${number}</span></span
  >`;
}
