// SPDX-License-Identifier: Apache-2.0

/** SqueezeNet in each format, against the oracle. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { readDeepCompression } from '../../../web/lib/import/deep-compression.js';
import {
  Model,
  classify,
  imageToTensor,
  importDeepCompression,
  probabilities,
} from '../../../web/lib/index.js';
import { noData, readPicture, squeezeNetFiles } from '../../../scripts/common/data.js';
import { formatsOfAll } from '../../support/formats.js';
import { runReference, softmax } from '../../support/reference.js';

describe('SqueezeNet', { skip: noData }, () => {
  /** @type {Model} */
  let model;

  before(async () => {
    const { net, prototxt } = squeezeNetFiles();
    model = await importDeepCompression(net, prototxt);
  });
  after(() => model.dispose());

  test('each format agrees with a dense pass in double precision', (t) => {
    const { net, prototxt } = squeezeNetFiles();
    const { graph, tensors } = readDeepCompression(net, prototxt);
    const pictures = ['dog.jpg', 'cat.jpg'].map((name) => {
      const input = imageToTensor(readPicture(name), graph.input.shape);
      const logits = runReference(graph, tensors, input).get(graph.outputs[0]) ?? [];
      return { name, input, expected: softmax(logits) };
    });
    for (const format of /** @type {const} */ ([...formatsOfAll(model), 'auto'])) {
      const other = model.to(format);
      for (const { name, input, expected } of pictures) {
        const actual = probabilities(other, other.run(input));
        assert.equal(actual.length, 1000);
        const worst = actual.reduce((most, p, i) => Math.max(most, Math.abs(p - expected[i])), 0);
        t.diagnostic(`${format}, ${name}: at most ${worst.toExponential(1)} off`);
        assert(worst <= 1e-4, `${format}, ${name}: ${worst}`);
      }
      other.dispose();
    }
  });

  test('sees what it is known to see', () => {
    const [dog] = classify(model, readPicture('dog.jpg'));
    assert.equal(dog.index, 258);
    assert(Math.abs(dog.probability - 0.78) < 0.01, `${dog.probability}`);
    const cat = classify(model, readPicture('cat.jpg')).map(({ index }) => index);
    assert.deepEqual(cat, [278, 263, 277, 281, 282]);
  });

  test('takes at most a quarter of the bytes of dense float32', (t) => {
    const { byteLength, denseByteLength, layers } = model;
    t.diagnostic(`${byteLength} of ${denseByteLength} bytes`);
    assert.equal(denseByteLength, 4 * (1244448 + 3976));
    assert(byteLength <= denseByteLength / 4);
    assert(layers.every(({ format, autoFormat }) => format === autoFormat));
    assert(layers.every(({ bytes, bytesIn }) => bytes < bytesIn.dense));
  });

  test('is the same after saving and loading', async () => {
    const bytes = model.save();
    assert(bytes.length <= model.byteLength + 40000);
    const again = await Model.load(bytes);
    assert.deepEqual(again.save(), bytes);
    const input = imageToTensor(readPicture('dog.jpg'), model.inputShape);
    assert.deepEqual(again.run(input), model.run(input));
    again.dispose();
  });
});
