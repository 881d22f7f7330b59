// SPDX-License-Identifier: Apache-2.0

/** How the command decodes pictures: every kind, upright, and hostile ones within limits. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';

import { CommandError } from '../../web/cli/common/files.js';
import { readPicture } from '../../web/cli/common/picture.js';
import { makeJpeg, makePng } from './pictures.js';

const folder = mkdtempSync(join(tmpdir(), 'lowtropy-picture-'));
after(() => rmSync(folder, { recursive: true }));

let files = 0;

/** @param {Uint8Array} bytes */
function decode(bytes) {
  const file = join(folder, `${(files += 1)}.picture`);
  writeFileSync(file, bytes);
  return readPicture(file);
}

/**
 * @param {Uint8Array} bytes
 * @param {RegExp} message
 */
async function refuses(bytes, message) {
  await assert.rejects(decode(bytes), (error) => {
    assert(error instanceof CommandError, `${error}`);
    assert.match(error.message, message);
    assert.match(error.message, /^[^\n]*\.$/);
    return true;
  });
}

describe('picture: kinds of PNG', () => {
  /** @type {Array<[what: string, options: object, pixel: number[]]>} */
  const cases = [
    ['RGBA', { samples: () => [10, 20, 30, 40] }, [10, 20, 30, 40]],
    ['RGB', { colourType: 2, samples: () => [10, 20, 30] }, [10, 20, 30, 255]],
    ['grey', { colourType: 0, samples: () => [50] }, [50, 50, 50, 255]],
    ['grey with alpha', { colourType: 4, samples: () => [50, 60] }, [50, 50, 50, 60]],
    [
      'a palette',
      { colourType: 3, palette: [1, 2, 3, 4, 5, 6], samples: () => [1] },
      [4, 5, 6, 255],
    ],
    [
      '16 bits',
      { colourType: 2, depth: 16, samples: () => [0xffff, 0x8000, 0] },
      [255, 128, 0, 255],
    ],
    ['16 bits of grey', { colourType: 0, depth: 16, samples: () => [0x4000] }, [64, 64, 64, 255]],
  ];
  for (const [what, options, pixel] of cases) {
    test(what, async () => {
      const { data, width, height } = await decode(makePng({ width: 3, height: 2, ...options }));
      assert.deepEqual([width, height, data.length], [3, 2, 24]);
      assert.deepEqual([...data], Array(6).fill(pixel).flat());
    });
  }

  test('interlaced', async () => {
    const png = makePng({
      width: 1,
      height: 1,
      interlaced: true,
      samples: () => [9, 8, 7, 255],
    });
    assert.deepEqual([...(await decode(png)).data], [9, 8, 7, 255]);
  });

  test('something after its end', async () => {
    const png = makePng({ width: 1, height: 1 });
    assert.deepEqual([...(await decode(Buffer.concat([png, png]))).data], [0, 0, 0, 255]);
  });
});

