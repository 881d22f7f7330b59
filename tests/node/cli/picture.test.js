// SPDX-License-Identifier: Apache-2.0

/** How the command decodes pictures: every kind, upright, and hostile ones within limits. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';

import { CommandError } from '../../../web/cli/common/files.js';
import { readPicture } from '../../../web/cli/common/picture.js';
import {
  jpegSegment,
  makeBlockJpeg,
  makeExif,
  makeJpeg,
  makePng,
  pngChunk,
} from '../../support/pictures.js';

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

describe('picture: colours of JPEGs', () => {
  const red = [254, 0, 0];
  /** @type {Array<[what: string, options: Parameters<typeof makeBlockJpeg>[0], pixel: number[]]>} */
  const cases = [
    ['YCbCr', { blocks: () => [76, 85, 255], jfif: true }, red],
    ['RGB, by Adobe', { blocks: () => red, adobe: 0 }, red],
    ['RGB, by its components', { blocks: () => red, ids: [82, 71, 66] }, red],
    ['grey', { blocks: () => [77] }, [77, 77, 77]],
    ['CMYK, by Adobe', { blocks: () => [200, 150, 100, 204], adobe: 0 }, [160, 120, 80]],
    ['CMYK without a marker', { blocks: () => [200, 150, 100, 204] }, [160, 120, 80]],
    ['YCCK, by Adobe', { blocks: () => [150, 128, 128, 204], adobe: 2 }, [84, 84, 84]],
  ];
  for (const [what, options, pixel] of cases) {
    test(what, async () => {
      const { data } = await decode(makeBlockJpeg(options));
      for (let i = 0; i < data.length; ++i) {
        const wanted = [...pixel, 255][i % 4];
        assert(Math.abs(data[i] - wanted) <= 1, `${data.slice(0, 4)} is not ${pixel}`);
      }
    });
  }
});

