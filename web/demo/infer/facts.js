// SPDX-License-Identifier: Apache-2.0

import { html, nothing } from 'lit';
import {
  compare,
  formatBytes,
  formatEnergy,
  formatMilliseconds,
  formatPercent,
  formatShort,
} from '../common/units.js';
import { bar } from './answer.js';

/**
 * @typedef {import('./engine.js').Measuring} Measuring
 * @typedef {import('./protocol.js').Comparison} Comparison
 * @typedef {import('./protocol.js').ModelView} ModelView
 * @typedef {import('./protocol.js').Spread} Spread
 * @typedef {import('./protocol.js').Timing} Timing
 *
 * @typedef {object} Facts
 * @property {ModelView | undefined} model
 * @property {string} origin how its bytes came
 * @property {Timing | undefined} timing
 * @property {Comparison | undefined} comparison
 * @property {Measuring} measuring
 */

/** Differences below this are rounding: float32 sums in another order. */
const ROUNDING = 1e-5;

/** Times that differ by less are about the same. */
const SAME_TIME = 0.05;

/** What is said instead of a time. @type {Record<Measuring, string>} */
const WAITING = {
  no: 'not measured yet',
  measuring: 'measuring …',
  here: 'measured later: this page is training',
  elsewhere: 'measured later: another tab is training',
  stopped: 'measuring was stopped',
  done: '',
};

/**
 * The numbers that matter: time, bytes, energy, each beside dense, and whether the answer stays.
 *
 * @param {Facts} facts
 * @param {{ measure: () => void, stop: () => void }} commands
 */
export function factList({ model, origin, timing, comparison, measuring }, commands) {
  const energy = model?.layers.reduce((sum, { energyPj }) => sum + energyPj, 0);
  const run = comparison?.ours ?? timing?.run;
  return html`<dl class="facts" id="facts">
      ${fact(
        'A run takes',
        run ? formatMilliseconds(run.median) : WAITING[measuring],
        html`${run ? quartiles(run) : nothing}
        ${
          comparison
            ? html`<span id="versus"
                >${timeVersus(comparison)}, ${formatMilliseconds(comparison.dense.median)}
                ${quartiles(comparison.dense)}</span
              >`
            : nothing
        }`,
      )}
      ${fact(
        'Energy by the cost model',
        energy === undefined ? undefined : formatEnergy(energy),
        comparison && energy
          ? `${versus(comparison.energyPj / energy, 'less', 'more', 'as much as')} dense, ` +
              formatEnergy(comparison.energyPj)
          : undefined,
      )}
      ${fact('The answer', ...stays(timing))}
    </dl>
    ${model ? measureRow(measuring, run !== undefined, commands) : nothing}
    ${model ? byteBars(model, origin) : nothing}`;
}

/**
 * How far measuring is, and what can be done about it.
 *
 * @param {Measuring} measuring
 * @param {boolean} isKnown
 * @param {{ measure: () => void, stop: () => void }} commands
 */
function measureRow(measuring, isKnown, { measure, stop }) {
  const isBusy = measuring === 'measuring';
  return html`<div class="row measure">
    <button type="button" class="small" id="measure" @click=${isBusy ? stop : measure}>
      ${isBusy ? 'Stop measuring' : 'Measure again'}
    </button>
    <span class="note" id="measuring" role="status"
      >${isKnown || measuring !== 'no' ? WAITING[measuring] : ''}</span
    >
  </div>`;
}

/** @param {Spread} spread */
function quartiles({ low, high }) {
  const [from, to] = [low, high].map(formatMilliseconds);
  const [number, unit] = from.split(' ');
  const range = from === to ? from : to.endsWith(unit) ? `${number} to ${to}` : `${from} to ${to}`;
  return html`<span class="spread">(half of the runs: ${range})</span>`;
}

/**
 * @param {Comparison} comparison
 * @returns {'faster' | 'slower' | 'same'} than dense; the same where half of the times of one reach
 *   into those of the other, or nearly so
 */
export function speedOf({ dense, ours }) {
  const apart = ours.high < dense.low || ours.low > dense.high;
  const ratio = dense.median / ours.median;
  if (!apart || Math.abs(Math.log(ratio)) < Math.log1p(SAME_TIME)) return 'same';
  return ratio > 1 ? 'faster' : 'slower';
}

/** @param {Comparison} comparison */
function timeVersus(comparison) {
  const { dense, ours } = comparison;
  if (speedOf(comparison) === 'same') return 'about as fast as dense';
  return `${compare(dense.median / ours.median, 'faster', 'slower')} than dense`;
}

/**
 * @param {number} ratio
 * @param {string} better
 * @param {string} worse
 * @param {string} same
 */
function versus(ratio, better, worse, same) {
  const text = compare(ratio, better, worse, { same });
  return text === same ? same : `${text} than`;
}

/**
 * What the numbers say, in words: nothing that they do not.
 *
 * @param {Facts} facts
 */
export function costWords({ model, comparison, timing }) {
  if (!model) return '';
  const { bytes, denseBytes, layers } = model;
  if (layers.length === 0) return 'It has no matrices of weights.';
  const weights = layers.reduce((sum, { rows, cols }) => sum + rows * cols, 0);
  const zeros = 1 - layers.reduce((sum, { nnz }) => sum + nnz, 0) / weights;
  const most = Math.max(...layers.map(({ distinct }) => distinct));
  const few = most <= 256;
  const what =
    `Of the weights ${formatPercent(zeros, zeros > 0.1 ? 0 : 1)} are 0, and ` +
    (few ? `no layer has more than ${most} different ones` : 'there are many different ones');
  const size = compare(denseBytes / bytes, 'smaller', 'larger', { same: '' });
  const held = size
    ? `held like this they are ${size} than dense, and nothing is unpacked to run them`
    : 'held like this they are as large as dense';
  const speed = comparison && speedOf(comparison);
  const time = {
    faster: 'the products take less time, for they skip what repeats or is 0',
    slower: 'the products take more time than dense ones here, which pack nothing',
    same: 'the products take about as long as dense ones',
  };
  const answer =
    timing?.difference !== undefined && timing.difference < ROUNDING
      ? '; the answer stays the same'
      : '';
  return `${what}; ${held}${speed ? `; ${time[speed]}` : ''}${answer}.`;
}

/**
 * @param {string} name
 * @param {string | undefined} value
 * @param {unknown} [note]
 */
function fact(name, value, note) {
  return html`<div>
    <dt>${name}</dt>
    <dd>${value ?? '…'}${note ? html`<span class="note">${note}</span>` : nothing}</dd>
  </div>`;
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
  const most = Math.max(bytes, denseBytes, sourceBytes, 1);
  return html`<dl class="bytes" id="bytes">
    ${[
      { name: origin, value: sourceBytes, note: '', className: '' },
      {
        name: 'In memory',
        value: bytes,
        note: bytes > 0 ? compare(denseBytes / bytes, 'smaller', 'larger', { same: '' }) : '',
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