describe('picture: which way up a JPEG is', () => {
  // A colour in each quarter: where each must be for the picture to be upright.
  const [red, green, blue, white] = [
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
    [255, 255, 255],
  ];
  /** @type {(width: number, height: number, quarters: number[][]) => (x: number, y: number) => number[]} */
  const quartered = (width, height, quarters) => (x, y) =>
    quarters[(y < height / 2 ? 0 : 2) + (x < width / 2 ? 0 : 1)];
  /** @type {Record<number, number[][]>} how the picture is stored: top left, top right, bottom … */
  const stored = {
    1: [red, green, blue, white],
    2: [green, red, white, blue],
    3: [white, blue, green, red],
    4: [blue, white, red, green],
    5: [red, blue, green, white],
    6: [green, white, red, blue],
    7: [white, green, blue, red],
    8: [blue, red, white, green],
  };
  for (const [orientation, quarters] of Object.entries(stored)) {
    test(`orientation ${orientation}`, async () => {
      const turned = Number(orientation) > 4;
      const [width, height] = turned ? [32, 64] : [64, 32];
      for (const order of /** @type {const} */ (['II', 'MM'])) {
        const bytes = makeJpeg(
          width,
          height,
          quartered(width, height, quarters),
          Number(orientation),
          order,
        );
        const picture = await decode(bytes);
        assert.deepEqual([picture.width, picture.height], [64, 32]);
        const wanted = quartered(64, 32, stored[1]);
        for (const [x, y] of [
          [4, 4],
          [60, 4],
          [4, 28],
          [60, 28],
        ]) {
          const at = 4 * (64 * y + x);
          wanted(x, y).forEach((value, c) =>
            assert(Math.abs(picture.data[at + c] - value) < 8, `${order}: ${x}, ${y}`),
          );
        }
      }
    });
  }

  test('nonsense in its place is as good as nothing', async () => {
    for (const orientation of [0, 9, 65535]) {
      const { width } = await decode(makeJpeg(16, 8, () => red, orientation));
      assert.equal(width, 16);
    }
    const bytes = makeJpeg(16, 8, () => red, 6);
    for (let at = 12; at < 46; ++at) {
      const broken = Buffer.from(bytes);
      broken[at] ^= 0xff;
      await decode(broken);
    }
  });
});

describe('picture: what is refused', () => {
  const jpeg = makeJpeg(32, 32, (x, y) => [8 * x, 8 * y, 0]);
  const png = makePng({ width: 4, height: 4, samples: (x, y) => [x, y, 0, 255] });

  test('other files', async () => {
    await refuses(Buffer.from('GIF89a'), /neither a JPEG nor a PNG picture/);
    await refuses(Buffer.from('<svg/>'), /neither/);
    await refuses(Buffer.alloc(0), /is empty/);
  });

  test('truncated ones, at every length', async () => {
    for (let length = 3; length < jpeg.length; length += 7) {
      await refuses(jpeg.subarray(0, length), /damaged JPEG picture: it ends before its pixels do/);
    }
    for (let length = 8; length < png.length; ++length) {
      await refuses(png.subarray(0, length), /damaged PNG picture/);
    }
  });

  test('damaged ones are refused or decoded, and nothing else', async () => {
    for (const bytes of [jpeg, png]) {
      for (let at = 3; at < bytes.length; ++at) {
        const broken = Buffer.from(bytes);
        broken[at] ^= 0x55;
        await decode(broken).catch((error) => assert(error instanceof CommandError, `${error}`));
      }
    }
  });

  test('more pixels than there is room for, before any is decoded', async () => {
    const giant = Buffer.from(jpeg);
    const frame = giant.indexOf(Buffer.of(0xff, 0xc0));
    giant.writeUInt16BE(60000, frame + 5);
    giant.writeUInt16BE(60001, frame + 7);
    await refuses(giant, /has 60001×60000 pixels; the limit is 100 million/);
    await refuses(
      makePng({ width: 2 ** 31, height: 2, data: new Uint8Array(1) }),
      /has 2147483648×2 pixels; the limit is 100 million/,
    );
    await refuses(makePng({ width: 0, height: 2, data: new Uint8Array(1) }), /it has no pixels/);
  });

  test('compressed data that grows without end', async () => {
    const data = new Uint8Array(300e6);
    const pngs = [true, false].map((interlaced) =>
      makePng({ width: 1, height: 1, interlaced, data }),
    );
    const { rss } = process.memoryUsage();
    await refuses(pngs[0], /damaged PNG/);
    await decode(pngs[1]).catch((error) => assert(error instanceof CommandError, `${error}`));
    const more = process.memoryUsage().rss - rss;
    assert(more < 100e6, `${more}`);
  });

  test('two headers, of which the second is larger', async () => {
    const giant = makePng({ width: 50000, height: 50000, data: new Uint8Array(1) });
    const both = Buffer.concat([png.subarray(0, 33), giant.subarray(8)]);
    await refuses(both, /does not begin with its one header/);
  });
});
