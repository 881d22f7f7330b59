// SPDX-License-Identifier: Apache-2.0

import { GraphBuilder, addMeanClassifier, addStem } from './graph-builder.js';

/** Bottlenecks of each stage, by how many layers with weights there are. */
const DEPTHS = { 50: [3, 4, 6, 3], 152: [3, 8, 36, 3] };

/** Channels of the stages' 3×3 convolutions; a bottleneck gives four times as many. */
const WIDTHS = [64, 128, 256, 512];
const EXPANSION = 4;

/**
 * @param {GraphBuilder} b
 * @param {string} name
 * @param {string} input
 * @param {import('./graph-builder.js').Convolution} shape
 */
function normalized(b, name, input, shape) {
  return b.batchNorm(`${name}.norm`, b.conv(name, input, { ...shape, bias: false }));
}

/**
 * @param {GraphBuilder} b
 * @param {string} name
 * @param {string} input
 * @param {{ width: number, stride: number, widens: boolean }} shape widens: the shortcut needs a
 *   convolution, for the input has not yet the shape of the output
 */
function bottleneck(b, name, input, { width, stride, widens }) {
  const outputs = EXPANSION * width;
  let value = normalized(b, `${name}.conv1`, input, { outputs: width, kernel: 1 });
  value = b.plain('relu', `${name}.relu1`, value);
  value = normalized(b, `${name}.conv2`, value, { outputs: width, kernel: 3, stride, pad: 1 });
  value = b.plain('relu', `${name}.relu2`, value);
  value = normalized(b, `${name}.conv3`, value, { outputs, kernel: 1 });
  const shortcut = widens
    ? normalized(b, `${name}.shortcut`, input, { outputs, kernel: 1, stride })
    : input;
  return b.plain('relu', `${name}.relu3`, b.plain('add', `${name}.add`, value, shortcut));
}

/**
 * ResNet of bottlenecks (arXiv:1512.03385). A stage's stride is that of its first 3×3 convolution,
 * as in the trained networks that are in use, not of the 1×1 before it.
 *
 * @param {keyof typeof DEPTHS} depth
 * @returns {import('./graph-builder.js').Graph}
 */
export function resNet(depth) {
  const b = new GraphBuilder();
  let value = addStem(b, WIDTHS[0]);
  DEPTHS[depth].forEach((blocks, stage) => {
    for (let block = 0; block < blocks; ++block) {
      const stride = stage > 0 && block === 0 ? 2 : 1;
      const shape = { width: WIDTHS[stage], stride, widens: block === 0 };
      value = bottleneck(b, `stage${stage + 1}.${block + 1}`, value, shape);
    }
  });
  return b.finish(`resnet${depth}`, addMeanClassifier(b, value));
}
