// SPDX-License-Identifier: Apache-2.0

/** The forms in which the names of classes are found. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { CommandError } from '../../../web/cli/common/files.js';
import { readLabels } from '../../../web/cli/common/labels.js';

const folder = mkdtempSync(join(tmpdir(), 'lowtropy-labels-'));
after(() => rmSync(folder, { recursive: true }));

/** @param {string | Uint8Array} content */
function read(content) {
  const file = join(folder, 'labels');
  writeFileSync(file, content);
  return readLabels(file);
}

const NAMES = ['großer Hund', 'кот, 猫', 'fish'];

test('labels: encodings and ends of lines', async () => {
  for (const end of ['\n', '\r\n', '\r']) {
    for (const last of ['', end, end + end]) {
      const text = NAMES.join(end) + last;
      const little = Buffer.from(`\ufeff${text}`, 'utf16le');
      const big = Buffer.from(little).swap16();
      for (const bytes of [text, `\ufeff${text}`, little, big]) {
        assert.deepEqual(await read(bytes), NAMES);
      }
    }
  }
});

test('labels: identifiers, numbers and JSON', async () => {
  const ids = NAMES.map((_, i) => `n0000000${i}`);
  const forms = [
    NAMES.map((name, i) => `${ids[i]} ${name}`).join('\n'),
    NAMES.map((name, i) => `${ids[i]}\t${name}`).join('\n'),
    NAMES.map((name, i) => `${i} ${name}`).join('\n'),
    NAMES.map((name, i) => `${i + 1}: ${name}`).join('\n'),
    NAMES.map((name, i) => `${i},${name}`).join('\n'),
    JSON.stringify(NAMES),
    JSON.stringify(Object.fromEntries(NAMES.map((name, i) => [i, name]))),
    JSON.stringify(Object.fromEntries(NAMES.map((name, i) => [i, [ids[i], name]]))),
  ];
  for (const form of forms) assert.deepEqual(await read(form), NAMES, form);
});

test('labels: what only looks like those stays as it is', async () => {
  for (const lines of [
    ['7 dwarfs', 'a'],
    ['n01440764', 'n01443537'],
    ['[a', 'b'],
    ['0', '1'],
    ['a', '', 'b'],
  ]) {
    assert.deepEqual(await read(lines.join('\n')), lines);
  }
});

test('labels: what is no text is refused', async () => {
  const wrong = [
    [Buffer.of(0xff, 0xd8, 0xff), /is no text in UTF-8/],
    [Buffer.from('a\nb', 'utf16le'), /is no text .* with its byte order mark/],
    [Buffer.from('version https://git-lfs.github.com/spec/v1\n'), /pointer of Git LFS/],
  ];
  for (const [bytes, message] of /** @type {Array<[Buffer, RegExp]>} */ (wrong)) {
    await assert.rejects(read(bytes), (error) => {
      assert(error instanceof CommandError);
      assert.match(error.message, message);
      return true;
    });
  }
});
