// SPDX-License-Identifier: Apache-2.0

import { GraphBuilder, addClassifier } from './graph-builder.js';

/**
 * AlexNet as trained with Caffe (bvlc_alexnet): two groups in three of its convolutions, and
 * normalization before pooling; here for images of 224×224.
 *
 * @returns {import('./graph-builder.js').Graph}
 */
export function alexNet() {
  const b = new GraphBuilder();
  /** @type {(name: string, input: string) => string} */
  const relu = (name, input) => b.plain('relu', name, input);
  let value = relu('relu1', b.conv('conv1', b.input, { outputs: 96, kernel: 11, stride: 4 }));
  value = b.maxPool('pool1', b.lrn('norm1', value), { kernel: 3, stride: 2 });
  const second = { outputs: 256, kernel: 5, pad: 2, groups: 2 };
  value = relu('relu2', b.conv('conv2', value, second));
  value = b.maxPool('pool2', b.lrn('norm2', value), { kernel: 3, stride: 2 });
  value = relu('relu3', b.conv('conv3', value, { outputs: 384, kernel: 3, pad: 1 }));
  value = relu('relu4', b.conv('conv4', value, { outputs: 384, kernel: 3, pad: 1, groups: 2 }));
  value = relu('relu5', b.conv('conv5', value, { outputs: 256, kernel: 3, pad: 1, groups: 2 }));
  // 12×12 to 6×6: Caffe rounds up, which is padding behind the image.
  value = b.maxPool('pool5', value, { kernel: 3, stride: 2, pad: [0, 0, 1, 1] });
  return b.finish('alexnet', addClassifier(b, value));
}
