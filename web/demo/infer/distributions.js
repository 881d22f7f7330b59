// SPDX-License-Identifier: Apache-2.0

/** How a layer's values are distributed. */

import { denseTensors } from '../common/dense-tensors.js';

/**
 * @typedef {import('../../lib/lowtropy.js').Model} Model
 * @typedef {import('./protocol.js').Distribution} Distribution
 */

const BINS = 48;

/**
 * @param {Model} model whose layers are dense
 * @returns {Record<string, Distribution>} by the layers' names
 */
export function distributionsOf(model) {
  const tensors = denseTensors(model);
  return Object.fromEntries(
    model.layers.map(({ name, weight }) => [
      name,
      distributionOf(/** @type {Float32Array} */ (tensors.get(weight))),
    ]),
  );
}

/**
 * @param {Float32Array} values at least one
 * @returns {Distribution}
 */
export function distributionOf(values) {
  let [low, high] = [values[0], values[0]];
  for (const value of values) {
    if (value < low) low = value;
    else if (value > high) high = value;
  }
  const counts = new Array(BINS).fill(0);
  const scale = high > low ? BINS / (high - low) : 0;
  for (const value of values) counts[Math.min(BINS - 1, Math.floor((value - low) * scale))] += 1;
  return { low, high, counts };
}
