// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { FileError, UnsupportedError } from '../../../web/lib/core/errors.js';
import { init } from '../../../web/lib/core/module.js';
import { readCaffe } from '../../../web/lib/import/caffe.js';
import { inferShapes } from '../../../web/lib/graph/graph.js';

await init();

const INPUT = 'name: "net" input: "data" input_dim: 1 input_dim: 8 input_dim: 14 input_dim: 15\n';

/**
 * @param {string} type
 * @param {string} rest
 * @param {{ name?: string, bottom?: string, top?: string }} [wiring]
 */
function layer(type, rest, { name = 'x', bottom = 'data', top = 'y' } = {}) {
  return `layer { name: "${name}" type: "${type}" bottom: "${bottom}" top: "${top}" ${rest} }\n`;
}

/**
 * @param {string} type
 * @param {string} rest
 * @returns {import('../../../web/lib/graph/graph.js').GraphNode} the node of a network of one layer
 */
function single(type, rest) {
  const { nodes, outputs } = readCaffe(INPUT + layer(type, rest));
  assert.equal(nodes.length, 1);
  assert.deepEqual(outputs, ['y']);
  return nodes[0];
}

describe('caffe: each layer type', () => {
  /** @type {Array<[what: string, type: string, text: string, node: object]>} */
  const cases = [
    [
      'a convolution with defaults',
      'Convolution',
      'convolution_param { num_output: 4 kernel_size: 3 }',
      {
        op: 'conv',
        name: 'x',
        inputs: ['data'],
        output: 'y',
        weight: 'x.weight',
        bias: 'x.bias',
        outChannels: 4,
        kernel: [3, 3],
        stride: [1, 1],
        pad: [0, 0, 0, 0],
        dilation: [1, 1],
        groups: 1,
      },
    ],
    [
      'a convolution with everything',
      'Convolution',
      `convolution_param { num_output: 4 bias_term: false
      kernel_h: 3 kernel_w: 2 stride_h: 2 stride_w: 1 pad_w: 1 dilation: 2 group: 2 engine: CUDNN axis: 1
      weight_filler { type: "xavier" } }`,
      {
        op: 'conv',
        name: 'x',
        inputs: ['data'],
        output: 'y',
        weight: 'x.weight',
        outChannels: 4,
        kernel: [3, 2],
        stride: [2, 1],
        pad: [0, 1, 0, 1],
        dilation: [2, 2],
        groups: 2,
      },
    ],
    [
      'a convolution with a size for each axis',
      'Convolution',
      'convolution_param { num_output: 4 kernel_size: [5, 3] stride: 2 stride: 1 pad: [2, 1] dilation: [1, 2] }',
      {
        op: 'conv',
        name: 'x',
        inputs: ['data'],
        output: 'y',
        weight: 'x.weight',
        bias: 'x.bias',
        outChannels: 4,
        kernel: [5, 3],
        stride: [2, 1],
        pad: [2, 1, 2, 1],
        dilation: [1, 2],
        groups: 1,
      },
    ],
    [
      'a fully connected layer',
      'InnerProduct',
      'inner_product_param { num_output: 10 }',
      {
        op: 'fc',
        name: 'x',
        inputs: ['data'],
        output: 'y',
        weight: 'x.weight',
        bias: 'x.bias',
        outChannels: 10,
      },
    ],
    [
      'a fully connected layer without bias',
      'InnerProduct',
      'inner_product_param { num_output: 10 bias_term: False }',
      { op: 'fc', name: 'x', inputs: ['data'], output: 'y', weight: 'x.weight', outChannels: 10 },
    ],
    [
      'a ReLU',
      'ReLU',
      'relu_param { negative_slope: 0 }',
      { op: 'relu', name: 'x', inputs: ['data'], output: 'y' },
    ],
    [
      'max pooling',
      'Pooling',
      'pooling_param { kernel_size: 3 stride: 2 }',
      {
        op: 'maxpool',
        name: 'x',
        inputs: ['data'],
        output: 'y',
        kernel: [3, 3],
        stride: [2, 2],
        pad: [0, 0, 0, 0],
        ceil: true,
      },
    ],
    [
      'average pooling',
      'Pooling',
      'pooling_param { pool: AVE kernel_h: 3 kernel_w: 4 stride_h: 2 stride_w: 3 pad_h: 1 round_mode: FLOOR }',
      {
        op: 'avgpool',
        name: 'x',
        inputs: ['data'],
        output: 'y',
        kernel: [3, 4],
        stride: [2, 3],
        pad: [1, 0, 1, 0],
        ceil: false,
        countPad: true,
      },
    ],
    [
      'enumerations by number',
      'Pooling',
      'pooling_param { pool: 1 kernel_size: 2 round_mode: 1 }',
      {
        op: 'avgpool',
        name: 'x',
        inputs: ['data'],
        output: 'y',
        kernel: [2, 2],
        stride: [1, 1],
        pad: [0, 0, 0, 0],
        ceil: false,
        countPad: true,
      },
    ],
    [
      'global average pooling',
      'Pooling',
      'pooling_param { pool: AVE global_pooling: true }',
      { op: 'globalavgpool', name: 'x', inputs: ['data'], output: 'y' },
    ],
    [
      'global max pooling',
      'Pooling',
      'pooling_param { pool: MAX global_pooling: true stride: 1 pad: 0 }',
      {
        op: 'maxpool',
        name: 'x',
        inputs: ['data'],
        output: 'y',
        kernel: [14, 15],
        stride: [1, 1],
        pad: [0, 0, 0, 0],
        ceil: false,
      },
    ],
    [
      'LRN with defaults',
      'LRN',
      '',
      { op: 'lrn', name: 'x', inputs: ['data'], output: 'y', size: 5, alpha: 1, beta: 0.75, k: 1 },
    ],
    [
      'LRN',
      'LRN',
      'lrn_param { local_size: 3 alpha: 1e-4 beta: .5f k: 2 norm_region: ACROSS_CHANNELS }',
      {
        op: 'lrn',
        name: 'x',
        inputs: ['data'],
        output: 'y',
        size: 3,
        alpha: 1e-4,
        beta: 0.5,
        k: 2,
      },
    ],
    [
      'a batch normalization',
      'BatchNorm',
      'batch_norm_param { use_global_stats: true eps: 0.001 }',
      {
        op: 'batchnorm',
        name: 'x',
        inputs: ['data'],
        output: 'y',
        mean: 'x.mean',
        variance: 'x.variance',
        epsilon: 0.001,
      },
    ],
    [
      'a sum of a value with itself',
      'Eltwise',
      'bottom: "data" eltwise_param { operation: SUM coeff: [1, 1] }',
      { op: 'add', name: 'x', inputs: ['data', 'data'], output: 'y' },
    ],
    [
      'a concatenation',
      'Concat',
      'bottom: "data" concat_param { axis: 1 }',
      { op: 'concat', name: 'x', inputs: ['data', 'data'], output: 'y' },
    ],
    [
      'a concatenation, old spelling',
      'Concat',
      'concat_param { concat_dim: 1 }',
      { op: 'concat', name: 'x', inputs: ['data'], output: 'y' },
    ],
    [
      'a flattening',
      'Flatten',
      'flatten_param { axis: 1 end_axis: -1 }',
      { op: 'flatten', name: 'x', inputs: ['data'], output: 'y' },
    ],
    [
      'a softmax',
      'Softmax',
      'softmax_param { axis: 1 }',
      { op: 'softmax', name: 'x', inputs: ['data'], output: 'y' },
    ],
    [
      'a dropout',
      'Dropout',
      'dropout_param { dropout_ratio: 0.5 }',
      { op: 'dropout', name: 'x', inputs: ['data'], output: 'y' },
    ],
  ];
  for (const [what, type, text, node] of cases) {
    test(what, () => assert.deepEqual(single(type, text), node));
  }
});

