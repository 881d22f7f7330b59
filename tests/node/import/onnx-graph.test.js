// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { UnsupportedError } from '../../../web/lib/core/errors.js';
import { intOf } from '../../../web/lib/import/onnx/attributes.js';
import { readOnnx } from '../../../web/lib/import/onnx/read.js';
import { bytes, floats, integers } from '../../../web/lib/import/onnx/tensors.js';
import { func, graph, model, node, sparse, tensor, value } from '../../support/onnx-writer.js';
import { chooseSeed, makeRandom } from '../../support/random.js';

/**
 * @typedef {import('../../support/onnx-writer.js').AttributeValue} AttributeValue
 * @typedef {import('../../support/onnx-writer.js').GraphParts} GraphParts
 * @typedef {import('../../support/onnx-writer.js').Proto} Proto
 * @typedef {import('../../../web/lib/import/onnx/graph.js').ResolvedGraph} ResolvedGraph
 */

const seed = chooseSeed();
const random = makeRandom(seed);

const one = (/** @type {string} */ name) => tensor(name, 'float32', [1], Float32Array.of(1));

/**
 * @param {GraphParts} parts
 * @param {Proto[]} [functions]
 */
const resolve = (parts, functions) => readOnnx(model(parts, { functions })).graph;

/** @param {ResolvedGraph} resolved @returns {string[]} each node as "y = Op(a, b)" */
function shown({ nodes }) {
  return nodes.map(({ opType, inputs, outputs }) => `${outputs} = ${opType}(${inputs})`);
}

