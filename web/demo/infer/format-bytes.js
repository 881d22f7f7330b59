// SPDX-License-Identifier: Apache-2.0

import { html, svg } from 'lit';
import { FORMATS } from '../../lib/lowtropy.js';
import { styles } from '../common/styles.js';
import { formatBytes } from '../common/units.js';
import { colorOf } from './format-colors.js';

/**
 * @typedef {import('./protocol.js').FormatName} FormatName
 * @typedef {import('./protocol.js').Layer} Layer
 * @typedef {import('./protocol.js').ModelView} ModelView
 */

/** In the picture's own units; the stylesheet stretches it. */
const WIDTH = 1000;
const HEIGHT = 28;

/**
 * One stacked bar for each way to hold all layers: one format for all, and as they are held now.
 *
 * @param {ModelView} model
 */
export function formatBars({ layers }) {
  const rows = [
    { name: 'as held now', parts: layers.map(({ format, bytes }) => ({ format, bytes })) },
    ...FORMATS.map((format) => ({
      name: format,
      parts: layers.map(({ bytesIn }) => ({ format, bytes: bytesIn[format] })),
    })).filter(({ parts }) => parts.every(({ bytes }) => Number.isFinite(bytes))),
  ];
  const sums = rows.map(({ parts }) => parts.reduce((sum, { bytes }) => sum + bytes, 0));
  const most = Math.max(...sums);
  return html`<ol class="stacks" id="stacks" aria-label="Bytes of all layers by format">
    ${rows.map(
      ({ name, parts }, i) =>
        html`<li>
          <span class="label">${i > 0 ? key(name) : ''}${name}</span>
          ${stack(parts, most)}
          <span class="number">${formatBytes(sums[i])}</span>
        </li>`,
    )}
  </ol>`;
}

/** @param {string} format */
export function key(format) {
  const style = styles({ background: `var(${colorOf(format)})` });
  return html`<span class="key" ${style} aria-hidden="true"></span> `;
}

/**
 * @param {Array<{ format: string, bytes: number }>} parts
 * @param {number} most bytes of the longest
 */
function stack(parts, most) {
  let at = 0;
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">
    ${parts.map(({ format, bytes }) => {
      const [x, width] = [at, (WIDTH * bytes) / most];
      at += width;
      return svg`<rect x=${x} width=${width} height=${HEIGHT} class="part"
        fill="var(${colorOf(format)})" />`;
    })}
  </svg>`;
}
