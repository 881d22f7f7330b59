// SPDX-License-Identifier: Apache-2.0

/** Fusion: fewer nodes that make the same values as the plain ones. */

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import { init } from '../../../web/lib/core/module.js';
import { Pauses } from '../../../web/lib/core/pause.js';
import { bindInputs } from '../../../web/lib/import/onnx/bind.js';
import { lowerGraph } from '../../../web/lib/import/onnx/lower-graph.js';
import { readOnnx } from '../../../web/lib/import/onnx/read.js';
import { Model } from '../../../web/lib/model/model.js';
import { model, node, tensor, tensorType, value } from '../../support/onnx-writer.js';
import { chooseSeed, makeRandom } from '../../support/random.js';

/** @typedef {import('../../support/onnx-writer.js').Proto} Proto */

const seed = chooseSeed();
const random = makeRandom(seed);

/** Of the largest value. */
const TOLERANCE = 1e-5;

/** @param {number[]} shape */
const sizeOf = (shape) => shape.reduce((size, dim) => size * dim, 1);

/** @param {number[]} shape */
const noise = (shape) => Float32Array.from({ length: sizeOf(shape) }, () => 4 * random() - 2);

/** @param {string} name @param {number[]} shape @param {number[]} [values] */
const floats = (name, shape, values) =>
  tensor(name, 'float32', shape, values ? Float32Array.from(values) : noise(shape));

/** @param {string} name @param {number} number */
const number = (name, number) => floats(name, [], [number]);

/** @param {string} name @param {number[]} numbers */
const integers = (name, numbers) =>
  tensor(name, 'int64', [numbers.length], BigInt64Array.from(numbers, BigInt));

/**
 * @typedef {object} Case
 * @property {string} what
 * @property {Record<string, number[]>} inputs
 * @property {Proto[]} [initializers]
 * @property {Proto[]} nodes
 * @property {string[]} [outputs]
 * @property {string} ops what is left, without constants and reshapes, in alphabetical order
 * @property {(nodes: any[]) => void} [check]
 */

/** @param {Case} graph */
function read({ inputs, initializers = [], nodes, outputs = ['y'] }) {
  const file = model(
    {
      nodes,
      initializers,
      inputs: Object.entries(inputs).map(([name, shape]) =>
        value(name, tensorType('float32', shape)),
      ),
      outputs: outputs.map((name) => value(name, tensorType('float32'))),
    },
    { irVersion: 10, opsets: { '': 21 } },
  );
  return bindInputs(readOnnx(file).graph, {});
}

/**
 * @param {ReturnType<typeof read>} onnx
 * @param {boolean} fuses
 * @param {Record<string, { data: Float32Array, shape: number[] }>} feed
 */
async function runLowered(onnx, fuses, feed) {
  const { graph, parameters } = await lowerGraph(onnx, new Map(), new Pauses(undefined), { fuses });
  const tensors = new Map(
    [...parameters].map(([name, { make, ...facts }]) => [name, { ...facts, ...make() }]),
  );
  const network = await Model.fromGraph(/** @type {any} */ (graph), /** @type {any} */ (tensors));
  const results = /** @type {Record<string, any>} */ (network.run(feed));
  network.dispose();
  return { nodes: graph.nodes, results };
}

/** @param {Case} one */
async function check(one) {
  const onnx = read(one);
  const feed = Object.fromEntries(
    Object.entries(one.inputs).map(([name, shape]) => [name, { data: noise(shape), shape }]),
  );
  const plain = await runLowered(onnx, false, feed);
  const fused = await runLowered(onnx, true, feed);
  const ops = fused.nodes.map(({ op }) => op).filter((op) => op !== 'constant' && op !== 'reshape');
  assert.equal(ops.sort().join(' '), one.ops);
  one.check?.(fused.nodes);
  for (const [name, { data, shape }] of Object.entries(plain.results)) {
    const other = fused.results[name];
    assert.deepEqual(other.shape, shape);
    const largest = data.reduce(
      (/** @type {number} */ most, /** @type {number} */ v) => Math.max(most, Math.abs(v)),
      0,
    );
    data.forEach((/** @type {number} */ wanted, /** @type {number} */ i) => {
      const error = Math.abs(other.data[i] - wanted);
      assert(error <= TOLERANCE * largest, `${name}[${i}]: ${other.data[i]}, not ${wanted}`);
    });
  }
  return { plain, fused };
}

