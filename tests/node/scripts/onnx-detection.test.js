// SPDX-License-Identifier: Apache-2.0

/** Values of which a run tells how large they are, and what looks into boxes, as onnxruntime has them. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { UnsupportedError } from '../../../web/lib/core/errors.js';
import { importOnnx } from '../../../web/lib/import/onnx/import-onnx.js';
import { Model } from '../../../web/lib/lowtropy.js';
import { constant, drawing, expectAgreement, expectSame } from '../../support/onnx-beside.js';
import { model, node, tensor, tensorType, value } from '../../support/onnx-writer.js';
import { chooseSeed, makeRandom } from '../../support/random.js';

/**
 * @typedef {import('../../support/onnx-beside.js').Given} Given
 * @typedef {import('../../support/onnx-writer.js').Proto} Proto
 * @typedef {import('../../support/onnx-writer.js').TypeName} TypeName
 */

const seed = chooseSeed();
const random = makeRandom(seed);
const draw = drawing(random);

const [batch, classes, boxes] = [2, 3, 20];

/** @returns {{ boxes: Given, scores: Given }} */
function drawBoxes() {
  const positive = (/** @type {Given} */ given) => ({ ...given, data: given.data.map(Math.abs) });
  return {
    boxes: positive(draw.floats([batch, boxes, 4])),
    scores: positive(draw.floats([batch, classes, boxes])),
  };
}

/** @param {string} name @param {number[]} numbers @param {number[]} [shape] */
const integers = (name, numbers, shape = [numbers.length]) =>
  tensor(name, 'int64', shape, BigInt64Array.from(numbers, BigInt));

/** @param {number} most @param {number} overlap @param {number} score */
const bounds = (most, overlap, score) => [
  integers('most', [most], []),
  tensor('overlap', 'float32', [], Float32Array.of(overlap)),
  tensor('score', 'float32', [], Float32Array.of(score)),
];

const suppression = node(
  'NonMaxSuppression',
  ['boxes', 'scores', 'most', 'overlap', 'score'],
  ['selected'],
);

/**
 * A detector's end: boxes, scores, and what is made of those that are found.
 *
 * @param {Proto[]} nodes
 * @param {Record<string, TypeName>} outputs
 * @param {Proto[]} [initializers]
 * @param {[most: number, overlap: number, score: number]} [limits]
 */
const detector = (nodes, outputs, initializers = [], limits = [5, 0.3, 0.4]) =>
  model({
    nodes: [suppression, ...nodes],
    inputs: [
      value('boxes', tensorType('float32', [batch, boxes, 4])),
      value('scores', tensorType('float32', [batch, classes, boxes])),
    ],
    initializers: [...bounds(...limits), ...initializers],
    outputs: Object.entries(outputs).map(([name, type]) => value(name, tensorType(type))),
  });

/** Each found box and its score: what exporters write behind NonMaxSuppression. */
const lookUp = [
  node('Gather', ['selected', 'two'], ['box'], { attributes: { axis: { int: 1 } } }),
  node('Gather', ['selected', 'zero'], ['image'], { attributes: { axis: { int: 1 } } }),
  node('Concat', ['image', 'box'], ['places'], { attributes: { axis: { int: 1 } } }),
  node('GatherND', ['boxes', 'places'], ['found']),
  node('GatherND', ['scores', 'selected'], ['confidence']),
  node('Unsqueeze', ['confidence', 'one'], ['column']),
  node('Concat', ['found', 'column'], ['rows'], { attributes: { axis: { int: 1 } } }),
  node('Slice', ['selected', 'one', 'two', 'one'], ['kind']),
  node('Squeeze', ['kind', 'one'], ['flat']),
  node('Cast', ['flat'], ['class'], { attributes: { to: { int: 1 } } }),
  node('Mul', ['found', 'size'], ['scaled']),
  node('Transpose', ['scaled'], ['turned']),
  node('Slice', ['rows', 'zero', 'three', 'zero'], ['first']),
  node('Shape', ['rows'], ['shape']),
  node('Shape', ['first'], ['few']),
  node('Shape', ['turned'], ['wide']),
  node('Gather', ['wide', 'one'], ['number']),
];
const lookUpConstants = [
  ...[0, 1, 2, 3].map((number) => integers(['zero', 'one', 'two', 'three'][number], [number])),
  tensor('size', 'float32', [1, 4], Float32Array.of(640, 480, 640, 480)),
];

