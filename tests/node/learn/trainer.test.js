// SPDX-License-Identifier: Apache-2.0

/** Data sets and trainers as a user of the package has them. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';

import {
  Compressor,
  Dataset,
  DisposedError,
  FileError,
  LowtropyError,
  Matrix,
  MemoryError,
  Model,
  ShapeError,
  Trainer,
  ValueError,
  decodeMessage,
  initTraining,
} from '../../../web/lib/index.js';
import { prune, quantize } from '../../../web/lib/compress/quantize.js';
import { noData, readData } from '../../../scripts/common/data.js';
import { formatsOfAll } from '../../support/formats.js';
import { chooseSeed, makeRandom } from '../../support/random.js';

/**
 * @typedef {import('../../../web/lib/learn/trainer.js').ModelName} ModelName
 * @typedef {import('../../../web/lib/learn/trainer.js').TrainerOptions} TrainerOptions
 */

/** @type {Dataset} */
let digits;
/** @type {Dataset} */
let text;

before(async () => {
  await initTraining();
  digits = Dataset.digits({ count: 300, seed: 1 });
  text = Dataset.text(new TextEncoder().encode('to be or not to be, '.repeat(60)), { steps: 10 });
});
after(() => {
  digits.dispose();
  text.dispose();
});

/**
 * @param {() => unknown} work
 * @param {new (...args: any[]) => Error} type
 * @param {RegExp} message
 */
