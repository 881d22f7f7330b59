// SPDX-License-Identifier: Apache-2.0

/** The formats' colours: the same in maps and curves. */

import { INK } from '../common/svg.js';

/** @typedef {import('../../web/lib/index.js').FormatName} FormatName */

/**
 * Okabe and Ito's colours, which most eyes tell apart. Dense, which the others are held against, is
 * pale as an area; as a line it is ink.
 *
 * @type {Record<FormatName, string>}
 */
export const COLORS = {
  dense: '#d9dee4',
  csr: '#56b4e9',
  cer: '#e69f00',
  cser: '#d55e00',
  palette: '#cc79a7',
  pcsr: '#0072b2',
  mask: '#009e73',
  blocks: INK,
  grid: '#f0e442',
};

/** Those whose areas take white letters. @type {readonly FormatName[]} */
export const DARK = ['cser', 'pcsr', 'mask', 'blocks'];

/** Lines that are often in the same place. @type {Partial<Record<FormatName, string>>} */
export const DASHES = { cer: '5 2.5' };