describe('caffe: the wiring', () => {
  test('layers in place get values of their own, and others read the one of their moment', () => {
    const { nodes, outputs } = readCaffe(
      INPUT +
        layer('Convolution', 'convolution_param { num_output: 4 kernel_size: 1 }', {
          name: 'c',
          top: 'c',
        }) +
        layer('Flatten', '', { name: 'before', bottom: 'c', top: 'before' }) +
        layer('ReLU', '', { name: 'r', bottom: 'c', top: 'c' }) +
        layer('Dropout', '', { name: 'c', bottom: 'c', top: 'c' }) +
        layer('Flatten', '', { name: 'after', bottom: 'c', top: 'after' }),
    );
    assert.deepEqual(
      nodes.map(({ name, inputs, output }) => [name, ...inputs, output]),
      [
        ['c', 'data', 'c'],
        ['before', 'c', 'before'],
        ['r', 'c', 'r'],
        ['c_2', 'r', 'c_2'],
        ['after', 'c_2', 'after'],
      ],
    );
    assert.deepEqual(outputs, ['before', 'after']);
  });

  test('the input can be changed in place', () => {
    const { input, nodes, outputs } = readCaffe(INPUT + layer('ReLU', '', { top: 'data' }));
    assert.deepEqual(
      [input.name, nodes[0].inputs, nodes[0].output, outputs],
      ['data', ['data'], 'x', ['x']],
    );
  });

  test('BatchNorm and Scale become one node', () => {
    const { nodes, outputs } = readCaffe(
      INPUT +
        layer('BatchNorm', '', { name: 'bn', top: 'y' }) +
        layer('Scale', 'scale_param { bias_term: true }', { name: 'sc', bottom: 'y', top: 'y' }) +
        layer('BatchNorm', '', { name: 'bn2', bottom: 'y', top: 'y' }) +
        layer('Scale', '', { name: 'sc2', bottom: 'y', top: 'z' }),
    );
    assert.deepEqual(nodes, [
      {
        op: 'batchnorm',
        name: 'bn',
        inputs: ['data'],
        output: 'sc',
        mean: 'bn.mean',
        variance: 'bn.variance',
        epsilon: 1e-5,
        gamma: 'sc.gamma',
        beta: 'sc.beta',
      },
      {
        op: 'batchnorm',
        name: 'bn2',
        inputs: ['sc'],
        output: 'z',
        mean: 'bn2.mean',
        variance: 'bn2.variance',
        epsilon: 1e-5,
        gamma: 'sc2.gamma',
      },
    ]);
    assert.deepEqual(outputs, ['z']);
  });

  test('a sum of three', () => {
    const { nodes, outputs } = readCaffe(
      INPUT +
        layer('ReLU', '', { name: 'r', top: 'r' }) +
        layer('Eltwise', 'bottom: "r" bottom: "data"', { name: 's', top: 's' }),
    );
    assert.deepEqual(nodes[1], {
      op: 'add',
      name: 's',
      inputs: ['data', 'r', 'data'],
      output: 's',
    });
    assert.deepEqual(outputs, ['s']);
  });

  test('names that are missing, doubled or unfit for tensors', () => {
    const { name, nodes } = readCaffe(
      'input: "data" input_shape { dim: 1 dim: 4 }' +
        layer('InnerProduct', 'inner_product_param { num_output: 2 }', { name: '', top: 'a' }) +
        layer('InnerProduct', 'inner_product_param { num_output: 2 }', {
          name: 'é:1',
          bottom: 'a',
          top: 'b',
        }) +
        layer('InnerProduct', 'inner_product_param { num_output: 2 }', {
          name: 'è:1',
          bottom: 'b',
          top: 'c',
        }) +
        layer('InnerProduct', 'inner_product_param { num_output: 2 }', {
          name: 'è:1',
          bottom: 'c',
          top: 'd',
        }),
    );
    assert.equal(name, 'network');
    assert.deepEqual(
      nodes.map((node) => [node.name, node.op === 'fc' && node.weight]),
      [
        ['innerproduct', 'innerproduct.weight'],
        ['é:1', '__1.weight'],
        ['è:1', '__1.weight_2'],
        ['è:1_2', '__1.weight_3'],
      ],
    );
  });

  test('every way to declare the input', () => {
    const relu = layer('ReLU', '');
    const shapes = [
      'input: "data" input_dim: 10 input_dim: 3 input_dim: 4 input_dim: 5',
      'input: "data" input_shape { dim: [10, 3, 4, 5] }',
      'layer { name: "in" type: "Input" top: "data" input_param { shape: { dim: 10 dim: 3 dim: 4 dim: 5 } } }',
      'layer { type: "Input" top: "data" top: "label" input_param { shape { dim: [1, 3, 4, 5] } shape { dim: [1, 1] } } }',
      'input: "label" input: "data" input_shape { dim: [1, 7] } input_shape { dim: [1, 3, 4, 5] }',
    ].map((text) => readCaffe(`${text}\n${relu}`).input);
    for (const input of shapes) assert.deepEqual(input, { name: 'data', shape: [3, 4, 5] });
  });

  test('only the test phase counts', () => {
    const { nodes } = readCaffe(
      INPUT +
        layer('Nonsense', 'include { phase: TRAIN }', { name: 'a' }) +
        layer('Nonsense', 'exclude { phase: TEST }', { name: 'b' }) +
        layer('Nonsense', 'include { stage: "deploy" }', { name: 'c' }) +
        layer('Nonsense', 'include { min_level: 1 }', { name: 'd' }) +
        layer('Nonsense', 'include { max_level: -1 }', { name: 'e' }) +
        layer('ReLU', 'include { phase: TRAIN } include { phase: TEST }', { name: 'f', top: 'f' }) +
        layer('ReLU', 'exclude { phase: TRAIN }', { name: 'g', bottom: 'f', top: 'g' }) +
        layer('ReLU', 'include { not_stage: "deploy" max_level: 3 }', {
          name: 'h',
          bottom: 'g',
          top: 'h',
        }),
    );
    assert.deepEqual(
      nodes.map(({ name }) => name),
      ['f', 'g', 'h'],
    );
  });

  test('losses and accuracies are left out, with their labels', () => {
    const { outputs, nodes } = readCaffe(`${INPUT} layer { type: "Input" top: "label"
      input_param { shape { dim: 1 dim: 1 } } }
      ${layer('InnerProduct', 'inner_product_param { num_output: 2 }', { name: 'fc', top: 'fc' })}
      layer { type: "Accuracy" bottom: "fc" bottom: "label" top: "accuracy" include { phase: TEST } }
      layer { type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }`);
    assert.deepEqual([outputs, nodes.length], [['fc'], 1]);
  });

  test('the old syntax', () => {
    const { nodes, outputs } = readCaffe(`${INPUT}
      layers { name: "conv" type: CONVOLUTION bottom: "data" top: "conv" blobs_lr: 1 weight_decay: 0
        convolution_param { num_output: 4 kernel_size: 3 pad: 1 group: 2 } }
      layers { name: "relu" type: 18 bottom: "conv" top: "conv" }
      layers { name: "norm" type: LRN bottom: "conv" top: "norm" lrn_param { local_size: 5 } }
      layers { name: "pool" type: POOLING bottom: "norm" top: "pool" pooling_param { kernel_size: 2 } }
      layers { name: "join" type: CONCAT bottom: "pool" bottom: "pool" top: "join" }
      layers { name: "sum" type: ELTWISE bottom: "join" bottom: "join" top: "sum" }
      layers { name: "flat" type: FLATTEN bottom: "sum" top: "flat" }
      layers { name: "fc" type: INNER_PRODUCT bottom: "flat" top: "fc" inner_product_param { num_output: 2 } }
      layers { name: "drop" type: DROPOUT bottom: "fc" top: "fc" }
      layers { name: "loss" type: SOFTMAX_LOSS bottom: "fc" bottom: "label" top: "loss" include { phase: TRAIN } }
      layers { name: "prob" type: SOFTMAX bottom: "fc" top: "prob" }`);
    assert.deepEqual(
      nodes.map(({ op }) => op),
      ['conv', 'relu', 'lrn', 'maxpool', 'concat', 'add', 'flatten', 'fc', 'dropout', 'softmax'],
    );
    assert.deepEqual(outputs, ['prob']);
  });

  test('AlexNet, whose shapes are known', () => {
    /** @param {number} n @param {string} settings @param {string} bottom */
    const conv = (n, settings, bottom) =>
      layer('Convolution', `convolution_param { ${settings} }`, {
        name: `conv${n}`,
        bottom,
        top: `conv${n}`,
      }) + layer('ReLU', '', { name: `relu${n}`, bottom: `conv${n}`, top: `conv${n}` });
    /** @param {number} n @param {string} bottom */
    const pool = (n, bottom) =>
      layer('Pooling', 'pooling_param { pool: MAX kernel_size: 3 stride: 2 }', {
        name: `pool${n}`,
        bottom,
        top: `pool${n}`,
      });
    const graph = readCaffe(
      'input: "data" input_shape { dim: [10, 3, 227, 227] }' +
        conv(1, 'num_output: 96 kernel_size: 11 stride: 4', 'data') +
        layer('LRN', 'lrn_param { alpha: 0.0001 }', {
          name: 'norm1',
          bottom: 'conv1',
          top: 'norm1',
        }) +
        pool(1, 'norm1') +
        conv(2, 'num_output: 256 pad: 2 kernel_size: 5 group: 2', 'pool1') +
        pool(2, 'conv2') +
        conv(3, 'num_output: 384 pad: 1 kernel_size: 3', 'pool2') +
        conv(4, 'num_output: 384 pad: 1 kernel_size: 3 group: 2', 'conv3') +
        conv(5, 'num_output: 256 pad: 1 kernel_size: 3 group: 2', 'conv4') +
        pool(5, 'conv5') +
        layer('InnerProduct', 'inner_product_param { num_output: 4096 }', {
          name: 'fc6',
          bottom: 'pool5',
          top: 'fc6',
        }),
    );
    const shapes = inferShapes(graph);
    assert.deepEqual(
      ['conv1', 'pool1', 'conv2', 'pool2', 'conv5', 'pool5', 'fc6'].map((name) => shapes.get(name)),
      [
        [96, 55, 55],
        [96, 27, 27],
        [256, 27, 27],
        [256, 13, 13],
        [256, 13, 13],
        [256, 6, 6],
        [4096, 1, 1],
      ],
    );
  });
});

