// SPDX-License-Identifier: Apache-2.0

/** Loading the module, and `Model`, as a user of the package has them. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';

import {
  DisposedError,
  EngineError,
  FORMATS,
  FileError,
  LowtropyError,
  MemoryError,
  Model,
  ShapeError,
  UnsupportedError,
  ValueError,
  importDeepCompression,
  init,
  probabilities,
  topClasses,
  wasmModule,
} from '../../../web/lib/index.js';
import { readCaffe } from '../../../web/lib/import/caffe.js';
import { tensorShapes } from '../../../web/lib/graph/graph.js';
import { heapBytes } from '../../support/heap.js';
import { makeRandom } from '../../support/random.js';
import { runReference, softmax } from '../../support/reference.js';

/** @typedef {import('../../../web/lib/index.js').Tensor} Tensor */

const LIBRARY = new URL('../../../web/lib/index.js', import.meta.url);
const WASM = new URL('../../../dist/lowtropy.wasm', import.meta.url);

const PROTOTXT = `name: "small" input: "data" input_dim: 1 input_dim: 3 input_dim: 9 input_dim: 9
  layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
    convolution_param { num_output: 8 kernel_size: 3 pad: 1 } }
  layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
  layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool"
    pooling_param { kernel_size: 3 stride: 2 } }
  layer { name: "fc" type: "InnerProduct" bottom: "pool" top: "fc"
    inner_product_param { num_output: 5 } }`;
const graph = readCaffe(PROTOTXT);

/** @returns {Map<string, Tensor>} of few values, half of them 0 */
function smallTensors() {
  const next = makeRandom(1);
  return new Map(
    [...tensorShapes(graph)].map(([name, shape]) => [
      name,
      {
        ...shape,
        data: Float32Array.from({ length: shape.rows * shape.cols }, () =>
          Math.max(Math.floor(8 * next()) - 4, -1),
        ),
      },
    ]),
  );
}

const tensors = smallTensors();
const input = Float32Array.from({ length: 3 * 9 * 9 }, makeRandom(2));

/** @type {Uint8Array<ArrayBuffer>} */
let file;

before(async () => {
  const model = await Model.fromGraph(graph, tensors);
  file = model.save();
  model.dispose();
});

/**
 * @param {new (...args: any[]) => Error} type
 * @param {RegExp} message
 */
function like(type, message) {
  return (/** @type {unknown} */ error) => {
    assert(error instanceof type && error instanceof LowtropyError, `${error}`);
    assert.equal(error.name, type.name);
    assert.match(error.message, message);
    assert.match(error.message, /^[\S].*\.$/, 'one sentence');
    return true;
  };
}

/**
 * @param {import('node:http').RequestListener} answer
 * @param {(url: string) => Promise<void>} work
 */
