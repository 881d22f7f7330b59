// SPDX-License-Identifier: Apache-2.0

/** How often the command runs a network to time it, by a clock of its own. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { measureSteps } from '../../../web/cli/commands/inspect-times.js';

/**
 * @param {number} runMs how long a run takes
 * @param {number} [work]
 */
async function measure(runMs, work = 1000) {
  let time = 0;
  let runs = 0;
  /** @type {number[]} */
  const shares = [];
  const model = {
    demand: { work },
    inputs: [
      { name: 'x', type: 'float32', shape: ['n', 2, 2], usualShape: [1, 2, 2] },
      { name: 'ids', type: 'int32', shape: [3], usualShape: [3] },
    ],
    async profileAsync(/** @type {any} */ inputs, /** @type {any} */ { onProgress }) {
      assert.deepEqual(inputs, {
        x: { shape: [1, 2, 2], data: new Float32Array(4) },
        ids: { shape: [3], data: new Int32Array(3) },
      });
      runs += 1;
      for (const share of [0.5, 1]) {
        time += runMs / 2;
        onProgress(share);
      }
      return [
        { name: 'a', milliseconds: runMs / 4 },
        { name: 'b', milliseconds: (3 * runMs) / 4 },
      ];
    },
  };
  const times = await measureSteps(
    /** @type {any} */ (model),
    (share) => shares.push(share),
    () => time,
  );
  return { times, runs, time, shares };
}

test('inspect times: a fast network runs often, after a warm-up', async () => {
  const { times, runs } = await measure(1);
  assert.deepEqual([times.runs, runs], [21, 24]);
  assert.equal(times.total, 1e6);
  assert.equal(times.nanoseconds.get('b'), 0.75e6);
});

test('inspect times: whatever a run takes, all take two seconds, or one run', async () => {
  for (const ms of [10, 100, 300, 700, 1100, 3000, 9000]) {
    const { times, runs, time } = await measure(ms);
    assert(times.runs >= 1 && times.runs <= runs);
    assert(time <= Math.max(2000, ms), `${runs} runs of ${ms} ms took ${time}`);
    assert.equal(times.total, ms * 1e6);
  }
  assert.equal((await measure(3000)).runs, 1);
});

test('inspect times: a network that would take long is not run', async () => {
  const { times, runs } = await measure(1, 1e12);
  assert.deepEqual([runs, times.runs, times.total], [0, 0, null]);
  assert.equal(times.leftOut, 'a run would take some 300 s');
});
