// SPDX-License-Identifier: Apache-2.0

/** The oracle itself: against numbers made by hand, and against what is published of SqueezeNet. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { readDeepCompression } from '../../../web/lib/import/deep-compression.js';
import { imageToTensor } from '../../../web/lib/model/image.js';
import { noData, readPicture, squeezeNetFiles } from '../../../scripts/common/data.js';
import { runReference, softmax, top } from '../../support/reference.js';

/**
 * @typedef {import('../../../web/lib/graph/graph.js').GraphNode} GraphNode
 * @typedef {import('../../../web/lib/graph/graph.js').Shape} Shape
 */

/**
 * @param {object} node without its wiring
 * @param {Shape} shape
 * @param {number[]} input
 * @param {Record<string, number[]>} [tensors]
 * @param {string[]} [inputs]
 * @returns {number[]}
 */
function run(node, shape, input, tensors = {}, inputs = ['in']) {
  const nodes = [/** @type {GraphNode} */ ({ name: 'n', inputs, output: 'out', ...node })];
  const graph = { name: 'g', input: { name: 'in', shape }, outputs: ['out'], nodes };
  const map = new Map(
    Object.entries(tensors).map(([name, data]) => [name, { data: Float32Array.from(data) }]),
  );
  return [...(runReference(graph, map, input).get('out') ?? [])];
}

const NINE = [1, 2, 3, 4, 5, 6, 7, 8, 9];
const WINDOW = { kernel: [2, 2], stride: [2, 2], pad: [0, 0, 0, 0], ceil: true };
const CONV = {
  op: 'conv',
  weight: 'w',
  outChannels: 1,
  kernel: [2, 2],
  stride: [1, 1],
  pad: [0, 0, 0, 0],
  dilation: [1, 1],
  groups: 1,
};

