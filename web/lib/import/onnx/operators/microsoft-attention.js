// SPDX-License-Identifier: Apache-2.0

/** Attention as onnxruntime's optimizer writes it: with the products that make query, key and value, or without. */

import { UnsupportedError } from '../../../core/errors.js';
import { cast, concat, part } from '../ours.js';
import { attend, biasWhere, causalBias, joinHeads, splitHeads } from './attention.js';
import { multiply } from './products.js';
import { dequantize } from './quantization.js';

/**
 * @typedef {import('../node.js').NodeView} NodeView
 * @typedef {import('../lowering.js').Lowering} Lowering
 * @typedef {import('../values.js').Value} Value
 * @typedef {(node: NodeView, lower: Lowering) => Array<Value | undefined>} Lower
 *
 * @typedef {object} Sizes
 * @property {number} batch
 * @property {number} queries
 * @property {number} keys
 */

/**
 * What a mask adds: of batch × keys, batch × queries × keys or batch × 1 × longest × longest 0 where nothing
 * is to be seen; of the batch the keys' counts, with the first keys' places behind them if they are twice as
 * many.
 *
 * @param {NodeView} node
 * @param {Lowering} lower
 * @param {Value} mask
 * @param {Sizes} sizes
 * @returns {Value} that fits to batch × heads × queries × keys
 */
function maskBias(node, lower, mask, { batch, queries, keys }) {
  const filling = node.float('mask_filter_value', -10000);
  const { shape } = mask;
  if (shape.length === 1) {
    return biasWhere(lower, keysWithin(lower, cast(lower, mask, 'int32'), batch, keys), filling);
  }
  const seen = cast(lower, mask, 'bool');
  if (shape.length === 4) {
    const rows = part(lower, seen, 2, keys - queries, keys);
    return biasWhere(lower, part(lower, rows, 3, 0, keys), filling);
  }
  const rows = shape.length === 2 ? 1 : queries;
  return biasWhere(lower, lower.reshape(seen, [shape[0], 1, rows, keys]), filling);
}

/**
 * @param {Lowering} lower
 * @param {Value} bounds
 * @param {number} batch
 * @param {number} keys
 */
function keysWithin(lower, bounds, batch, keys) {
  const [size] = bounds.shape;
  if (size !== batch && size !== 2 * batch) {
    throw new UnsupportedError(`its mask has ${size} values for ${batch} sequences`);
  }
  const places = lower.numbers(keys);
  const of = (/** @type {number} */ begin) =>
    lower.reshape(part(lower, bounds, 0, begin, begin + batch), [batch, 1, 1, 1]);
  const isBefore = lower.emit('less', [places, of(0)]);
  if (size === batch) return isBefore;
  return lower.emit('and', [isBefore, lower.emit('greaterOrEqual', [places, of(batch)])]);
}

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 * @param {Value[]} parts query, key and value, each batch × heads × length × size
 * @param {{ mask?: Value, bias?: Value, past?: number }} more past: how many of the keys come from before
 * @returns {Value} batch × queries × width
 */
function attendTo(node, lower, [query, key, value], { mask, bias, past = 0 }) {
  const [batch, , queries, size] = query.shape;
  const sizes = { batch, queries, keys: key.shape[2] };
  const isCausal = node.int('unidirectional', 0) === 1;
  const biases = [
    ...(mask ? [maskBias(node, lower, mask, sizes)] : []),
    ...(isCausal ? [causalBias(queries, sizes.keys, past, -3e38)] : []),
    ...(bias ? [bias] : []),
  ];
  const scale = node.float('scale', 0) || 1 / Math.sqrt(size);
  return joinHeads(lower, attend(lower, { query, key, value }, { scale, biases }).output);
}

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 * @param {Value} product of all three, side by side
 * @param {{ mask?: Value, past?: Value, bias?: Value }} more
 * @returns {Array<Value | undefined>} and what is present afterwards
 */