describe('ONNX graphs', () => {
  test('nodes in order stay as they are', () => {
    const nodes = [node('A', ['x'], ['a']), node('B', ['x'], ['b']), node('C', ['b', 'a'], ['c'])];
    const whole = resolve({ nodes, inputs: [value('x')], outputs: [value('c')] });
    assert.deepEqual(shown(whole), ['a = A(x)', 'b = B(x)', 'c = C(b,a)']);
  });

  test('nodes out of order come behind what they take', () => {
    const nodes = [node('C', ['b', 'a'], ['c']), node('B', ['a'], ['b']), node('A', ['x'], ['a'])];
    const whole = resolve({ nodes, inputs: [value('x')] });
    assert.deepEqual(shown(whole), ['a = A(x)', 'b = B(a)', 'c = C(b,a)']);
  });

  test(`any order of any graph is put right, LOWTROPY_SEED=${seed}`, () => {
    for (let round = 0; round < 50; ++round) {
      const nodes = Array.from({ length: 30 }, (_, i) => {
        const inputs = ['x', ...Array.from({ length: i }, (_, j) => `v${j}`)].filter(
          () => random() < 0.2,
        );
        return node('Op', inputs, [`v${i}`]);
      });
      nodes.sort(() => random() - 0.5);
      const given = new Set(['x']);
      for (const { inputs, outputs } of resolve({ nodes, inputs: [value('x')] }).nodes) {
        for (const name of inputs) assert(given.has(name));
        for (const name of outputs) given.add(name);
      }
      assert.equal(given.size, 31);
    }
  });

  test('a chain of 20000 nodes in the wrong order', () => {
    const nodes = Array.from({ length: 2e4 }, (_, i) => ({
      inputs: [`${i + 1}`],
      outputs: [`${i}`],
    }));
    const protos = nodes.map(({ inputs, outputs }) => node('A', inputs, outputs));
    assert.equal(resolve({ nodes: protos, inputs: [value('20000')] }).nodes[0].outputs[0], '19999');
  });

  test('inputs that have an initializer are constants, and reported', () => {
    const whole = resolve({ inputs: [value('x'), value('w')], initializers: [one('w')] });
    assert.deepEqual(
      whole.inputs.map(({ name }) => name),
      ['x'],
    );
    assert.deepEqual(
      whole.defaults.map(({ name }) => name),
      ['w'],
    );
    assert.deepEqual([...whole.constants.keys()], ['w']);
  });

  test('what is left out between others stays, and at the end does not', () => {
    const [read] = resolve({
      nodes: [node('Op', ['x', '', 'x', '', ''], ['', 'y', ''])],
      inputs: [value('x')],
    }).nodes;
    assert.deepEqual(read.inputs, ['x', '', 'x']);
    assert.deepEqual(read.outputs, ['', 'y']);
  });

  /** @type {Array<[what: string, parts: GraphParts, message: RegExp]>} */
  const refused = [
    [
      'a value that two nodes give',
      { nodes: [node('A', [], ['a']), node('B', [], ['a'])] },
      /^In the ONNX model the value "a" is defined twice\.$/,
    ],
    [
      'a value that one node gives twice',
      { nodes: [node('A', [], ['a', 'a'])] },
      /the value "a" is defined twice/,
    ],
    [
      'an input that a node gives',
      { nodes: [node('A', [], ['x'])], inputs: [value('x')] },
      /the value "x" is defined twice/,
    ],
    ['an input twice', { inputs: [value('x'), value('x')] }, /the value "x" is defined twice/],
    [
      'an initializer twice',
      { initializers: [one('w'), one('w')] },
      /the value "w" is defined twice/,
    ],
    [
      'an initializer that a node gives',
      { initializers: [one('w')], nodes: [node('A', [], ['w'])] },
      /"w" is defined twice/,
    ],
    [
      'an initializer without a name',
      { initializers: [one('')] },
      /has an initializer without a name\.$/,
    ],
    ['an input without a name', { inputs: [value('')] }, /has an input without a name\.$/],
    [
      'a value that nothing gives',
      { nodes: [node('A', ['b'], ['a'], { name: 'n' })] },
      /^In the ONNX model the node "n" \(A\) takes "b", which nothing gives\.$/,
    ],
    [
      'an output that nothing gives',
      { outputs: [value('y')] },
      /the graph "g" has the output "y", which nothing gives\.$/,
    ],
    [
      'a node that takes what it gives',
      { nodes: [node('A', ['a'], ['a'])] },
      /in a circle: the node \(A\) that gives "a"\.$/,
    ],
    [
      'a circle',
      {
        nodes: [
          node('X', ['c'], ['x']),
          node('A', ['c'], ['a']),
          node('B', ['a'], ['b']),
          node('C', ['b'], ['c']),
        ],
      },
      /in a circle: the node \(C\) that gives "c", the node \(B\) that gives "b", the node \(A\) that gives "a"\.$/,
    ],
    [
      'a long circle',
      { nodes: Array.from({ length: 9 }, (_, i) => node('A', [`${(i + 1) % 9}`], [`${i}`])) },
      /gives "4", and 4 more\.$/,
    ],
    [
      'a reference outside of functions',
      { nodes: [node('A', [], ['a'], { attributes: { k: { reference: 'k' } } })] },
      /has an attribute "k" that refers to one of a function, and is in none\.$/,
    ],
  ];
  for (const [what, parts, message] of refused) {
    test(`refused: ${what}`, () =>
      assert.throws(() => resolve(parts), { name: 'FileError', message }));
  }

  test('refused: a list of graphs', () => {
    const nodes = [node('A', [], ['a'], { attributes: { k: { graphs: [graph({})] } } })];
    assert.throws(() => resolve({ nodes }), UnsupportedError);
  });
});

