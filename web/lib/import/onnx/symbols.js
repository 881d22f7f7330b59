// SPDX-License-Identifier: Apache-2.0

/**
 * Sizes that a file leaves open, as a batch or the length of a recording.
 *
 * Each has a size while the graph is lowered. It may stay open in our graph if nothing else depends on it:
 * if lowering with another size gives the same nodes, attributes and constants. A size that does matter, for
 * instance because it was computed with, is asked for.
 */

/**
 * @typedef {import('./inputs.js').Input} Input
 *
 * @typedef {Map<string, number>} Sizes by symbol; a dimension without a name has that of its place
 */

/** What sizes are tried: small ones suit batches, the others images that are halved several times. */
export const TRIALS = [
  [1, 2],
  [2, 3],
  [16, 32],
  [224, 448],
  [16000, 32000],
];

/**
 * The symbols of a graph's inputs.
 *
 * @param {Input[]} inputs
 * @returns {Set<string>}
 */
export function symbolsOf(inputs) {
  return new Set(
    inputs.flatMap(({ name, dims }) =>
      dims.flatMap((dim, axis) => (typeof dim === 'number' ? [] : [symbolOf(name, axis, dim)])),
    ),
  );
}

/**
 * @param {string} input
 * @param {number} axis
 * @param {string | undefined} symbol
 */
export function symbolOf(input, axis, symbol) {
  return symbol || `${input}.${axis}`;
}
