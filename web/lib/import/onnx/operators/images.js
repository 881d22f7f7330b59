// SPDX-License-Identifier: Apache-2.0

/** Images cut to a size, put together from columns, and the grids that sample them. */

import { UnsupportedError } from '../../../core/errors.js';
import { part } from '../ours.js';
import { Constant, checkMade, constantValue, sizeOf } from '../values.js';
import { windowPixels } from './pooled-places.js';
import { listOf } from './windows.js';

/**
 * @typedef {import('../node.js').NodeView} NodeView
 * @typedef {import('../lowering.js').Lowering} Lowering
 * @typedef {import('../values.js').Value} Value
 */

/**
 * As much is cut off or added in front as behind, or one less.
 *
 * @param {NodeView} node
 * @param {Lowering} lower
 * @returns {Value}
 */
function lowerCenterCropPad(node, lower) {
  const value = node.input(0);
  const rank = value.shape.length;
  const wanted = node.integersAt(1, 'shape') ?? [];
  const axes = node.ints('axes')?.map((axis) => node.axis(axis, rank)) ?? [...wanted.keys()];
  const more = value.shape.map((dim, axis) => {
    const at = axes.indexOf(axis);
    return at < 0 ? 0 : wanted[at] - dim;
  });
  const cropped = more.reduce((whole, by, axis) => {
    const start = Math.floor(-by / 2);
    return by < 0 ? part(lower, whole, axis, start, start + whole.shape[axis] + by) : whole;
  }, value);
  if (more.every((by) => by <= 0)) return cropped;
  const before = more.map((by) => Math.max(0, Math.floor(by / 2)));
  const after = more.map((by, axis) => Math.max(0, by) - before[axis]);
  return lower.emit('pad', [cropped], { before, after, mode: 'constant', value: 0 });
}

/**
 * Sums of what columns hold for each pixel.
 *
 * @param {NodeView} node
 * @param {Lowering} lower
 * @returns {Value}
 */
function lowerCol2Im(node, lower) {
  const size = node.integersAt(1, 'image_shape') ?? [];
  const kernel = node.integersAt(2, 'block_shape') ?? [];
  const rank = size.length;
  const steps = {
    strides: listOf(node, 'strides', rank, 1),
    dilations: listOf(node, 'dilations', rank, 1),
    pads: listOf(node, 'pads', 2 * rank, 0),
  };
  const outputs = size.map((dim, i) => {
    const reach = (kernel[i] - 1) * steps.dilations[i] + 1;
    return Math.floor((dim + steps.pads[i] + steps.pads[i + rank] - reach) / steps.strides[i]) + 1;
  });
  const [batch, rows, count] = node.input(0).shape;
  const [pixels, places, blocks] = [size, kernel, outputs].map(sizeOf);
  const channels = rows / places;
  if (!Number.isInteger(channels) || count !== blocks) {
    throw new UnsupportedError(`its columns of ${rows}×${count} do not fit its image`);
  }
  checkMade(batch * channels * (pixels + 1));
  const numbers = windowPixels(size, outputs, kernel, steps);
  const byPlace = Int32Array.from(
    { length: places * blocks },
    (_, i) => numbers[(i % blocks) * places + Math.floor(i / blocks)],
  );
  const flat = lower.reshape(node.input(0), [batch, channels, places * blocks]);
  const indices = lower.emit(
    'expand',
    [constantValue(new Constant('int32', [1, 1, byPlace.length], () => byPlace))],
    { shape: flat.shape },
  );
  // What is beyond the image comes behind its last pixel.
  const shape = [batch, channels, pixels + 1];
  const zeros = constantValue(
    new Constant('float32', shape, () => new Float32Array(sizeOf(shape))),
  );
  const attributes = { axis: 2, reduction: 'sum' };
  const sums = lower.emit('scatterElements', [zeros, indices, flat], attributes);
  return lower.reshape(part(lower, sums, 2, 0, pixels), [batch, channels, ...size]);
}

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 * @returns {Value}
 */
function lowerAffineGrid(node, lower) {
  const theta = node.input(0);
  const [batch, , ...size] = node.integersAt(1, 'size') ?? [];
  const corners = node.int('align_corners', 0) === 1;
  const rank = size.length;
  const place = (/** @type {number} */ at, /** @type {number} */ dim) =>
    corners ? (dim === 1 ? -1 : (2 * at) / (dim - 1) - 1) : (2 * at + 1) / dim - 1;
  const pixels = sizeOf(size);
  checkMade(pixels * (rank + 1));
  // Of each pixel x, y and so on, which are the last axes first, and 1.
  const make = () =>
    Float32Array.from({ length: pixels * (rank + 1) }, (_, i) => {
      const [pixel, column] = [Math.floor(i / (rank + 1)), i % (rank + 1)];
      if (column === rank) return 1;
      const axis = rank - 1 - column;
      return place(Math.floor(pixel / sizeOf(size.slice(axis + 1))) % size[axis], size[axis]);
    });
  const base = constantValue(new Constant('float32', [1, pixels, rank + 1], make));
  const grid = lower.emit('matMul', [base, lower.transpose(theta, [0, 2, 1])]);
  return lower.reshape(grid, [batch, ...size, rank]);
}

export const IMAGES = {
  CenterCropPad: lowerCenterCropPad,
  Col2Im: lowerCol2Im,
  AffineGrid: lowerAffineGrid,
};
