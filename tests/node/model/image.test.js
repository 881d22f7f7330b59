// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { ShapeError, ValueError } from '../../../web/lib/core/errors.js';
import { noteOf, planImage } from '../../../web/lib/model/image-options.js';
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

test('image: height, width and channels', () => {
  const one = picture(8, 6, (x, y) => [x, y, x + y]);
  const options = { mean: [1, 2, 3], std: [4, 5, 6], order: /** @type {const} */ ('RGB') };
  const first = imageToTensor(one, [1, 3, 4, 5], options);
  const last = imageToTensor(one, [1, 4, 5, 3], options);
  for (let i = 0; i < 20; ++i) {
    assert.deepEqual([...last.slice(3 * i, 3 * i + 3)], [first[i], first[20 + i], first[40 + i]]);
  }
  // Three channels could be either: the option says it.
  const wide = imageToTensor(one, [3, 8, 3], { ...options, layout: 'NHWC' });
  assert.deepEqual(wide, imageToTensor(one, [1, 3, 8, 3], { ...options, layout: 'NHWC' }));
  assert.notDeepEqual(wide, imageToTensor(one, [3, 8, 3], options));
});

test('image: gray', () => {
  const one = picture(2, 1, (x) => (x ? [10, 20, 30] : [255, 255, 255]));
  const luma = 0.299 * 10 + 0.587 * 20 + 0.114 * 30;
  close(imageToTensor(one, [1, 1, 1, 2]), [255, luma]);
  close(imageToTensor(one, [1, 1, 2], { mean: 5, std: [2] }), [125, (luma - 5) / 2]);
  close(imageToTensor(one, [1, 1, 2, 1], { layout: 'NHWC' }), [255, luma]);
});

test('image: the whole picture on a ground', () => {
  const one = picture(4, 2, () => [200, 100, 0]);
  const options = { ...NO_MEAN, fill: 7 };
  const red = (/** @type {'contain' | 'corner'} */ fit) => [
    ...imageToTensor(one, [3, 5, 4], { ...options, fit }).slice(0, 20),
  ];
  const full = Array(8).fill(200);
  const ground = (/** @type {number} */ rows) => Array(4 * rows).fill(7);
  assert.deepEqual(red('contain'), [...ground(1), ...full, ...ground(2)]);
  assert.deepEqual(red('corner'), [...full, ...ground(3)]);
  // Twice as large, in the middle of a wide one.
  const wide = imageToTensor(one, [3, 4, 10], { ...options, fit: 'contain' }).slice(0, 10);
  assert.deepEqual([...wide], [7, ...Array(8).fill(200), 7]);
});

test('image: out of proportion', () => {
  const one = picture(4, 1, (x) => [x < 2 ? 0 : 100, 0, 0]);
  const tensor = imageToTensor(one, [3, 2, 2], { ...NO_MEAN, fit: 'stretch' });
  const [left, right] = imageToTensor(one, [3, 1, 2], { ...NO_MEAN, fit: 'stretch' });
  assert(left < right);
  close(tensor.slice(0, 4), [left, right, left, right]);
});

test('image: the side of a crop', () => {
  const one = picture(20, 10, (x, y) => [x, y, 0]);
  // Scaled to 10, it is not scaled at all: the middle as it is.
  const tensor = imageToTensor(one, [3, 4, 6], { ...NO_MEAN, side: 10 });
  close(tensor.slice(0, 6), [7, 8, 9, 10, 11, 12]);
  close([tensor[24], tensor[30]], [3, 4]);
  // One that would not cover the input does.
  assert.deepEqual(
    imageToTensor(one, [3, 10, 20], { ...NO_MEAN, side: 1 }),
    imageToTensor(one, [3, 10, 20], NO_MEAN),
  );
});

test('image: equal to the defaults as a file keeps them', () => {
  const one = picture(9, 11, (x, y) => [x, y, 3 * x]);
  const note = noteOf(planImage({ mean: [1, 2, 3], std: 2 }, [3, 4, 4], 'this'));
  assert.deepEqual(note, {
    ...{ layout: 'NCHW', order: 'BGR', mean: [1, 2, 3], std: [2, 2, 2] },
    ...{ scale: 1, fit: 'crop', side: 0 },
  });
  assert.deepEqual(
    imageToTensor(one, [3, 4, 4], note),
    imageToTensor(one, [3, 4, 4], { mean: [1, 2, 3], std: 2 }),
  );
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
    [() => imageToTensor(one, [1, 2, 28, 28]), ShapeError, /cannot fill an input of 1×2×28×28/],
    [() => imageToTensor(one, [2, 3, 1, 1]), ShapeError, /cannot fill/],
    [
      () => imageToTensor(one, [3, 1, 1], /** @type {any} */ ({ order: 'bgr' })),
      ValueError,
      /"bgr"; it must be "BGR", "RGB" or "gray"/,
    ],
    [
      () => imageToTensor(one, [1, 1, 28, 28], { order: 'RGB' }),
      ShapeError,
      /A picture has 3 channels; it cannot fill an input of 1×1×28×28/,
    ],
    [
      () => imageToTensor(one, [3, 1, 1], { order: 'gray' }),
      ShapeError,
      /A gray picture has 1 channel; it cannot fill an input of 3×1×1/,
    ],
    [
      () => imageToTensor(one, [3, 1, 2], { layout: 'NHWC' }),
      ShapeError,
      /cannot fill an input of 3×1×2/,
    ],
    [
      () => imageToTensor(one, [1, 8, 8], { mean: [1, 2, 3] }),
      ValueError,
      /The mean must be one number, not 3/,
    ],
    [
      () => imageToTensor(one, [3, 1, 1], /** @type {any} */ ({ fit: 'cover' })),
      ValueError,
      /The fit must be one of crop, contain, corner, stretch, not "cover"/,
    ],
    [
      () => imageToTensor(one, [3, 1, 1], { fit: 'contain', side: 256 }),
      ValueError,
      /A side is of the fit "crop", not of "contain"/,
    ],
    [
      () => imageToTensor(one, [3, 1, 1], { fill: 3 }),
      ValueError,
      /A fill is of the fits "contain" and "corner", not of "crop"/,
    ],
    [
      () => imageToTensor(one, [3, 1, 1], { fit: 'corner', fill: 256 }),
      ValueError,
      /The fill must be a number from 0 to 255, not 256/,
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
