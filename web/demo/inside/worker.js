// SPDX-License-Identifier: Apache-2.0

/** Where the library works for this view. */

import { Matrix, init } from '../../lib/lowtropy.js';
import { Compressor, decodeMessage, initTraining } from '../../lib/training.js';
import { serve } from '../common/serve.js';
import { drawUpdate } from './draw.js';
import { FORMATS } from './protocol.js';

/**
 * @typedef {import('./protocol.js').Encoded} Encoded
 * @typedef {import('./protocol.js').Format} Format
 * @typedef {import('./protocol.js').InsideRequests} InsideRequests
 */

serve({ matrix: encodeMatrix, update: encodeUpdate });

/**
 * @param {InsideRequests['matrix'][0]} request
 * @returns {Promise<InsideRequests['matrix'][1]>}
 */
async function encodeMatrix({ matrix, x }) {
  await init();
  const { rows, cols, values } = matrix;
  const formats = /** @type {Record<Format, Encoded>} */ ({});
  let stats;
  for (const format of FORMATS) {
    const encoded = Matrix.fromDense(values, rows, cols, { format });
    stats ??= encoded.stats();
    formats[format] = describe(encoded, x);
    encoded.dispose();
  }
  return { matrix, x, stats: /** @type {NonNullable<typeof stats>} */ (stats), formats };
}

/**
 * @param {Matrix} encoded
 * @param {number[]} x
 * @returns {Encoded}
 */
function describe(encoded, x) {
  const arrays = Object.entries(encoded.arrays()).map(([name, array]) => ({
    name,
    bits: 8 * array.BYTES_PER_ELEMENT,
    values: [...array],
  }));
  const y = [...encoded.multiply(x)];
  return { arrays, bytes: encoded.byteLength, ops: encoded.cost().ops, y };
}

/**
 * @param {InsideRequests['update'][0]} request
 * @returns {Promise<InsideRequests['update'][1]>}
 */
async function encodeUpdate({ n, p, seed }) {
  await initTraining();
  const values = drawUpdate(seed, n);
  const compressor = new Compressor('sbc', { sparsity: p }, { update: n });
  const bytes = compressor.encode({ update: values });
  const residual = compressor.residual('update');
  compressor.dispose();
  const { indices, value } = decodeMessage(bytes).tensors.update;
  return { n, p, values, bytes, indices: [...(indices ?? [])], value: Number(value), residual };
}
