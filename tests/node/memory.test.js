// SPDX-License-Identifier: Apache-2.0

/**
 * How much memory models take: in processes of their own, for a WebAssembly heap grows and never
 * shrinks.
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { freemem, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { Model, init } from '../../web/lib/index.js';

const run = promisify(execFile);
const folder = fileURLToPath(new URL('.', import.meta.url));

/**
 * Runs an ES module that prints JSON.
 *
 * @param {string} source
 * @param {string[]} [args]
 */
async function runModule(source, args = []) {
  const { stdout } = await run(
    process.execPath,
    ['--input-type=module', '--eval', source, ...args],
    { cwd: folder },
  );
  return JSON.parse(stdout);
}

/**
 * @param {number} rows
 * @param {number} cols
 */
function fcGraph(rows, cols) {
  return {
    name: 'fc',
    input: { name: 'x', shape: [cols, 1, 1] },
    outputs: ['y'],
    nodes: [{ op: 'fc', name: 'fc', inputs: ['x'], output: 'y', weight: 'w', outChannels: rows }],
  };
}

test('loading takes no more heap than 1.1 times the file and 64 MB', async () => {
  await init();
  const rows = 4096;
  const cols = 8192;
  // 127 values, none of them frequent: palette codes of 7 bits, 29 MB.
  const data = Float32Array.from({ length: rows * cols }, (_, i) => ((i * 7919) % 127) - 63);
  const tensors = new Map([['w', { rows, cols, kind: 'matrix', data }]]);
  const model = await Model.fromGraph(
    /** @type {any} */ (fcGraph(rows, cols)),
    /** @type {any} */ (tensors),
    { format: 'palette' },
  );
  const file = join(tmpdir(), `lowtropy-memory-${process.pid}.safetensors`);
  await writeFile(file, model.save());
  model.dispose();
  try {
    const source = `
      import { createReadStream, statSync } from 'node:fs';
      import { Model, init } from '../../web/lib/index.js';
      import { heapBytes } from './heap.js';
      await init();
      const model = await Model.load(createReadStream(process.argv[1]));
      const { size } = statSync(process.argv[1]);
      console.log(JSON.stringify({ size, heap: heapBytes(), bytes: model.byteLength }));`;
    const { size, heap, bytes } = await runModule(source, [file]);
    assert.ok(bytes > 25e6 && size > bytes);
    assert.ok(heap <= 1.1 * size + 64 * 2 ** 20, `${heap} bytes of heap for a file of ${size}`);
  } finally {
    await rm(file);
  }
});

const GIGABYTES_NEEDED = 6;
const tooLittle =
  freemem() < GIGABYTES_NEEDED * 2 ** 30
    ? `needs ${GIGABYTES_NEEDED} GB of free memory, and there are ${(freemem() / 2 ** 30).toFixed(1)}`
    : false;

test('models beyond 2 GB of heap run, and give it back', { skip: tooLittle }, async () => {
  const source = `
    import { Model, init } from '../../web/lib/index.js';
    import { heapBytes } from './heap.js';
    await init();
    const rows = 12288;
    const cols = 16384;
    const data = new Float32Array(rows * cols);
    for (let i = 0; i < data.length; ++i) data[i] = ((i * 7919) % 251) - 125;
    const graph = ${JSON.stringify(fcGraph(12288, 16384))};
    const tensors = new Map([['w', { rows, cols, kind: 'matrix', data }]]);
    const made = await Model.fromGraph(graph, tensors, { format: 'dense' });
    const file = made.save();
    made.dispose();
    const models = [];
    for (let i = 0; i < 3; ++i) models.push(await Model.load(file));
    const x = Float32Array.from({ length: cols }, (_, i) => ((i * 31) % 17) / 17 - 0.5);
    const errors = models.map((model) => {
      const y = model.run(x);
      let worst = 0;
      for (const r of [0, 1, 4095, rows - 1]) {
        let sum = 0;
        for (let c = 0; c < cols; ++c) sum += data[r * cols + c] * x[c];
        worst = Math.max(worst, Math.abs(sum - y[r]));
      }
      return worst;
    });
    const heap = heapBytes();
    models.forEach((model) => model.dispose());
    const again = await Model.load(file);
    console.log(JSON.stringify({ heap, errors, after: heapBytes(), bytes: again.byteLength }));`;
  const { heap, errors, after, bytes } = await runModule(source);
  assert.equal(bytes, 12288 * 16384 * 4);
  assert.ok(heap > 2 ** 31, `the heap has only ${heap} bytes`);
  for (const error of errors) assert.ok(error < 5, `off by ${error}`);
  assert.equal(after, heap, 'a disposed model leaves its place to the next one');
});
