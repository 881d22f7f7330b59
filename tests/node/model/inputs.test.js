// SPDX-License-Identifier: Apache-2.0

/** Arguments: of other realms, that change while they are read, that lie, and misspelt options. */

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { createContext, runInContext } from 'node:vm';

import {
  Aggregator,
  Compressor,
  Dataset,
  FileError,
  Matrix,
  Model,
  ShapeError,
  Simulation,
  Trainer,
  ValueError,
  applyMessage,
  classify,
  decodeMessage,
  imageToTensor,
  importDeepCompression,
  init,
  initTraining,
  topClasses,
} from '../../../web/lib/index.js';
import { heapBytes } from '../../support/heap.js';

const realm = createContext({});

/**
 * @param {string} code
 * @returns {any} what it is in another realm
 */
const foreign = (code) => runInContext(`(${code})`, realm);

/** @param {any} value */
const any = (value) => value;

/**
 * @param {() => unknown} work
 * @param {typeof import('../../../web/lib/index.js').LowtropyError} Kind
 * @param {RegExp} message
 */
async function refuses(work, Kind, message) {
  await assert.rejects(
    async () => work(),
    (error) => {
      assert(error instanceof Kind, `${error}`);
      assert.match(error.message, message);
      assert.match(error.message, /^[^\n]+\.$/);
      return true;
    },
  );
}

/** A network whose output is its input. */
async function identity() {
  const graph = any({
    name: 'identity',
    input: { name: 'data', shape: [3, 1, 1] },
    outputs: ['fc'],
    nodes: [{ op: 'fc', name: 'fc', inputs: ['data'], output: 'fc', weight: 'w', outChannels: 3 }],
  });
  const data = Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);
  return { graph, tensors: new Map([['w', any({ kind: 'matrix', rows: 3, cols: 3, data })]]) };
}

before(async () => {
  await init();
  await initTraining();
});

describe('inputs: of another realm', () => {
  test('numbers', async () => {
    for (const code of [
      '[1, 2, 3, 4]',
      'Float32Array.of(1, 2, 3, 4)',
      'Float64Array.of(1,2,3,4)',
    ]) {
      const matrix = Matrix.fromDense(foreign(code), 2, 2);
      assert.deepEqual([...matrix.multiply(foreign('[1, 10]'))], [21, 43], code);
      matrix.dispose();
    }
    const { graph, tensors } = await identity();
    any(tensors.get('w')).data = foreign('Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1)');
    const others = foreign('(entries) => new Map(entries)')([...tensors]);
    const model = await Model.fromGraph(foreign('JSON.parse')(JSON.stringify(graph)), others);
    assert.deepEqual([...model.run(foreign('Float32Array.of(1, 2, 3)'))], [1, 2, 3]);
    model.dispose();
  });

  test('bytes', async () => {
    const { graph, tensors } = await identity();
    const model = await Model.fromGraph(graph, tensors);
    const file = model.save();
    const view = foreign('(length) => new Uint8Array(length)')(file.length);
    view.set(file);
    const shared = new Uint8Array(new SharedArrayBuffer(file.length));
    shared.set(file);
    const sources = [view, view.buffer, new DataView(view.buffer), shared, shared.buffer];
    for (const source of sources) {
      const loaded = await Model.load(source);
      assert.deepEqual(loaded.save(), file);
      loaded.dispose();
    }
    model.dispose();
  });

  test('pictures and updates', async () => {
    const picture = { data: foreign('Uint8ClampedArray.of(7, 8, 9, 255)'), width: 1, height: 1 };
    assert.deepEqual([...imageToTensor(picture, [3, 1, 1], { mean: foreign('[0]') })], [9, 8, 7]);
    const compressor = new Compressor('none', {}, { a: 4 });
    const a = foreign('Float32Array.of(1, 2, 3, 4)');
    const bytes = compressor.encode({ a });
    const message = foreign('(bytes) => Uint8Array.from(bytes)')(bytes);
    assert.deepEqual(any(decodeMessage(message)).tensors.a.values, Float32Array.of(1, 2, 3, 4));
    applyMessage(message, { a });
    assert.deepEqual([...a], [2, 4, 6, 8]);
    const state = foreign('(bytes) => Uint8Array.from(bytes)')(compressor.save());
    assert.equal(Compressor.restore(state).method, 'none');
    compressor.dispose();
  });
});

