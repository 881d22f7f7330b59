// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';

import { openOnnx } from '../../../web/lib/import/onnx/read.js';
import { bytes } from '../../../web/lib/import/onnx/tensors.js';
import { inFile, model, tensor } from '../../support/onnx-writer.js';

/** @typedef {import('../../../web/lib/import/onnx/read.js').OnnxSource} OnnxSource */

const data = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const inside = model({ initializers: [tensor('w', 'uint8', [8], data)] });

/** @param {string} location */
const outside = (location) =>
  model({
    initializers: [
      inFile(tensor('w', 'uint8', [4]), { location, offset: '2' }),
      inFile(tensor('v', 'uint8', [1]), { location, offset: '7' }),
    ],
  });

/**
 * @param {OnnxSource} source
 * @returns {Promise<number[]>} the bytes of w
 */
async function weight(source) {
  const w = (await openOnnx(source)).graph.constants.get('w');
  assert(w?.kind === 'tensor');
  return [...bytes(w)];
}

/** @param {Uint8Array<ArrayBuffer>} file */
async function* inPieces(file) {
  for (let at = 0; at < file.length; at += 7) yield file.slice(at, at + 7);
}

/** @param {Uint8Array<ArrayBuffer>} file */
const address = (file) => `data:;base64,${Buffer.from(file).toString('base64')}`;

const folder = mkdtempSync(join(tmpdir(), 'lowtropy-'));
after(() => rmSync(folder, { recursive: true }));
const path = (/** @type {string[]} */ ...names) => join(folder, ...names);
mkdirSync(path('sub folder'));
writeFileSync(path('inside.onnx'), inside);
writeFileSync(path('outside.onnx'), outside('w #1.bin'));
writeFileSync(path('deep.onnx'), outside('sub folder/w.bin'));
writeFileSync(path('w #1.bin'), data);
writeFileSync(path('sub folder', 'w.bin'), data);

describe('ONNX models from wherever they are', () => {
  /** @type {Array<[what: string, source: () => OnnxSource]>} */
  const sources = [
    ['bytes', () => inside],
    ['a buffer', () => inside.buffer],
    ['a Blob', () => new Blob([inside])],
    ['a File', () => new File([inside], 'model')],
    ['an answer', () => new Response(inside)],
    ['a stream', () => new Blob([inside]).stream()],
    ['pieces', () => inPieces(inside)],
    ['a path', () => path('inside.onnx')],
    ['an address', () => pathToFileURL(path('inside.onnx'))],
    ['an address of data', () => address(inside)],
    ['a list of one', () => [new File([inside], 'model')]],
  ];
  for (const [what, source] of sources) {
    test(what, async () => assert.deepEqual(await weight(source()), [...data]));
  }

  test('bytes are not copied', async () => {
    const w = (await openOnnx(inside)).graph.constants.get('w');
    assert(w?.kind === 'tensor');
    assert.equal(bytes(w).buffer, inside.buffer);
  });

  test('progress is told, and a signal stops it', async () => {
    /** @type {Array<number | undefined>} */
    const told = [];
    await openOnnx(new Blob([inside]), {
      onProgress: ({ loaded, total }) => told.push(loaded, total),
    });
    assert.deepEqual(told.slice(0, 2), [0, inside.length]);
    assert.deepEqual(told.slice(-2), [inside.length, inside.length]);
    const reason = new Error('enough');
    await assert.rejects(
      openOnnx(new Blob([inside]), { signal: AbortSignal.abort(reason) }),
      reason,
    );
  });

  test('an answer that is cut off', async () => {
    const headers = { 'content-length': `${inside.length + 1}` };
    await assert.rejects(openOnnx(new Response(inside, { headers })), {
      name: 'FileError',
      message: `The response ended after ${inside.length} of ${inside.length + 1} bytes.`,
    });
  });

  test('options that there are not, and sources that are none', async () => {
    await assert.rejects(openOnnx(inside, /** @type {any} */ ({ shape: {} })), {
      name: 'ValueError',
    });
    for (const source of [1, null, {}, [1], [{ name: 'a.onnx', data: 5 }]]) {
      await assert.rejects(openOnnx(/** @type {any} */ (source)), { name: 'ValueError' });
    }
    await assert.rejects(openOnnx(path('nothing.onnx')), { name: 'FileError' });
  });
});

describe('ONNX models with data in other files', () => {
  const expected = [3, 4, 5, 6];
  const main = (/** @type {string} */ location) => new File([outside(location)], 'a.ONNX');

  test('in a list, by name', async () => {
    const other = new File([data], 'w.bin');
    const useless = { name: 'z.bin', data: path('nothing at all') };
    assert.deepEqual(await weight([useless, other, main('w.bin')]), expected);
    assert.deepEqual(await weight([main('sub/w.bin'), other]), expected);
    assert.deepEqual(
      await weight([
        { name: 'm.onnx', data: outside('w.bin') },
        { name: 'w.bin', data },
      ]),
      expected,
    );
  });

  test('of two of one name the one with the path is meant', async () => {
    const files = [
      { name: 'a/w.bin', data: new Uint8Array(8) },
      { name: 'b/w.bin', data },
    ];
    assert.deepEqual(await weight([main('b/w.bin'), ...files]), expected);
    await assert.rejects(
      weight([main('c/w.bin'), ...files]),
      /is in the file "c\/w.bin", which is not given\.$/,
    );
  });

  test('beside a model that has a path or an address', async () => {
    assert.deepEqual(await weight(path('outside.onnx')), expected);
    assert.deepEqual(await weight(pathToFileURL(path('outside.onnx'))), expected);
    assert.deepEqual(await weight(path('deep.onnx')), expected);
    assert.deepEqual(await weight(pathToFileURL(path('deep.onnx')).href), expected);
  });

  test('refused: what is not there', async () => {
    const missing = /the tensor "w" is in the file "w.bin", which is not given\.$/;
    await assert.rejects(weight(outside('w.bin')), missing);
    await assert.rejects(weight(address(outside('w.bin'))), missing);
    await assert.rejects(weight([main('w.bin')]), missing);
    await assert.rejects(weight(new Blob([outside('w.bin')])), missing);
    writeFileSync(path('lonely.onnx'), outside('gone.bin'));
    await assert.rejects(
      weight(path('lonely.onnx')),
      /cannot be read from .*gone.bin: it does not exist/,
    );
  });

  test('refused: no model, and two', async () => {
    const other = new File([data], 'w.bin');
    await assert.rejects(weight([other, other]), {
      name: 'FileError',
      message:
        'Of the files one must be the model, with a name that ends in .onnx, and 0 are: "w.bin", "w.bin".',
    });
    await assert.rejects(
      weight([main('w.bin'), main('w.bin')]),
      /and 2 are: "a.ONNX", "a.ONNX"\.$/,
    );
    await assert.rejects(weight([]), { name: 'FileError' });
  });
});
