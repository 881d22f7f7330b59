// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { LimitError, LowtropyError } from '../../../web/lib/core/errors.js';
import {
  floatOf,
  floatsOf,
  intOf,
  intsOf,
  stringOf,
  stringsOf,
  tensorOf,
} from '../../../web/lib/import/onnx/attributes.js';
import { readModel } from '../../../web/lib/import/onnx/model.js';
import { readOnnx } from '../../../web/lib/import/onnx/read.js';
import { floats } from '../../../web/lib/import/onnx/tensors.js';
import { describeType } from '../../../web/lib/import/onnx/type-proto.js';
import {
  Proto,
  attribute,
  entry,
  func,
  graph,
  inFile,
  model,
  node,
  sparse,
  tensor,
  tensorType,
  value,
} from '../../support/onnx-writer.js';
import { chooseSeed, makeRandom } from '../../support/random.js';

const seed = chooseSeed();
const random = makeRandom(seed);

const ONE = Float32Array.of(1);
const weight = () => tensor('w', 'float32', [1], ONE);

/** Every kind of attribute, with two of what is a list. */
const ATTRIBUTES =
  /** @type {Record<string, import('../../support/onnx-writer.js').AttributeValue>} */ ({
    float: { float: 0.5 },
    int: { int: -3 },
    string: { string: 'größer' },
    tensor: { tensor: weight() },
    graph: { graph: graph({ name: 'inner' }) },
    floats: { floats: [1, -2] },
    ints: { ints: [4, -(2n ** 63n)] },
    strings: { strings: ['a', ''] },
    tensors: { tensors: [weight(), weight()] },
    graphs: { graphs: [graph({ name: 'first' }), graph({ name: 'second' })] },
    sparse_tensor: {
      sparse_tensor: sparse(weight(), tensor('', 'int64', [1], BigInt64Array.of(1n)), [3]),
    },
    sparse_tensors: { sparse_tensors: [] },
    type: { type: tensorType('int8', [2]) },
    types: { types: [tensorType('bool')] },
  });

/** @param {boolean} typed */
function readAttributes(typed) {
  const proto = new Proto().bytes(1, 'x').bytes(2, 'y').bytes(4, 'Op');
  for (const [name, each] of Object.entries(ATTRIBUTES)) {
    if (typed || name !== 'sparse_tensors') proto.bytes(5, attribute(name, each, typed));
  }
  return readModel(model({ nodes: [proto] })).graph.nodes[0];
}

