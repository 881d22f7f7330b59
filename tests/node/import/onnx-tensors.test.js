// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { FileError, LimitError, UnsupportedError } from '../../../web/lib/core/errors.js';
import { readTensorFile } from '../../../web/lib/import/onnx/model.js';
import { readOnnx } from '../../../web/lib/import/onnx/read.js';
import {
  bytes,
  codes,
  floats,
  int32s,
  integers,
  positions,
} from '../../../web/lib/import/onnx/tensors.js';
import { Proto, bytesOf, inFile, model, sparse, tensor } from '../../support/onnx-writer.js';
import { chooseSeed, makeRandom } from '../../support/random.js';

/**
 * @typedef {import('../../support/onnx-writer.js').TypeName} TypeName
 * @typedef {import('../../../web/lib/import/onnx/tensor-proto.js').OnnxSparseTensor} OnnxSparseTensor
 * @typedef {import('../../../web/lib/import/onnx/tensor-proto.js').OnnxTensor} OnnxTensor
 */

const seed = chooseSeed();
const random = makeRandom(seed);

/** @param {Proto} proto */
const read = (proto) => readTensorFile(proto.finish());

/**
 * At an offset that is a multiple of 8, and one that is no multiple of 2.
 *
 * @param {(offset: number) => OnnxTensor} make
 * @param {(tensor: OnnxTensor) => void} check
 */
function atAnyAlignment(make, check) {
  for (let offset = 0; offset < 8; ++offset) check(make(offset));
}

/**
 * @param {Proto} proto
 * @param {number} offset
 */
function readAt(proto, offset) {
  const file = proto.finish();
  const shifted = new Uint8Array(file.length + offset).subarray(offset);
  shifted.set(file);
  return readTensorFile(shifted);
}

/** @param {number} bits of a float16 @returns {number} by its definition */
function half(bits) {
  const [sign, exponent, mantissa] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return mantissa ? NaN : sign * Infinity;
  if (exponent === 0) return sign * 2 ** -14 * (mantissa / 1024);
  return sign * 2 ** (exponent - 15) * (1 + mantissa / 1024);
}

/** @param {number} bits of a bfloat16 @returns {number} by its definition */
function brain(bits) {
  const [sign, exponent, mantissa] = [bits >> 15 ? -1 : 1, (bits >> 7) & 255, bits & 127];
  if (exponent === 255) return mantissa ? NaN : sign * Infinity;
  if (exponent === 0) return sign * 2 ** -126 * (mantissa / 128);
  return sign * 2 ** (exponent - 127) * (1 + mantissa / 128);
}

const ALL_HALVES = Uint16Array.from({ length: 65536 }, (_, i) => i);

describe('tensors of floats', () => {
  const values = [0, -0, 1.5, -3e38, 1e-45, Infinity, NaN];
  const float32 = Float32Array.from(values);

  test('float32 raw, at any alignment; a view where it can be one', () => {
    let views = 0;
    atAnyAlignment(
      (offset) => readAt(tensor('x', 'float32', [7], float32), offset),
      (x) => {
        const read = floats(x);
        assert.deepEqual(read, float32);
        assert.equal(x.data.kind, 'raw');
        if (x.data.kind === 'raw' && read.buffer === x.data.bytes.buffer) views += 1;
      },
    );
    assert.equal(views, 2);
  });

  test('float32 in float_data, packed, in several packs and one by one', () => {
    const packed = tensor('x', 'float32', [7]).bytes(4, bytesOf(float32));
    const parts = tensor('x', 'float32', [7])
      .bytes(4, bytesOf(float32.subarray(0, 3)))
      .float(4, float32[3])
      .bytes(4, new Uint8Array())
      .bytes(4, bytesOf(float32.subarray(4)));
    const single = tensor('x', 'float32', [7]);
    for (const each of float32) single.float(4, each);
    for (const proto of [packed, parts, single]) assert.deepEqual(floats(read(proto)), float32);
  });

  test('packed floats are a view of the file', () => {
    const file = tensor('x', 'float32', [7]).bytes(4, bytesOf(float32)).finish();
    assert.equal(bytes(readTensorFile(file)).buffer, file.buffer);
  });

  test('float64 is rounded', () => {
    const doubles = Float64Array.of(0.1, -1e-60, 1e60, 2);
    const expected = Float32Array.from(doubles);
    const raw = tensor('x', 'float64', [4], doubles);
    const packed = tensor('x', 'float64', [4]).bytes(10, bytesOf(doubles));
    const single = tensor('x', 'float64', [4]);
    for (const each of doubles) single.double(10, each);
    for (const proto of [raw, packed, single]) assert.deepEqual(floats(read(proto)), expected);
    atAnyAlignment(
      (offset) => readAt(raw, offset),
      (x) => assert.deepEqual(floats(x), expected),
    );
  });

  for (const [type, widen] of /** @type {const} */ ([
    ['float16', half],
    ['bfloat16', brain],
  ])) {
    test(`all 65536 of ${type}, raw and as numbers`, () => {
      // Not as arrays of floats, which are compared by their bits: a NaN keeps its own.
      const expected = [...ALL_HALVES].map(widen);
      const raw = tensor('x', type, [65536], ALL_HALVES);
      assert.deepEqual([...floats(read(raw))], expected);
      assert.deepEqual([...floats(readAt(raw, 1))], expected);
      const list = tensor('x', type, [256, 256]).packed(5, ALL_HALVES);
      assert.deepEqual([...floats(read(list))], expected);
    });
  }
});