/** @param {Case[]} cases whose fused graphs have fewer nodes */
function fuseAll(cases) {
  for (const one of cases) {
    test(`${one.what}, LOWTROPY_SEED=${seed}`, async () => {
      const { plain, fused } = await check(one);
      assert(fused.nodes.length < plain.nodes.length);
    });
  }
}

/** @param {Case[]} cases in which something speaks against fusion */
function keepAll(cases) {
  for (const one of cases) {
    test(`${one.what}, LOWTROPY_SEED=${seed}`, async () => {
      await check(one);
    });
  }
}

const image = { x: [2, 3, 6, 5] };
const row = { x: [2, 3, 8] };

describe('onnx: fusion of activations', () => {
  before(() => init());
  const unary = (
    /** @type {string} */ op,
    /** @type {string} */ from,
    /** @type {string} */ to,
    attributes = {},
  ) => node(op, [from], [to], { attributes });
  const three = [number('three', 3), number('six', 6), number('zero', 0), number('sixth', 1 / 6)];
  const clipped = [node('Add', ['x', 'three'], ['a']), node('Clip', ['a', 'zero', 'six'], ['c'])];
  const rootOfHalf = [number('half', 0.5), number('root', Math.SQRT2), number('one', 1)];
  const erf = [
    node('Div', ['x', 'root'], ['a']),
    unary('Erf', 'a', 'b'),
    node('Add', ['b', 'one'], ['c']),
  ];
  const tanhNumbers = [
    number('k', 0.044715),
    number('r', Math.sqrt(2 / Math.PI)),
    number('one', 1),
    number('half', 0.5),
    number('cube', 3),
  ];
  const tanhEnd = [
    node('Add', ['x', 'cubic'], ['s']),
    node('Mul', ['s', 'r'], ['t']),
    unary('Tanh', 't', 'u'),
    node('Add', ['one', 'u'], ['v']),
    node('Mul', ['x', 'v'], ['w']),
    node('Mul', ['half', 'w'], ['y']),
  ];
  fuseAll([
    {
      what: 'x · sigmoid(x)',
      inputs: row,
      ops: 'silu',
      nodes: [unary('Sigmoid', 'x', 's'), node('Mul', ['s', 'x'], ['y'])],
    },
    {
      what: 'x · tanh(softplus(x))',
      inputs: row,
      ops: 'mish',
      nodes: [unary('Softplus', 'x', 's'), unary('Tanh', 's', 't'), node('Mul', ['x', 't'], ['y'])],
    },
    {
      what: 'x · hardSigmoid(x)',
      inputs: row,
      ops: 'hardswish',
      nodes: [
        unary('HardSigmoid', 'x', 's', { alpha: { float: 1 / 6 } }),
        node('Mul', ['x', 's'], ['y']),
      ],
    },
    {
      what: 'x · (clip(x + 3) / 6)',
      inputs: row,
      initializers: three,
      ops: 'hardswish',
      nodes: [...clipped, node('Div', ['c', 'six'], ['d']), node('Mul', ['x', 'd'], ['y'])],
    },
    {
      what: 'x · clip(x + 3) / 6',
      inputs: row,
      initializers: three,
      ops: 'hardswish',
      nodes: [...clipped, node('Mul', ['x', 'c'], ['d']), node('Div', ['d', 'six'], ['y'])],
    },
    {
      what: 'x · clip(x + 3) · (1 / 6)',
      inputs: row,
      initializers: three,
      ops: 'hardswish',
      nodes: [...clipped, node('Mul', ['c', 'x'], ['d']), node('Mul', ['sixth', 'd'], ['y'])],
    },
    {
      what: 'x / 2 · (1 + erf(x / √2))',
      inputs: row,
      initializers: rootOfHalf,
      ops: 'gelu',
      nodes: [...erf, node('Mul', ['x', 'c'], ['d']), node('Mul', ['d', 'half'], ['y'])],
    },
    {
      what: '(x / 2) · (1 + erf(x / √2))',
      inputs: row,
      initializers: rootOfHalf,
      ops: 'gelu',
      nodes: [...erf, node('Mul', ['half', 'x'], ['d']), node('Mul', ['d', 'c'], ['y'])],
    },
    {
      what: 'x / 2 · (1 + tanh(√(2 / π) · (x + 0.044715 · x³)))',
      inputs: row,
      initializers: tanhNumbers,
      ops: 'gelu',
      nodes: [node('Pow', ['x', 'cube'], ['p']), node('Mul', ['p', 'k'], ['cubic']), ...tanhEnd],
      check: (nodes) => assert.equal(nodes.at(-1).tanh, true),
    },
    {
      what: 'the same with products for the power',
      inputs: row,
      initializers: tanhNumbers,
      ops: 'gelu',
      nodes: [
        node('Mul', ['x', 'x'], ['p']),
        node('Mul', ['p', 'x'], ['q']),
        node('Mul', ['q', 'k'], ['cubic']),
        ...tanhEnd,
      ],
    },
  ]);
  keepAll([
    {
      what: 'a sigmoid that is an output',
      inputs: row,
      outputs: ['s', 'y'],
      ops: 'mul sigmoid',
      nodes: [unary('Sigmoid', 'x', 's'), node('Mul', ['s', 'x'], ['y'])],
    },
    {
      what: 'a sigmoid that is used elsewhere',
      inputs: row,
      ops: 'mul sigmoid sum',
      nodes: [
        unary('Sigmoid', 'x', 's'),
        node('Mul', ['s', 'x'], ['a']),
        node('Add', ['a', 's'], ['y']),
      ],
    },
    {
      what: 'a clip to other bounds',
      inputs: row,
      initializers: [...three, number('five', 5)],
      ops: 'clip div mul sum',
      nodes: [
        node('Add', ['x', 'three'], ['a']),
        node('Clip', ['a', 'zero', 'five'], ['c']),
        node('Mul', ['x', 'c'], ['d']),
        node('Div', ['d', 'six'], ['y']),
      ],
    },
    {
      what: 'erf(x / √2) of another x',
      inputs: { ...row, z: row.x },
      initializers: rootOfHalf,
      ops: 'div erf mul mul sum',
      nodes: [...erf, node('Mul', ['z', 'c'], ['d']), node('Mul', ['d', 'half'], ['y'])],
    },
  ]);
});

