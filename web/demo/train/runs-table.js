// SPDX-License-Identifier: Apache-2.0

import { html } from 'lit';
import { makeHash } from '../address.js';
import { lineKey } from '../common/chart.js';
import { formatBytes, formatPercent, formatSeconds, formatTimes } from '../common/units.js';
import { lookOf, ratioOf } from './record.js';
import { settingsToAddress } from './settings.js';

/** @typedef {import('./record.js').RunRecord} RunRecord */

/**
 * The runs that were kept.
 *
 * @param {RunRecord[]} runs
 * @param {(run: RunRecord) => void} remove
 */
export function runsTable(runs, remove) {
  if (runs.length === 0) {
    return html`<p class="hint" id="no-runs">
      Each run stays here to be compared. Try Baseline, FedAvg, Top-k and SBC one after the other.
    </p>`;
  }
  return html`<div class="scroll runs" tabindex="0" role="group" aria-label="Runs">
    <table id="runs">
      <thead>
        <tr>
          <th scope="col">Run</th>
          <th scope="col">Accuracy</th>
          <th scope="col">Sent</th>
          <th scope="col">Fewer</th>
          <th scope="col">Time</th>
          <th scope="col"><span class="hidden">Change</span></th>
        </tr>
      </thead>
      <tbody>
        ${runs.map((run) => row(run, remove))}
      </tbody>
    </table>
  </div>`;
}

/**
 * @param {RunRecord} run
 * @param {(run: RunRecord) => void} remove
 */
function row(run, remove) {
  const { last, settings, state } = run;
  const ratio = ratioOf(last);
  const progress = last ? `${last.iterations} of ${settings.iterations} iterations` : 'no rounds';
  const title = `${settings.workers} workers, ${settings.model}, seed ${settings.seed}, ${progress}`;
  return html`<tr data-run=${run.id}>
    <th scope="row" title=${title}>
      ${key(run)} <span class="name">${run.name}</span>
      ${state === 'finished' ? '' : html`<span class="note">${state}, ${progress}</span>`}
    </th>
    <td>${run.accuracy === undefined ? '–' : formatPercent(run.accuracy)}</td>
    <td>${last ? formatBytes(last.up) : '–'}</td>
    <td>${ratio === undefined ? '–' : formatTimes(ratio)}</td>
    <td>${last ? formatSeconds(last.seconds) : '–'}</td>
    <td class="do">
      <a href=${makeHash('train', settingsToAddress(settings))} aria-label="Again: ${run.name}"
        >again</a
      >
      <button
        type="button"
        class="small"
        aria-label="Remove ${run.name}"
        ?disabled=${state === 'running'}
        @click=${() => remove(run)}
      >
        ✕
      </button>
    </td>
  </tr>`;
}

/** A piece of its line. @param {RunRecord} run */
function key(run) {
  const { color, dash } = lookOf(run);
  return lineKey(color, dash);
}
