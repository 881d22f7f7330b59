// SPDX-License-Identifier: Apache-2.0

/** What "Look inside" says about messages, against the library. */

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import { dissect } from '../../../web/demo/inside/dissect.js';
import { drawUpdate } from '../../../web/demo/inside/draw.js';
import { golombOf } from '../../../web/demo/inside/golomb.js';
import { keptCount, sidesOf } from '../../../web/demo/inside/sides.js';
import { Compressor, decodeMessage, initTraining } from '../../../web/lib/index.js';
import { chooseSeed, makeRandom } from '../../support/random.js';

const seed = chooseSeed();
const random = makeRandom(seed);

before(() => initTraining());

/**
 * @param {Float32Array} update
 * @param {number} sparsity
 * @param {{ sender?: number, round?: number }} [origin]
 */
function encode(update, sparsity, origin) {
  const compressor = new Compressor('sbc', { sparsity }, { update: update.length });
  const bytes = compressor.encode({ update }, origin);
  compressor.dispose();
  return bytes;
}

function randomUpdate() {
  const size = 1 + Math.floor(300 * random());
  const update = drawUpdate(Math.floor(2 ** 32 * random()), size);
  if (random() < 0.2) return update.map((value) => Math.round(100 * value)); // ties
  return update;
}

/**
 * The pieces from the message's first bit to its last, without gap or overlap.
 *
 * @param {Uint8Array} bytes
 * @param {import('../../../web/demo/inside/dissect.js').Piece[]} pieces
 */
function checkCover(bytes, pieces) {
  let at = 0;
  for (const { from, to, name } of pieces) {
    assert.equal(from, at, name);
    assert(to > from, name);
    at = to;
  }
  assert.equal(at, 8 * bytes.length);
}

describe(`inside: update, LOWTROPY_SEED=${seed}`, () => {
  test('the pieces cover every bit once, and say what the decoder says', () => {
    for (let i = 0; i < 500; ++i) {
      const update = randomUpdate();
      const p = Math.max(0.001, random() ** 3);
      const origin = { sender: Math.floor(400 * random()), round: Math.floor(2 ** 32 * random()) };
      const bytes = encode(update, p, origin);
      const { pieces, tensors } = dissect(bytes);
      checkCover(bytes, pieces);
      const decoded = decodeMessage(bytes).tensors.update;
      const [tensor] = tensors;
      assert.equal(tensors.length, 1);
      assert.equal(tensor.size, update.length);
      assert.deepEqual(
        tensor.codes.map(({ index }) => index),
        [...(decoded.indices ?? [])],
      );
      assert.equal(tensor.count, tensor.codes.length);
      if (tensor.count > 0) assert.equal(tensor.value, decoded.value);
      const meanings = Object.fromEntries(pieces.map(({ name, meaning }) => [name, meaning]));
      assert.equal(meanings.sender, String(origin.sender));
      assert.equal(meanings.round, String(origin.round));
    }
  });

  test('the bits of positions are those in the bytes', () => {
    const bytes = encode(drawUpdate(3, 200), 0.05);
    const { pieces, tensors } = dissect(bytes);
    const start = pieces.find(({ section }) => section === 'codes')?.from ?? 0;
    const shown = tensors[0].codes.map(({ unary, remainder }) => unary + remainder).join('');
    const stream = [...bytes].flatMap((byte) =>
      Array.from({ length: 8 }, (_, i) => (byte >> i) & 1),
    );
    assert.equal(shown, stream.slice(start, start + shown.length).join(''));
  });

  test('several tensors, one of them dense', () => {
    const layout = { a: 2, b: 200, c: 200, d: 96 };
    const compressor = new Compressor('sbc', { sparsity: 0.01, denseBelow: 10 }, layout);
    const update = {
      a: [0.5, -0.25],
      b: drawUpdate(1, 200),
      c: drawUpdate(2, 200),
      d: Array(96).fill(0),
    };
    const bytes = compressor.encode(
      Object.fromEntries(
        Object.entries(update).map(([name, values]) => [name, Float32Array.from(values)]),
      ),
    );
    compressor.dispose();
    const { pieces, tensors } = dissect(bytes);
    checkCover(bytes, pieces);
    assert.deepEqual(
      tensors.map(({ size, dense, count }) => [size, dense, count]),
      [
        [2, true, 2],
        [200, false, 2],
        [200, false, 2],
        [96, false, 0],
      ],
    );
  });

  test('other methods are refused', () => {
    const compressor = new Compressor('stc', { sparsity: 0.1 }, { update: 10 });
    const bytes = compressor.encode({ update: drawUpdate(1, 10) });
    compressor.dispose();
    assert.throws(() => dissect(bytes), /method 8/);
  });

  test('the side that is chosen is the one that the message holds', () => {
    for (let i = 0; i < 300; ++i) {
      const update = randomUpdate();
      const p = 0.005 + 0.495 * random();
      const { top, bottom, plus, minus, sendsTop } = sidesOf(update, keptCount(p, update.length));
      const { indices, value } = decodeMessage(encode(update, p)).tensors.update;
      if (!indices?.length) continue; // all zeros
      assert.deepEqual([...indices], sendsTop ? top : bottom);
      assert.equal(value, sendsTop ? plus : -minus);
    }
  });

  test("b* is the message's, and the expectation that of the paper", () => {
    for (let size = 16; size <= 256; size += 5) {
      for (let p = 0.005; p <= 0.5; p *= 1.1) {
        const [{ parameter, count }] = dissect(encode(drawUpdate(size, size), p)).tensors;
        assert.equal(count, keptCount(p, size));
        assert.equal(parameter, golombOf(count, size).parameter, `${count} of ${size}`);
      }
    }
    const { parameter, expected, bound } = golombOf(1, 100);
    assert.deepEqual([parameter, expected.toFixed(3), bound.toFixed(3)], [6, '8.108', '8.079']);
  });

  test('equal seeds draw equal updates', () => {
    assert.deepEqual(drawUpdate(7, 64), drawUpdate(7, 64));
    assert.notDeepEqual(drawUpdate(7, 64), drawUpdate(8, 64));
  });
});
