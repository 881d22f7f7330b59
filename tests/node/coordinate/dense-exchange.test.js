// SPDX-License-Identifier: Apache-2.0

/**
 * What is called dense exchange is what a run without compression sends: in the library's totals, in
 * its clock, in the command's report and in the page's record.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { summarize } from '../../../web/cli/common/train-report.js';
import { addRound, newRecord, ratioOf } from '../../../web/demo/train/record.js';
import { defaultSettings, toOptions } from '../../../web/demo/train/settings.js';
import { Simulation } from '../../../web/lib/index.js';
import { denseBytes } from '../../../web/lib/coordinate/accounting.js';

/** @typedef {import('../../../web/demo/train/settings.js').Settings} Settings */

/** What the head and the checksum of a message are of dense exchange, at most. */
const FRAMING = 0.01;

/** @param {number[]} values */
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * @param {number} real
 * @param {number} dense
 * @param {string} what
 */
function agree(real, dense, what) {
  assert(real >= dense && real <= dense * (1 + FRAMING), `${what}: ${real} beside ${dense}`);
}

/**
 * @param {Partial<Settings>} values of the page
 * @param {(simulation: Simulation, take: (rounds: number) => Promise<void>) => Promise<void>} work
 */
async function withRun(values, work) {
  const settings = { ...defaultSettings(), ...values };
  const { compressor, ...options } = toOptions(settings);
  const simulation = new Simulation({ ...options, compressor, data: { digits: 60 }, batch: 2 });
  try {
    await simulation.start();
    const record = newRecord(settings, simulation.weightCount, []);
    await work(simulation, async (rounds) => {
      const iterations = simulation.iterations + rounds * settings.n;
      for await (const round of simulation.run({ iterations })) addRound(record, round);
      check(simulation, record);
    });
  } finally {
    await simulation.dispose();
  }
}

/**
 * Page, command and library tell the same.
 *
 * @param {Simulation} simulation
 * @param {import('../../../web/demo/train/record.js').RunRecord} record
 */
function check(simulation, record) {
  const { totals } = simulation;
  const summary = summarize(simulation, { testLoss: 0, accuracy: 0 }, false);
  const { last } = record;
  assert(last);
  assert.equal(last.up, mean(totals.up));
  assert.equal(last.down, mean(totals.down));
  assert.equal(last.denseUp, mean(totals.denseUp));
  assert.equal(last.denseDown, mean(totals.denseDown));
  assert.equal(summary.denseBytesPerWorker, last.denseUp);
  assert.deepEqual(summary.denseDownstreamBytes, totals.denseDown);
  assert.equal(summary.ratio, totals.ratio);
  assert(Math.abs(Number(ratioOf(last)) - Number(totals.ratio)) < 1e-9 * Number(totals.ratio));
  if (record.settings.method !== 'none') return;
  agree(last.up, last.denseUp, 'sent');
  agree(last.down, last.denseDown, 'got');
  agree(last.roundUp, last.roundDense, 'sent in a round');
  agree(last.seconds, last.denseSeconds, 'time');
}

describe('dense exchange', () => {
  for (const workers of [2, 3, 5]) {
    test(`is what ${workers} workers without compression send, up and down`, () =>
      withRun({ method: 'none', n: 1, workers, link: 'home' }, async (simulation, take) => {
        await take(3);
        const { up, down, denseUp, denseDown } = simulation.totals;
        const expected = new Array(workers).fill(denseBytes(simulation.weightCount, 3));
        assert.deepEqual(denseUp, expected);
        assert.deepEqual(denseDown, expected);
        // Nothing but heads and checksums besides: the same few bytes of each message.
        const heads = up.map((bytes, worker) => bytes - denseUp[worker]);
        assert.equal(new Set(heads).size, 1);
        assert.equal(heads[0] % 3, 0);
        assert(heads[0] > 0 && heads[0] / 3 < 100, `${heads}`);
        assert.deepEqual(down, up);
      }));
  }

  test('is that, too, for who was away and comes back', () =>
    withRun({ method: 'none', n: 1, workers: 2, link: 'mobile' }, async (simulation, take) => {
      await take(1);
      await simulation.leave(1);
      await take(2);
      await simulation.join(1);
      await take(1);
      const { denseUp, denseDown } = simulation.totals;
      const one = denseBytes(simulation.weightCount, 1);
      assert.deepEqual(denseUp, [4 * one, 2 * one]);
      // The rounds that it took part in, and the weights for those that it missed.
      assert.deepEqual(denseDown, [4 * one, 3 * one]);
    }));

  test('is n times as much as what is sent all at once after n iterations', () =>
    withRun({ method: 'fedavg', n: 4, workers: 2 }, async (simulation, take) => {
      await take(2);
      const { ratio, downRatio } = simulation.totals;
      for (const each of [ratio, downRatio]) assert(Math.abs(Number(each) / 4 - 1) < FRAMING);
    }));

  test('has the clock of each iteration: its way up, its way down, its work', () =>
    withRun({ method: 'sbc', n: 5, workers: 2, link: 'mobile', step: 7 }, async (simulation) => {
      for await (const round of simulation.run({ iterations: 5 })) {
        const way = 0.05 + (32 * simulation.weightCount) / 1e6;
        const expected = 5 * (0.007 + 2 * way);
        assert(Math.abs(round.denseSimulatedSeconds - expected) < 1e-9 * expected);
        assert(round.simulatedSeconds < expected / 50);
        assert.equal(round.denseBytes, denseBytes(simulation.weightCount, 5));
      }
    }));
});