test('picture: which way up a PNG is', async () => {
  const samples = (/** @type {number} */ x, /** @type {number} */ y) => [x, y, 0];
  /** Of a picture of 3×2, by orientation: the pixel that comes to the top left, and the width. */
  const wanted = { 1: [0, 0, 3], 2: [2, 0, 3], 3: [2, 1, 3], 4: [0, 1, 3] };
  const turned = { 5: [0, 0, 2], 6: [0, 1, 2], 7: [2, 1, 2], 8: [2, 0, 2] };
  for (const [orientation, [x, y, side]] of Object.entries({ ...wanted, ...turned })) {
    for (const order of /** @type {const} */ (['II', 'MM'])) {
      const chunks = [pngChunk('eXIf', makeExif(Number(orientation), order))];
      const png = makePng({ width: 3, height: 2, colourType: 2, samples, chunks });
      const { data, width, height } = await decode(png);
      assert.deepEqual([...data.slice(0, 2), width, height], [x, y, side, 5 - side], orientation);
    }
  }
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

  test('sides that are too long, and too many bytes, before any is decompressed', async () => {
    const data = new Uint8Array(1);
    await refuses(
      makePng({ width: 1, height: 100_000_000, colourType: 0, data }),
      /has 1×100000000 pixels; the limit is 65535 on each side/,
    );
    await refuses(
      makePng({ width: 70_000, height: 1, colourType: 3, data }),
      /has 70000×1 pixels; the limit is 65535 on each side/,
    );
    await refuses(
      makePng({ width: 9000, height: 9000, depth: 16, interlaced: true, data }),
      /has 9000×9000 pixels of 8 bytes each; the limit is 536870912 bytes in all/,
    );
  });

  test('PNGs that lack pixels, by one byte or by all', async () => {
    for (const interlaced of [false, true]) {
      const whole = makePng({ width: 9, height: 9, interlaced });
      assert.equal((await decode(whole)).data.length, 4 * 81);
      for (const length of [0, 1, 100, interlaced ? 342 : 332]) {
        const png = makePng({ width: 9, height: 9, interlaced, data: new Uint8Array(length) });
        await refuses(png, /damaged PNG picture: it lacks some of its pixels/);
      }
    }
    const noData = Buffer.concat([png.subarray(0, 33), pngChunk('IEND', Buffer.alloc(0))]);
    await refuses(noData, /damaged PNG picture: it has no pixels/);
  });

  test('PNGs that contradict themselves', async () => {
    const [width, height] = [2, 2];
    /** @type {(at: number, byte: number) => Buffer} */
    const withHeader = (at, byte) => {
      const header = Buffer.from(png.subarray(16, 29));
      header[at] = byte;
      return Buffer.concat([png.subarray(0, 8), pngChunk('IHDR', header), png.subarray(33)]);
    };
    await refuses(withHeader(8, 3), /no colour type 6 of 3 bits/);
    await refuses(withHeader(9, 1), /no colour type 1 of 8 bits/);
    await refuses(withHeader(12, 2), /methods that there are not/);
    await refuses(makePng({ width, height, colourType: 3, samples: () => [0] }), /no palette/);
    await refuses(
      makePng({ width, height, data: Buffer.alloc(18, 9) }),
      /filter 9, which there is not/,
    );
    const chunks = [pngChunk('CgBI', Buffer.alloc(4))];
    await refuses(makePng({ width, height, chunks }), /Apple's own form, which is not supported/);
    const broken = Buffer.from(png);
    broken[png.indexOf('IDAT') + 6] ^= 1;
    await refuses(broken, /the checksum of its IDAT is wrong/);
  });

  test('JPEGs of kinds that are not decoded, by their names', async () => {
    const blocks = () => [100, 100, 100];
    /** @type {Array<[frame: number, name: RegExp]>} */
    const frames = [
      [0xc3, /is a lossless JPEG picture, which is not supported\.$/],
      [0xc5, /is a hierarchical JPEG picture,/],
      [0xc7, /is a lossless hierarchical JPEG picture,/],
      [0xc9, /is an arithmetic-coded JPEG picture,/],
      [0xca, /is an arithmetic-coded JPEG picture,/],
      [0xcb, /is an arithmetic-coded lossless JPEG picture,/],
      [0xcf, /is an arithmetic-coded lossless hierarchical JPEG picture,/],
      [0xf7, /is a JPEG-LS picture,/],
    ];
    for (const [frame, name] of frames) await refuses(makeBlockJpeg({ blocks, frame }), name);
    await refuses(
      makeBlockJpeg({ blocks: () => [1600], precision: 12 }),
      /JPEG picture of 12 bits/,
    );
    await refuses(makeBlockJpeg({ blocks: () => [1, 2] }), /JPEG picture of 2 components/);
    const segments = [jpegSegment(0xde, [8, 0, 8, 0, 8, 0])];
    await refuses(makeBlockJpeg({ blocks, segments }), /is a hierarchical JPEG picture/);
    const whole = makeBlockJpeg({ blocks });
    const frame = whole.indexOf(Buffer.of(0xff, 0xc0));
    const late = Buffer.from(whole);
    late.writeUInt16BE(0, frame + 5);
    await refuses(late, /damaged JPEG picture: it has no pixels/);
    const lines = Buffer.of(0xff, 0xdc, 0, 4, 0, 32);
    await refuses(
      Buffer.concat([late.subarray(0, -2), lines, late.subarray(-2)]),
      /is a JPEG picture whose height comes after its pixels \(DNL\), which is not supported/,
    );
  });

  test('JPEGs that lack pixels, whatever stands behind them', async () => {
    const whole = makeBlockJpeg({ width: 64, height: 64, blocks: (x, y) => [9 * x + y, 1, 2] });
    for (const missing of [20, 60]) {
      const cut = Buffer.concat([whole.subarray(0, -missing), whole.subarray(-2)]);
      await refuses(cut, /damaged JPEG picture: it (ends before its pixels do|lacks most of its)/);
    }
    const huge = Buffer.from(whole);
    huge.writeUInt16BE(60_000, huge.indexOf(Buffer.of(0xff, 0xc0)) + 5);
    huge.writeUInt16BE(1600, huge.indexOf(Buffer.of(0xff, 0xc0)) + 7);
    await refuses(huge, /damaged JPEG picture: it lacks most of its pixels/);
  });

  test('more passes over a picture than could ever be needed', async () => {
    const whole = makeBlockJpeg({ width: 8, height: 8, blocks: () => [100] });
    const scan = whole.subarray(whole.indexOf(Buffer.of(0xff, 0xda)), -2);
    const large = Buffer.from(whole.subarray(0, whole.length - scan.length - 2));
    large.writeUInt16BE(4096, large.indexOf(Buffer.of(0xff, 0xc0)) + 5);
    large.writeUInt16BE(4096, large.indexOf(Buffer.of(0xff, 0xc0)) + 7);
    const passes = Array(400).fill(Buffer.concat([scan, Buffer.alloc(100)]));
    await refuses(
      Buffer.concat([large, ...passes, Buffer.of(0xff, 0xd9)]),
      /its 400 passes over so many pixels would take too long/,
    );
  });

  test('other pictures and files, by their names', async () => {
    await refuses(Buffer.from('RIFF\0\0\0\0WEBPVP8 '), /neither .* picture; it is a WebP picture/);
    await refuses(Buffer.from('\0\0\0\x1cftypheic'), /it is a HEIC picture/);
    await refuses(
      Buffer.from('version https://git-lfs.github.com/spec/v1\n'),
      /pointer of Git LFS/,
    );
    await refuses(Buffer.from('noise'), /neither a JPEG nor a PNG picture\.$/);
  });

  test('two headers, of which the second is larger', async () => {
    const giant = makePng({ width: 50000, height: 50000, data: new Uint8Array(1) });
    const both = Buffer.concat([png.subarray(0, 33), giant.subarray(8)]);
    await refuses(both, /does not begin with its one header/);
  });
});