describe('inputs: arrays that are not what they say', () => {
  test('holes and other things are named with their place', async () => {
    const matrix = Matrix.fromDense([1, 2, 3, 4], 2, 2);
    const cases = [
      [new Array(2), /there is nothing at 0/],
      [Object.assign(new Array(2), [1]), /nothing at 1/],
    ];
    cases.push([[1, '2'], /a string at 1/], [[null, 1], /null at 0/], [[1, 2n], /a bigint at 1/]);
    for (const [x, message] of any(cases)) {
      x.length = 2;
      await refuses(() => matrix.multiply(x), ValueError, message);
    }
    await refuses(() => matrix.multiply(any('12')), ValueError, /not a string/);
    await refuses(() => matrix.multiply(any(Int16Array.of(1, 2))), ValueError, /not an Int16Array/);
    await refuses(() => matrix.multiply(any({ length: 2 })), ValueError, /not an object/);
    matrix.dispose();
  });

  test('a length that grows between reads opens no window into the heap', async () => {
    class Growing extends Float32Array {
      reads = 0;
      /** @override */
      get length() {
        return (this.reads += 1) > 1 ? 1_000_000 : 4;
      }
    }
    const values = new Growing(4);
    await refuses(() => Matrix.fromDense(values, 1000, 1000), ShapeError, /1000000 values, not 4/);
    const matrix = Matrix.fromDense(new Growing([1, 2, 3, 4]), 2, 2);
    assert.deepEqual([...matrix.toDense()], [1, 2, 3, 4]);
    let reads = 0;
    const proxy = new Proxy([1, 2], {
      get: (target, name) =>
        name === 'length' && (reads += 1) > 1 ? 1e6 : Reflect.get(target, name),
    });
    assert.deepEqual([...matrix.multiply(proxy)], [5, 11]);
    matrix.dispose();
    const compressor = new Compressor('none', {}, { a: 4 });
    const { a } = any(decodeMessage(compressor.encode({ a: new Growing([1, 2, 3, 4]) }))).tensors;
    assert.deepEqual([...a.values], [1, 2, 3, 4]);
    compressor.dispose();
  });

  test('elements that change are read once, and what was read is checked', async () => {
    let reads = 0;
    const shifty = Object.defineProperty([1, 2], 1, { get: () => ((reads += 1) > 1 ? 'x' : 2) });
    const matrix = Matrix.fromDense([1, 0, 0, 1], 2, 2);
    assert.deepEqual([...matrix.multiply(shifty)], [1, 2]);
    assert.equal(reads, 1);
    matrix.dispose();
    let asked = 0;
    const update = {
      get a() {
        return (asked += 1) > 1 ? new Float32Array(400) : new Float32Array(4);
      },
    };
    const compressor = new Compressor('none', {}, { a: 4 });
    decodeMessage(compressor.encode(update));
    assert.equal(asked, 1);
    compressor.dispose();
  });

  test('memory that was given away, or shrinks', async () => {
    const values = new Float32Array(4);
    const bytes = new Uint8Array(100);
    structuredClone(null, { transfer: [values.buffer, bytes.buffer] });
    await refuses(() => Matrix.fromDense(values, 2, 2), ValueError, /memory was given away/);
    await refuses(() => Model.load(bytes), ValueError, /memory was given away/);
    await refuses(() => decodeMessage(bytes), ValueError, /memory was given away/);
    const buffer = new (any(ArrayBuffer))(16, { maxByteLength: 64 });
    const view = new Float32Array(buffer);
    buffer.resize(8);
    await refuses(() => Matrix.fromDense(view, 2, 2), ShapeError, /4 values, not 2/);
  });

  test('what fails leaves nothing behind', async () => {
    const bad = any(new Array(250_000).fill(1));
    bad[249_999] = {
      valueOf() {
        throw new Error('no number');
      },
    };
    const matrix = Matrix.fromDense([1], 1, 1);
    const fail = () => {
      assert.throws(() => Matrix.fromDense(bad, 500, 500), ValueError);
      assert.throws(() => matrix.multiply(bad, 250_000), ValueError);
    };
    fail();
    const bytes = heapBytes();
    for (let i = 0; i < 100; ++i) fail();
    assert.equal(heapBytes(), bytes);
    matrix.dispose();
  });
});

