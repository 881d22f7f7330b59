// SPDX-License-Identifier: Apache-2.0

/**
 * How much memory models take.
 *
 * The heap is all of WebAssembly's memory: code's data and stack, every model, the values while a
 * network runs, and what was reserved for growth. Outside it the loader holds just the piece of the
 * file that it copies; what else JavaScript leaves behind shows in the process's resident memory.
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  createReadStream,
  existsSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { freemem, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { FORMATS, FileError, MemoryError, Model, init } from '../../../web/lib/index.js';
import { makeBuffer, withBuffers } from '../../../web/lib/core/memory.js';
import { makeDenseFile } from './dense-file.js';
import { heapBytes } from '../../support/heap.js';
import { makeRandom } from '../../support/random.js';

/** @typedef {import('../../../web/lib/index.js').Tensor} Tensor */
/** @typedef {import('../../../web/lib/index.js').Graph} Graph */

const MB = 2 ** 20;
const VGG = fileURLToPath(new URL('../../../build/networks/vgg16.safetensors', import.meta.url));

/** @param {number} fileBytes */
const bound = (fileBytes) => 1.1 * fileBytes + 64 * MB;

/**
 * Fully connected layers, one after the other.
 *
 * @param {number} inputs
 * @param {Array<{ rows: number, data: Float32Array }>} layers
 */
function chain(inputs, layers) {
  /** @type {Map<string, Tensor>} */
  const tensors = new Map();
  /** @type {Graph['nodes']} */
  const nodes = [];
  let [before, cols] = ['data', inputs];
  layers.forEach(({ rows, data }, i) => {
    const [output, weight] = [`fc${i}`, `fc${i}.weight`];
    tensors.set(weight, { kind: 'matrix', rows, cols, data });
    nodes.push(
      /** @type {any} */ ({
        op: 'fc',
        name: output,
        inputs: [before],
        output,
        weight,
        outChannels: rows,
      }),
    );
    [before, cols] = [output, rows];
  });
  /** @type {Graph} */
  const graph = {
    name: 'chain',
    input: { name: 'data', shape: [inputs, 1, 1] },
    outputs: [before],
    nodes,
  };
  return { graph, tensors };
}

/**
 * @param {number} length
 * @param {(random: () => number) => number} value
 */
const drawn = (length, value) => {
  const random = makeRandom(length);
  return Float32Array.from({ length }, () => value(random));
};

/** 44 MB: 7 bits a weight, a sparse matrix, and a dense one. */
async function makeFile() {
  const quantized = (/** @type {() => number} */ random) => Math.floor(127 * random()) - 63;
  const { graph, tensors } = chain(8192, [
    { rows: 2048, data: drawn(2048 * 8192, quantized) },
    {
      rows: 2048,
      data: drawn(2048 * 2048, (random) => (random() < 0.7 ? quantized(random) : 0)),
    },
    { rows: 2048, data: drawn(2048 * 2048, (random) => random()) },
  ]);
  const format = /** @type {const} */ ({ fc0: 'palette', fc1: 'pcsr', fc2: 'dense' });
  const model = await Model.fromGraph(graph, tensors, { format });
  const file = model.save();
  model.dispose();
  return file;
}

/**
 * @param {string} kind
 * @param {string} source
 * @returns {Promise<import('./load-process.js').Taken>}
 */
async function loadInProcess(kind, source) {
  const script = fileURLToPath(new URL('load-process.js', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, kind, source]);
  return JSON.parse(stdout);
}

/**
 * @param {import('node:test').TestContext} t
 * @param {string} kind
 * @param {string} source
 * @param {number} size of the file
 */
async function checkLoading(t, kind, source, size) {
  const { heap, growth = 0, loaded } = await loadInProcess(kind, source);
  const megabytes = (/** @type {number} */ bytes) => (bytes / 1e6).toFixed(1);
  t.diagnostic(
    `${kind}: file ${megabytes(size)} MB, heap ${megabytes(heap)}, ` +
      `resident ${growth ? megabytes(growth) : '?'}, bound ${megabytes(bound(size))}`,
  );
  assert.equal(loaded, size);
  assert(heap <= bound(size), `the heap has ${heap} bytes`);
  assert(growth <= bound(size), `the process grew by ${growth} bytes`);
}