function refuses(work, type, message) {
  assert.throws(work, (error) => {
    assert(error instanceof type && error instanceof LowtropyError, `${error}`);
    assert.match(error.message, message);
    assert.match(error.message, /^[A-Z\d"].*\.$/, 'one sentence');
    return true;
  });
}

/**
 * A trainer that is disposed of in the end.
 *
 * @template T
 * @param {Partial<TrainerOptions>} options
 * @param {(trainer: Trainer) => T} work
 * @returns {T}
 */
function withTrainer(options, work) {
  const trainer = new Trainer({
    model: 'mlp',
    data: digits,
    batch: 16,
    optimizer: { learningRate: 0.05, momentum: 0.9 },
    ...options,
  });
  try {
    return work(trainer);
  } finally {
    trainer.dispose();
  }
}

/**
 * @param {Trainer} trainer
 * @param {string} name
 * @param {object} [options]
 */
const compressorFor = (trainer, name, options) =>
  new Compressor(
    /** @type {import('../../../web/lib/updates/compressor.js').MethodName} */ (name),
    options,
    trainer.layout,
  );

describe('data sets', () => {
  test('digits depend on the seed only', () => {
    const same = Dataset.digits({ count: 5, seed: 1 });
    const other = Dataset.digits({ count: 5, seed: 2 });
    assert.deepEqual(same.example(4), digits.example(4));
    assert.notDeepEqual(other.example(4).inputs, digits.example(4).inputs);
    assert.deepEqual(digits.shape, { channels: 1, height: 28, width: 28, steps: 0, classes: 10 });
    assert.equal(digits.example(17).labels[0], 7);
    assert.equal(digits.size, 300);
    same.dispose();
    other.dispose();
  });

  test('a slice shares the examples and outlives what it is of', () => {
    const all = Dataset.digits({ count: 20, seed: 1 });
    const part = all.slice(5, 10);
    all.dispose();
    assert.equal(part.size, 10);
    assert.deepEqual(part.example(3), digits.example(8));
    refuses(() => part.slice(5, 6), ValueError, /./);
    refuses(() => part.example(10), ValueError, /from 0 to 9, not 10/);
    part.dispose();
    assert.throws(() => part.size, DisposedError);
  });

  test('texts are the numbers of their characters', () => {
    const small = Dataset.text(new TextEncoder().encode('abcabcab'), { steps: 3 });
    assert.equal(small.size, 2);
    assert.equal(small.classes, 3);
    assert.deepEqual([...small.example(1).inputs], [0, 1, 2]);
    assert.deepEqual([...small.example(1).labels], [1, 2, 0]);
    small.dispose();
    refuses(() => Dataset.text(new Uint8Array(3), { steps: 3 }), ValueError, /./);
    refuses(() => Dataset.text(new Uint8Array(3), { steps: 0 }), ValueError, /steps/);
  });

  test('IDX files that are none are refused', () => {
    refuses(() => Dataset.idx(new Uint8Array(20), new Uint8Array(20)), FileError, /./);
    refuses(() => Dataset.idx(/** @type {any} */ ('x'), new Uint8Array(2)), ValueError, /images/);
  });

  test('shards hold each example once', () => {
    const shards = digits.shards(4, 'iid', 3);
    assert.deepEqual(
      shards.flatMap((shard) => [...shard]).sort((a, b) => a - b),
      Array.from({ length: 300 }, (_, i) => i),
    );
    assert.deepEqual(digits.shards(4, 'iid', 3), shards);
    for (const shard of digits.shards(5, 'labels:2')) {
      const labels = new Set([...shard].map((example) => digits.example(example).labels[0]));
      assert.equal(labels.size, 2);
    }
    refuses(() => digits.shards(4, 'labels:0'), ValueError, /iid or labels:C/);
    refuses(() => digits.shards(301), ValueError, /./);
    refuses(() => digits.shards(0), ValueError, /workers/);
  });
});

describe('learning', () => {
  for (const model of /** @type {ModelName[]} */ (['mlp', 'lenet5', 'resnet8', 'charlstm'])) {
    test(`${model} learns, and goes on to the same bits when restored`, () => {
      const data = model === 'charlstm' ? text : digits;
      /** @type {Partial<TrainerOptions>} */
      const options = {
        model,
        data,
        optimizer: { name: 'adam', learningRate: 0.003, clipNorm: 5 },
      };
      withTrainer(options, (trainer) => {
        const start = trainer.evaluate({ limit: 64 });
        assert.equal(start.examples, 64);
        trainer.step(40);
        const saved = trainer.save();
        const { loss } = trainer.step(3);
        withTrainer(options, (restored) => {
          restored.restore(saved);
          assert.equal(restored.steps, 40);
          assert.equal(restored.step(3).loss, loss);
          assert.deepEqual(restored.save(), trainer.save());
        });
        trainer.calibrate(8);
        const end = trainer.evaluate({ limit: 64 });
        assert(end.loss < 0.6 * start.loss, `${start.loss} ${end.loss}`);
        assert(end.accuracy > start.accuracy);
      });
    });
  }

  test('the weights are flat, in the order of their names', () => {
    withTrainer({ model: 'lenet5' }, (trainer) => {
      const names = Object.keys(trainer.layout);
      assert.deepEqual(names, [...names].sort());
      assert.equal(trainer.weightCount, 431080);
      assert.equal(trainer.layout['conv2.weight'], 25000);
      const weights = trainer.weights();
      assert.equal(weights.length, trainer.weightCount);
      assert(
        weights.subarray(0, 20).every((value) => value === 0),
        'conv1.bias',
      );
      assert(weights.subarray(20, 520).every((value) => value !== 0 && Math.abs(value) <= 0.35));
    });
  });

  test('initial weights depend on the seed, not on the stream', () => {
    const weights = [{}, { stream: 1 }, { seed: 2 }].map((options) =>
      withTrainer(options, (trainer) => trainer.weights()),
    );
    assert.deepEqual(weights[0], weights[1]);
    assert.notDeepEqual(weights[0], weights[2]);
  });

  test('the weights can be set', () => {
    withTrainer({}, (trainer) => {
      const weights = trainer.weights();
      trainer.step(1);
      trainer.setWeights(weights);
      assert.deepEqual(trainer.weights(), weights);
      refuses(() => trainer.setWeights(weights.subarray(1)), ShapeError, /266610 values/);
    });
  });

  test('only the shard is learned from', () => {
    const shard = Uint32Array.of(3, 4);
    withTrainer({ shard }, (trainer) => {
      trainer.step(30);
      const outputs = trainer.predict(digits, shard);
      assert(outputs[3] > 3 && outputs[10 + 4] > 3);
    });
  });

  test('a trainer keeps the data that it needs', () => {
    const data = Dataset.digits({ count: 32, seed: 5 });
    withTrainer({ data }, (trainer) => {
      data.dispose();
      trainer.step(2);
      assert.equal(trainer.evaluate().examples, 32);
    });
  });

  test('many trainers leave no memory behind', () => {
    const size = () => {
      const trainer = new Trainer({ model: 'mlp', data: digits, batch: 64 });
      trainer.step(1);
      const bytes = trainer.native.weights().buffer.byteLength;
      trainer.dispose();
      return bytes;
    };
    size();
    const first = size();
    for (let i = 0; i < 30; ++i) assert.equal(size(), first);
  });

  test('a trainer cannot be used after its dispose', () => {
    const trainer = new Trainer({ model: 'mlp', data: digits });
    trainer.dispose();
    trainer.dispose();
    assert.throws(() => trainer.step(), DisposedError);
    assert.throws(() => trainer.evaluate(), DisposedError);
  });
});

test('digits drawn from a seed teach to read those of people', { skip: noData }, (t) => {
  const read = (/** @type {string} */ name) => gunzipSync(readData('mnist', name));
  const drawn = Dataset.digits({ count: 8000, seed: 1 });
  const people = Dataset.idx(read('t10k-images-idx3-ubyte.gz'), read('t10k-labels-idx1-ubyte.gz'));
  const optimizer = { learningRate: 0.05, momentum: 0.9, schedule: { cosine: 500 } };
  const trainer = new Trainer({ model: 'mlp', data: drawn, batch: 64, optimizer });
  try {
    trainer.step(500);
    const { accuracy, examples } = trainer.evaluate({ data: people });
    t.diagnostic(`${(100 * accuracy).toFixed(2)} % of ${examples} digits of MNIST`);
    assert.equal(examples, 10000);
    assert(accuracy >= 0.7, `${accuracy}`);
  } finally {
    for (const handle of [trainer, people, drawn]) handle.dispose();
  }
});

describe('what cannot be is refused', () => {
  /** @type {[string, object, new (...args: any[]) => Error, RegExp][]} */
  const cases = [
    ['an unknown model', { model: 'vgg' }, ValueError, /no model "vgg"; there are mlp,/],
    ['no model', { model: undefined }, ValueError, /model/],
    ['charlstm on images', { model: 'charlstm' }, ValueError, /reads text, not images/],
    ['no data', { data: {} }, ValueError, /must be a Dataset/],
    ['a batch of 0', { batch: 0 }, ValueError, /batch/],
    ['an empty shard', { shard: new Uint32Array(0) }, ValueError, /at least 1 example/],
    ['examples that are not there', { shard: Uint32Array.of(300) }, ValueError, /example 300/],
    ['a shard of another type', { shard: [1] }, ValueError, /Uint32Array/],
    ['a seed below 0', { seed: -1 }, ValueError, /seed/],
    ['an unknown option', { rate: 1 }, ValueError, /no "rate"; there are model,/],
    ['an unknown optimizer', { optimizer: { name: 'rms' } }, ValueError, /sgd, adam, not "rms"/],
    ['a rate of 0', { optimizer: { learningRate: 0 } }, ValueError, /learning rate/],
    ['a rate of NaN', { optimizer: { learningRate: NaN } }, ValueError, /learning rate/],
    ['a momentum of 1', { optimizer: { momentum: 1 } }, ValueError, /momentum/],
    ['an unknown part', { optimizer: { nesterov: true } }, ValueError, /no "nesterov"/],
    ['a falling schedule', { optimizer: { schedule: { steps: [2, 1] } } }, ValueError, /rise/],
    ['no schedule', { optimizer: { schedule: {} } }, ValueError, /either steps/],
    ['a cosine of 0', { optimizer: { schedule: { cosine: 0 } } }, ValueError, /cosine/],
  ];
  for (const [name, options, type, message] of cases) {
    test(name, () => refuses(() => withTrainer(options, () => {}), type, message));
  }

  test('calls', () => {
    withTrainer({}, (trainer) => {
      refuses(() => trainer.step(0), ValueError, /steps/);
      refuses(() => trainer.evaluate({ data: text }), ShapeError, /another shape/);
      refuses(() => trainer.evaluate({ limit: -1 }), ValueError, /limit/);
      refuses(() => trainer.calibrate(0), ValueError, /batches/);
      refuses(() => trainer.predict(digits, [300]), ValueError, /example 300/);
      for (const example of [-1, 1.5, NaN, 2 ** 32]) {
        refuses(() => trainer.predict(digits, [example]), ValueError, /An example must be a whole/);
      }
      refuses(() => trainer.predict(digits, /** @type {any} */ (3)), ValueError, /an array of/);
      refuses(() => trainer.predict(digits, new Array(17).fill(0)), ShapeError, /at most 16/);
    });
  });

  test('saved states of others, and damaged ones', () => {
    withTrainer({ batch: 8 }, (other) => {
      withTrainer({}, (trainer) => {
        trainer.step(1);
        const before = trainer.save();
        const damaged = before.slice();
        damaged[1000] ^= 1;
        refuses(() => trainer.restore(other.save()), FileError, /batches of 8 examples, not of 16/);
        refuses(() => trainer.restore(damaged), FileError, /checksum/);
        refuses(() => trainer.restore(before.slice(0, 50)), FileError, /too short/);
        refuses(() => trainer.restore(/** @type {any} */ ('x')), ValueError, /Uint8Array/);
        assert.deepEqual(trainer.save(), before);
      });
    });
  });
});

describe('a data set that asks for much', () => {
  /**
   * @param {number} height
   * @param {number} width
   * @param {number} [count]
   */
  function grey(height, width, count = 1) {
    const images = new Uint8Array(16 + count * height * width);
    [0x803, count, height, width].forEach((word, i) =>
      new DataView(images.buffer).setUint32(4 * i, word),
    );
    return Dataset.idx(
      images,
      Uint8Array.of(0, 0, 8, 1, 0, 0, 0, count, ...new Array(count).fill(3)),
    );
  }

  test('is refused with its sum before memory is taken', () => {
    const before = process.memoryUsage().rss;
    for (const [model, height, width, batch] of /** @type {const} */ ([
      ['mlp', 3784, 3784, 1], // 300 x pixels are 2^32 + 629,504
      ['mlp', 1, 4096, 2 ** 31 - 1],
      ['mlp', 4096, 4096, 256], // batch x pixels are 2^32
      ['lenet5', 4096, 4096, 1],
      ['lenet5', 16, 16, 2 ** 31 - 1],
      ['resnet8', 4096, 4096, 1],
      ['resnet8', 4096, 256, 64],
    ])) {
      const data = grey(height, width);
      const make = () => new Trainer({ model, data, batch });
      const found = new RegExp(
        `^The model ${model} is too large for images of ${height} x ${width} pixels in batches of ` +
          `${batch}: .*(more than memory has room for|bytes are needed, and 2147483648 are allowed)`,
      );
      refuses(make, MemoryError, found);
      data.dispose();
    }
    assert(process.memoryUsage().rss - before < 3e8);
  });

  test('is learned from where it fits, and what fits is an option', () => {
    const data = grey(20, 30);
    new Trainer({ model: 'mlp', data, batch: 1 }).dispose();
    const make = (/** @type {any} */ maxMemory) => () =>
      new Trainer({ model: 'mlp', data, batch: 1, maxMemory });
    refuses(make(1e6), MemoryError, / \d+ bytes are needed, and 1000000 are allowed\b/);
    for (const wrong of [0, 1.5, -1, NaN, '1']) {
      refuses(make(wrong), ValueError, /maxMemory must be a whole number/);
    }
    data.dispose();
  });
});

describe('numbers that float32 does not hold', () => {
  test('are refused by name', () => {
    for (const [name, wrong, what] of /** @type {const} */ ([
      ['learningRate', 1e300, /learning rate must be .* float32 too, where 1e\+300 is Infinity/],
      ['learningRate', 1e-60, /learning rate must be .* float32 too, where 1e-60 is 0/],
      ['momentum', 0.99999999999, /momentum must be .* below 1, as float32 too/],
      ['momentum', 1e-60, /momentum/],
      ['weightDecay', 1e39, /weight decay/],
      ['weightDecay', 1e-46, /weight decay/],
      ['clipNorm', 1e39, /norm/],
      ['beta1', 0.99999999999, /Beta 1/],
      ['beta2', 1e-60, /Beta 2/],
      ['epsilon', 1e-46, /Epsilon/],
    ])) {
      const optimizer = { name: /beta|eps/.test(name) ? 'adam' : 'sgd', [name]: wrong };
      const make = () => withTrainer({ optimizer: /** @type {any} */ (optimizer) }, () => {});
      refuses(make, ValueError, what);
    }
    const schedule = { steps: [1], factor: 1e-60 };
    refuses(() => withTrainer({ optimizer: { schedule } }, () => {}), ValueError, /factor/);
  });
});

describe('rounds', () => {
  test('saved at any moment, a trainer goes on as one that never was', () => {
    const seed = chooseSeed();
    const random = makeRandom(seed);
    for (const name of /** @type {const} */ (['sgd', 'adam'])) {
      const optimizer = { name, learningRate: 0.01, schedule: { steps: [3, 9], factor: 0.5 } };
      withTrainer({ optimizer }, (twin) => {
        withTrainer({ optimizer }, (saved) => {
          const compressors = [twin, saved].map((each) =>
            compressorFor(each, 'topk', { sparsity: 0.01, momentumMask: true }),
          );
          for (let step = 0; step < 30; ++step) {
            const chance = random();
            const both = [twin, saved].map((trainer, i) => {
              if (chance < 0.2) return trainer.beginRound();
              if (chance < 0.5) return trainer.step(1);
              if (chance < 0.6) return trainer.setScheduleStep(Math.floor(40 * chance));
              if (chance < 0.7) return trainer.evaluate({ limit: 20 });
              try {
                const message = trainer.encode(compressors[i], { round: step });
                trainer.apply(message, 0.5);
                return message;
              } catch (error) {
                assert.match(String(error), /must begin/);
                return 'no round';
              }
            });
            assert.deepEqual(both[0], both[1], `seed ${seed}`);
            if (random() < 0.5) {
              const state = saved.save();
              saved.step(2);
              saved.beginRound();
              saved.restore(state);
            }
            assert.deepEqual(saved.save(), twin.save(), `seed ${seed}`);
            assert.deepEqual(saved.weights(), twin.weights());
          }
          for (const compressor of compressors) compressor.dispose();
        });
      });
    }
  });

  test('an update becomes a message, and the message moves the weights', () => {
    withTrainer({}, (trainer) => {
      const before = trainer.weights();
      const compressor = compressorFor(trainer, 'none');
      trainer.beginRound();
      trainer.step(3);
      const moved = trainer.weights();
      const message = trainer.encode(compressor, { round: 2, sender: 5 });
      assert.deepEqual(trainer.weights(), before);
      const { round, sender, tensors } = decodeMessage(message);
      assert.deepEqual([round, sender], [2, 5]);
      assert.deepEqual(Object.keys(tensors), Object.keys(trainer.layout));
      trainer.apply(message);
      const after = trainer.weights();
      const worst = after.reduce((most, value, i) => Math.max(most, Math.abs(value - moved[i])), 0);
      assert(worst < 1e-6, `${worst}`);
      compressor.dispose();
    });
  });

  test('workers that apply the same messages have the same weights', () => {
    withTrainer({ stream: 1 }, (first) => {
      withTrainer({ stream: 2 }, (second) => {
        const messages = [first, second].map((trainer) => {
          const compressor = compressorFor(trainer, 'sbc', { sparsity: 0.01 });
          trainer.beginRound();
          trainer.step(3);
          const message = trainer.encode(compressor);
          compressor.dispose();
          return message;
        });
        for (const trainer of [first, second]) {
          for (const message of messages) trainer.apply(message, 0.5);
        }
        assert.notDeepEqual(messages[0], messages[1]);
        assert.deepEqual(first.weights(), second.weights());
      });
    });
  });

  test('the momentum of what was sent is cleared on request', () => {
    // What the next step, with gradients as they were, moves weights by is mostly momentum.
    const moves = [false, true].map((momentumMask) =>
      withTrainer({ optimizer: { learningRate: 0.01, momentum: 0.9 } }, (trainer) => {
        const compressor = compressorFor(trainer, 'sbc', { sparsity: 1, momentumMask });
        trainer.beginRound();
        trainer.step(20);
        trainer.encode(compressor);
        compressor.dispose();
        const before = trainer.weights();
        trainer.step(1);
        return trainer.weights().reduce((sum, value, i) => sum + Math.abs(value - before[i]), 0);
      }),
    );
    assert(moves[1] < 0.6 * moves[0], `${moves}`);
  });

  test('what cannot be sent or applied leaves all as it was', () => {
    withTrainer({}, (trainer) => {
      const compressor = compressorFor(trainer, 'sbc');
      const other = new Compressor('sbc', {}, { w: 10 });
      refuses(() => trainer.encode(compressor), ValueError, /must begin/);
      trainer.beginRound();
      trainer.step(1);
      const moved = trainer.weights();
      refuses(() => trainer.encode(other), ShapeError, /other tensors/);
      refuses(() => trainer.encode(/** @type {any} */ ({})), ValueError, /Compressor/);
      refuses(() => trainer.encode(compressor, { round: -1 }), ValueError, /round/);
      const broken = moved.slice();
      broken[7] = NaN;
      trainer.setWeights(broken);
      refuses(() => trainer.encode(compressor), ValueError, /NaN|finite/i);
      assert.deepEqual(trainer.weights(), broken);
      trainer.setWeights(moved);
      const message = trainer.encode(compressor);
      refuses(() => trainer.encode(compressor), ValueError, /must begin/);

      const weights = trainer.weights();
      const damaged = message.slice();
      damaged[damaged.length >> 1] ^= 4;
      refuses(() => trainer.apply(damaged), FileError, /./);
      refuses(() => trainer.apply(other.encode({ w: new Float32Array(10) })), ShapeError, /./);
      for (const scale of [NaN, 1e300, 1e-60]) {
        refuses(() => trainer.apply(message, scale), ValueError, /scale/);
      }
      // The last of the weights alone does not fit, and no other is touched.
      const huge = new Compressor('none', {}, trainer.layout);
      const update = Object.fromEntries(
        Object.entries(trainer.layout).map(([name, size]) => [
          name,
          new Float32Array(size).fill(1),
        ]),
      );
      const last = Object.keys(update).at(-1) ?? '';
      update[last][update[last].length - 1] = 3e38;
      const overflowing = huge.encode(update);
      refuses(() => trainer.apply(overflowing, 2), ValueError, /not applied.* NaN or infinite/);
      huge.dispose();
      assert.deepEqual(trainer.weights(), weights);
      compressor.dispose();
      other.dispose();
    });
  });
});

describe('a trained model as a Model', () => {
  for (const model of /** @type {ModelName[]} */ (['mlp', 'lenet5', 'resnet8'])) {
    test(`${model} has the same outputs`, async () => {
      const trainer = new Trainer({ model, data: digits, batch: 16 });
      trainer.step(5);
      trainer.calibrate(4);
      const { graph, tensors } = trainer.toGraph();
      const exported = await Model.fromGraph(graph, tensors);
      const examples = [0, 1, 2, 3, 4];
      const expected = trainer.predict(digits, examples);
      for (const example of examples) {
        const outputs = exported.run(digits.example(example).inputs);
        assert.equal(outputs.length, 10);
        outputs.forEach((value, i) => {
          const difference = Math.abs(value - expected[example * 10 + i]);
          assert(difference < 1e-4, `${example}, ${i}: ${difference}`);
        });
      }
      exported.dispose();
      trainer.dispose();
    });
  }

  test('charlstm has the same outputs, as a file too, and in every format', async () => {
    const trainer = new Trainer({ model: 'charlstm', data: text, batch: 16 });
    trainer.step(20);
    const { graph, tensors } = trainer.toGraph();
    assert.deepEqual(
      graph.nodes.map(({ op, name }) => `${op} ${name}`),
      ['embedding embedding', 'conv lstm_input', 'lstm lstm', 'conv fc'],
    );
    const model = await Model.fromGraph(graph, tensors);
    const file = model.save();
    assert.match(Buffer.from(file).toString('latin1', 8, 80), /"version":"2"/);
    const loaded = await Model.load(file);
    const models = [model, loaded, ...formatsOfAll(loaded).map((format) => loaded.to(format))];
    const [steps, { classes }] = [10, text];
    const examples = [0, 1, 2];
    const expected = trainer.predict(text, examples);
    for (const exported of models) {
      assert.deepEqual(exported.inputShape, [1, 1, steps, 1]);
      for (const example of examples) {
        const outputs = exported.run(text.example(example).inputs);
        assert.equal(outputs.length, classes * steps);
        outputs.forEach((value, i) => {
          const [label, step] = [Math.floor(i / steps), i % steps];
          const row = step * examples.length + example;
          const difference = Math.abs(value - expected[row * classes + label]);
          assert(difference < 1e-4, `${example}, step ${step}, ${label}: ${difference}`);
        });
      }
    }
    for (const exported of models) exported.dispose();
    trainer.dispose();
  });

  test('charlstm: what its layers take, and numbers that are no characters', async () => {
    const trainer = new Trainer({ model: 'charlstm', data: text, batch: 16 });
    const { graph, tensors } = trainer.toGraph({ prune: 0.7, values: 16 });
    const model = await Model.fromGraph(graph, tensors);
    const [embedding, input, lstm, fc] = model.layers;
    const { classes } = text;
    assert.deepEqual(
      [embedding, input, lstm, fc].map(({ op, rows, cols, columns, repeats, macs }) => [
        op,
        rows,
        cols,
        columns,
        repeats,
        macs,
      ]),
      [
        ['embedding', classes, 32, 0, 10, 0],
        ['conv', 512, 32, 10, 1, 512 * 32 * 10],
        ['lstm', 512, 128, 1, 10, 512 * 128 * 10],
        ['conv', classes, 128, 10, 1, classes * 128 * 10],
      ],
    );
    for (const { distinct, rows, cols, nnz } of model.layers) {
      assert(distinct <= 16);
      assert.equal(rows * cols - nnz, Math.floor(0.7 * rows * cols));
    }
    assert.equal(embedding.energyPj, 0);
    assert.equal(embedding.nanoseconds, 0);
    assert.equal(embedding.bytes, Math.min(...Object.values(embedding.bytesIn)));
    assert.match(embedding.why, /only looked up/);
    // A run makes ten products, which are predicted to take ten times as long as one.
    const matrix = Matrix.fromDense(
      /** @type {import('../../../web/lib/graph/graph.js').Tensor} */ (tensors.get(lstm.weight))
        .data,
      512,
      128,
      { format: lstm.format },
    );
    assert.equal(lstm.energyPj, 10 * matrix.cost().energyPj);
    const one = matrix.choice(1).candidates.find(({ format }) => format === lstm.format);
    assert.equal(lstm.nanoseconds, 10 * Number(one?.nanoseconds));
    matrix.dispose();

    const good = text.example(0).inputs;
    const before = model.run(good);
    const bad = good.slice();
    bad[3] = classes;
    refuses(
      () => model.run(bad),
      ValueError,
      new RegExp(`"embedding": its input at step 3 is ${classes}, not an integer from 0 to`),
    );
    assert.deepEqual(model.run(good), before);
    model.dispose();
    trainer.dispose();
  });

  test('pruned and quantized on request', () => {
    withTrainer({ model: 'lenet5' }, (trainer) => {
      const before = trainer.weights();
      const { tensors } = trainer.toGraph({ prune: 0.8, values: 16 });
      for (const [name, { kind, data }] of tensors) {
        const distinct = new Set(data).size;
        const zeros = data.filter((value) => value === 0).length;
        if (kind === 'matrix') {
          assert(distinct > 12 && distinct <= 16, `${name}: ${distinct}`);
          assert.equal(zeros, Math.floor(0.8 * data.length), name);
        }
      }
      assert.deepEqual(trainer.weights(), before, 'the trainer goes on with its own');
      assert.deepEqual(trainer.toGraph({ prune: 0.8, values: 16 }).tensors, tensors);
    });
  });

  test('not with options that cannot be', () => {
    withTrainer({}, (trainer) => {
      refuses(() => trainer.toGraph({ prune: 1 }), ValueError, /prune/);
      refuses(() => trainer.toGraph({ values: 1 }), ValueError, /from 2 to 256/);
      refuses(() => trainer.toGraph(/** @type {any} */ ({ sparse: 1 })), ValueError, /no "sparse"/);
      const broken = trainer.weights();
      broken[trainer.layout['fc1.bias']] = NaN;
      trainer.setWeights(broken);
      refuses(() => trainer.toGraph({ values: 4 }), ValueError, /diverged/);
    });
  });
});

describe('fewer different weights', () => {
  test('pruning takes the smallest magnitudes, the first of equal ones', () => {
    const data = Float32Array.of(3, -1, 1, 0, -2, 1);
    prune(data, 0.5);
    assert.deepEqual([...data], [3, 0, 0, 0, -2, 1]);
    prune(data, 0);
    assert.deepEqual([...data], [3, 0, 0, 0, -2, 1]);
  });

  test('clusters are found exactly where they are clear', () => {
    const data = Float32Array.of(1, 9, 1.5, 0, -4, 8.5, -4.5, 0);
    quantize(data, 4);
    assert.deepEqual([...data], [1.25, 8.75, 1.25, 0, -4.25, 8.75, -4.25, 0]);
  });

  test('data with few values stay as they are', () => {
    const data = Float32Array.of(1, 2, 0, -3, 2, -0);
    quantize(data, 4);
    assert.deepEqual(data, Float32Array.of(1, 2, 0, -3, 2, -0));
    const zeros = new Float32Array(3);
    quantize(zeros, 2);
    assert.deepEqual(zeros, new Float32Array(3));
  });

  test('every value is the nearest centre, and centres are means', () => {
    const random = makeRandom(5);
    const before = Float32Array.from({ length: 2000 }, () => random() + random() - random() - 0.5);
    for (const count of [2, 3, 16, 256]) {
      const data = before.slice();
      quantize(data, count);
      /** @type {Map<number, number[]>} */
      const clusters = new Map();
      data.forEach((centre, i) => {
        clusters.set(centre, [...(clusters.get(centre) ?? []), before[i]]);
      });
      assert(clusters.size <= count && clusters.size > count / 2);
      for (const [centre, members] of clusters) {
        const mean = members.reduce((sum, value) => sum + value, 0) / members.length;
        assert(Math.abs(mean - centre) < 0.02, `${count}: ${mean} ${centre}`);
        for (const value of members) {
          for (const other of clusters.keys()) {
            assert(Math.abs(value - centre) <= Math.abs(value - other) + 1e-6);
          }
        }
      }
    }
  });
});
