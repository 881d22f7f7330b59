// SPDX-License-Identifier: Apache-2.0

/** What a network takes, as a phrase, and whether it takes pictures. */

import { LowtropyError } from '../../lib/lowtropy.js';
import { planImage } from '../../lib/model/image-options.js';

/**
 * @typedef {import('../../lib/lowtropy.js').Model} Model
 * @typedef {import('../../lib/model/values.js').InputInfo} InputInfo
 */

/**
 * @param {readonly InputInfo[]} inputs
 * @returns {string} as "input 1×3×227×227", or with names and types
 */
export function describeInputs(inputs) {
  if (inputs.length === 0) return 'no input';
  const [{ type, shape }] = inputs;
  if (inputs.length === 1 && type === 'float32') {
    const batch = shape.length === 3 ? [1] : [];
    return `input ${[...batch, ...shape].join('×')}`;
  }
  const each = inputs.map(({ name, type, shape }) =>
    [`"${name}"`, type, shape.join('×')].join(' ').trimEnd(),
  );
  return `inputs ${each.join(', ')}`;
}

/**
 * Whether its one input is a picture: as its file says, or else of three channels of floats.
 *
 * @param {Model} model
 */
export function takesPictures({ inputs, inputShape, graph }) {
  if (inputs.length !== 1 || inputs[0].type === 'bool') return false;
  const { image } = graph;
  if (!image && (inputs[0].type !== 'float32' || !inputShape.includes(3))) return false;
  try {
    return planImage(image ?? {}, inputShape, 'it').channels > 0;
  } catch (error) {
    if (error instanceof LowtropyError) return false;
    throw error;
  }
}