describe('inputs: options that there are not', () => {
  /** @type {Array<[name: string, known: string, call: (options: any) => unknown]>} */
  const functions = [
    ['Matrix.fromDense', 'format', (options) => Matrix.fromDense([1], 1, 1, options)],
    ['Model.load', 'onProgress', (options) => Model.load(new Uint8Array(9), options)],
    [
      'Model.fromGraph',
      'format',
      async (options) => {
        const { graph, tensors } = await identity();
        return Model.fromGraph(graph, tensors, options);
      },
    ],
    [
      'importDeepCompression',
      'format',
      (options) => importDeepCompression(new Uint8Array(9), '', options),
    ],
    [
      'imageToTensor',
      'std',
      (options) => imageToTensor({ data: [0, 0, 0, 0], width: 1, height: 1 }, [3, 1, 1], options),
    ],
    [
      'classify',
      'top',
      async (options) => {
        const { graph, tensors } = await identity();
        const model = await Model.fromGraph(graph, tensors);
        return classify(model, { data: [0, 0, 0, 0], width: 1, height: 1 }, options);
      },
    ],
    ['Dataset.digits', 'count', (options) => Dataset.digits(options)],
    ['Dataset.text', 'steps', (options) => Dataset.text(new Uint8Array(99), options)],
    [
      'Compressor.encode',
      'round',
      (options) => new Compressor('none', {}, { a: 1 }).encode({ a: new Float32Array(1) }, options),
    ],
    [
      'Aggregator.add',
      'round',
      (options) => new Aggregator('none', {}, { a: 1 }).add(new Uint8Array(9), options),
    ],
    [
      'Aggregator.finish',
      'sender',
      (options) => new Aggregator('none', {}, { a: 1 }).finish(options),
    ],
    [
      'Trainer.evaluate',
      'limit',
      (options) => {
        const data = Dataset.digits({ count: 10 });
        return new Trainer({ model: 'mlp', data }).evaluate(options);
      },
    ],
    [
      'Reading a message',
      'round',
      (options) => decodeMessage(new Uint8Array(9), undefined, options),
    ],
    ['Simulation.run', 'iterations', (options) => new Simulation().run(options).next()],
    ['Simulation.model', 'prune', (options) => new Simulation().model(options)],
  ];
  for (const [name, known, call] of functions) {
    test(name, async () => {
      const pattern = new RegExp(
        `^${name} has no option "${known}s"; there (is|are) .*\\b${known}\\b`,
      );
      await refuses(() => call({ [`${known}s`]: 1 }), ValueError, pattern);
      for (const options of [null, 7, 'x', []]) {
        await refuses(() => call(options), ValueError, /must be an object, not/);
      }
    });
  }

  test('of the wrong type', async () => {
    const file = new Uint8Array(9);
    await refuses(
      () => Model.load(file, any({ onProgress: 7 })),
      ValueError,
      /"onProgress" must be/,
    );
    await refuses(
      () => Model.load(file, any({ signal: {} })),
      ValueError,
      /"signal" must be an Abort/,
    );
    await refuses(() => Model.fromGraph(any(null), new Map()), ValueError, /A graph must be/);
    await refuses(
      () => Model.fromGraph(any({ nodes: 3 }), new Map()),
      ValueError,
      /nodes of a graph/,
    );
    await refuses(() => Model.fromGraph(any({ nodes: [] }), any({})), ValueError, /must be a Map/);
    await refuses(
      () => importDeepCompression(any('x'), ''),
      ValueError,
      /\.net file must be a Uint8/,
    );
    await refuses(() => importDeepCompression(file, any(file)), ValueError, /must be its text/);
  });
});

