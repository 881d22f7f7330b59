// SPDX-License-Identifier: Apache-2.0

import { make } from './dom.js';
import { formatBytes, formatNumber, formatPercent, formatTimes } from './units.js';

/**
 * @typedef {import('../protocol.js').Layer} Layer
 * @typedef {import('../protocol.js').ModelView} ModelView
 */

const FLOAT_BYTES = 4;

/** What matters most comes first: on a phone the rest is scrolled to. */
const HEADINGS = ['Layer', 'Format', 'H', 'Bytes', 'Dense', 'Ratio', 'Weights', 'p₀', 'K'];

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
        row('Biases', ['', '', ...byteCells(biasBytes, denseBytes - weights * FLOAT_BYTES)]),
        row('Total', [
          '',
          formatNumber(entropy, 2),
          ...byteCells(bytes, denseBytes),
          formatNumber(weights),
        ]),
      ),
    ),
  );
}

/** @param {Layer} layer */
function layerRow({ name, rows, cols, p0, entropy, distinct, format, bytes, why }) {
  const reason = make('details', '', make('summary', '', format), make('p', '', `${why}.`));
  return row(name, [
    reason,
    formatNumber(entropy, 2),
    ...byteCells(bytes, rows * cols * FLOAT_BYTES),
    `${rows}×${cols}`,
    formatPercent(p0),
    formatNumber(distinct),
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
 * @param {Array<string | Node>} cells those at the end may be missing
 */
function row(heading, cells) {
  const first = make('th', '', heading);
  first.scope = 'row';
  const padding = new Array(HEADINGS.length - 1 - cells.length).fill('');
  return make('tr', '', first, ...[...cells, ...padding].map((cell) => make('td', '', cell)));
}

/**
 * @template T
 * @param {T[]} items
 * @param {(item: T) => number} value
 */
function sum(items, value) {
  return items.reduce((total, item) => total + value(item), 0);
}
