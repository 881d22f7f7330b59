// SPDX-License-Identifier: Apache-2.0

import { html, nothing, svg } from 'lit';
import { FORMATS } from '../../lib/lowtropy.js';
import {
  formatBytes,
  formatEnergy,
  formatMilliseconds,
  formatNumber,
  formatPercent,
  formatShort,
  formatTimes,
} from '../common/units.js';
import { key } from './format-bytes.js';

/**
 * @typedef {import('./protocol.js').Comparison} Comparison
 * @typedef {import('./protocol.js').Distribution} Distribution
 * @typedef {import('./protocol.js').Format} Format
 * @typedef {import('./protocol.js').Layer} Layer
 * @typedef {import('./protocol.js').ModelView} ModelView
 * @typedef {import('./protocol.js').Timing} Timing
 *
 * @typedef {object} TableOptions
 * @property {ModelView} model
 * @property {Timing | undefined} timing
 * @property {Comparison | undefined} comparison
 * @property {Record<string, Format>} chosen by layer
 * @property {(layer: string, format: Format | undefined) => void} onFormat
 * @property {number} rows that are shown already
 */

const FLOAT_BYTES = 4;
const COLUMNS = 12;

/** Headings of columns that are no numbers. @type {unknown[]} */
const LEFT = ['Format', 'Why'];

/**
 * The table of the layers, with a sum that agrees with the bytes shown elsewhere.
 *
 * @param {TableOptions} options
 */
export function layerTable(options) {
  const { bytes, denseBytes, layers } = options.model;
  const weights = sum(layers, ({ rows, cols }) => rows * cols);
  const nonzero = sum(layers, ({ nnz }) => nnz);
  const biasBytes = bytes - sum(layers, (layer) => layer.bytes);
  const entropy = sum(layers, (layer) => layer.rows * layer.cols * layer.entropy) / weights;
  return html`<div class="scroll" role="region" aria-label="Table of the layers" tabindex="0">
    <table id="layers">
      <caption>
        ${layers.length} layers, ${formatNumber(weights)} weights,
        ${formatPercent(1 - nonzero / weights)} of them 0
      </caption>
      <thead>
        <tr>
          ${[
            'Layer',
            'Weights',
            'Values',
            html`p<sub>0</sub>`,
            'H',
            'K',
            'Format',
            'Bytes',
            'Smaller',
            'Time',
            'Energy',
            'Why',
          ].map(
            (heading) =>
              html`<th scope="col" class=${LEFT.includes(heading) ? 'left' : ''}>${heading}</th>`,
          )}
        </tr>
      </thead>
      <tbody>
        ${layers.slice(0, options.rows).map((layer) => layerRow(layer, options))}
      </tbody>
      <tfoot>
        ${footRow('Biases', biasBytes, denseBytes - weights * FLOAT_BYTES)}
        ${footRow('Total', bytes, denseBytes, formatNumber(entropy, 2))}
      </tfoot>
    </table>
  </div>`;
}

/**
 * @param {Layer} layer
 * @param {TableOptions} options
 */
function layerRow(layer, { timing, comparison, chosen, onFormat }) {
  const { name, rows, cols, p0, entropy, distinct, format, bytes, energyPj, why } = layer;
  const milliseconds = timing?.steps[name];
  return html`<tr>
    <th scope="row">${name}</th>
    <td>${rows}×${cols}</td>
    <td>${histogram(name, comparison?.distributions[name])}</td>
    <td>${formatPercent(p0)}</td>
    <td>${formatNumber(entropy, 2)}</td>
    <td>${formatNumber(distinct)}</td>
    <td class="left">${key(format)}${formatSelect(layer, chosen[name], onFormat)}</td>
    <td>${formatBytes(bytes)}</td>
    <td>${formatTimes((rows * cols * FLOAT_BYTES) / bytes)}</td>
    <td>${milliseconds === undefined ? '…' : formatMilliseconds(milliseconds)}</td>
    <td>${formatEnergy(energyPj)}</td>
    <td class="left">
      <details>
        <summary>why</summary>
        <p>${sentence(why)}</p>
      </details>
    </td>
  </tr>`;
}

/** @param {string} text */
function sentence(text) {
  return `${text[0].toUpperCase()}${text.slice(1)}.`;
}

/**
 * @param {Layer} layer
 * @param {Format | undefined} chosen
 * @param {TableOptions['onFormat']} onFormat
 */
function formatSelect({ name, format, bytesIn, autoFormat }, chosen, onFormat) {
  const change = (/** @type {Event} */ { target }) => {
    const { value } = /** @type {HTMLSelectElement} */ (target);
    onFormat(name, value ? /** @type {Format} */ (value) : undefined);
  };
  return html`<select class="small" aria-label="Format of ${name}" @change=${change}>
    <option value="" .selected=${chosen === undefined}>${format}</option>
    <option value="auto" .selected=${chosen === 'auto'}>auto: ${autoFormat}</option>
    ${FORMATS.map(
      (known) =>
        html`<option value=${known} .selected=${chosen === known}>
          ${known}, ${formatBytes(bytesIn[known])}
        </option>`,
    )}
  </select>`;
}

/**
 * @param {string} name
 * @param {Distribution | undefined} distribution
 */
function histogram(name, distribution) {
  if (!distribution) return nothing;
  const { counts, low, high } = distribution;
  // Most weights may be 0, beside which the others would not be seen: heights are logarithms.
  const most = Math.log1p(Math.max(...counts));
  const label =
    `Values of ${name} from ${formatShort(low)} to ${formatShort(high)}; ` +
    'the heights are logarithms of how many there are';
  return html`<svg
    class="histogram"
    viewBox="0 0 ${2 * counts.length} 24"
    role="img"
    aria-label=${label}
  >
    <title>${label}</title>
    ${counts.map((count, i) => {
      const height = (24 * Math.log1p(count)) / most;
      return svg`<rect x=${2 * i} y=${24 - height} width="1.6" height=${height} />`;
    })}
  </svg>`;
}

/**
 * @param {string} heading
 * @param {number} bytes
 * @param {number} denseBytes
 * @param {string} [entropy]
 */
function footRow(heading, bytes, denseBytes, entropy = '') {
  return html`<tr>
    <th scope="row">${heading}</th>
    <td colspan="3"></td>
    <td>${entropy}</td>
    <td colspan="2"></td>
    <td>${formatBytes(bytes)}</td>
    <td>${bytes > 0 ? formatTimes(denseBytes / bytes) : ''}</td>
    <td colspan=${COLUMNS - 9}></td>
  </tr>`;
}

/**
 * @template T
 * @param {T[]} items
 * @param {(item: T) => number} value
 */
function sum(items, value) {
  return items.reduce((total, item) => total + value(item), 0);
}