describe('ONNX attributes', () => {
  test('every kind, with and without a type', () => {
    for (const typed of [true, false]) {
      const read = readAttributes(typed);
      for (const [name, { kind }] of read.attributes) assert.equal(kind, name);
      assert.equal(read.attributes.size, typed ? 14 : 13);
      assert.equal(floatOf(read, 'float', 9), 0.5);
      assert.equal(intOf(read, 'int', 9), -3);
      assert.equal(stringOf(read, 'string', ''), 'größer');
      assert.deepEqual(floatsOf(read, 'floats', []), [1, -2]);
      assert.deepEqual(intsOf(read, 'ints', []), [4, Number.MIN_SAFE_INTEGER]);
      assert.deepEqual(stringsOf(read, 'strings', []), ['a', '']);
      const found = tensorOf(read, 'tensor', undefined);
      assert.deepEqual(found && floats(found), ONE);
      const ints = read.attributes.get('ints');
      assert.deepEqual(ints?.kind === 'ints' && ints.value, [4, -(2n ** 63n)]);
      const type = read.attributes.get('type');
      assert.deepEqual(type?.kind === 'type' && type.value, {
        kind: 'tensor',
        element: 'int8',
        shape: [2],
      });
    }
  });

  test('what is left out is 0 or empty, as some writers mean it', () => {
    const bare = (/** @type {string} */ name, /** @type {number} */ type) =>
      new Proto().bytes(1, name).int(20, type);
    const proto = new Proto().bytes(4, 'Op');
    for (const type of [1, 2, 3, 6, 7, 8]) proto.bytes(5, bare(`${type}`, type));
    const [read] = readModel(model({ nodes: [proto] })).graph.nodes;
    assert.equal(floatOf(read, '1', 9), 0);
    assert.equal(intOf(read, '2', 9), 0);
    assert.equal(stringOf(read, '3', 'x'), '');
    assert.deepEqual(floatsOf(read, '6', [9]), []);
    assert.deepEqual(intsOf(read, '7', [9]), []);
    assert.deepEqual(stringsOf(read, '8', ['x']), []);
  });

  test('the default where there is none, and refusal of another kind', () => {
    const read = readAttributes(true);
    assert.equal(intOf(read, 'axis', 7), 7);
    assert.equal(stringOf(read, 'mode', undefined), undefined);
    assert.throws(() => intOf(read, 'float', 7), {
      name: 'FileError',
      message:
        'In the ONNX model the node (Op) that gives "y" has an attribute "float" of the kind float, not int.',
    });
    const bytes = attribute('s', { string: Uint8Array.of(255) });
    const [bad] = readModel(model({ nodes: [new Proto().bytes(4, 'Op').bytes(5, bytes)] })).graph
      .nodes;
    assert.throws(() => stringOf(bad, 's', ''), /has an attribute "s" that is no UTF-8\.$/);
  });

  /** @type {Array<[what: string, attribute: Proto, message: RegExp]>} */
  const refused = [
    [
      'no type and two values',
      new Proto().bytes(1, 'a').int(3, 1).float(2, 1),
      /"a" has 2 values and no type/,
    ],
    ['no type and no value', new Proto().bytes(1, 'a'), /"a" has 0 values and no type/],
    [
      'a type that is not known',
      new Proto().bytes(1, 'a').int(3, 1).int(20, 15),
      /of type 15, which is not known/,
    ],
    ['no tensor', new Proto().bytes(1, 'a').int(20, 4), /"a" has no value of its type, tensor/],
    [
      'two tensors',
      new Proto().bytes(1, 'a').bytes(5, weight()).bytes(5, weight()),
      /has two values/,
    ],
  ];
  for (const [what, proto, message] of refused) {
    test(`refused: ${what}`, () => {
      const file = model({ nodes: [new Proto().bytes(4, 'Op').bytes(5, proto)] });
      assert.throws(() => readModel(file), { name: 'FileError', message });
    });
  }

  test('refused: a name twice', () => {
    const one = attribute('a', { int: 1 });
    const file = model({ nodes: [new Proto().bytes(4, 'Op').bytes(5, one).bytes(5, one)] });
    assert.throws(() => readModel(file), /the attribute "a" stands twice\.$/);
  });
});

describe('ONNX types', () => {
  const wrapped = (/** @type {number} */ field, /** @type {Proto} */ inner) =>
    new Proto().bytes(field, new Proto().bytes(1, inner));
  const float32 = tensorType('float32', ['N', 3, undefined, -1, 0]);
  const map = new Proto().bytes(5, new Proto().int(1, 7).bytes(2, float32));
  const types = {
    tensor: float32,
    unranked: tensorType('int64'),
    scalar: tensorType('bool', []),
    sequence: wrapped(4, float32),
    optional: wrapped(9, wrapped(4, tensorType('int8'))),
    map,
    sparse: new Proto().bytes(8, new Proto().int(1, 1)),
    none: new Proto(),
  };
  const { inputs } = readModel(
    model({ inputs: Object.entries(types).map(([name, type]) => value(name, type)) }),
  ).graph;
  const read = Object.fromEntries(inputs.map(({ name, type }) => [name, type]));

  test('dimensions are fixed, named or not known', () => {
    assert.deepEqual(read.tensor, {
      kind: 'tensor',
      element: 'float32',
      shape: ['N', 3, undefined, undefined, 0],
    });
    assert.deepEqual(read.unranked, { kind: 'tensor', element: 'int64', shape: undefined });
    assert.deepEqual(read.scalar, { kind: 'tensor', element: 'bool', shape: [] });
  });

  test('what is no tensor has a name', () => {
    const names = Object.values(read).map(describeType);
    assert.deepEqual(names, [
      'a tensor of float32',
      'a tensor of int64',
      'a tensor of bool',
      'a sequence of tensors of float32',
      'an optional of sequences of tensors of int8',
      'a map of int64 to tensors of float32',
      'a sparse tensor of float32',
      'of no known type',
    ]);
  });
});

