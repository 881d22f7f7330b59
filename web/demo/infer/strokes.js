// SPDX-License-Identifier: Apache-2.0

/**
 * Drawings as strokes: lists of points in a square from 0 to 1, x to the right and y down. A few to
 * begin with, and their text for the address.
 *
 * @typedef {readonly [x: number, y: number]} Point
 * @typedef {Point[]} Stroke
 */

import { makeRandom } from '../common/random.js';

/** How the ten digits may be written: [x, y] in hundredths. @type {number[][][]} */
const DIGITS = [
  [[50, 15, 33, 22, 26, 42, 27, 62, 36, 80, 51, 85, 66, 77, 73, 57, 72, 36, 63, 20, 50, 15]],
  [[38, 28, 52, 14, 52, 50, 51, 86]],
  [[29, 32, 36, 18, 52, 14, 66, 22, 67, 37, 57, 53, 42, 68, 28, 84, 50, 83, 74, 82]],
  [[30, 22, 46, 14, 63, 19, 66, 33, 56, 45, 44, 48, 60, 51, 70, 64, 65, 79, 48, 86, 30, 80]],
  [
    [40, 14, 34, 36, 28, 55, 50, 55, 74, 54],
    [64, 30, 62, 56, 60, 86],
  ],
  [
    [36, 16, 34, 32, 33, 46, 48, 43, 63, 50, 68, 66, 60, 80, 44, 86, 30, 79],
    [36, 16, 52, 16, 68, 15],
  ],
  [[62, 14, 47, 25, 36, 43, 32, 62, 38, 80, 53, 85, 66, 76, 66, 61, 54, 53, 40, 58, 33, 68]],
  [[28, 18, 48, 18, 70, 17, 62, 36, 52, 58, 44, 86]],
  [
    [
      63, 24, 52, 15, 39, 20, 37, 33, 48, 44, 61, 55, 66, 70, 57, 83, 43, 84, 34, 74, 38, 59, 50,
      47, 61, 36, 63, 24,
    ],
  ],
  [[66, 30, 56, 17, 42, 20, 35, 33, 41, 46, 54, 46, 65, 34, 66, 28, 65, 50, 60, 70, 52, 87]],
];

/** Points of a curve between two of the list. */
const SMOOTH = 6;

/**
 * @param {number} digit
 * @param {number} seed how it is slanted, how wide it is, and how shaky the hand
 * @returns {Stroke[]}
 */
export function sampleDigit(digit, seed) {
  const random = makeRandom(seed * 10 + digit);
  const spread = (/** @type {number} */ width) => (random() - 0.5) * width;
  const [slant, wide, tall] = [spread(0.3), 1 + spread(0.3), 1 + spread(0.15)];
  return DIGITS[digit].map((numbers) => {
    const points = Array.from({ length: numbers.length / 2 }, (_, i) => {
      const [x, y] = [numbers[2 * i] / 100 - 0.5, numbers[2 * i + 1] / 100 - 0.5];
      return /** @type {Point} */ ([
        0.5 + wide * x - slant * y + spread(0.02),
        0.5 + tall * y + spread(0.02),
      ]);
    });
    return smooth(points);
  });
}

/**
 * A curve through the points (Catmull and Rom's).
 *
 * @param {Point[]} points
 * @returns {Stroke}
 */
function smooth(points) {
  /** @type {Point[]} */
  const curve = [];
  const at = (/** @type {number} */ i) => points[Math.min(Math.max(i, 0), points.length - 1)];
  for (let i = 0; i + 1 < points.length; ++i) {
    for (let step = 0; step < SMOOTH; ++step) {
      const t = step / SMOOTH;
      const mix = (/** @type {0 | 1} */ axis) => {
        const [a, b, c, d] = [at(i - 1)[axis], at(i)[axis], at(i + 1)[axis], at(i + 2)[axis]];
        return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
      };
      curve.push([mix(0), mix(1)]);
    }
  }
  curve.push(points[points.length - 1]);
  return curve;
}

/** 64 letters that addresses leave alone: one for each coordinate. */
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const MOST_LETTERS = 1200;

/** Points nearer than this to the one before are left out, in 63rds of the side. */
const NEAR = 2;

/**
 * @param {Stroke[]} strokes
 * @returns {string} two letters for each point, strokes separated by dots
 */
export function strokesToText(strokes) {
  const letter = (/** @type {number} */ value) =>
    LETTERS[Math.round(63 * Math.min(Math.max(value, 0), 1))];
  const texts = strokes.map((stroke) =>
    thinned(stroke)
      .map(([x, y]) => letter(x) + letter(y))
      .join(''),
  );
  let text = '';
  for (const stroke of texts) {
    if (text.length + stroke.length + 1 > MOST_LETTERS) break;
    text += text ? `.${stroke}` : stroke;
  }
  return text;
}

/** @param {Stroke} stroke */
function thinned(stroke) {
  /** @type {Stroke} */
  const kept = [];
  stroke.forEach((point, i) => {
    const last = kept.at(-1);
    const far = last ? 63 * Math.hypot(point[0] - last[0], point[1] - last[1]) : Infinity;
    if (far >= NEAR || (i === stroke.length - 1 && far > 0.5)) kept.push(point);
  });
  return kept;
}

/**
 * @param {string} text of strokesToText; anything else in it is skipped
 * @returns {Stroke[]}
 */
export function textToStrokes(text) {
  return text
    .slice(0, MOST_LETTERS)
    .split('.')
    .map((part) => {
      const numbers = [...part].map((letter) => LETTERS.indexOf(letter)).filter((n) => n >= 0);
      return Array.from(
        { length: numbers.length >> 1 },
        (_, i) => /** @type {Point} */ ([numbers[2 * i] / 63, numbers[2 * i + 1] / 63]),
      );
    })
    .filter((stroke) => stroke.length > 0);
}
