// SPDX-License-Identifier: Apache-2.0

import { make, makeBar } from './dom.js';
import { formatBytes, formatTimes } from './units.js';

/**
 * The bytes as held beside dense ones, and as they came.
 *
 * @param {HTMLElement} place
 * @param {import('../protocol.js').ModelView} model
 * @param {'Downloaded' | 'Read from files'} origin
 */
export function showBytes(place, { bytes, denseBytes, sourceBytes }, origin) {
  const most = Math.max(bytes, denseBytes, sourceBytes);
  const ratio = denseBytes / bytes;
  const compared =
    ratio >= 1 ? `${formatTimes(ratio)} smaller than dense` : `${formatTimes(1 / ratio)} the dense`;
  /** @type {Array<[name: string, value: number, note: string, className: string]>} */
  const rows = [
    ['Held in memory', bytes, bytes === denseBytes ? 'the same as dense' : compared, ''],
    ['As dense float32', denseBytes, '', 'muted'],
    [origin, sourceBytes, '', 'muted'],
  ];
  place.replaceChildren(
    make(
      'dl',
      'bytes',
      ...rows.map(([name, value, note, className]) =>
        make(
          'div',
          '',
          make('dt', '', name),
          make(
            'dd',
            'number',
            make('strong', '', formatBytes(value)),
            ' ',
            make('span', 'note', note),
          ),
          make('dd', '', makeBar(value / most, className)),
        ),
      ),
    ),
  );
}