/** One of each: all that a model may have. */
function everything() {
  const then = graph({
    name: 'then',
    nodes: [node('Add', ['y', 'w'], ['t'])],
    outputs: [value('t')],
  });
  const other = graph({
    name: 'else',
    initializers: [tensor('e', 'float32', [1], ONE)],
    outputs: [value('e')],
  });
  const annotated = graph({
    name: 'all of it',
    nodes: [
      node('Twice', ['x'], ['y'], {
        name: 'call',
        domain: 'own',
        attributes: { by: { float: 2 } },
      }),
      node('Constant', [], ['c'], { attributes: { value_int: { int: 1 } } }),
      node('If', ['c', ''], ['z', ''], {
        attributes: { then_branch: { graph: then }, else_branch: { graph: other } },
      }),
      node('Custom', ['z'], ['out'], {
        domain: 'com.example',
        attributes: { text: { string: 'ä' } },
      }),
    ],
    initializers: [weight(), tensor('i', 'int64', [2]).packed(7, [1, -1])],
    sparse: [
      sparse(tensor('s', 'float32', [1], ONE), tensor('', 'int64', [1], BigInt64Array.of(2n)), [4]),
    ],
    inputs: [value('x', tensorType('float32', ['N', 1])), value('w', tensorType('float32', [1]))],
    outputs: [value('out', tensorType('float32', ['N', 1]))],
    values: [value('y', tensorType('float32', ['N', 1]))],
  });
  annotated
    .bytes(14, new Proto().bytes(1, 'x').bytes(2, entry('SCALE_TENSOR', 'w')))
    .bytes(16, entry('k', 'v'));
  const twice = func(
    'Twice',
    ['a'],
    ['b'],
    [
      node('Constant', [], ['k'], { attributes: { value_float: { reference: 'by', type: 1 } } }),
      node('Mul', ['a', 'k'], ['b']),
    ],
    { attributes: ['by'], opsets: { '': 18 } },
  );
  return model(annotated, {
    irVersion: 99,
    opsets: { '': 17, 'ai.onnx': 16, 'com.example': 3, own: 1 },
    functions: [twice],
    metadata: { author: 'me' },
  });
}

describe('ONNX models', () => {
  const read = readOnnx(everything());

  test('what a model is', () => {
    const { irVersion, opsets, producerName, metadata, hasTraining } = read;
    assert.deepEqual(
      { irVersion, producerName, hasTraining },
      { irVersion: 99, producerName: 'onnx-writer', hasTraining: false },
    );
    assert.deepEqual(
      [...opsets],
      [
        ['', 17],
        ['com.example', 3],
        ['own', 1],
      ],
    );
    assert.deepEqual([...metadata], [['author', 'me']]);
  });

  test('its graph', () => {
    const { graph: whole } = read;
    assert.equal(whole.name, 'all of it');
    assert.deepEqual(
      whole.nodes.map(({ opType }) => opType),
      ['Mul', 'If', 'Custom'],
    );
    assert.deepEqual(
      whole.nodes.map(({ version }) => version),
      [18, 17, 3],
    );
    assert.deepEqual(
      whole.inputs.map(({ name }) => name),
      ['x'],
    );
    assert.deepEqual(
      whole.defaults.map(({ name }) => name),
      ['w'],
    );
    assert.deepEqual([...whole.constants.keys()], ['w', 'i', 's', 'call/k', 'c']);
    assert.deepEqual([...whole.types.keys()], ['y', 'x', 'w', 'out']);
    assert.deepEqual([...whole.quantization], [['x', new Map([['SCALE_TENSOR', 'w']])]]);
    assert.deepEqual([...whole.metadata], [['k', 'v']]);
    const [, condition] = whole.nodes;
    assert.deepEqual(condition.inputs, ['c']);
    assert.deepEqual(condition.outputs, ['z']);
    assert.deepEqual([...condition.graphs.keys()], ['then_branch', 'else_branch']);
    assert.deepEqual(condition.graphs.get('then_branch')?.captured, ['y', 'w']);
    assert.deepEqual([...condition.attributes], []);
  });

  test('tensors are views of the file', () => {
    const file = everything();
    const w = readOnnx(file).graph.constants.get('w');
    assert(w?.kind === 'tensor' && w.data.kind === 'raw');
    assert.equal(w.data.bytes.buffer, file.buffer);
  });

  test('a model that says how to train it', () => {
    const file = new Proto().raw(model({})).bytes(20, new Proto()).finish();
    assert.equal(readOnnx(file).hasTraining, true);
  });

  test('fields that are not known, of all kinds, as newer versions may have them', () => {
    const strange = (/** @type {Proto} */ proto) =>
      proto.int(1000, 1).float(1001, 2).double(1002, 3).bytes(1003, 'four');
    const x = strange(value('x', strange(tensorType('float32', [1]))));
    const attributes = strange(attribute('a', { int: 5 }));
    const read = strange(node('Op', ['x', 'w'], ['y'])).bytes(5, attributes);
    const initializers = [strange(weight())];
    const inner = strange(graph({ nodes: [read], inputs: [x], initializers }));
    const file = strange(new Proto().raw(model(inner))).finish();
    const { nodes, inputs } = readOnnx(file).graph;
    assert.equal(intOf(nodes[0], 'a', 0), 5);
    assert.deepEqual(inputs[0].type, { kind: 'tensor', element: 'float32', shape: [1] });
  });

  test('a model of no version, as the oldest are', () => {
    const { opsets, graph: whole } = readOnnx(
      new Proto().bytes(7, graph({ nodes: [node('Relu', [], ['y'])] })).finish(),
    );
    assert.equal(opsets.size, 0);
    assert.equal(whole.nodes[0].version, 1);
  });

  /** @type {Array<[what: string, file: Uint8Array, message: RegExp]>} */
  const refused = [
    ['nothing', new Uint8Array(), /^The ONNX model is empty\.$/],
    ['two graphs', new Proto().bytes(7, '').bytes(7, '').finish(), /the model has two graphs\.$/],
    [
      'a node without an operator',
      model({ nodes: [new Proto().bytes(3, 'n')] }),
      /the node "n" has no operator\.$/,
    ],
    [
      'a function without a name',
      model({}, { functions: [new Proto()] }),
      /the function has no name\.$/,
    ],
    [
      'operators of a negative version',
      model({}, { opsets: { '': -1 } }),
      /operators are of version -1\.$/,
    ],
    [
      'a zip archive',
      new TextEncoder().encode('PK\x03\x04abc'),
      /^The ONNX model is none; it is a zip archive/,
    ],
    ['JSON', new TextEncoder().encode('{"a": 1}'), /^The ONNX model is none; it is JSON\.$/],
  ];
  for (const [what, file, message] of refused) {
    test(`refused: ${what}`, () =>
      assert.throws(() => readOnnx(file), { name: 'FileError', message }));
  }

  test('what is no bytes', () => {
    assert.throws(() => readModel(/** @type {any} */ ('model.onnx')), { name: 'ValueError' });
  });
});

