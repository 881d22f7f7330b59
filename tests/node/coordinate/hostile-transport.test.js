// SPDX-License-Identifier: Apache-2.0

/** Simulations over transports that are not to be trusted: all keep the same weights. */

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';

import { LowtropyError } from '../../../web/lib/index.js';
import { checkOptions } from '../../../web/lib/coordinate/options.js';
import { roleHandlers } from '../../../web/lib/coordinate/role-handlers.js';
import { Simulation } from '../../../web/lib/simulate/simulation.js';
import { FakeTransport, fakeKit } from '../../support/fake-roles.js';
import { makeMangler } from './mangle.js';
import { chooseSeed } from '../../support/random.js';

/** @typedef {import('../../../web/lib/coordinate/options.js').SimulationOptions} SimulationOptions */

/** @type {Simulation[]} */
const open = [];
after(() => Promise.all(open.map((simulation) => simulation.dispose())));

/** @param {SimulationOptions} [options] */
function simulate(options) {
  const transport = new FakeTransport();
  const simulation = new Simulation({
    ...{ workers: 3, delay: 1, data: { digits: 10 }, transport, ...options },
  });
  open.push(simulation);
  return { transport, simulation };
}

/** @param {Simulation} simulation @returns {Promise<any>} */
async function nextRound(simulation) {
  const run = simulation.run({ iterations: simulation.iterations + 1 });
  try {
    return (await run.next()).value;
  } finally {
    await run.return();
  }
}

/** Until whatever was told to the others has been done. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 5));

/** @param {Simulation} simulation @param {FakeTransport} transport @param {string} [when] */
function assertEqualWeights(simulation, transport, when) {
  const server = transport.trainers.get('The server')?.values;
  simulation.workers.forEach((status, worker) => {
    if (status !== 'present') return;
    assert.deepEqual(transport.trainers.get(`Worker ${worker}`)?.values, server, when);
  });
}

/** @param {unknown} error */
function assertSentence(error) {
  assert(error instanceof LowtropyError, error instanceof Error ? error.stack : String(error));
  assert.match(error.message, /^[A-Z][^\n]*\.$/);
}

test('hostile transport: whatever becomes of answers, all have the same weights', async () => {
  const first = chooseSeed();
  for (let offset = 0; offset < 150; ++offset) {
    const seed = (first + offset) >>> 0;
    const when = `LOWTROPY_SEED=${seed}`;
    const { simulation, transport } = simulate({
      downstream: offset % 2 ? 'recompress' : 'forward',
      participation: offset % 3 ? 1 : 0.6,
    });
    if (offset % 5) await simulation.start();
    transport.mangle = makeMangler(seed, offset % 4 ? 0.1 : 0.4);
    for (let round = 0; round < 12; ++round) {
      try {
        await nextRound(simulation);
      } catch (error) {
        assertSentence(error);
        if (/no worker left|The server is gone/.test(String(error))) break;
      }
      await settle();
      assertEqualWeights(simulation, transport, when);
    }
  }
});

/**
 * @param {string} end
 * @param {string} type
 * @param {(frame: any) => any[]} change of the first such answer
 * @param {SimulationOptions} [options]
 */
async function mangleOnce(end, type, change, options) {
  const { simulation, transport } = simulate(options);
  await nextRound(simulation);
  let done = false;
  transport.mangle = (name, asked, frame) => {
    if (done || name !== end || asked !== type) return [frame];
    done = true;
    return change(frame);
  };
  /** @type {any} */
  let outcome;
  try {
    outcome = await nextRound(simulation);
  } catch (error) {
    outcome = error;
  }
  assert(done, 'it was asked');
  await settle();
  assertEqualWeights(simulation, transport);
  return { outcome, simulation, transport };
}

