// SPDX-License-Identifier: Apache-2.0

/** Files that the command reads and writes. */

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';

import {
  CommandError,
  checkOutput,
  isSameFile,
  readInput,
  writeOutput,
} from '../../../web/cli/common/files.js';
import { replaceFile } from '../../../web/cli/common/replace-file.js';

const folder = mkdtempSync(join(tmpdir(), 'lowtropy-files-'));
after(() => rmSync(folder, { recursive: true }));

/** @param {string} name */
const at = (name) => join(folder, name);
const bytes = Uint8Array.of(1, 2, 3);
const module = (/** @type {string} */ name) =>
  JSON.stringify(new URL(`../../../web/cli/common/${name}`, import.meta.url).href);

/** @param {string} name of a new folder */
function makeFolder(name) {
  mkdirSync(at(name));
  return name;
}

/** @param {RegExp} message */
const sentence = (message) => (/** @type {unknown} */ error) => {
  assert(error instanceof CommandError, String(error));
  assert.match(error.message, message);
  assert.match(error.message, /^[^\n]+\.$/);
  return true;
};

describe('files: written', () => {
  test('whole, with the rights that were there, and nothing left beside', async () => {
    const place = makeFolder('whole');
    writeFileSync(at('whole/a'), 'before');
    chmodSync(at('whole/a'), 0o640);
    await writeOutput(at('whole/a'), bytes);
    assert.deepEqual(new Uint8Array(readFileSync(at('whole/a'))), bytes);
    assert.equal(statSync(at('whole/a')).mode & 0o777, 0o640);
    assert.deepEqual(readdirSync(at(place)), ['a']);
  });

  test('whatever other processes with the same number left behind', async () => {
    makeFolder('stale');
    for (const name of [`.a.${process.pid}.part`, '.a.part', '.lowtropy-a.part']) {
      writeFileSync(at(`stale/${name}`), '');
    }
    await writeOutput(at('stale/a'), bytes);
    assert.equal(readdirSync(at('stale')).length, 4);
  });

  test('by as long a name as the system has, and not by a longer one', async () => {
    const name = at('n'.repeat(255));
    await checkOutput(name);
    await writeOutput(name, bytes);
    assert.equal(statSync(name).size, 3);
    await assert.rejects(checkOutput(`${name}n`), sentence(/ has too long a name\.$/));
  });

  test('through links, which stay, to what is there and to what is not', async () => {
    makeFolder('links');
    makeFolder('elsewhere');
    symlinkSync('../elsewhere', at('links/folder'));
    symlinkSync('folder/new', at('links/one'));
    symlinkSync('one', at('links/two'));
    for (const content of [bytes, Uint8Array.of(4)]) {
      await checkOutput(at('links/two'));
      await writeOutput(at('links/two'), content);
      assert.deepEqual(new Uint8Array(readFileSync(at('elsewhere/new'))), content);
    }
    assert.deepEqual(
      [readlinkSync(at('links/one')), readlinkSync(at('links/two'))],
      ['folder/new', 'one'],
    );
    assert.deepEqual(readdirSync(at('elsewhere')), ['new']);
    symlinkSync('circle', at('links/circle'));
    await assert.rejects(checkOutput(at('links/circle')), sentence(/ is a link in a circle\.$/));
  });

  test('into pipes, which stay', async () => {
    await promisify(execFile)('mkfifo', [at('pipe')]);
    const read = readInput(at('pipe'), 10);
    await checkOutput(at('pipe'));
    await writeOutput(at('pipe'), bytes);
    assert.deepEqual(new Uint8Array(await read), bytes);
    assert(statSync(at('pipe')).isFIFO());
  });

  test('not where that cannot be, which is known before', async () => {
    writeFileSync(at('file'), '');
    for (const [name, message] of /** @type {const} */ ([
      ['', /is a folder, not a file/],
      ['nowhere/a', /nowhere does not exist/],
      ['nowhere/', /is the name of a folder/],
      ['file/a', /file\/a does not exist: a part of its path is not a folder/],
    ])) {
      await assert.rejects(checkOutput(at(name)), sentence(message), name);
    }
    if (process.getuid?.() !== 0) {
      makeFolder('closed');
      chmodSync(at('closed'), 0o555);
      await assert.rejects(checkOutput(at('closed/a')), sentence(/closed may not be accessed/));
    }
  });

  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    test(`or not at all: ${signal} leaves nothing behind`, async () => {
      makeFolder(signal);
      // A reader that never ends keeps the file open until the signal comes.
      const script = `
        import { replaceFile } from ${module('replace-file.js')};
        const content = (async function* () {
          yield 'begun';
          process.stdout.write('begun');
          await new Promise((resolve) => setTimeout(resolve, 1e9));
        })();
        await replaceFile('a', content);`;
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
        cwd: at(signal),
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await new Promise((resolve) => child.stdout.once('data', resolve));
      assert.equal(readdirSync(at(signal)).length, 1);
      const ended = new Promise((resolve) => child.once('exit', (_, by) => resolve(by)));
      child.kill(signal);
      assert.equal(await ended, signal);
      assert.deepEqual(readdirSync(at(signal)), []);
    });
  }

  test('or not at all: what fails leaves what was there', async () => {
    makeFolder('failing');
    writeFileSync(at('failing/a'), 'before');
    const content = (async function* () {
      yield 'begun';
      throw new Error('no more');
    })();
    await assert.rejects(replaceFile(at('failing/a'), content), /no more/);
    assert.deepEqual(readdirSync(at('failing')), ['a']);
    assert.equal(readFileSync(at('failing/a'), 'utf8'), 'before');
  });
});

test('files: one by two names, there or not', async () => {
  makeFolder('same');
  writeFileSync(at('same/a'), '');
  linkSync(at('same/a'), at('same/hard'));
  symlinkSync('a', at('same/soft'));
  symlinkSync('new', at('same/dangling'));
  for (const [one, other, expected] of /** @type {const} */ ([
    ['same/a', 'same/../same/a', true],
    ['same/a', 'same/hard', true],
    ['same/a', 'same/soft', true],
    ['same/new', 'same/./new', true],
    ['same/new', 'same/dangling', true],
    ['same/new', 'same/other', false],
    ['same/a', 'same/new', false],
    ['nowhere/a', 'nowhere/b', false],
  ])) {
    assert.equal(await isSameFile(at(one), at(other)), expected, `${one} ${other}`);
  }
});

describe('files: read', () => {
  test('a pointer of Git LFS is named as such', async () => {
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 5\n`;
    writeFileSync(at('pointer'), pointer);
    await assert.rejects(
      readInput(at('pointer'), 1e6),
      sentence(
        /pointer is a pointer of Git LFS, not the file itself: fetch that with "git lfs pull"/,
      ),
    );
    writeFileSync(at('about'), pointer + 'And so on. '.repeat(200));
    assert((await readInput(at('about'), 1e6)).length > 1000, 'a text about them is a text');
  });

  test('standard input, once', async () => {
    const script = `
      import { readInput } from ${module('files.js')};
      process.stdout.write(await readInput('-', 10));
      await readInput('-', 10).catch((error) => process.stdout.write(error.message));`;
    const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
    run.child.stdin?.end('hello ');
    assert.equal(
      (await run).stdout,
      'hello Standard input can be read only once, for one of the files.',
    );
  });

  test('no more than is allowed', async () => {
    writeFileSync(at('large'), '12345678901');
    await assert.rejects(readInput(at('large'), 10), sentence(/large is larger than the 10 bytes/));
    await assert.rejects(readInput('/dev/zero', 1e6), sentence(/zero is larger than the 1000000/));
  });
});