describe('onnx: fusion of normalizations', () => {
  before(() => init());
  const mean = (/** @type {string} */ from, /** @type {string} */ to, axes = [-1]) => [
    integers(`${to}.axes`, axes),
    node('ReduceMean', [from, `${to}.axes`], [to]),
  ];
  const [axes1, mean1] = mean('x', 'm');
  const [axes2, mean2] = mean('p', 'v');
  const numbers = [axes1, axes2, number('two', 2), number('epsilon', 1e-3), number('one', 1)];
  const centred = [mean1, node('Sub', ['x', 'm'], ['c'])];
  const deviation = [mean2, node('Add', ['v', 'epsilon'], ['w']), node('Sqrt', ['w'], ['r'])];
  const layerNorm = [
    ...centred,
    node('Pow', ['c', 'two'], ['p']),
    ...deviation,
    node('Div', ['c', 'r'], ['n']),
  ];
  const affine = [node('Mul', ['n', 'gamma'], ['g']), node('Add', ['g', 'beta'], ['y'])];
  const sides = [floats('gamma', [8]), floats('beta', [8])];
  fuseAll([
    {
      what: 'LayerNorm with factors and summands',
      inputs: row,
      initializers: [...numbers, ...sides],
      ops: 'layerNorm',
      nodes: [...layerNorm, ...affine],
      check: (nodes) => assert.equal(nodes.at(-1).inputs.length, 3),
    },
    {
      what: 'LayerNorm alone, by a reciprocal',
      inputs: row,
      initializers: numbers,
      ops: 'layerNorm',
      nodes: [
        ...centred,
        node('Mul', ['c', 'c'], ['p']),
        ...deviation,
        node('Reciprocal', ['r'], ['i']),
        node('Mul', ['i', 'c'], ['y']),
      ],
    },
    {
      what: 'LayerNorm whose difference is written twice',
      inputs: row,
      initializers: [...numbers, number('again', 2)],
      ops: 'layerNorm mul',
      nodes: [
        ...centred,
        node('Pow', ['c', 'two'], ['p']),
        ...deviation,
        node('Sub', ['x', 'm'], ['d']),
        node('Div', ['d', 'r'], ['n']),
        node('Mul', ['n', 'again'], ['y']),
      ],
    },
    {
      what: 'LayerNormalization itself',
      inputs: row,
      initializers: sides,
      ops: 'layerNorm',
      nodes: [node('LayerNormalization', ['x', 'gamma', 'beta'], ['y'])],
    },
    {
      what: 'RMSNorm',
      inputs: row,
      initializers: [...numbers, ...sides],
      ops: 'layerNorm sum',
      nodes: [
        node('Pow', ['x', 'two'], ['p']),
        ...deviation,
        node('Div', ['one', 'r'], ['i']),
        node('Mul', ['x', 'i'], ['n']),
        node('Mul', ['n', 'gamma'], ['g']),
        node('Add', ['g', 'x'], ['y']),
      ],
      check: (nodes) => assert.equal(nodes.find(({ op }) => op === 'layerNorm').centred, false),
    },
    {
      what: 'InstanceNormalization',
      inputs: image,
      initializers: [floats('gamma', [3]), floats('beta', [3])],
      ops: 'layerNorm mul sum',
      nodes: [node('InstanceNormalization', ['x', 'gamma', 'beta'], ['y'])],
    },
  ]);
  keepAll([
    {
      what: 'a mean along another axis',
      inputs: row,
      initializers: [mean('x', 'm', [1])[0], ...numbers.slice(1)],
      ops: 'div layerNorm reduceMean sub'.replace('div ', ''),
      nodes: layerNorm.concat(node('Identity', ['n'], ['y'])),
    },
    {
      what: 'a centred value that is used elsewhere',
      inputs: row,
      initializers: numbers,
      ops: 'layerNorm reduceMean sub sum',
      nodes: [...layerNorm, node('Add', ['n', 'c'], ['y'])],
    },
  ]);
});

