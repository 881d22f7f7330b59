// SPDX-License-Identifier: Apache-2.0

import { html } from 'lit';
import {
  compare,
  formatBytes,
  formatNumber,
  formatPercent,
  formatSeconds,
} from '../common/units.js';
import { ratioOf } from './record.js';

/** @typedef {import('./record.js').RunRecord} RunRecord */

/**
 * The numbers of a run as they are now.
 *
 * @param {RunRecord | undefined} record
 */
export function runFacts(record) {
  const last = record?.last;
  const ratio = ratioOf(last);
  return html`${headline(last, ratio)}
    <dl class="facts">
      ${fact(
        'Accuracy',
        'accuracy',
        record?.accuracy === undefined ? '–' : formatPercent(record.accuracy),
        'of digits not learned from',
      )}
      ${fact(
        'Round',
        'round',
        last ? formatNumber(last.round) : '–',
        last && record
          ? html`iteration <span id="iterations">${last.iterations}</span> of
              ${record.settings.iterations}`
          : '',
      )}
      ${fact('Loss', 'loss', last?.loss ? formatNumber(last.loss, 3) : '–', 'of the last round')}
      ${fact(
        'Got by each worker',
        'down',
        last ? formatBytes(last.down) : '–',
        last ? `dense: ${formatBytes(last.denseDown)}` : '',
      )}
      ${fact(
        'Simulated time',
        'seconds',
        last ? formatSeconds(last.seconds) : '–',
        last ? `dense: ${formatSeconds(last.denseSeconds)}` : '',
      )}
    </dl>
    ${
      record
        ? html`<p class="note" id="dense-note">
            Dense exchange: in each iteration a worker sends 4 bytes for each of the
            ${formatNumber(record.weights)} weights, and gets as many. A real message has a head and
            a checksum besides, some 30 bytes.
          </p>`
        : ''
    }`;
}

/**
 * @param {import('./record.js').Point | undefined} last
 * @param {number | undefined} ratio
 */
function headline(last, ratio) {
  // The number has a place of its own, and the words follow it.
  const words = compare(ratio ?? Infinity, 'fewer', 'more', { same: 'as many' });
  const [number, what] = words.startsWith('×') ? words.split(' ') : ['=', words];
  return html`<div class="headline">
    <p class="ratio number" id="ratio">${ratio === undefined ? '–' : number}</p>
    <p>
      ${what} bytes sent ${what === 'as many' ? 'as' : 'than'} by dense exchange:
      <b class="number" id="sent">${last ? formatBytes(last.up) : '–'}</b> by each worker, dense
      <b class="number" id="dense">${last ? formatBytes(last.denseUp) : '–'}</b>
    </p>
  </div>`;
}

/**
 * @param {string} name
 * @param {string} id
 * @param {unknown} value
 * @param {unknown} note
 */
function fact(name, id, value, note) {
  return html`<div>
    <dt>${name}</dt>
    <dd><span id=${id}>${value}</span> <span class="note">${note}</span></dd>
  </div>`;
}
