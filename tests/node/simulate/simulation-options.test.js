// SPDX-License-Identifier: Apache-2.0

/** What a simulation is asked for: options, data, checksums. */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { COMPRESSORS, MODELS, Simulation } from '../../../web/lib/index.js';
import { crc32 } from '../../../web/lib/core/crc32.js';
import { checkData, loadData } from '../../../web/lib/learn/data.js';
import { checkOptions, optionsOf } from '../../../web/lib/coordinate/options.js';
import { dataPath, noData } from '../../../scripts/common/data.js';

const folder = mkdtempSync(join(tmpdir(), 'lowtropy-data-'));
after(() => rmSync(folder, { recursive: true }));

describe('simulation: options', () => {
  /** @type {Array<[options: any, message: RegExp]>} */
  const wrong = [
    [7, /^A simulation must be an object, not 7\.$/],
    [{ worker: 3 }, /^A simulation has no "worker"; there are model, data, workers, /],
    [{ model: 'vgg' }, /^The model must be one of mlp, lenet5, resnet8, charlstm, not "vgg"\.$/],
    [{ model: 'charlstm' }, /^The model charlstm reads text, not images\.$/],
    [{ model: 'mlp', data: { text: new Uint8Array(9) } }, /^The model mlp reads images, not text/],
    [
      { data: 'cifar' },
      /^The data must be digits, digits:N, mnist:FOLDER or text:FILE, not "cifar"/,
    ],
    [{ data: 'mnist:' }, /^The data must be digits, /],
    [
      { data: 'digits:many' },
      /^The number of digits must be a whole number from 5 to 1000000, not N/,
    ],
    [
      { data: { images: 'x' } },
      /^The data's images must be a Uint8Array or other bytes, not a string\.$/,
    ],
    [{ data: { images: new Uint8Array(1) } }, /^The data's labels must be a Uint8Array or other /],
    [{ data: { pictures: 1 } }, /^The data has no "pictures"; there are digits, /],
    [
      { data: { text: new Uint8Array(9), steps: 0 } },
      /^The steps of a text must be a whole number /,
    ],
    [{ workers: 0 }, /^The number of workers must be a whole number from 1 to 256, not 0\.$/],
    [{ workers: 1.5 }, /^The number of workers must be .* not 1\.5\.$/],
    [{ batch: 0 }, /^The batch must be a whole number from 1 to /],
    [{ delay: 0 }, /^The delay must be a whole number from 1 to .*, not 0\.$/],
    [{ delay: '10' }, /^The delay must be a whole number/],
    [{ compressor: 'zip' }, /^There is no compressor "zip"; there are none, fp16, .* and sbc\.$/],
    [{ compressor: 3 }, /^The compressor must be a name or an object, not 3\.$/],
    [
      { compressor: { name: 'sbc', sparsity: 0 } },
      /^The sparsity must be a number above 0 and up to 1/,
    ],
    [{ compressor: { name: 'sbc', sparsity: 1.1 } }, /^The sparsity must be .* not 1\.1\.$/],
    [{ compressor: { name: 'sbc', sparsity: NaN } }, /sparsity.* must be a number/],
    [{ compressor: { name: 'qsgd', levels: 0 } }, /^The number of levels must be .* not 0\.$/],
    [{ compressor: { name: 'qsgd', levels: 65536 } }, /^The number of levels must be .* 65536\.$/],
    [{ compressor: { name: 'qsgd', bucket: 0 } }, /^The bucket must be a whole number from 1/],
    [{ compressor: { name: 'signsgd', step: 0 } }, /^The step must be a number from 1e-38 to/],
    [{ compressor: { name: 'terngrad', clip: -1 } }, /^The clip must be a number from 0 to 1e38/],
    [{ maxDataBytes: 0 }, /^The most bytes of data must be a whole number from 1 to .* not 0\.$/],
    [{ compressor: { name: 'sbc', share: 1 } }, /^Compressors have no option "share"; there are /],
    [
      { compressor: { name: 'topk', momentum: 1 } },
      /^The momentum must be a number from 0 to below 1/,
    ],
    [{ optimizer: { name: 'rms' } }, /^The optimizer must be one of sgd, adam, not "rms"\.$/],
    [{ optimizer: 'sgd' }, /^The optimizer must be an object, not "sgd"\.$/],
    [
      { optimizer: { name: 'sgd', learningRate: 0 } },
      /^The learning rate must be a number above 0/,
    ],
    [
      { optimizer: { name: 'sgd', momentum: -1 } },
      /^The momentum must be a number from 0 to below 1/,
    ],
    [
      { optimizer: { name: 'sgd', weightDecay: -1 } },
      /^The weight decay must be a number of at least/,
    ],
    [{ optimizer: { name: 'sgd', rate: 1 } }, /^The optimizer has no "rate"; there are name, /],
    [
      { optimizer: { name: 'adam', momentum: 0.9 } },
      /^Adam has no momentum to set; leave it out\.$/,
    ],
    [
      { optimizer: { schedule: {} } },
      /^The schedule must have either steps, an array, or cosine, a number\.$/,
    ],
    [{ optimizer: { schedule: { steps: [5, 5] } } }, /^The steps of a schedule must rise\.$/],
    [
      { optimizer: { schedule: { cosine: 0 } } },
      /^The length of the schedule's cosine must be a whole number/,
    ],
    [{ downstream: 'back' }, /^The downstream must be one of forward, recompress, not "back"\.$/],
    [
      { compressor: 'signsgd', downstream: 'forward' },
      /^The compressor signsgd is a majority vote, .* its downstream must be recompress\.$/,
    ],
    [
      { split: 'labels:0' },
      /^The split must be iid or labels:C, C classes per worker, not "labels:0"/,
    ],
    [{ split: 2 }, /^The split must be iid or labels:C/],
    [{ participation: 0 }, /^The participation must be a number above 0 and up to 1, not 0\.$/],
    [{ participation: 2 }, /^The participation must be .* not 2\.$/],
    [{ timeout: 0 }, /^The time limit must be a number of milliseconds from 1 to .*, not 0\.$/],
    [{ link: 5 }, /^The link must be an object, not 5\.$/],
    [
      { link: { up: 0, down: 1 } },
      /^The link: up must be a number of bits per second above 0, not 0/,
    ],
    [
      { link: { up: 1 } },
      /^The link: down must be a number of bits per second above 0, not undefined/,
    ],
    [
      { link: { up: 1, down: 1, latency: -1 } },
      /^The link: latency must be a number of seconds from 0/,
    ],
    [
      { link: { up: 1, down: 1, ping: 1 } },
      /^The link has no "ping"; there are up, down, latency\.$/,
    ],
    [
      { link: [{ up: 1, down: 1 }] },
      /^There must be one link, or one for each of the 4 workers, not 1/,
    ],
    [
      { workers: 2, link: [{ up: 1, down: 1 }, { up: 1 }] },
      /^The link of worker 1: down must be a number/,
    ],
    [{ stepSeconds: -1 }, /^The time of a step must be a number of at least 0, not -1\.$/],
    [{ seed: -1 }, /^The seed must be a whole number from 0 to 4294967295, not -1\.$/],
    [{ evaluateEvery: 0 }, /^The rounds between evaluations must be a whole number from 1/],
  ];
  for (const [options, message] of wrong) {
    test(`${message.source.slice(1, 40)}…`, () => {
      assert.throws(
        () => new Simulation(options),
        (error) => {
          assert(error instanceof Error);
          assert.equal(error.name, 'ValueError');
          assert.match(error.message, message);
          assert.match(error.message, /^[^\n]+\.$/, 'one sentence');
          return true;
        },
      );
    });
  }

  test('what is said and what is not gives the same when said again', () => {
    for (const options of /** @type {any[]} */ ([
      {},
      {
        compressor: { name: 'topk', sparsity: 0.001 },
        timeout: Infinity,
        link: { up: 1, down: 2 },
      },
      { compressor: 'signsgd', optimizer: { name: 'adam', beta1: 0.8 }, evaluateEvery: 3 },
      {
        optimizer: { name: 'sgd', schedule: { steps: [1, 2] } },
        timeout: 5,
        stepSeconds: 0,
        data: { digits: 50, seed: 3 },
      },
    ])) {
      const { settings, source } = checkOptions(options);
      const again = checkOptions(
        JSON.parse(JSON.stringify({ ...optionsOf(settings), data: options.data ?? 'digits' })),
      );
      assert.deepEqual(again.settings, settings);
      assert.deepEqual(again.source, source);
    }
  });

  test('momentum of topk is the compressor’s, unless it is said otherwise', () => {
    const { optimizer, compressor } = checkOptions({ compressor: 'topk' }).settings;
    assert.deepEqual([optimizer.momentum, compressor.options.momentum], [0, 0.9]);
    const other = checkOptions({ compressor: { name: 'topk', momentum: 0 } }).settings;
    assert.deepEqual([other.optimizer.momentum, other.compressor.options.momentum], [0.9, 0]);
  });

  test('every model and compressor is known', () => {
    for (const model of MODELS.filter((name) => name !== 'charlstm')) new Simulation({ model });
    for (const compressor of COMPRESSORS) new Simulation({ compressor });
    const text = { text: new Uint8Array(100) };
    assert.equal(checkOptions({ data: text }).settings.model, 'charlstm');
  });

  test('iterations', async () => {
    for (const iterations of [0, 1.5, '3', undefined]) {
      const run = new Simulation().run({ iterations: /** @type {any} */ (iterations) });
      await assert.rejects(
        run.next(),
        /^ValueError: The number of iterations must be a whole number/,
      );
    }
  });
});

describe('simulation: data', () => {
  const images = Uint8Array.of(0, 0, 8, 3, 1, 2, 3);
  const labels = Uint8Array.of(0, 0, 8, 1, 4, 5);

  test('bytes, gzip or not', async () => {
    const plain = await loadData(checkData({ images, labels }));
    const zipped = await loadData(
      checkData({ images: gzipSync(images), labels: Uint8Array.from(gzipSync(labels)).buffer }),
    );
    assert.deepEqual(plain.body, [images, labels]);
    assert.deepEqual(zipped, plain);
    const text = await loadData(checkData({ text: images, steps: 7 }));
    assert.deepEqual(text.spec, { kind: 'text', steps: 7 });
    const damaged = Uint8Array.from(gzipSync(images));
    damaged[15] ^= 255;
    await assert.rejects(
      loadData(checkData({ images: damaged, labels })),
      /^FileError: The data are damaged: they begin as gzip, but do not go on so\.$/,
    );
  });

  test('a folder of MNIST, with training files or without', async () => {
    const place = join(folder, 'mnist');
    mkdirSync(place);
    const load = async () => {
      const { body } = await loadData(checkData(`mnist:${place}`));
      return body.map((bytes) => Uint8Array.from(bytes));
    };
    await assert.rejects(load(), /^FileError: .* holds no t10k-images-idx3-ubyte, with \.gz or /);
    writeFileSync(join(place, 't10k-images-idx3-ubyte.gz'), gzipSync(images));
    writeFileSync(join(place, 't10k-labels-idx1-ubyte'), labels);
    assert.deepEqual(await load(), [images, labels]);
    writeFileSync(join(place, 'train-images-idx3-ubyte'), labels);
    await assert.rejects(load(), /^FileError: .* holds no train-labels-idx1-ubyte, with \.gz or /);
    writeFileSync(join(place, 'train-labels-idx1-ubyte.gz'), gzipSync(images));
    assert.deepEqual(await load(), [labels, images, images, labels]);
  });

  test('of bounded size, decompressed', async () => {
    const zeros = gzipSync(new Uint8Array(2e6));
    assert(zeros.length < 5000);
    const message =
      /^FileError: The data have more than 1000000 bytes, decompressed; the option maxDataBytes/;
    await assert.rejects(loadData(checkData({ text: zeros }), 1e6), message);
    const half = gzipSync(new Uint8Array(6e5));
    await assert.rejects(loadData(checkData({ images: half, labels: half }), 1e6), message);
    assert.equal((await loadData(checkData({ text: zeros }), 2e6)).body[0].length, 2e6);
    const { body } = await loadData(checkData({ text: zeros }));
    assert.equal(body[0].length, 2e6);
    const simulation = new Simulation({ data: { text: zeros }, maxDataBytes: 1e6 });
    await assert.rejects(simulation.start(), message);
    const file = join(folder, 'zeros');
    writeFileSync(file, new Uint8Array(2e6));
    await assert.rejects(loadData(checkData(`text:${file}`), 1e6), /zeros have more than 1000000 /);
    await assert.rejects(
      loadData(checkData('text:/dev/zero'), 1e6),
      /zero have more than 1000000 /,
    );
  });

  test('of a gzip that lies about its size', async () => {
    for (const size of [0, 5, 2 ** 32 - 1]) {
      const zipped = Uint8Array.from(gzipSync(images));
      new DataView(zipped.buffer).setUint32(zipped.length - 4, size, true);
      await assert.rejects(
        loadData(checkData({ text: zipped })),
        /^FileError: The data are damaged/,
      );
    }
    const two = Buffer.concat([gzipSync(images), gzipSync(labels)]);
    const { body } = await loadData(checkData({ text: two }));
    assert.deepEqual(Buffer.from(body[0]), Buffer.concat([images, labels]));
  });

  test('that are but pointers of Git LFS', async () => {
    const text = new TextEncoder().encode(
      'version https://git-lfs.github.com/spec/v1\noid sha256:0',
    );
    const pointer = join(folder, 'pointer');
    writeFileSync(pointer, text);
    for (const data of [`text:${pointer}`, { text }, { images, labels: text }]) {
      await assert.rejects(
        loadData(checkData(data)),
        /^FileError: The data( of .*pointer)? are a pointer of Git LFS, .* with "git lfs pull"\.$/,
      );
    }
  });

  test('have a checksum, whatever they are', async () => {
    const sources = [
      { digits: 100 },
      { digits: 101 },
      { digits: 100, seed: 2 },
      { text: images },
      { text: images, steps: 49 },
      { text: labels },
      { images, labels },
      { images: labels, labels: images },
      { images: images.subarray(0, 5), labels: Uint8Array.of(...images.subarray(5), ...labels) },
    ];
    const sums = await Promise.all(
      sources.map(async (source) => (await loadData(checkData(source))).checksum),
    );
    assert.equal(new Set(sums).size, sources.length);
    const again = await loadData(checkData('digits:100'));
    assert.equal(again.checksum, sums[0]);
    assert.equal((await loadData(checkData({ text: gzipSync(images) }))).checksum, sums[3]);
  });

  test('files that cannot be read', async () => {
    const missing = join(folder, 'missing');
    await assert.rejects(
      loadData(checkData(`text:${missing}`)),
      /^FileError: .*missing does not exist\.$/,
    );
    await assert.rejects(
      loadData(checkData(`text:${folder}`)),
      /^FileError: .* cannot be read: .*/,
    );
  });

  test('the real ones', { skip: noData }, async () => {
    const mnist = await loadData(checkData(`mnist:${dataPath('mnist')}`));
    assert.deepEqual(
      mnist.body.map(({ length }) => length),
      [16 + 10_000 * 784, 8 + 10_000],
    );
    const text = await loadData(checkData(`text:${dataPath('text', 'tinyshakespeare.txt')}`));
    assert.equal(text.body[0].length, 1_115_394);
  });

  test('their checksum is that of gzip, piece by piece too', () => {
    const bytes = new TextEncoder().encode('123456789');
    assert.equal(crc32(bytes), 0xcbf43926);
    assert.equal(crc32(bytes.subarray(4), crc32(bytes.subarray(0, 4))), 0xcbf43926);
    assert.equal(crc32(new Uint8Array()), 0);
  });
});
