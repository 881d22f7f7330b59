// SPDX-License-Identifier: Apache-2.0

import { make, makeBar } from './dom.js';
import { formatNumber, formatPercent } from './units.js';

/**
 * The classes with their bars, and the time.
 *
 * @param {HTMLElement} place
 * @param {import('../protocol.js').Answer} answer
 */
export function showAnswer(place, { top, milliseconds, runs }) {
  const items = top.map(({ label, probability }) =>
    make(
      'li',
      '',
      make('span', 'label', label),
      make('span', 'number', formatPercent(probability)),
      makeBar(probability),
    ),
  );
  const time = make(
    'p',
    'time',
    make('strong', 'number', `${formatNumber(milliseconds, milliseconds < 10 ? 1 : 0)} ms`),
    ` for the network, the median of ${runs} runs after one to warm up`,
  );
  place.replaceChildren(make('ol', 'classes', ...items), time);
}
