// SPDX-License-Identifier: Apache-2.0

import { make } from './dom.js';
import { formatBytes, formatNumber, formatPercent, formatTimes } from './units.js';

/**
 * @typedef {import('../protocol.js').Layer} Layer
 * @typedef {import('../protocol.js').ModelView} ModelView
 */

const FLOAT_BYTES = 4;

const HEADINGS = ['Layer', 'Weights', 'p₀', 'H', 'K', 'Format', 'Bytes', 'Dense', 'Ratio'];

/**
 * The table of the layers, with a sum that agrees with the bytes shown elsewhere.
 *
 * @param {HTMLElement} place
 * @param {ModelView} model
 */
export function showLayers(place, { bytes, denseBytes, layers }) {
  const head = make('tr', '', ...HEADINGS.map((heading) => make('th', '', heading)));
  for (const cell of head.cells) cell.scope = 'col';
  const weights = sum(layers, ({ rows, cols }) => rows * cols);
  const biasBytes = bytes - sum(layers, (layer) => layer.bytes);
  const rest = [denseBytes - weights * FLOAT_BYTES, biasBytes];
  const entropy = sum(layers, (layer) => layer.rows * layer.cols * layer.entropy) / weights;
  const zeros = 1 - sum(layers, ({ nnz }) => nnz) / weights;
  const caption = `${layers.length} layers, ${formatPercent(zeros)} of the weights are 0`;
  place.replaceChildren(
    make(
      'table',
      '',
      make('caption', '', caption),
      make('thead', '', head),
      make('tbody', '', ...layers.map(layerRow)),
      make(
        'tfoot',
        '',
        row('Biases', ['', '', '', '', '', ...byteCells(rest[1], rest[0])]),
        row('Total', [
          formatNumber(weights),
          '',
          formatNumber(entropy, 2),
          '',
          '',
          ...byteCells(bytes, denseBytes),
        ]),
      ),
    ),
  );
}

/** @param {Layer} layer */
function layerRow({ name, rows, cols, p0, entropy, distinct, format, bytes, why }) {
  const reason = make('details', '', make('summary', '', format), make('p', '', `${why}.`));
  return row(name, [
    `${rows}×${cols}`,
    formatPercent(p0),
    formatNumber(entropy, 2),
    formatNumber(distinct),
    reason,
    ...byteCells(bytes, rows * cols * FLOAT_BYTES),
  ]);
}

/**
 * @param {number} bytes
 * @param {number} denseBytes
 */
function byteCells(bytes, denseBytes) {
  return [
    formatBytes(bytes),
    formatBytes(denseBytes),
    bytes ? formatTimes(denseBytes / bytes) : '',
  ];
}

/**
 * @param {string} heading
 * @param {Array<string | Node>} cells
 */
function row(heading, cells) {
  const first = make('th', '', heading);
  first.scope = 'row';
  return make('tr', '', first, ...cells.map((cell) => make('td', '', cell)));
}

/**
 * @template T
 * @param {T[]} items
 * @param {(item: T) => number} value
 */
function sum(items, value) {
  return items.reduce((total, item) => total + value(item), 0);
}
