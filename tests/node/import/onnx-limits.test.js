// SPDX-License-Identifier: Apache-2.0

/** A few bytes that ask for any amount of memory or time get a sentence, at once. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { LowtropyError } from '../../../web/lib/core/errors.js';
import { importOnnx } from '../../../web/lib/import/onnx/import-onnx.js';
import { fileOf } from '../../support/onnx-beside.js';
import { graph, model, node, tensor, tensorType, value } from '../../support/onnx-writer.js';

/**
 * @typedef {import('../../support/onnx-beside.js').Given} Given
 * @typedef {import('../../support/onnx-beside.js').Operator} Operator
 */

/** @param {number[]} shape @param {import('../../support/onnx-writer.js').TypeName} [type] @returns {Given} */
const input = (shape, type = 'float32') => ({ type, shape, data: [] });

/** @param {number[]} data @param {number[]} [shape] @returns {Given} */
const list = (data, shape = [data.length]) => ({ type: 'int64', shape, data, constant: true });

const ints = (/** @type {number[]} */ ...numbers) => ({ ints: numbers });
const domain = 'com.microsoft';
const huge = 2 ** 31 - 1;

/** @type {Record<string, Omit<Operator, 'outputs'>>} */
const operators = {
  Range: { op: 'Range', inputs: [list([0], []), list([1e12], []), list([1], [])] },
  ConstantOfShape: { op: 'ConstantOfShape', inputs: [list([1e6, 1e6])] },
  OneHot: { op: 'OneHot', inputs: [input([2], 'int64'), list([huge], []), list([0, 1])] },
  Trilu: { op: 'Trilu', inputs: [input([1e5, 1e5])] },
  EyeLike: { op: 'EyeLike', inputs: [input([1e5, 1e5])] },
  Hardmax: { op: 'Hardmax', inputs: [input([huge])] },
  Col2Im: {
    ...{ op: 'Col2Im', version: 18 },
    inputs: [input([1, 4, 1]), list([1e6, 1e6]), list([2, 2])],
  },
  'Col2Im of a large block': {
    ...{ op: 'Col2Im', version: 18 },
    inputs: [input([1, 1, 1]), list([1e4, 1e4]), list([1e4, 1e4])],
  },
  AffineGrid: {
    ...{ op: 'AffineGrid', version: 20 },
    inputs: [input([1, 2, 3]), list([1, 1, 1e5, 1e5])],
  },
  MaxUnpool: {
    op: 'MaxUnpool',
    inputs: [input([1, 1, 1, 1]), input([1, 1, 1, 1], 'int64'), list([1, 1, 1e6, 1e6])],
    attributes: { kernel_shape: ints(1, 1) },
  },
  'MaxPool with indices': {
    op: 'MaxPool',
    inputs: [input([1, 1, 60000, 1])],
    attributes: { kernel_shape: ints(50000, 1), pads: ints(49999, 0, 49999, 0) },
  },
  'Conv of computed weights': {
    op: 'Conv',
    inputs: [input([1, 1, 1e6]), input([1, 1, 1e5])],
  },
  Det: { op: 'Det', inputs: [input([1e4, 1e4])] },
  ReverseSequence: { op: 'ReverseSequence', inputs: [input([1e8, 2]), list([3, 4])] },
  NonMaxSuppression: {
    op: 'NonMaxSuppression',
    inputs: [input([1, 65536, 4]), input([1, 65536, 65536]), list([huge])],
  },
  RoiAlign: {
    op: 'RoiAlign',
    inputs: [input([1, 1, 4, 4]), input([1, 4]), input([1], 'int64')],
    attributes: { output_height: { int: 65536 }, output_width: { int: 65536 } },
  },
  'RoiAlign of many samples': {
    op: 'RoiAlign',
    inputs: [input([1, 1, 4, 4]), input([1, 4]), input([1], 'int64')],
    attributes: { sampling_ratio: { int: huge } },
  },
  Attention: {
    ...{ op: 'Attention', version: 23 },
    inputs: [input([1, 1, 1e5, 1]), input([1, 1, 1e5, 1]), input([1, 1, 1e5, 1])],
    attributes: { is_causal: { int: 1 } },
  },
  RotaryEmbedding: {
    ...{ op: 'RotaryEmbedding', domain },
    inputs: [input([1, 1, 1e9, 2]), input([1], 'int64'), input([1, 1]), input([1, 1])],
  },
  LSTM: {
    op: 'LSTM',
    inputs: [
      input([1e9, 1, 1]),
      { ...input([1, 4, 1]), data: [1, 2, 3, 4], constant: true },
      { ...input([1, 4, 1]), data: [1, 2, 3, 4], constant: true },
      undefined,
      input([1], 'int32'),
    ],
    attributes: { hidden_size: { int: 1 } },
  },
  MatMulNBits: {
    ...{ op: 'MatMulNBits', domain },
    inputs: [
      input([1, huge]),
      { type: 'uint8', shape: [1, 1, 16], data: new Array(16).fill(1), constant: true },
      { ...input([1]), data: [1], constant: true },
    ],
    attributes: { K: { int: huge }, N: { int: huge }, block_size: { int: 16 } },
  },
  'MatMulNBits without blocks': {
    ...{ op: 'MatMulNBits', domain },
    inputs: [
      input([1, 4]),
      { type: 'uint8', shape: [1, 1, 1], data: [1], constant: true },
      { ...input([1]), data: [1], constant: true },
    ],
    attributes: { K: { int: 4 }, N: { int: 1 }, block_size: { int: 0 } },
  },
};

