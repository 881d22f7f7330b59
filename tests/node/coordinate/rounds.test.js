// SPDX-License-Identifier: Apache-2.0

/** What a simulation does around its server and workers, with such whose arithmetic can be foretold. */

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { pack, unpack } from '../../../web/lib/coordinate/container.js';
import { Simulation } from '../../../web/lib/simulate/simulation.js';
import { FakeTransport, WEIGHTS } from '../../support/fake-roles.js';

/**
 * @typedef {import('../../../web/lib/coordinate/options.js').SimulationOptions} SimulationOptions
 * @typedef {import('../../../web/lib/simulate/simulation.js').Round} Round
 */

/** @type {Simulation[]} */
const open = [];
after(() => Promise.all(open.map((simulation) => simulation.dispose())));

/** @param {SimulationOptions} [options] */
function simulate(options) {
  const transport = new FakeTransport();
  const simulation = new Simulation({ workers: 2, delay: 1, transport, ...options });
  open.push(simulation);
  return { transport, simulation };
}

/**
 * @param {Simulation} simulation
 * @param {number} rounds further ones
 * @returns {Promise<Round[]>}
 */
async function runRounds(simulation, rounds) {
  const reports = [];
  const iterations = simulation.iterations + rounds;
  for await (const report of simulation.run({ iterations })) reports.push(report);
  return reports;
}

/** @param {Simulation} simulation @param {number} [worker] */
async function weight(simulation, worker) {
  const weights = await simulation.weights(worker);
  assert(weights.every((value) => value === weights[0]));
  return weights[0];
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 20));

describe('rounds', () => {
  test('the mean of the messages is added everywhere, and what is not sent is kept', async () => {
    const { simulation } = simulate();
    // Each iteration worker 0 adds 1, worker 1 adds 2; half of what there is is sent.
    const [first, second] = await runRounds(simulation, 2);
    assert.equal(first.loss, 1.5);
    assert.deepEqual([first.round, second.round], [1, 2]);
    assert.deepEqual(second.counted, [0, 1]);
    const expected = 1 + (0.5 + 1) / 2 + (0.75 + 1.5) / 2;
    for (const worker of [undefined, 0, 1])
      assert.equal(await weight(simulation, worker), expected);
  });

  test('the mean, compressed again with a residual of its own', async () => {
    const { simulation } = simulate({ downstream: 'recompress' });
    await runRounds(simulation, 2);
    const expected = 1 + 0.75 / 2 + (0.375 + 1.125) / 2;
    for (const worker of [undefined, 0, 1])
      assert.equal(await weight(simulation, worker), expected);
  });

  test('the last round is shorter where the delay does not divide the iterations', async () => {
    const { simulation } = simulate({ delay: 4 });
    const reports = [];
    for await (const report of simulation.run({ iterations: 10 })) reports.push(report);
    assert.deepEqual(
      reports.map(({ iterations }) => iterations),
      [4, 8, 10],
    );
    assert.deepEqual(
      reports.map(({ denseBytes }) => denseBytes / (4 * WEIGHTS)),
      [4, 4, 2],
    );
    assert((await simulation.run({ iterations: 10 }).next()).done, 'done already');
  });

  test('leaving the loop stops between two rounds, and a later run goes on', async () => {
    const { simulation } = simulate();
    for await (const { round } of simulation.run({ iterations: 5 })) if (round === 2) break;
    assert.equal(simulation.round, 2);
    await runRounds(simulation, 3);
    const { simulation: other } = simulate();
    await runRounds(other, 5);
    assert.equal(await weight(simulation), await weight(other));
  });

  test('evaluated every so many rounds, and in the end', async () => {
    const { simulation } = simulate({ evaluateEvery: 3 });
    const reports = await runRounds(simulation, 7);
    assert.deepEqual(
      reports.filter(({ accuracy }) => accuracy !== undefined).map(({ round }) => round),
      [3, 6, 7],
    );
    assert.deepEqual(await simulation.evaluate(), { testLoss: 1, accuracy: 0.5 });
  });

  test('participation takes a share of those present, by seed', async () => {
    const run = async (/** @type {number} */ seed) => {
      const { simulation } = simulate({ workers: 10, participation: 0.3, seed });
      return (await runRounds(simulation, 50)).map(({ participants }) => participants);
    };
    const [one, again, other] = await Promise.all([run(1), run(1), run(2)]);
    assert.deepEqual(one, again);
    assert.notDeepEqual(one, other);
    for (const chosen of one) {
      assert.equal(chosen.length, 3);
      assert.deepEqual(
        chosen,
        [...new Set(chosen)].sort((a, b) => a - b),
      );
    }
    const counts = new Array(10).fill(0);
    for (const worker of one.flat()) ++counts[worker];
    assert(
      counts.every((count) => count >= 5 && count <= 27),
      `${counts}`,
    );
  });

  test('those who do not take part get the weights too, and keep what they have', async () => {
    const { simulation, transport } = simulate({ workers: 4, participation: 0.25 });
    const reports = await runRounds(simulation, 8);
    const sent = reports.map(({ participants: [worker] }) => worker);
    const residuals = [0, 0, 0, 0];
    let expected = 1;
    for (const worker of sent) {
      residuals[worker] = (residuals[worker] + 1 + worker) / 2;
      expected += residuals[worker];
    }
    for (const worker of [undefined, 0, 1, 2, 3]) {
      assert.equal(await weight(simulation, worker), expected);
    }
    const { up, down } = simulation.totals;
    const sum = (/** @type {number[]} */ list) => list.reduce((total, n) => total + n, 0);
    assert.deepEqual([sum(up), sum(down)], [transport.up, transport.down]);
    assert(new Set(down).size === 1, 'all get the same');
  });
});