describe('onnx: fusion of attention', () => {
  before(() => init());
  const plain = { q: [2, 4, 5, 8], k: [2, 4, 7, 8], v: [2, 4, 7, 6] };
  const masked = { ...plain, mask: [2, 1, 1, 7] };
  const keys = node('Transpose', ['k'], ['t'], { attributes: { perm: { ints: [0, 1, 3, 2] } } });
  const scores = [keys, node('MatMul', ['q', 't'], ['s'])];
  const end = (/** @type {string} */ from) => [
    node('Softmax', [from], ['p'], { attributes: { axis: { int: -1 } } }),
    node('MatMul', ['p', 'v'], ['y']),
  ];
  const root = number('root', Math.sqrt(8));
  fuseAll([
    {
      what: 'scaled scores with a mask',
      inputs: masked,
      initializers: [root],
      ops: 'attention transpose',
      nodes: [
        ...scores,
        node('Div', ['s', 'root'], ['d']),
        node('Add', ['d', 'mask'], ['m']),
        ...end('m'),
      ],
    },
    {
      what: 'bare scores',
      inputs: plain,
      ops: 'attention transpose',
      nodes: [...scores, ...end('s')],
    },
    {
      what: 'a mask first',
      inputs: masked,
      initializers: [number('scale', 0.5)],
      ops: 'attention transpose',
      nodes: [
        ...scores,
        node('Mul', ['scale', 's'], ['d']),
        node('Add', ['mask', 'd'], ['m']),
        ...end('m'),
      ],
    },
  ]);
  keepAll([
    {
      what: 'weights that are an output',
      inputs: plain,
      outputs: ['p', 'y'],
      ops: 'matMul matMul softmax transpose',
      nodes: [...scores, ...end('s')],
    },
    {
      what: 'a softmax along another axis',
      inputs: plain,
      ops: 'matMul matMul softmax transpose',
      nodes: [
        ...scores,
        node('Softmax', ['s'], ['p'], { attributes: { axis: { int: 2 } } }),
        node('MatMul', ['p', 'v'], ['y']),
      ],
    },
  ]);
});

