// SPDX-License-Identifier: Apache-2.0

/** The view's state and the address that tells it. */

import { count } from '../common/units.js';
import { formatFloat32, parseFloat32 } from './numbers.js';
import { FORMATS, MOST_SIDE } from './protocol.js';

/**
 * @typedef {import('./protocol.js').Grid} Grid
 * @typedef {import('./protocol.js').State} State
 */

/** The worked example of the formats' documentation. @type {Grid} */
export const EXAMPLE = {
  rows: 4,
  cols: 4,
  values: [0, 4, 4, 2, 3, 0, 0, 4, 0, 0, 2, 2, 4, 0, 4, 0],
};

export const FEWEST_ELEMENTS = 16;
export const MOST_ELEMENTS = 256;
export const LEAST_P = 0.005;
export const MOST_P = 0.5;
const MOST_SEED = 2 ** 32 - 1;

/** @type {Readonly<State>} */
export const DEFAULTS = Object.freeze({
  matrix: EXAMPLE,
  x: countUp(EXAMPLE.cols),
  draw: 0,
  format: 'cser',
  step: 0,
  n: 64,
  p: 0.05,
  seed: 1,
});

/** @param {number} length */
export function countUp(length) {
  return Array.from({ length }, (_, i) => i + 1);
}

/**
 * What of x stays when the number of columns changes.
 *
 * @param {number[]} x
 * @param {number} cols
 */
export function fitInput(x, cols) {
  return countUp(cols).map((value, i) => x[i] ?? value);
}

/**
 * @param {URLSearchParams} params
 * @returns {{ state: State, problem: string }} problem: a sentence on what of the address cannot be
 *   shown, and is as by default; else empty
 */
export function readState(params) {
  /** @type {State} */
  const state = { ...DEFAULTS };
  let problem = '';
  /** @param {string} name @param {(text: string) => void} take */
  const read = (name, take) => {
    const text = params.get(name);
    if (text === null) return;
    try {
      take(text);
    } catch (error) {
      problem ||= `The address cannot be shown as it is: ${/** @type {Error} */ (error).message}`;
    }
  };
  read('m', (text) => (state.matrix = parseMatrix(text)));
  state.x = countUp(state.matrix.cols);
  read('x', (text) => (state.x = parseList(text, state.matrix.cols, 'x')));
  read('draw', (text) => (state.draw = parseWithin(text, 'draw', 0, MOST_SEED, true)));
  read('format', (text) => (state.format = parseFormat(text)));
  read('step', (text) => (state.step = parseWithin(text, 'step', 0, 1000, true)));
  read('n', (text) => (state.n = parseWithin(text, 'n', FEWEST_ELEMENTS, MOST_ELEMENTS, true)));
  read('p', (text) => (state.p = parseWithin(text, 'p', LEAST_P, MOST_P, false)));
  read('seed', (text) => (state.seed = parseWithin(text, 'seed', 0, MOST_SEED, true)));
  return { state, problem };
}

/**
 * @param {State} state
 * @returns {Record<string, string | number | undefined>} what is not as by default
 */
export function addressOf(state) {
  const { matrix, x } = state;
  const m = formatMatrix(matrix);
  const list = x.map(formatFloat32).join(',');
  /** @param {'draw' | 'format' | 'step' | 'n' | 'p' | 'seed'} name */
  const unlessDefault = (name) => (state[name] === DEFAULTS[name] ? undefined : state[name]);
  return {
    m: m === formatMatrix(EXAMPLE) ? undefined : m,
    x: list === countUp(matrix.cols).join(',') ? undefined : list,
    draw: unlessDefault('draw'),
    format: unlessDefault('format'),
    step: unlessDefault('step'),
    n: unlessDefault('n'),
    p: unlessDefault('p'),
    seed: unlessDefault('seed'),
  };
}

/** @param {Grid} matrix such as 2x3:0,1,0,0,0,2 */
function formatMatrix({ rows, cols, values }) {
  return `${rows}x${cols}:${values.map(formatFloat32).join(',')}`;
}

/**
 * @param {string} text
 * @returns {Grid}
 */
function parseMatrix(text) {
  const [, rows, cols, list] = /^([1-9])x([1-9]):(.*)$/s.exec(text)?.map(String) ?? [];
  if (!rows || Number(rows) > MOST_SIDE || Number(cols) > MOST_SIDE) {
    throw new Error(`m is not a matrix such as 2x2:0,1,1,0, of at most ${MOST_SIDE}×${MOST_SIDE}.`);
  }
  const values = parseList(list, Number(rows) * Number(cols), 'm');
  return { rows: Number(rows), cols: Number(cols), values };
}

/**
 * @param {string} text
 * @param {number} length
 * @param {string} name
 */
function parseList(text, length, name) {
  const items = text.split(',');
  if (items.length !== length) {
    throw new Error(`${name} has ${count(items.length, 'number')}, and should have ${length}.`);
  }
  return items.map((item, i) => parseFloat32(item, `Number ${i} of ${name}`));
}

/** @param {string} text */
function parseFormat(text) {
  const format = FORMATS.find((known) => known === text);
  if (!format) throw new Error(`format is one of ${FORMATS.join(', ')}.`);
  return format;
}

/**
 * @param {string} text
 * @param {string} name
 * @param {number} least
 * @param {number} most
 * @param {boolean} whole
 */
function parseWithin(text, name, least, most, whole) {
  const value = text.trim() === '' ? NaN : Number(text);
  if (value >= least && value <= most && (!whole || Number.isInteger(value))) return value;
  throw new Error(`${name} is a ${whole ? 'whole ' : ''}number from ${least} to ${most}.`);
}
