// SPDX-License-Identifier: Apache-2.0

import { Model } from '../../../web/lib/index.js';

/** @typedef {import('./engine.js').Engine} Engine */

/**
 * This library.
 *
 * @param {import('../../../web/lib/index.js').Formats} format of the weights
 * @returns {Engine}
 */
export function lowtropy(format) {
  return {
    name: 'lowtropy',
    async open({ graph, tensors }, input) {
      const model = await Model.fromGraph(graph, tensors, { format });
      return {
        run: () => model.run(input),
        close: () => model.dispose(),
        bytes: model.byteLength,
        formats: [...new Set(model.layers.map((layer) => layer.format))],
      };
    },
  };
}