describe('onnx: fusion of movements', () => {
  before(() => init());
  const transpose = (
    /** @type {string} */ from,
    /** @type {string} */ to,
    /** @type {number[]} */ perm,
  ) => node('Transpose', [from], [to], { attributes: { perm: { ints: perm } } });
  const last = [0, 2, 3, 1];
  const first = [0, 3, 1, 2];
  fuseAll([
    {
      what: 'transposes that cancel',
      inputs: image,
      ops: 'relu',
      nodes: [transpose('x', 'a', last), transpose('a', 'b', first), node('Relu', ['b'], ['y'])],
    },
    {
      what: 'transposes that make another one',
      inputs: image,
      ops: 'transpose',
      nodes: [transpose('x', 'a', last), transpose('a', 'y', last)],
    },
    {
      what: 'transposes around what is done element by element',
      inputs: { ...image, z: image.x },
      initializers: [floats('c', [3]), number('k', 2)],
      ops: 'concat mul relu sigmoid sum sum',
      nodes: [
        transpose('x', 'a', last),
        node('Add', ['a', 'c'], ['b']),
        node('Relu', ['b'], ['d']),
        transpose('z', 'e', last),
        node('Mul', ['e', 'k'], ['f']),
        node('Add', ['d', 'f'], ['g']),
        node('Sigmoid', ['g'], ['h']),
        node('Concat', ['h', 'e'], ['i'], { attributes: { axis: { int: 3 } } }),
        transpose('i', 'y', first),
      ],
    },
    {
      what: 'a reshape of a reshape',
      inputs: image,
      initializers: [integers('first', [6, 30]), integers('second', [2, 90])],
      ops: 'relu',
      nodes: [
        node('Reshape', ['x', 'first'], ['a']),
        node('Reshape', ['a', 'second'], ['b']),
        node('Relu', ['b'], ['y']),
      ],
      check: (nodes) => assert.equal(nodes.length, 2),
    },
    {
      what: 'a product between reshapes',
      inputs: row,
      initializers: [
        integers('flat', [-1, 8]),
        integers('back', [2, 3, 5]),
        floats('w', [8, 5]),
        floats('b', [5]),
      ],
      ops: 'linear relu',
      nodes: [
        node('Reshape', ['x', 'flat'], ['a']),
        node('Gemm', ['a', 'w', 'b'], ['c']),
        node('Relu', ['c'], ['d']),
        node('Reshape', ['d', 'back'], ['y']),
      ],
    },
    {
      what: 'Identity, Dropout and casts there and back',
      inputs: row,
      initializers: [number('zero', 0)],
      ops: 'cast greater not',
      nodes: [
        node('Identity', ['x'], ['a']),
        node('Dropout', ['a'], ['b']),
        node('Greater', ['b', 'zero'], ['c']),
        node('Cast', ['c'], ['d'], { attributes: { to: { int: 1 } } }),
        node('Cast', ['d'], ['e'], { attributes: { to: { int: 9 } } }),
        node('Not', ['e'], ['f']),
        node('Cast', ['f'], ['y'], { attributes: { to: { int: 1 } } }),
      ],
    },
    {
      what: 'margins of zeros into a convolution',
      inputs: image,
      initializers: [integers('pads', [0, 0, 1, 2, 0, 0, 3, 0]), floats('w', [4, 3, 3, 3])],
      ops: 'conv',
      nodes: [
        node('Pad', ['x', 'pads'], ['a']),
        node('Conv', ['a', 'w'], ['y'], { attributes: { pads: { ints: [1, 1, 0, 0] } } }),
      ],
      check: (nodes) => assert.deepEqual(nodes.at(-1).pad, [2, 3, 3, 0]),
    },
    {
      what: 'margins of zeros into a mean that counts them',
      inputs: image,
      initializers: [integers('pads', [0, 0, 1, 1, 0, 0, 1, 1])],
      ops: 'avgpool',
      nodes: [
        node('Pad', ['x', 'pads'], ['a']),
        node('AveragePool', ['a'], ['y'], {
          attributes: { kernel_shape: { ints: [2, 2] }, count_include_pad: { int: 1 } },
        }),
      ],
    },
  ]);
  keepAll([
    {
      what: 'a transpose of ones',
      inputs: { x: [2, 3, 1, 1] },
      ops: 'relu',
      nodes: [transpose('x', 'a', last), node('Relu', ['a'], ['y'])],
      check: (nodes) => assert.equal(nodes.length, 2),
    },
    {
      what: 'a transposed value that is used elsewhere',
      inputs: image,
      outputs: ['a', 'y'],
      ops: 'relu transpose',
      nodes: [transpose('x', 'a', last), transpose('a', 'b', first), node('Relu', ['b'], ['y'])],
    },
    {
      what: 'rows of a product that are put elsewhere',
      inputs: row,
      initializers: [integers('flat', [12, 4]), integers('back', [2, 3, 4]), floats('w', [4, 2])],
      ops: 'linear relu',
      nodes: [
        node('Reshape', ['x', 'flat'], ['a']),
        node('MatMul', ['a', 'w'], ['c']),
        node('Relu', ['c'], ['d']),
        node('Reshape', ['d', 'back'], ['y']),
      ],
      check: (nodes) => assert.equal(nodes.filter(({ op }) => op === 'reshape').length, 2),
    },
    {
      what: 'margins of something else',
      inputs: image,
      initializers: [
        integers('pads', [0, 0, 1, 1, 0, 0, 1, 1]),
        number('one', 1),
        floats('w', [4, 3, 3, 3]),
      ],
      ops: 'conv pad',
      nodes: [node('Pad', ['x', 'pads', 'one'], ['a']), node('Conv', ['a', 'w'], ['y'])],
    },
    {
      what: 'a transpose as the only output',
      inputs: image,
      ops: 'dropout',
      nodes: [transpose('x', 'a', last), transpose('a', 'y', first)],
    },
  ]);
});

