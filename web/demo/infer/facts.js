// SPDX-License-Identifier: Apache-2.0

import { html, nothing } from 'lit';
import {
  formatBytes,
  formatEnergy,
  formatMilliseconds,
  formatShort,
  formatTimes,
} from '../common/units.js';
import { bar } from './answer.js';

/**
 * @typedef {import('./protocol.js').Comparison} Comparison
 * @typedef {import('./protocol.js').ModelView} ModelView
 * @typedef {import('./protocol.js').Timing} Timing
 *
 * @typedef {object} Facts
 * @property {ModelView | undefined} model
 * @property {string} origin how its bytes came
 * @property {Timing | undefined} timing
 * @property {Comparison | undefined} comparison
 */

/** Differences below this are rounding: float32 sums in another order. */
const ROUNDING = 1e-5;

/**
 * The numbers that matter: time, bytes, energy, each beside dense, and whether the answer stays.
 *
 * @param {Facts} facts
 */
export function factList({ model, origin, timing, comparison }) {
  const energy = model?.layers.reduce((sum, { energyPj }) => sum + energyPj, 0);
  return html`<dl class="facts" id="facts">
      ${fact(
        'A run takes',
        timing && formatMilliseconds(comparison?.ours ?? timing.milliseconds),
        comparison &&
          versus(comparison.milliseconds / comparison.ours, 'faster', 'slower') +
            ` than dense, ${formatMilliseconds(comparison.milliseconds)}`,
      )}
      ${fact(
        'Energy by the cost model',
        energy === undefined ? undefined : formatEnergy(energy),
        comparison && energy
          ? `${versus(comparison.energyPj / energy, 'less', 'more')} than dense, ` +
              formatEnergy(comparison.energyPj)
          : undefined,
      )}
      ${fact('The answer', ...stays(timing))}
    </dl>
    ${model ? byteBars(model, origin) : nothing}`;
}

/**
 * @param {string} name
 * @param {string | undefined} value
 * @param {string} [note]
 */
function fact(name, value, note) {
  return html`<div>
    <dt>${name}</dt>
    <dd>${value ?? '…'}${note ? html`<span class="note">${note}</span>` : nothing}</dd>
  </div>`;
}

/**
 * @param {number} ratio
 * @param {string} better
 * @param {string} worse
 */
function versus(ratio, better, worse) {
  if (ratio > 0.995 && ratio < 1.005) return `no ${better}`;
  return ratio >= 1 ? `${formatTimes(ratio)} ${better}` : `${formatTimes(1 / ratio)} ${worse}`;
}

/**
 * @param {Timing | undefined} timing
 * @returns {[value: string | undefined, note?: string]}
 */
function stays(timing) {
  if (!timing) return [undefined];
  const { difference } = timing;
  if (difference === undefined) return ['–', 'there is nothing to answer to'];
  if (difference === 0) return ['stays', 'bit for bit the same'];
  return difference < ROUNDING
    ? ['stays', `probabilities move by ${formatShort(difference, 1)}, which is rounding`]
    : ['moves', `by ${formatShort(difference, 2)}`];
}

/**
 * Bytes as held beside dense ones, and as they came.
 *
 * @param {ModelView} model
 * @param {string} origin
 */
function byteBars({ bytes, denseBytes, sourceBytes }, origin) {
  const most = Math.max(bytes, denseBytes, sourceBytes);
  return html`<dl class="bytes" id="bytes">
    ${[
      { name: origin, value: sourceBytes, note: '', className: '' },
      {
        name: 'In memory',
        value: bytes,
        note: bytes === denseBytes ? '' : versus(denseBytes / bytes, 'smaller', 'larger'),
        className: '',
      },
      { name: 'As dense float32', value: denseBytes, note: '', className: 'muted' },
    ].map(
      ({ name, value, note, className }) =>
        html`<div>
          <dt>${name}</dt>
          <dd class="number">
            <strong>${formatBytes(value)}</strong> <span class="note">${note}</span>
          </dd>
          <dd>${bar(value / most, className)}</dd>
        </div>`,
    )}
  </dl>`;
}
