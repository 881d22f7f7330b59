// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { FileError } from '../../../web/lib/core/errors.js';
import {
  inferShapes,
  poolLength,
  sortNodes,
  tensorShapes,
} from '../../../web/lib/import/shapes.js';

/**
 * @typedef {import('../../../web/lib/import/shapes.js').Graph} Graph
 * @typedef {import('../../../web/lib/import/shapes.js').GraphNode} GraphNode
 * @typedef {import('../../../web/lib/import/shapes.js').Shape} Shape
 */

/**
 * @param {GraphNode[]} nodes
 * @param {Shape} [shape]
 * @returns {Graph}
 */
function graphOf(nodes, shape = [4, 6, 7]) {
  return { name: 'n', input: { name: 'in', shape }, outputs: [], nodes };
}

/**
 * @param {string} output
 * @param {...string} inputs
 * @returns {GraphNode}
 */
const add = (output, ...inputs) => ({ op: 'add', name: output, inputs, output });

/** @type {(settings?: object) => GraphNode} */
const conv = (settings) => ({
  op: 'conv',
  name: 'c',
  inputs: ['in'],
  output: 'c',
  weight: 'c.w',
  outChannels: 6,
  kernel: [3, 2],
  stride: [1, 1],
  pad: [0, 0, 0, 0],
  dilation: [1, 1],
  groups: 1,
  ...settings,
});

test('shapes: pooling windows', () => {
  // [length, kernel, stride, before, after, ceil] → windows
  /** @type {Array<[[number, number, number, number, number, boolean], number]>} */
  const cases = [
    [[113, 3, 2, 0, 0, true], 56], // SqueezeNet conv1 → pool1: (113 − 3) / 2 is whole
    [[111, 3, 2, 0, 0, true], 55],
    [[112, 3, 2, 0, 0, true], 56], // the last window has 2 of 3 rows
    [[112, 3, 2, 0, 0, false], 55],
    [[4, 2, 2, 1, 1, true], 3], // starts at −1, 1 and 3
    [[3, 2, 2, 1, 1, true], 2], // a third would start at 3, in the padding: Caffe drops it
    [[3, 2, 2, 1, 1, false], 2],
    [[7, 3, 2, 1, 1, true], 4],
    [[6, 3, 2, 1, 1, true], 4], // starts at 5, the last pixel
    [[6, 2, 3, 1, 1, true], 3],
    [[5, 2, 3, 1, 1, true], 2], // a third would start at 5
    [[4, 1, 5, 0, 0, true], 1], // a second would start beyond the input
    [[2, 3, 2, 0, 0, true], 1], // larger than the input, by less than the stride
    [[2, 3, 2, 0, 0, false], 0],
    [[1, 4, 2, 0, 0, true], 0],
  ];
  for (const [args, windows] of cases) assert.equal(poolLength(...args), windows, args.join());
});

test('shapes: the last pooling window always starts inside the input', () => {
  for (let length = 1; length < 12; ++length) {
    for (let kernel = 1; kernel < 5; ++kernel) {
      for (let stride = 1; stride < 5; ++stride) {
        for (let pad = 0; pad < kernel; ++pad) {
          const count = poolLength(length, kernel, stride, pad, pad, true);
          if (count < 1) continue;
          assert((count - 1) * stride - pad < length);
          // … and a further one would start outside, or after all of the padded input was covered.
          const more = count * stride - pad;
          assert(
            more >= length || more + kernel - stride >= length + pad,
            `${length} ${kernel} ${stride} ${pad}`,
          );
        }
      }
    }
  }
});

test('shapes: convolutions', () => {
  /** @type {Array<[object, Shape]>} */
  const cases = [
    [{}, [6, 4, 6]],
    [{ stride: [2, 3] }, [6, 2, 2]],
    [{ pad: [1, 2, 3, 4] }, [6, 8, 12]],
    [{ dilation: [2, 3] }, [6, 2, 4]],
    [{ kernel: [6, 7], groups: 2 }, [6, 1, 1]],
    [{ kernel: [1, 1], pad: [1, 1, 1, 1] }, [6, 8, 9]],
  ];
  for (const [settings, shape] of cases) {
    assert.deepEqual(inferShapes(graphOf([conv(settings)])).get('c'), shape);
  }
});

test('shapes: parameters', () => {
  /** @type {GraphNode[]} */
  const nodes = [
    conv({ groups: 2, bias: 'c.b' }),
    {
      op: 'batchnorm',
      name: 'n',
      inputs: ['c'],
      output: 'n',
      mean: 'm',
      variance: 'v',
      gamma: 'g',
      epsilon: 0,
    },
    { op: 'fc', name: 'f', inputs: ['n'], output: 'f', weight: 'f.w', outChannels: 5 },
  ];
  assert.deepEqual(
    [...tensorShapes(graphOf(nodes))],
    [
      ['c.w', { rows: 6, cols: 12, kind: 'matrix' }],
      ['c.b', { rows: 1, cols: 6, kind: 'vector' }],
      ['m', { rows: 1, cols: 6, kind: 'vector' }],
      ['v', { rows: 1, cols: 6, kind: 'vector' }],
      ['g', { rows: 1, cols: 6, kind: 'vector' }],
      ['f.w', { rows: 5, cols: 144, kind: 'matrix' }],
    ],
  );
});

/**
 * @param {object} [lstm]
 * @param {object} [embedding]
 * @returns {GraphNode[]}
 */
