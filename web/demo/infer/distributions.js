// SPDX-License-Identifier: Apache-2.0

/** How a layer's values are distributed, out of a model's file: a safetensors file. */

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
  const file = model.save();
  const length = Number(new DataView(file.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)));
  return Object.fromEntries(
    model.layers.map(({ name, weight }) => {
      const [begin, end] = header[`${weight}.values`].data_offsets;
      const values = new Float32Array(file.buffer, 8 + length + begin, (end - begin) / 4);
      return [name, distributionOf(values)];
    }),
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
