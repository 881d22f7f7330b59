// SPDX-License-Identifier: Apache-2.0

/** The digit reader that the page ships, and what the page makes of strokes. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';

import { Model, init, initTraining, topClasses } from '../../../web/lib/index.js';
import { digitImage } from '../../../web/demo/infer/digit-image.js';
import { sampleDigit, strokesToText, textToStrokes } from '../../../web/demo/infer/strokes.js';
import { accuracyOf } from '../../../scripts/digits/accuracy.js';
import { LEARNED, bend, drawnDigits, readMnist, slice } from '../../../scripts/digits/examples.js';
import { noData } from '../../../scripts/common/data.js';

const FILE = new URL('../../../web/demo/infer/digits.safetensors', import.meta.url);

/** Bytes: "a few tens of KB". */
const MOST_BYTES = 48_000;

/** Of none of these has it learned. */
const UNSEEN_SEED = 4711;

const SIDE = 28;

/** @type {Model} */
let model;

before(async () => {
  await Promise.all([init(), initTraining()]);
  model = await Model.load(readFileSync(FILE));
});

describe('the digit reader', () => {
  test('is a small file, in the formats with the fewest bytes', () => {
    const { length } = readFileSync(FILE);
    assert(length <= MOST_BYTES, `${length} bytes`);
    assert.deepEqual(model.inputShape, [1, 1, SIDE, SIDE]);
    for (const { bytes, bytesIn, name } of model.layers) {
      assert.equal(bytes, Math.min(...Object.values(bytesIn)), name);
    }
    assert.deepEqual(model.save(), new Uint8Array(readFileSync(FILE)));
  });

  test('reads digits of MNIST that it has not seen', { skip: noData }, () => {
    const mnist = readMnist();
    const accuracy = accuracyOf(model, slice(mnist, LEARNED, mnist.labels.length));
    assert(accuracy >= 0.985, `${100 * accuracy} %`);
  });

  test('reads drawn digits that it has not seen', () => {
    const accuracy = accuracyOf(model, drawnDigits(1000, UNSEEN_SEED));
    assert(accuracy >= 0.96, `${100 * accuracy} %`);
  });

  test('reads the samples of the page, and bent digits', () => {
    for (let digit = 0; digit < 10; ++digit) {
      for (let seed = 1; seed <= 20; ++seed) {
        const output = model.run(digitImage(sampleDigit(digit, seed)));
        assert.equal(topClasses(output, 1)[0].index, digit, `seed ${seed}`);
      }
    }
    const accuracy = accuracyOf(model, bend(drawnDigits(500, UNSEEN_SEED), UNSEEN_SEED));
    assert(accuracy >= 0.9, `${100 * accuracy} %`);
  });
});

describe('the image of strokes', () => {
  const mass = (/** @type {Float32Array} */ image) => {
    let [sum, x, y] = [0, 0, 0];
    image.forEach((ink, i) => {
      sum += ink;
      x += ink * ((i % SIDE) + 0.5);
      y += ink * (Math.floor(i / SIDE) + 0.5);
    });
    return { sum, x: x / sum, y: y / sum };
  };

  test('is empty without strokes', () => {
    assert(digitImage([]).every((ink) => ink === 0));
  });

  test('has its centre of mass in the middle and fits 20 pixels, wherever it was drawn', () => {
    for (let digit = 0; digit < 10; ++digit) {
      const strokes = sampleDigit(digit, 3);
      const moved = strokes.map((stroke) =>
        stroke.map(([x, y]) => /** @type {const} */ ([0.1 + 0.4 * x, 0.3 + 0.4 * y])),
      );
      const [image, small] = [digitImage(strokes), digitImage(moved.map((stroke) => [...stroke]))];
      const { x, y } = mass(image);
      assert(Math.abs(x - SIDE / 2) < 0.3 && Math.abs(y - SIDE / 2) < 0.3, `${digit}: ${x}, ${y}`);
      const rows = Array.from({ length: SIDE }, (_, row) =>
        image.subarray(SIDE * row, SIDE * (row + 1)).some((ink) => ink > 0.5),
      );
      const height = rows.lastIndexOf(true) - rows.indexOf(true) + 1;
      assert(height <= 21, `${digit} is ${height} pixels high`);
      image.forEach((ink, i) => assert(Math.abs(ink - small[i]) < 1e-3, `${digit}, pixel ${i}`));
    }
  });

  test('of a dot is a dot', () => {
    const { sum } = mass(digitImage([[[0.2, 0.9]]]));
    assert(sum > 2 && sum < 12, `${sum}`);
  });

  test('stays within 0 and 1, and takes points outside the square', () => {
    const image = digitImage([
      [
        [-5, -5],
        [7, 9],
      ],
    ]);
    assert(image.every((ink) => ink >= 0 && ink <= 1));
  });
});

describe('the text of strokes', () => {
  test('gives strokes back, to a hundredth of the side', () => {
    for (let digit = 0; digit < 10; ++digit) {
      const strokes = sampleDigit(digit, 1);
      const back = textToStrokes(strokesToText(strokes));
      assert.equal(back.length, strokes.length);
      back.forEach((stroke, i) => {
        for (const [x, y] of stroke) {
          const nearest = Math.min(...strokes[i].map(([u, v]) => Math.hypot(x - u, y - v)));
          assert(nearest < 0.012, `${digit}: ${nearest}`);
        }
      });
      assert.equal(strokesToText(back), strokesToText(textToStrokes(strokesToText(back))));
    }
  });

  test('skips what is no text of strokes', () => {
    assert.deepEqual(textToStrokes(''), []);
    assert.deepEqual(textToStrokes('...'), []);
    assert.deepEqual(textToStrokes('A'), []);
    assert.deepEqual(textToStrokes('<script>'), textToStrokes('script'));
    assert(textToStrokes('A'.repeat(1e6)).flat().length <= 600);
  });
});
