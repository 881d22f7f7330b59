// SPDX-License-Identifier: Apache-2.0

/** MatMulNBits: products with integers of 4 or 8 bits, whose blocks of columns have scales of their own. */

import { UnsupportedError } from '../../../core/errors.js';
import { Constant, constantValue } from '../values.js';
import { multiply } from './products.js';

/**
 * @typedef {import('../node.js').NodeView} NodeView
 * @typedef {import('../lowering.js').Lowering} Lowering
 * @typedef {import('../values.js').Value} Value
 *
 * @typedef {object} Blocks of a matrix of rows × cols
 * @property {number} rows
 * @property {number} cols
 * @property {number} bits
 * @property {number} block columns of one; the last one may have fewer
 */

/**
 * Integers that lie in bytes, the first in the low bits, each row beginning with a byte of its own.
 *
 * @param {ArrayLike<number>} bytes
 * @param {number} rows
 * @param {number} cols
 * @param {{ bits: number, pitch: number }} how pitch: bytes from row to row
 */
function unpack(bytes, rows, cols, { bits, pitch }) {
  const perByte = 8 / bits;
  const mask = 2 ** bits - 1;
  const codes = new Uint8Array(rows * cols);
  for (let row = 0, to = 0; row < rows; ++row) {
    for (let col = 0; col < cols; ++col, ++to) {
      const byte = bytes[row * pitch + Math.floor(col / perByte)];
      codes[to] = (byte >> (bits * (col % perByte))) & mask;
    }
  }
  return codes;
}

/**
 * One for each block.
 *
 * @param {Constant | undefined} given
 * @param {Blocks} blocks
 */
function zeroPointsOf(given, { rows, cols, bits, block }) {
  const count = Math.ceil(cols / block);
  if (!given) return new Int32Array(rows * count).fill(2 ** (bits - 1));
  const pitch = Math.ceil((count * bits) / 8);
  const isFloat = given.type === 'float32';
  if (given.size !== rows * (isFloat ? count : pitch)) {
    throw new UnsupportedError(`it has ${given.size} zero points for ${rows}×${count} blocks`);
  }
  if (isFloat) {
    const points = given.elements;
    if (points.some((point) => !Number.isInteger(point))) {
      throw new UnsupportedError('its zero points are no integers');
    }
    return Int32Array.from(points);
  }
  return Int32Array.from(unpack(given.elements, rows, count, { bits, pitch }));
}

/**
 * @param {NodeView} node
 * @returns {Constant} rows × cols of float32, which were integers
 */
function weightOf(node) {
  const packed = node.constant(1, 'its weight');
  const blocks = {
    rows: node.int('N', 0),
    cols: node.int('K', 0),
    bits: node.int('bits', 4),
    block: node.int('block_size', 0),
  };
  const { rows, cols, bits, block } = blocks;
  if (bits !== 4 && bits !== 8 && bits !== 2)
    throw new UnsupportedError(`its weight has ${bits} bits`);
  const count = Math.ceil(cols / block);
  const pitch = (count * block * bits) / 8;
  const scales = Float32Array.from(node.constant(2, 'its scales').elements);
  if (packed.size !== rows * pitch || scales.length !== rows * count) {
    throw new UnsupportedError(`its weight of ${rows}×${cols} has ${packed.size} bytes`);
  }
  const zeroPoints = zeroPointsOf(node.optional(3) && node.constant(3, 'its zero points'), blocks);
  const codes = () => unpack(packed.elements, rows, cols, { bits, pitch });
  const make = () =>
    Float32Array.from(codes(), (code, i) => {
      const at = Math.floor(i / cols) * count + Math.floor((i % cols) / block);
      return scales[at] * (code - zeroPoints[at]);
    });
  const quantized = { codes, scales, zeroPoints, axis: 1, block };
  return new Constant('float32', [rows, cols], make, { quantized });
}

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 */
function lowerMatMulNBits(node, lower) {
  if (node.optional(4)) throw new UnsupportedError('its blocks are in another order ("g_idx")');
  const product = multiply(lower, node.input(0), constantValue(weightOf(node)), true);
  const bias = node.optional(5);
  return bias ? lower.emit('sum', [product, bias]) : product;
}

export const BLOCK_WEIGHTS = { MatMulNBits: lowerMatMulNBits };
