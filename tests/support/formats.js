// SPDX-License-Identifier: Apache-2.0

import { FORMATS, Matrix } from '../../web/lib/index.js';

/**
 * @param {Float32Array} values
 * @param {number} rows
 * @param {number} cols
 * @returns {import('../../web/lib/index.js').FormatName[]} those that hold such a matrix
 */
export function formatsOf(values, rows, cols) {
  const matrix = Matrix.fromDense(values, rows, cols, { format: 'dense' });
  const { candidates } = matrix.choice();
  matrix.dispose();
  return candidates.filter(({ bytes }) => Number.isFinite(bytes)).map(({ format }) => format);
}

/**
 * @param {import('../../web/lib/index.js').Model} model
 * @returns {import('../../web/lib/index.js').FormatName[]} those that hold each of its layers
 */
export function formatsOfAll({ layers }) {
  return FORMATS.filter((format) =>
    layers.every(({ bytesIn }) => Number.isFinite(bytesIn[format])),
  );
}