describe('inputs: what becomes of a pixel', () => {
  const picture = { data: Uint8ClampedArray.of(10, 20, 30, 255), width: 1, height: 1 };
  /** @type {(options: any) => number[]} */
  const tensor = (options) => [...imageToTensor(picture, [3, 1, 1], options)];

  test('(pixel − mean) · scale / std, of all channels or of each', () => {
    const order = 'RGB';
    assert.deepEqual(tensor({ mean: 4, order }), [6, 16, 26]);
    assert.deepEqual(tensor({ mean: [4], std: [2], order }), [3, 8, 13]);
    assert.deepEqual(tensor({ mean: [1, 2, 3], std: [1, 2, 4.5], scale: 2, order }), [18, 18, 12]);
    assert.deepEqual(tensor({ mean: Float32Array.of(1, 2, 3), order }), [9, 18, 27]);
    assert.deepEqual(tensor({}), [30 - 104, 20 - 117, 10 - 123]);
    assert.deepEqual(tensor({ order }), [10 - 123, 20 - 117, 30 - 104]);
  });

  /** @type {Array<[options: any, message: RegExp]>} */
  const wrong = [
    [{ mean: NaN }, /The mean must be a number that is finite, not NaN/],
    [{ mean: [1, 2] }, /The mean must be one number or three, not 2/],
    [{ mean: Object.assign(new Array(3), [1]) }, /The mean must be a number .* not undefined/],
    [{ mean: { r: 1, g: 2, b: 3 } }, /The mean must be .* not an object/],
    [{ mean: '104' }, /The mean must be .* not "104"/],
    [{ std: 0 }, /The std must be a number above 0, not 0/],
    [{ std: [1, 1, -1] }, /The std .* not -1/],
    [{ scale: NaN }, /The scale .* not NaN/],
    [{ scale: Infinity }, /The scale .* not Infinity/],
    [{ scale: 1e38, std: 1e-9 }, /gives no finite numbers/],
    [{ order: 'rgb' }, /"rgb"; it must be "BGR" or "RGB"/],
  ];
  for (const [options, message] of wrong) {
    test(`${message}`, () => refuses(() => tensor(options), ValueError, message));
  }

  test('pictures and models that are none', async () => {
    for (const given of [null, 7, 'x.jpg']) {
      await refuses(() => imageToTensor(any(given), [3, 1, 1]), ValueError, /A picture must be/);
    }
    const data = any([0, 0, NaN, 255]);
    await refuses(
      () => imageToTensor({ data, width: 1, height: 1 }, [3, 1, 1]),
      ValueError,
      /A pixel must be a number from 0 to 255, not NaN/,
    );
    const floats = { data: new Float32Array(4), width: 1, height: 1 };
    await refuses(() => imageToTensor(floats, [3, 1, 1]), ValueError, /not a Float32Array/);
    await refuses(() => classify(any({}), picture), ValueError, /must be a Model, not an object/);
    const { graph, tensors } = await identity();
    const model = await Model.fromGraph(graph, tensors);
    for (const top of [0, -1, 1.5, NaN, '3']) {
      await refuses(() => classify(model, picture, any({ top })), ValueError, /"top" must be/);
    }
    model.dispose();
    await refuses(() => topClasses([0.5, NaN], 1), ValueError, /The output holds NaN at 1/);
    await refuses(() => topClasses([0.5], 0), ValueError, /number of classes must be/);
  });
});

test('inputs: a pointer of Git LFS is never taken for what it stands for', async () => {
  const pointer = Buffer.from(
    'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n',
  );
  const calls = [
    () => Model.load(pointer),
    () => Dataset.text(pointer, { steps: 2 }),
    () => Dataset.idx(pointer, pointer),
    () => Simulation.resume(pointer),
    () => new Simulation({ data: { text: pointer }, workers: 1 }).start(),
    () => importDeepCompression(pointer, 'name: "x"'),
    () => importDeepCompression(new Uint8Array(9), pointer.toString()),
  ];
  for (const call of calls) await refuses(call, FileError, /a pointer of Git LFS/);
});
