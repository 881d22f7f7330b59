// SPDX-License-Identifier: Apache-2.0

import { html } from 'lit';
import { count as countOf, formatNumber, formatRounded } from '../common/units.js';

/**
 * @typedef {import('./dissect.js').Piece} Piece
 * @typedef {import('./dissect.js').Section} Section
 */

/** @type {Record<Section, string>} */
const TITLES = {
  frame: 'Who, when, what',
  option: 'p',
  head: 'Head',
  array: 'Floats',
  codes: 'Positions',
  checksum: 'Checksum',
};

/**
 * The bytes of a message, by what they are for.
 *
 * @param {Uint8Array} bytes
 * @param {Piece[]} pieces
 */
export function messageView(bytes, pieces) {
  const sections = Object.keys(TITLES).map((name) => /** @type {Section} */ (name));
  return html`<div class="message">
    ${sections.map((section) => {
      const own = pieces.filter((piece) => piece.section === section);
      return own.length > 0 ? sectionView(section, own, bytes) : '';
    })}
  </div>`;
}

/**
 * @param {Section} section
 * @param {Piece[]} pieces
 * @param {Uint8Array} bytes
 */
function sectionView(section, pieces, bytes) {
  const [start, end] = [pieces[0].from / 8, pieces[pieces.length - 1].to / 8];
  const own = bytes.subarray(start, end);
  return html`<section class="part ${section}" data-section=${section}>
    <h3>
      ${TITLES[section]}
      <span class="hint">${countOf(own.length, 'byte')}</span>
    </h3>
    <p class="hex number">
      ${Array.from(own, (byte) => html`<span>${byte.toString(16).padStart(2, '0')}</span> `)}
    </p>
    ${section === 'codes' ? codesNote(pieces) : meanings(section, pieces, bytes)}
  </section>`;
}

/**
 * @param {Section} section
 * @param {Piece[]} pieces
 * @param {Uint8Array} bytes
 */
function meanings(section, pieces, bytes) {
  return html`<dl class="meanings">
    ${pieces.map(
      (piece) =>
        html`<div data-piece=${piece.name}>
          <dt>${NAMES[piece.name] ?? piece.name}</dt>
          <dd>${piece.meaning.replace('-', '−')}</dd>
          ${section === 'head' ? html`<dd class="bits">${bitsOf(piece, bytes)}</dd>` : ''}
        </div>`,
    )}
  </dl>`;
}

/** @param {Piece[]} pieces */
function codesNote(pieces) {
  const bits = pieces.reduce(
    (sum, { name, from, to }) => sum + (name === 'padding' ? 0 : to - from),
    0,
  );
  const zeros = -bits & 7;
  return html`<p class="hint">
    the ${countOf(bits, 'bit')}
    above${zeros > 0 ? `, and ${zeros === 1 ? 'a zero' : countOf(zeros, 'zero')}` : ''}
  </p>`;
}

/** @type {Record<string, string>} */
const NAMES = { value: 'sign and mean', size: 'N', count: 'k', dense: 'sent whole' };

/**
 * @param {Piece} piece
 * @param {Uint8Array} bytes
 */
function bitsOf({ from, to }, bytes) {
  return Array.from({ length: to - from }, (_, i) => {
    const at = from + i;
    return (bytes[at >> 3] >> (at & 7)) & 1;
  }).join('');
}

/**
 * What the positions and the message weigh beside other ways to send them.
 *
 * @param {number} n
 * @param {number} count
 * @param {number} bits of all positions
 * @param {number} bytes of the message
 */
export function sizes(n, count, bits, bytes) {
  const rows = [
    ['positions', `The ${count === 1 ? 'position' : `${count} positions`}, coded`, bits],
    ['indices16', 'as 16-bit indices', 16 * count],
    ['indices32', 'as 32-bit indices', 32 * count],
    ['message', 'The whole message', 8 * bytes],
    ['dense', 'The update as 32-bit floats', 32 * n],
  ];
  const most = Math.max(...rows.map(([, , size]) => Number(size)));
  return html`<table class="sizes">
    <caption>
      What it weighs
    </caption>
    <thead>
      <tr>
        <th scope="col">What</th>
        <th scope="col">Bits</th>
        <th scope="col"><span class="hidden">Beside the others</span></th>
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        ([id, name, size]) =>
          html`<tr>
            <th scope="row">${name}</th>
            <td id="bits-${id}">${formatNumber(Number(size))}</td>
            <td class="wide">
              <div class="bar" aria-hidden="true">
                <div
                  class="fill ${/^(positions|message)$/.test(String(id)) ? '' : 'muted'}"
                  .style=${`width: ${(100 * Number(size)) / most}%`}
                ></div>
              </div>
              <span class="hidden"
                >${formatRounded((100 * Number(size)) / most, 3)} % of the largest</span
              >
            </td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}