/** What is worked out at once takes less: of a processor, whatever else the machine does. */
const MOST_MICROSECONDS = 6e6;

/** @param {Uint8Array} file */
async function isRefusedAtOnce(file) {
  const start = process.cpuUsage();
  await assert.rejects(importOnnx(file), (error) => {
    assert(error instanceof LowtropyError, String(error));
    assert.match(error.message, /^[A-Z].*\.$/);
    return true;
  });
  assert(process.cpuUsage(start).user < MOST_MICROSECONDS, 'at once');
}

/**
 * Loops of 1000 rounds, each in the one before.
 *
 * @param {number} depth
 * @param {string} from
 * @returns {import('../../support/onnx-writer.js').Proto}
 */
function loopsFrom(depth, from) {
  const [to, inner] = [`b${depth}`, `a${depth - 1}`];
  if (depth === 0) return node('Add', [from, 'x'], [to]);
  const body = graph({
    inputs: [
      value(`i${depth}`, tensorType('int64', [])),
      value(`c${depth}`, tensorType('bool', [])),
      value(inner, tensorType('float32', [4])),
    ],
    outputs: [value(`d${depth}`), value(`b${depth - 1}`)],
    nodes: [node('Identity', [`c${depth}`], [`d${depth}`]), loopsFrom(depth - 1, inner)],
  });
  return node('Loop', ['rounds', '', from], [to], { attributes: { body: { graph: body } } });
}

Object.assign(operators, {
  Resize: {
    op: 'Resize',
    inputs: [
      input([1, 1, 4, 4]),
      undefined,
      { ...input([4]), data: [1, 1, 1e6, 1e6], constant: true },
    ],
    attributes: { mode: { string: 'linear' } },
  },
});

describe('ONNX files that ask for too much', () => {
  for (const [what, operator] of Object.entries(operators)) {
    test(what, async () => {
      const isPool = operator.op === 'MaxPool';
      const file = fileOf({ ...operator, outputs: isPool ? ['float32', 'int64'] : ['float32'] });
      await isRefusedAtOnce(file);
    });
  }

  test('loops in loops', () =>
    isRefusedAtOnce(
      model({
        inputs: [value('x', tensorType('float32', [4]))],
        outputs: [value('b3', tensorType('float32', [4]))],
        initializers: [tensor('rounds', 'int64', [], BigInt64Array.of(1000n))],
        nodes: [loopsFrom(3, 'x')],
      }),
    ));

  test('many nodes', () =>
    isRefusedAtOnce(
      model({
        inputs: [value('x', tensorType('float32', [4]))],
        outputs: [value('a19999', tensorType('float32', [4]))],
        nodes: Array.from({ length: 20_000 }, (_, i) =>
          node('Add', [i === 0 ? 'x' : `a${i - 1}`, 'x'], [`a${i}`]),
        ),
      }),
    ));

  test('sums of large constants', () =>
    isRefusedAtOnce(
      model({
        inputs: [value('x', tensorType('float32', [1]))],
        outputs: [value('y', tensorType('float32'))],
        initializers: [tensor('size', 'int64', [1], BigInt64Array.of(2n ** 26n))],
        nodes: [
          node('ConstantOfShape', ['size'], ['c']),
          ...Array.from({ length: 100 }, (_, i) => node('ReduceSum', ['c'], [`s${i}`])),
          node('Sum', ['x', ...Array.from({ length: 100 }, (_, i) => `s${i}`)], ['y']),
        ],
      }),
    ));

  test('constants of constants', () =>
    isRefusedAtOnce(
      model({
        inputs: [value('x', tensorType('float32', [1]))],
        outputs: [value('y', tensorType('float32'))],
        initializers: [tensor('size', 'int64', [1], BigInt64Array.of(2n ** 27n))],
        nodes: [
          ...Array.from({ length: 8 }, (_, i) => node('ConstantOfShape', ['size'], [`c${i}`])),
          node('Sum', ['x', ...Array.from({ length: 8 }, (_, i) => `c${i}`)], ['y']),
        ],
      }),
    ));
});
