// SPDX-License-Identifier: Apache-2.0

/** Unpacking of the WebAssembly where nothing else does it. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { constants, gzipSync } from 'node:zlib';

import binary from '../../../dist/lowtropy.binary.js';
import { gunzip } from '../../../web/lib/core/gunzip.js';
import { makeRandom } from '../../support/random.js';

const WAYS = [
  { level: 0 },
  { level: 1 },
  { level: 9 },
  { strategy: constants.Z_FIXED },
  { strategy: constants.Z_HUFFMAN_ONLY },
  { strategy: constants.Z_RLE },
];

/** @param {Uint8Array} bytes */
function checkAllWays(bytes) {
  for (const way of WAYS) {
    assert.deepEqual(Buffer.from(gunzip(gzipSync(bytes, way))), Buffer.from(bytes));
  }
}

describe('gunzip', () => {
  test('gives back what was packed in any way', () => {
    const random = makeRandom(7);
    for (let round = 0; round < 200; ++round) {
      const distinct = 1 + Math.floor(random() ** 2 * 255);
      const bytes = Uint8Array.from({ length: Math.floor(random() * 2000) }, () =>
        Math.floor(random() ** 3 * distinct),
      );
      checkAllWays(bytes);
    }
  });

  test('knows the longest copies, and blocks one after the other', () => {
    const random = makeRandom(8);
    checkAllWays(new Uint8Array(100_000).fill(7));
    checkAllWays(Uint8Array.from({ length: 150_000 }, () => random() * 256));
  });

  test('the WebAssembly in the code is that of the file', () => {
    const file = readFileSync(new URL('../../../dist/lowtropy.wasm', import.meta.url));
    assert(typeof binary === 'string');
    assert(file.equals(gunzip(Buffer.from(binary, 'base64'))));
  });
});