/** Of each type of integers: an array of its width, or what takes it apart. */
const INTEGERS = /** @type {const} */ ([
  ['int8', Int8Array, [-128, -1, 0, 127]],
  ['uint8', Uint8Array, [0, 1, 128, 255]],
  ['int16', Int16Array, [-32768, -1, 0, 32767]],
  ['uint16', Uint16Array, [0, 1, 32768, 65535]],
  ['int32', Int32Array, [-(2 ** 31), -1, 0, 2 ** 31 - 1]],
  ['bool', Uint8Array, [0, 1, 1, 0]],
]);

describe('tensors of integers', () => {
  for (const [type, Kind, values] of INTEGERS) {
    test(`${type}: raw at any alignment, and as numbers`, () => {
      const array = new Kind(values);
      const raw = tensor('x', type, [4], array);
      const list = tensor('x', type, [2, 2]).packed(5, values);
      const single = tensor('x', type, [4]);
      for (const each of values) single.int(5, each);
      const made = [read(list), read(single)];
      for (let offset = 0; offset < 8; ++offset) made.push(readAt(raw, offset));
      for (const x of made) {
        assert.deepEqual(integers(x), [...values]);
        assert.deepEqual(int32s(x), Int32Array.from(values));
        assert.deepEqual(codes(x), array);
        assert.deepEqual(bytes(x), bytesOf(array));
      }
    });
  }

  test('uint32 and uint64', () => {
    const values = [0, 1, 2 ** 31, 2 ** 32 - 1];
    const narrow = tensor('x', 'uint32', [4], Uint32Array.from(values));
    const wide = tensor('x', 'uint64', [4], BigUint64Array.from(values.map(BigInt)));
    const lists = [
      tensor('x', 'uint32', [4]).packed(11, values),
      tensor('x', 'uint64', [4]).packed(11, values),
    ];
    for (const proto of [narrow, wide, ...lists]) {
      assert.deepEqual(integers(read(proto)), values);
      assert.throws(() => int32s(read(proto)), /has about 2147483648 as element 2; there may be/);
      assert.deepEqual(
        [...int32s(read(proto), { saturate: true })],
        [0, 1, 2147483647, 2147483647],
      );
      assert.throws(() => codes(read(proto)), UnsupportedError);
    }
  });

  test('int64 within the safe integers, and beyond', () => {
    const most = Number.MAX_SAFE_INTEGER;
    const safe = [0, -1, most, -most];
    const ends = [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n];
    const raw = tensor('x', 'int64', [4], BigInt64Array.from(safe.map(BigInt)));
    for (const proto of [raw, tensor('x', 'int64', [4]).packed(7, safe)]) {
      assert.deepEqual(integers(read(proto)), safe);
    }
    const protos = [
      tensor('ends', 'int64', [3], BigInt64Array.from(ends)),
      tensor('ends', 'int64', [3]).packed(7, ends),
    ];
    for (const x of protos.map(read)) {
      assert.throws(() => integers(x), {
        name: 'FileError',
        message:
          'Of the ONNX model the tensor "ends" has about 9223372036854776000 as element 0; there may ' +
          `be integers from -${most} to ${most}.`,
      });
      assert.deepEqual(integers(x, { saturate: true }), [most, -most, most]);
      assert.deepEqual([...int32s(x, { saturate: true })], [2147483647, -2147483648, 2147483647]);
    }
  });

  test(`int64 at random, LOWTROPY_SEED=${seed}`, () => {
    const values = BigInt64Array.from({ length: 1000 }, () =>
      BigInt(Math.round((random() - 0.5) * 2 ** Math.floor(random() * 54))),
    );
    const expected = [...values].map(Number);
    const raw = tensor('x', 'int64', [10, 100], values);
    atAnyAlignment(
      (offset) => readAt(raw, offset),
      (x) => assert.deepEqual(integers(x), expected),
    );
    assert.deepEqual(integers(read(tensor('x', 'int64', [1000]).packed(7, values))), expected);
  });

  for (const [type, bits, least] of /** @type {const} */ ([
    ['uint4', 4, 0],
    ['int4', 4, -8],
    ['uint2', 2, 0],
    ['int2', 2, -2],
  ])) {
    test(`${type}: the first element in the lowest bits, of any count`, () => {
      for (let count = 0; count <= 9; ++count) {
        const values = Array.from(
          { length: count },
          () => least + Math.floor(random() * 2 ** bits),
        );
        const packed = new Uint8Array(Math.ceil((count * bits) / 8));
        values.forEach((value, i) => {
          packed[Math.floor((i * bits) / 8)] |= (value & (2 ** bits - 1)) << ((i * bits) % 8);
        });
        const raw = read(tensor('x', type, [count], packed));
        const list = read(tensor('x', type, [count]).packed(5, packed));
        for (const x of [raw, list]) {
          assert.deepEqual([...codes(x)], values);
          assert.deepEqual(integers(x), values);
          assert.deepEqual([...int32s(x)], values);
          assert.equal(codes(x).constructor, least < 0 ? Int8Array : Uint8Array);
        }
      }
    });
  }

  test('codes of 8 bits are a view of the file', () => {
    const file = tensor('x', 'int8', [4], Int8Array.of(1, 2, 3, 4)).finish();
    assert.equal(codes(readTensorFile(file)).buffer, file.buffer);
  });

  test('an int8 that is written as its bits', () => {
    assert.deepEqual([...codes(read(tensor('x', 'int8', [2]).packed(5, [255, -1])))], [-1, -1]);
  });
});