describe('hostile transport: an answer', () => {
  for (const [what, value, message] of /** @type {Array<[string, object, RegExp]>} */ ([
    ['without loss', { seconds: 1 }, /its loss is no number/],
    ['without seconds', { loss: 1, seconds: null }, /its seconds are no number from 0/],
  ])) {
    test(`of a worker ${what} is refused, and what it learned is sent later`, async () => {
      const { outcome, simulation } = await mangleOnce('Worker 1', 'train', ({ head, body }) => [
        { head: { id: head.id, value }, body },
      ]);
      assert.deepEqual(outcome.counted, [0, 2]);
      assert.equal(outcome.refused[0].worker, 1);
      assert.match(outcome.refused[0].reason, /^Worker 1 answered "train" wrongly: [^.]*\.$/);
      assert.match(outcome.refused[0].reason, message);
      assert.deepEqual((await nextRound(simulation)).counted, [0, 1, 2]);
      // Each sends half of what it has; worker 1 had 1 left, and learned 2 twice since.
      const others = [0.5, 0.75, 0.875].reduce((sum, share) => sum + share * (1 + 3), 0);
      const expected = 1 + (others + 1 + 2.5) / 3 + (0.75 * 4) / 2 - (0.75 * 4) / 3;
      assert(Math.abs((await simulation.weights())[0] - expected) < 1e-6);
    });
  }

  for (const [what, change] of /** @type {Array<[string, (value: any) => any]>} */ ([
    [
      'that counts somebody else',
      ({ counted, ...rest }) => ({ ...rest, counted: [...counted, 7] }),
    ],
    [
      'that leaves somebody out',
      ({ counted, ...rest }) => ({ ...rest, counted: counted.slice(1) }),
    ],
    ['that counts in another order', ({ counted, ...r }) => ({ ...r, counted: counted.reverse() })],
    ['that counts one twice', (value) => ({ ...value, counted: [0, 0, 1] })],
    ['that refuses without reasons', (value) => ({ ...value, counted: [], refused: [0, 1, 2] })],
    [
      'that refuses who was counted',
      (value) => ({ ...value, counted: [1, 2], refused: [{ worker: 0, reason: 'No.' }] }),
    ],
    ['with no value', () => undefined],
  ])) {
    test(`of the server ${what} ends the round, not the simulation`, async () => {
      const { outcome, simulation } = await mangleOnce(
        'The server',
        'prepare',
        ({ head, body }) => [{ head: { ...head, value: change(head.value) }, body }],
      );
      assertSentence(outcome);
      assert.equal(simulation.round, 1);
      const again = await nextRound(simulation);
      assert.deepEqual([again.round, again.counted], [2, [0, 1, 2]]);
      // What was taken back is in it: as if the workers had made three iterations of two rounds.
      const expected = 1 + 1 + ((0.5 + 2) * 2) / 2;
      assert.equal((await simulation.weights())[0], expected);
    });
  }

  test('of the server with another mean ends the round', async () => {
    const { outcome, simulation } = await mangleOnce(
      'The server',
      'prepare',
      ({ head, body: [mean] }) => [{ head, body: [mean.map((/** @type {number} */ b) => b ^ 1)] }],
      { downstream: 'recompress' },
    );
    assert.match(String(outcome), /"prepare" wrongly: the checksum of its body is wrong\.$/);
    await nextRound(simulation);
    assert.equal(simulation.round, 2);
  });

  test('of the server that it is done is asked for again', async () => {
    const { outcome, simulation } = await mangleOnce('The server', 'commit', ({ head, body }) => [
      { head: { id: head.id }, body },
    ]);
    assert.deepEqual([outcome.round, simulation.round], [2, 2]);
  });

  for (const [what, frames] of /** @type {Array<[string, (frame: any) => any[]]>} */ ([
    ['twice', (frame) => [frame, frame]],
    ['with the id of another', ({ head, body }) => [{ head: { ...head, id: 1 }, body }]],
    ['with none', ({ head: { value }, body }) => [{ head: { value }, body }]],
    ['that is no frame', () => ['gibberish']],
    ['never asked for', (frame) => [{ head: { id: frame.head.id + 1, value: {} }, body: [] }]],
  ])) {
    test(`${what} takes a worker for gone`, async () => {
      const { outcome, simulation } = await mangleOnce('Worker 2', 'train', frames);
      assert.deepEqual(simulation.workers, ['present', 'present', 'gone']);
      const lost = [...outcome.lost, ...(await nextRound(simulation)).lost];
      assert.deepEqual(lost, [
        { worker: 2, reason: 'Worker 2 is gone: it sent what answers no question.' },
      ]);
      await simulation.join(2);
      assert.deepEqual((await nextRound(simulation)).counted, [0, 1, 2]);
    });

    test(`${what} of the server ends the simulation with a sentence`, async () => {
      const { simulation } = await mangleOnce('The server', 'prepare', frames);
      await assert.rejects(simulation.weights(), (error) => {
        assertSentence(error);
        return /^GoneError: The server is gone: it sent what answers no/.test(String(error));
      });
    });
  }
});