describe('rounds: one run at a time', () => {
  test('a second one is refused, and the first goes on', async () => {
    const { simulation } = simulate();
    const second = async () => (await simulation.run({ iterations: 5 }).next()).value;
    const begun = runRounds(simulation, 5);
    await assert.rejects(second(), /^LowtropyError: The simulation has a run under way: [^.]*\.$/);
    assert.equal((await begun).length, 5);
    assert.equal(simulation.iterations, 5);
    // Between two rounds, too.
    for await (const { round } of simulation.run({ iterations: 7 })) {
      await assert.rejects(second(), /has a run under way/, `${round}`);
    }
    assert.equal(simulation.iterations, 7);
  });

  test('after it is left, or has failed, another begins', async () => {
    const { simulation } = simulate();
    for await (const { round } of simulation.run({ iterations: 3 })) if (round === 1) break;
    const run = simulation.run({ iterations: 3 });
    await run.next();
    await run.return();
    await simulation.leave(0);
    await simulation.leave(1);
    await assert.rejects(runRounds(simulation, 1), /There is no worker left/);
    await simulation.join(1);
    assert.equal((await runRounds(simulation, 1)).length, 1);
    simulation.run({ iterations: 9 }); // of which nothing is asked
    assert.equal((await runRounds(simulation, 1)).length, 1);
  });

  test('all else is done between its rounds', async () => {
    const { simulation } = simulate({ workers: 3 });
    const run = runRounds(simulation, 6);
    const [saved, evaluation, weights] = await Promise.all([
      simulation.checkpoint(),
      simulation.evaluate(),
      simulation.weights(1),
      simulation.leave(2),
      simulation.join(2),
    ]);
    assert.equal((await run).length, 6);
    assert.equal(evaluation.accuracy, 0.5);
    assert(weights.every((value) => value === weights[0]));
    const resumed = await Simulation.resume(saved, { transport: new FakeTransport() });
    open.push(resumed);
    await runRounds(resumed, 6 - resumed.iterations);
    assert(resumed.round === 6 && simulation.round === 6);
  });

  test('nothing is done after dispose, nor begun', async () => {
    const { simulation, transport } = simulate();
    await simulation.dispose();
    await simulation.dispose();
    for (const used of [
      simulation.start(),
      simulation.run({ iterations: 1 }).next(),
      simulation.evaluate(),
      simulation.weights(0),
      simulation.model(),
      simulation.checkpoint(),
      simulation.leave(0),
      simulation.join(0),
      simulation.kill(0),
      simulation.stall(0, 1),
    ]) {
      await assert.rejects(
        used,
        /^DisposedError: The simulation was used after its dispose\(\)\.$/,
      );
    }
    assert.equal(transport.listeners.size, 0);
  });

  test('what cannot be is refused at once, not after the round', async () => {
    const { simulation, transport } = simulate();
    await simulation.start();
    transport.hold('Worker 1');
    const run = runRounds(simulation, 1);
    for (const [refused, message] of /** @type {Array<[Promise<unknown>, RegExp]>} */ ([
      [simulation.model({ prune: 1 }), /^ValueError: The share to prune must be .* not 1\.$/],
      [simulation.model({ prune: NaN }), /^ValueError: The share to prune must be .* not NaN\.$/],
      [simulation.model({ values: 0 }), /^ValueError: The number of values must be .* not 0\.$/],
      [simulation.model({ values: 2.5 }), /^ValueError: The number of values must be/],
      [simulation.model(/** @type {any} */ ({ format: 'zip' })), /There is no format "zip"/],
      [simulation.model(/** @type {any} */ ({ format: null })), /There is no format null/],
      [simulation.model(/** @type {any} */ ({ format: { a: 'zip' } })), /no format "zip"/],
      [simulation.model(/** @type {any} */ ({ pruned: 1 })), /has no option "pruned"; there are/],
      [simulation.weights(2), /^ShapeError: The workers are numbered 0 to 1; there is no 2\.$/],
      [simulation.leave(-1), /there is no -1\.$/],
      [simulation.join(0.5), /there is no 0\.5\.$/],
      [simulation.stall(0, NaN), /^ValueError: The milliseconds must be/],
    ])) {
      await assert.rejects(refused, message);
    }
    assert.equal(simulation.round, 0, 'the round is still running');
    transport.release('Worker 1');
    await run;
  });

  test('a worker that is killed while it leaves is gone', async () => {
    const { simulation, transport } = simulate();
    await runRounds(simulation, 1);
    transport.hold('Worker 1');
    const leaving = simulation.leave(1);
    await settle();
    await simulation.kill(1);
    await leaving;
    assert.deepEqual(simulation.workers, ['present', 'gone']);
  });
});

