// SPDX-License-Identifier: Apache-2.0

import { GraphBuilder, addClassifier } from './graph-builder.js';

/** Channels of each stage. */
const WIDTHS = [64, 128, 256, 512, 512];

/** Convolutions of each stage, by how many layers with weights there are (Simonyan, Zisserman). */
const DEPTHS = { 16: [2, 2, 3, 3, 3], 19: [2, 2, 4, 4, 4] };

/**
 * VGG (arXiv:1409.1556, configurations D and E).
 *
 * @param {keyof typeof DEPTHS} depth
 * @returns {import('./graph-builder.js').Graph}
 */
export function vgg(depth) {
  const b = new GraphBuilder();
  let value = b.input;
  DEPTHS[depth].forEach((convolutions, stage) => {
    for (let i = 0; i < convolutions; ++i) {
      const place = `${stage + 1}_${i + 1}`;
      value = b.conv(`conv${place}`, value, { outputs: WIDTHS[stage], kernel: 3, pad: 1 });
      value = b.plain('relu', `relu${place}`, value);
    }
    value = b.maxPool(`pool${stage + 1}`, value, { kernel: 2, stride: 2 });
  });
  return b.finish(`vgg${depth}`, addClassifier(b, value));
}