describe('hostile transport: weights and states', () => {
  const flip = (/** @type {any} */ { head, body }) => [
    { head, body: body.map((/** @type {Uint8Array} */ part) => part.map((byte) => byte ^ 2)) },
  ];
  /** @type {Array<[string, string, (simulation: Simulation) => Promise<unknown>]>} */
  const asked = [
    ['The server', 'weights', (simulation) => simulation.weights()],
    ['Worker 0', 'weights', (simulation) => simulation.weights(0)],
    ['The server', 'save', (simulation) => simulation.checkpoint()],
    ['The server', 'export', (simulation) => simulation.model()],
  ];
  for (const [end, type, ask] of asked) {
    for (const [what, change] of /** @type {const} */ ([
      ['changed', flip],
      ['short', (/** @type {any} */ { head, body }) => [{ head, body: body.slice(1) }]],
      ['without a value', (/** @type {any} */ { head, body }) => [{ head: { id: head.id }, body }]],
    ])) {
      test(`${type} of ${end}, ${what}, are refused`, async () => {
        const { simulation, transport } = simulate();
        await nextRound(simulation);
        transport.mangle = (name, asking, frame) =>
          name === end && asking === type ? change(/** @type {any} */ (frame)) : [frame];
        await assert.rejects(ask(simulation), (error) => {
          assertSentence(error);
          return /^AnswerError: .* answered "\w+" wrongly: /.test(String(error));
        });
        transport.mangle = (name, asking, frame) => [frame];
        await nextRound(simulation);
        assert.equal(simulation.round, 2);
      });
    }
  }

  test('a worker whose state does not come in one piece is not in the checkpoint', async () => {
    const { simulation, transport } = simulate();
    await nextRound(simulation);
    transport.mangle = (name, type, frame) =>
      name === 'Worker 1' && type === 'save' ? flip(frame) : [frame];
    const resumed = await Simulation.resume(await simulation.checkpoint(), {
      transport: new FakeTransport(),
    });
    open.push(resumed);
    assert.deepEqual(resumed.workers, ['present', 'gone', 'present']);
  });

  test('an evaluation that is none', async () => {
    const { simulation, transport } = simulate();
    await simulation.start();
    transport.mangle = (name, type, frame) =>
      type === 'evaluate' ? [{ ...frame, head: { id: frame.head.id, value: {} } }] : [frame];
    await assert.rejects(simulation.evaluate(), /^AnswerError: .* its loss is no number\.$/);
  });

  test('models of different sizes do not begin', async () => {
    const { simulation, transport } = simulate();
    transport.mangle = (name, type, frame) =>
      name === 'Worker 1' && type === 'open'
        ? [{ head: { id: frame.head.id, value: { weightCount: 5 } }, body: [] }]
        : [frame];
    await assert.rejects(
      simulation.start(),
      /^LowtropyError: Worker 1 has a model of 5 weights, the server one of 4\.$/,
    );
  });

  test('what cannot be sent is as good as lost', async () => {
    const { simulation, transport } = simulate();
    await simulation.start();
    transport.refuse = new Set(['Worker 0']);
    const round = await nextRound(simulation);
    assert.deepEqual(round.counted, [1, 2]);
    assert.match(round.lost[0].reason, /^Worker 0 is gone: nothing can be sent to it: /);
  });
});

