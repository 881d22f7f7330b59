// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { ShapeError, ValueError } from '../../../web/lib/core/errors.js';
import { imageToTensor, scaledSide } from '../../../web/lib/model/image.js';

/**
 * @param {number} width
 * @param {number} height
 * @param {(x: number, y: number) => [number, number, number, number?]} colour RGB or RGBA
 */
function picture(width, height, colour) {
  const data = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < height; ++y) {
    for (let x = 0; x < width; ++x) data.set([255, 255, 255, 255], 4 * (y * width + x));
    for (let x = 0; x < width; ++x)
      data.set(/** @type {number[]} */ (colour(x, y)), 4 * (y * width + x));
  }
  return { data, width, height };
}

const NO_MEAN = {
  mean: /** @type {[number, number, number]} */ ([0, 0, 0]),
  order: /** @type {const} */ ('RGB'),
};

/** @param {ArrayLike<number>} actual @param {number[]} expected @param {number} tolerance */
function close(actual, expected, tolerance = 1e-4) {
  assert.equal(actual.length, expected.length);
  expected.forEach((value, index) =>
    assert(
      Math.abs(actual[index] - value) <= tolerance,
      `${index}: ${actual[index]} is not ${value}`,
    ),
  );
}

test('image: the side it is scaled to', () => {
  assert.deepEqual(
    [227, 224, 256, 448, 299, 28, 32, 1].map(scaledSide),
    [256, 256, 256, 512, 337, 32, 36, 1],
  );
  for (let length = 1; length < 2000; ++length) assert(scaledSide(length) >= length);
});

test("image: a picture of the input's size is taken as it is", () => {
  const tensor = imageToTensor(
    picture(3, 2, (x, y) => [10 * x, 100 + y, 200]),
    [1, 3, 2, 3],
  );
  assert.deepEqual(
    [...tensor],
    [
      ...[96, 96, 96, 96, 96, 96], // blue − 104
      ...[-17, -17, -17, -16, -16, -16], // green − 117
      ...[-123, -113, -103, -123, -113, -103],
    ],
  ); // red − 123
});

test('image: order, mean and scale', () => {
  const tensor = imageToTensor(
    picture(1, 1, () => [10, 20, 30]),
    [3, 1, 1],
    { order: 'RGB', mean: [1, 2, 3], scale: 0.5 },
  );
  assert.deepEqual([...tensor], [4.5, 9, 13.5]);
});

test('image: transparent pixels show white', () => {
  const tensor = imageToTensor(
    picture(2, 1, (x) => [51, 102, 0, x ? 0 : 51]),
    [3, 1, 2],
    NO_MEAN,
  );
  close(tensor, [214.2, 255, 224.4, 255, 204, 255]);
});

test('image: one colour stays that colour at every scale', () => {
  for (const [width, height] of [
    [1, 1],
    [1, 700],
    [300, 500],
    [226, 228],
    [13, 7],
    [512, 512],
  ]) {
    const tensor = imageToTensor(
      picture(width, height, () => [10, 20, 30]),
      [1, 3, 227, 227],
      NO_MEAN,
    );
    for (let c = 0; c < 3; ++c) {
      assert(
        tensor
          .subarray(c * 227 ** 2, (c + 1) * 227 ** 2)
          .every((v) => Math.abs(v - 10 * (c + 1)) < 1e-4),
      );
    }
  }
});

test('image: a ramp stays a ramp, its middle in the middle', () => {
  // 512×512 to 256×256, of which 224 are taken: output x lies at source 2·(x + 16) + 0.5. The
  // triangle is symmetric, so a ramp keeps its value there.
  const tensor = imageToTensor(
    picture(512, 512, (x, y) => [x / 4, y / 4, 0]),
    [3, 224, 224],
    NO_MEAN,
  );
  for (const x of [0, 1, 100, 223]) {
    // Bytes were rounded by the picture, by a half at most; the triangle averages over four.
    assert(Math.abs(tensor[224 * 50 + x] - (2 * (x + 16) + 0.5) / 4) < 0.3);
    assert(Math.abs(tensor[224 ** 2 + 224 * x + 50] - (2 * (x + 16) + 0.5) / 4) < 0.3);
  }
});

test('image: weights by hand', () => {
  // For an input of 4 the 10 pixels are scaled to 5, of which the first 4 are taken. At a step of 2
  // each is mixed from four pixels, 1 : 3 : 3 : 1, fewer at the border.
  const values = [0, 80, 16, 240, 32, 8, 160, 64, 128, 255];
  const tensor = imageToTensor(
    picture(10, 10, (x) => [values[x], 0, 0]),
    [3, 4, 4],
    NO_MEAN,
  );
  const mixed = (/** @type {number} */ i) =>
    (values[i - 1] + 3 * values[i] + 3 * values[i + 1] + values[i + 2]) / 8;
  const first = (3 * values[0] + 3 * values[1] + values[2]) / 7;
  close(tensor.slice(0, 4), [first, mixed(2), mixed(4), mixed(6)]);
  close(tensor.slice(12, 16), [first, mixed(2), mixed(4), mixed(6)]);
});

test('image: enlarging mixes the two nearest pixels', () => {
  // 2×2 to 5×5, of which 4 are taken: output i lies at (i + 0.5)·0.4 − 0.5 = −0.3, 0.1, 0.5, 0.9.
  const tensor = imageToTensor(
    picture(2, 2, (x) => [x ? 200 : 100, 0, 0]),
    [3, 4, 4],
    NO_MEAN,
  );
  close(tensor.slice(0, 4), [100, 110, 150, 190]);
});

test('image: of a long picture the middle is taken, the odd pixel cut at the end', () => {
  // Height 256, width 261 → the columns 17 … 243 of 261 are the input's 227.
  const tensor = imageToTensor(
    picture(261, 256, (x) => [x === 17 || x === 243 ? 255 : 0, 0, 0]),
    [3, 227, 227],
    NO_MEAN,
  );
  close([tensor[0], tensor[1], tensor[225], tensor[226]], [255, 0, 0, 255]);
});

describe('image: refusals', () => {
  const one = picture(1, 1, () => [0, 0, 0]);
  /** @type {Array<[() => unknown, Function, RegExp]>} */
  const cases = [
    [
      () => imageToTensor({ ...one, width: 2 }, [3, 1, 1]),
      ShapeError,
      /A picture of 2×1 needs 8 bytes of RGBA, not 4/,
    ],
    [
      () => imageToTensor({ data: [], width: 0, height: 0 }, [3, 1, 1]),
      ShapeError,
      /A picture of 0×0/,
    ],
    [() => imageToTensor(one, [1, 1, 28, 28]), ShapeError, /cannot fill an input of 1×1×28×28/],
    [() => imageToTensor(one, [2, 3, 1, 1]), ShapeError, /cannot fill/],
    [
      () => imageToTensor(one, [3, 1, 1], /** @type {any} */ ({ order: 'bgr' })),
      ValueError,
      /"bgr"; it must be "BGR" or "RGB"/,
    ],
  ];
  for (const [call, type, message] of cases) {
    test(String(message), () =>
      assert.throws(call, (error) => {
        assert(error instanceof Error && error instanceof type);
        assert.match(error.message, message);
        return true;
      }),
    );
  }
});
