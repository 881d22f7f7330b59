// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { FileError, ShapeError } from '../../../web/lib/core/errors.js';
import { init } from '../../../web/lib/core/module.js';
import {
  inferShapes,
  operators,
  outputShape,
  sortNodes,
  tensorShapes,
} from '../../../web/lib/graph/graph.js';

/**
 * @typedef {import('../../../web/lib/graph/graph.js').Graph} Graph
 * @typedef {import('../../../web/lib/graph/graph.js').GraphNode} GraphNode
 * @typedef {import('../../../web/lib/graph/graph.js').Shape} Shape
 */

await init();

/**
 * @param {GraphNode[]} nodes
 * @param {Shape} [shape]
 * @returns {Graph}
 */
function graphOf(nodes, shape = [4, 6, 7]) {
  return { name: 'n', input: { name: 'in', shape }, outputs: [nodes.at(-1)?.output ?? ''], nodes };
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

test('shapes: operators are those that C++ has, with attributes and numbers of inputs', () => {
  const known = new Map(operators().map((facts) => [facts.name, facts]));
  assert.equal(known.get('relu')?.attributes.length, 0);
  assert.equal(known.get('add')?.leastInputs, 2);
  assert.deepEqual(
    known.get('conv')?.attributes.map(({ name }) => name),
    ['weight', 'bias', 'outChannels', 'kernel', 'stride', 'pad', 'dilation', 'groups'],
  );
  assert.deepEqual(known.get('lstm')?.attributes[0], {
    name: 'weight',
    kind: 'matrix',
    count: 1,
    otherwise: 0,
    optional: false,
  });
});

test('shapes: pooling windows', () => {
  // [length, kernel, stride, before, after, ceil] → windows, or 0 where it does not fit
  /** @type {Array<[[number, number, number, number, number, boolean], number]>} */
  const cases = [
    [[113, 3, 2, 0, 0, true], 56], // SqueezeNet conv1 → pool1: (113 − 3) / 2 is whole
    [[111, 3, 2, 0, 0, true], 55],
    [[112, 3, 2, 0, 0, true], 56], // the last window has 2 of 3 rows
    [[112, 3, 2, 0, 0, false], 55],
    [[4, 2, 2, 1, 1, true], 3], // starts at −1, 1 and 3
    [[3, 2, 2, 1, 1, true], 2], // a third would start at 3, in the padding: Caffe drops it
    [[6, 3, 2, 1, 1, true], 4], // starts at 5, the last pixel
    [[5, 2, 3, 1, 1, true], 2], // a third would start at 5
    [[4, 1, 5, 0, 0, true], 1], // a second would start beyond the input
    [[2, 3, 2, 0, 0, false], 0],
  ];
  for (const [[length, kernel, stride, before, after, ceil], windows] of cases) {
    const node = /** @type {GraphNode} */ ({
      op: 'maxpool',
      name: 'p',
      inputs: ['in'],
      output: 'p',
      kernel: [kernel, 1],
      stride: [stride, 1],
      pad: [before, 0, after, 0],
      ceil,
    });
    if (windows === 0) assert.throws(() => outputShape(node, [[1, length, 1]]), ShapeError);
    else assert.deepEqual(outputShape(node, [[1, length, 1]]), [1, windows, 1]);
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
  assert.equal(names([...ordered].reverse()), 'cabd');
  assert.equal(inferShapes(graphOf([...ordered].reverse())).size, 5);
  const chain = Array.from({ length: 16_384 }, (_, i) =>
    add(`v${i}`, i ? `v${i - 1}` : 'in', 'in'),
  ).reverse();
  assert.equal(sortNodes(graphOf(chain))[0].name, 'v0');
});

describe('shapes: refusals, in the words of C++', () => {
  /** @type {Array<[Graph, RegExp]>} */
  const cases = [
    [graphOf([add('a', 'a', 'in')]), /^The add node "a": it is in a cycle, or depends on one\.$/],
    [graphOf([add('a', 'in')]), /The add node "a": it takes at least 2 inputs, but has 1\./],
    [graphOf([add('a', 'in', 'in')], [0, 1, 1]), /The graph's input "in" cannot be 0 x 1 x 1\./],
    [graphOf([conv({ groups: 4 })]), /"c": 4 groups do not divide 4 input and 6 output channels\./],
    [graphOf([conv({ stride: [1, NaN] })]), /Byte \d+ of the graph: an integer from 0 to/],
    [
      graphOf([/** @type {any} */ ({ op: 'warp', name: 'w', inputs: ['in'], output: 'w' })]),
      /Byte \d+ of the graph: there is no such op\./,
    ],
  ];
  for (const [graph, message] of cases) {
    test(String(message), () => {
      assert.throws(
        () => inferShapes(graph),
        (error) => {
          assert(error instanceof FileError || error instanceof ShapeError, `${error}`);
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
      /The node "d" takes the tensor "c.w" as 2×24, and another node as 6×24\./,
    );
  });
});