describe('caffe: refusals', () => {
  const conv = 'convolution_param { num_output: 4 kernel_size: 3 }';
  /** @typedef {typeof FileError | typeof UnsupportedError} Kind */
  /** @type {Array<[text: string, type: Kind, message: RegExp]>} */
  const cases = [
    ['', FileError, /has no layers/],
    ['name: "x"', FileError, /has no layers/],
    [
      layer('ReLU', ''),
      FileError,
      /Line 1, column 7: layer "x": nothing before it produces its bottom "data"/,
    ],
    [
      `${INPUT}${layer('Deconvolution', '')}`,
      UnsupportedError,
      /Layer "x" \(Deconvolution\), line 2: this layer type is not supported/,
    ],
    [
      `${INPUT}${layer('Data', '')}`,
      UnsupportedError,
      /Layer "x" \(Data\), line 2: .* use the deploy file/,
    ],
    [
      `${INPUT}layer { name: "x" bottom: "data" top: "y" }`,
      FileError,
      /layer "x": "type" is missing/,
    ],
    [
      `${INPUT}layer { name: "x" type: ReLU bottom: "data" top: "y" }`,
      FileError,
      /"type" must be a quoted string/,
    ],
    [
      `${INPUT}layer { name: "x" name: "y" type: "ReLU" }`,
      FileError,
      /Line 2, column 25: a layer: "name" stands more than once/,
    ],
    [`${INPUT}layer: 3`, FileError, /"layer" must be a message in braces/],
    [
      `${INPUT}layer { name: "a\\nb" type: "ReLU" }`,
      FileError,
      /"a\\nb" is longer than 240 bytes or has control characters/,
    ],
    [
      `${INPUT}layer { name: "${'é'.repeat(129)}" type: "ReLU" }`,
      FileError,
      /longer than 240 bytes/,
    ],
    [`${INPUT}${layer('Convolution', '')}`, FileError, /layer "x": "kernel_size" is missing/],
    [
      `${INPUT}${layer('Convolution', 'convolution_param { kernel_size: 3 }')}`,
      FileError,
      /"num_output" is missing/,
    ],
    [
      `${INPUT}${layer('Convolution', 'convolution_param { num_output: 4 kernel_size: 3 stirde: 2 }')}`,
      FileError,
      /Line 2, column 120: layer "x": there is no field "stirde" here/,
    ],
    [
      `${INPUT}${layer('Convolution', 'convolution_param { num_output: 4 kernel_size: 3 kernel_h: 2 }')}`,
      FileError,
      /either "kernel_size" or "kernel_h" and "kernel_w"/,
    ],
    [
      `${INPUT}${layer('Convolution', 'convolution_param { num_output: 4 kernel_h: 2 }')}`,
      FileError,
      /"kernel_h" and "kernel_w" must both be given/,
    ],
    [
      `${INPUT}${layer('Convolution', 'convolution_param { num_output: 4 kernel_size: [1, 2, 3] }')}`,
      FileError,
      /"kernel_size" has 3 values/,
    ],
    [
      `${INPUT}${layer('Convolution', 'convolution_param { num_output: 4 kernel_size: 0 }')}`,
      FileError,
      /"kernel_size" must be an integer from 1/,
    ],
    [
      `${INPUT}${layer('Convolution', 'convolution_param { num_output: 4 kernel_size: 2.5 }')}`,
      FileError,
      /"kernel_size" must be an integer/,
    ],
    [
      `${INPUT}${layer('Convolution', 'convolution_param { num_output: 4 kernel_size: 1e300 }')}`,
      FileError,
      /"kernel_size" must be an integer/,
    ],
    [
      `${INPUT}${layer('Convolution', 'convolution_param { num_output: 4 kernel_size: "3" }')}`,
      FileError,
      /"kernel_size" must be an integer/,
    ],
    [
      `${INPUT}${layer('Convolution', 'convolution_param { num_output: 4 kernel_size: 3 bias_term: 2 }')}`,
      FileError,
      /"bias_term" must be true or false/,
    ],
    [
      `${INPUT}${layer('Convolution', 'convolution_param { num_output: 4 kernel_size: 3 axis: 2 }')}`,
      UnsupportedError,
      /only "axis: 1" is supported/,
    ],
    [
      `${INPUT}${layer('Convolution', 'convolution_param { num_output: 4 kernel_size: 16 }')}`,
      FileError,
      /The conv node "x": the kernel reaches over 16 rows of an input that has 14/,
    ],
    [
      `${INPUT}${layer('Convolution', 'convolution_param { num_output: 4 kernel_size: 3 group: 3 }')}`,
      FileError,
      /The conv node "x": 3 groups do not divide 8 input and 4 output channels/,
    ],
    [
      `${INPUT}${layer('Convolution', 'convolution_param { num_output: 2147483647 kernel_size: 3 }')}`,
      FileError,
      /The conv node "x": its output of 2147483647 x 12 x 13 is empty or larger than/,
    ],
    [
      `${INPUT}${layer('InnerProduct', 'inner_product_param { num_output: 4 transpose: true }')}`,
      UnsupportedError,
      /"transpose: true"/,
    ],
    [
      `${INPUT}${layer('ReLU', 'relu_param { negative_slope: 0.1 }')}`,
      UnsupportedError,
      /"negative_slope" other than 0/,
    ],
    [
      `${INPUT}${layer('ReLU', 'relu_param { negative_slope: nan }')}`,
      FileError,
      /must be a finite number/,
    ],
    [
      `${INPUT}${layer('Pooling', 'pooling_param { pool: STOCHASTIC kernel_size: 2 }')}`,
      UnsupportedError,
      /stochastic/,
    ],
    [
      `${INPUT}${layer('Pooling', 'pooling_param { pool: MIN kernel_size: 2 }')}`,
      FileError,
      /"pool" must be one of MAX, AVE, STOCHASTIC/,
    ],
    [
      `${INPUT}${layer('Pooling', 'pooling_param { pool: 7 kernel_size: 2 }')}`,
      FileError,
      /"pool" must be one of/,
    ],
    [
      `${INPUT}${layer('Pooling', 'pooling_param { kernel_size: 2 pad: 2 }')}`,
      FileError,
      /The maxpool node "x": its padding is not smaller than its kernel/,
    ],
    [
      `${INPUT}${layer('Pooling', 'pooling_param { global_pooling: true kernel_size: 2 }')}`,
      FileError,
      /leaves no room for "kernel_size"/,
    ],
    [
      `${INPUT}${layer('Pooling', 'pooling_param { global_pooling: true pad: 1 }')}`,
      FileError,
      /works with "pad: 0" and "stride: 1" only/,
    ],
    [
      `${INPUT}${layer('LRN', 'lrn_param { norm_region: WITHIN_CHANNEL }')}`,
      UnsupportedError,
      /normalization within a channel is not supported/,
    ],
    [
      `${INPUT}${layer('LRN', 'lrn_param { local_size: 4 }')}`,
      FileError,
      /"local_size" must be odd, not 4/,
    ],
    [
      `${INPUT}${layer('BatchNorm', 'batch_norm_param { use_global_stats: false }')}`,
      UnsupportedError,
      /normalizes by the batch/,
    ],
    [
      `${INPUT}${layer('BatchNorm', 'batch_norm_param { eps: -1 }')}`,
      FileError,
      /"eps" must not be negative/,
    ],
    [`${INPUT}${layer('Scale', '')}`, UnsupportedError, /directly behind a BatchNorm layer only/],
    [
      INPUT +
        layer('BatchNorm', '', { top: 'b' }) +
        layer('ReLU', '', { bottom: 'b', top: 'r' }) +
        layer('Scale', '', { bottom: 'b', top: 's' }),
      UnsupportedError,
      /another layer reads the BatchNorm layer before it, unscaled/,
    ],
    [
      INPUT +
        layer('BatchNorm', '', { top: 'b' }) +
        layer('Scale', '', { bottom: 'b', top: 's' }) +
        layer('ReLU', '', { bottom: 'b', top: 'r' }),
      FileError,
      /only the scaled value can be used/,
    ],
    [
      INPUT +
        layer('BatchNorm', '', { top: 'b' }) +
        layer('Scale', '', { bottom: 'b', top: 'b' }) +
        layer('Scale', '', { bottom: 'b', top: 'b' }),
      UnsupportedError,
      /directly behind a BatchNorm layer only/,
    ],
    [
      `${INPUT}${layer('Eltwise', '')}`,
      FileError,
      /layer "x": Eltwise takes 2 or more bottoms, not 1/,
    ],
    [
      `${INPUT}${layer('Eltwise', 'bottom: "data" eltwise_param { operation: MAX }')}`,
      UnsupportedError,
      /only the sum is supported/,
    ],
    [
      `${INPUT}${layer('Eltwise', 'bottom: "data" eltwise_param { coeff: 1 coeff: -1 }')}`,
      UnsupportedError,
      /coefficients other than 1/,
    ],
    [
      INPUT + layer('Convolution', conv, { name: 'c', top: 'c' }) + layer('Eltwise', 'bottom: "c"'),
      FileError,
      /The add node "x": it cannot add 8 x 14 x 15 and 4 x 12 x 13/,
    ],
    [
      INPUT + layer('Convolution', conv, { name: 'c', top: 'c' }) + layer('Concat', 'bottom: "c"'),
      FileError,
      /The concat node "x": it cannot concatenate/,
    ],
    [`${INPUT}${layer('Concat', 'concat_param { axis: 2 }')}`, UnsupportedError, /only "axis: 1"/],
    [
      `${INPUT}${layer('Flatten', 'flatten_param { end_axis: 2 }')}`,
      UnsupportedError,
      /flattening to the last axis/,
    ],
    [
      `${INPUT}${layer('Softmax', 'softmax_param { axis: 2 }')}`,
      UnsupportedError,
      /only "axis: 1"/,
    ],
    [`${INPUT}${layer('ReLU', 'top: "z"')}`, FileError, /ReLU takes 1 tops, not 2/],
    [INPUT + layer('ReLU', '') + layer('ReLU', ''), FileError, /the blob "y" is produced twice/],
    [
      `${INPUT}layer { type: "Input" top: "data" input_param { shape { dim: [1, 2] } } }`,
      FileError,
      /the blob "data" is produced twice/,
    ],
    ['layer { type: "Input" top: "data" }', FileError, /it has 1 tops and 0 shapes/],
    [
      `${INPUT}${layer('Re\\nLU', '')}`,
      FileError,
      /layer "x": the name "Re\\nLU" is longer than 240 bytes or has control characters/,
    ],
    [`${INPUT}${'a'.repeat(999)}`, FileError, /after the field "a{60}…", found/],
    [
      `${INPUT}${layer('ReLU', `relu_param { ${'a'.repeat(999)}: 1 }`)}`,
      FileError,
      /there is no field "a{60}…" here/,
    ],
    [`${INPUT} x: ${'1'.repeat(999)}x`, FileError, /"1{60}…" is not a number/],
    [`${INPUT}${layer('ReLU', '', { top: '' })}`, FileError, /a blob has an empty name/],
    ['input: "data"', FileError, /has neither "input_shape" nor "input_dim"/],
    ['input: "data" input_dim: [1, 2, 3]', FileError, /1 inputs have 4 "input_dim", not 3/],
    ['input: "data" input_dim: [1, 0, 3, 3]', FileError, /"input_dim" must be an integer from 1/],
    ['input: "data" input_shape { dim: [1, 2, 3] }', FileError, /has 3 dimensions/],
    [
      'input: "data" input: "b" input_shape { dim: [1, 2] }',
      FileError,
      /there are 2 inputs and 1 "input_shape"/,
    ],
    [
      `input: "data" input: "b" input_shape { dim: [1, 2] } input_shape { dim: [1, 2] } ${layer('Eltwise', 'bottom: "b"')}`,
      UnsupportedError,
      /reads 2 inputs \("data", "b"\); one is supported/,
    ],
    [
      `${INPUT}${layer('ReLU', 'include { phase: TEST } exclude { phase: TRAIN }')}`,
      FileError,
      /both include and exclude/,
    ],
    [
      `${INPUT}${layer('ReLU', '')} layers { type: RELU }`,
      FileError,
      /both "layer" and the old "layers"/,
    ],
    [`${INPUT} layers { layer { name: "x" type: "conv" } }`, FileError, /the oldest Caffe syntax/],
    [
      `${INPUT} layers { name: "x" type: "ReLU" }`,
      FileError,
      /is not an unquoted word such as CONVOLUTION/,
    ],
    [
      `${INPUT} layers { name: "x" type: SIGMOID bottom: "data" top: "y" }`,
      UnsupportedError,
      /Layer "x" \(SIGMOID\)/,
    ],
    [
      `${INPUT}${'layer{}'.repeat(10_001)}`,
      FileError,
      /there are 10001 layers; the limit is 10000/,
    ],
  ];
  for (const [text, type, message] of cases) {
    test(String(message).slice(1, 60), () => {
      assert.throws(
        () => readCaffe(text),
        (error) => {
          assert(error instanceof type, `${error}`);
          assert.match(error.message, message);
          assert.match(error.message, /^[^\n]*\.$/);
          return true;
        },
      );
    });
  }
});

