// SPDX-License-Identifier: Apache-2.0

/**
 * The shapes of ResNet50's parameters (He et al., arXiv:1512.03385), in the order of its layers: what
 * an update of it consists of. The stride of a stage is that of its first 3×3 convolution.
 */

const CLASSES = 1000;

/** Bottlenecks of each stage, and the channels of their 3×3 convolutions. */
const STAGES = [
  { blocks: 3, width: 64 },
  { blocks: 4, width: 128 },
  { blocks: 6, width: 256 },
  { blocks: 3, width: 512 },
];

/** A bottleneck gives four times as many channels as its 3×3 convolution. */
const EXPANSION = 4;

/** @typedef {{ name: string, shape: number[] }} Parameter */

/**
 * A convolution without biases, and the batch normalization after it.
 *
 * @param {string} name
 * @param {[number, number, number]} size output channels, input channels, side of the kernel
 * @returns {Parameter[]}
 */
function convolution(name, [outputs, inputs, side]) {
  return [
    { name: `${name}.weight`, shape: [outputs, inputs, side, side] },
    { name: `${name}.norm.scale`, shape: [outputs] },
    { name: `${name}.norm.shift`, shape: [outputs] },
  ];
}

/**
 * @param {string} name
 * @param {number} inputs channels
 * @param {number} width
 * @returns {Parameter[]}
 */
function bottleneck(name, inputs, width) {
  const outputs = EXPANSION * width;
  return [
    ...convolution(`${name}.conv1`, [width, inputs, 1]),
    ...convolution(`${name}.conv2`, [width, width, 3]),
    ...convolution(`${name}.conv3`, [outputs, width, 1]),
    ...(inputs === outputs ? [] : convolution(`${name}.shortcut`, [outputs, inputs, 1])),
  ];
}

/** @returns {Parameter[]} 161 of them, with 25,557,032 elements */
export function resNet50Parameters() {
  const parameters = convolution('conv1', [64, 3, 7]);
  let channels = 64;
  STAGES.forEach(({ blocks, width }, stage) => {
    for (let block = 0; block < blocks; ++block) {
      parameters.push(...bottleneck(`stage${stage + 1}.block${block + 1}`, channels, width));
      channels = EXPANSION * width;
    }
  });
  return [
    ...parameters,
    { name: 'fc.weight', shape: [CLASSES, channels] },
    { name: 'fc.bias', shape: [CLASSES] },
  ];
}

/** @returns {Record<string, number>} elements of each parameter by its name */
export function resNet50Layout() {
  return Object.fromEntries(
    resNet50Parameters().map(({ name, shape }) => [name, shape.reduce((a, b) => a * b, 1)]),
  );
}