describe('tensors of other shapes', () => {
  test('none, one and many elements', () => {
    assert.deepEqual(integers(read(tensor('x', 'int64', [0]))), []);
    assert.deepEqual(integers(read(tensor('x', 'int64', [2, 0, 2 ** 40, 2 ** 40]))), []);
    assert.deepEqual(integers(read(tensor('x', 'int64', [], BigInt64Array.of(7n)))), [7]);
    const large = read(tensor('x', 'uint8', [1, 2, 3, 4, 5, 6], new Uint8Array(720)));
    assert.equal(large.size, 720);
  });

  test('empty fields of other kinds are no elements', () => {
    const proto = tensor('x', 'float32', [1], Float32Array.of(3)).bytes(5, '').bytes(7, '');
    assert.deepEqual([...floats(read(proto))], [3]);
    const list = tensor('x', 'float32', [1], new Uint8Array()).float(4, 4);
    assert.deepEqual([...floats(read(list))], [4]);
  });
});

describe('tensors: refusals', () => {
  const one = Float32Array.of(1);
  /** @type {Array<[what: string, proto: Proto, message: RegExp]>} */
  const cases = [
    ['a negative dimension', tensor('x', 'float32', [-1], one), /"x" has a dimension of -1\.$/],
    [
      'a huge dimension',
      tensor('x', 'float32', [2n ** 60n]),
      /"x" has a dimension of 1152921504606846976\.$/,
    ],
    [
      'a product beyond the safe integers',
      tensor('x', 'float32', [2 ** 30, 2 ** 30]),
      /which is too many\.$/,
    ],
    [
      'no elements',
      tensor('x', 'float32', [1]),
      /"x" holds no elements, and has none elsewhere\.$/,
    ],
    [
      'bytes too few',
      tensor('x', 'float32', [2, 3], one),
      /"x" of 2×3 of float32 has 4 bytes, not 24\.$/,
    ],
    ['bytes too many', tensor('x', 'int4', [2], one), /of 2 of int4 has 4 bytes, not 1\.$/],
    [
      'numbers too few',
      tensor('x', 'int64', [3]).packed(7, [1]),
      /of 3 has 1 in int64_data, not 3\.$/,
    ],
    ['elements twice', tensor('x', 'float32', [1], one).float(4, 1), /holds its elements twice/],
    ['elements in two lists', tensor('x', 'float32', [1]).float(4, 1).int(5, 1), /elements twice/],
    [
      'a list of another type',
      tensor('x', 'float32', [1]).int(5, 1),
      /of float32 holds its elements in int32_data\.$/,
    ],
    ['a segment', tensor('x', 'float32', [1], one).bytes(3, ''), /segment of a larger one/],
    [
      'an odd number of bytes in a list',
      tensor('x', 'float32', [1]).bytes(4, 'abc'),
      /no multiple of 4\.$/,
    ],
  ];
  for (const [what, proto, message] of cases) {
    test(what, () => {
      assert.throws(() => read(proto), { name: 'FileError', message });
      assert.throws(
        () => read(proto),
        /^FileError: The ONNX tensor is damaged at byte \d+: [^\n]+\.$/,
      );
    });
  }

  test('elements that are too large for their type', () => {
    for (const [type, value] of /** @type {Array<[TypeName, number]>} */ ([
      ['uint8', 256],
      ['uint8', -129],
      ['int8', 256],
      ['int8', -129],
      ['uint16', 65536],
      ['int16', -32769],
      ['float16', 65536],
      ['int32', 2 ** 32],
      ['int4', 256],
    ])) {
      const x = read(tensor('x', type, [1]).int(5, value));
      assert.throws(() => bytes(x), new RegExp(`"x" of ${type} has an element that is too large`));
    }
    const x = read(tensor('x', 'uint32', [1]).int(11, 2 ** 32));
    assert.throws(() => bytes(x), /of uint32 has an element that is too large\.$/);
  });

  test('types that are not supported are read, and refused when they are asked for', () => {
    for (const type of /** @type {TypeName[]} */ ([
      ...['float8e4m3fn', 'float8e4m3fnuz', 'float8e5m2', 'float8e5m2fnuz', 'float8e8m0'],
    ])) {
      const x = read(tensor('w', type, [3], Uint8Array.of(1, 2, 3)));
      assert.equal(x.type, type);
      for (const reader of [floats, integers, int32s, codes]) {
        assert.throws(() => reader(x), {
          name: 'UnsupportedError',
          message: `Of the ONNX model the tensor "w" is of ${type}, which is not supported.`,
        });
      }
    }
    const others = [
      tensor('w', 'string', [2]).bytes(6, 'a').bytes(6, 'b'),
      tensor('w', 'complex64', [1], new Uint8Array(8)),
      tensor('w', 'float4e2m1', [3], new Uint8Array(2)),
      new Proto().int(1, 1).int(2, 99).bytes(8, 'w').bytes(9, 'abc'),
    ].map(read);
    for (const x of others) assert.throws(() => floats(x), UnsupportedError);
    assert.throws(() => bytes(others[0]), UnsupportedError);
    assert.throws(() => bytes(others[3]), /"w" is of type 99, which is not supported\.$/);
  });

  test('floats for integers, and integers for floats', () => {
    const x = read(tensor('x', 'float32', [1], one));
    for (const reader of [integers, int32s, codes]) {
      assert.throws(() => reader(x), /"x" is of float32, where integers must be\.$/);
    }
    const i = read(tensor('', 'int8', [1], Uint8Array.of(1)));
    assert.throws(() => floats(i), /a tensor without a name is of int8, where floats must be\.$/);
  });
});