describe('caffe: axes from the last', () => {
  const FLAT = 'name: "net" input: "data" input_shape { dim: 1 dim: 8 }\n';
  /** @type {Array<[type: string, text: (axis: number) => string]>} */
  const layers = [
    ['Softmax', (axis) => `softmax_param { axis: ${axis} }`],
    ['InnerProduct', (axis) => `inner_product_param { num_output: 3 axis: ${axis} }`],
    ['Concat', (axis) => `concat_param { axis: ${axis} }`],
    ['Flatten', (axis) => `flatten_param { axis: ${axis} }`],
  ];
  for (const [type, text] of layers) {
    test(`of ${type}`, () => {
      const plain = readCaffe(INPUT + layer(type, text(1)));
      assert.deepEqual(readCaffe(INPUT + layer(type, text(-3))), plain);
      const flat = readCaffe(FLAT + layer(type, text(1)));
      assert.deepEqual(readCaffe(FLAT + layer(type, text(-1))), flat);
      for (const [input, axis, is] of [
        [INPUT, -1, 3],
        [INPUT, -4, 0],
        [FLAT, -2, 0],
      ]) {
        assert.throws(
          () => readCaffe(input + layer(type, text(Number(axis)))),
          (error) =>
            error instanceof UnsupportedError && error.message.includes(`and this is ${is}.`),
        );
      }
      for (const axis of [4, -5]) {
        assert.throws(
          () => readCaffe(INPUT + layer(type, text(axis))),
          (error) => error instanceof FileError && /none of the 4 axes/.test(error.message),
        );
      }
    });
  }

  test('of what fully connected layers and flattening make, which has two', () => {
    for (const [type, text] of [
      ['InnerProduct', 'inner_product_param { num_output: 3 }'],
      ['Flatten', ''],
    ]) {
      const { nodes } = readCaffe(
        INPUT +
          layer(type, text, { name: 'a', top: 'a' }) +
          layer('ReLU', '', { name: 'b', bottom: 'a', top: 'a' }) +
          layer('Softmax', 'softmax_param { axis: -1 }', { name: 'c', bottom: 'a', top: 'c' }),
      );
      assert.equal(nodes.at(-1)?.op, 'softmax');
    }
  });

  test('of a convolution and its scale', () => {
    const text = (/** @type {string} */ axis) =>
      INPUT +
      layer('Convolution', `convolution_param { num_output: 2 kernel_size: 1 axis: ${axis} }`, {
        name: 'a',
        top: 'a',
      }) +
      layer('BatchNorm', '', { name: 'b', bottom: 'a', top: 'a' }) +
      layer('Scale', `scale_param { axis: ${axis} }`, { name: 'c', bottom: 'a', top: 'a' });
    assert.deepEqual(readCaffe(text('-3')), readCaffe(text('1')));
    assert.throws(() => readCaffe(text('-2')), UnsupportedError);
  });
});

