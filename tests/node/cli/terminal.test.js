// SPDX-License-Identifier: Apache-2.0

/** What the command prints: sizes, tables, and progress where there is a terminal. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';

import {
  formatBytes,
  formatTable,
  makeProgress,
  printable,
} from '../../../web/cli/common/terminal.js';

test('terminal: sizes have three digits', () => {
  const sizes = [0, 999, 1000, 9994, 9995, 99_949, 99_950, 999_499, 999_500, 1_104_419, 4e9];
  assert.deepEqual(sizes.map(formatBytes), [
    ...['0 B', '999 B', '1.00 kB', '9.99 kB', '10.0 kB', '99.9 kB', '100 kB', '999 kB'],
    ...['1.00 MB', '1.10 MB', '4.00 GB'],
  ]);
});

test('terminal: a table moves together, and is cut, where there is no room', () => {
  const table = (/** @type {number} */ width) =>
    formatTable(['layer', 'rows'], [['fire2/conv3x3', '64']], width);
  assert.equal(table(Infinity), 'layer          rows\nfire2/conv3x3    64');
  assert.equal(table(18), 'layer         rows\nfire2/conv3x3   64');
  assert.equal(table(15), 'layer      rows\nfire2/con…   64');
  assert.equal(table(1), 'layer    rows\nfire2/c…   64');
});

test('terminal: control characters are shown as question marks, but for new lines', () => {
  assert.equal(printable('a\x1b[2Jb\r\n\x9bc\x7fé\t'), 'a?[2Jb?\n?c?é?');
});

test('terminal: progress is shown after a second, on terminals', (t) => {
  let now = 0;
  /** @type {string[]} */
  const written = [];
  t.mock.method(performance, 'now', () => now);
  t.mock.method(process.stderr, 'write', (/** @type {string} */ text) => written.push(text));
  const { isTTY, columns } = process.stderr;
  try {
    process.stderr.columns = 20;
    for (const terminal of [false, true]) {
      process.stderr.isTTY = terminal;
      const progress = makeProgress('Loading a\x1bb');
      const start = now;
      for (let i = 0; i <= 130; ++i) {
        now = start + 10 * i;
        progress(i, i < 120 ? 200 : undefined);
      }
      if (!terminal) assert.deepEqual(written, []);
    }
  } finally {
    Object.assign(process.stderr, { isTTY, columns });
  }
  assert.deepEqual(written, [
    '\r\x1b[2KLoading a?b … 50 %',
    '\r\x1b[2KLoading a?b … 55 %',
    '\r\x1b[2KLoading a?b …',
    '\r\x1b[2KLoading a?b …',
  ]);
});

test('terminal: the first signal asks, its echo says nothing, the next one ends', async () => {
  const { href } = new URL('../../../web/cli/common/interrupts.js', import.meta.url);
  const script = `
    import { catchInterrupts } from ${JSON.stringify(href)};
    const interrupts = catchInterrupts('Once more.');
    setInterval(() => {}, 1e9);
    process.stdout.write('ready');`;
  for (const [first, second] of /** @type {const} */ ([
    ['SIGINT', 'SIGINT'],
    ['SIGTERM', 'SIGHUP'],
    ['SIGHUP', 'SIGTERM'],
  ])) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const told = new Promise((resolve) => child.stderr.once('data', resolve));
    child.kill(first);
    child.kill(first);
    assert.equal(String(await told), 'Once more.\n');
    const ended = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));
    child.kill(second);
    assert.equal(await ended, second);
  }
});
