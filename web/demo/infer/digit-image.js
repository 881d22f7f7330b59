// SPDX-License-Identifier: Apache-2.0

/**
 * From strokes to the pixels that networks for MNIST learned from: 28×28, white on black, the digit
 * as large as fits a box of 20×20, its centre of mass in the middle (LeCun, Bottou, Bengio, Haffner:
 * Gradient-based learning applied to document recognition, 1998).
 */

/**
 * @typedef {import('./strokes.js').Point} Point
 * @typedef {import('./strokes.js').Stroke} Stroke
 */

export const SIDE = 28;
const BOX = 20;

/** Half the width of MNIST's strokes, and of the soft edge around it, in pixels. */
const RADIUS = 1;
const EDGE = 0.7;

/** Of the square that is drawn in: what is smaller is not enlarged further, such as a dot. */
const SMALLEST = 0.25;

/**
 * @param {Stroke[]} strokes
 * @returns {Float32Array<ArrayBuffer>} 28×28 from 0 to 1, row-major
 */
export function digitImage(strokes) {
  const points = strokes.flat();
  if (points.length === 0) return new Float32Array(SIDE * SIDE);
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  const [left, right, top, bottom] = [extent(xs), extent(ys)].flat();
  const size = Math.max(right - left, bottom - top, SMALLEST);
  const scale = (BOX - 2 * RADIUS) / size;
  const place = (/** @type {number} */ moveX, /** @type {number} */ moveY) =>
    strokes.map((stroke) =>
      stroke.map(
        ([x, y]) =>
          /** @type {Point} */ ([
            (x - (left + right) / 2) * scale + SIDE / 2 + moveX,
            (y - (top + bottom) / 2) * scale + SIDE / 2 + moveY,
          ]),
      ),
    );
  const [x, y] = centreOfMass(render(place(0, 0)));
  return render(place(SIDE / 2 - x, SIDE / 2 - y));
}

/** @param {number[]} numbers */
function extent(numbers) {
  return [Math.min(...numbers), Math.max(...numbers)];
}

/**
 * @param {Stroke[]} strokes in pixels
 * @returns {Float32Array<ArrayBuffer>} each pixel by its centre's distance from the nearest stroke
 */
function render(strokes) {
  const image = new Float32Array(SIDE * SIDE);
  for (const stroke of strokes) {
    stroke.forEach((from, i) => {
      if (stroke.length === 1 || i > 0) drawSegment(image, stroke[Math.max(0, i - 1)], from);
    });
  }
  return image;
}

/**
 * @param {Float32Array} image
 * @param {Point} from
 * @param {Point} to
 */
function drawSegment(image, from, to) {
  const reach = RADIUS + EDGE;
  const [left, right] = bounds(from[0], to[0], reach);
  const [top, bottom] = bounds(from[1], to[1], reach);
  for (let y = top; y <= bottom; ++y) {
    for (let x = left; x <= right; ++x) {
      const distance = distanceTo(x + 0.5, y + 0.5, from, to);
      const ink = Math.min(1, Math.max(0, (reach - distance) / (2 * EDGE)));
      const at = SIDE * y + x;
      if (ink > image[at]) image[at] = ink;
    }
  }
}

/**
 * @param {number} a
 * @param {number} b
 * @param {number} reach
 * @returns {[first: number, last: number]} pixels of the image
 */
function bounds(a, b, reach) {
  return [
    Math.max(0, Math.floor(Math.min(a, b) - reach)),
    Math.min(SIDE - 1, Math.ceil(Math.max(a, b) + reach)),
  ];
}

/**
 * @param {number} x
 * @param {number} y
 * @param {Point} from
 * @param {Point} to
 */
function distanceTo(x, y, [fromX, fromY], [toX, toY]) {
  const [dx, dy] = [toX - fromX, toY - fromY];
  const length = dx * dx + dy * dy;
  const share = length > 0 ? ((x - fromX) * dx + (y - fromY) * dy) / length : 0;
  const t = Math.min(1, Math.max(0, share));
  return Math.hypot(x - fromX - t * dx, y - fromY - t * dy);
}

/** @param {Float32Array} image */
function centreOfMass(image) {
  let [sum, x, y] = [0, 0, 0];
  image.forEach((ink, i) => {
    sum += ink;
    x += ink * ((i % SIDE) + 0.5);
    y += ink * (Math.floor(i / SIDE) + 0.5);
  });
  return sum > 0 ? [x / sum, y / sum] : [SIDE / 2, SIDE / 2];
}