/**
 * @param {Proto} proto
 * @returns {OnnxSparseTensor}
 */
function readSparse(proto) {
  const file = model({ sparse: [proto] });
  return /** @type {OnnxSparseTensor} */ (readOnnx(file).graph.constants.get('s'));
}

/**
 * @param {number[]} values
 * @param {number[]} indices
 * @param {number[]} dims of the indices
 * @param {number[]} whole
 */
function sparseFloats(values, indices, dims, whole) {
  const list = BigInt64Array.from(indices.map(BigInt));
  return sparse(
    tensor('s', 'float32', [values.length], Float32Array.from(values)),
    tensor('', 'int64', dims, list),
    whole,
  );
}

describe('sparse tensors', () => {
  test('positions in the whole, and along each axis', () => {
    const flat = readSparse(sparseFloats([1, 2, 3], [0, 4, 5], [3], [2, 3]));
    const apart = readSparse(sparseFloats([1, 2, 3], [0, 0, 1, 1, 1, 2], [3, 2], [2, 3]));
    for (const each of [flat, apart]) {
      assert.deepEqual(positions(each), [0, 4, 5]);
      assert.deepEqual([...floats(each)], [1, 0, 0, 0, 2, 3]);
    }
  });

  test('of integers', () => {
    const values = tensor('s', 'int8', [2], Int8Array.of(-5, 6));
    const each = readSparse(
      sparse(values, tensor('', 'int64', [2], BigInt64Array.of(1n, 2n)), [4]),
    );
    assert.deepEqual(integers(each), [0, -5, 6, 0]);
  });

  test('of nothing', () => {
    assert.deepEqual([...floats(readSparse(sparseFloats([], [], [0], [3])))], [0, 0, 0]);
  });

  test('that are small in the file and huge as dense ones', () => {
    const huge = readSparse(sparseFloats([1], [2 ** 40], [1], [2 ** 21, 2 ** 21]));
    assert.deepEqual(positions(huge), [2 ** 40]);
    assert.throws(() => floats(huge), LimitError);
    const values = tensor('s', 'int8', [1], Int8Array.of(1));
    const index = tensor('', 'int64', [1], BigInt64Array.of(0n));
    assert.throws(() => integers(readSparse(sparse(values, index, [2 ** 23]))), LimitError);
  });

  test('positions out of place or order', () => {
    for (const [indices, dims] of [
      [[0, 6], [2]],
      [[-1, 0], [2]],
      [[3, 3], [2]],
      [[4, 3], [2]],
      [
        [0, 3, 0, 0],
        [2, 2],
      ],
      [
        [0, 2, 1, -1],
        [2, 2],
      ],
    ]) {
      const each = readSparse(sparseFloats([1, 2], indices, dims, [2, 3]));
      assert.throws(() => positions(each), FileError);
    }
  });

  test('values and indices that do not belong together', () => {
    assert.throws(
      () => readSparse(sparseFloats([1, 2], [1, 2, 3], [3], [2, 3])),
      /the sparse tensor "s" has 2 values and indices of 3; these must be 2 or 2×2\.$/,
    );
    const values = tensor('s', 'float32', [1], Float32Array.of(1));
    const narrow = tensor('', 'int32', [1], Int32Array.of(1));
    assert.throws(() => readSparse(sparse(values, narrow, [4])), /indices of int32, not of int64/);
    assert.throws(() => readSparse(new Proto().bytes(1, values)), /has no values or no indices/);
  });
});