describe('rounds: workers that are late', () => {
  test('are not counted then or later, and keep what they have learned', async () => {
    const { simulation, transport } = simulate({ timeout: 50 });
    await runRounds(simulation, 1);
    transport.hold('Worker 1');
    const [without] = await runRounds(simulation, 1);
    assert.deepEqual([without.participants, without.counted, without.late], [[0, 1], [0], [1]]);
    assert.deepEqual(simulation.workers, ['present', 'late']);
    assert.equal(await weight(simulation), 1.75 + 0.75);
    assert.equal(without.bytes.up[1], 0);
    transport.release('Worker 1');
    await settle();
    assert.deepEqual(simulation.workers, ['present', 'present']);
    const [back] = await runRounds(simulation, 1);
    assert.deepEqual([back.counted, back.stale], [[0, 1], 1]);
    // Worker 0 sends (0.75 + 1) / 2. Worker 1 had 1 from the first round, and adds 2 twice.
    const expected = 2.5 + (0.875 + (1 + 2 + 2) / 2) / 2;
    for (const worker of [undefined, 0, 1])
      assert.equal(await weight(simulation, worker), expected);
    const { up, down } = simulation.totals;
    assert.deepEqual([up[0] + up[1], down[0] + down[1]], [transport.up, transport.down]);
  });

  test('a round with nobody in time changes nothing', async () => {
    const { simulation, transport } = simulate({ timeout: 50, link: { up: 8, down: 8 } });
    await runRounds(simulation, 1);
    for (const worker of [0, 1]) transport.hold(`Worker ${worker}`);
    const [nobody] = await runRounds(simulation, 1);
    assert.deepEqual([nobody.counted, nobody.late, nobody.loss], [[], [0, 1], null]);
    assert.equal(nobody.simulatedSeconds, 0.05);
    assert.equal(await weight(simulation), 1.75);
    const next = runRounds(simulation, 1);
    await settle();
    for (const worker of [1, 0]) transport.release(`Worker ${worker}`);
    const [{ participants, counted }] = await next;
    assert.deepEqual(counted, participants);
    assert(counted.length > 0);
  });

  test('in a checkpoint they are waited for, but not for ever', async () => {
    const { simulation, transport } = simulate({ timeout: 50 });
    await simulation.start();
    transport.hold('Worker 1');
    await runRounds(simulation, 1);
    const saved = simulation.checkpoint();
    setTimeout(() => transport.release('Worker 1'), 10);
    const resumed = await Simulation.resume(await saved, { transport: new FakeTransport() });
    open.push(resumed);
    assert.deepEqual(resumed.workers, ['present', 'present']);
    await runRounds(simulation, 2);
    await runRounds(resumed, 2);
    assert.equal(await weight(resumed), await weight(simulation));
    assert.deepEqual(resumed.totals.up, simulation.totals.up);
    transport.hold('Worker 0');
    await runRounds(simulation, 1);
    const without = await Simulation.resume(await simulation.checkpoint(), {
      transport: new FakeTransport(),
    });
    open.push(without);
    assert.deepEqual(without.workers, ['gone', 'present']);
  });
});

