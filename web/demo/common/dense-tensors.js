// SPDX-License-Identifier: Apache-2.0

/** A model's numbers, out of its file: a safetensors file. */

/** @typedef {import('../../lib/lowtropy.js').Model} Model */

/**
 * @param {Model} model whose layers are dense
 * @returns {Map<string, Float32Array<ArrayBuffer>>} weights and biases by their names, as views of
 *   one buffer
 */
export function denseTensors(model) {
  const file = model.save();
  const length = Number(new DataView(file.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)));
  delete header.__metadata__;
  return new Map(
    Object.entries(header).map(
      ([
        name,
        {
          data_offsets: [begin, end],
        },
      ]) => [
        name.replace(/\.values$/, ''),
        new Float32Array(file.buffer, 8 + length + begin, (end - begin) / 4),
      ],
    ),
  );
}