function sequenceNodes(lstm = {}, embedding = {}) {
  return [
    /** @type {any} */ ({
      op: 'embedding',
      name: 'e',
      inputs: ['in'],
      output: 'e',
      weight: 'e.w',
      classes: 7,
      outChannels: 12,
      ...embedding,
    }),
    /** @type {any} */ ({
      op: 'lstm',
      name: 'l',
      inputs: ['e'],
      output: 'l',
      weight: 'l.w',
      outChannels: 3,
      ...lstm,
    }),
  ];
}

test('shapes: sequences', () => {
  const graph = graphOf(sequenceNodes(), [1, 9, 1]);
  const shapes = inferShapes(graph);
  assert.deepEqual(shapes.get('e'), [12, 9, 1]);
  assert.deepEqual(shapes.get('l'), [3, 9, 1]);
  assert.deepEqual(
    [...tensorShapes(graph)],
    [
      ['e.w', { rows: 7, cols: 12, kind: 'matrix' }],
      ['l.w', { rows: 12, cols: 3, kind: 'matrix' }],
    ],
  );
});

test('shapes: nodes in any order are sorted, those in order stay', () => {
  const ordered = [
    add('a', 'in', 'in'),
    add('b', 'a', 'in'),
    add('c', 'in', 'in'),
    add('d', 'b', 'c'),
  ];
  const names = (/** @type {GraphNode[]} */ nodes) =>
    sortNodes(graphOf(nodes))
      .map(({ name }) => name)
      .join('');
  assert.equal(names(ordered), 'abcd');
  assert.equal(names([...ordered].reverse()), 'abcd');
  assert.equal(inferShapes(graphOf([...ordered].reverse())).size, 5);
  const chain = Array.from({ length: 50_000 }, (_, i) =>
    add(`v${i}`, i ? `v${i - 1}` : 'in', 'in'),
  ).reverse();
  assert.equal(sortNodes(graphOf(chain))[0].name, 'v0');
});

describe('shapes: refusals', () => {
  /** @type {Array<[Graph, RegExp]>} */
  const cases = [
    [
      graphOf([add('a', 'b', 'in'), add('b', 'a', 'in')]),
      /^Layer "[ab]": its output leads back to its input\.$/,
    ],
    [graphOf([add('a', 'a', 'in')]), /Layer "a": its output leads back/],
    [graphOf([add('a', 'x', 'in')]), /Layer "a": nothing gives its input "x"/],
    [graphOf([add('a', 'in', 'in'), add('a', 'in', 'in')]), /the value "a" is given twice/],
    [graphOf([add('in', 'in', 'in')]), /the value "in" is given twice/],
    [graphOf([add('a', 'in')]), /it has 1 inputs instead of 2/],
    [{ ...graphOf([]), outputs: ['z'] }, /Nothing gives the network's output "z"/],
    [graphOf([], [0, 1, 1]), /The input "in" cannot have the shape 0×1×1/],
    [graphOf([], [2 ** 16, 2 ** 16, 1]), /cannot have the shape/],
    [graphOf([], [1.5, 1, 1]), /cannot have the shape/],
    [
      graphOf([conv({ kernel: [7, 1] })]),
      /Layer "c": the kernel of 7×1 does not fit into an input of 6×7/,
    ],
    [graphOf([conv({ kernel: [3, 3], dilation: [3, 1] })]), /does not fit/],
    [graphOf([conv({ stride: [0, 1] })]), /the stride is 0/],
    [graphOf([conv({ stride: [1, NaN] })]), /the stride is NaN/],
    [graphOf([conv({ pad: [0, 0, 0, -1] })]), /the padding is -1/],
    [graphOf([conv({ groups: 4 })]), /4 input and 6 output channels cannot be split into 4 groups/],
    [graphOf(sequenceNodes(), [2, 9, 1]), /"e": it takes 1×steps×1 numbers of classes, not 2×9×1/],
    [graphOf(sequenceNodes(), [1, 9, 2]), /"e": it takes 1×steps×1 numbers of classes, not 1×9×2/],
    [graphOf(sequenceNodes({}, { classes: 0 }), [1, 9, 1]), /"e": the number of classes is 0/],
    [
      graphOf(sequenceNodes({}, { classes: 2 ** 24 + 1 }), [1, 9, 1]),
      /"e": 16777217 classes are more than 16777216/,
    ],
    [
      graphOf(sequenceNodes({ outChannels: 4 }), [1, 9, 1]),
      /"l": it takes 16×steps×1, four gates of each output, not 12×9×1/,
    ],
    [graphOf([conv({ pad: [2 ** 20, 2 ** 20, 0, 0] })]), /has more than 2147483647 elements/],
    [
      graphOf([/** @type {any} */ ({ op: 'warp', name: 'w', inputs: ['in'], output: 'w' })]),
      /Layer "w": there is no operation "warp"/,
    ],
  ];
  for (const [graph, message] of cases) {
    test(String(message), () => {
      assert.throws(
        () => inferShapes(graph),
        (error) => {
          assert(error instanceof FileError, `${error}`);
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  test('one tensor with two shapes', () => {
    const again = { ...conv({ outChannels: 2 }), name: 'd', output: 'd' };
    assert.throws(
      () => tensorShapes(graphOf([conv(), again])),
      /Layer "d": it takes the tensor "c.w" as 2×24, and another layer as 6×24\./,
    );
  });
});
