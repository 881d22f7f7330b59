// SPDX-License-Identifier: Apache-2.0

/** The entry's importOnnx: its options, what it keeps in the file, and what it says where it cannot. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import {
  FileError,
  LimitError,
  Model,
  ShapeError,
  UnsupportedError,
  ValueError,
  classify,
  importOnnx,
} from '../../../web/lib/lowtropy.js';
import { importOnnx as importAtOnce } from '../../../web/lib/onnx.js';
import { inFile, model, node, tensor, tensorType, value } from '../../support/onnx-writer.js';

/** y = mean of each channel of a picture, as three classes. */
function pictureNetwork(metadata = {}) {
  return model(
    {
      name: 'three colours',
      inputs: [value('x', tensorType('float32', ['n', 3, 2, 2]))],
      outputs: [value('y', tensorType('float32', ['n', 3]))],
      nodes: [node('GlobalAveragePool', ['x'], ['p']), node('Flatten', ['p'], ['y'])],
    },
    { metadata },
  );
}

/** y = x · w, with w of 2×3. */
function productNetwork(
  weight = tensor('w', 'float32', [2, 3], Float32Array.of(1, 2, 3, 4, 5, 6)),
) {
  return model({
    inputs: [value('x', tensorType('float32', [1, 2]))],
    outputs: [value('y', tensorType('float32', [1, 3]))],
    initializers: [weight],
    nodes: [node('MatMul', ['x', 'w'], ['y'])],
  });
}

const RED = { width: 2, height: 2, data: Array(4).fill([255, 0, 51, 255]).flat() };