describe('rounds: workers that go and come back', () => {
  test('after a crash a new worker begins, with the weights of now', async () => {
    const { simulation, transport } = simulate();
    await runRounds(simulation, 1);
    transport.crash('Worker 1');
    const [alone] = await runRounds(simulation, 1);
    assert.deepEqual(alone.lost, [{ worker: 1, reason: 'Worker 1 is gone: it crashed.' }]);
    assert.deepEqual([alone.participants, simulation.workers], [[0], ['present', 'gone']]);
    assert.equal(await weight(simulation), 1.75 + 0.75);
    await simulation.join(1);
    const [back] = await runRounds(simulation, 1);
    assert.deepEqual([back.counted, back.lost], [[0, 1], []]);
    // It is a new one: it adds 1 + 1 + 2 workers, and has nothing left from before.
    const expected = 2.5 + (0.875 + 4 / 2) / 2;
    for (const worker of [undefined, 0, 1])
      assert.equal(await weight(simulation, worker), expected);
    assert(back.bytes.down[1] > back.bytes.down[0]);
  });

  test('a crash in the middle of a round takes only that worker', async () => {
    const { simulation, transport } = simulate({ workers: 3 });
    await simulation.start();
    transport.hold('Worker 1');
    setTimeout(() => transport.crash('Worker 1'), 10);
    const [round] = await runRounds(simulation, 1);
    assert.deepEqual(
      [round.participants, round.counted],
      [
        [0, 1, 2],
        [0, 2],
      ],
    );
    assert.equal(round.lost.length, 1);
    assert.equal(await weight(simulation), 1 + (0.5 + 1.5) / 2);
    await simulation.kill(2);
    const [next] = await runRounds(simulation, 1);
    assert.deepEqual(next.lost, [{ worker: 2, reason: 'It was killed.' }]);
  });

  test('who leaves and returns has its residual, and gets what it missed', async () => {
    const { simulation, transport } = simulate();
    await runRounds(simulation, 1);
    await simulation.leave(1);
    assert.deepEqual(simulation.workers, ['present', 'left']);
    assert(!transport.listeners.has('Worker 1'));
    const [alone] = await runRounds(simulation, 1);
    assert.deepEqual([alone.participants, alone.lost], [[0], []]);
    await simulation.join(1);
    await runRounds(simulation, 1);
    const expected = 1.75 + 0.75 + (0.875 + (1 + 2) / 2) / 2;
    for (const worker of [undefined, 0, 1])
      assert.equal(await weight(simulation, worker), expected);
    const { up, down } = simulation.totals;
    assert.deepEqual([up[0] + up[1], down[0] + down[1]], [transport.up, transport.down]);
  });

  test('nobody joins twice, leaves twice, or has another number', async () => {
    const { simulation } = simulate();
    await assert.rejects(
      simulation.join(0),
      /^ValueError: Worker 0 cannot join: it has not left\.$/,
    );
    await simulation.leave(0);
    await assert.rejects(simulation.leave(0), /^ValueError: Worker 0 is not there\.$/);
    await assert.rejects(
      simulation.kill(2),
      /^ShapeError: The workers are numbered 0 to 1; .* 2\.$/,
    );
  });

  test('without any worker there is no round; with one that returns there is', async () => {
    const { simulation } = simulate();
    await runRounds(simulation, 1);
    await simulation.leave(0);
    await simulation.leave(1);
    await assert.rejects(runRounds(simulation, 1), /^LowtropyError: There is no worker left\.$/);
    await simulation.join(1);
    assert.deepEqual((await runRounds(simulation, 1))[0].counted, [1]);
  });

  test('where all fail, the error says why', async () => {
    const { simulation } = simulate({ optimizer: { name: 'sgd', learningRate: 1000 } });
    await assert.rejects(
      runRounds(simulation, 2),
      /^LowtropyError: There is no worker left\. The update holds NaN\.$/,
    );
  });

  test('without the server there is no round', async () => {
    const { simulation, transport } = simulate();
    await runRounds(simulation, 1);
    transport.crash('The server');
    await assert.rejects(runRounds(simulation, 1), /The server is gone: it crashed\./);
  });

  test('dispose ends a run', async () => {
    const { simulation, transport } = simulate();
    transport.hold('Worker 1');
    const run = runRounds(simulation, 5);
    await settle();
    await simulation.dispose();
    assert.deepEqual(await run, []);
    assert.equal(transport.listeners.size, 0);
    await assert.rejects(simulation.weights(), /used after its dispose/);
  });
});

