// SPDX-License-Identifier: Apache-2.0

/** Attention: softmax(Q · Kᵀ · scale + bias) · V, by heads. And ai.onnx's operator of that name. */

import { UnsupportedError } from '../../../core/errors.js';
import { cast, concat } from '../ours.js';
import { Constant, checkMade, constantValue, sizeOf } from '../values.js';

/**
 * @typedef {import('../node.js').NodeView} NodeView
 * @typedef {import('../lowering.js').Lowering} Lowering
 * @typedef {import('../values.js').Value} Value
 *
 * @typedef {object} Heads all of batch × heads × length × size
 * @property {Value} query
 * @property {Value} key
 * @property {Value} value
 *
 * @typedef {object} Weighting
 * @property {number} scale of products of query and key
 * @property {Value[]} [biases] which are added to these, and fit to batch × heads × queries × keys
 * @property {number} [softcap] c, of c · tanh(x / c), which bounds them; 0 for none
 */

/**
 * @param {Lowering} lower
 * @param {Value} value batch × length × (heads · size)
 * @param {number} heads
 * @returns {Value} batch × heads × length × size
 */
export function splitHeads(lower, value, heads) {
  const [batch, length, width] = value.shape;
  if (width % heads !== 0) throw new UnsupportedError(`its ${heads} heads do not divide ${width}`);
  const apart = lower.reshape(value, [batch, length, heads, width / heads]);
  return lower.transpose(apart, [0, 2, 1, 3]);
}

/**
 * @param {Lowering} lower
 * @param {Value} value batch × heads × length × size
 * @returns {Value} batch × length × (heads · size)
 */
export function joinHeads(lower, value) {
  const [batch, heads, length, size] = value.shape;
  return lower.reshape(lower.transpose(value, [0, 2, 1, 3]), [batch, length, heads * size]);
}

/**
 * @param {Lowering} lower
 * @param {Heads} heads
 * @param {Weighting} weighting
 * @returns {{ output: Value, stages: Value[] }} batch × heads × length × size; and the products with their
 *   scale, with biases, with their bound, and after softmax
 */
export function attend(lower, { query, key, value }, { scale, biases = [], softcap = 0 }) {
  // The query has the fewest elements of what could be scaled.
  const scaled = scale === 1 ? query : lower.emit('mul', [query, lower.number(scale)]);
  const products = lower.emit('matMul', [scaled, lower.transpose(key, [0, 1, 3, 2])]);
  const capped = softcap === 0 ? products : cap(lower, products, softcap);
  const biased = biases.reduce((sum, bias) => lower.emit('sum', [sum, bias]), capped);
  const shares = lower.emit('softmax', [biased], { axis: 3 });
  const output = lower.emit('matMul', [shares, value]);
  return { output, stages: [products, biased, capped, shares] };
}

/**
 * @param {Lowering} lower
 * @param {Value} value
 * @param {number} bound
 */
function cap(lower, value, bound) {
  const within = lower.emit('mul', [value, lower.number(1 / bound)]);
  return lower.emit('mul', [lower.emit('tanh', [within]), lower.number(bound)]);
}

/**
 * What keeps queries from keys that come later.
 *
 * @param {number} queries
 * @param {number} keys
 * @param {number} before how many keys come before the first query
 * @param {number} filling what is added there
 */
export function causalBias(queries, keys, before, filling) {
  checkMade(queries * keys);
  const make = () =>
    Float32Array.from({ length: queries * keys }, (_, i) =>
      i % keys > Math.floor(i / keys) + before ? filling : 0,
    );
  return constantValue(new Constant('float32', [queries, keys], make));
}

/**
 * Where a condition does not hold, `filling`.
 *
 * @param {Lowering} lower
 * @param {Value} condition
 * @param {number} filling
 */
export function biasWhere(lower, condition, filling) {
  return lower.emit('where', [condition, lower.number(0), lower.number(filling)]);
}

/**
 * Heads of keys and values that several heads of the query share.
 *
 * @param {Lowering} lower
 * @param {Value} value
 * @param {number} heads of the query
 */
function shareHeads(lower, value, heads) {
  const [batch, own, length, size] = value.shape;
  if (own === heads) return value;
  if (heads % own !== 0) throw new UnsupportedError(`its ${heads} heads do not share ${own}`);
  const shape = [batch, own, heads / own, length, size];
  const apart = lower.reshape(value, [batch, own, 1, length, size]);
  return lower.reshape(lower.emit('expand', [apart], { shape }), [batch, heads, length, size]);
}

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 * @param {number} index
 * @param {string} count the attribute that has it, where heads are side by side
 */
function headsAt(node, lower, index, count) {
  const value = node.input(index);
  return value.shape.length === 4 ? value : splitHeads(lower, value, node.int(count, 0));
}

/**
 * Whether each of the keys is one of the first that a sequence has.
 *
 * @param {Lowering} lower
 * @param {Value} counts of the keys of each sequence
 * @param {number} keys
 */
export function isWithin(lower, counts, keys) {
  const each = lower.reshape(cast(lower, counts, 'int32'), [sizeOf(counts.shape), 1, 1, 1]);
  return lower.emit('less', [lower.numbers(keys), each]);
}

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 * @param {number} queries
 * @param {number} keys
 * @param {number} before
 * @returns {Value[]}
 */
function biasesOf(node, lower, queries, keys, before) {
  const mask = node.optional(3);
  const isCausal = node.int('is_causal', 0) === 1;
  const counts = node.optional(6);
  return [
    ...(counts ? [biasWhere(lower, isWithin(lower, counts, keys), -Infinity)] : []),
    ...(mask ? [mask.type === 'bool' ? biasWhere(lower, mask, -Infinity) : mask] : []),
    ...(isCausal ? [causalBias(queries, keys, before, -Infinity)] : []),
  ];
}

/** @type {(node: NodeView, lower: Lowering) => Array<Value | undefined>} */
function lowerAttention(node, lower) {
  const isFlat = node.input(0).shape.length === 3;
  const query = headsAt(node, lower, 0, 'q_num_heads');
  const [key, value] = [1, 2].map((index) => {
    const past = node.optional(index + 3);
    const given = headsAt(node, lower, index, 'kv_num_heads');
    return past ? concat(lower, [past, given], 2) : given;
  });
  const [, heads, queries, size] = query.shape;
  const [keys, before] = [key.shape[2], node.optional(4)?.shape[2] ?? 0];
  const { output, stages } = attend(
    lower,
    { query, key: shareHeads(lower, key, heads), value: shareHeads(lower, value, heads) },
    {
      scale: node.float('scale', 1 / Math.sqrt(size)),
      biases: biasesOf(node, lower, queries, keys, before),
      softcap: node.float('softcap', 0),
    },
  );
  const stage = stages[node.int('qk_matmul_output_mode', 0)];
  return [isFlat ? joinHeads(lower, output) : output, key, value, stage];
}

export const ATTENTION = { Attention: lowerAttention };
