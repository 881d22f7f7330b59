// SPDX-License-Identifier: Apache-2.0

/**
 * What the importer reads of ONNX models, beside what others read of them: onnxruntime, and the reader of
 * this folder, which was written apart.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, test } from 'node:test';
import * as ort from 'onnxruntime-web';

import {
  listOnnxModels,
  listOnnxTests,
  noOnnxModels,
  noOnnxTests,
} from '../../../scripts/common/data.js';
import { readOnnx } from '../../../web/lib/import/onnx/read.js';
import { bytes, codes, floats, integers } from '../../../web/lib/import/onnx/tensors.js';
import {
  attribute,
  bytesOf,
  func,
  graph,
  model,
  node,
  sparse,
  tensor,
  tensorType,
  value,
} from '../../support/onnx-writer.js';
import { readOnnx as readApart } from './onnx-reader.js';

/**
 * @typedef {import('../../../web/lib/import/onnx/tensor-proto.js').OnnxTensor} OnnxTensor
 * @typedef {import('../../support/onnx-writer.js').Proto} Proto
 * @typedef {import('../../support/onnx-writer.js').TypeName} TypeName
 */

ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'fatal';

/** @param {Uint8Array} file */
function openSession(file) {
  return ort.InferenceSession.create(file, {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'disabled',
    logSeverityLevel: 4,
  });
}

