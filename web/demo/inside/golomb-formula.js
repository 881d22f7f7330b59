// SPDX-License-Identifier: Apache-2.0

import { html } from 'lit';
import { LOG_GOLDEN } from './golomb.js';

/**
 * The formula for b*, with its letters and with its numbers.
 *
 * @param {import('./golomb.js').Golomb} golomb
 * @param {number} count k
 * @param {number} size N
 */
export function formula({ share, log, ratio, log2, parameter }, count, size) {
  return html`<div class="formula" id="formula">
    <math displaystyle="true">
      <mrow>
        <msup><mi>b</mi><mo lspace="0" rspace="0">∗</mo></msup>
        <mo>=</mo><mn>1</mn><mo>+</mo> <mo>⌊</mo><msub><mi>log</mi><mn>2</mn></msub
        ><mo stretchy="false">(</mo> <mi>ln</mi><mo stretchy="false">(</mo><mi>φ</mi><mo>−</mo
        ><mn>1</mn><mo stretchy="false">)</mo>
        <mo>/</mo>
        <mi>ln</mi><mo stretchy="false">(</mo><mn>1</mn><mo>−</mo><mi>p</mi
        ><mo stretchy="false">)</mo> <mo stretchy="false">)</mo><mo>⌋</mo>
      </mrow>
    </math>
    <math displaystyle="true">
      <mrow>
        <mi>p</mi><mo>=</mo>
        <mfrac><mi>k</mi><mi>N</mi></mfrac>
        <mo>=</mo>
        <mfrac><mn>${count}</mn><mn>${size}</mn></mfrac>
        <mo>=</mo><mn id="share">${show(share)}</mn>
      </mrow>
    </math>
    <math displaystyle="true">
      <mrow>
        <mfrac>
          <mrow
            ><mi>ln</mi><mo stretchy="false">(</mo><mi>φ</mi><mo>−</mo><mn>1</mn
            ><mo stretchy="false">)</mo></mrow
          >
          <mrow
            ><mi>ln</mi><mo stretchy="false">(</mo><mn>1</mn><mo>−</mo><mi>p</mi
            ><mo stretchy="false">)</mo></mrow
          >
        </mfrac>
        <mo>=</mo>
        <mfrac><mn>${show(LOG_GOLDEN)}</mn><mn id="log">${show(log)}</mn></mfrac>
        <mo>=</mo><mn id="golomb-ratio">${show(ratio)}</mn>
      </mrow>
    </math>
    <math displaystyle="true">
      <mrow>
        <msup><mi>b</mi><mo lspace="0" rspace="0">∗</mo></msup>
        <mo>=</mo><mn>1</mn><mo>+</mo> <mo>⌊</mo><msub><mi>log</mi><mn>2</mn></msub
        ><mn>${show(ratio)}</mn><mo>⌋</mo> <mo>=</mo><mn>1</mn><mo>+</mo> <mo>⌊</mo
        ><mn id="log2">${show(log2)}</mn><mo>⌋</mo> <mo>=</mo
        ><mn id="b" class="answer">${parameter}</mn>
      </mrow>
    </math>
  </div>`;
}

/** @param {number} value */
function show(value) {
  return value.toPrecision(4).replace('-', '−');
}
