// SPDX-License-Identifier: Apache-2.0

/** That the command and the page see the same picture, whatever kind of file it is in. */

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { deflateSync } from 'node:zlib';
import encodeJpeg, { init as initEncoder } from '@jsquash/jpeg/encode.js';

import { readPicture } from '../../web/cli/common/picture.js';
import {
  jpegSegment,
  makeBlockJpeg,
  makeExif,
  makeJpeg,
  makePng,
  pngChunk,
} from '../support/pictures.js';
import { makeRandom } from '../support/random.js';
import { launchBrowser, openPage } from '../support/browser.js';

/**
 * @typedef {import('../../web/cli/common/picture.js').Picture} Picture
 * @typedef {Record<string, Buffer>} Files
 */

const DEMO = fileURLToPath(new URL('../../web/demo/', import.meta.url));
const ENCODER = '@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm';

/** The page's canvas holds colours times their opacity, in 8 bits. */
const TOLERANCE = 2;

const folder = mkdtempSync(join(tmpdir(), 'lowtropy-pictures-'));
/** @type {import('playwright-core').Browser} */
let browser;
/** @type {import('playwright-core').Page} */
let page;
/** @type {import('node:http').Server} */
let server;

before(async () => {
  // The page's own code, as it is.
  server = createServer(({ url }, response) => {
    const code = url === '/' ? undefined : readFileSync(join(DEMO, String(url)));
    response.setHeader('content-type', code ? 'text/javascript' : 'text/html');
    response.end(code ?? '<!doctype html><link rel="icon" href="data:,">');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  browser = await launchBrowser();
  ({ page } = await openPage(browser));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  await page.goto(`http://127.0.0.1:${port}/`);
});
after(async () => {
  await browser?.close();
  server?.close();
  rmSync(folder, { recursive: true });
});

/**
 * @param {Uint8Array} bytes
 * @returns {Promise<Picture>} as the command reads it
 */
function seenByCommand(bytes) {
  const file = join(folder, 'picture');
  writeFileSync(file, bytes);
  return readPicture(file);
}

/**
 * @param {Uint8Array} bytes
 * @returns {Promise<Picture | undefined>} as the page decodes it; undefined if it refuses it
 */
async function seenByPage(bytes) {
  const seen = await page.evaluate(async (base64) => {
    const code = '/infer/photograph.js';
    const { decodePhotograph } = await import(code);
    const file = new Blob([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))]);
    const picture = await decodePhotograph(file, 'picture').catch(() => undefined);
    if (!picture) return undefined;
    const { data, width, height } = picture;
    const letters = Array.from(data, (/** @type {number} */ byte) => String.fromCharCode(byte));
    return { base64: btoa(letters.join('')), width, height };
  }, Buffer.from(bytes).toString('base64'));
  return seen && { ...seen, data: Buffer.from(seen.base64, 'base64') };
}

/**
 * @param {Picture} picture
 * @returns {number[]} on white, as networks get it
 */
function onWhite({ data }) {
  return Array.from(data, (value, i) => {
    const opacity = data[i | 3] / 255;
    return i % 4 === 3 ? 255 : value * opacity + 255 * (1 - opacity);
  });
}

/** @param {Uint8Array} bytes */
async function checkAlike(bytes) {
  const [command, inPage] = [await seenByCommand(bytes), await seenByPage(bytes)];
  assert(inPage, 'the page refuses it');
  assert.deepEqual([command.width, command.height], [inPage.width, inPage.height]);
  const [ours, theirs] = [onWhite(command), onWhite(inPage)];
  ours.forEach((value, i) => {
    const at = `${(i >> 2) % command.width}, ${Math.floor((i >> 2) / command.width)}`;
    assert(Math.abs(value - theirs[i]) <= TOLERANCE, `${at}: ${value} is not ${theirs[i]}`);
  });
}

/** Some number that looks like chance. @type {(x: number, y: number, c: number) => number} */
const noise = (x, y, c) => (x * 37 + y * 91 + c * 53 + x * y * 7) & 255;
/** @type {(x: number, y: number) => number[]} */
const colours = (x, y) => [noise(x, y, 0), noise(x, y, 1), noise(x, y, 2)];

/** @type {(x: number, y: number) => number[]} */
const ramp = (x, y) => [8 * x, 16 * y, 128];

/** @param {...number} numbers */
function u32(...numbers) {
  const bytes = Buffer.alloc(4 * numbers.length);
  numbers.forEach((number, i) => bytes.writeUInt32BE(number, 4 * i));
  return bytes;
}

