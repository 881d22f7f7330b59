// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';

import { loadExamples } from '../../../web/demo/train/examples.js';
import { readHead, readWhole } from '../../../web/demo/train/gunzip.js';
import { blankImages, blankLabels, labelsOf, splitExamples } from '../../../web/demo/train/idx.js';
import { sortMnistFiles } from '../../../web/demo/train/mnist-files.js';

/**
 * @param {string} name
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
const file = (name, bytes) => new File([bytes], name);

/** @param {Uint8Array} bytes */
const gzip = (bytes) => new Uint8Array(gzipSync(bytes));

const images = (/** @type {number} */ count) => file(`images-${count}`, blankImages(count, 28));
const labels = (/** @type {number} */ count) => file(`labels-${count}`, blankLabels(count));

describe('own MNIST files', () => {
  it('are not read when they hold too much', async () => {
    const zipped = file('bomb', gzip(new Uint8Array(100_000)));
    assert.equal((await readWhole(zipped)).length, 100_000);
    await assert.rejects(
      readWhole(zipped, { limit: 99_999 }),
      /holds more than 99,999 bytes, decompressed\./,
    );
  });

  it('are not read beyond what they say, however well they are compressed', async () => {
    const bomb = (/** @type {Uint8Array} */ head) => {
      const whole = new Uint8Array(3_000_000);
      whole.set(head);
      return file('bomb', gzip(whole));
    };
    const own = { images: images(20), labels: labels(20) };
    for (const wrong of [
      { images: bomb(blankImages(20, 28)) },
      { labels: bomb(blankLabels(20)) },
      { testImages: bomb(blankImages(10, 28)), testLabels: labels(10) },
      { testImages: images(10), testLabels: bomb(blankLabels(10)) },
    ]) {
      await assert.rejects(loadExamples({ ...own, ...wrong }), /holds more than [\d,]+ bytes/);
    }
    const short = {
      ...own,
      testImages: images(10),
      testLabels: file('short', blankLabels(10).slice(0, 12)),
    };
    await assert.rejects(loadExamples(short), /damaged/);
  });

  it('are refused before they are read where all their copies have no room', async () => {
    const head = blankImages(0, 28);
    new DataView(head.buffer).setUint32(4, 900_000);
    const own = { images: file('large', head), labels: labels(20) };
    await assert.rejects(
      loadExamples(own, 8),
      /^Error: The images take 705\.60 MB, and each of the 8 workers and the server gets a copy/,
    );
  });

  it('are read whole, with their own tests or without', async () => {
    const own = { images: images(20), labels: labels(20) };
    const { labels: most, testLabels: fifth } = await loadExamples(own);
    assert.deepEqual([most.length, fifth.length], [8 + 16, 8 + 4]);
    const tests = { testImages: images(10), testLabels: labels(10) };
    const apart = await loadExamples({ ...own, ...tests });
    assert.deepEqual([apart.labels.length, apart.testLabels.length], [8 + 20, 8 + 10]);
  });

  it('are recognized by content, compressed or not', async () => {
    const zipped = file('x.bin', gzip(blankLabels(20)));
    const found = await sortMnistFiles([zipped, images(20)]);
    assert.equal(found.count, 20);
    assert.equal(found.testCount, 0);
    assert.equal(found.files.labels, zipped);
  });

  it('are for training where there are more, in any order', async () => {
    const small = [images(30), labels(30)];
    const large = [labels(50), images(50)];
    const { files, count, testCount } = await sortMnistFiles([small[0], ...large, small[1]]);
    assert.deepEqual([count, testCount], [50, 30]);
    assert.deepEqual(
      [files.images, files.labels, files.testImages, files.testLabels],
      [large[1], large[0], ...small],
    );
  });

  it('are refused in a sentence that says what is missing or wrong', async () => {
    /** @param {...File} files */
    const refusal = (...files) =>
      sortMnistFiles(files).then(
        () => assert.fail('taken'),
        (/** @type {Error} */ error) => error.message,
      );
    assert.match(await refusal(images(20)), /“images-20” holds 20 images.*file of their labels/);
    assert.match(await refusal(labels(20)), /“labels-20” holds 20 labels.*file of their images/);
    assert.match(await refusal(images(20), labels(21)), /20 images/);
    assert.match(await refusal(file('cat.jpg', Uint8Array.of(0xff, 0xd8))), /“cat.jpg” is not one/);
    assert.match(await refusal(file('empty', new Uint8Array(0))), /“empty” is not one/);
    assert.match(await refusal(file('a', blankImages(20, 32)), labels(20)), /32 × 32/);
    assert.match(await refusal(file('cut', blankLabels(20).slice(0, 6))), /“cut” is damaged/);
    const damaged = gzip(blankLabels(5000)).slice(0, 12);
    damaged.fill(0x55, 10);
    assert.match(await refusal(file('d.gz', damaged)), /“d.gz” (cannot be read|is not one)/);
    const three = [20, 30, 40].flatMap((count) => [images(count), labels(count)]);
    assert.match(await refusal(...three), /3 pairs/);
  });

  it('are read whole and by their heads', async () => {
    const bytes = Uint8Array.from({ length: 5000 }, (_, index) => index);
    assert.deepEqual(await readWhole(file('a', bytes)), bytes);
    assert.deepEqual(await readWhole(file('a', gzip(bytes))), bytes);
    assert.deepEqual(await readHead(file('a', gzip(bytes)), 3), bytes.slice(0, 3));
    assert.equal((await readHead(file('a', bytes.slice(0, 2)), 16)).length, 2);
  });
});

describe('examples', () => {
  it('are split with the last fifth for testing', () => {
    const all = blankImages(10, 2);
    all.forEach((_, index) => index >= 16 && (all[index] = index - 16));
    const numbers = blankLabels(10);
    for (let index = 0; index < 10; ++index) numbers[8 + index] = index;
    const split = splitExamples(all, numbers);
    assert.deepEqual(
      [...split.images.slice(0, 16)],
      [0, 0, 8, 3, 0, 0, 0, 8, 0, 0, 0, 2, 0, 0, 0, 2],
    );
    assert.deepEqual(
      [...split.images.slice(16)],
      Array.from({ length: 32 }, (_, index) => index),
    );
    assert.deepEqual([...split.testImages.slice(16)], [32, 33, 34, 35, 36, 37, 38, 39]);
    assert.deepEqual([...split.testLabels], [0, 0, 8, 1, 0, 0, 0, 2, 8, 9]);
    assert.equal(split.labels.length, 16);
  });

  it('have the labels that a shard has, each once', () => {
    const labels = blankLabels(4);
    labels.set([7, 2, 7, 1], 8);
    assert.deepEqual(labelsOf(labels, Uint32Array.of(0, 2)), [7]);
    assert.deepEqual(labelsOf(labels, Uint32Array.of(0, 1, 2, 3)), [1, 2, 7]);
  });
});
