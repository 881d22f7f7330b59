// SPDX-License-Identifier: Apache-2.0

/** Several workers as real threads that learn together; see rounds.test.js for the rounds alone. */

import assert from 'node:assert/strict';
import { afterEach, before, describe, test } from 'node:test';

import {
  COMPRESSORS,
  Compressor,
  Dataset,
  Simulation,
  Trainer,
  initTraining,
} from '../../../web/lib/index.js';
import { dataPath, noData } from '../../../scripts/common/data.js';

/**
 * @typedef {import('../../../web/lib/index.js').Round} Round
 * @typedef {import('../../../web/lib/index.js').SimulationOptions} SimulationOptions
 */

/** @type {SimulationOptions} */
const SMALL = { model: 'mlp', data: { digits: 200 }, workers: 2, batch: 4, delay: 2, seed: 7 };

/** @type {Simulation[]} */
const open = [];
afterEach(() => Promise.all(open.splice(0).map((simulation) => simulation.dispose())));

/** @param {SimulationOptions} [options] */
function simulate(options) {
  const simulation = new Simulation({ ...SMALL, ...options });
  open.push(simulation);
  return simulation;
}

/**
 * @param {Uint8Array} checkpoint
 * @param {SimulationOptions} [overrides]
 */
async function resume(checkpoint, overrides) {
  const simulation = await Simulation.resume(checkpoint, overrides);
  open.push(simulation);
  return simulation;
}

/**
 * @param {Simulation} simulation
 * @param {number} iterations in all
 */
async function runTo(simulation, iterations) {
  /** @type {Round[]} */
  const rounds = [];
  for await (const round of simulation.run({ iterations })) rounds.push(round);
  return rounds;
}

/**
 * @param {Float32Array} one
 * @param {Float32Array} other
 */
function assertSameBits(one, other) {
  assert.deepEqual(new Uint32Array(one.buffer), new Uint32Array(other.buffer));
}

/** Everybody has the server's weights. @param {Simulation} simulation */
async function assertAgreed(simulation) {
  const server = await simulation.weights();
  assert.equal(server.length, simulation.weightCount);
  for (const [worker, status] of simulation.workers.entries()) {
    if (status === 'present') assertSameBits(await simulation.weights(worker), server);
  }
  return server;
}

/** @param {Simulation} simulation */
function timesOf({ totals: { seconds, simulatedSeconds } }) {
  return { seconds, simulatedSeconds };
}

/** @param {number[]} list */
const sum = (list) => list.reduce((total, value) => total + value, 0);

describe('simulation: what it computes', () => {
  before(() => initTraining());

  test('is what a Trainer and a Compressor do, message by message', async () => {
    const { model, batch, seed } = /** @type {Required<SimulationOptions>} */ (SMALL);
    const optimizer = /** @type {const} */ ({ name: 'sgd', learningRate: 0.1, momentum: 0.5 });
    const options = { sparsity: 0.02, momentumMask: true };
    const simulation = simulate({
      workers: 1,
      optimizer,
      compressor: { name: 'sbc', ...options },
    });
    const rounds = await runTo(simulation, 6);
    const digits = Dataset.digits({ count: 200, seed: 1 });
    const data = digits.slice(0, 160);
    const [shard] = data.shards(1, 'iid', seed);
    const trainer = new Trainer({ model, data, shard, batch, optimizer, seed, stream: 1 });
    const compressor = new Compressor('sbc', options, trainer.layout);
    for (const { round, loss, bytes } of rounds) {
      trainer.beginRound();
      assert.equal(trainer.step(2).loss, loss);
      const message = trainer.encode(compressor, { round, sender: 0 });
      trainer.apply(message, 1);
      assert.deepEqual(bytes, { up: [message.length], down: [message.length] });
    }
    assertSameBits(await assertAgreed(simulation), trainer.weights());
    const test = digits.slice(160, 40);
    const { loss, accuracy } = trainer.evaluate({ data: test });
    assert.deepEqual(await simulation.evaluate(), { testLoss: loss, accuracy });
    for (const handle of [test, data, digits, trainer, compressor]) handle.dispose();
  });

  test('everybody has the same weights, and every byte is counted', async () => {
    const simulation = simulate({ workers: 3, split: 'labels:4' });
    const rounds = await runTo(simulation, 5);
    await assertAgreed(simulation);
    for (const { bytes } of rounds) {
      assert.deepEqual(bytes.down, new Array(3).fill(sum(bytes.up)));
      assert(bytes.up.every((count) => count > 100 && count < 20_000));
    }
    const { totals } = rounds[2];
    assert.deepEqual(totals, simulation.totals);
    assert.equal(sum(totals.up), sum(rounds.map(({ bytes }) => sum(bytes.up))));
    const dense = 4 * simulation.weightCount * 5;
    assert.deepEqual(totals.denseUp, [dense, dense, dense]);
    assert.deepEqual(
      rounds.map(({ denseBytes }) => denseBytes),
      [2, 2, 1].map((steps) => 4 * simulation.weightCount * steps),
    );
    assert.equal(rounds[0].ratio, (3 * rounds[0].denseBytes) / sum(rounds[0].bytes.up));
  });

  test('equal seeds give equal weights, others do not', async () => {
    /** @type {Float32Array[]} */
    const weights = [];
    for (const seed of [3, 3, 4]) {
      const simulation = simulate({ seed });
      await runTo(simulation, 2);
      weights.push(await simulation.weights());
    }
    assertSameBits(weights[0], weights[1]);
    assert(weights[2].some((value, index) => value !== weights[0][index]));
  });

  for (const name of COMPRESSORS) {
    test(`with ${name}`, async () => {
      const downstream = ['fp16', 'stc', 'signsgd'].includes(name) ? 'recompress' : 'forward';
      const simulation = simulate({ compressor: name, downstream, delay: 1 });
      const [{ loss }, { ratio, bytes, lost, refused }] = await runTo(simulation, 2);
      assert.deepEqual([lost, refused], [[], []]);
      assert(Number(loss) > 1 && Number(loss) < 4, `${loss}`);
      assert(Number(ratio) > (/^(none|fedavg)$/.test(name) ? 0.99 : 1.9), `${ratio}`);
      if (downstream === 'recompress') assert(bytes.down[0] < sum(bytes.up));
      await assertAgreed(simulation);
    });
  }

  test('an update that is no number ends it, with the reason', async () => {
    const simulation = simulate({ optimizer: { name: 'sgd', learningRate: 1e30 } });
    await assert.rejects(
      runTo(simulation, 10),
      /^LowtropyError: There is no worker left\. .*(NaN|inf)/,
    );
  });

  test('options that only the threads can check', async () => {
    const data = { images: Uint8Array.of(1, 2, 3), labels: Uint8Array.of(4) };
    await assert.rejects(simulate({ data }).start(), /^FileError: /);
    await assert.rejects(
      simulate({ data: { digits: 5 }, workers: 9 }).start(),
      /^ValueError: .*\.$/,
    );
  });
});