describe('rounds: messages that cannot be used', () => {
  for (const [what, change, reason] of /** @type {const} */ ([
    ['damaged', { values: undefined }, /JSON/],
    ['of another round', { round: 7 }, /^It is of round 7\.$/],
    ['of another worker', { sender: 1 }, /^It is of worker 1\.$/],
    ['compressed otherwise', { method: 'qsgd' }, /^It was compressed with qsgd\.$/],
  ])) {
    test(what, async () => {
      const { simulation, transport } = simulate();
      transport.tamper = (bytes) => {
        const message = JSON.parse(new TextDecoder().decode(bytes));
        if (message.sender !== 0) return bytes;
        if (what === 'damaged') return bytes.subarray(1);
        return new TextEncoder().encode(JSON.stringify({ ...message, ...change }));
      };
      const [round] = await runRounds(simulation, 1);
      assert.deepEqual(round.counted, [1]);
      assert.equal(round.refused.length, 1);
      assert.match(round.refused[0].reason, reason);
      assert.equal(await weight(simulation), 2);
      // What worker 0 learned in it is sent now.
      transport.tamper = (bytes) => bytes;
      await runRounds(simulation, 1);
      assert.equal(await weight(simulation), 2 + (1 + 1.5) / 2);
    });
  }
});

describe('rounds: the simulated clock', () => {
  test('is that of the slowest counted worker', async () => {
    const { simulation } = simulate({
      link: [
        { up: 800, down: 8000, latency: 0.5 },
        { up: 80, down: 8000 },
      ],
      stepSeconds: 0.25,
      delay: 2,
    });
    const [{ bytes, simulatedSeconds, totals }] = await runRounds(simulation, 2);
    const [slow, fast] = [bytes.up[1] / 10, bytes.up[0] / 100];
    const down = bytes.down[0] / 1000;
    assert.equal(simulatedSeconds, Math.max(0.5 + slow + down, 0.5 + (0.5 + fast) + (0.5 + down)));
    assert.equal(totals.simulatedSeconds, simulatedSeconds);
  });

  test('has the time for what a worker missed', async () => {
    const { simulation } = simulate({ link: { up: 1e9, down: 8, latency: 1 }, stepSeconds: 0 });
    await runRounds(simulation, 1);
    await simulation.leave(1);
    const [alone] = await runRounds(simulation, 1);
    await simulation.join(1);
    const [back] = await runRounds(simulation, 1);
    assert(back.bytes.down[1] > alone.bytes.down[0]);
    const up = Math.max(...back.bytes.up) / 1.25e8;
    assert(Math.abs(back.simulatedSeconds - (3 + back.bytes.down[1] + up)) < 1e-6);
  });
});

