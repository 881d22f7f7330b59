// SPDX-License-Identifier: Apache-2.0

import { html } from 'lit';
import { explain } from '../common/explain.js';
import { formatPercent, formatTimes } from '../common/units.js';
import { MAP_N, MAP_P, runOfCell } from './map-cells.js';
import { ratioOf } from './record.js';
import { formatShare } from './settings.js';
import { styles } from '../common/styles.js';

/**
 * @typedef {import('./map-cells.js').Cell} Cell
 * @typedef {import('./record.js').RunRecord} RunRecord
 * @typedef {import('./settings.js').Settings} Settings
 *
 * @typedef {object} MapState
 * @property {RunRecord[]} runs
 * @property {Settings} settings
 * @property {boolean} locked whether a run is under way
 * @property {boolean} filling whether runs are started one after the other
 * @property {(cell: Cell) => void} choose
 * @property {() => void} fill
 * @property {() => void} stop
 */

/** Sparsity against delay, a cell for each pair, filled in by runs. @param {MapState} state */
export function fractionMap(state) {
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Sparsity and delay">
      <table class="map" id="map">
        <thead>
          <tr>
            <th scope="col">n \\ p</th>
            ${MAP_P.map((p) => html`<th scope="col">${formatShare(p)}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${MAP_N.map(
            (n) =>
              html`<tr>
                <th scope="row">${n}</th>
                ${MAP_P.map((p) => cellOf(state, { p, n }))}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    <p class="row">
      ${
        state.filling
          ? html`<button type="button" id="fill-stop" @click=${state.stop}>Stop filling</button>`
          : html`<button type="button" id="fill" ?disabled=${state.locked} @click=${state.fill}>
              Fill the map
            </button>`
      }
      <span class="note">with the other settings as they are above</span>
    </p>
    ${explain(
      'Each cell is a run: the accuracy reached, and how many times fewer bytes were sent. The last column sends all entries, which is FedAvg, and its first cell is dense exchange.',
      'Bytes are saved by sending fewer entries or by sending less often; here one sees what either costs in accuracy.',
      'sbc',
      'section I',
    )}`;
}

/**
 * @param {MapState} state
 * @param {Cell} cell
 */
function cellOf({ runs, settings, locked, choose }, cell) {
  const run = runOfCell(runs, settings, cell);
  const name = `p = ${formatShare(cell.p)}, n = ${cell.n}`;
  if (!run) {
    return html`<td>
      <button
        type="button"
        class="small"
        aria-label="Set ${name}"
        ?disabled=${locked}
        @click=${() => choose(cell)}
      >
        set
      </button>
    </td>`;
  }
  const accuracy = run.accuracy ?? 0;
  const ratio = ratioOf(run.last);
  // Text stays readable on the deepest tint.
  const tint = `color-mix(in srgb, var(--accent) ${Math.round(34 * accuracy ** 4)}%, var(--card))`;
  return html`<td class="filled" data-cell="${cell.p}:${cell.n}" ${styles({ background: tint })}>
    <b>${formatPercent(accuracy)}</b>
    <span>${ratio === undefined ? '' : formatTimes(ratio)}</span>
  </td>`;
}
