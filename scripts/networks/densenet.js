// SPDX-License-Identifier: Apache-2.0

import { GraphBuilder, addMeanClassifier, addStem } from './graph-builder.js';

/**
 * By how many layers with weights there are. growth: channels that a layer adds; layers: of each
 * dense block. The stem gives twice the growth.
 */
const DEPTHS = {
  121: { growth: 32, layers: [6, 12, 24, 16] },
  161: { growth: 48, layers: [6, 12, 36, 24] },
};

/** A layer's 1×1 convolution gives this many times the growth. */
const BOTTLENECK = 4;

/**
 * @param {GraphBuilder} b
 * @param {string} name
 * @param {string} input
 */
function normRelu(b, name, input) {
  return b.plain('relu', `${name}.relu`, b.batchNorm(`${name}.norm`, input));
}

/**
 * @param {GraphBuilder} b
 * @param {string} name
 * @param {string} input
 * @param {number} growth
 */
function denseLayer(b, name, input, growth) {
  let value = normRelu(b, `${name}.1`, input);
  value = b.conv(`${name}.conv1`, value, { outputs: BOTTLENECK * growth, kernel: 1, bias: false });
  value = normRelu(b, `${name}.2`, value);
  value = b.conv(`${name}.conv2`, value, { outputs: growth, kernel: 3, pad: 1, bias: false });
  return b.plain('concat', `${name}.concat`, input, value);
}

/**
 * DenseNet-BC with a compression of one half (arXiv:1608.06993).
 *
 * @param {keyof typeof DEPTHS} depth
 * @returns {import('./graph-builder.js').Graph}
 */
export function denseNet(depth) {
  const { growth, layers } = DEPTHS[depth];
  const b = new GraphBuilder();
  let channels = 2 * growth;
  let value = addStem(b, channels);
  layers.forEach((count, block) => {
    for (let layer = 0; layer < count; ++layer) {
      value = denseLayer(b, `dense${block + 1}.${layer + 1}`, value, growth);
      channels += growth;
    }
    value = normRelu(b, `dense${block + 1}.end`, value);
    if (block === layers.length - 1) return;
    channels /= 2;
    const name = `transition${block + 1}`;
    value = b.conv(name, value, { outputs: channels, kernel: 1, bias: false });
    value = b.avgPool(`${name}.pool`, value, { kernel: 2, stride: 2 });
  });
  return b.finish(`densenet${depth}`, addMeanClassifier(b, value));
}
