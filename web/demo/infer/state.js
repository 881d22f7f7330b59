// SPDX-License-Identifier: Apache-2.0

/** The view's state as it is in the address. */

import { FORMATS } from '../../lib/lowtropy.js';
import { strokesToText, textToStrokes } from './strokes.js';

/**
 * @typedef {import('./protocol.js').Format} Format
 * @typedef {import('./protocol.js').Formats} Formats
 * @typedef {import('./strokes.js').Stroke} Stroke
 *
 * @typedef {object} InferState
 * @property {string} model digits, squeezenet, handed (by another view), file (that the browser
 *   could not keep), or the checksum of one that is kept
 * @property {Formats} formats
 * @property {number | undefined} digit a sample; undefined where somebody draws
 * @property {number} seed of the sample
 * @property {Stroke[]} drawing unless there is a sample
 * @property {'dog' | undefined} photo a sample
 */

export const FIRST_DIGIT = 5;

/**
 * @param {string | null} text
 * @returns {Format | undefined} undefined for what is no format
 */
function formatOf(text) {
  return /** @type {Format | undefined} */ (['auto', ...FORMATS].find((known) => known === text));
}

/**
 * @param {URLSearchParams} params
 * @returns {InferState}
 */
export function parseState(params) {
  const drawing = params.get('drawing');
  const digit = params.get('digit') ?? `${FIRST_DIGIT}`;
  const seed = Number(params.get('seed') ?? 1);
  const layers = (params.get('layers') ?? '').split(',').flatMap((part) => {
    const [, name, text] = /^(.+):(\w+)$/.exec(part) ?? [];
    const format = formatOf(text ?? null);
    return format ? [/** @type {const} */ ([name, format])] : [];
  });
  return {
    model: params.get('model') || 'digits',
    formats: { all: formatOf(params.get('format')), layers: Object.fromEntries(layers) },
    digit: drawing === null && /^\d$/.test(digit) ? Number(digit) : undefined,
    seed: Number.isSafeInteger(seed) && seed >= 0 ? seed : 1,
    drawing: textToStrokes(drawing ?? ''),
    photo: params.get('photo') === 'dog' ? 'dog' : undefined,
  };
}

/**
 * @param {InferState} state
 * @returns {Record<string, string | number | undefined>} for the address, without what is so anyway
 */
export function stateValues({ model, formats, digit, seed, drawing, photo }) {
  const layers = Object.entries(formats.layers).map(([name, format]) => `${name}:${format}`);
  const sample = digit !== undefined;
  return {
    model: model === 'digits' ? undefined : model,
    format: formats.all,
    layers: layers.join(',') || undefined,
    digit: sample && digit !== FIRST_DIGIT ? digit : undefined,
    seed: sample && seed !== 1 ? seed : undefined,
    drawing: sample ? undefined : strokesToText(drawing),
    photo,
  };
}
