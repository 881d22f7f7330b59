// SPDX-License-Identifier: Apache-2.0

/** Networks imported from ONNX on labelled data: as often right as they were elsewhere. */

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import jpeg from 'jpeg-js';

import { dataPath, noOnnxModels, readData } from '../../../scripts/common/data.js';
import { openPeer } from '../../../scripts/common/onnxruntime.js';
import { importOnnx } from '../../../web/lib/import/onnx/import-onnx.js';
import { imageToTensor } from '../../../web/lib/model/image.js';

/** @typedef {import('../../../web/lib/model/model.js').Model} Model */

/** Of a quantized network beside what onnxruntime has of it: a share of the samples. */
const SAME_CLASS = 0.99;
const MOST_APART = 0.003;

/** What another way to scale pictures makes of a hundred. */
const SCALED = 0.051;

/**
 * @param {string} name
 * @param {import('../../../web/lib/import/onnx/import-onnx.js').ImportOptions} [options]
 */
function open(name, options) {
  return importOnnx(readData('models', 'onnx', `${name}.onnx`), options);
}

/**
 * @param {ArrayLike<number>} values
 * @param {number} [count]
 * @returns {number[]} where the largest are
 */
function largest(values, count = 1) {
  const order = Array.from(values, (value, index) => ({ value, index }));
  order.sort((a, b) => b.value - a.value || a.index - b.index);
  return order.slice(0, count).map(({ index }) => index);
}

/**
 * @param {Model} model
 * @param {number} count of samples
 * @param {(sample: number) => Float32Array} input
 * @returns {number[]} the classes
 */
function classesOf(model, count, input) {
  return Array.from({ length: count }, (_, i) => largest(model.run(input(i)))[0]);
}

/**
 * @param {number[]} classes
 * @param {ArrayLike<number>} labels
 */
function shareRight(classes, labels) {
  return classes.filter((index, i) => index === labels[i]).length / classes.length;
}

/** Pixels of digits, from 0 to 255. @param {number} count */
function mnist(count) {
  const images = gunzipSync(readData('mnist', 't10k-images-idx3-ubyte.gz')).subarray(16);
  const labels = gunzipSync(readData('mnist', 't10k-labels-idx1-ubyte.gz')).subarray(8);
  return {
    labels: labels.subarray(0, count),
    input: (/** @type {number} */ i) =>
      Float32Array.from(
        images.subarray(784 * i, 784 * (i + 1)),
        (pixel) => (pixel / 255 - 0.1307) / 0.3081,
      ),
  };
}

describe('onnx: accuracy', { skip: noOnnxModels }, () => {
  for (const [name, share] of /** @type {const} */ ([
    ['mnist_tiny_fp32', 0.9782],
    ['mnist_tiny_fp16', 0.9782],
    ['mnist_tiny_int8', 0.9775],
  ])) {
    test(`${name}: ${share} of 10,000 digits`, async (t) => {
      const { labels, input } = mnist(10_000);
      const model = await open(name);
      const right = shareRight(classesOf(model, labels.length, input), labels);
      t.diagnostic(`${right}`);
      assert(Math.abs(right - share) <= MOST_APART, `${right}`);
      model.dispose();
    });
  }

  test('mnist_tiny_int8: the class that onnxruntime gives', async (t) => {
    const { labels, input } = mnist(1000);
    const model = await open('mnist_tiny_int8');
    const peer = await openPeer(readData('models', 'onnx', 'mnist_tiny_int8.onnx'));
    const [{ name }] = model.inputs;
    const classes = classesOf(model, labels.length, input);
    let same = 0;
    for (const [i, index] of classes.entries()) {
      const [output] = Object.values(
        await peer.prepare({ [name]: { data: input(i), shape: [1, 1, 28, 28] } })(),
      );
      if (largest(output.data)[0] === index) same += 1;
    }
    t.diagnostic(`${same} of ${classes.length}`);
    assert(same / classes.length >= SAME_CLASS);
    model.dispose();
    await peer.release();
  });

  test('kws_dscnn_float32: 0.90 of 1,000 words', async (t) => {
    const samples = new Int8Array(readData('models', 'labelled', 'kws01_1000x49x10_int8.bin'));
    const labels = readData('models', 'labelled', 'kws01_labels.bin');
    const model = await open('kws_dscnn_float32');
    const classes = classesOf(model, 1000, (i) =>
      Float32Array.from(samples.subarray(490 * i, 490 * (i + 1)), (v) => (v - 83) * 0.5847029),
    );
    const right = shareRight(classes, labels);
    t.diagnostic(`${right}`);
    assert(Math.abs(right - 0.901) <= MOST_APART, `${right}`);
    model.dispose();
  });

  test('resnet8_cifar10: 0.73 of 1,000 pictures', async (t) => {
    const pixels = readData('models', 'labelled', 'cifar10_1000x32x32x3_u8.bin');
    const labels = readData('models', 'labelled', 'cifar10_labels.bin');
    const model = await open('resnet8_cifar10');
    const [{ usualShape }] = model.inputs;
    const size = 32 * 32;
    const classes = classesOf(model, 1000, (i) => {
      const rows = pixels.subarray(3 * size * i, 3 * size * (i + 1));
      if (usualShape.at(-1) === 3) return Float32Array.from(rows);
      return Float32Array.from(rows, (_, at) => rows[3 * (at % size) + Math.floor(at / size)]);
    });
    const right = shareRight(classes, labels);
    t.diagnostic(`${right}`);
    assert(Math.abs(right - 0.73) <= 0.01, `${right}`);
    model.dispose();
  });

  for (const [name, side, first, five] of /** @type {const} */ ([
    ['mobilenet_v1_0.25_128', 146, 0.5, 0.8],
    ['mobilenet_v2_1.0_224', 256, 0.85, 0.96],
  ])) {
    test(`${name}: ${first} and ${five} of 100 pictures`, async (t) => {
      const image = /** @type {const} */ ({ mean: 127.5, std: 127.5, side });
      const model = await open(name, { image });
      const files = readdirSync(dataPath('models', 'labelled', 'imagenet')).filter((file) =>
        /^\d+_.*\.jpe?g$/i.test(file),
      );
      const peer = await openPeer(readData('models', 'onnx', `${name}.onnx`));
      const [{ name: inputName, usualShape: shape }] = model.inputs;
      let [ones, fives] = [0, 0];
      for (const file of files) {
        const bytes = readFileSync(dataPath('models', 'labelled', 'imagenet', file));
        const picture = jpeg.decode(bytes, { useTArray: true });
        const data = imageToTensor(picture, model.inputShape, model.graph.image);
        const output = model.run(data);
        const [theirs] = Object.values(await peer.prepare({ [inputName]: { data, shape } })());
        assert.deepEqual(largest(output), largest(theirs.data), file);
        // Before the 1000 classes there is the background.
        const top = largest(output, 5).map((index) => index - 1);
        if (top[0] === Number.parseInt(file)) ones += 1;
        if (top.includes(Number.parseInt(file))) fives += 1;
      }
      t.diagnostic(`${ones} and ${fives} of ${files.length}`);
      // The pictures were scaled by another program there.
      assert(ones / files.length >= first - SCALED, `${ones}`);
      assert(fives / files.length >= five - SCALED, `${fives}`);
      model.dispose();
      await peer.release();
    });
  }
});
