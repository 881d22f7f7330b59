// SPDX-License-Identifier: Apache-2.0

/** What runs long can be stopped, tells how far it is, and lets others work meanwhile. */

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import { DisposedError, LowtropyError, Model, ShapeError } from '../../../web/lib/index.js';
import { Pauses, pause } from '../../../web/lib/core/pause.js';
import { makeRandom } from '../../support/random.js';

/** Convolutions enough for some hundred pieces of a run, and a pause now and then. */
const LAYERS = 8;
const graph = /** @type {any} */ ({
  name: 'deep',
  input: { name: 'v', shape: [48, 96, 96] },
  outputs: [`v${LAYERS - 1}`, 'v2'],
  nodes: Array.from({ length: LAYERS }, (_, i) => ({
    op: 'conv',
    name: `n${i}`,
    inputs: [i === 0 ? 'v' : `v${i - 1}`],
    output: `v${i}`,
    weight: `w${i}`,
    outChannels: 48,
    kernel: [3, 3],
    stride: [1, 1],
    pad: [1, 1, 1, 1],
    dilation: [1, 1],
    groups: 1,
  })),
});

/** @returns {Map<string, any>} */
function tensors() {
  const next = makeRandom(3);
  return new Map(
    Array.from({ length: LAYERS }, (_, i) => [
      `w${i}`,
      {
        rows: 48,
        cols: 48 * 9,
        kind: 'matrix',
        data: Float32Array.from({ length: 48 * 48 * 9 }, () => Math.floor(4 * next()) / 32 - 0.04),
      },
    ]),
  );
}

const input = Float32Array.from({ length: 48 * 96 * 96 }, makeRandom(4));
const reason = new Error('enough');

/** @type {Model} */
let model;
before(async () => {
  model = await Model.fromGraph(graph, tensors());
});

/** @param {unknown} error */
const isReason = (error) => error === reason;

/**
 * Aborts at the first progress.
 *
 * @returns {{ signal: AbortSignal, onProgress: () => void }}
 */
function abortSoon() {
  const controller = new AbortController();
  return { signal: controller.signal, onProgress: () => controller.abort(reason) };
}

describe('async: runs', () => {
  test('have the bits of run, and tell how far they are', async () => {
    /** @type {number[]} */
    const shares = [];
    const result = await model.runAsync(input, { onProgress: (share) => shares.push(share) });
    assert.deepEqual(result, model.run(input));
    assert(shares.length > 10, `${shares.length}`);
    shares.reduce((last, share) => (assert(share >= last && share <= 1), share), 0);
    assert.equal(shares.at(-1), 1);
    assert.deepEqual(await model.runAllAsync(input), model.runAll(input));
  });

  test('take several samples, which may change meanwhile', async () => {
    const two = new Float32Array(2 * input.length);
    two.set(input);
    two.set(
      input.map((x) => 1 - x),
      input.length,
    );
    const expected = model.run(two);
    const run = model.runAsync(two);
    two.fill(0);
    assert.deepEqual(await run, expected);
    assert.deepEqual(await model.runAsync([...input]), model.run(input));
    await assert.rejects(model.runAsync(new Float32Array(5)), ShapeError);
  });

  test('can be stopped, after which the model is as before', async () => {
    await assert.rejects(model.runAsync(input, { signal: AbortSignal.abort(reason) }), isReason);
    await assert.rejects(model.runAsync(input, abortSoon()), isReason);
    await assert.rejects(model.profileAsync(input, abortSoon()), isReason);
    assert.deepEqual(await model.runAsync(input), model.run(input));
  });

  test('are stopped by an event that comes meanwhile', async () => {
    const controller = new AbortController();
    const run = model.runAsync(new Float32Array(40 * input.length), { signal: controller.signal });
    setTimeout(() => controller.abort(reason), 0);
    await assert.rejects(run, isReason);
  });

  test('wait for each other, and refuse others meanwhile', async () => {
    const done = /** @type {string[]} */ ([]);
    const first = model.runAsync(input).then(() => done.push('first'));
    const second = model.runAsync(input, abortSoon()).catch(() => done.push('second'));
    const third = model.profileAsync(input).then(() => done.push('third'));
    for (const call of [() => model.run(input), () => model.profile(input)]) {
      assert.throws(call, (error) => error instanceof LowtropyError && /await/.test(error.message));
    }
    await Promise.all([first, second, third]);
    assert.deepEqual(done, ['first', 'second', 'third']);
    model.run(input);
  });

  test('end when the model is disposed of', async () => {
    const own = await Model.fromGraph(graph, tensors());
    const run = own.runAsync(input, { onProgress: () => own.dispose() });
    await assert.rejects(run, DisposedError);
  });

  test('are timed step by step', async () => {
    const names = (await model.profileAsync(input)).map(({ name }) => name);
    assert.deepEqual(
      names,
      model.profile(input).map(({ name }) => name),
    );
    assert.equal(names.length, LAYERS);
  });
});

describe('async: others', () => {
  test('loading is stopped by an event, of bytes that are in memory, too', async () => {
    const controller = new AbortController();
    const file = model.save();
    setTimeout(() => controller.abort(reason), 0);
    const load = async () => {
      for (;;) (await Model.load(file, { signal: controller.signal })).dispose();
    };
    await assert.rejects(load(), isReason);
  });

  test('encoding', async () => {
    await assert.rejects(Model.fromGraph(graph, tensors(), abortSoon()), isReason);
    await assert.rejects(
      Model.fromGraph(graph, tensors(), { signal: AbortSignal.abort(reason) }),
      isReason,
    );
  });

  test('layers, which are then there at once', async () => {
    const own = await Model.load(model.save());
    await assert.rejects(own.layersAsync(abortSoon()), isReason);
    /** @type {number[]} */
    const shares = [];
    const layers = await own.layersAsync({ onProgress: (share) => shares.push(share) });
    assert.equal(shares.length, LAYERS);
    assert.equal(shares.at(-1), 1);
    assert.deepEqual(layers, model.layers);
    assert.deepEqual(own.layers, layers);
    await own.layersAsync({ onProgress: () => assert.fail('they are known') });
    own.dispose();
  });

  test('a change of formats', async () => {
    await assert.rejects(model.toAsync('csr', abortSoon()), isReason);
    const other = await model.toAsync('csr');
    assert(other.layers.every(({ format }) => format === 'csr'));
    other.dispose();
  });

  test('pauses let events in, and are no timers', async () => {
    let came = false;
    setImmediate(() => (came = true));
    await pause();
    assert(came);
    const { setImmediate: own, MessageChannel: channel } = globalThis;
    try {
      for (const name of ['setImmediate', 'MessageChannel']) {
        Object.assign(globalThis, { [name]: undefined });
        await pause();
      }
    } finally {
      Object.assign(globalThis, { setImmediate: own, MessageChannel: channel });
    }
    await new Pauses().take();
  });
});
