// SPDX-License-Identifier: Apache-2.0

/**
 * Both sides of an update between which Sparse Binary Compression chooses (arXiv:1805.08768,
 * Algorithm 2). The message holds only the chosen one; this is for showing the other beside it.
 */

/**
 * @param {number} p
 * @param {number} size
 */
export function keptCount(p, size) {
  return Math.min(size, Math.max(1, Math.floor(p * size + 0.5)));
}

/**
 * @param {Float32Array} values
 * @param {number} count k
 * @returns {{ top: number[], bottom: number[], plus: number, minus: number, sendsTop: boolean }}
 *   positions rising; plus: μ⁺, minus: μ⁻
 */
export function sidesOf(values, count) {
  // Stable: of equal values the first positions go first.
  const order = Array.from(values.keys());
  const top = [...order].sort((a, b) => values[b] - values[a]).slice(0, count);
  const bottom = [...order].sort((a, b) => values[a] - values[b]).slice(0, count);
  top.sort((a, b) => a - b);
  bottom.sort((a, b) => a - b);
  const plus = meanAt(values, top);
  const minus = -meanAt(values, bottom);
  return { top, bottom, plus, minus, sendsTop: plus >= minus };
}

/**
 * @param {Float32Array} values
 * @param {number[]} positions
 */
function meanAt(values, positions) {
  return Math.fround(positions.reduce((sum, i) => sum + values[i], 0) / positions.length);
}