async function withServer(answer, work) {
  const server = createServer(answer);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  try {
    await work(`http://127.0.0.1:${port}/`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/**
 * Runs a module in a process of its own, where nothing is loaded yet.
 *
 * @param {string} code with `lib`, the library
 * @returns {Promise<string>} what it prints
 */
async function runFresh(code) {
  const source = `const lib = await import(${JSON.stringify(LIBRARY.href)});
    const { init } = lib;
    const refusal = (promise) => promise.then(() => 'none', (e) => e.name + ': ' + e.message +
      (e instanceof Error && e instanceof lib.LowtropyError ? '' : ' (of another class)'));
    ${code}`;
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--input-type=module',
    '--eval',
    source,
  ]);
  return stdout.trim();
}

describe('init', () => {
  test('is idempotent, at once and later', async () => {
    assert.equal(init(), init());
    await init();
    await init({ wasmUrl: 'http://127.0.0.1:1/what-is-loaded-is-loaded' });
    assert(wasmModule() instanceof WebAssembly.Module);
  });

  test('is needed first', async () => {
    assert.equal(
      await runFresh(`const error = (work) => { try { work(); } catch (e) { return e.message; } };
        console.log(error(() => lib.Matrix.fromDense([1], 1, 1)));
        console.log(error(() => lib.wasmModule()));`),
      Array(2).fill('The WebAssembly module is not loaded yet: await init() first.').join('\n'),
    );
  });

  test('takes bytes and addresses, and happens by itself', async () => {
    const url = JSON.stringify(WASM.href);
    const multiply = `console.log(lib.Matrix.fromDense([2, 3], 1, 2).multiply([1, 10])[0]);`;
    const read = `(await import('node:fs')).readFileSync(new URL(${url}))`;
    const results = await Promise.all([
      runFresh(`await init({ wasmBinary: ${read} }); ${multiply}`),
      runFresh(`await init({ wasmBinary: new Uint8Array(${read}).buffer }); ${multiply}`),
      runFresh(`await init({ wasmUrl: ${url} }); ${multiply}`),
      runFresh(`await init({ wasmUrl: new URL(${url}) }); ${multiply}`),
      runFresh(`await lib.Model.load(new Uint8Array(9)).catch(() => {}); ${multiply}`),
    ]);
    assert.deepEqual(results, Array(5).fill('32'));
  });

  test('over HTTP; HTML where WebAssembly was expected; and again after a failure', async () => {
    const wasm = readFileSync(WASM);
    await withServer(
      ({ url }, response) => {
        if (url === '/missing') response.writeHead(404).end();
        else if (url === '/html') response.end('\n<!doctype html><title>Not found</title>');
        else if (url === '/text') response.end('wasm');
        else if (url === '/half') response.end(wasm.subarray(0, wasm.length / 2));
        else response.end(wasm);
      },
      async (url) => {
        const output = await runFresh(`
          for (const path of ['missing', 'html', 'text', 'half']) {
            console.log(await refusal(init({ wasmUrl: ${JSON.stringify(url)} + path })));
          }
          console.log(await refusal(init({ wasmUrl: 'http://127.0.0.1:1/' })));
          console.log(await refusal(init({ wasmUrl: 'http://' })));
          console.log(await refusal(init({ wasmUrl: ${JSON.stringify(url)} + 'wasm' })));
          console.log(lib.Matrix.fromDense([2], 1, 1).multiply([4])[0]);`);
        const lines = output.split('\n');
        assert.equal(
          lines[0],
          `EngineError: The WebAssembly module cannot be fetched from ${url}missing: the server answers 404.`,
        );
        assert.equal(
          lines[1],
          `EngineError: ${url}html holds HTML where WebAssembly was expected; is the address right?`,
        );
        assert.equal(lines[2], `EngineError: ${url}text does not hold WebAssembly.`);
        assert.match(lines[3], /^EngineError: .*half holds WebAssembly that cannot be compiled: /);
        assert.match(lines[4], /^EngineError: .* cannot be fetched from http:\/\/127.0.0.1:1\//);
        assert.match(lines[5], /^EngineError: The option "wasmUrl" is no address: http:\/\/\.$/);
        assert.deepEqual(lines.slice(6), ['none', '8']);
      },
    );
  });

  test('refuses what is not its module', async () => {
    const output = await runFresh(`
      const empty = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);
      console.log(await refusal(init({ wasmBinary: empty })));
      console.log(await refusal(init({ module: new WebAssembly.Module(empty) })));
      const other = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 2, 7, 1, 1, 120, 1, 121, 0, 0);
      console.log(await refusal(init({ wasmBinary: other })));
      console.log(await refusal(init({ module: empty })));
      console.log(await refusal(init({ wasmBinary: 'bytes' })));
      console.log(await refusal(init()));`);
    const lines = output.split('\n');
    for (const line of lines.slice(0, 3)) {
      assert.match(
        line,
        /^EngineError: What was loaded .* cannot be started; is it this version's\?/,
      );
    }
    assert.equal(lines[3], 'EngineError: The option "module" is not a WebAssembly.Module.');
    assert.equal(lines[4], 'EngineError: The option "wasmBinary" does not hold WebAssembly.');
    assert.equal(lines[5], 'none');
  });

  test('an engine without SIMD, without exceptions, without WebAssembly', async () => {
    const results = await Promise.all([
      // Of the instructions only those of SIMD have the prefix 0xfd.
      runFresh(`WebAssembly.validate = (bytes) => !bytes.includes(0xfd);
        console.log(await refusal(init()));`),
      runFresh(`WebAssembly.validate = (bytes) => bytes.includes(0xfd);
        console.log(await refusal(init()));`),
      runFresh(`delete globalThis.WebAssembly; console.log(await refusal(init()));`),
    ]);
    assert.deepEqual(results, [
      'EngineError: This engine has no WebAssembly SIMD, which this library needs.',
      'EngineError: This engine has no WebAssembly exceptions, which this library needs.',
      'EngineError: This engine has no WebAssembly.',
    ]);
  });

  test('takes a module that another thread compiled', async () => {
    const worker = new Worker(
      `const { parentPort, workerData } = require('node:worker_threads');
       import(workerData.library).then(async ({ init, Matrix }) => {
         await init({ module: workerData.module });
         parentPort.postMessage(Matrix.fromDense([1, 2], 1, 2).multiply([3, 4])[0]);
       });`,
      { eval: true, workerData: { library: LIBRARY.href, module: wasmModule() } },
    );
    const result = await new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    await worker.terminate();
    assert.equal(result, 11);
  });
});

describe('model: running', () => {
  /** @param {Float32Array} values */
  const expected = (values) => runReference(graph, tensors, values).get('fc') ?? [];

  for (const format of /** @type {const} */ ([...FORMATS, 'auto'])) {
    test(`${format} agrees with the reference`, async () => {
      const model = await Model.fromGraph(graph, tensors, { format });
      if (format !== 'auto') assert(model.layers.every((layer) => layer.format === format));
      model.run(input).forEach((value, i) => {
        assert(Math.abs(value - expected(input)[i]) < 1e-4, `${value}, not ${expected(input)[i]}`);
      });
      model.dispose();
    });
  }

  test('several samples one after the other, and plain numbers', async () => {
    const model = await Model.load(file);
    const second = input.map((value) => 1 - value);
    const [one, two] = [model.run(input), model.run(second)];
    assert.deepEqual(
      model.run(Float32Array.of(...input, ...second)),
      Float32Array.of(...one, ...two),
    );
    assert.deepEqual(model.run([...input]), one);
    assert.deepEqual(model.runAll(input), new Map([['fc', one]]));
    model.dispose();
  });

  test('profile names the steps', async () => {
    const model = await Model.load(file);
    const steps = model.profile(input);
    assert.deepEqual(
      steps.map(({ name }) => name),
      ['conv', 'pool', 'fc'],
    );
    assert(steps.every(({ milliseconds }) => milliseconds >= 0));
    model.dispose();
  });

  test('a result is a copy', async () => {
    const model = await Model.load(file);
    const result = model.run(input);
    const copy = result.slice();
    model.run(new Float32Array(input.length));
    assert.deepEqual(result, copy);
    model.dispose();
  });

  test('probabilities and classes', async () => {
    const model = await Model.load(file);
    const output = model.run(input);
    const wanted = softmax(expected(input));
    const classes = topClasses(probabilities(model, output), 9);
    assert.equal(classes.length, 5);
    classes.forEach(({ index, probability }, place) => {
      assert(Math.abs(probability - wanted[index]) < 1e-4);
      assert(place === 0 || probability <= classes[place - 1].probability);
    });
    model.dispose();
  });
});

describe('model: what it tells', () => {
  test('shape, layers and bytes', async () => {
    const model = await Model.fromGraph(graph, tensors, { format: 'cser' });
    assert.deepEqual(model.inputShape, [1, 3, 9, 9]);
    assert.deepEqual(model.outputs, [{ name: 'fc', type: 'float32', shape: [5, 1, 1] }]);
    const [conv, fc] = model.layers;
    assert.deepEqual(
      [conv, fc].map(({ name, op, weight, rows, cols, columns, macs, format }) => [
        ...[name, op, weight, rows, cols, columns, macs, format],
      ]),
      [
        ['conv', 'conv', 'conv.weight', 8, 27, 81, 8 * 27 * 81, 'cser'],
        ['fc', 'fc', 'fc.weight', 5, 128, 1, 640, 'cser'],
      ],
    );
    const data = tensors.get('conv.weight')?.data ?? [];
    assert.equal(conv.nnz, [...data].filter((value) => value !== 0).length);
    assert.equal(conv.distinct, new Set(data).size);
    assert.equal(conv.bytes, conv.bytesIn.cser);
    assert.equal(conv.bytesIn.dense, 4 * 8 * 27);
    assert.match(conv.why, /^asked for; auto picks \w+: /);
    assert.equal(model.denseByteLength, 4 * (8 * 27 + 8 + 5 * 128 + 5));
    assert.equal(model.byteLength, conv.bytes + fc.bytes + 4 * 13);
    assert(model.arenaByteLength > 0);
    // Nothing is copied, and nothing can be changed.
    assert.equal(model.layers, model.layers);
    assert.throws(() => (model.layers[0].bytesIn.dense = 0), TypeError);
    assert.throws(() => (model.graph.input.shape[0] = 7), TypeError);
    model.dispose();
  });

  test('no time of formats that are not meant for a layer', async () => {
    const fcWeight = /** @type {Tensor} */ (tensors.get('fc.weight'));
    const zeros = { ...fcWeight, data: fcWeight.data.map((value, i) => (i % 4 ? 0 : value)) };
    const sparse = new Map([...tensors, ['fc.weight', zeros]]);
    const model = await Model.fromGraph(graph, sparse, { format: 'blocks' });
    const [conv, fc] = model.layers;
    // A convolution has many columns.
    assert.deepEqual([conv.nanoseconds, conv.nanosecondsIn.blocks], [Infinity, Infinity]);
    for (const format of FORMATS) {
      if (format !== 'blocks') assert(Number.isFinite(conv.nanosecondsIn[format]), format);
    }
    assert(fc.nanoseconds > 0 && Number.isFinite(fc.nanoseconds));
    assert.equal(fc.nanoseconds, fc.nanosecondsIn.blocks);
    model.dispose();
    // The most frequent weight is not 0.
    const other = await Model.fromGraph(graph, tensors, { format: 'blocks' });
    assert.equal(other.layers[1].nanoseconds, Infinity);
    other.dispose();
  });

  test('formats by layer, and to()', async () => {
    const model = await Model.fromGraph(graph, tensors, { format: { conv: 'palette', fc: 'csr' } });
    const formats = (/** @type {Model} */ { layers }) => layers.map(({ format }) => format);
    assert.deepEqual(formats(model), ['palette', 'csr']);
    const one = model.to({ fc: 'cer' });
    const all = one.to('dense');
    const before = model.run(input);
    model.dispose();
    assert.deepEqual(
      [formats(one), formats(all)],
      [
        ['palette', 'cer'],
        ['dense', 'dense'],
      ],
    );
    all.run(input).forEach((value, i) => assert(Math.abs(value - before[i]) < 1e-4));
    assert.throws(
      () => one.to({ relu: 'csr' }),
      like(ValueError, /no layer "relu" that has weights/),
    );
    assert.throws(() => one.to(/** @type {any} */ ('gzip')), like(ValueError, /no format "gzip"/));
    assert.throws(() => one.to(/** @type {any} */ ({ fc: 3 })), like(ValueError, /no format "3"/));
    one.dispose();
    all.dispose();
  });

  test('progress of building, and tensors forgotten if they may be', async () => {
    const consumed = smallTensors();
    /** @type {Array<import('../../../web/lib/index.js').Progress>} */
    const progress = [];
    const model = await Model.fromGraph(graph, consumed, {
      consume: true,
      onProgress: (step) => progress.push(step),
    });
    assert.equal(consumed.size, 0);
    assert.equal(progress.length, 4);
    assert(progress.every(({ total }) => total === model.denseByteLength));
    assert.equal(progress.at(-1)?.loaded, model.denseByteLength);
    model.dispose();
  });
});

describe('model: refusals', () => {
  test('inputs of the wrong shape', async () => {
    const model = await Model.load(file);
    const message = /1×3×9×9 = 243 values, or a multiple for several samples, not /;
    for (const length of [0, 242, 244]) {
      assert.throws(() => model.run(new Float32Array(length)), like(ShapeError, message));
    }
    assert.throws(
      () => model.run(/** @type {any} */ (null)),
      like(ValueError, /The input must be/),
    );
    assert.throws(() => model.profile([1]), like(ShapeError, message));
    model.dispose();
  });

  test('a disposed handle', async () => {
    const model = await Model.load(file);
    model.dispose();
    model.dispose();
    for (const work of [
      () => model.run(input),
      () => model.runAll(input),
      () => model.profile(input),
      () => model.layers,
      () => model.graph,
      () => model.byteLength,
      () => model.save(),
      () => model.to('csr'),
    ]) {
      assert.throws(work, like(DisposedError, /^This Model was used after its dispose\(\)\.$/));
    }
  });

  test('tensors that do not fit the graph', async () => {
    const without = smallTensors();
    without.delete('fc.weight');
    await assert.rejects(Model.fromGraph(graph, without), like(FileError, /fc\.weight/));
    const short = smallTensors();
    short.set('fc.bias', { kind: 'vector', rows: 1, cols: 5, data: new Float32Array(4) });
    await assert.rejects(
      Model.fromGraph(graph, short),
      like(ShapeError, /"fc.bias" .* 1×5 = 5.* 4/),
    );
    const broken = smallTensors();
    broken.get('conv.weight')?.data.fill(NaN, 28, 29);
    await assert.rejects(
      Model.fromGraph(graph, broken),
      like(ValueError, /"conv.weight": .*row 1, column 1/),
    );
  });

  test('files of Deep Compression', async () => {
    await assert.rejects(
      importDeepCompression(new Uint8Array(10), PROTOTXT),
      like(FileError, /layer "\w+"/),
    );
    await assert.rejects(
      importDeepCompression(new Uint8Array(10), `${PROTOTXT} layer { name: "x" type: "Magic" }`),
      (error) => error instanceof UnsupportedError || error instanceof FileError,
    );
  });
});

describe('model: loading', () => {
  /** @param {Model} model */
  const runs = (model) => {
    const sum = model.run(input).reduce((total, value) => total + value, 0);
    model.dispose();
    return sum;
  };

  test('save, load and save again gives the same bytes', async () => {
    for (const format of /** @type {const} */ ([...FORMATS, 'auto'])) {
      const model = await Model.fromGraph(graph, tensors, { format });
      const bytes = model.save();
      const again = await Model.load(bytes);
      assert.deepEqual(again.save(), bytes, format);
      assert.deepEqual(again.graph, model.graph);
      assert.deepEqual(again.layers, model.layers);
      model.dispose();
      again.dispose();
    }
  });

  test('bytes, a part of a buffer, a Blob, streams, an address', async () => {
    const wanted = runs(await Model.load(file));
    assert.equal(runs(await Model.load(file.buffer)), wanted);
    const larger = new Uint8Array(file.length + 3);
    larger.set(file, 3);
    assert.equal(runs(await Model.load(larger.subarray(3))), wanted);
    assert.equal(runs(await Model.load(new Blob([file]))), wanted);
    assert.equal(runs(await Model.load(new Blob([file]).stream())), wanted);
    assert.equal(
      runs(await Model.load(Readable.from([file.slice(0, 99), file.slice(99)]))),
      wanted,
    );
    await withServer(
      ({ url }, response) => {
        // By itself the server would announce the length.
        if (url === '/unknown') response.flushHeaders();
        response.end(file);
      },
      async (url) => {
        assert.equal(runs(await Model.load(`${url}known`)), wanted);
        assert.equal(runs(await Model.load(new URL(`${url}unknown`))), wanted);
      },
    );
    await assert.rejects(Model.load(/** @type {any} */ (7)), like(ValueError, /Uint8Array/));
  });

  test('progress grows up to the total', async () => {
    await withServer(
      (_, response) => {
        response.writeHead(200, { 'content-length': file.length });
        response.write(file.subarray(0, 100));
        setTimeout(() => response.end(file.subarray(100)), 50);
      },
      async (url) => {
        for (const source of [file, new Blob([file]), url]) {
          /** @type {number[]} */
          const loaded = [];
          const model = await Model.load(source, {
            onProgress(progress) {
              assert.equal(progress.total, file.length);
              loaded.push(progress.loaded);
            },
          });
          model.dispose();
          assert.equal(loaded[0], 0);
          assert.equal(loaded.at(-1), file.length);
          assert.deepEqual(
            loaded,
            loaded.toSorted((a, b) => a - b),
          );
          if (source === url) assert(loaded.includes(100), `${loaded}`);
        }
      },
    );
  });

  // As from another origin, which hides from a page that a body travelled compressed.
  test('a length that is not the length of the model', async (t) => {
    t.mock.method(globalThis, 'fetch', async () => {
      return new Response(file, { headers: { 'content-length': '300' } });
    });
    /** @type {Array<number | undefined>} */
    const totals = [];
    const model = await Model.load('http://localhost/model', {
      onProgress: ({ total }) => totals.push(total),
    });
    assert.deepEqual(Buffer.from(model.save()), Buffer.from(file));
    model.dispose();
    assert.equal(totals[0], 300);
    assert.equal(totals.at(-1), file.length);
  });

  test('downloads that end early, are not there, or are something else', async () => {
    await withServer(
      ({ url }, response) => {
        if (url === '/missing') {
          response.writeHead(404).end();
        } else if (url === '/html') {
          response.end('<!doctype html><title>Not found</title>');
        } else if (url === '/short') {
          response.end(file.subarray(0, 200));
        } else {
          if (url === '/cut') response.writeHead(200, { 'content-length': file.length });
          response.write(file.subarray(0, 200));
          setTimeout(() => response.destroy(), 50);
        }
      },
      async (url) => {
        const cases = /** @type {const} */ ([
          ['missing', /cannot be fetched from .*missing: the server answers 404/],
          ['html', /not a safetensors file/],
          ['short', /./],
          ['cut', /cut broke off after 200 bytes: /],
          ['cut-of-unknown-length', /broke off after 200 bytes: /],
        ]);
        for (const [path, message] of cases) {
          await assert.rejects(Model.load(url + path), like(FileError, message), path);
        }
      },
    );
    await assert.rejects(
      Model.load('http://127.0.0.1:1/model'),
      like(FileError, /cannot be fetched from http:\/\/127\.0\.0\.1:1\/model: /),
    );
  });

  test('more than there is memory for', async () => {
    await withServer(
      (_, response) => {
        response.writeHead(200, { 'content-length': 6e9 });
        response.write('x');
      },
      (url) => assert.rejects(Model.load(url), like(MemoryError, /6000000000 bytes/)),
    );
    runs(await Model.load(file));
  });

  test('aborting', async () => {
    const reason = new Error('enough');
    await assert.rejects(Model.load(file, { signal: AbortSignal.abort(reason) }), reason);
    const requests = new Set();
    await withServer(
      (request, response) => {
        requests.add(request.url);
        if (request.url !== '/silent') {
          response.writeHead(200, request.url === '/known' ? { 'content-length': 1000 } : {});
          response.write('12345678');
        }
      },
      async (url) => {
        for (const path of ['silent', 'known', 'unknown']) {
          const controller = new AbortController();
          const loading = Model.load(url + path, {
            signal: controller.signal,
            onProgress: ({ loaded }) => loaded > 0 && controller.abort(reason),
          });
          if (path === 'silent') setTimeout(() => controller.abort(reason), 50);
          await assert.rejects(loading, (error) => error === reason, path);
        }
      },
    );
    assert.equal(requests.size, 3);
  });

  test('an error of onProgress arrives as it is', async () => {
    const reason = new RangeError('mine');
    const onProgress = () => {
      throw reason;
    };
    await assert.rejects(Model.load(file, { onProgress }), (error) => error === reason);
    await assert.rejects(Model.load(new Blob([file]), { onProgress }), (error) => error === reason);
  });

  test('damaged files are refused, and the instance stays usable', async () => {
    const reference = await Model.load(file);
    const wanted = reference.run(input);
    const next = makeRandom(3);
    let refused = 0;
    for (let i = 0; i < 300; ++i) {
      let bytes = file.slice();
      if (i % 3 === 0) bytes = bytes.slice(0, Math.floor(next() * bytes.length));
      else bytes[Math.floor(next() ** 2 * bytes.length)] ^= 1 << Math.floor(8 * next());
      try {
        (await Model.load(bytes)).dispose();
      } catch (error) {
        assert(error instanceof LowtropyError && !(error instanceof EngineError), `${error}`);
        assert.match(error.message, /\.$/);
        refused += 1;
      }
    }
    assert(refused > 150, `${refused}`);
    assert.deepEqual(reference.run(input), wanted);
    reference.dispose();
    runs(await Model.load(file));
  });

  test('two hundred rounds of loading and disposing take no more memory than a few', async () => {
    const round = async () => {
      const model = await Model.load(file);
      model.run(input);
      const other = model.to('dense');
      assert.throws(() => other.run([1]), ShapeError);
      model.save();
      model.dispose();
      other.dispose();
      await assert.rejects(Model.load(file.subarray(0, 999)), FileError);
    };
    for (let i = 0; i < 3; ++i) await round();
    const bytes = heapBytes();
    for (let i = 0; i < 200; ++i) await round();
    assert.equal(heapBytes(), bytes);
  });
});