describe('ONNX as onnxruntime reads it', () => {
  /**
   * @param {Proto} constant called `w`
   * @param {boolean} [isSparse]
   * @returns {Promise<{ ours: OnnxTensor, theirs: any }>} it, and what onnxruntime has for it in float32
   */
  async function readBoth(constant, isSparse = false) {
    const file = model(
      {
        nodes: [node('Cast', ['w'], ['y'], { attributes: { to: { int: 1 } } })],
        ...(isSparse ? { sparse: [constant] } : { initializers: [constant] }),
        outputs: [value('y', tensorType('float32'))],
      },
      { irVersion: 10, opsets: { '': 21 } },
    );
    const session = await openSession(file);
    const { y } = await session.run({});
    await session.release();
    const ours = /** @type {OnnxTensor} */ (readOnnx(file).graph.constants.get('w'));
    return { ours, theirs: y };
  }

  const halves = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const doubles = Float64Array.of(0.1, -2.5, 1e-60, 1e60);
  /** @type {Array<[what: string, constant: Proto]>} */
  const constants = [
    ['float32 raw', tensor('w', 'float32', [2, 2], Float32Array.of(1, -0, 1e-45, 3e38))],
    ['float32 packed', tensor('w', 'float32', [2]).bytes(4, bytesOf(Float32Array.of(1.5, 2)))],
    ['float32 one by one', tensor('w', 'float32', [2]).float(4, 1.5).float(4, 2)],
    ['float16 raw', tensor('w', 'float16', [65536], halves)],
    ['float16 as numbers', tensor('w', 'float16', [65536]).packed(5, halves)],
    ['bfloat16', tensor('w', 'bfloat16', [65536], halves)],
    ['float64', tensor('w', 'float64', [4], doubles)],
    ['float64 packed', tensor('w', 'float64', [4]).bytes(10, bytesOf(doubles))],
    ['int8', tensor('w', 'int8', [3], Int8Array.of(-128, 0, 127))],
    ['int8 as numbers', tensor('w', 'int8', [3]).packed(5, [-128, 0, 127])],
    ['uint8', tensor('w', 'uint8', [3], Uint8Array.of(0, 128, 255))],
    ['int16', tensor('w', 'int16', [2], Int16Array.of(-32768, 32767))],
    ['uint16', tensor('w', 'uint16', [2]).packed(5, [0, 65535])],
    ['int32', tensor('w', 'int32', [2]).packed(5, [-(2 ** 31), 2 ** 30])],
    ['int64', tensor('w', 'int64', [2], BigInt64Array.of(-(2n ** 52n), 2n ** 52n))],
    ['int64 as numbers', tensor('w', 'int64', [2]).packed(7, [-(2 ** 52), 2 ** 52])],
    ['uint32', tensor('w', 'uint32', [2]).packed(11, [0, 2 ** 31])],
    ['uint64', tensor('w', 'uint64', [2]).packed(11, [0, 2 ** 52])],
    ['bool', tensor('w', 'bool', [2], Uint8Array.of(0, 1))],
    ['int4', tensor('w', 'int4', [5], Uint8Array.of(0x81, 0x7f, 0x03))],
    ['uint4', tensor('w', 'uint4', [5], Uint8Array.of(0x81, 0x7f, 0x03))],
    ['a scalar', tensor('w', 'float32', [], Float32Array.of(7))],
    ['nothing', tensor('w', 'float32', [0, 3])],
  ];
  for (const [what, constant] of constants) {
    test(what, async () => {
      const { ours, theirs } = await readBoth(constant);
      assert.deepEqual(ours.dims, theirs.dims);
      const elements = ours.type.includes('float') ? floats(ours) : integers(ours);
      // NaNs are equal here, whatever bits they have.
      assert.deepEqual([...elements], [...theirs.data]);
      if (ours.type.endsWith('int4')) assert.deepEqual([...codes(ours)], [...theirs.data]);
    });
  }

  test('sparse tensors', async () => {
    const constant = sparse(
      tensor('w', 'float32', [2], Float32Array.of(5, 6)),
      tensor('', 'int64', [2], BigInt64Array.of(1n, 5n)),
      [2, 3],
    );
    const { ours, theirs } = await readBoth(constant, true);
    assert.deepEqual([...floats(ours)], [...theirs.data]);
  });

  test('functions within functions, with subgraphs', async () => {
    const constant = (/** @type {string} */ name, /** @type {string} */ to) =>
      node('Constant', [], [name], { attributes: { value_float: { reference: to, type: 1 } } });
    const scale = func(
      'Scale',
      ['a'],
      ['c'],
      [constant('k', 'by'), node('Mul', ['a', 'k'], ['b']), node('Neg', ['b'], ['c'])],
      { attributes: ['by'] },
    );
    const call = (
      /** @type {string} */ input,
      /** @type {string} */ output,
      /** @type {number} */ by,
    ) => node('Scale', [input], [output], { domain: 'own', attributes: { by: { float: by } } });
    const branch = (/** @type {number} */ by) =>
      graph({ nodes: [call('a', 't', by)], outputs: [value('t', tensorType('float32', [2]))] });
    const choose = func(
      'Choose',
      ['a', 'q'],
      ['c'],
      [
        call('a', 'b', 3),
        node('If', ['q'], ['d'], {
          attributes: { then_branch: { graph: branch(5) }, else_branch: { graph: branch(7) } },
        }),
        node('Add', ['b', 'd'], ['c']),
      ],
      { opsets: { '': 17, own: 1 } },
    );
    const file = model(
      {
        nodes: [node('Choose', ['x', 'q'], ['y'], { domain: 'own' })],
        initializers: [tensor('q', 'bool', [], Uint8Array.of(1))],
        inputs: [value('x', tensorType('float32', [2]))],
        outputs: [value('y', tensorType('float32', [2]))],
      },
      { functions: [scale, choose], opsets: { '': 17, own: 1 } },
    );
    const whole = readOnnx(file).graph;
    const inlined = model(writeAgain(whole));
    const x = new ort.Tensor('float32', Float32Array.of(1, -2), [2]);
    const results = [];
    for (const each of [file, inlined]) {
      const session = await openSession(each);
      results.push([.../** @type {Float32Array} */ ((await session.run({ x })).y.data)]);
      await session.release();
    }
    assert.deepEqual(results[0], [-8, 16]);
    assert.deepEqual(results[1], results[0]);
  });
});

/**
 * @param {import('../../../web/lib/import/onnx/graph.js').ResolvedGraph} whole of tensors of two floats,
 *   and of scalars
 * @returns {Proto} a GraphProto again
 */