describe('simulation: what is learned', () => {
  test('is more, from round to round', async () => {
    const simulation = simulate({ data: { digits: 1000 }, batch: 16, delay: 4, evaluateEvery: 5 });
    const rounds = await runTo(simulation, 40);
    const [half, full] = rounds.flatMap(({ accuracy }) => accuracy ?? []);
    assert(half > 0.2 && full > half && full > 0.5, `${half} ${full}`);
    assert(Number(rounds[9].loss) < Number(rounds[0].loss) - 0.5);
  });

  test('with batch normalization, whose statistics are the server’s', async () => {
    const simulation = simulate({ model: 'resnet8', data: { digits: 30 }, batch: 2, delay: 1 });
    const [round] = await runTo(simulation, 1);
    assert(Number(round.testLoss) > 0 && Number(round.testLoss) < 10, `${round.testLoss}`);
    await assertAgreed(simulation);
  });

  test('of a text', { skip: noData }, async () => {
    const simulation = simulate({
      model: undefined,
      data: `text:${dataPath('text', 'tinyshakespeare.txt')}`,
      optimizer: { name: 'adam', learningRate: 0.01, clipNorm: 5 },
      delay: 1,
      evaluateEvery: 100,
    });
    const { value } = await simulation.run({ iterations: 100 }).next();
    const { loss, accuracy } = /** @type {Round} */ (value);
    assert(Number(loss) > 3.5 && Number(loss) < 5, `${loss}`);
    assert.equal(accuracy, undefined);
    await assertAgreed(simulation);
  });

  test('runs as a model, pruned and quantized or not', async () => {
    await initTraining();
    const simulation = simulate();
    await runTo(simulation, 10);
    const { accuracy } = await simulation.evaluate();
    const [exact, small] = [
      await simulation.model(),
      await simulation.model({ prune: 0.9, values: 8, format: 'cser' }),
    ];
    const digits = Dataset.digits({ count: 200, seed: 1 });
    let right = 0;
    for (let index = 160; index < 200; ++index) {
      const { inputs, labels } = digits.example(index);
      const output = exact.run(inputs);
      right += output.indexOf(Math.max(...output)) === labels[0] ? 1 : 0;
    }
    assert.equal(right / 40, accuracy);
    for (const { distinct, p0, format } of small.layers) {
      assert(distinct <= 8 && p0 >= 0.89, `${distinct} ${p0}`);
      assert.equal(format, 'cser');
    }
    for (const handle of [digits, exact, small]) handle.dispose();
  });
});