describe('reference: each operation by hand', () => {
  /** @type {Array<[what: string, actual: () => number[], expected: number[]]>} */
  const cases = [
    [
      'conv',
      () => run({ ...CONV, bias: 'b' }, [1, 3, 3], NINE, { w: [1, 10, 100, 1000], b: [0.5] }),
      [5421.5, 6532.5, 8754.5, 9865.5],
    ],
    [
      'conv, padded and strided',
      () =>
        run({ ...CONV, pad: [1, 0, 0, 1], stride: [2, 3] }, [1, 3, 3], NINE, {
          w: [1, 10, 100, 1000],
        }),
      [2100, 8754],
    ],
    [
      'conv, dilated',
      () => run({ ...CONV, dilation: [2, 2] }, [1, 3, 3], NINE, { w: [1, 10, 100, 1000] }),
      [9731],
    ],
    [
      'conv, grouped',
      () =>
        run({ ...CONV, outChannels: 2, kernel: [1, 1], groups: 2 }, [4, 1, 1], [1, 2, 3, 4], {
          w: [1, 10, 100, 1000],
        }),
      [21, 4300],
    ],
    [
      'fc',
      () =>
        run({ op: 'fc', weight: 'w', bias: 'b', outChannels: 2 }, [3, 1, 1], [1, 2, 3], {
          w: [1, 10, 100, 0, 0, 1],
          b: [0, -3],
        }),
      [321, 0],
    ],
    ['relu', () => run({ op: 'relu' }, [3, 1, 1], [-1, 0, 2]), [0, 0, 2]],
    [
      'max pooling, rounding up',
      () => run({ op: 'maxpool', ...WINDOW }, [1, 3, 3], NINE),
      [5, 6, 8, 9],
    ],
    [
      'max pooling, rounding down',
      () => run({ op: 'maxpool', ...WINDOW, ceil: false }, [1, 3, 3], NINE),
      [5],
    ],
    [
      'max pooling of negatives, padded',
      () =>
        run(
          { op: 'maxpool', ...WINDOW, pad: [1, 1, 1, 1] },
          [1, 3, 3],
          NINE.map((x) => -x),
        ),
      [-1, -2, -4, -5],
    ],
    [
      'average pooling, padding counted',
      () => run({ op: 'avgpool', ...WINDOW, pad: [1, 1, 1, 1], countPad: true }, [1, 3, 3], NINE),
      [1 / 4, 5 / 4, 11 / 4, 28 / 4],
    ],
    [
      'average pooling, padding not counted',
      () => run({ op: 'avgpool', ...WINDOW, pad: [1, 1, 1, 1], countPad: false }, [1, 3, 3], NINE),
      [1, 5 / 2, 11 / 2, 7],
    ],
    [
      'average pooling, padding after the input',
      () => run({ op: 'avgpool', ...WINDOW, pad: [0, 0, 1, 1], countPad: true }, [1, 3, 3], NINE),
      [3, 9 / 4, 15 / 4, 9 / 4],
    ],
    [
      'average pooling over the end of the padding',
      () =>
        run(
          { op: 'avgpool', ...WINDOW, kernel: [3, 3], pad: [0, 0, 1, 1], countPad: true },
          [1, 3, 3],
          NINE,
        ),
      [5, 3, 4, 9 / 4],
    ],
    [
      'average pooling over the end',
      () => run({ op: 'avgpool', ...WINDOW, countPad: true }, [1, 3, 3], NINE),
      [3, 4.5, 7.5, 9],
    ],
    [
      'global average pooling',
      () => run({ op: 'globalavgpool' }, [2, 1, 2], [1, 2, 3, 5]),
      [1.5, 4],
    ],
    [
      'lrn',
      () => run({ op: 'lrn', size: 3, alpha: 3, beta: 1, k: 2 }, [4, 1, 1], [1, 2, 3, 4]),
      [1 / 7, 2 / 16, 3 / 31, 4 / 27],
    ],
    [
      'batchnorm',
      () =>
        run(
          { op: 'batchnorm', mean: 'm', variance: 'v', gamma: 'g', beta: 'b', epsilon: 1 },
          [2, 1, 2],
          [1, 2, 3, 4],
          { m: [1, 3], v: [3, 8], g: [1, 6], b: [0, 1] },
        ),
      [0, 0.5, 1, 3],
    ],
    [
      'batchnorm without gamma and beta',
      () =>
        run({ op: 'batchnorm', mean: 'm', variance: 'v', epsilon: 0 }, [1, 1, 2], [1, 2], {
          m: [1],
          v: [4],
        }),
      [0, 0.5],
    ],
    ['add', () => run({ op: 'add' }, [2, 1, 1], [1, 2], {}, ['in', 'in']), [2, 4]],
    ['concat', () => run({ op: 'concat' }, [2, 1, 1], [1, 2], {}, ['in', 'in']), [1, 2, 1, 2]],
    ['flatten', () => run({ op: 'flatten' }, [1, 2, 2], [1, 2, 3, 4]), [1, 2, 3, 4]],
    ['dropout', () => run({ op: 'dropout' }, [1, 1, 2], [1, 2]), [1, 2]],
    [
      'softmax at each place',
      () => run({ op: 'softmax' }, [2, 1, 2], [0, 1000, Math.log(3), 1000]),
      [0.25, 0.5, 0.75, 0.5],
    ],
  ];
  for (const [what, actual, expected] of cases) {
    test(what, () => {
      const values = actual();
      assert.equal(values.length, expected.length);
      expected.forEach((value, i) =>
        assert(Math.abs(values[i] - value) < 1e-12, `${values} is not ${expected}`),
      );
    });
  }
});

describe('reference: SqueezeNet', { skip: noData }, () => {
  /** @param {string} name */
  const classify = (name) => {
    const { net, prototxt } = squeezeNetFiles();
    const { graph, tensors } = readDeepCompression(net, prototxt);
    const input = imageToTensor(readPicture(name), graph.input.shape);
    // The deploy file ends before the softmax.
    return top(softmax(runReference(graph, tensors, input).get(graph.outputs[0]) ?? []), 5);
  };

  test('sees a Samoyed in dog.jpg', () => {
    const [first] = classify('dog.jpg');
    assert.equal(first.index, 258);
    assert(Math.abs(first.probability - 0.78) < 0.01, `${first.probability}`);
  });

  test('takes the cat for a fox', () => {
    const expected = [
      [278, 0.31],
      [263, 0.27],
      [277, 0.16],
      [281, 0.08],
      [282, 0.06],
    ];
    classify('cat.jpg').forEach(({ index, probability }, place) => {
      assert.equal(index, expected[place][0]);
      // The published numbers have two digits, and come from another JPEG decoder.
      assert(Math.abs(probability - expected[place][1]) < 0.015, `${index}: ${probability}`);
    });
  });
});