describe('Constant nodes', () => {
  /** @param {Record<string, AttributeValue>} attributes */
  const constant = (attributes) => {
    const whole = resolve({ nodes: [node('Constant', [], ['c'], { attributes })] });
    assert.equal(whole.nodes.length, 0);
    return /** @type {import('../../../web/lib/import/onnx/tensor-proto.js').OnnxTensor} */ (
      whole.constants.get('c')
    );
  };

  test('of each kind', () => {
    assert.deepEqual([...floats(constant({ value: { tensor: one('other') } }))], [1]);
    const indices = tensor('', 'int64', [1], BigInt64Array.of(1n));
    const few = constant({ sparse_value: { sparse_tensor: sparse(one('v'), indices, [3]) } });
    assert.deepEqual([few.name, ...floats(few)], ['c', 0, 1, 0]);
    const float = constant({ value_float: { float: 0.5 } });
    assert.deepEqual([float.type, float.dims, ...floats(float)], ['float32', [], 0.5]);
    const list = constant({ value_floats: { floats: [1, 2] } });
    assert.deepEqual([list.dims, ...floats(list)], [[2], 1, 2]);
    const int = constant({ value_int: { int: 2n ** 63n - 1n } });
    assert.deepEqual([int.type, int.dims], ['int64', []]);
    assert.deepEqual(bytes(int), Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 127));
    const ints = constant({ value_ints: { ints: [3, -4] } });
    assert.deepEqual([ints.dims, ...integers(ints)], [[2], 3, -4]);
    assert.deepEqual(integers(constant({ value_ints: { ints: [] } })), []);
  });

  test('strings are refused when they are asked for', () => {
    const texts = [
      constant({ value_string: { string: 'a' } }),
      constant({ value_strings: { strings: ['a', 'b'] } }),
    ];
    assert.deepEqual(
      texts.map(({ type, dims }) => [type, dims]),
      [
        ['string', []],
        ['string', [2]],
      ],
    );
    for (const each of texts)
      assert.throws(() => bytes(each), /is of string, which is not supported\.$/);
  });

  test('refused: none, two, of another kind, without an output, and an input', () => {
    assert.throws(() => constant({}), /has 0 values, and must have one\.$/);
    assert.throws(
      () => constant({ value_int: { int: 1 }, value_float: { float: 1 } }),
      /has 2 values/,
    );
    assert.throws(
      () => constant({ value_int: { float: 1 } }),
      /has a value_int of the kind float\.$/,
    );
    const attributes = { value_int: { int: 1 } };
    assert.throws(
      () => resolve({ nodes: [node('Constant', [], [], { attributes })] }),
      /has no output\.$/,
    );
    const nodes = [node('Constant', [], ['x'], { attributes })];
    assert.throws(
      () => resolve({ nodes, inputs: [value('x')] }),
      /gives "x", which is an input\.$/,
    );
  });

  test('of another domain is an operator like others', () => {
    assert.equal(
      resolve({ nodes: [node('Constant', [], ['c'], { domain: 'own' })] }).nodes.length,
      1,
    );
  });
});

describe('subgraphs', () => {
  /**
   * @param {GraphParts} body
   * @param {GraphParts} parts
   */
  const within = (body, parts) =>
    resolve({
      ...parts,
      nodes: [
        ...(parts.nodes ?? []),
        node('If', [], ['z'], { name: 'if', attributes: { then_branch: { graph: graph(body) } } }),
      ],
    });

  test('take values of the graphs around them, which come before', () => {
    const innermost = graph({ nodes: [node('C', ['a', 'b', 'x'], ['c'])], outputs: [value('c')] });
    const body = {
      nodes: [node('If', ['b'], ['d'], { attributes: { then_branch: { graph: innermost } } })],
      initializers: [one('b')],
      outputs: [value('d')],
    };
    const whole = resolve({
      nodes: [
        node('If', [], ['z'], { attributes: { then_branch: { graph: graph(body) } } }),
        node('A', ['x'], ['a']),
      ],
      inputs: [value('x')],
    });
    assert.deepEqual(shown(whole), ['a = A(x)', 'z = If()']);
    const then = whole.nodes[1].graphs.get('then_branch');
    assert.deepEqual(then?.captured, ['a', 'x']);
    assert.deepEqual(then?.nodes[0].graphs.get('then_branch')?.captured, ['a', 'b', 'x']);
  });

  test('give what is from outside', () => {
    const whole = within({ outputs: [value('x')] }, { inputs: [value('x')] });
    assert.deepEqual(whole.nodes[0].graphs.get('then_branch')?.captured, ['x']);
  });

  test('have Constant nodes of their own, and names that hide those outside', () => {
    const nodes = [
      node('Constant', [], ['x'], { attributes: { value_int: { int: 1 } } }),
      node('A', ['x'], ['y']),
    ];
    const whole = within({ nodes, outputs: [value('y')] }, { inputs: [value('x')] });
    const then = whole.nodes[0].graphs.get('then_branch');
    assert.deepEqual(then?.captured, []);
    assert.deepEqual([...(then?.constants.keys() ?? [])], ['x']);
  });

  test('refused: values that nothing gives, and what the node itself gives', () => {
    assert.throws(
      () => within({ nodes: [node('A', ['q'], ['a'])] }, {}),
      /the node \(A\) that gives "a" takes "q", which nothing gives\.$/,
    );
    assert.throws(
      () => within({ nodes: [node('A', ['z'], ['a'])] }, {}),
      /in a circle: the node "if" \(If\)\.$/,
    );
    // What a subgraph defines cannot be seen from outside.
    const nodes = [node('B', ['a'], ['b'])];
    assert.throws(
      () => within({ nodes: [node('A', [], ['a'])] }, { nodes }),
      /takes "a", which nothing gives/,
    );
  });
});

