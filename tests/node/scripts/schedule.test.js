// SPDX-License-Identifier: Apache-2.0

/** The order in which `npm test` runs its steps. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { schedule } from '../../../scripts/test/schedule.js';
import { BUILDS, STEPS, stepsBefore } from '../../../scripts/test/steps.js';
import { chooseSeed, makeRandom } from '../../support/random.js';

/**
 * @param {Array<Partial<import('../../../scripts/test/schedule.js').Task>>} tasks whose turns are as
 *   many as their `turns` say, by default one
 * @param {(name: string) => number} [turns]
 */
async function run(tasks, turns = () => 1) {
  /** @type {string[]} */
  const events = [];
  let busy = 0;
  let most = 0;
  await schedule(
    tasks.map(({ name = '', cores = 1, after = [] }) => ({
      name,
      cores,
      after,
      run: async (allowed) => {
        events.push(`${name}(${allowed})`);
        busy += cores;
        most = Math.max(most, busy);
        for (let turn = turns(name); turn > 0; --turn) await new Promise(setImmediate);
        busy -= cores;
        events.push(`/${name}`);
      },
    })),
    2,
  );
  return { events, most };
}

test('two begin at once, and the last has both cores', async () => {
  const { events } = await run([{ name: 'a' }, { name: 'b' }, { name: 'c' }]);
  assert.deepEqual(events, ['a(1)', 'b(1)', '/a', 'c(1)', '/b', '/c']);
  assert.deepEqual((await run([{ name: 'a' }])).events, ['a(2)', '/a']);
});

test('what must be there before is, and others go ahead meanwhile', async () => {
  const tasks = [{ name: 'a' }, { name: 'b', after: ['a', 'unknown'] }, { name: 'c' }];
  const { events } = await run(tasks, (name) => (name === 'a' ? 3 : 1));
  assert.deepEqual(events, ['a(1)', 'c(1)', '/c', '/a', 'b(2)', '/b']);
});

test('nothing is beside what takes both cores', async () => {
  const { events } = await run([{ name: 'a' }, { name: 'b', cores: 2 }, { name: 'c' }]);
  assert.deepEqual(events, ['a(1)', 'c(1)', '/a', '/c', 'b(2)', '/b']);
});

test('whatever the tasks are, each is run once, and never on more cores than there are', async (t) => {
  const seed = chooseSeed();
  t.diagnostic(`LOWTROPY_SEED=${seed}`);
  const next = makeRandom(seed);
  for (let round = 0; round < 50; ++round) {
    const tasks = Array.from({ length: 12 }, (_, index) => ({
      name: `${index}`,
      cores: next() < 0.2 ? 2 : 1,
      after: Array.from({ length: index }, (_, earlier) => `${earlier}`).filter(() => next() < 0.2),
    }));
    const { events, most } = await run(tasks, () => Math.floor(4 * Math.abs(next())));
    assert(most <= 2);
    for (const { name, after } of tasks) {
      const begun = events.findIndex((event) => event.startsWith(`${name}(`));
      assert.equal(events.filter((event) => event === `/${name}`).length, 1);
      for (const before of after) assert(events.indexOf(`/${before}`) < begun, `seed ${seed}`);
    }
  }
});

test('the steps of npm test need only what can be built', () => {
  const builds = BUILDS.map(({ name }) => name);
  for (const step of [...BUILDS, ...STEPS]) {
    for (const before of stepsBefore(step)) assert(builds.includes(before), before);
  }
});
