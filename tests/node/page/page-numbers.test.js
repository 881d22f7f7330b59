// SPDX-License-Identifier: Apache-2.0

/** How the page writes numbers, names and times. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { uniqueName } from '../../../web/demo/common/store.js';
import {
  compare,
  count,
  formatBytes,
  formatMilliseconds,
  formatRounded,
  formatTimes,
} from '../../../web/demo/common/units.js';
import { costWords, speedOf } from '../../../web/demo/infer/facts.js';
import { decodeText, parseLabels, readLabels } from '../../../web/demo/infer/labels.js';
import { spreadOf } from '../../../web/demo/infer/measure.js';

describe('numbers for people', () => {
  it('are not rounded to tens', () => {
    assert.equal(formatRounded(175), '175');
    assert.equal(formatRounded(1234.4), '1,234');
    assert.equal(formatRounded(7.25), '7.3');
    assert.equal(formatRounded(99.9), '100');
    assert.equal(formatMilliseconds(0.456), '456 µs');
    assert.equal(formatBytes(999.7), '1.0 kB');
  });

  it('have one or many of what they count', () => {
    assert.equal(count(1, 'step'), '1 step');
    assert.equal(count(0, 'step'), '0 steps');
    assert.equal(count(2000, 'class', 'classes'), '2,000 classes');
  });

  it('say better, worse or the same, and never the wrong one', () => {
    const say = (/** @type {number} */ ratio) => compare(ratio, 'faster', 'slower');
    assert.equal(say(2), '×2.0 faster');
    assert.equal(say(0.5), '×2.0 slower');
    assert.equal(say(1), 'the same');
    assert.equal(say(1.004), 'the same');
    assert.equal(say(1.02), '×1.02 faster');
    for (let i = 0; i < 200; ++i) {
      const ratio = 10 ** (4 * Math.random() - 2);
      const text = say(ratio);
      if (text !== 'the same')
        assert.equal(text.endsWith('faster'), ratio > 1, `${ratio}: ${text}`);
      else assert(Math.abs(ratio - 1) < 0.006, `${ratio}`);
      // What is not the same is not shown as once as much.
      assert.doesNotMatch(text, /×1\.00? /, `${ratio}`);
    }
    assert.equal(formatTimes(3766), '×3,766');
  });
});

describe('measured times', () => {
  it('have a median and quartiles among them', () => {
    assert.deepEqual(spreadOf([5, 1, 4, 2, 3]), { median: 3, low: 2, high: 4 });
    assert.deepEqual(spreadOf([10]), { median: 10, low: 10, high: 10 });
    assert.deepEqual(spreadOf([100, 9, 20]), { median: 20, low: 20, high: 100 });
  });

  it('differ only where they are apart', () => {
    const at = (/** @type {number} */ median, spread = 0.1) => ({
      ...{ median, low: median - spread, high: median + spread },
    });
    const speed = (/** @type {any} */ ours, /** @type {any} */ dense) =>
      speedOf(/** @type {any} */ ({ ours, dense }));
    assert.equal(speed(at(1), at(2)), 'faster');
    assert.equal(speed(at(2), at(1)), 'slower');
    assert.equal(speed(at(1), at(1.02, 0.001)), 'same');
    assert.equal(speed(at(1), at(2, 1.5)), 'same');
  });

  it('are told as they are', () => {
    const layer = { rows: 10, cols: 10, nnz: 10, distinct: 4 };
    const words = (/** @type {any} */ facts) => costWords(facts);
    const times = (/** @type {number} */ median) => ({ median, low: median, high: median });
    const model = { bytes: 100, denseBytes: 400, layers: [layer] };
    const comparison = { ours: times(1), dense: times(4) };
    assert.match(
      words({ model, comparison, timing: { difference: 0 } }),
      /^Of the weights 90 % are 0, and no layer has more than 4 .* ×4\.0 smaller than dense.* less time.* stays the same\.$/,
    );
    assert.match(words({ model, comparison: { ours: times(4), dense: times(1) } }), /more time/);
    const full = { ...layer, nnz: 100, distinct: 1000 };
    const plain = words({ model: { bytes: 400, denseBytes: 400, layers: [full] } });
    assert.match(plain, /0\.0 % are 0, and there are many different ones; .* as large as dense\.$/);
    assert.doesNotMatch(plain, /faster|less time|smaller/);
  });
});

describe('names of classes', () => {
  it('are lines, with or without numbers, of any system', () => {
    assert.deepEqual(parseLabels('n01440764 tench, Tinca\r\nn01443537 goldfish\r\n\r\n'), [
      'tench, Tinca',
      'goldfish',
    ]);
    assert.deepEqual(parseLabels('a\rb\rc'), ['a', 'b', 'c']);
    assert.deepEqual(parseLabels('a\n\nc\n'), ['a', '', 'c']);
    assert.deepEqual(parseLabels(''), []);
  });

  it('may be UTF-16', async () => {
    const little = Buffer.from('\ufeffKäfer\nBär', 'utf16le');
    const big = Buffer.from(little).swap16();
    for (const bytes of [little, big, Buffer.from('\ufeffKäfer\nBär')]) {
      assert.deepEqual(parseLabels(decodeText(bytes)), ['Käfer', 'Bär']);
    }
    assert.deepEqual(await readLabels(new Blob([little])), ['Käfer', 'Bär']);
  });

  it('are not looked for in a file that is far too large', async () => {
    assert.deepEqual(await readLabels(new Blob([new Uint8Array(5e6)])), []);
  });
});

describe('names of kept models', () => {
  it('are their own', () => {
    const named = (/** @type {string[]} */ ...names) =>
      names.map((name) => ({ name, checksum: '', bytes: 0, key: '' }));
    assert.equal(uniqueName('a', named()), 'a');
    assert.equal(uniqueName('a', named('a', 'b')), 'a (2)');
    assert.equal(uniqueName('a', named('a', 'a (2)')), 'a (3)');
  });
});