/** @returns {Files} */
function pngFiles() {
  /** @type {Files} */
  const files = {};
  const channels = /** @type {Record<number, number>} */ ({ 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 });
  for (const [colourType, depths] of /** @type {const} */ ([
    [0, [1, 2, 4, 8, 16]],
    [2, [8, 16]],
    [3, [1, 2, 4, 8]],
    [4, [8, 16]],
    [6, [8, 16]],
  ])) {
    for (const depth of depths) {
      for (const interlaced of [false, true]) {
        const alpha = colourType === 4 || colourType === 6 ? channels[colourType] - 1 : -1;
        /** @type {(x: number, y: number, c: number) => number} */
        const sample = (x, y, c) => {
          const value = c === alpha ? [255, 128, 0, 200][x % 4] : noise(x, y, c);
          return depth === 16 ? 257 * value : value & (2 ** depth - 1);
        };
        const name = `PNG of colour type ${colourType}, ${depth} bits${interlaced ? ', interlaced' : ''}`;
        files[name] = makePng({
          ...{
            width: 19,
            height: 13,
            colourType,
            depth,
            interlaced,
            filter: (depth + colourType) % 5,
          },
          palette:
            colourType === 3
              ? Array.from({ length: 3 * 2 ** depth }, (_, i) => (29 * i) & 255)
              : undefined,
          samples: (x, y) =>
            Array.from({ length: channels[colourType] }, (_, c) => sample(x, y, c)),
        });
      }
    }
  }
  /** @type {(...chunks: Buffer[]) => Buffer} */
  const withChunks = (...chunks) =>
    makePng({ width: 16, height: 8, colourType: 2, samples: colours, chunks });
  const key = colours(3, 2).flatMap((value) => [0, value]);
  return {
    ...files,
    'PNG of one pixel': makePng({ width: 1, height: 1, samples: () => [1, 2, 3, 255] }),
    'PNG with a gamma': withChunks(pngChunk('gAMA', u32(22000))),
    'PNG with chromaticities': withChunks(
      pngChunk('gAMA', u32(45455)),
      pngChunk('cHRM', u32(31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)),
    ),
    'PNG in sRGB': withChunks(pngChunk('sRGB', Buffer.of(0))),
    'PNG in Display P3': withChunks(pngChunk('cICP', Buffer.of(12, 13, 0, 1))),
    'PNG in PQ': withChunks(pngChunk('cICP', Buffer.of(9, 16, 0, 1))),
    'PNG with a profile': withChunks(
      pngChunk('iCCP', Buffer.concat([Buffer.from('linear\0\0'), deflateSync(makeProfile())])),
    ),
    'PNG with one transparent colour': withChunks(pngChunk('tRNS', Buffer.from(key))),
    'PNG with a palette in part transparent, and too short': makePng({
      ...{ width: 16, height: 8, colourType: 3, palette: [1, 2, 3, 200, 100, 50, 9, 99, 199] },
      samples: (x) => [x % 4],
      chunks: [pngChunk('tRNS', Buffer.of(0, 128))],
    }),
    'PNG turned behind its pixels': insertBeforeEnd(withChunks(), pngChunk('eXIf', makeExif(6))),
  };
}

/**
 * @param {Buffer} png
 * @param {Buffer} chunk
 */
function insertBeforeEnd(png, chunk) {
  return Buffer.concat([png.subarray(0, -12), chunk, png.subarray(-12)]);
}

/** @returns {Files} */
function turnedFiles() {
  /** @type {Files} */
  const files = {};
  for (let orientation = 0; orientation <= 9; ++orientation) {
    for (const order of /** @type {const} */ (['II', 'MM'])) {
      const chunks = [pngChunk('eXIf', makeExif(orientation, order))];
      const size = { width: 16, height: 8, colourType: 2 };
      files[`PNG, orientation ${orientation} ${order}`] = makePng({
        ...size,
        samples: colours,
        chunks,
      });
      files[`JPEG, orientation ${orientation} ${order}`] = makeJpeg(
        32,
        16,
        ramp,
        orientation,
        order,
      );
    }
  }
  return files;
}

/** @returns {Files} */
function jpegFiles() {
  const three = (/** @type {number} */ x, /** @type {number} */ y) => [
    250 - 20 * x,
    20 + 10 * y,
    30 * x,
  ];
  const four = (/** @type {number} */ x, /** @type {number} */ y) => [...three(x, y), 220 - 5 * x];
  const ids = [82, 71, 66];
  return {
    'JPEG, JFIF': makeBlockJpeg({ blocks: three, jfif: true }),
    'JPEG without a marker': makeBlockJpeg({ blocks: three }),
    'JPEG in RGB, by Adobe': makeBlockJpeg({ blocks: three, adobe: 0 }),
    'JPEG in RGB, by its components': makeBlockJpeg({ blocks: three, ids }),
    'JPEG in YCbCr, by Adobe, though its components are R, G, B': makeBlockJpeg({
      ...{ blocks: three, ids, adobe: 1 },
    }),
    'JPEG in grey': makeBlockJpeg({ blocks: (x, y) => [60 * x + 3 * y] }),
    'JPEG in CMYK, by Adobe': makeBlockJpeg({ blocks: four, adobe: 0 }),
    'JPEG in YCCK, by Adobe': makeBlockJpeg({ blocks: four, adobe: 2 }),
    'JPEG in CMYK without a marker': makeBlockJpeg({ blocks: four }),
    'JPEG of one pixel': makeBlockJpeg({ width: 1, height: 1, blocks: three }),
    'JPEG, extended': makeBlockJpeg({ blocks: three, frame: 0xc1 }),
    'JPEG with a profile': makeBlockJpeg({
      blocks: three,
      segments: [jpegSegment(0xe2, [...Buffer.from('ICC_PROFILE\0\x01\x01'), ...makeProfile()])],
    }),
  };
}