describe('simulation: save and resume', () => {
  for (const options of /** @type {SimulationOptions[]} */ ([
    { compressor: { name: 'sbc', sparsity: 0.05, momentumMask: true } },
    {
      workers: 3,
      participation: 0.67,
      downstream: 'recompress',
      compressor: 'stc',
      optimizer: { name: 'adam' },
    },
    { compressor: { name: 'topk', sparsity: 0.01, momentumMask: true } },
    { compressor: 'qsgd', delay: 1 },
  ])) {
    test(JSON.stringify(options), async () => {
      const whole = simulate(options);
      await runTo(whole, 8);
      const begun = simulate(options);
      for await (const { iterations } of begun.run({ iterations: 8 })) if (iterations >= 4) break;
      const checkpoint = await begun.checkpoint();
      await begun.dispose();
      const resumed = await resume(checkpoint);
      assert.equal(resumed.iterations, 4);
      await runTo(resumed, 8);
      assertSameBits(await assertAgreed(resumed), await whole.weights());
      assert.deepEqual({ ...resumed.totals, ...timesOf(whole) }, whole.totals);
      const [one, other] = [await whole.evaluate(), await resumed.evaluate()];
      assert.deepEqual(one, other);
    });
  }

  test('a state that is not one of such workers is refused', async () => {
    const simulation = simulate({ workers: 1 });
    await runTo(simulation, 2);
    const checkpoint = await simulation.checkpoint();
    await assert.rejects(resume(checkpoint.subarray(0, -9)), /^FileError: .* damaged/);
    await assert.rejects(
      Simulation.resume(checkpoint, { data: { digits: 100 } }),
      /^(FileError|ValueError): /,
    );
  });
});

describe('simulation: workers that are not there', () => {
  test('killed and returned: the others go on, and it begins anew', async () => {
    const simulation = simulate({ workers: 3 });
    await runTo(simulation, 4);
    const before = await assertAgreed(simulation);
    await simulation.kill(1);
    assert.deepEqual(simulation.workers, ['present', 'gone', 'present']);
    assertSameBits(await simulation.weights(), before);
    const [without] = await runTo(simulation, 6);
    assert.deepEqual(without.counted, [0, 2]);
    assert.deepEqual(without.lost, [{ worker: 1, reason: 'It was killed.' }]);
    await simulation.join(1);
    const [back] = await runTo(simulation, 8);
    assert.deepEqual(back.counted, [0, 1, 2]);
    assert(back.bytes.down[1] > sum(back.bytes.up));
    await assertAgreed(simulation);
  });

  test('killed in the middle of a round', async () => {
    const simulation = simulate();
    await simulation.start();
    await simulation.stall(1, 60_000);
    const round = runTo(simulation, 2);
    setTimeout(() => simulation.kill(1), 300);
    const [{ participants, counted }] = await round;
    assert.deepEqual([participants, counted], [[0, 1], [0]]);
    await assertAgreed(simulation);
  });

  test('the learning rate goes by the rounds, for those who begin anew too', async () => {
    const simulation = simulate({
      compressor: 'none',
      optimizer: { name: 'sgd', learningRate: 0.1, schedule: { steps: [4], factor: 1e-9 } },
    });
    await runTo(simulation, 4);
    const before = await simulation.weights();
    await simulation.kill(1);
    await simulation.join(1);
    const [{ counted }] = await runTo(simulation, 6);
    assert.deepEqual(counted, [0, 1]);
    const after = await simulation.weights();
    assert(after.every((value, index) => Math.abs(value - before[index]) < 1e-6));
  });

  test('gone and back again with what it had: as if by a checkpoint', async () => {
    const simulation = simulate();
    await runTo(simulation, 4);
    const other = await resume(await simulation.checkpoint());
    await simulation.leave(0);
    await simulation.join(0);
    await runTo(simulation, 6);
    await runTo(other, 6);
    assertSameBits(await assertAgreed(simulation), await assertAgreed(other));
  });

  test('late: not counted, then or later', async () => {
    const simulation = simulate({ timeout: 3000 });
    await simulation.start();
    await simulation.stall(1, 4000);
    const [first] = await runTo(simulation, 2);
    assert.deepEqual([first.counted, first.late], [[0], [1]]);
    while (simulation.workers[1] === 'late') {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const [second] = await runTo(simulation, 4);
    assert.deepEqual([second.counted, second.stale], [[0, 1], 1]);
    assert(second.bytes.up[1] > 1.5 * second.bytes.up[0], 'two messages');
    assert.equal(second.totals.denseUp[1], second.totals.denseUp[0] / 2);
    await assertAgreed(simulation);
  });
});

test('simulation: where nobody is left, each reason is known', async () => {
  const simulation = new Simulation({
    ...{ model: 'lenet5', data: { digits: 300 }, workers: 3, batch: 16, delay: 5, seed: 1 },
    optimizer: { name: 'sgd', learningRate: 5, momentum: 0.9 },
    compressor: { name: 'sbc', sparsity: 0.01 },
  });
  await assert.rejects(async () => {
    for await (const round of simulation.run({ iterations: 100 })) assert(round);
  }, /^LowtropyError: There is no worker left\. The update of tensor .*(NaN|infinit)/);
  const { lost } = simulation;
  assert.deepEqual(lost.map(({ worker }) => worker).sort(), [0, 1, 2]);
  for (const { reason } of lost) assert.match(reason, /^The update of tensor .*(NaN|infinit)/);
  await simulation.dispose();
});