function attendToProduct(node, lower, product, { mask, past, bias }) {
  const heads = node.int('num_heads', 0);
  const width = product.shape[2];
  const given = node.ints('qkv_hidden_sizes') ?? [];
  const widths = given.length === 0 ? [1, 1, 1].map((one) => (one * width) / 3) : given;
  let end = 0;
  const parts = widths.map((size) =>
    splitHeads(lower, part(lower, product, 2, end, (end += size)), heads),
  );
  const before = [0, 1].map(
    (i) => past && lower.reshape(part(lower, past, 0, i, i + 1), past.shape.slice(1)),
  );
  const [key, value] = before.map((old, i) =>
    old ? concat(lower, [old, parts[i + 1]], 2) : parts[i + 1],
  );
  const output = attendTo(node, lower, [parts[0], key, value], {
    mask,
    bias,
    past: past?.shape[3],
  });
  return [output, present(lower, key, value)];
}

/** Both behind each other, where they are of one shape. @param {Lowering} lower @param {Value} key @param {Value} value */
function present(lower, key, value) {
  if (key.shape[3] !== value.shape[3]) return undefined;
  return concat(
    lower,
    [key, value].map((one) => lower.reshape(one, [1, ...one.shape])),
    0,
  );
}

/** @param {NodeView} node */
function refuseRotary(node) {
  if (node.int('do_rotary', 0) === 1)
    throw new UnsupportedError('it turns its vectors ("do_rotary")');
  if (node.int('past_present_share_buffer', 0) === 1) {
    throw new UnsupportedError('its past and present share their memory');
  }
}

/** @type {Lower} */
function lowerAttention(node, lower) {
  refuseRotary(node);
  const product = multiply(lower, node.input(0), node.input(1));
  const bias = node.optional(2);
  const biased = bias ? lower.emit('sum', [product, bias]) : product;
  const more = { mask: node.optional(3), past: node.optional(4), bias: node.optional(5) };
  return attendToProduct(node, lower, biased, more);
}

/** @type {Lower} */
function lowerQAttention(node, lower) {
  refuseRotary(node);
  const values = dequantize(lower, node.input(0), {
    scale: node.input(3),
    zeroPoint: node.optional(6),
  });
  const by = { scale: node.input(4), zeroPoint: node.optional(7), axis: 1 };
  const product = multiply(lower, values, dequantize(lower, node.input(1), by));
  const biased = lower.emit('sum', [product, node.input(2)]);
  return attendToProduct(node, lower, biased, { mask: node.optional(5), past: node.optional(8) });
}

/**
 * Query, key and value in one, batch × length × heads × count × size.
 *
 * @param {Lowering} lower
 * @param {Value} packed
 * @returns {Value[]} each batch × heads × length × size
 */
function unpack(lower, packed) {
  const [batch, length, heads, count, size] = packed.shape;
  return Array.from({ length: count }, (_, i) => {
    const one = lower.reshape(part(lower, packed, 3, i, i + 1), [batch, length, heads, size]);
    return lower.transpose(one, [0, 2, 1, 3]);
  });
}

/** @type {(node: NodeView, lower: Lowering) => Value[]} query, key and value, by heads */
function partsOf(node, lower) {
  const heads = node.int('num_heads', 0);
  const bias = node.optional(3);
  const packed = [0, 1].flatMap((index) => {
    const value = node.optional(index);
    return value && value.shape.length === 5 ? unpack(lower, value) : value ? [value] : [];
  });
  const value = node.optional(2);
  const all = value ? [...packed, value] : packed;
  if (all.length !== 3) throw new UnsupportedError('it lacks keys or values');
  const width = (/** @type {Value} */ { shape }) =>
    shape.length === 4 ? shape[1] * shape[3] : shape[2];
  let end = 0;
  return all.map((one) => {
    const size = width(one);
    const own = bias && part(lower, bias, 0, end, (end += size));
    if (one.shape.length === 3) {
      return splitHeads(lower, own ? lower.emit('sum', [one, own]) : one, heads);
    }
    if (!own) return one;
    return lower.emit('sum', [one, lower.reshape(own, [heads, 1, size / heads])]);
  });
}

/** @type {Lower} */
function lowerMultiHeadAttention(node, lower) {
  const [query, ...own] = partsOf(node, lower);
  const [key, value] = own.map((one, i) => {
    const past = node.optional(6 + i);
    return past ? concat(lower, [past, one], 2) : one;
  });
  const more = { mask: node.optional(4), bias: node.optional(5), past: node.optional(6)?.shape[2] };
  return [attendTo(node, lower, [query, key, value], more), key, value];
}

export const MICROSOFT_ATTENTION = {
  Attention: lowerAttention,
  QAttention: lowerQAttention,
  MultiHeadAttention: lowerMultiHeadAttention,
};
