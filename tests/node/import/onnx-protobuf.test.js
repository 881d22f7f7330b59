// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { FileError, LimitError } from '../../../web/lib/core/errors.js';
import { MAX_DEPTH, MAX_PARTS, ProtoFile, quote } from '../../../web/lib/import/onnx/protobuf.js';
import { Proto, bytesOf } from '../../support/onnx-writer.js';
import { chooseSeed, makeRandom } from '../../support/random.js';

const seed = chooseSeed();
const random = makeRandom(seed);

/** @param {Uint8Array} bytes */
const open = (bytes) => new ProtoFile(bytes, 'the test').root();

/** @param {Proto | Uint8Array} bytes */
function first(bytes) {
  const message = open(bytes instanceof Proto ? bytes.finish() : bytes);
  assert(message.next());
  return message;
}

/** @param {bigint} value */
const exact = (value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value);

describe(`protobuf, LOWTROPY_SEED=${seed}`, () => {
  test('int64 of every length, and around every power of two', () => {
    for (let power = 0n; power <= 63n; ++power) {
      for (const near of [-1n, 0n, 1n]) {
        for (const sign of [1n, -1n]) {
          const value = BigInt.asIntN(64, sign * ((1n << power) + near));
          assert.equal(first(new Proto().int(1, value)).int64(), exact(value));
        }
      }
    }
  });

  test('int64 at random, one by one and packed', () => {
    const values = Array.from({ length: 500 }, () => {
      const bits = BigInt(Math.floor(random() * 64));
      const [high, low] = [random(), random()].map((each) => BigInt(Math.floor(each * 2 ** 32)));
      return BigInt.asIntN(64, ((high << 32n) | low) >> bits);
    });
    const single = new Proto();
    for (const value of values) single.int(4, value);
    for (const proto of [single, new Proto().packed(4, values)]) {
      /** @type {Array<number | bigint>} */
      const list = [];
      let count = 0;
      for (const message = open(proto.finish()); message.next();) {
        count += message.countVarints();
        message.addInt64s(list);
      }
      assert.deepEqual(list, values.map(exact));
      assert.equal(count, values.length);
    }
  });

  test('a safe integer is asked for, and a larger one refused', () => {
    const most = Number.MAX_SAFE_INTEGER;
    assert.equal(first(new Proto().int(1, most)).integer(), most);
    assert.throws(() => first(new Proto().int(1, BigInt(most) + 1n)).integer(), {
      name: 'FileError',
      message:
        'The test is damaged at byte 1: field 1 of the test is 9007199254740992, which is too large.',
    });
  });

  test('an int32 is the lower half', () => {
    assert.equal(first(new Proto().int(1, -5)).int32(), -5);
    assert.equal(first(new Proto().int(1, 2n ** 32n + 7n)).int32(), 7);
  });

  test('floats, one by one and packed', () => {
    const single = new Proto().float(3, 1.5).float(3, -0).float(3, NaN);
    const packed = new Proto().bytes(3, bytesOf(Float32Array.of(1.5, -0, NaN)));
    for (const proto of [single, packed]) {
      /** @type {number[]} */
      const list = [];
      for (const message = open(proto.finish()); message.next();) message.addFloats(list);
      assert.deepEqual(list, [1.5, -0, NaN]);
    }
  });

  test('bytes are a view of the file, at its place', () => {
    const content = new Proto()
      .int(1, 300)
      .bytes(2, Uint8Array.of(7, 8, 9))
      .finish();
    const file = new Uint8Array(content.length + 5).subarray(5);
    file.set(content);
    const message = open(file);
    message.next();
    message.next();
    const view = message.bytes();
    assert.deepEqual([...view], [7, 8, 9]);
    assert.equal(view.buffer, file.buffer);
    assert.equal(view.byteOffset, 5 + 5);
  });

  test('a message ends where it ends, and what is not asked for is stepped over', () => {
    const inner = new Proto().int(1, 1).float(2, 2).double(3, 3).bytes(4, 'four').int(5, 5);
    const message = first(new Proto().bytes(9, inner).int(1, 77));
    const within = message.message('the inside');
    const fields = [];
    while (within.next()) fields.push(within.field);
    assert.deepEqual(fields, [1, 2, 3, 4, 5]);
    assert(message.next());
    assert.equal(message.int64(), 77);
    assert(!message.next());
  });

  test('strings of all lengths and characters', () => {
    for (const text of ['', 'a', 'ä', '\u{1F600}', '\ufeffmark', 'x'.repeat(64), 'x'.repeat(65)]) {
      assert.equal(first(new Proto().bytes(1, text)).string(), text);
    }
    for (const bytes of [[0x80], [0xc3], [0xed, 0xa0, 0x80], [0xff]]) {
      assert.throws(
        () => first(new Proto().bytes(1, Uint8Array.from(bytes))).string(),
        /no UTF-8\.$/,
      );
    }
  });
});

