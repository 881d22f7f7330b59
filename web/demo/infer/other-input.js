// SPDX-License-Identifier: Apache-2.0

/** Networks that neither read digits nor name what photographs show: what goes in, what comes out. */

import { html } from 'lit';
import { SAMPLE_RATE } from './recording.js';

/**
 * @typedef {import('./infer-view.js').InferView} InferView
 * @typedef {import('./protocol.js').Answer} Answer
 * @typedef {import('./protocol.js').PixelRange} PixelRange
 * @typedef {import('./protocol.js').ValueFacts} ValueFacts
 */

/** @type {Record<PixelRange, string>} */
const RANGES = {
  caffe: 'BGR, less its mean (Caffe)',
  imagenet: 'RGB, normalized (ImageNet)',
  unit: 'RGB from 0 to 1',
  signed: 'RGB from −1 to 1',
  bytes: 'RGB from 0 to 255',
};

/** @param {InferView} view */
export function otherInput(view) {
  const { engine } = view;
  const inputs = engine.model?.inputs ?? [];
  const hears = inputs.some(({ type }) => type === 'float32');
  return html`<h2>What it takes and gives</h2>
    <p class="hint" id="other-hint">
      Its file does not say what ${inputs.length === 1 ? 'its input is' : 'its inputs are'}, so it
      runs on
      noise${hears ? `; or drop a recording, which it hears at ${SAMPLE_RATE / 1000} kHz` : ''}.
    </p>
    ${inputTable(inputs)} ${engine.answer ? outputTable(engine.answer) : ''}
    <div class="row">
      <button type="button" id="noise" @click=${() => view.makeNoise()}>Other noise</button>
      ${engine.answer ? html`<span class="hint" id="ran-on">It ran on ${engine.answer.on}.</span>` : ''}
    </div>`;
}

/** @param {ValueFacts[]} inputs */
function inputTable(inputs) {
  return html`<table class="values" id="inputs">
    <thead>
      <tr>
        <th scope="col">Input</th>
        <th scope="col">Type and shape</th>
      </tr>
    </thead>
    <tbody>
      ${inputs.map(
        ({ name, type, shape }) =>
          html`<tr>
            <th scope="row">${name}</th>
            <td>${type} ${shape.join('×')}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

/** @param {Answer} answer */
export function outputTable({ outputs }) {
  return html`<table class="values" id="outputs">
    <thead>
      <tr>
        <th scope="col">Output</th>
        <th scope="col">Type and shape</th>
        <th scope="col">Least</th>
        <th scope="col">Most</th>
      </tr>
    </thead>
    <tbody>
      ${outputs.map(
        ({ name, type, shape, least, most }) =>
          html`<tr>
            <th scope="row">${name}</th>
            <td>${type} ${shape.join('×')}</td>
            <td>${short(least)}</td>
            <td>${short(most)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

/**
 * @param {InferView} view
 * @param {PixelRange} range
 */
export function pixelRange(view, range) {
  const change = (/** @type {Event} */ { target }) => {
    const { value } = /** @type {HTMLSelectElement} */ (target);
    view.takePixelsAs(/** @type {PixelRange} */ (value));
  };
  return html`<div class="row">
    <label for="pixel-range">Pixels come in as</label>
    <select id="pixel-range" @change=${change}>
      ${Object.entries(RANGES).map(
        ([key, text]) => html`<option value=${key} .selected=${key === range}>${text}</option>`,
      )}
    </select>
  </div>`;
}

/** @param {number} value */
function short(value) {
  return Number.isInteger(value) ? `${value}` : Number(value.toPrecision(4)).toString();
}
