// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { floatsOf, readSafetensors } from '../../../web/lib/import/safetensors.js';
import { FileError } from '../../../web/lib/lowtropy.js';
import { makeRandom } from '../../support/random.js';

/**
 * @param {unknown} header
 * @param {Uint8Array} [data]
 */
function file(header, data = new Uint8Array()) {
  const text = new TextEncoder().encode(
    typeof header === 'string' ? header : JSON.stringify(header),
  );
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

/** Three values of each type, as they lie in a file, and their numbers. @type {Array<[string, ArrayBufferView, number[]]>} */
const CASES = [
  ['F64', Float64Array.of(1.5, -2, 3e10), [1.5, -2, 3e10]],
  ['F32', Float32Array.of(1.5, -0, 7), [1.5, -0, 7]],
  ['F16', Uint16Array.of(0x3c00, 0xc000, 0x0001), [1, -2, 2 ** -24]],
  ['BF16', Uint16Array.of(0x3f80, 0xc000, 0x4049), [1, -2, 3.140625]],
  ['I64', BigInt64Array.of(-1n, 2n, 1n << 40n), [-1, 2, 2 ** 40]],
  ['I32', Int32Array.of(-1, 2, 3), [-1, 2, 3]],
  ['U16', Uint16Array.of(1, 65535, 3), [1, 65535, 3]],
  ['I8', Int8Array.of(-128, 127, 0), [-128, 127, 0]],
  ['U8', Uint8Array.of(1, 255, 0), [1, 255, 0]],
  ['BOOL', Uint8Array.of(1, 0, 1), [1, 0, 1]],
];

describe('safetensors of others', () => {
  for (const [dtype, values, numbers] of CASES) {
    test(dtype, () => {
      // At an odd place, so that nothing is aligned by chance.
      const own = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      const data = new Uint8Array(1 + own.length);
      data.set(own, 1);
      const header = {
        __metadata__: { format: 'pt' },
        w: { dtype, shape: [3, 1], data_offsets: [1, data.length] },
      };
      const [tensor, ...others] = readSafetensors(file(header, data));
      assert.equal(others.length, 0);
      assert.deepEqual(
        { ...tensor, bytes: undefined },
        { name: 'w', dtype, shape: [3, 1], bytes: undefined },
      );
      const floats = /** @type {Float32Array} */ (floatsOf(tensor));
      assert.deepEqual([...floats], numbers.map(Math.fround));
    });
  }

  test('types that are not read', () => {
    const header = { w: { dtype: 'F8_E4M3', shape: [2], data_offsets: [0, 2] } };
    assert.equal(floatsOf(readSafetensors(file(header, new Uint8Array(2)))[0]), undefined);
  });

  const sound = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
  /** @type {Array<[string, Uint8Array, RegExp]>} */
  const refused = [
    ['nothing', new Uint8Array(), /header is cut off/],
    ['a header that is cut off', file('{"a"').subarray(0, 10), /header is cut off/],
    [
      'a header as long as 2^63',
      new Uint8Array([...Array(7).fill(0), 128, 1]),
      /header is cut off/,
    ],
    ['a header of no JSON', file('{"a"'), /no JSON object/],
    ['a list', file([]), /no JSON object/],
    ['null', file('null'), /no JSON object/],
    ['a tensor that is a number', file({ w: 3 }), /"w" has no type, shape and place in it/],
    ['a shape below 0', file({ w: { ...sound, shape: [-2] } }, new Uint8Array(8)), /"w"/],
    ['a place outside', file({ w: { ...sound, data_offsets: [0, 9] } }, new Uint8Array(8)), /"w"/],
    [
      'a place backwards',
      file({ w: { ...sound, data_offsets: [8, 0] } }, new Uint8Array(8)),
      /"w"/,
    ],
    [
      'a shape of other bytes',
      file({ w: { ...sound, shape: [3] } }, new Uint8Array(8)),
      /of 3 F32 takes 12 bytes, not 8/,
    ],
    [
      'a shape of 2^60',
      file({ w: { ...sound, shape: [2 ** 30, 2 ** 30] } }, new Uint8Array(8)),
      /takes/,
    ],
  ];
  for (const [what, bytes, message] of refused) {
    test(`refuses ${what}`, () =>
      assert.throws(
        () => readSafetensors(bytes),
        (error) => error instanceof FileError && message.test(error.message),
      ));
  }

  test('rubbish gets a sentence', () => {
    const seed = 5;
    const random = makeRandom(seed);
    const whole = file({ w: sound, v: { ...sound, dtype: 'F16', shape: [4] } }, new Uint8Array(8));
    for (let n = 0; n < 500; ++n) {
      const bytes = whole.slice(0, Math.ceil(random() * whole.length));
      for (let k = 0; k < 3; ++k) bytes[Math.floor(random() * bytes.length)] = 256 * random();
      try {
        readSafetensors(bytes).forEach(floatsOf);
      } catch (error) {
        assert(error instanceof FileError, `seed ${seed}, ${n}: ${error}`);
      }
    }
  });
});
