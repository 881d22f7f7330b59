// SPDX-License-Identifier: Apache-2.0

/** What is lit up: what belongs to the element or cell that is picked, or else to the step. */

import { FORMATS } from './protocol.js';
import { elementsOf, mergeMarks, relate } from './relate.js';

/**
 * @typedef {import('./protocol.js').Arrays} Arrays
 * @typedef {import('./protocol.js').Format} Format
 * @typedef {import('./protocol.js').Grid} Grid
 * @typedef {import('./relate.js').Mark} Mark
 * @typedef {import('./relate.js').Role} Role
 * @typedef {import('./tape.js').Step} Step
 *
 * @typedef {{ element: number } | import('./words.js').Cell} Pick
 */

/**
 * In the arrays of each format.
 *
 * @param {Grid} grid
 * @param {Record<Format, Arrays>} arrays
 * @param {Pick | undefined} pick
 * @param {Format} format that is stepped through
 * @param {Step | undefined} now
 * @returns {Partial<Record<Format, Map<string, Role>>>}
 */
export function marksIn(grid, arrays, pick, format, now) {
  if (!pick) return now ? { [format]: mergeMarks(now.marks) } : {};
  const elements = elementsFor(grid, arrays, pick);
  return Object.fromEntries(
    FORMATS.map((each) => {
      const marks = elements.flatMap((element) =>
        marksOfElement(grid, each, arrays[each], element),
      );
      if (!('element' in pick) && pick.format === each) marks.push(ownMark(pick));
      return [each, mergeMarks(marks)];
    }),
  );
}

/**
 * In the matrix, by place.
 *
 * @param {Grid} grid
 * @param {Record<Format, Arrays>} arrays
 * @param {Pick | undefined} pick
 * @param {Format} format
 * @param {Step | undefined} now
 * @returns {Map<number, Role>}
 */
export function litIn(grid, arrays, pick, format, now) {
  /** @type {Map<number, Role>} */
  const lit = new Map();
  const elements = pick ? elementsFor(grid, arrays, pick) : [];
  const [by, marks] = pick
    ? [
        /** @type {Format} */ ('cser'),
        elements.flatMap((i) => marksOfElement(grid, 'cser', arrays.cser, i)),
      ]
    : [format, now?.marks ?? []];
  for (const { array, index, role } of marks) {
    if (array !== 'colI' && array !== 'values') continue;
    const [element] = elementsOf(by, arrays[by], grid, array, index);
    if (role !== 'run') lit.set(element, 'column');
    else if (!lit.has(element)) lit.set(element, 'run');
  }
  for (const element of elements) lit.set(element, 'column');
  return lit;
}

/**
 * @param {Grid} grid
 * @param {Record<Format, Arrays>} arrays
 * @param {Pick} pick
 */
function elementsFor(grid, arrays, pick) {
  if ('element' in pick) return [pick.element];
  return elementsOf(pick.format, arrays[pick.format], grid, pick.array, pick.index);
}

/**
 * @param {Grid} grid
 * @param {Format} format
 * @param {Arrays} arrays
 * @param {number} element
 */
function marksOfElement(grid, format, arrays, element) {
  const { cols } = grid;
  return relate(format, arrays, grid, Math.floor(element / cols), element % cols).marks;
}

/**
 * @param {import('./words.js').Cell} cell
 * @returns {Mark}
 */
function ownMark({ array, index }) {
  const role = array === 'colI' ? 'column' : /Ptr|omegaI/.test(array) ? 'pointer' : 'value';
  return { array, index, role };
}
