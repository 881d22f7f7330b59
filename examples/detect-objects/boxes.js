// SPDX-License-Identifier: Apache-2.0

/** From what YOLOX gives to boxes: arXiv:2107.08430. */

/** The classes of COCO. */
const CLASSES = (
  'person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant,stop sign,' +
  'parking meter,bench,bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,backpack,umbrella,' +
  'handbag,tie,suitcase,frisbee,skis,snowboard,sports ball,kite,baseball bat,baseball glove,' +
  'skateboard,surfboard,tennis racket,bottle,wine glass,cup,fork,knife,spoon,bowl,banana,apple,' +
  'sandwich,orange,broccoli,carrot,hot dog,pizza,donut,cake,chair,couch,potted plant,bed,' +
  'dining table,toilet,tv,laptop,mouse,remote,keyboard,cell phone,microwave,oven,toaster,sink,' +
  'refrigerator,book,clock,vase,scissors,teddy bear,hair drier,toothbrush'
).split(',');

/** Pixels of the input from one place of a grid to the next. */
const STRIDES = [8, 16, 32];
const LEAST_SCORE = 0.4;
/** Boxes that share more of their area show the same thing. */
const MOST_OVERLAP = 0.45;

/**
 * @param {Float32Array} output for each place of the three grids, row by row: the box's centre and size, whether
 *   there is something, and how much it is of each class
 * @param {number[]} inputShape [1, 3, height, width]
 * @param {{ width: number, height: number }} picture
 * @returns {Array<{ name: string, score: number, box: number[] }>} left, top, right, bottom in the picture's
 *   pixels; the surest first
 */
export function boxesOf(output, [, , height, width], picture) {
  const zoom = Math.min(height / picture.height, width / picture.width);
  const found = [];
  let at = 0;
  for (const stride of STRIDES) {
    for (let y = 0; y < height / stride; ++y) {
      for (let x = 0; x < width / stride; ++x, at += 5 + CLASSES.length) {
        const [dx, dy, w, h, anything] = output.subarray(at, at + 5);
        const classes = output.subarray(at + 5, at + 5 + CLASSES.length);
        const best = classes.reduce((most, score, i) => (score > classes[most] ? i : most), 0);
        const score = anything * classes[best];
        if (score < LEAST_SCORE) continue;
        const [middle, centre] = [(x + dx) * stride, (y + dy) * stride];
        const [halfWidth, halfHeight] = [(Math.exp(w) * stride) / 2, (Math.exp(h) * stride) / 2];
        const corners = [
          ...[middle - halfWidth, centre - halfHeight],
          ...[middle + halfWidth, centre + halfHeight],
        ];
        found.push({ name: CLASSES[best], score, box: corners.map((each) => each / zoom) });
      }
    }
  }
  return withoutRepeats(found.sort((a, b) => b.score - a.score));
}

/** @param {Array<{ name: string, score: number, box: number[] }>} found the surest first */
function withoutRepeats(found) {
  /** @type {typeof found} */
  const kept = [];
  for (const one of found) {
    const isNew = kept.every(
      ({ name, box }) => name !== one.name || overlap(box, one.box) <= MOST_OVERLAP,
    );
    if (isNew) kept.push(one);
  }
  return kept;
}

/**
 * @param {number[]} a
 * @param {number[]} b
 * @returns {number} the area of both, as a share of the area of either
 */
function overlap(a, b) {
  const side = (/** @type {number} */ from, /** @type {number} */ to) =>
    Math.max(Math.min(a[to], b[to]) - Math.max(a[from], b[from]), 0);
  const area = (/** @type {number[]} */ [left, top, right, bottom]) =>
    (right - left) * (bottom - top);
  const both = side(0, 2) * side(1, 3);
  return both / (area(a) + area(b) - both);
}
