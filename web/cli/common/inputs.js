// SPDX-License-Identifier: Apache-2.0

/** @typedef {import('../../lib/model/values.js').InputInfo} InputInfo */

/**
 * @param {readonly InputInfo[]} inputs
 * @returns {string} as "input 1×3×227×227", or with names and types
 */
export function describeInputs(inputs) {
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
 * Whether it is the one input of a network of pictures: some channels of floats.
 *
 * @param {readonly InputInfo[]} inputs
 */
export function takesPictures(inputs) {
  const [{ type, usualShape }] = inputs;
  const isImage = usualShape.length === 3 || (usualShape.length === 4 && usualShape[0] === 1);
  return inputs.length === 1 && type === 'float32' && isImage && usualShape.at(-3) === 3;
}