describe('functions', () => {
  const call = (/** @type {string[]} */ inputs, /** @type {string[]} */ outputs, name = 'f') =>
    node('F', inputs, outputs, { name, domain: 'own' });
  const x = [value('x')];

  test('stand where they are called, with names of their own', () => {
    const body = func('F', ['a'], ['c'], [node('A', ['a'], ['b']), node('B', ['b', 'a'], ['c'])]);
    const whole = resolve(
      {
        nodes: [call(['x'], ['y']), call(['y'], ['z'], 'g'), call(['z'], ['f/b_2'], 'f')],
        inputs: x,
      },
      [body],
    );
    assert.deepEqual(shown(whole), [
      'f/b = A(x)',
      'y = B(f/b,x)',
      'g/b = A(y)',
      'z = B(g/b,y)',
      'f/b_3 = A(z)',
      'f/b_2 = B(f/b_3,z)',
    ]);
    assert.deepEqual(
      whole.nodes.map(({ name }) => name),
      ['f/A', 'f/B', 'g/A', 'g/B', 'f/A', 'f/B'],
    );
  });

  test('attributes come from the call, or their defaults, or are left out', () => {
    const body = func(
      'F',
      [],
      ['a'],
      [
        node('A', [], ['a'], {
          attributes: {
            own: { reference: 'p', type: 2 },
            other: { reference: 'q' },
            none: { reference: 'r' },
            fixed: { int: 4 },
          },
        }),
      ],
      { attributes: ['p', 'r'], defaults: { q: { int: 7 }, p: { int: 8 } } },
    );
    const nodes = [node('F', [], ['y'], { domain: 'own', attributes: { p: { int: 5 } } })];
    const [read] = resolve({ nodes }, [body]).nodes;
    assert.deepEqual(
      ['own', 'other', 'none', 'fixed'].map((name) => intOf(read, name, -1)),
      [5, 7, -1, 4],
    );
    const wrong = [node('F', [], ['y'], { domain: 'own', attributes: { p: { float: 5 } } })];
    assert.throws(
      () => resolve({ nodes: wrong }, [body]),
      /has an attribute "p" of the kind float, and the node \(A\) that gives "a" of its function takes int\.$/,
    );
  });

  test('functions within functions, and their attributes', () => {
    const inner = func(
      'G',
      ['a'],
      ['b'],
      [node('A', ['a'], ['b'], { attributes: { k: { reference: 'k' } } })],
    );
    const outer = func(
      'F',
      ['a'],
      ['c'],
      [
        node('G', ['a'], ['b'], { domain: 'own', attributes: { k: { reference: 'n' } } }),
        node('G', ['b'], ['c'], { domain: 'own', attributes: { k: { int: 2 } } }),
      ],
    );
    const nodes = [node('F', ['x'], ['y'], { domain: 'own', attributes: { n: { int: 1 } } })];
    const whole = resolve({ nodes, inputs: x }, [outer, inner]);
    assert.deepEqual(shown(whole), ['F/b = A(x)', 'y = A(F/b)']);
    assert.deepEqual(
      whole.nodes.map((each) => intOf(each, 'k', 0)),
      [1, 2],
    );
  });

  test('inputs and outputs that are left out', () => {
    const body = func('F', ['a', 'b'], ['c', 'd'], [node('A', ['a', 'b', 'a'], ['c', 'd'])]);
    const whole = resolve(
      { nodes: [call(['', 'x'], ['', 'y']), call(['x'], ['z'], 'g')], inputs: x },
      [body],
    );
    assert.deepEqual(shown(whole), ['f/c,y = A(,x)', 'z,g/d = A(x,,x)']);
  });

  test('an output that is an input, or another output', () => {
    const body = func('F', ['a'], ['a', 'b', 'b'], [node('A', ['a'], ['b'])]);
    const whole = resolve({ nodes: [call(['x'], ['p', 'q', 'r'])], inputs: x }, [body]);
    assert.deepEqual(shown(whole), ['q = A(x)', 'p = Identity(x)', 'r = Identity(q)']);
  });

  test('Constant nodes within become constants', () => {
    const body = func(
      'F',
      [],
      ['c'],
      [
        node('Constant', [], ['k'], { attributes: { value_float: { reference: 'v', type: 1 } } }),
        node('A', ['k'], ['c']),
      ],
      { attributes: ['v'] },
    );
    const nodes = [1, 2].map((v) =>
      node('F', [], [`y${v}`], { name: `f${v}`, domain: 'own', attributes: { v: { float: v } } }),
    );
    const { constants } = resolve({ nodes }, [body]);
    assert.deepEqual(
      [...constants].map(([name, c]) => [name, ...floats(c)]),
      [
        ['f1/k', 1],
        ['f2/k', 2],
      ],
    );
  });

  test('subgraphs within, whose names change as well', () => {
    const then = graph({
      nodes: [node('A', ['a', 'w', 'b'], ['t'])],
      initializers: [one('w')],
      outputs: [value('t')],
    });
    const body = func(
      'F',
      ['a'],
      ['c'],
      [
        node('B', ['a'], ['b']),
        node('If', ['a'], ['c'], { attributes: { then_branch: { graph: then } } }),
      ],
    );
    const whole = resolve({ nodes: [call(['x'], ['y'])], inputs: x }, [body]);
    const inner = whole.nodes[1].graphs.get('then_branch');
    assert.deepEqual(inner && shown(inner), ['f/t = A(x,f/w,f/b)']);
    assert.deepEqual(inner?.captured, ['x', 'f/b']);
    assert.deepEqual(
      inner?.outputs.map(({ name }) => name),
      ['f/t'],
    );
  });

  test('called from subgraphs, and with subgraphs', () => {
    const body = func(
      'F',
      ['a'],
      ['b'],
      [node('If', ['a'], ['b'], { attributes: { then_branch: { reference: 'g', type: 5 } } })],
      { attributes: ['g'] },
    );
    const given = graph({ nodes: [node('A', ['b'], ['t'])], outputs: [value('t')] });
    const nodes = [
      node('B', ['x'], ['b']),
      node('F', ['x'], ['y'], { domain: 'own', attributes: { g: { graph: given } } }),
    ];
    const whole = resolve({ nodes, inputs: x }, [body]);
    // The graph that is given sees the values where it stands, not those of the function.
    assert.deepEqual(whole.nodes[1].graphs.get('then_branch')?.captured, ['b']);

    const plain = func('F', ['a'], ['b'], [node('A', ['a'], ['b'])]);
    const around = graph({ nodes: [call(['x'], ['t'])], outputs: [value('t')] });
    const outer = resolve(
      {
        nodes: [node('If', ['x'], ['y'], { attributes: { then_branch: { graph: around } } })],
        inputs: x,
      },
      [plain],
    );
    const then = outer.nodes[0].graphs.get('then_branch');
    assert.deepEqual(then && shown(then), ['t = A(x)']);
  });

  test('overloads and domains tell functions of one name apart', () => {
    const bodies = [
      func('F', [], ['a'], [node('A', [], ['a'])], { overload: 'one' }),
      func('F', [], ['a'], [node('B', [], ['a'])], { overload: 'two' }),
      func('F', [], ['a'], [node('C', [], ['a'])], { domain: 'else' }),
    ];
    const nodes = [
      node('F', [], ['p'], { domain: 'own', overload: 'two' }),
      node('F', [], ['q'], { domain: 'else' }),
      node('F', [], ['r'], { domain: 'own', overload: 'one' }),
      node('F', [], ['s'], { domain: 'own' }),
    ];
    assert.deepEqual(shown(resolve({ nodes }, bodies)), [
      'p = B()',
      'q = C()',
      'r = A()',
      's = F()',
    ]);
  });

  test('operators are of the version that the function says', () => {
    const body = func(
      'F',
      [],
      ['a'],
      [node('A', [], ['a']), node('B', [], ['b'], { domain: 'com.example' })],
      { opsets: { '': 12 } },
    );
    const file = model(
      { nodes: [call([], ['y']), node('A', [], ['z'])] },
      { functions: [body], opsets: { '': 17, 'com.example': 5 } },
    );
    assert.deepEqual(
      readOnnx(file).graph.nodes.map(({ version }) => version),
      [12, 5, 17],
    );
  });

  test('names that grow are cut, and stay apart', () => {
    const long = 'n'.repeat(300);
    const body = func(
      'F',
      [],
      ['a'],
      [
        node('A', [], [`${long}1`]),
        node('B', [`${long}1`], [`${long}2`]),
        node('C', [`${long}2`], ['a']),
      ],
    );
    const { nodes } = resolve({ nodes: [call([], ['y'])] }, [body]);
    assert.equal(nodes[2].inputs[0], nodes[1].outputs[0]);
    assert.notEqual(nodes[0].outputs[0], nodes[1].outputs[0]);
    assert(nodes.every(({ outputs }) => outputs[0].length < 210));
  });

  /** @type {Array<[what: string, nodes: Proto[], functions: Proto[], name: string, message: RegExp]>} */
  const refused = [
    [
      'one that calls itself',
      [call([], ['y'])],
      [func('F', [], ['a'], [call([], ['a'])])],
      'FileError',
      /calls the function "F", of which it is a part\.$/,
    ],
    [
      'two that call each other, one within a subgraph',
      [call([], ['y'])],
      [
        func('F', [], ['a'], [node('G', [], ['a'], { domain: 'own' })]),
        func(
          'G',
          [],
          ['a'],
          [
            node('If', [], ['a'], {
              attributes: { then_branch: { graph: graph({ nodes: [call([], ['t'])] }) } },
            }),
          ],
        ),
      ],
      'FileError',
      /calls the function "F", of which it is a part\.$/,
    ],
    [
      'two of one name',
      [],
      [func('F', [], [], []), func('F', [], [], [])],
      'FileError',
      /two functions called "F"\.$/,
    ],
    [
      'too many inputs',
      [call(['x', 'x'], ['y'])],
      [func('F', ['a'], ['b'], [node('A', ['a'], ['b'])])],
      'FileError',
      /has 2 inputs, and its function has 1\.$/,
    ],
    [
      'too many outputs',
      [call(['x'], ['y', 'z'])],
      [func('F', ['a'], ['b'], [node('A', ['a'], ['b'])])],
      'FileError',
      /has 2 outputs, and its function has 1\.$/,
    ],
    [
      'a value from outside',
      [call([], ['y'])],
      [func('F', [], ['b'], [node('A', ['x'], ['b'])])],
      'FileError',
      /of a function takes "x", which nothing there gives\.$/,
    ],
    [
      'an output that it does not give',
      [call([], ['y']), node('A', ['y'], ['z'])],
      [func('F', [], ['b'], [])],
      'FileError',
      /takes "y", which nothing gives\.$/,
    ],
    [
      'growth without end',
      [node('F0', [], [], { domain: 'own' })],
      Array.from({ length: 40 }, (_, i) =>
        func(
          `F${i}`,
          [],
          [],
          [1, 2].map(() => node(`F${i + 1}`, [], [], { domain: 'own' })),
        ),
      ),
      'LimitError',
      /become too large where they are called: of nodes, values and attributes there may be 1048576 in all\.$/,
    ],
    [
      'too many within each other',
      [node('F0', [], [], { domain: 'own' })],
      Array.from({ length: 100 }, (_, i) =>
        func(`F${i}`, [], [], [node(`F${i + 1}`, [], [], { domain: 'own' })]),
      ),
      'LimitError',
      /^More than 64 functions and graphs of the ONNX model are within each other/,
    ],
    [
      'a graph that is given to thousands',
      [
        node('F', [], [], {
          domain: 'own',
          attributes: {
            g: {
              graph: graph({
                nodes: Array.from({ length: 2000 }, (_, i) => node('A', [], [`${i}`])),
              }),
            },
          },
        }),
      ],
      [
        func(
          'F',
          [],
          [],
          Array.from({ length: 2000 }, () =>
            node('If', [], [], { attributes: { then_branch: { reference: 'g' } } }),
          ),
        ),
      ],
      'LimitError',
      /become too large/,
    ],
  ];
  for (const [what, nodes, functions, name, message] of refused) {
    test(`refused: ${what}`, () => {
      assert.throws(() => resolve({ nodes, inputs: x }, functions), { name, message });
    });
  }
});