describe('hostile transport: requests, at the server and at workers', () => {
  const { settings } = checkOptions({ workers: 3, delay: 1 });
  const spec = { kind: 'digits', count: 10, seed: 1 };

  /** @param {string} role */
  async function openRole(role) {
    const handlers = roleHandlers(fakeKit, undefined);
    await handlers.open({ role, settings, spec, worker: 1, stream: 2 }, []);
    return handlers;
  }

  for (const [what, fields, body, message] of /** @type {Array<[string, any, any, RegExp]>} */ ([
    ['no role', { role: 'spy' }, [], /^ValueError: The role must be one of server, worker, not/],
    ['no settings', { settings: 7 }, [], /^ValueError: The settings must be an object, not 7/],
    ['other settings', { settings: { ...settings, pet: 1 } }, [], /The settings has no "pet"/],
    ['a batch of 0', { settings: { ...settings, batch: 0 } }, [], /^ValueError: The batch must be/],
    ['no data', { spec: undefined }, [], /^ValueError: The data must be an object, not undefined/],
    [
      'many digits',
      { spec: { ...spec, count: 1e9 } },
      [],
      /^ValueError: The number of digits must/,
    ],
    ['a worker that is none', { worker: 3 }, [], /^ValueError: The worker must be .* not 3\.$/],
    ['the stream of the server', { stream: 0 }, [], /^ValueError: The stream must be .* not 0\.$/],
    [
      'bytes for digits',
      {},
      [new Uint8Array(1)],
      /^ShapeError: There are 1 parts of digits, where 0/,
    ],
  ])) {
    test(`open: ${what}`, async () => {
      const handlers = roleHandlers(fakeKit, undefined);
      const whole = { role: 'worker', settings, spec, worker: 1, stream: 2, ...fields };
      await assert.rejects(async () => handlers.open(whole, body), message);
    });
  }

  test('a role is opened once', async () => {
    const handlers = await openRole('server');
    assert(!('open' in handlers));
  });

  const message = (/** @type {number} */ round, value = 1) =>
    new TextEncoder().encode(
      JSON.stringify({ round, sender: 0, method: 'sbc', values: new Array(4).fill(value) }),
    );
  const weights = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);

  for (const [type, fields, body, error] of /** @type {Array<[string, any, any, RegExp]>} */ ([
    ['train', { round: 2, steps: 1, iterations: 0 }, [], /Worker 1 has the weights after round 0/],
    ['train', { round: 1, steps: 0, iterations: 0 }, [], /The steps must be a whole number from 1/],
    ['train', { steps: 1, iterations: 0 }, [], /The round must be a whole number from 1/],
    ['apply', { round: 2, scale: 1 }, [message(2)], /has the weights after round 0, not 1\.$/],
    ['apply', { round: 1, scale: 1e300 }, [message(1)], /The scale must be a number from 0 to 1/],
    ['apply', { round: 1, scale: NaN }, [message(1)], /The scale must be a number from 0 to 1/],
    ['apply', { round: 1, scale: 1 }, [message(1), message(2)], /A message is of round 2, not 1/],
    ['apply', { round: 1, scale: 1 }, [message(1), message(1).subarray(1)], /JSON/],
    ['setWeights', { round: 1, checksum: 5 }, [weights], /The weights arrived damaged\./],
    ['setWeights', { round: 1, checksum: 5 }, [], /There are 0 parts of weights, where 1 belong\./],
    ['weights', { round: 3 }, [], /has the weights after round 0, not 3\.$/],
    ['save', {}, [], /has the weights after round 0, not undefined\.$/],
    ['restore', { round: 0 }, [weights], /There are 1 parts of a worker's state, where 2 belong/],
    ['stall', { milliseconds: 'long' }, [], /The milliseconds must be a whole number/],
  ])) {
    test(`worker, ${type}: ${error.source.slice(0, 40)}`, async () => {
      const worker = await openRole('worker');
      const ask = () => worker.weights({ round: 0 }, []);
      const before = await ask();
      await assert.rejects(async () => worker[type](fields, body), error);
      assert.deepEqual(await ask(), before);
    });
  }

  for (const [type, fields, body, error] of /** @type {Array<[string, any, any, RegExp]>} */ ([
    [
      'prepare',
      { round: 2, workers: [0] },
      [message(2)],
      /The server has the weights after round 0/,
    ],
    ['prepare', { round: 1, workers: [0, 0] }, [message(1), message(1)], /different workers/],
    [
      'prepare',
      { round: 1, workers: [9] },
      [message(1)],
      /A worker must be a whole number from 0 to/,
    ],
    ['prepare', { round: 1, workers: 'all' }, [message(1)], /different workers/],
    ['prepare', { round: 1, workers: [0, 1] }, [message(1)], /There are 1 parts of the messages/],
    ['prepare', { round: 1, workers: [0] }, [message(1, 1e39)], /would make weights infinite/],
    ['commit', { round: 1, counted: [0] }, [], /Round 1 was not prepared so\./],
    ['evaluate', { round: 4 }, [], /The server has the weights after round 0, not 4\./],
    ['restore', { round: 0 }, [weights, weights], /There are 2 parts of the server's state/],
  ])) {
    test(`server, ${type}: ${error.source.slice(0, 40)}`, async () => {
      const server = await openRole('server');
      const ask = () => server.weights({ round: 0 }, []);
      const before = await ask();
      await assert.rejects(async () => server[type](fields, body), error);
      assert.deepEqual(await ask(), before);
    });
  }

  test('server: what is prepared is made so once, or forgotten', async () => {
    const server = await openRole('server');
    const values = async (/** @type {number} */ round) =>
      new Float32Array(/** @type {any} */ (await server.weights({ round }, [])).body[0].buffer)[0];
    await server.prepare({ round: 1, workers: [0] }, [message(1)]);
    assert.equal(await values(0), 1);
    await server.forget({}, []);
    await assert.rejects(async () => server.commit({ round: 1, counted: [0] }, []), /not prepared/);
    await server.prepare({ round: 1, workers: [0] }, [message(1)]);
    await assert.rejects(async () => server.commit({ round: 1, counted: [] }, []), /not prepared/);
    for (let time = 0; time < 2; ++time) {
      await server.commit({ round: 1, counted: [0] }, []);
      assert.equal(await values(1), 2);
    }
  });
});