describe('tensors in other files', () => {
  const data = Uint8Array.from({ length: 32 }, (_, i) => i);
  const plain = () => tensor('w', 'uint8', [4]);

  /**
   * @param {Record<string, string>} entries
   * @param {Record<string, Uint8Array>} [files]
   */
  function readExternal(entries, files = { 'w.bin': data }) {
    const file = model({ initializers: [inFile(plain(), entries)] });
    const { constants } = readOnnx(file, new Map(Object.entries(files))).graph;
    return bytes(/** @type {OnnxTensor} */ (constants.get('w')));
  }

  test('by offset and length, which may be left out; views of the other file', () => {
    for (const [entries, first] of /** @type {Array<[Record<string, string>, number]>} */ ([
      [{ location: 'w.bin' }, 0],
      [{ location: './w.bin', offset: '' }, 0],
      [{ location: 'w.bin', offset: '5', length: '4', checksum: 'x' }, 5],
      [{ location: 'w.bin', offset: '28' }, 28],
    ])) {
      const view = readExternal(entries);
      assert.deepEqual([...view], [first, first + 1, first + 2, first + 3]);
      assert.equal(view.buffer, data.buffer);
    }
  });

  test('paths that are not plain', () => {
    const paths = [
      '',
      '.',
      '/w.bin',
      '../w.bin',
      'a/../w.bin',
      'a//w',
      'C:w',
      'a\\w',
      'a\nb',
      'http://a/b',
    ];
    for (const location of paths) {
      assert.throws(() => readExternal({ location }), /which is no plain path\.$/, location);
    }
    assert.throws(() => readExternal({}), /is in another file, "", which is no plain path\.$/);
  });

  test('files that are not given, and are too short', () => {
    assert.throws(
      () => readExternal({ location: 'v.bin' }),
      /is in the file "v.bin", which is not given\.$/,
    );
    assert.throws(
      () => readExternal({ location: 'w.bin', offset: '29' }),
      /"w" ends at byte 33 of "w.bin", which has 32\.$/,
    );
    assert.throws(
      () => readExternal({ location: 'w.bin', length: '5' }),
      /"w" of 4 of uint8 has 5 bytes in "w.bin", not 4\.$/,
    );
    for (const offset of ['-1', '0x4', '1e3', ' 4', '9'.repeat(16)]) {
      assert.throws(() => readExternal({ location: 'w.bin', offset }), /its offset there is/);
    }
  });

  test('a tensor that is not joined says which file is missing', () => {
    const x = read(inFile(plain(), { location: 'w.bin' }));
    assert.throws(() => bytes(x), /the tensor "w" is in the file "w.bin", which is not given\.$/);
  });
});