function writeAgain({ nodes, constants, inputs, outputs }) {
  const values = (/** @type {Array<{ name: string }>} */ list) =>
    list.map(({ name }) => value(name, tensorType('float32', [2])));
  return graph({
    nodes: nodes.map(({ opType, inputs: from, outputs: to, graphs }) => {
      const proto = node(opType, from, to);
      for (const [name, inner] of graphs) {
        proto.bytes(5, attribute(name, { graph: writeAgain(inner) }));
      }
      return proto;
    }),
    initializers: [...constants].map(([name, each]) => {
      assert(each.kind === 'tensor');
      return tensor(name, /** @type {TypeName} */ (each.type), each.dims, bytes(each));
    }),
    inputs: values(inputs),
    outputs: values(outputs),
  });
}

describe('ONNX: whole networks as others read them', { skip: noOnnxModels }, () => {
  for (const path of noOnnxModels ? [] : listOnnxModels()) {
    test(`${basename(path)} in this folder's reader`, () => {
      const file = readFileSync(path);
      const { graph: whole } = readOnnx(file);
      const apart = readApart(file);
      const others = apart.nodes.filter(({ op }) => op !== 'Constant');
      const ours = whole.nodes.filter(({ opType }) => opType !== 'ConstantOfShape');
      assert.equal(ours.length, others.length);
      const byOutput = new Map(ours.map((each) => [each.outputs.join(), each]));
      for (const { op, inputs, outputs, attributes } of others) {
        const same = byOutput.get(outputs.join());
        assert.equal(same?.opType, op);
        assert.deepEqual(same?.inputs, inputs.slice(0, same?.inputs.length));
        for (const [name, expected] of Object.entries(attributes)) {
          const found = same?.attributes.get(name);
          const isNumber = found && (found.kind === 'int' || found.kind === 'float');
          if (isNumber) assert.equal(found.value, expected);
          if (found?.kind === 'ints') assert.deepEqual(found.value.map(Number), expected);
        }
      }
      for (const [name, dims] of apart.constants) {
        const found = whole.constants.get(name);
        if (found) assert.deepEqual(found.dims, dims);
      }
    });

    test(`${basename(path)} in onnxruntime`, async () => {
      assert(await isSame(readFileSync(path)));
    });
  }
});

test("ONNX's own tests as onnxruntime reads them", { skip: noOnnxTests }, async (t) => {
  let [same, refused] = [0, 0];
  for (const { model: path } of listOnnxTests()) {
    if (await isSame(readFileSync(path))) same += 1;
    else refused += 1;
  }
  t.diagnostic(`${same} are the same, and ${refused} onnxruntime does not take`);
  assert(same > 1000, `${same}`);
});

/**
 * Compares inputs and outputs, by names and types.
 *
 * @param {Uint8Array} file
 * @returns {Promise<boolean>} false for what onnxruntime does not take, for its operators
 */
async function isSame(file) {
  const { inputs, outputs } = readOnnx(file).graph;
  const session = await openSession(file).catch(() => undefined);
  if (!session) return false;
  const { inputNames, outputNames, inputMetadata, outputMetadata } = session;
  await session.release();
  for (const [ours, names, theirs] of /** @type {const} */ ([
    [inputs, inputNames, inputMetadata],
    [outputs, outputNames, outputMetadata],
  ])) {
    assert.deepEqual(
      ours.map(({ name }) => name),
      [...names],
    );
    ours.forEach(({ type }, i) => checkType(type, theirs[i]));
  }
  return true;
}

/**
 * @param {import('../../../web/lib/import/onnx/type-proto.js').OnnxType} ours
 * @param {ort.InferenceSession.ValueMetadata} theirs
 */
function checkType(ours, theirs) {
  assert.equal(ours.kind === 'tensor', theirs.isTensor);
  if (ours.kind !== 'tensor' || !theirs.isTensor) return;
  assert.equal(ours.element, theirs.type);
  ours.shape?.forEach((dim, axis) => {
    if (typeof dim === 'number') assert.equal(dim, Number(theirs.shape[axis]));
  });
}
