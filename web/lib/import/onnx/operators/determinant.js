// SPDX-License-Identifier: Apache-2.0

/** Det: determinants, by elimination with the largest pivot, row by row. */

import { UnsupportedError } from '../../../core/errors.js';
import { part } from '../ours.js';
import { sizeOf } from '../values.js';

/**
 * @typedef {import('../node.js').NodeView} NodeView
 * @typedef {import('../lowering.js').Lowering} Lowering
 * @typedef {import('../values.js').Value} Value
 */

/** Each row takes a dozen nodes. */
const MOST_ROWS = 64;

/**
 * Brings the row with the largest first element to the front.
 *
 * @param {Lowering} lower
 * @param {Value} matrices count × n × n
 * @returns {{ pivot: Value, rest: Value, sign: Value }} the row, count × 1 × n; the others, in its place the
 *   first one; and count × 1 × 1 of 1, or -1 where two rows changed places
 */
function bringPivot(lower, matrices) {
  const [count, n] = matrices.shape;
  const column = lower.emit('abs', [part(lower, matrices, 2, 0, 1)]);
  const best = lower.emit('argMax', [column], { axis: 1, keepDims: true, last: false });
  const indices = lower.emit('expand', [best], { shape: [count, 1, n] });
  const pivot = lower.emit('gatherElements', [matrices, indices], { axis: 1 });
  const numbers = lower.numbers(n, [1, n, 1]);
  const isBest = lower.emit('equal', [numbers, best]);
  const first = part(lower, matrices, 1, 0, 1);
  const moved = lower.emit('where', [isBest, first, matrices]);
  const stays = lower.emit('equal', [best, lower.integers([0], [])]);
  const sign = lower.emit('where', [stays, lower.number(1), lower.number(-1)]);
  return { pivot, rest: part(lower, moved, 1, 1, n), sign };
}

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 * @returns {Value}
 */
function lowerDet(node, lower) {
  const value = node.input(0);
  const batch = value.shape.slice(0, -2);
  const [rows, cols] = value.shape.slice(-2);
  if (rows !== cols || rows > MOST_ROWS) {
    throw new UnsupportedError(`its matrices are ${rows}×${cols}; there are those of up to 64×64`);
  }
  let matrices = lower.reshape(value, [sizeOf(batch), rows, rows]);
  let product = lower.number(1);
  for (let n = rows; n > 1; --n) {
    const { pivot, rest, sign } = bringPivot(lower, matrices);
    const first = part(lower, pivot, 2, 0, 1);
    product = lower.emit('mul', [product, lower.emit('mul', [first, sign])]);
    // Where the largest is 0 all are, and so is the product.
    const isZero = lower.emit('equal', [first, lower.number(0)]);
    const divisor = lower.emit('where', [isZero, lower.number(1), first]);
    const shares = lower.emit('div', [part(lower, rest, 2, 0, 1), divisor]);
    const [left, taken] = [rest, pivot].map((one) => part(lower, one, 2, 1, n));
    matrices = lower.emit('sub', [left, lower.emit('mul', [shares, taken])]);
  }
  return lower.reshape(lower.emit('mul', [product, matrices]), batch);
}

export const DETERMINANT = { Det: lowerDet };
