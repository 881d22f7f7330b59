// SPDX-License-Identifier: Apache-2.0

import { topClasses } from '../../web/lib/index.js';

/**
 * @param {import('../../web/lib/index.js').Model} model that reads 28×28 pixels from 0 to 1
 * @param {import('./examples.js').Examples} examples
 * @returns {number} the share of right answers
 */
export function accuracyOf(model, { pixels, labels }) {
  const size = pixels.length / labels.length;
  const right = labels.filter((label, i) => {
    const input = Float32Array.from(
      pixels.subarray(size * i, size * (i + 1)),
      (byte) => byte / 255,
    );
    return topClasses(model.run(input), 1)[0].index === label;
  });
  return right.length / labels.length;
}