describe('rounds: checkpoints', () => {
  test('go on to the same weights, counts and participants', async () => {
    const options = /** @type {const} */ ({
      workers: 3,
      participation: 0.67,
      downstream: 'recompress',
      link: { up: 1e3, down: 1e3 },
      stepSeconds: 1,
    });
    const { simulation } = simulate(options);
    await runRounds(simulation, 3);
    await simulation.leave(2);
    const bytes = await simulation.checkpoint();
    const resumed = await Simulation.resume(bytes, { transport: new FakeTransport() });
    open.push(resumed);
    assert.deepEqual(resumed.workers, ['present', 'present', 'left']);
    const reports = await Promise.all(
      [simulation, resumed].map(async (each) => {
        await each.join(2);
        return runRounds(each, 4);
      }),
    );
    for (const report of reports.flat()) Object.assign(report, { seconds: 0 }).totals.seconds = 0;
    assert.deepEqual(reports[0], reports[1]);
    for (const worker of [undefined, 0, 1, 2]) {
      assert.equal(await weight(resumed, worker), await weight(simulation));
    }
  });

  test('of data that were bytes need them again, and no others', async () => {
    const two = Uint8Array.of(2);
    const { simulation } = simulate({ data: { images: Uint8Array.of(1), labels: two } });
    await runRounds(simulation, 1);
    const bytes = await simulation.checkpoint();
    const resumeWith = (/** @type {SimulationOptions} */ overrides) =>
      Simulation.resume(bytes, { transport: new FakeTransport(), ...overrides });
    await assert.rejects(resumeWith({}), /^ValueError: .* hand them over as the option data\.$/);
    for (const data of ['mnist:/nowhere', 'text:/nowhere', { images: [1], labels: [2] }]) {
      const { parts, ...unpacked } = unpack(bytes);
      const content = /** @type {any} */ (unpacked.content);
      const forged = pack({ ...content, options: { ...content.options, data } }, parts);
      await assert.rejects(
        Simulation.resume(forged),
        /^FileError: .* its header contradicts itself/,
      );
    }
    const labels = Uint8Array.of(3);
    await assert.rejects(
      resumeWith({ data: { images: Uint8Array.of(1), labels } }),
      /^ValueError: The data are not those of the checkpoint\.$/,
    );
    const resumed = await resumeWith({ data: { images: gzipSync(Uint8Array.of(1)), labels: two } });
    open.push(resumed);
    assert.equal(await weight(resumed), await weight(simulation));
  });

  test('refuse what is none, is damaged, or contradicts itself', async () => {
    const { simulation } = simulate();
    await runRounds(simulation, 1);
    const bytes = await simulation.checkpoint();
    const resume = (/** @type {any} */ wrong) => Simulation.resume(wrong);
    await assert.rejects(
      resume('checkpoint'),
      /^ValueError: A checkpoint must be a Uint8Array or other bytes, not a string\.$/,
    );
    await assert.rejects(resume(new Uint8Array(100)), /^FileError: This is no checkpoint of a/);
    for (const end of [8, 15, 19, 100, bytes.length - 1]) {
      await assert.rejects(
        resume(bytes.subarray(0, end)),
        /^FileError: The checkpoint is damaged: /,
      );
    }
    for (let at = 0; at < bytes.length; at += 7) {
      const flipped = bytes.slice();
      flipped[at] ^= 1 << (at % 8);
      await assert.rejects(resume(flipped), /^FileError: /, `byte ${at}`);
    }
    const { parts, ...unpacked } = unpack(bytes);
    const content = /** @type {any} */ (unpacked.content);
    const { options, progress, workers } = content;
    for (const forged of [
      null,
      7,
      { ...content, options: { ...options, maxDataBytes: 2 ** 31 } },
      { ...content, options: { ...options, downstream: 'recompress' } },
      { ...content, dataName: undefined },
      { ...content, progress: { ...progress, round: 2 ** 40 } },
      { ...content, progress: { ...progress, totals: { ...progress.totals, seconds: -1 } } },
      { ...content, workers: [workers[0], { ...workers[1], lives: 0 }] },
      { ...content, workers: [workers[0], { ...workers[1], lives: 2 ** 32 }] },
      { ...content, options: null },
      { ...content, options: { ...options, wasm: { wasmUrl: 'https://example.org' } } },
      { ...content, options: { ...options, workers: 3 } },
      { ...content, progress: { ...progress, round: -1 } },
      { ...content, progress: { ...progress, totals: { ...progress.totals, up: [1] } } },
      { ...content, progress: { ...progress, totals: { ...progress.totals, seconds: null } } },
      { ...content, workers: [workers[0], { ...workers[1], status: 'late' }] },
      { ...content, workers: [workers[0], { ...workers[1], round: 2 }] },
      { ...content, workers: [workers[0], { ...workers[1], parts: 3 }] },
      { ...content, serverParts: 1e9 },
      { ...content, serverParts: undefined },
    ]) {
      await assert.rejects(
        resume(pack(forged, parts)),
        /^FileError: The checkpoint is damaged: its header contradicts itself\.$/,
      );
    }
    const few = parts.map((part, index) => (index === 3 ? part.subarray(0, 15) : part));
    const transport = new FakeTransport();
    await assert.rejects(
      Simulation.resume(pack(content, few), { transport }),
      /^FileError: The checkpoint is damaged: the state of worker 1 is too small for 4 weights\.$/,
    );
    assert(!transport.trainers.has('Worker 0'), 'no worker was started');
    const unknown = { ...content, options: { ...options, delay: 0 } };
    await assert.rejects(resume(pack(unknown, parts)), /^ValueError: The delay must be /);
    await assert.rejects(
      Simulation.resume(bytes, { delay: 3 }),
      /^ValueError: A resumed simulation keeps its delay; only data, .* may be others\.$/,
    );
  });

  test('that are small do not get much memory, or threads, unless it is asked for', async () => {
    const { simulation } = simulate();
    await runRounds(simulation, 1);
    const { parts, ...unpacked } = unpack(await simulation.checkpoint());
    const content = /** @type {any} */ (unpacked.content);
    const forge = (/** @type {object} */ options) =>
      pack({ ...content, options: { ...content.options, ...options } }, [...parts]);
    for (const [options, what] of /** @type {Array<[any, RegExp]>} */ ([
      [
        { data: { digits: 60_000 } },
        /asks for 60000 digits, .* say it again as the option data\.$/,
      ],
      [{ batch: 4096 }, /asks for batches of 4096 examples, .* again as the option batch\.$/],
      [{ model: 'resnet8', batch: 256 }, /asks for batches of 256 examples/],
    ])) {
      const transport = new FakeTransport();
      await assert.rejects(Simulation.resume(forge(options), { transport }), (error) => {
        assert.match(String(error), /^FileError: The checkpoint asks for [^\n]*\.$/);
        return what.test(String(error));
      });
      assert.equal(transport.trainers.size, 0);
    }
    const again = await Simulation.resume(forge({ batch: 4096 }), {
      transport: new FakeTransport(),
      batch: 4096,
    });
    open.push(again);
    await runRounds(again, 1);
  });

  test('of other generated data are noticed', async () => {
    const { simulation } = simulate({ data: { digits: 100, seed: 1 } });
    await runRounds(simulation, 1);
    const bytes = await simulation.checkpoint();
    const resumeWith = (/** @type {any} */ data) =>
      Simulation.resume(bytes, { transport: new FakeTransport(), data });
    for (const data of [{ digits: 100, seed: 2 }, { digits: 101 }, 'digits:99']) {
      await assert.rejects(
        resumeWith(data),
        /^ValueError: The data are not those of the checkpoint\.$/,
      );
    }
    open.push(await resumeWith({ digits: 100, seed: 1 }), await resumeWith('digits:100'));
  });

  test('what was so may be said again, but not otherwise', async () => {
    const { simulation } = simulate({ delay: 2, optimizer: { name: 'sgd', momentum: 0.5 } });
    await runRounds(simulation, 2);
    const bytes = await simulation.checkpoint();
    const resumeWith = (/** @type {SimulationOptions} */ options) =>
      Simulation.resume(bytes, { transport: new FakeTransport(), ...options });
    open.push(
      await resumeWith({
        delay: 2,
        model: 'lenet5',
        optimizer: { name: 'sgd', momentum: 0.5, learningRate: 0.05 },
      }),
    );
    for (const [name, options] of /** @type {Array<[string, SimulationOptions]>} */ ([
      ['optimizer', { optimizer: { name: 'sgd' } }],
      ['workers', { workers: 3 }],
      ['compressor', { delay: 2, compressor: 'stc' }],
    ])) {
      await assert.rejects(resumeWith(options), {
        name: 'ValueError',
        message:
          `A resumed simulation keeps its ${name}; only data, timeout, link, stepSeconds, ` +
          'participation, evaluateEvery may be others.',
      });
    }
  });
});