describe('caffe: layers that change nothing', () => {
  test('Split: each top is the bottom', () => {
    const graph = readCaffe(
      `${INPUT}layer { name: "s" type: "Split" bottom: "data" top: "one" top: "two" top: "three" }
      ${layer('ReLU', '', { name: 'a', bottom: 'one', top: 'a' })}
      ${layer('Eltwise', '', { name: 'b', bottom: 'a" bottom: "two', top: 'b' })}`,
    );
    assert.deepEqual(graph.outputs, ['three', 'b']);
    assert.deepEqual(inferShapes(graph).get('b'), [8, 14, 15]);
    assert.deepEqual(
      graph.nodes.map(({ op, inputs, output }) => `${op} ${inputs.join()} ${output}`),
      ['dropout data one', 'dropout data two', 'dropout data three', 'relu one a', 'add a,two b'],
    );
    const names = graph.nodes.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    assert.throws(
      () => readCaffe(`${INPUT}layer { name: "s" type: "Split" bottom: "data" top: "data" }`),
      /write over its bottom/,
    );
    assert.throws(
      () => readCaffe(`${INPUT}layer { name: "s" type: "Split" bottom: "data" top: "a" top: "a" }`),
      /produced twice/,
    );
  });

  test('Split in the old syntax', () => {
    const graph = readCaffe(
      `${INPUT}layers { name: "s" type: SPLIT bottom: "data" top: "a" top: "b" }`,
    );
    assert.deepEqual(graph.outputs, ['a', 'b']);
  });

  test('Silence: what it reads is no output', () => {
    const graph = readCaffe(
      `${INPUT}${layer('ReLU', '', { name: 'a', top: 'a' })}
      ${layer('ReLU', '', { name: 'b', top: 'b' })}
      layer { name: "s" type: "Silence" bottom: "a" }`,
    );
    assert.deepEqual(graph.outputs, ['b']);
  });

  test('Power with its defaults; others are refused', () => {
    assert.equal(single('Power', '').op, 'dropout');
    assert.equal(single('Power', 'power_param { power: 1 scale: 1 shift: 0 }').op, 'dropout');
    for (const field of ['power: 2', 'scale: 0.5', 'shift: 1']) {
      assert.throws(() => single('Power', `power_param { ${field} }`), UnsupportedError);
    }
  });

  test('Reshape to the same shape or to one axis; others are refused', () => {
    const reshape = (/** @type {string} */ dims) =>
      single('Reshape', `reshape_param { shape { ${dims} } }`).op;
    assert.equal(reshape('dim: 0 dim: 0 dim: 0 dim: 0'), 'dropout');
    assert.equal(reshape('dim: 1 dim: 8 dim: -1 dim: 15'), 'dropout');
    assert.equal(reshape('dim: 0 dim: -1'), 'flatten');
    assert.equal(reshape('dim: 0 dim: 1680 dim: 1 dim: 1'), 'flatten');
    for (const dims of [
      'dim: -1 dim: 8',
      'dim: 0 dim: 4 dim: -1',
      'dim: 0 dim: 15 dim: 14 dim: 8',
    ]) {
      assert.throws(() => reshape(dims), UnsupportedError, dims);
    }
    assert.throws(() => single('Reshape', ''), FileError);
  });
});