describe(`ONNX: sizes that a run tells, LOWTROPY_SEED=${seed}`, () => {
  test('NonMaxSuppression', async () => {
    for (let round = 0; round < 20; ++round) {
      const limits = /** @type {[number, number, number]} */ ([
        draw.oneOf([1, 4, 1000]),
        draw.oneOf([0, 0.3, 0.7]),
        draw.oneOf([0, 0.5, 0.9]),
      ]);
      await expectSame(detector([], { selected: 'int64' }, [], limits), drawBoxes());
    }
  });

  test('NonMaxSuppression that finds nothing', async () => {
    await expectSame(detector([], { selected: 'int64' }, [], [4, 0.5, 2]), drawBoxes());
  });

  test('what is looked up of what is found', async () => {
    /** @type {Record<string, TypeName>} */
    const outputs = {
      ...{ rows: 'float32', class: 'float32', scaled: 'float32', turned: 'float32' },
      ...{ first: 'float32', selected: 'int64' },
      ...{ shape: 'int64', few: 'int64', number: 'int64' },
    };
    for (const score of [0.1, 0.5, 0.97, 2]) {
      const file = detector(lookUp, outputs, lookUpConstants, [4, 0.4, score]);
      await expectSame(file, drawBoxes());
    }
  });

  test('runs one after the other, and out of a file, tell their own sizes', async () => {
    const file = detector(lookUp, { rows: 'float32' }, lookUpConstants, [20, 0.5, 0.5]);
    const imported = await importOnnx(file);
    const read = await Model.load(imported.save());
    const { boxes: places, scores } = drawBoxes();
    const sizes = [1, 0, 0.8, 1].map((factor) => {
      const feed = {
        boxes: { data: Float32Array.from(places.data), shape: places.shape },
        scores: {
          data: Float32Array.from(scores.data, (score) => score * factor),
          shape: scores.shape,
        },
      };
      const { rows } = imported.run(feed);
      assert.deepEqual(read.run(feed), { rows });
      assert.equal(rows.data.length, rows.shape[0] * 5);
      return rows.shape[0];
    });
    assert.equal(sizes[1], 0);
    assert(sizes[0] > sizes[2] && sizes[0] === sizes[3], `${sizes}`);
    assert.deepEqual(imported.outputs[0].shape, [batch * classes * 20, 5]);
    imported.dispose();
    read.dispose();
  });

  /** @type {Array<[what: string, nodes: Proto[], initializers?: Proto[]]>} */
  const refused = [
    ['a sum over all', [node('ReduceSum', ['selected', 'zero'], ['y'])], [integers('zero', [0])]],
    ['their number times three', [node('Size', ['selected'], ['y'])]],
    [
      'the best of them',
      [node('TopK', ['column', 'one'], ['y', 'at'], { attributes: { axis: { int: 0 } } })],
      [integers('one', [1])],
    ],
    [
      'rows behind each other',
      [node('Concat', ['selected', 'selected'], ['y'], { attributes: { axis: { int: 0 } } })],
    ],
    [
      'the last ones',
      [node('Slice', ['selected', 'from', 'to'], ['y'])],
      [integers('from', [-2]), integers('to', [1000])],
    ],
    [
      'those of two',
      [
        node('NonMaxSuppression', ['boxes', 'scores', 'most'], ['others']),
        node('Add', ['selected', 'others'], ['y']),
      ],
    ],
  ];
  for (const [what, nodes, initializers = []] of refused) {
    test(`refused: ${what}`, async () => {
      const before = [node('Cast', ['selected'], ['column'], { attributes: { to: { int: 1 } } })];
      const file = detector([...before, ...nodes], { y: 'float32' }, initializers);
      await assert.rejects(importOnnx(file), (error) => {
        assert(error instanceof UnsupportedError);
        assert.match(error.message, /how large its input is, a run alone tells/);
        return true;
      });
    });
  }

  test('NonZero and Compress of what a run is given', async () => {
    for (const shape of [[7], [3, 4], [2, 3, 2]]) {
      const values = draw.integers('int32', shape, [0, 1]);
      await expectAgreement({ op: 'NonZero', inputs: [values], outputs: ['int64'] });
    }
    const nothing = { ...draw.floats([4, 2]), data: new Array(8).fill(0) };
    await expectAgreement({ op: 'NonZero', inputs: [nothing], outputs: ['int64'] });
    for (const axis of [undefined, 0, 1]) {
      const length = axis === undefined ? 12 : [3, 4][axis];
      await expectAgreement({
        op: 'Compress',
        inputs: [draw.floats([3, 4]), draw.integers('bool', [length], [0, 1])],
        outputs: ['float32'],
        attributes: axis === undefined ? {} : { axis: { int: axis } },
      });
    }
  });

  test('several samples in one array are of one size, or refused', async () => {
    const file = model({
      nodes: [
        node('Greater', ['x', 'zero'], ['positive']),
        node('Compress', ['x', 'positive'], ['y']),
      ],
      inputs: [value('x', tensorType('float32', [3]))],
      initializers: [tensor('zero', 'float32', [], Float32Array.of(0))],
      outputs: [value('y', tensorType('float32'))],
    });
    const network = await importOnnx(file);
    assert.deepEqual([...network.run([1, -2, 3])], [1, 3]);
    assert.deepEqual([...network.run([-1, -2, -3])], []);
    assert.deepEqual([...network.run([1, -2, 3, -4, 5, 6])], [1, 3, 5, 6]);
    assert.throws(() => network.run([1, -2, 3, 4, 5, 6]), {
      name: 'ShapeError',
      message: 'An output has other sizes for other samples: run one at a time.',
    });
    network.dispose();
  });

  test('RoiAlign', async () => {
    for (const version of [10, 16]) {
      for (const mode of ['avg', 'max']) {
        for (const ratio of [0, 1, 3]) {
          const starts = draw.floats([5, 2], 4).data;
          const data = Array.from({ length: 5 }, (_, i) => {
            const [x, y] = starts.slice(2 * i, 2 * i + 2);
            return [x, y, x + 6 * random() + 1, y + 6 * random() + 1];
          }).flat();
          await expectAgreement({
            op: 'RoiAlign',
            version,
            inputs: [
              draw.floats([2, 3, 7, 9]),
              { type: 'float32', shape: [5, 4], data },
              draw.integers('int64', [5], [0, 1]),
            ],
            outputs: ['float32'],
            attributes: {
              mode: { string: mode },
              output_height: { int: 3 },
              output_width: { int: 2 },
              sampling_ratio: { int: ratio },
              spatial_scale: { float: 0.75 },
              ...(version === 16 &&
                draw.coin() && { coordinate_transformation_mode: { string: 'output_half_pixel' } }),
            },
          });
        }
      }
    }
  });

  test('CenterCropPad, Col2Im and AffineGrid', async () => {
    for (const [shape, attributes] of /** @type {const} */ ([
      [[4, 9], {}],
      [[8, 3], { axes: { ints: [-1, 0] } }],
    ])) {
      await expectAgreement({
        op: 'CenterCropPad',
        version: 18,
        inputs: [draw.floats([7, 6]), constant({ type: 'int64', shape: [2], data: [...shape] })],
        outputs: ['float32'],
        attributes: /** @type {any} */ (attributes),
      });
    }
    const list = (/** @type {number[]} */ data) =>
      constant({ type: 'int64', shape: [data.length], data });
    await expectAgreement({
      op: 'Col2Im',
      version: 18,
      inputs: [draw.floats([2, 12, 12]), list([6, 5]), list([2, 3])],
      outputs: ['float32'],
      attributes: { strides: { ints: [2, 1] }, pads: { ints: [1, 1, 0, 0] } },
    });
    for (const corners of [0, 1]) {
      for (const size of [
        [4, 5],
        [2, 3, 4],
      ]) {
        await expectAgreement({
          op: 'AffineGrid',
          version: 20,
          inputs: [draw.floats([2, size.length, size.length + 1]), list([2, 3, ...size])],
          outputs: ['float32'],
          attributes: { align_corners: { int: corners } },
        });
      }
    }
  });

  test('MaxPool with its indices, and MaxUnpool', async () => {
    for (const order of [0, 1]) {
      await expectAgreement({
        op: 'MaxPool',
        inputs: [draw.floats([2, 3, 7, 6])],
        outputs: ['float32', 'int64'],
        attributes: {
          kernel_shape: { ints: [3, 2] },
          strides: { ints: [2, 1] },
          pads: { ints: [1, 0, 1, 1] },
          storage_order: { int: order },
        },
      });
    }
    await expectAgreement({
      op: 'MaxPool',
      inputs: [draw.floats([2, 2, 9])],
      outputs: ['float32', 'int64'],
      attributes: { kernel_shape: { ints: [3] }, dilations: { ints: [2] } },
    });
    const places = [...new Set(Array.from({ length: 40 }, () => Math.floor(random() * 96)))];
    await expectAgreement({
      op: 'MaxUnpool',
      inputs: [
        draw.floats([1, 2, 2, 3]),
        constant({
          type: 'int64',
          shape: [1, 2, 2, 3],
          data: places.slice(0, 12).map((i) => i % 48),
        }),
      ].map((given) => given),
      outputs: ['float32'],
      attributes: { kernel_shape: { ints: [2, 2] }, strides: { ints: [2, 2] } },
    });
  });
});