describe('protobuf: refusals', () => {
  /** @type {Array<[what: string, bytes: Proto | number[], message: string]>} */
  const cases = [
    ['a key that is cut off', [0x80], 'byte 0: a key of the test is cut off.'],
    ['a number that is cut off', [8, 0x80], 'byte 1: field 1 of the test is cut off.'],
    [
      'a length that is cut off',
      [10, 0xff],
      'byte 1: the length of field 1 of the test is cut off.',
    ],
    [
      'a length of more than there is',
      [10, 3, 1, 2],
      'byte 2: field 1 of the test has 3 bytes, and 2 are there.',
    ],
    [
      'a length of 64 bits',
      new Proto().key(1, 2).varint(-1),
      'byte 11: field 1 of the test has 18446744073709552000 bytes, and 0 are there.',
    ],
    [
      '4 bytes of which 3 are there',
      [13, 1, 2, 3],
      'byte 1: field 1 of the test has 4 bytes, and 3 are there.',
    ],
    [
      '8 bytes of which 7 are there',
      [9, 1, 2, 3, 4, 5, 6, 7],
      'byte 1: field 1 of the test has 8 bytes, and 7 are there.',
    ],
    [
      'a varint of 11 bytes',
      [8, ...Array(10).fill(0x80), 1],
      'byte 1: field 1 of the test has more than 10 bytes.',
    ],
    ['field 0', [0, 1], 'byte 0: there is no field with this number in the test.'],
    [
      'a field number of more than 29 bits',
      new Proto().key(2 ** 29, 0).varint(1),
      'byte 0: there is no field with this number in the test.',
    ],
    ['a group', [11, 12], 'byte 0: field 1 of the test begins a group, as nothing of ONNX does.'],
    ['the end of a group', [12], 'byte 0: field 1 of the test ends a group that there is not.'],
    ['wire type 6', [14], 'byte 0: field 1 of the test has the wire type 6, which means nothing.'],
    ['wire type 7', [15], 'byte 0: field 1 of the test has the wire type 7, which means nothing.'],
  ];
  for (const [what, bytes, message] of cases) {
    test(what, () => {
      const file = bytes instanceof Proto ? bytes.finish() : Uint8Array.from(bytes);
      assert.throws(() => open(file).next(), {
        name: 'FileError',
        message: `The test is damaged at ${message}`,
      });
    });
  }

  test('a value that is written otherwise than it is asked for', () => {
    const message = first(new Proto().int(6, 1));
    assert.throws(() => message.string(), {
      message:
        'The test is damaged at byte 1: field 6 of the test is a varint, and must be bytes with their length.',
    });
    assert.throws(() => message.float(), FileError);
    assert.throws(() => first(new Proto().bytes(6, 'x')).int64(), FileError);
    assert.throws(() => first(new Proto().float(6, 1)).addInt64s([]), FileError);
    assert.throws(() => first(new Proto().int(6, 1)).addFloats([]), FileError);
  });

  test('packed numbers that are cut off, and no whole floats', () => {
    const cut = new Proto().bytes(1, Uint8Array.of(1, 0x80)).int(2, 5);
    assert.throws(() => first(cut).addInt64s([]), /a number in field 1 of the test is cut off\.$/);
    assert.throws(
      () => first(cut).countVarints(),
      /the last number in field 1 of the test is cut off/,
    );
    const three = new Proto().bytes(1, Uint8Array.of(1, 2, 3));
    assert.throws(() => first(three).addFloats([]), /has 3 bytes, no multiple of 4\.$/);
  });

  test('messages within messages, one more than may be', () => {
    const nested = (/** @type {number} */ depth) => {
      let proto = new Proto();
      for (let i = 0; i < depth; ++i) proto = new Proto().bytes(1, proto);
      let message = open(proto.finish());
      while (message.next()) message = message.message('the inside');
    };
    nested(MAX_DEPTH);
    assert.throws(() => nested(MAX_DEPTH + 1), /more than 100 messages in each other\.$/);
  });

  test('more parts than may be', () => {
    for (const [size, most] of [
      [0, 2 ** 18],
      [1000, 2 ** 18 + 6000],
      [2 ** 22, MAX_PARTS],
    ]) {
      const file = new ProtoFile(new Uint8Array(size), 'the test');
      file.spend(most);
      assert.throws(() => file.spend(1), LimitError);
    }
  });

  test('names in messages are short, and on one line', () => {
    assert.equal(quote('a"b\n'), '"a\\"b\\n"');
    assert.equal(quote('x'.repeat(100)), `"${'x'.repeat(60)}…"`);
  });
});