/**
 * @param {Uint8Array} file
 * @returns {boolean} whether it can be read
 */
function isRead(file) {
  try {
    readOnnx(file);
    return true;
  } catch (error) {
    assert(error instanceof LowtropyError, String(/** @type {any} */ (error).stack));
    assert.match(error.message, /^[A-Z][^\n]{1,1000}\.$/);
    return false;
  }
}

describe(`ONNX models that are damaged, LOWTROPY_SEED=${seed}`, () => {
  const file = everything();

  test('cut off at every byte', () => {
    let whole = 0;
    for (let length = 0; length <= file.length; ++length)
      whole += isRead(file.subarray(0, length)) ? 1 : 0;
    // Behind the graph come operators, a function that it calls, and what may be left out.
    assert(whole >= 1 && whole < 40, `${whole} of ${file.length} prefixes were read`);
  });

  test('with every byte changed', () => {
    for (let i = 0; i < file.length; ++i) {
      for (const byte of [0, 255, file[i] ^ (1 << Math.floor(8 * random()))]) {
        const changed = file.slice();
        changed[i] = byte;
        isRead(changed);
      }
    }
  });

  test('with bytes left out, and put in', () => {
    for (let i = 0; i < 2000; ++i) {
      const at = Math.floor(random() * file.length);
      const more = Array.from({ length: 3 }, () => Math.floor(256 * random()));
      const rest = file.subarray(at + Math.floor(3 * random()));
      isRead(Uint8Array.of(...file.subarray(0, at), ...(random() < 0.5 ? more : []), ...rest));
    }
  });

  test('a small file does not ask for much: nodes of two bytes', () => {
    const empty = new Uint8Array(2 ** 21).fill(0);
    for (let i = 0; i < empty.length; i += 2) empty[i] = 8 * 11 + 2; // an input without anything
    const large = new Proto().key(7, 2).varint(empty.length).finish();
    const hostile = Buffer.concat([large, empty]);
    assert.throws(() => readModel(hostile), LimitError);
  });

  test('a tensor that says it is huge takes nothing', () => {
    const huge = tensor('w', 'float32', [2 ** 26, 2 ** 26]);
    assert.throws(() => readModel(model({ initializers: [huge] })), /"w" holds no elements/);
    const elsewhere = inFile(tensor('w', 'float32', [2 ** 26, 2 ** 26]), { location: 'w' });
    const files = new Map([['w', new Uint8Array(8)]]);
    assert.throws(() => readOnnx(model({ initializers: [elsewhere] }), files), /which has 8\.$/);
  });
});
