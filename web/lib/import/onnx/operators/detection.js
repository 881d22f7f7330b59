// SPDX-License-Identifier: Apache-2.0

/** What finds boxes, and looks into them. */

import { UnsupportedError } from '../../../core/errors.js';
import { cast, part } from '../ours.js';
import { nothing } from '../values.js';

/**
 * @typedef {import('../node.js').NodeView} NodeView
 * @typedef {import('../lowering.js').Lowering} Lowering
 * @typedef {import('../values.js').Value} Value
 */

/** Less than any other score. */
const LEAST = -3.4028234663852886e38;

/** The most boxes of each class, as an attribute of ours holds them. */
const MOST = 2 ** 31 - 1;

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 * @returns {Value}
 */
function lowerNonMaxSuppression(node, lower) {
  const number = (
    /** @type {number} */ index,
    /** @type {string} */ name,
    /** @type {number} */ otherwise,
  ) => (node.optional(index) ? Number(node.constant(index, `"${name}"`).elements[0]) : otherwise);
  const most = Math.min(number(2, 'max_output_boxes_per_class', 0), MOST);
  if (most <= 0) return nothing('int32', [0, 3]);
  const all = lower.emit('nonMaxSuppression', [node.input(0), node.input(1)], {
    most,
    overlap: number(3, 'iou_threshold', 0),
    score: Math.max(number(4, 'score_threshold', LEAST), LEAST),
    centred: node.int('center_point_box', 0) === 1,
  });
  // How many there are, stands before them.
  const count = lower.reshape(part(lower, part(lower, all, 0, 0, 1), 1, 0, 1), []);
  return { ...part(lower, all, 0, 1, all.shape[0]), element: 'int64', rows: { axis: 0, count } };
}

/**
 * @param {NodeView} node
 * @param {Lowering} lower
 */
function lowerRoiAlign(node, lower) {
  const mode = node.string('mode', 'avg');
  if (mode !== 'avg' && mode !== 'max') throw new UnsupportedError(`its "mode" is "${mode}"`);
  // Before version 16 there were no halves.
  const usual = node.version >= 16 ? 'half_pixel' : 'output_half_pixel';
  const inputs = [node.input(0), node.input(1), cast(lower, node.input(2), 'int32')];
  return lower.emit('roiAlign', inputs, {
    size: [node.int('output_height', 1), node.int('output_width', 1)],
    samples: node.int('sampling_ratio', 0),
    scale: node.float('spatial_scale', 1),
    halfPixel: node.string('coordinate_transformation_mode', usual) === 'half_pixel',
    max: mode === 'max',
  });
}

export const DETECTION = {
  NonMaxSuppression: lowerNonMaxSuppression,
  RoiAlign: lowerRoiAlign,
};
