// SPDX-License-Identifier: Apache-2.0

/** The experiments: a minute's worth of them, and that no run is made twice or lost. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { resNet50Layout } from '../../../scripts/common/resnet50.js';
import { QUICK_PLAN, finalRun, tuningRuns } from '../../../scripts/experiments/plan.js';
import { Store } from '../../../scripts/experiments/store.js';

/** @typedef {import('../../../scripts/experiments/run.js').Result} Result */

const script = fileURLToPath(new URL('../../../scripts/experiments/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'lowtropy-experiments-'));
after(() => rmSync(folder, { recursive: true }));

/** @param {string[]} options */
async function experiments(...options) {
  const places = ['--runs', join(folder, 'runs'), '--out', join(folder, 'out')];
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...places, ...options]);
  return stdout;
}

/** @param {string} name */
const output = (name) => readFileSync(join(folder, 'out', name), 'utf8');

test('the quick experiments write a table, figures and a file of numbers', async () => {
  await experiments('--quick');
  const runs = QUICK_PLAN.series.reduce((sum, { methods }) => sum + methods.length, 0);
  const [header, ...rows] = output('results.csv').trimEnd().split('\n');
  assert.equal(rows.length, runs);
  const columns = header.split(',');
  for (const row of rows) {
    const cells = row.split(',');
    assert.equal(cells.length, columns.length);
    const cell = (/** @type {string} */ name) => Number(cells[columns.indexOf(name)]);
    assert.ok(cell('accuracy') >= 0 && cell('accuracy') <= 1);
    assert.ok(cell('up_bytes_per_worker') > 0);
  }
  assert.match(output('RESULTS.md'), /\| baseline +\|/);
  assert.match(output('accuracy.svg'), /^<svg [^]*<\/svg>\n$/);
  assert.match(output('grid.svg'), /^<svg [^]*<\/svg>\n$/);
});

test('what was run is not run again, and gives the same report', async () => {
  const before = output('RESULTS.md');
  const said = await experiments('--quick');
  assert.doesNotMatch(said, /seconds|accuracy/);
  assert.equal(output('RESULTS.md'), before);
});

test('without the runs there is an empty report', async () => {
  renameSync(join(folder, 'runs'), join(folder, 'kept'));
  await experiments('--quick', '--report');
  assert.equal(output('results.csv').trimEnd().split('\n').length, 1);
});

const [series] = QUICK_PLAN.series;
const [method] = series.methods;
/** @type {Result} */
const RESULT = {
  ...{ accuracy: 0.5, loss: 1, upBytes: 1, downBytes: 1, denseBytes: 1, curve: [], seconds: 1 },
  ...{ date: '', cpu: '', engine: '' },
};

test('two processes at the same runs make each of them once', async () => {
  const list = tuningRuns(series, method);
  /** @type {unknown[]} */
  const made = [];
  const stores = [1, 2].map(() => new Store(join(folder, 'shared')));
  const all = stores.map((store) =>
    store.complete(list, async (settings) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      made.push(settings.optimizer.learningRate);
      return { ...RESULT, loss: settings.optimizer.learningRate };
    }),
  );
  const [first, second] = await Promise.all(all);
  assert.deepEqual(first, second);
  assert.deepEqual(
    first.map(({ loss }) => loss),
    list.map(({ optimizer }) => optimizer.learningRate),
  );
  assert.equal(made.length, list.length);
});

test('the lock of a process that is gone does not stop a run', async () => {
  const runs = join(folder, 'locked');
  const store = new Store(runs);
  const settings = finalRun(series, method, 0);
  await store.complete([settings], async () => RESULT);
  const [file] = readdirSync(runs);
  rmSync(join(runs, file));
  writeFileSync(join(runs, file.replace('.json', '.lock')), String(2 ** 22 + 1));
  assert.deepEqual(await store.complete([settings], async () => RESULT), [RESULT]);
  assert.deepEqual(readdirSync(runs), [file]);
});

test('a run that fails leaves nothing behind', async () => {
  const runs = join(folder, 'failed');
  const store = new Store(runs);
  const settings = finalRun(series, method, 0);
  const failing = store.complete([settings], async () => {
    throw new Error('no');
  });
  await assert.rejects(failing, /no/);
  assert.deepEqual(readdirSync(runs), []);
});

test('ResNet50 has 161 parameters with 25,557,032 elements', () => {
  const sizes = Object.values(resNet50Layout());
  assert.equal(sizes.length, 161);
  assert.equal(
    sizes.reduce((sum, size) => sum + size),
    25_557_032,
  );
});