describe('memory: loading takes at most 1.1 times the file and 64 MB', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lowtropy-'));
  const path = join(folder, 'model.safetensors');
  let size = 0;

  before(async () => {
    await init();
    const file = await makeFile();
    size = file.length;
    writeFileSync(path, file);
  });
  after(() => rmSync(folder, { recursive: true }));

  test('a stream', (t) => checkLoading(t, 'stream', path, size));
  test('a Blob', (t) => checkLoading(t, 'blob', path, size));

  for (const known of [true, false]) {
    test(`an address, of ${known ? 'known' : 'unknown'} length`, async (t) => {
      const server = createServer((_, response) => {
        if (known) response.setHeader('content-length', size);
        createReadStream(path).pipe(response);
      });
      await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
      try {
        await checkLoading(t, 'address', `http://127.0.0.1:${port}/`, size);
      } finally {
        server.closeAllConnections();
        server.close();
      }
    });
  }

  const noVgg = existsSync(VGG) ? false : 'npm run networks -- vgg16 makes it';
  test('VGG-16', { skip: noVgg }, (t) => checkLoading(t, 'stream', VGG, statSync(VGG).size));
});

test('memory: saving takes none of the heap', async () => {
  const model = await Model.load(makeDenseFile(1, 2048).stream());
  const bytes = heapBytes();
  for (let i = 0; i < 3; ++i) model.save();
  assert.equal(heapBytes(), bytes);
  model.dispose();
});

describe('memory: beyond 2 GB', () => {
  const GB = 2 ** 30;
  const noMemory = freemem() > 6 * GB ? false : 'less than 6 GB of memory are free';

  // Reserved but not touched, so that it costs nothing.
  test('all works above 2 GB', async () => {
    const input = drawn(64, (random) => Math.floor(16 * random()));
    const { graph, tensors } = chain(64, [
      { rows: 96, data: drawn(96 * 64, (random) => Math.floor(4 * random())) },
      { rows: 10, data: drawn(10 * 96, (random) => Math.floor(4 * random())) },
    ]);
    /** Everything that comes out of a model. */
    const outcomes = async () => {
      const made = await Model.fromGraph(graph, tensors);
      const file = made.save();
      const model = await Model.load(file);
      const results = FORMATS.map((format) => {
        const other = model.to(format);
        const { layers, graph: description } = other;
        const result = [other.run(input), other.save(), layers, description];
        other.dispose();
        return result;
      });
      const names = model.profile(input).map(({ name }) => name);
      file[file.length - 1] ^= 1;
      await assert.rejects(Model.load(file), FileError);
      made.dispose();
      model.dispose();
      return [...results, names];
    };
    const wanted = await outcomes();
    const ballast = [1.5 * GB, 0.75 * GB].map(makeBuffer);
    const found = await withBuffers(ballast, () => {
      assert(heapBytes() > 2.25 * GB);
      return outcomes();
    });
    assert.deepEqual(found, wanted);
  });

  test('a file of 2.4 GB, and a second model beside it', { skip: noMemory }, async () => {
    const [large, small] = [makeDenseFile(9, 8192), makeDenseFile(4, 8192)];
    assert(large.size > 2.25 * GB && large.size + small.size > 3.2 * GB);
    const input = drawn(8192, (random) => Math.floor(16 * random()));
    // Twice, with nothing left over: there is no room for two of them.
    for (let round = 0; round < 2; ++round) {
      const first = await Model.load(large.stream());
      const second = await Model.load(small.stream());
      for (let i = 0; i < 2; ++i) {
        assert.deepEqual(first.run(input), large.run(input));
        assert.deepEqual(second.run(input), small.run(input));
      }
      assert.equal(first.byteLength, large.size - large.header.length);
      await assert.rejects(Model.load(large.stream()), (error) => {
        assert(error instanceof MemoryError, `${error}`);
        assert.match(
          error.message,
          /^Out of memory: \d+ bytes were needed in one piece; \d+ bytes are in use\.$/,
        );
        return true;
      });
      assert.deepEqual(second.run(input), small.run(input));
      second.dispose();
      if (round === 1) checkSaved(first.save(), large);
      first.dispose();
    }
    assert(heapBytes() < 4 * GB);
  });
});

/**
 * @param {Uint8Array<ArrayBuffer>} file
 * @param {import('./dense-file.js').DenseFile} wanted
 */
function checkSaved(file, { size, header, layer }) {
  assert.equal(file.length, size);
  const part = (/** @type {number} */ at, /** @type {number} */ length) =>
    Buffer.from(file.buffer, at, length);
  assert(part(0, header.length).equals(header));
  for (let at = header.length; at < size; at += layer.length) {
    assert(part(at, layer.length).equals(layer), `the layer at ${at}`);
  }
}
