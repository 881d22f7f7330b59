// SPDX-License-Identifier: Apache-2.0

/** Compressors, messages and aggregators as a user of the package has them. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';

import { resNet50Layout } from '../../../scripts/common/resnet50.js';
import {
  Aggregator,
  COMPRESSORS,
  Compressor,
  DisposedError,
  FileError,
  LowtropyError,
  MemoryError,
  ShapeError,
  ValueError,
  applyMessage,
  decodeMessage,
  initTraining,
} from '../../../web/lib/index.js';
import { crc32, decode } from './message-decoder.js';
import { chooseSeed, makeRandom } from '../../support/random.js';

/**
 * @typedef {import('../../../web/lib/updates/compressor.js').MethodName} MethodName
 * @typedef {Record<string, Float32Array>} Tensors
 * @typedef {Record<string, number>} Layout
 */

before(() => initTraining());

/** Methods that send some elements and keep the others. @type {readonly MethodName[]} */
const SPARSE = ['topk', 'stc', 'sbc'];

/**
 * @param {() => unknown} work
 * @param {new (...args: any[]) => Error} type
 * @param {RegExp} message
 */
function refuses(work, type, message) {
  assert.throws(work, (error) => {
    assert(error instanceof type && error instanceof LowtropyError, `${error}`);
    assert.equal(error.name, type.name);
    assert.match(error.message, message);
    assert.match(error.message, /^[A-Z"].*\.$/, 'one sentence');
    return true;
  });
}

/**
 * Values that nearly have a normal distribution.
 *
 * @param {Layout} layout
 * @param {() => number} random
 * @returns {Tensors}
 */
function randomUpdate(layout, random) {
  const normal = () => random() + random() + random() + random() - 2;
  return Object.fromEntries(
    Object.entries(layout).map(([name, size]) => [
      name,
      Float32Array.from({ length: size }, normal),
    ]),
  );
}

/** @param {Layout} layout @returns {Tensors} */
function zeros(layout) {
  return Object.fromEntries(
    Object.entries(layout).map(([name, size]) => [name, new Float32Array(size)]),
  );
}

/** @param {Uint8Array} bytes @returns {Uint8Array} with a checksum that is right */
function fixChecksum(bytes) {
  const fixed = bytes.slice();
  new DataView(fixed.buffer).setUint32(fixed.length - 4, crc32(fixed.subarray(0, -4)), true);
  return fixed;
}

describe('codec: what the issue shows', () => {
  test('an update is sent, decoded and applied', () => {
    const random = makeRandom(1);
    const layout = { w1: 80000, b1: 100 };
    const { w1, b1 } = randomUpdate(layout, random);
    const compressor = new Compressor('sbc', { sparsity: 0.01, momentumMask: true }, layout);
    const bytes = compressor.encode({ w1, b1 }, { round: 3, sender: 0 });
    assert(bytes instanceof Uint8Array);
    assert(bytes.length < 900, `${bytes.length} bytes`);

    const { version, method, sender, round, tensors } = decodeMessage(bytes);
    assert.deepEqual(
      { version, method, sender, round },
      { version: 1, method: 'sbc', sender: 0, round: 3 },
    );
    assert.deepEqual(Object.keys(tensors), ['b1', 'w1']);
    const { length, indices, value, values } = tensors.w1;
    assert.equal(length, 80000);
    assert(indices instanceof Uint32Array && indices.length === 800);
    assert(value !== undefined && value !== 0 && values === undefined);

    const scale = 0.5;
    const weights = { w1: new Float32Array(80000).fill(1), b1: new Float32Array(100) };
    applyMessage(bytes, weights, scale);
    const expected = new Float32Array(80000).fill(1);
    for (const index of indices) expected[index] += Math.fround(scale * value);
    assert.deepEqual(weights.w1, expected);

    const residual = compressor.residual('w1');
    indices.forEach((index) => assert.equal(residual[index], Math.fround(w1[index] - value)));
    assert.equal(w1.filter((each, i) => each !== residual[i]).length, 800);
    const restored = Compressor.restore(compressor.save());
    assert.deepEqual(restored.encode({ w1, b1 }), compressor.encode({ w1, b1 }));
    compressor.dispose();
    restored.dispose();
  });
});

describe('codec: bytes', () => {
  /** As in tests/cpp/compressor_test.cc: natively and here they are equal. */
  const GOLDEN = {
    none: { messages: 0xcc10169d, state: 0x2d3dae9c },
    fp16: { messages: 0x66604395, state: 0xbfc8c655 },
    fedavg: { messages: 0xd0b523cd, state: 0xce641e12 },
    signsgd: { messages: 0x087ab606, state: 0x41531186 },
    terngrad: { messages: 0x33e17878, state: 0x525df276 },
    qsgd: { messages: 0x4e9940e6, state: 0xc0a89abf },
    topk: { messages: 0x0e29a05f, state: 0xe9b8e113 },
    stc: { messages: 0x537fa032, state: 0x7c1d69e0 },
    sbc: { messages: 0xb60ac138, state: 0xc66282b6 },
  };

  for (const method of COMPRESSORS) {
    test(`of ${method} they are those of native builds`, () => {
      const layout = { a: 20000, b: 300, c: 300, d: 7, e: 1 };
      const options = { sparsity: 0.01, momentum: 0.9, denseBelow: 10, seed: 5 };
      const compressor = new Compressor(method, options, layout);
      let state = 1;
      let messages = 0;
      for (let round = 0; round < 3; ++round) {
        const update = zeros(layout);
        for (const values of Object.values(update)) {
          values.forEach((_, i) => {
            state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
            const uniform = (state >>> 8) * 2 ** -24 - 0.5;
            values[i] = Math.fround(uniform * uniform) * uniform;
          });
        }
        messages = crc32(compressor.encode(update, { round }).subarray(0, -4), messages);
      }
      const saved = crc32(compressor.save().subarray(0, -4));
      assert.deepEqual({ messages, state: saved }, GOLDEN[method]);
      compressor.dispose();
    });
  }

  test('of an update shaped as ResNet50 are as few as promised', () => {
    const layout = resNet50Layout();
    const total = Object.values(layout).reduce((a, b) => a + b);
    assert.equal(total, 25557032);
    assert.equal(Object.keys(layout).length, 161);
    const random = makeRandom(2);
    const update = zeros(layout);
    // Triangular values of another width in each tensor; a quarter of a second less than normal ones.
    for (const values of Object.values(update)) {
      const width = random();
      for (let i = 0; i < values.length; ++i) values[i] = width * (random() + random() - 1);
    }
    for (const { sparsity, delay, least } of [
      { sparsity: 0.01, delay: 10, least: 3900 },
      { sparsity: 0.01, delay: 100, least: 39000 },
      { sparsity: 0.001, delay: 1, least: 2700 },
    ]) {
      const compressor = new Compressor('sbc', { sparsity }, layout);
      const ratio = (4 * total * delay) / compressor.encode(update).length;
      assert(ratio >= least, `${ratio} at ${sparsity}, ${delay}`);
      compressor.dispose();
    }
  });
});

describe('codec: a decoder written from FORMAT.md alone', () => {
  /** The dumps of the document by method. */
  function documentedMessages() {
    const document = readFileSync(
      new URL('../../../cpp/lowtropy/updates/FORMAT.md', import.meta.url),
      'utf8',
    );
    return Object.fromEntries(
      Array.from(document.matchAll(/^```hexdump (\w+)\n(.*?)^```/gms), ([, method, dump]) => {
        const lines = dump.trimEnd().split('\n');
        const digits = lines.flatMap((line) => line.slice(10, 58).trim().split(/ +/));
        return [method, Uint8Array.from(digits, (byte) => parseInt(byte, 16))];
      }),
    );
  }

  /**
   * Both decoders on one message.
   *
   * @param {Uint8Array} bytes
   */
  function expectSame(bytes) {
    const plain = decode(bytes);
    const { method, sender, round, tensors } = decodeMessage(bytes);
    assert.equal(COMPRESSORS[plain.method - 1], method);
    assert.deepEqual([plain.sender, plain.round], [sender, round]);
    const updates = Object.values(tensors);
    assert.equal(updates.length, plain.tensors.length);
    updates.forEach(({ length, indices, value, values }, i) => {
      const { size, positions, values: expected } = plain.tensors[i];
      assert.equal(length, size);
      assert.deepEqual(indices && Array.from(indices), positions);
      const found = values ? Array.from(values) : expected.map(() => value);
      assert.deepEqual(found, expected);
    });
  }

  test('reads its examples as the library does', () => {
    const messages = documentedMessages();
    assert.deepEqual(
      Object.keys(messages).sort(),
      COMPRESSORS.filter((name) => name !== 'fedavg').sort(),
    );
    Object.values(messages).forEach(expectSame);
    assert.deepEqual(decode(messages.sbc).tensors, [
      { size: 2, values: [0.5, -0.25] },
      { size: 200, positions: [5, 130], values: [-0.75, -0.75] },
      { size: 200, positions: [0, 1, 199], values: [0.5, 0.5, 0.5] },
      { size: 96, positions: [], values: [] },
    ]);
  });

  test('reads random messages as the library does', () => {
    const seed = chooseSeed();
    const random = makeRandom(seed);
    const below = (/** @type {number} */ limit) => Math.floor(random() * limit);
    for (let i = 0; i < 180; ++i) {
      const method = COMPRESSORS[i % COMPRESSORS.length];
      const layout = Object.fromEntries(
        Array.from({ length: 1 + below(6) }, (_, tensor) => [
          `t${tensor}`,
          1 + below(random() < 0.2 ? 20000 : 300),
        ]),
      );
      const options = {
        sparsity: 10 ** (-3 * random()),
        sampled: random() < 0.5,
        denseBelow: below(2) * below(100),
        levels: 1 + below(20),
        bucket: 1 + below(500),
        seed: below(1000),
      };
      const compressor = new Compressor(method, options, layout);
      const update = randomUpdate(layout, random);
      if (random() < 0.3) update.t0.fill(0);
      const origin = { sender: below(2 ** 32), round: below(2 ** 32) };
      try {
        expectSame(compressor.encode(update, origin));
      } catch (error) {
        throw new Error(`LOWTROPY_SEED=${seed}, message ${i}, ${method}`, { cause: error });
      }
      compressor.dispose();
    }
  });

  test('refuses what the library refuses', () => {
    const seed = chooseSeed();
    const random = makeRandom(seed);
    for (const [method, message] of Object.entries(documentedMessages())) {
      for (let i = 0; i < 400; ++i) {
        const spoiled = message.slice();
        const at = Math.floor(random() * (spoiled.length - 4));
        spoiled[at] ^= 1 << Math.floor(random() * 8);
        const fixed = fixChecksum(spoiled);
        let theirs = '';
        let ours = '';
        try {
          decode(fixed);
        } catch (error) {
          theirs = `${error}`;
        }
        try {
          decodeMessage(fixed);
        } catch (error) {
          assert(error instanceof FileError, `${error}`);
          ours = `${error}`;
        }
        assert.equal(!ours, !theirs, `LOWTROPY_SEED=${seed}, ${method}: ${ours} / ${theirs}`);
      }
    }
  });
});

describe('codec: applying', () => {
  /** @param {Float32Array} values */
  const bitsOf = (values) => new Uint32Array(values.buffer, values.byteOffset, values.length);

  for (const method of COMPRESSORS) {
    test(`messages of ${method}: equal ones in equal order give equal bits`, () => {
      const random = makeRandom(3);
      const layout = { a: 9000, b: 30 };
      const compressor = new Compressor(method, { sparsity: 0.05, denseBelow: 50 }, layout);
      const messages = Array.from({ length: 5 }, () =>
        compressor.encode(randomUpdate(layout, random)),
      );
      const start = randomUpdate(layout, random);
      const [one, other, byHand] = [0, 1, 2].map(() => ({
        b: start.b.slice(),
        a: start.a.slice(),
      }));
      for (const message of messages) {
        applyMessage(message, one, 0.3);
        applyMessage(message, other, 0.3);
        for (const [name, { length, indices, value, values }] of Object.entries(
          decodeMessage(message).tensors,
        )) {
          const tensor = byHand[/** @type {'a' | 'b'} */ (name)];
          for (let i = 0; i < (indices?.length ?? length); ++i) {
            const each = values ? values[i] : Number(value);
            const at = indices ? indices[i] : i;
            tensor[at] = Math.fround(tensor[at] + Math.fround(Math.fround(0.3) * each));
          }
        }
      }
      assert.deepEqual(bitsOf(one.a), bitsOf(other.a));
      assert.deepEqual(bitsOf(one.a), bitsOf(byHand.a));
      assert.deepEqual(bitsOf(one.b), bitsOf(byHand.b));
      compressor.dispose();
    });
  }

  test('what is refused changes nothing', () => {
    const layout = { a: 100, b: 30 };
    const compressor = new Compressor('sbc', { sparsity: 0.1 }, layout);
    const bytes = compressor.encode(randomUpdate(layout, makeRandom(4)), { round: 5 });
    const weights = zeros(layout);
    const other = { a: new Float32Array(100), b: new Float32Array(31) };
    refuses(() => applyMessage(bytes, other), ShapeError, /"b" has 30 elements, not 31/);
    refuses(() => applyMessage(bytes, { a: weights.a }), ShapeError, /2 tensors, not 1/);
    refuses(() => applyMessage(bytes, { a: weights.a, c: weights.b }), ShapeError, /other names/);
    refuses(() => applyMessage(bytes, {}), ShapeError, /no tensors/);
    for (const scale of [NaN, Infinity, 1e300, -1e39, 1e-60, -1e-46]) {
      refuses(() => applyMessage(bytes, weights, scale), ValueError, /scale/);
    }
    refuses(
      () => applyMessage(bytes, weights, 1, { round: 6 }),
      ValueError,
      /of round 5, and this is round 6/,
    );
    refuses(() => applyMessage(bytes.slice(1), weights), FileError, /does not begin/);
    refuses(() => applyMessage(bytes, /** @type {any} */ ({ a: [1], b: [2] })), ValueError, /"a"/);
    refuses(() => applyMessage(bytes, /** @type {any} */ (null)), ValueError, /object/);
    assert.deepEqual(weights, zeros(layout));
    assert.deepEqual(other.a, weights.a);
    applyMessage(bytes, weights, 1, { round: 5 });
    assert.notDeepEqual(weights, zeros(layout));
    compressor.dispose();
  });
});

describe('codec: what is refused', () => {
  test('damaged messages', () => {
    for (const method of COMPRESSORS) {
      const compressor = new Compressor(method, { sparsity: 0.1 }, { a: 100 });
      const bytes = compressor.encode(randomUpdate({ a: 100 }, makeRandom(6)));
      for (let length = 0; length < bytes.length; ++length) {
        refuses(
          () => decodeMessage(bytes.slice(0, length)),
          FileError,
          /^The message is refused: /,
        );
      }
      for (let bit = 0; bit < 8 * bytes.length; bit += 5) {
        const flipped = bytes.slice();
        flipped[bit >> 3] ^= 1 << (bit & 7);
        refuses(() => decodeMessage(flipped), FileError, /^The message is refused: /);
      }
      const later = bytes.slice();
      later[2] = 2;
      refuses(() => decodeMessage(fixChecksum(later)), FileError, /of version 2/);
      const longer = Uint8Array.of(...bytes, 0);
      refuses(() => decodeMessage(fixChecksum(longer)), FileError, /left over/);
      assert.equal(decodeMessage(bytes).method, method);
      compressor.dispose();
    }
    for (const bytes of [undefined, null, 'SB', [0x53, 0x42], new Float32Array(4)]) {
      refuses(() => decodeMessage(/** @type {any} */ (bytes)), ValueError, /Uint8Array/);
    }
  });

  test('messages about other tensors, or of another round', () => {
    const compressor = new Compressor('sbc', { sparsity: 0.1 }, { a: 100 });
    const bytes = compressor.encode({ a: new Float32Array(100).fill(1) }, { round: 9 });
    refuses(() => decodeMessage(bytes, { b: 100 }), ShapeError, /other names/);
    refuses(() => decodeMessage(bytes, { a: 99 }), ShapeError, /"a" has 100 elements, not 99/);
    refuses(() => decodeMessage(bytes, { a: 0 }), ShapeError, /from 1 to 4294967295/);
    refuses(() => decodeMessage(bytes, { a: 100, b: 1 }), ShapeError, /1 tensors, not 2/);
    refuses(() => decodeMessage(bytes, { a: 100 }, { round: 8 }), ValueError, /round 9/);
    assert.equal(decodeMessage(bytes, { a: 100 }, { round: 9 }).round, 9);
    compressor.dispose();
  });

  test('updates, and the compressor stays as it was', () => {
    const layout = { a: 100, b: 3 };
    const compressor = new Compressor('sbc', { sparsity: 0.1 }, layout);
    const twin = new Compressor('sbc', { sparsity: 0.1 }, layout);
    const { a, b } = randomUpdate(layout, makeRandom(7));
    const saved = compressor.save();
    const refusesUpdate = (
      /** @type {any} */ update,
      /** @type {any} */ type,
      /** @type {RegExp} */ message,
    ) => refuses(() => compressor.encode(update), type, message);
    for (const [value, clause] of /** @type {[number, string][]} */ ([
      [NaN, 'NaN'],
      [Infinity, 'an infinity'],
      [-Infinity, 'an infinity'],
    ])) {
      const bad = Float32Array.of(0, value, 0);
      const message = new RegExp(`^The update of tensor "b" has ${clause} at position 1\\.$`);
      refusesUpdate({ a, b: bad }, ValueError, message);
    }
    refusesUpdate({ a }, ShapeError, /no Float32Array called "b"/);
    refusesUpdate({ a, b: [1, 2, 3] }, ShapeError, /no Float32Array called "b"/);
    refusesUpdate({ a, b: new Float32Array(4) }, ShapeError, /"b" must have 3 elements, not 4/);
    refusesUpdate({ a, b, c: b }, ShapeError, /no tensor "c"/);
    refusesUpdate(null, ValueError, /object/);
    for (const round of [-1, 1.5, 2 ** 32, NaN, /** @type {any} */ ('1')]) {
      refuses(() => compressor.encode({ a, b }, { round }), ValueError, /^The round must be/);
      refuses(() => compressor.encode({ a, b }, { sender: round }), ValueError, /^The sender must/);
    }
    assert.deepEqual(compressor.save(), saved);
    assert.deepEqual(compressor.encode({ a, b }), twin.encode({ a, b }));
    compressor.dispose();
    twin.dispose();
  });

  test('compressors that cannot be', () => {
    const make = (
      /** @type {any} */ name,
      /** @type {any} */ options = {},
      /** @type {any} */ layout = {},
    ) => /** @type {() => unknown} */ (() => new Compressor(name, options, layout));
    const layout = { a: 10 };
    refuses(
      make('zip', {}, layout),
      ValueError,
      /no compressor "zip"; there are none, fp16, .* and sbc/,
    );
    refuses(make('sbc'), ValueError, /at least one tensor/);
    refuses(make('sbc', {}, { a: 0 }), ShapeError, /from 1 to 4294967295/);
    refuses(make('sbc', {}, { a: 2.5 }), ShapeError, /not 2\.5/);
    refuses(make('sbc', {}, { '': 5 }), ValueError, /name is empty/);
    refuses(make('none', {}, { a: 2 ** 32 - 1 }), MemoryError, /than memory has room for/);
    refuses(make('none', {}, { a: 3e8, b: 3e8 }), MemoryError, /than memory has room for/);
    for (const sparsity of [0, -0.1, 1.01, 1e-60]) {
      refuses(make('sbc', { sparsity }, layout), ValueError, /sparsity p must be above 0/);
    }
    refuses(make('sbc', { sparsity: NaN }, layout), ValueError, /"sparsity" must be a number/);
    refuses(make('sbc', { sparsity: '1' }, layout), ValueError, /"sparsity" must be a number/);
    refuses(make('sbc', { sampled: 1 }, layout), ValueError, /"sampled" must be a boolean/);
    refuses(make('sbc', { p: 0.1 }, layout), ValueError, /no option "p"/);
    refuses(make('sbc', null, layout), ValueError, /options must be an object/);
    refuses(make('sbc', {}, null), ValueError, /layout must be an object/);
    refuses(make('qsgd', { levels: 0 }, layout), ValueError, /levels/);
    refuses(make('qsgd', { bucket: 1.5 }, layout), ValueError, /"bucket" must be a whole number/);
    refuses(make('topk', { momentum: 1 }, layout), ValueError, /momentum/);
    refuses(make('signsgd', { step: 0 }, layout), ValueError, /step/);
    refuses(make('terngrad', { clip: -1 }, layout), ValueError, /clip/);
    // Options that methods do not use must be numbers that can be kept all the same.
    for (const option of ['momentum', 'step', 'clip']) {
      refuses(make('none', { [option]: 1e300 }, layout), ValueError, /float32 .* is Infinity/);
      refuses(make('none', { [option]: 1e-60 }, layout), ValueError, /float32 .* is 0/);
    }
    refuses(make('topk', { momentum: 0.99999999999 }, layout), ValueError, /momentum .* below 1/);
  });

  test('sums that overflow, before anything is changed', () => {
    const layout = { a: 3, b: 2 };
    const update = { a: Float32Array.of(1, 2, 3), b: Float32Array.of(1, 3e38) };
    for (const method of COMPRESSORS.filter((name) => !['fp16', 'qsgd'].includes(name))) {
      const compressor = new Compressor(method, { sparsity: 1, step: 3e38, clip: 0 }, layout);
      const bytes = compressor.encode(update);
      compressor.dispose();
      const weights = { a: Float32Array.of(1, 2, 3), b: Float32Array.of(3e38, 3e38) };
      const before = structuredClone(weights);
      refuses(
        () => applyMessage(bytes, weights),
        ValueError,
        /not applied.* element [01] of tensor "b" NaN or infinite/,
      );
      refuses(() => applyMessage(bytes, weights, 3.4e38), ValueError, /with the scale 3\.39/);
      assert.deepEqual(weights, before);
      applyMessage(bytes, weights, -0.5);
      assert.notDeepEqual(weights, before);
    }
  });

  test('messages about more tensors than networks have', () => {
    // Seven bits each, as FORMAT.md says: sbc of sizes 1, of which nothing is sent.
    const forge = (/** @type {number} */ count) => {
      const heads = new Uint8Array(Math.ceil((16 + 7 * (count - 1)) / 8));
      for (let i = 1, at = 16; i < count; ++i, at += 7) heads[at >> 3] |= 1 << (at & 7);
      const varint = [(count & 127) | 128, ((count >> 7) & 127) | 128, count >> 14];
      const head = [0x53, 0x42, 1, 9, 0, 0, 1, 2, 3, 4, ...varint, 0x0a, 0xd7, 0x23, 0x3c];
      return fixChecksum(Uint8Array.of(...head, ...heads, 0, 0, 0, 0));
    };
    const { tensors } = decodeMessage(forge(65536));
    assert.equal(Object.keys(tensors).length, 65536);
    assert.deepEqual(tensors[65535], { length: 1, indices: new Uint32Array(0), value: 0 });
    refuses(() => decodeMessage(forge(65537)), FileError, /about 65537 tensors, and at most 65536/);
    const names = Array.from({ length: 65537 }, (_, i) => [`t${i}`, 1]);
    const make = () => new Compressor('none', {}, Object.fromEntries(names));
    refuses(make, ValueError, /at most 65536 tensors, not 65537/);
  });

  test('saved states that were changed, and disposed handles', () => {
    const compressor = new Compressor('stc', {}, { a: 10 });
    const saved = compressor.save();
    for (let at = 0; at < saved.length; ++at) {
      const spoiled = saved.slice();
      spoiled[at] ^= 4;
      refuses(() => Compressor.restore(spoiled), FileError, /^The saved compressor is refused: /);
      refuses(() => Compressor.restore(saved.slice(0, at)), FileError, /refused/);
    }
    refuses(() => Compressor.restore(/** @type {any} */ (null)), ValueError, /Uint8Array/);
    refuses(() => compressor.residual('b'), ValueError, /no tensor "b"/);
    compressor.dispose();
    refuses(() => compressor.encode({ a: new Float32Array(10) }), DisposedError, /Compressor/);
  });
});

describe('codec: state', () => {
  test('nothing is lost: what was sent and what stays is what came in', () => {
    const random = makeRandom(8);
    const layout = { a: 2000, b: 20 };
    for (const method of SPARSE) {
      const compressor = new Compressor(method, { sparsity: 0.02 }, layout);
      const sent = zeros(layout);
      const total = new Float64Array(2000);
      for (let round = 0; round < 50; ++round) {
        const update = randomUpdate(layout, random);
        update.a.forEach((value, i) => (total[i] += value));
        applyMessage(compressor.encode(update, { round }), sent);
      }
      const residual = compressor.residual('a');
      total.forEach((value, i) => assert(Math.abs(sent.a[i] + residual[i] - value) < 1e-4));
      compressor.dispose();
    }
  });

  test('of each method it is restored, and goes on to the same bytes', () => {
    const random = makeRandom(9);
    const layout = { a: 6000, b: 20 };
    for (const method of COMPRESSORS) {
      const options = { sparsity: 0.02, sampled: true, momentum: 0.9, seed: 3 };
      const compressor = new Compressor(method, options, layout);
      compressor.encode(randomUpdate(layout, random));
      const restored = Compressor.restore(compressor.save());
      assert.equal(restored.method, method);
      assert.deepEqual(restored.layout, layout);
      for (let round = 0; round < 3; ++round) {
        const update = randomUpdate(layout, random);
        assert.deepEqual(restored.encode(update, { round }), compressor.encode(update, { round }));
      }
      assert.deepEqual(restored.save(), compressor.save());
      for (const each of [compressor, restored]) each.dispose();
    }
  });

  test('saved at any moment, it goes on as one that never was', () => {
    const seed = chooseSeed();
    const random = makeRandom(seed);
    const layout = { a: 1500, b: 20 };
    for (let run = 0; run < 3 * COMPRESSORS.length; ++run) {
      const options = {
        sparsity: 0.05,
        sampled: random() < 0.5,
        momentum: random() < 0.5 ? 0.9 : 0,
        denseBelow: random() < 0.5 ? 30 : 0,
        seed: run,
      };
      const twin = new Compressor(COMPRESSORS[run % COMPRESSORS.length], options, layout);
      let saved = new Compressor(twin.method, options, layout);
      for (let step = 0; step < 12; ++step) {
        const chance = random();
        const update = randomUpdate(layout, random);
        if (chance < 0.3) {
          for (const each of [twin, saved]) each.takeBack();
        } else if (chance < 0.4) {
          update.a[7] = NaN;
          for (const each of [twin, saved]) refuses(() => each.encode(update), ValueError, /NaN/);
        } else {
          const origin = { round: step, sender: run };
          assert.deepEqual(saved.encode(update, origin), twin.encode(update, origin));
        }
        assert.deepEqual(saved.residual('a'), twin.residual('a'), `seed ${seed}`);
        if (random() < 0.6) {
          const restored = Compressor.restore(saved.save());
          saved.dispose();
          saved = restored;
        }
        assert.deepEqual(saved.save(), twin.save(), `seed ${seed}`);
      }
      for (const each of [twin, saved]) each.dispose();
    }
  });

  test('takes memory for what there is, not for what it names', () => {
    const before = process.memoryUsage().rss;
    for (const method of COMPRESSORS) {
      const small = new Compressor(method, {}, { w: 3 });
      const saved = small.save();
      small.dispose();
      const at = saved.length - 4 - 9 - 16 - (SPARSE.includes(method) ? 12 : 0) - 16 - 8;
      const view = new DataView(saved.buffer);
      assert.equal(view.getBigUint64(at, true), 3n);
      for (const size of [400_000_000n, 2n ** 32n - 1n, 2n ** 40n, 2n ** 64n - 1n]) {
        view.setBigUint64(at, size, true);
        fixChecksum(saved);
        for (const kind of [Compressor, Aggregator]) {
          try {
            const restored = kind.restore(saved);
            assert(restored.save().length < 200);
            restored.dispose();
          } catch (error) {
            assert(error instanceof FileError, `${error}`);
          }
        }
      }
    }
    assert(process.memoryUsage().rss - before < 2e8);
  });

  test('a message that got lost is taken back', () => {
    const layout = { a: 1000 };
    const compressor = new Compressor('sbc', { sparsity: 0.05 }, layout);
    const update = randomUpdate(layout, makeRandom(10));
    compressor.encode(update);
    compressor.takeBack();
    compressor.takeBack();
    compressor.residual('a').forEach((value, i) => assert(Math.abs(value - update.a[i]) < 1e-6));
    compressor.dispose();
  });

  test('names are known from compressors, or tensors have numbers', () => {
    const compressor = new Compressor('none', {}, { 'only here': 1, 'and here': 2 });
    const bytes = compressor.encode({
      'only here': Float32Array.of(7),
      'and here': new Float32Array(2),
    });
    assert.deepEqual(Object.keys(decodeMessage(bytes).tensors), ['and here', 'only here']);
    const unknown = bytes.slice();
    unknown[6] ^= 1; // of the layout id
    assert.deepEqual(Object.keys(decodeMessage(fixChecksum(unknown)).tensors), ['0', '1']);
    compressor.dispose();
  });

  test('names that objects have of their own are names like others', () => {
    const layout = JSON.parse('{"__proto__": 2, "constructor": 1}');
    const compressor = new Compressor('none', {}, layout);
    const update = JSON.parse('{"__proto__": 0, "constructor": 0}');
    Object.defineProperty(update, '__proto__', { value: Float32Array.of(1, 2), enumerable: true });
    update.constructor = Float32Array.of(3);
    const { tensors } = decodeMessage(compressor.encode(update), layout);
    assert.deepEqual(Object.keys(tensors), ['__proto__', 'constructor']);
    compressor.dispose();
  });
});

describe('codec: the server', () => {
  const layout = { a: 500, b: 20 };

  /**
   * @param {MethodName} method
   * @param {Tensors} update
   * @param {{ round?: number, sender?: number }} [origin]
   */
  function message(method, update, origin) {
    const compressor = new Compressor(method, { sparsity: 0.1 }, layout);
    const bytes = compressor.encode(update, origin);
    compressor.dispose();
    return bytes;
  }

  test('sends the mean, and keeps what it did not send', () => {
    const random = makeRandom(11);
    const aggregator = new Aggregator('sbc', { sparsity: 0.1 }, layout);
    const wanted = new Float64Array(500);
    const sent = zeros(layout);
    for (let round = 0; round < 30; ++round) {
      const mean = zeros(layout);
      for (let worker = 0; worker < 4; ++worker) {
        const bytes = message('sbc', randomUpdate(layout, random), { round, sender: worker });
        applyMessage(bytes, mean, 0.25);
        aggregator.add(bytes, { round });
      }
      assert.equal(aggregator.count, 4);
      mean.a.forEach((value, i) => (wanted[i] += value));
      const bytes = aggregator.finish({ round, sender: 77 });
      assert.equal(decodeMessage(bytes).sender, 77);
      assert.equal(aggregator.count, 0);
      applyMessage(bytes, sent);
    }
    // What stays is some rounds' worth, not thirty.
    const stays = wanted.map((value, i) => value - sent.a[i]);
    assert(Math.max(...stays.map(Math.abs)) < 20);
    const restored = Aggregator.restore(aggregator.save());
    const bytes = message('sbc', randomUpdate(layout, random));
    for (const each of [aggregator, restored]) each.add(bytes);
    assert.deepEqual(restored.finish(), aggregator.finish());
    for (const each of [aggregator, restored]) each.dispose();
  });

  test('of signs counts the votes', () => {
    const aggregator = new Aggregator('signsgd', { step: 0.5 }, layout);
    const up = { a: new Float32Array(500).fill(1), b: new Float32Array(20).fill(1) };
    const down = { a: new Float32Array(500).fill(-1), b: new Float32Array(20).fill(1) };
    const vote = (/** @type {Tensors[]} */ ...updates) => {
      updates.forEach((update, sender) => aggregator.add(message('signsgd', update, { sender })));
      return decodeMessage(aggregator.finish()).tensors.a.values?.[0];
    };
    assert.equal(vote(up, down, up), 0.5);
    assert.equal(vote(up, down, down), -0.5);
    assert.equal(vote(down, up), -0.5); // a tie goes as the first
    assert.equal(vote(up, down), 0.5);
    aggregator.dispose();
  });

  test('refuses what it cannot add, and stays as it was', () => {
    const random = makeRandom(12);
    const aggregator = new Aggregator('sbc', { sparsity: 0.1 }, layout);
    const good = message('sbc', randomUpdate(layout, random), { round: 4 });
    refuses(
      () => aggregator.add(good, { round: 5 }),
      ValueError,
      /of round 4, and this is round 5/,
    );
    refuses(() => aggregator.add(good, { round: NaN }), ValueError, /round must be a whole number/);
    refuses(() => aggregator.add(good.slice(0, -1)), FileError, /checksum/);
    refuses(() => aggregator.add(/** @type {any} */ ('x')), ValueError, /Uint8Array/);
    const other = message('topk', randomUpdate(layout, random), { round: 4 });
    refuses(() => aggregator.add(other), ValueError, /by topk, and the others by sbc/);
    refuses(() => aggregator.finish(), ValueError, /no messages/);
    refuses(() => aggregator.finish({ round: -1 }), ValueError, /round/);
    refuses(() => Aggregator.restore(new Uint8Array(9)), FileError, /refused/);
    assert.equal(aggregator.count, 0);
    aggregator.dispose();
  });

  test('counts each sender once, and one round at a time', () => {
    const up = { a: new Float32Array(500).fill(1), b: new Float32Array(20).fill(1) };
    const down = { a: new Float32Array(500).fill(-1), b: new Float32Array(20).fill(-1) };
    for (const method of COMPRESSORS) {
      let aggregator = new Aggregator(method, { sparsity: 0.1 }, layout);
      const repeated = message(method, up, { sender: 3, round: 9 });
      aggregator.add(repeated);
      for (let times = 0; times < 3; ++times) {
        refuses(() => aggregator.add(repeated), ValueError, /^Sender 3 .* round 9 .* counts once/);
        // Nor does it matter what it says the second time, or that the server began anew meanwhile.
        const another = message(method, down, { sender: 3, round: 9 });
        refuses(() => aggregator.add(another, { round: 9 }), ValueError, /counts once/);
        const restored = Aggregator.restore(aggregator.save());
        aggregator.dispose();
        aggregator = restored;
      }
      const early = message(method, down, { sender: 1, round: 10 });
      refuses(() => aggregator.add(early), ValueError, /of round 10, and those .* of round 9/);
      for (const sender of [1, 2]) aggregator.add(message(method, down, { sender, round: 9 }));
      assert.equal(aggregator.count, 3);
      const sent = zeros(layout);
      applyMessage(aggregator.finish(), sent);
      assert(sent.a.every((value) => value <= 0) && sent.a.some((value) => value < 0), method);
      aggregator.add(early); // the next round, in which the sender has its turn again
      aggregator.add(message(method, up, { sender: 3, round: 10 }));
      assert.equal(aggregator.count, 2);
      aggregator.dispose();
    }
  });

  test('hostile messages are refused whole', () => {
    const seed = chooseSeed();
    const random = makeRandom(seed);
    for (const method of COMPRESSORS) {
      const aggregator = new Aggregator(method, { sparsity: 0.1 }, layout);
      aggregator.add(message(method, randomUpdate(layout, random), { sender: 1 }));
      const good = message(method, randomUpdate(layout, random), { sender: 2 });
      for (let i = 0; i < 300; ++i) {
        const before = aggregator.save();
        const spoiled = good.slice(
          0,
          random() < 0.2 ? Math.floor(random() * good.length) : undefined,
        );
        for (let bits = 1 + Math.floor(3 * random()); bits > 0 && spoiled.length > 4; --bits) {
          const limit = random() < 0.5 ? Math.min(30, spoiled.length - 4) : spoiled.length - 4;
          spoiled[Math.floor(random() * limit)] ^= 1 << Math.floor(8 * random());
        }
        if (spoiled.length > 4) fixChecksum(spoiled);
        try {
          aggregator.add(spoiled);
        } catch (error) {
          assert(error instanceof LowtropyError, `seed ${seed}: ${error}`);
          assert.deepEqual(aggregator.save(), before, `seed ${seed}`);
        }
        if (aggregator.count < 5) continue;
        aggregator.finish();
        aggregator.add(message(method, randomUpdate(layout, random), { sender: 1 }));
      }
      aggregator.dispose();
    }
  });
});
