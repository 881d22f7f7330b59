// SPDX-License-Identifier: Apache-2.0

import { html, nothing, svg } from 'lit';
import { FORMATS } from '../../lib/lowtropy.js';
import {
  count,
  formatBytes,
  formatEnergy,
  formatMilliseconds,
  formatNumber,
  formatPercent,
  formatShort,
} from '../common/units.js';
import { key } from './format-bytes.js';

/**
 * @typedef {import('./protocol.js').Distribution} Distribution
 * @typedef {import('./protocol.js').Format} Format
 * @typedef {import('./protocol.js').Layer} Layer
 * @typedef {import('./protocol.js').ModelView} ModelView
 * @typedef {import('./protocol.js').Timing} Timing
 *
 * @typedef {object} TableOptions
 * @property {ModelView} model
 * @property {Timing | undefined} timing
 * @property {Record<string, Distribution> | undefined} distributions by layer
 * @property {Record<string, Format>} chosen by layer
 * @property {(layer: string, format: Format | undefined) => void} onFormat
 * @property {number} rows that are shown already
 */

const FLOAT_BYTES = 4;

const COLUMNS = [
  ...['Layer', 'Weights', 'Values', 'p0', 'H', 'K', 'Format'],
  ...['Bytes', 'Of dense', 'Time', 'Energy', 'Why'],
];

/** Headings of columns that are no numbers. */
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
  return html`<div
    class="scroll layers"
    role="region"
    aria-label="Table of the layers"
    tabindex="0"
  >
    <table id="layers">
      <caption>
        ${count(layers.length, 'layer')}, ${count(weights, 'weight')},
        ${formatPercent(1 - nonzero / weights)} of them 0
      </caption>
      <thead>
        <tr>
          ${COLUMNS.map(
            (name) =>
              html`<th scope="col" class=${LEFT.includes(name) ? 'left' : ''}>
                ${name === 'p0' ? html`p<sub>0</sub>` : name}
              </th>`,
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
function layerRow(layer, { timing, distributions, chosen, onFormat }) {
  const { name, rows, cols, p0, entropy, distinct, format, bytes, energyPj, why } = layer;
  const milliseconds = timing?.steps[name];
  return html`<tr>
    <th scope="row">${name}</th>
    <td data-name="Weights">${rows}×${cols}</td>
    <td data-name="Values">${histogram(name, distributions?.[name])}</td>
    <td data-name="p₀">${formatPercent(p0)}</td>
    <td data-name="H">${formatNumber(entropy, 2)}</td>
    <td data-name="K">${formatNumber(distinct)}</td>
    <td data-name="Format" class="left">
      ${key(format)}${formatSelect(layer, chosen[name], onFormat)}
    </td>
    <td data-name="Bytes">${formatBytes(bytes)}</td>
    <td data-name="Of dense">${ofDense(bytes, rows * cols * FLOAT_BYTES)}</td>
    <td data-name="Time">${milliseconds === undefined ? '…' : formatMilliseconds(milliseconds)}</td>
    <td data-name="Energy">${formatEnergy(energyPj)}</td>
    <td class="left why">
      <details>
        <summary>why</summary>
        <p>${sentence(why)}</p>
      </details>
    </td>
  </tr>`;
}

/**
 * @param {number} bytes
 * @param {number} denseBytes
 */
function ofDense(bytes, denseBytes) {
  return denseBytes > 0 ? formatPercent(bytes / denseBytes) : '';
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
    ${FORMATS.filter((known) => Number.isFinite(bytesIn[known])).map(
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
    ${entropy ? html`<td data-name="H">${entropy}</td>` : html`<td></td>`}
    <td colspan="2"></td>
    <td data-name="Bytes">${formatBytes(bytes)}</td>
    <td data-name="Of dense">${ofDense(bytes, denseBytes)}</td>
    <td colspan=${COLUMNS.length - 9}></td>
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
