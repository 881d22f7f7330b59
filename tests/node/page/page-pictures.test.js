// SPDX-License-Identifier: Apache-2.0

/** How large pictures are, from their first bytes. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { pictureSize } from '../../../web/demo/infer/picture-size.js';

/** @param {Array<string | number[]>} parts */
const bytes = (...parts) =>
  Uint8Array.from(parts.flatMap((part) => [...Buffer.from(/** @type {any} */ (part), 'latin1')]));

/** @param {number} value @param {number} size @param {boolean} [little] */
function number(value, size, little = false) {
  const list = Array.from({ length: size }, (_, i) => Math.floor(value / 256 ** i) % 256);
  return little ? list : list.reverse();
}

const PICTURES = {
  PNG: bytes('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', number(1, 4), number(100_000_000, 4)),
  GIF: bytes('GIF89a', number(640, 2, true), number(480, 2, true)),
  BMP: bytes('BM', number(0, 12), number(40, 4, true), number(70_000, 4, true), number(9, 4, true)),
  JPEG: bytes(
    ...['\xff\xd8\xff\xe1', number(6, 2), '\xff\xc0zz', '\xff\xff\xc2', number(17, 2), '\x08'],
    ...[number(3000, 2), number(4000, 2)],
  ),
  'WebP, lossy': bytes(
    'RIFFssssWEBPVP8 ssss\0\0\0\x9d\x01\x2a',
    number(800, 2, true),
    number(600, 2, true),
  ),
  'WebP, lossless': bytes('RIFFssssWEBPVP8Lssss/', number(799 + 599 * 2 ** 14, 4, true)),
  'WebP, extended': bytes(
    'RIFFssssWEBPVP8Xssss\0\0\0\0',
    number(16_000_000, 3, true),
    number(4, 3, true),
  ),
  AVIF: bytes(
    ...['\0\0\0\x20ftypavif', 'xxxx', 'ispe\0\0\0\0', number(512, 4), number(512, 4)],
    ...['ispe\0\0\0\0', number(60_000, 4), number(2, 4)],
  ),
};

const SIZES = {
  PNG: [1, 100_000_000],
  GIF: [640, 480],
  BMP: [70_000, 9],
  JPEG: [4000, 3000],
  'WebP, lossy': [800, 600],
  'WebP, lossless': [800, 600],
  'WebP, extended': [16_000_001, 5],
  AVIF: [512, 512],
};

describe('the size of a picture', () => {
  for (const [name, head] of Object.entries(PICTURES)) {
    it(`is told by the first bytes of ${name}`, () => {
      const [width, height] = SIZES[/** @type {keyof typeof SIZES} */ (name)];
      assert.deepEqual(pictureSize(head), { width, height });
    });

    it(`is not told by less of ${name}, or by rubbish behind its start`, () => {
      for (let length = 0; length < head.length; ++length) {
        const size = pictureSize(head.subarray(0, length));
        if (size) assert(size.width >= 0 && size.height >= 0);
      }
      for (let i = 12; i < head.length; ++i) {
        const wrong = head.slice();
        wrong[i] ^= 0xff;
        pictureSize(wrong);
      }
    });
  }

  it('is not known of anything else', () => {
    assert.equal(pictureSize(bytes('<svg width="9" height="9"/>')), undefined);
    assert.equal(pictureSize(new Uint8Array()), undefined);
    assert.equal(pictureSize(new Uint8Array(300).fill(0xff)), undefined);
  });
});
