// SPDX-License-Identifier: Apache-2.0

import { FORMAT_NOTES as NOTES } from '../../../dist/lowtropy.formats.js';
import { FORMATS } from '../../lib/lowtropy.js';

/** @typedef {import('./protocol.js').Format} Format */

/**
 * @param {string} format
 * @returns {string} its colour, a variable of the stylesheet
 */
export function colorOf(format) {
  return `--c${1 + FORMATS.findIndex((known) => known === format)}`;
}

/** What the formats are, in a few words. @type {Record<Format, string>} */
export const FORMAT_NOTES = { auto: 'the best for each layer', ...NOTES };