/** @returns {Buffer} a profile of ICC whose colours are linear, and not those of sRGB */
function makeProfile() {
  const fixed = (/** @type {number} */ number) => Math.round(65536 * number);
  const xyz = (/** @type {number[]} */ ...numbers) =>
    Buffer.concat([Buffer.from('XYZ \0\0\0\0'), u32(...numbers.map(fixed))]);
  const curve = Buffer.concat([Buffer.from('curv\0\0\0\0'), u32(0)]);
  const tags = Object.entries({
    wtpt: xyz(0.9642, 1, 0.8249),
    rXYZ: xyz(0.1431, 0.0606, 0.7139),
    gXYZ: xyz(0.3851, 0.7169, 0.0971),
    bXYZ: xyz(0.4361, 0.2225, 0.0139),
    ...{ rTRC: curve, gTRC: curve, bTRC: curve },
  });
  let at = 128 + 4 + 12 * tags.length;
  const table = tags.map(([name, { length }]) =>
    Buffer.concat([Buffer.from(name), u32((at += length) - length, length)]),
  );
  const header = Buffer.alloc(128);
  header.writeUInt32BE(at, 0);
  header.writeUInt32BE(0x02400000, 8);
  header.write('mntrRGB XYZ ', 12, 'latin1');
  header.write('acsp', 36, 'latin1');
  u32(fixed(0.9642), fixed(1), fixed(0.8249)).copy(header, 68);
  return Buffer.concat([header, u32(tags.length), ...table, ...tags.map(([, tag]) => tag)]);
}

describe('pictures: the command and the page see the same', () => {
  for (const [name, bytes] of Object.entries({ ...pngFiles(), ...turnedFiles(), ...jpegFiles() })) {
    test(name, () => checkAlike(bytes));
  }

  // Of a photograph's kind, where decoders differ in how they smooth colours and round.
  test('JPEGs as cameras and the web have them', async () => {
    const wasm = readFileSync(createRequire(import.meta.url).resolve(ENCODER));
    await initEncoder(/** @type {any} */ (await WebAssembly.compile(wasm)));
    const random = makeRandom(7);
    const [width, height] = [61, 47];
    const data = new Uint8ClampedArray(4 * width * height);
    for (let i = 0; i < data.length; ++i) {
      const [x, y] = [(i >> 2) % width, Math.floor((i >> 2) / width)];
      const wave = Math.sin(x / (3 + (i % 4))) + Math.cos((y + x) / 5);
      data[i] = i % 4 === 3 ? 255 : 127 + 50 * wave + 30 * random();
    }
    const image = /** @type {any} */ ({ data, width, height });
    for (const progressive of [false, true]) {
      for (const chroma_subsample of [1, 2]) {
        for (const quality of [30, 75, 95]) {
          const options = { progressive, baseline: !progressive, chroma_subsample, quality };
          const bytes = await encodeJpeg(image, { ...options, auto_subsample: false });
          await checkAlike(new Uint8Array(bytes));
        }
      }
    }
  });
});

describe('pictures: what neither reads', () => {
  const blocks = () => [100, 100, 100];
  const jpeg = makeBlockJpeg({ blocks });
  const noHeight = Buffer.from(jpeg);
  noHeight.writeUInt16BE(0, jpeg.indexOf(Buffer.of(0xff, 0xc0)) + 5);
  const dnl = Buffer.from([0xff, 0xdc, 0, 4, 0, 32]);
  /** @type {Files} */
  const files = {
    'JPEG of 12 bits': makeBlockJpeg({ blocks: () => [1600], precision: 12 }),
    'JPEG of two components': makeBlockJpeg({ blocks: () => [1, 2] }),
    'JPEG, lossless': makeBlockJpeg({ blocks, frame: 0xc3 }),
    'JPEG, hierarchical': makeBlockJpeg({ blocks, frame: 0xc5 }),
    'JPEG whose height comes last': Buffer.concat([
      noHeight.subarray(0, -2),
      dnl,
      noHeight.subarray(-2),
    ]),
    'JPEG without an end': jpeg.subarray(0, -2),
    'PNG that lacks a row': makePng({ width: 2, height: 2, data: Buffer.alloc(9) }),
    'PNG with an unknown part that it needs': makePng({
      ...{ width: 1, height: 1, chunks: [pngChunk('ABCD', Buffer.alloc(0))] },
    }),
  };
  for (const [name, bytes] of Object.entries(files)) {
    test(name, async () => {
      assert.equal(await seenByPage(bytes), undefined);
      await assert.rejects(
        seenByCommand(bytes),
        /is a(n|) .*JPEG picture|is a damaged PNG picture/,
      );
    });
  }
});
