// SPDX-License-Identifier: Apache-2.0

/** RotaryEmbedding: pairs of a vector's elements turned by angles that depend on its position. */

import { UnsupportedError } from '../../../core/errors.js';
import { cast, concat, part } from '../ours.js';
import { joinHeads, splitHeads } from './attention.js';

/**
 * @typedef {import('../node.js').NodeView} NodeView
 * @typedef {import('../lowering.js').Lowering} Lowering
 * @typedef {import('../values.js').Value} Value
 * @typedef {(node: NodeView, lower: Lowering) => Value} Lower
 *
 * @typedef {object} Angles of batch × 1 × length × pairs
 * @property {Value} cos
 * @property {Value} sin
 */

/**
 * The first and the second elements of all pairs, and how they come together again.
 *
 * @param {Lowering} lower
 * @param {Value} value whose last axis is pairs
 * @param {boolean} interleaved whether the two of a pair are side by side
 */
function pairsOf(lower, value, interleaved) {
  const { shape } = value;
  const rank = shape.length;
  const half = shape[rank - 1] / 2;
  if (!interleaved) {
    const halves = [
      part(lower, value, rank - 1, 0, half),
      part(lower, value, rank - 1, half, 2 * half),
    ];
    return { halves, join: (/** @type {Value[]} */ two) => concat(lower, two, rank - 1) };
  }
  const wide = lower.reshape(value, [...shape.slice(0, -1), half, 2]);
  const flat = [...shape.slice(0, -1), half];
  const halves = [0, 1].map((i) => lower.reshape(part(lower, wide, rank, i, i + 1), flat));
  const join = (/** @type {Value[]} */ two) => {
    const apart = two.map((one) => lower.reshape(one, [...flat, 1]));
    return lower.reshape(concat(lower, apart, rank), shape);
  };
  return { halves, join };
}

/**
 * @param {Lowering} lower
 * @param {Value} value batch × heads × length × size
 * @param {Angles} angles
 * @param {boolean} interleaved
 */
function rotate(lower, value, { cos, sin }, interleaved) {
  const { halves, join } = pairsOf(lower, value, interleaved);
  const [a, b] = halves;
  const times = (/** @type {Value} */ x, /** @type {Value} */ y) => lower.emit('mul', [x, y]);
  return join([
    lower.emit('sub', [times(a, cos), times(b, sin)]),
    lower.emit('sum', [times(a, sin), times(b, cos)]),
  ]);
}

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 * @param {(pairs: number) => Angles} anglesFor
 */
function rotateInput(node, lower, anglesFor) {
  const given = node.input(0);
  const isFlat = given.shape.length === 3;
  const heads = node.int('num_heads', 0);
  if (isFlat && heads === 0) throw new UnsupportedError('it lacks its "num_heads"');
  const value = isFlat ? splitHeads(lower, given, heads) : given;
  const size = value.shape[3];
  const turned = node.int('rotary_embedding_dim', 0) || size;
  const result = rotate(
    lower,
    part(lower, value, 3, 0, turned),
    anglesFor(turned / 2),
    node.int('interleaved', 0) === 1,
  );
  const rest = turned < size ? [part(lower, value, 3, turned, size)] : [];
  const whole = concat(lower, [result, ...rest], 3);
  return isFlat ? joinHeads(lower, whole) : whole;
}

/** @type {Lower} */
function lowerRotaryEmbedding(node, lower) {
  const positions = node.optional(3);
  const at = (/** @type {number} */ index, /** @type {number} */ pairs) => {
    const cache = node.input(index);
    const found = positions
      ? lower.emit('gather', [cache, cast(lower, positions, 'int32')], { axis: 0 })
      : cache;
    const [batch, length] = found.shape;
    return lower.reshape(part(lower, found, 2, 0, pairs), [batch, 1, length, pairs]);
  };
  return rotateInput(node, lower, (pairs) => ({ cos: at(1, pairs), sin: at(2, pairs) }));
}

/** With positions, or the first one of all sequences. @type {Lower} */
function lowerMicrosoft(node, lower) {
  if (node.int('is_packed_batching', 0) === 1 || node.float('scale', 1) !== 1) {
    throw new UnsupportedError('it packs sequences, or scales them');
  }
  const { shape } = node.input(0);
  const length = shape.length === 4 ? shape[2] : shape[1];
  const given = cast(lower, node.input(1), 'int32');
  const steps = lower.numbers(length, [1, length]);
  const positions =
    given.shape.length === 2 ? given : lower.emit('sum', [lower.reshape(given, [1, 1]), steps]);
  const at = (/** @type {number} */ index, /** @type {number} */ pairs) => {
    const found = lower.emit('gather', [node.input(index), positions], { axis: 0 });
    return lower.reshape(part(lower, found, 2, 0, pairs), [found.shape[0], 1, length, pairs]);
  };
  return rotateInput(node, lower, (pairs) => ({ cos: at(2, pairs), sin: at(3, pairs) }));
}

export const ROTARY = { RotaryEmbedding: lowerRotaryEmbedding };

export const MICROSOFT_ROTARY = { RotaryEmbedding: lowerMicrosoft };