describe('onnx: fusion of factors and summands', () => {
  before(() => init());
  const conv = node('Conv', ['x', 'w', 'b'], ['a']);
  const weights = [floats('w', [4, 3, 3, 3]), floats('b', [4])];
  fuseAll([
    {
      what: 'summands into the bias of a product',
      inputs: row,
      initializers: [floats('w', [8, 5]), floats('b', [5])],
      ops: 'linear',
      nodes: [node('MatMul', ['x', 'w'], ['a']), node('Add', ['b', 'a'], ['y'])],
    },
    {
      what: 'summands into the bias of a convolution',
      inputs: image,
      initializers: [...weights, floats('c', [1, 4, 1, 1]), number('one', 1)],
      ops: 'conv',
      nodes: [conv, node('Add', ['a', 'c'], ['d']), node('Add', ['d', 'one'], ['y'])],
    },
    {
      what: 'summands into the bias of a convolution of one dimension',
      inputs: row,
      initializers: [floats('w', [4, 3, 3]), floats('c', [4, 1])],
      ops: 'conv',
      nodes: [node('Conv', ['x', 'w'], ['a']), node('Add', ['a', 'c'], ['y'])],
    },
  ]);
  keepAll([
    {
      what: 'factors and summands as a normalization, which runs fuse',
      inputs: image,
      initializers: [...weights, floats('f', [4, 1, 1]), floats('c', [4, 1, 1])],
      ops: 'batchnorm conv',
      nodes: [conv, node('Mul', ['a', 'f'], ['d']), node('Add', ['d', 'c'], ['y'])],
    },
    {
      what: 'the same in one dimension',
      inputs: row,
      initializers: [floats('w', [4, 3, 3]), floats('f', [4, 1]), floats('c', [4, 1])],
      ops: 'batchnorm conv',
      nodes: [
        node('Conv', ['x', 'w'], ['a']),
        node('Mul', ['a', 'f'], ['d']),
        node('Add', ['d', 'c'], ['y']),
      ],
    },
    {
      what: 'summands that differ along an image',
      inputs: image,
      initializers: [...weights, floats('c', [4, 1, 3])],
      ops: 'conv sum',
      nodes: [conv, node('Add', ['a', 'c'], ['y'])],
    },
    {
      what: 'a summand that makes the result larger',
      inputs: { x: [1, 8] },
      initializers: [floats('w', [8, 5]), floats('c', [2, 5])],
      ops: 'linear sum',
      nodes: [node('MatMul', ['x', 'w'], ['a']), node('Add', ['a', 'c'], ['y'])],
    },
  ]);
});