describe('importOnnx', () => {
  test('of both entries gives the same file', async () => {
    const [one, other] = [await importOnnx(productNetwork()), await importAtOnce(productNetwork())];
    assert.deepEqual(one.save(), other.save());
    assert.deepEqual([...one.run({ x: [1, 10] }).y.data], [41, 52, 63]);
    one.dispose();
    other.dispose();
  });

  test('of a Blob, of Files, of an address beside its data', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lowtropy-onnx-'));
    const weights = new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer);
    const apart = productNetwork(
      inFile(tensor('w', 'float32', [2, 3]), { location: 'w.bin', length: '24' }),
    );
    writeFileSync(join(folder, 'm.onnx'), apart);
    writeFileSync(join(folder, 'w.bin'), weights);
    const files = [new File([weights], 'w.bin'), new File([apart], 'm.onnx')];
    for (const source of [new Blob([productNetwork()]), files, join(folder, 'm.onnx')]) {
      const imported = await importOnnx(source);
      assert.deepEqual([...imported.run({ x: [1, 10] }).y.data], [41, 52, 63]);
      imported.dispose();
    }
    await assert.rejects(importOnnx(apart), (error) => {
      assert(error instanceof FileError);
      assert.match(error.message, /w\.bin/);
      return true;
    });
    rmSync(folder, { recursive: true });
  });

  test('keeps how pictures come in, and what classes are called', async () => {
    const labels = ['red', 'green', 'blue'];
    const imported = await importOnnx(pictureNetwork(), { image: { std: 255 }, labels });
    const saved = await Model.load(imported.save());
    for (const each of [imported, saved]) {
      assert.deepEqual(each.graph.labels, labels);
      assert.deepEqual(each.graph.image, {
        ...{ layout: 'NCHW', order: 'RGB', mean: [0, 0, 0], std: [255, 255, 255], scale: 1 },
        ...{ fit: 'crop', side: 0 },
      });
      const classes = classify(each, RED);
      assert.deepEqual(
        classes.map(({ index }) => labels[index]),
        ['red', 'blue', 'green'],
      );
      // e^1 : e^0 : e^0.2
      const sum = Math.E + 1 + Math.exp(0.2);
      assert(Math.abs(classes[0].probability - Math.E / sum) < 1e-6);
      each.dispose();
    }
  });

  test('takes the names of classes that Ultralytics keeps in the file', async () => {
    const named = pictureNetwork({ names: `{0: 'person', 1: "driver's seat", 2: 'bus'}` });
    const imported = await importOnnx(named);
    assert.deepEqual(imported.graph.labels, ['person', "driver's seat", 'bus']);
    imported.dispose();
    // Of other classes than those of the output, and of none.
    for (const names of [`{0: 'a', 1: 'b'}`, `{0: 'a', 2: 'b', 3: 'c'}`, 'nothing', '']) {
      const plain = await importOnnx(pictureNetwork({ names }));
      assert.equal(plain.graph.labels, undefined);
      plain.dispose();
    }
  });

  test('a size that does not matter stays open', async () => {
    const imported = await importOnnx(pictureNetwork());
    assert.deepEqual(imported.inputs[0].shape, ['n', 3, 2, 2]);
    const { y } = imported.run({ x: { data: Array(24).fill(2), shape: [2, 3, 2, 2] } });
    assert.deepEqual(y.shape, [2, 3]);
    imported.dispose();
  });

  test('stops by its signal', async () => {
    const reason = new Error('enough');
    await assert.rejects(
      importOnnx(productNetwork(), { signal: AbortSignal.abort(reason) }),
      (error) => error === reason,
    );
  });

  /** @type {Array<[what: string, import('../../../web/lib/lowtropy.js').OnnxSource, any, Function, RegExp]>} */
  const refused = [
    [
      'an option',
      productNetwork(),
      { shape: {} },
      ValueError,
      /no option "shape"; there are .*shapes/,
    ],
    [
      'shapes as a list',
      productNetwork(),
      { shapes: [1] },
      ValueError,
      /"shapes" must be an object/,
    ],
    [
      'an input',
      productNetwork(),
      { shapes: { z: [1] } },
      ValueError,
      /no input "z"; its inputs are "x"/,
    ],
    ['a shape', productNetwork(), { shapes: { x: [2, 2] } }, ShapeError, /2×2 does not fit .* 1×2/],
    ['labels', productNetwork(), { labels: ['a'] }, ShapeError, /1 labels, and .* has 3 classes/],
    ['label numbers', productNetwork(), { labels: [1, 2, 3] }, ValueError, /an array of texts/],
    ['an image', productNetwork(), { image: {} }, ShapeError, /cannot fill an input of 1×2/],
    ['a mean', pictureNetwork(), { image: { mean: 'x' } }, ValueError, /The mean must be a number/],
    ['an image option', pictureNetwork(), { image: { men: 1 } }, ValueError, /has no option "men"/],
    ['no image', pictureNetwork(), { image: 3 }, ValueError, /"image" must be an object/],
    ['nothing', new Uint8Array(), {}, FileError, /^The ONNX model is empty\.$/],
    ['a number', /** @type {any} */ (7), {}, ValueError, /not from a number|loaded from/],
    ['memory', productNetwork(), { maxMemory: 10 }, LimitError, /maxMemory/],
    [
      'a TensorFlow Lite model',
      new TextEncoder().encode('abcdTFL3 and so on'),
      {},
      FileError,
      /it is a TensorFlow Lite model\. Tf2onnx makes ONNX of it/,
    ],
    [
      'a GGUF model',
      new TextEncoder().encode('GGUF and so on'),
      {},
      FileError,
      /it is a GGUF model\. .*optimum-cli/,
    ],
    [
      'an HDF5 file',
      Uint8Array.of(0x89, ...new TextEncoder().encode('HDF\r\n\x1a\n')),
      {},
      FileError,
      /it is an HDF5 file, as Keras writes\. Keras writes a network as ONNX/,
    ],
    [
      'a checkpoint of PyTorch',
      new TextEncoder().encode('PK\x03\x04abc'),
      {},
      FileError,
      /PyTorch writes a network as ONNX by torch\.onnx\.export/,
    ],
  ];
  for (const [what, source, options, type, message] of refused) {
    test(`refuses ${what}`, () =>
      assert.rejects(importOnnx(source, options), (error) => {
        assert(error instanceof Error);
        assert.match(error.message, message);
        assert(error instanceof type, String(error));
        return true;
      }));
  }

  test('says all that is missing at once', () =>
    assert.rejects(
      importOnnx(
        model(
          {
            inputs: [value('x', tensorType('float32', [2]))],
            outputs: [value('y', tensorType('float32', [2]))],
            nodes: [
              node('Foo', ['x'], ['a'], { name: 'first' }),
              node('Foo', ['a'], ['b'], { name: 'second' }),
              node('Bar', ['b'], ['y'], { domain: 'com.example' }),
            ],
          },
          { opsets: { '': 17, 'com.example': 3 } },
        ),
      ),
      (error) => {
        assert(error instanceof UnsupportedError);
        assert.match(
          error.message,
          /Foo \(version 17\): .*"first", "second"; com\.example\.Bar \(version 3\)/,
        );
        return true;
      },
    ));

  test('a model file is no network of ONNX, nor the other way round', async () => {
    const imported = await importOnnx(productNetwork());
    const file = imported.save();
    imported.dispose();
    await assert.rejects(importOnnx(file), /it is a model file of Lowtropy\.$/);
    await assert.rejects(Model.load(productNetwork()), /it is an ONNX model\. importOnnx/);
  });
});