describe('onnx: fusion of integers', () => {
  before(() => init());
  const by = [
    number('scale', 0.05),
    tensor('zero', 'uint8', [], Uint8Array.of(120)),
    number('other', 0.1),
  ];
  const quantize = (/** @type {string} */ from, /** @type {string} */ to, scale = 'scale') =>
    node('QuantizeLinear', [from, scale, 'zero'], [to]);
  const dequantize = (/** @type {string} */ from, /** @type {string} */ to, scale = 'scale') =>
    node('DequantizeLinear', [from, scale, 'zero'], [to]);
  fuseAll([
    {
      what: 'quantizing what was dequantized',
      inputs: image,
      initializers: by,
      ops: 'fakeQuantize relu',
      nodes: [
        quantize('x', 'a'),
        dequantize('a', 'b'),
        quantize('b', 'c'),
        dequantize('c', 'd'),
        node('Relu', ['d'], ['y']),
      ],
    },
    {
      what: 'the largest of integers',
      inputs: image,
      initializers: [...by, integers('flat', [2, 60])],
      ops: 'fakeQuantize maxpool',
      nodes: [
        quantize('x', 'a'),
        node('MaxPool', ['a'], ['b'], { attributes: { kernel_shape: { ints: [2, 2] } } }),
        node('Reshape', ['b', 'flat'], ['c']),
        dequantize('c', 'y'),
      ],
    },
    {
      what: 'the largest of dequantized values',
      inputs: image,
      initializers: by,
      ops: 'fakeQuantize maxpool neg relu',
      nodes: [
        quantize('x', 'a'),
        dequantize('a', 'b'),
        node('Relu', ['b'], ['r']),
        node('MaxPool', ['r'], ['m'], { attributes: { kernel_shape: { ints: [2, 2] } } }),
        quantize('m', 'c'),
        dequantize('c', 'd'),
        node('Neg', ['d'], ['y']),
      ],
    },
  ]);
  keepAll([
    {
      what: 'another scale',
      inputs: image,
      initializers: by,
      ops: 'fakeQuantize fakeQuantize',
      nodes: [
        quantize('x', 'a'),
        dequantize('a', 'b'),
        quantize('b', 'c', 'other'),
        dequantize('c', 'y', 'other'),
      ],
    },
    {
      what: 'dequantizing by another scale',
      inputs: image,
      initializers: by,
      ops: 'cast cast clip div mul round sub sum',
      nodes: [quantize('x', 'a'), dequantize('a', 'y', 'other')],
    },
    {
      what: 'integers that are used elsewhere',
      inputs: image,
      initializers: by,
      ops: 'cast cast clip div mul round sub sum sum',
      nodes: [
        quantize('x', 'a'),
        dequantize('a', 'b'),
        node('Cast', ['a'], ['c'], { attributes: { to: { int: 1 } } }),
        node('Add', ['b', 'c'], ['y']),
      ],
    },
  ]);
});
