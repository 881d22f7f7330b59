// SPDX-License-Identifier: Apache-2.0

/** Initializers are read where they lie: a model that is in memory is not there twice. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openOnnx } from '../../../web/lib/import/onnx/read.js';
import { codes, floats } from '../../../web/lib/import/onnx/tensors.js';
import { Proto, tensor } from '../../support/onnx-writer.js';

const MEGABYTE = 2 ** 20;

/**
 * @param {number} field
 * @param {Uint8Array[]} content
 * @returns {Uint8Array[]} as a field
 */
function wrap(field, content) {
  const length = content.reduce((sum, piece) => sum + piece.length, 0);
  return [new Proto().key(field, 2).varint(length).finish(), ...content];
}

/**
 * @param {number} megabytes of each of two tensors
 * @returns {Uint8Array<ArrayBuffer>} a model of which all floats lie at multiples of 4
 */
function makeModel(megabytes) {
  const data = new Uint8Array(megabytes * MEGABYTE);
  const w = tensor('w', 'float32', [data.length / 4]).finish();
  const c = tensor('c', 'int8', [data.length]).finish();
  const pieces = wrap(7, [
    ...wrap(5, [w, ...wrap(9, [data])]),
    ...wrap(5, [c, ...wrap(9, [data])]),
  ]);
  const before = pieces.slice(0, pieces.indexOf(data)).reduce((sum, { length }) => sum + length, 0);
  // The producer's name is as long as it takes for that.
  const name = new Proto().bytes(2, 'x'.repeat((6 - (before % 4)) % 4));
  const parts = [name.finish(), ...pieces];
  const file = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}

test('64 MB of weights take nothing besides the file', async () => {
  const file = makeModel(32);
  const before = process.memoryUsage().arrayBuffers;
  const { constants } = (await openOnnx(file)).graph;
  for (const [name, read] of /** @type {const} */ ([
    ['w', floats],
    ['c', codes],
  ])) {
    const tensor = constants.get(name);
    assert(tensor?.kind === 'tensor');
    const elements = read(tensor);
    assert.equal(elements.byteLength, 32 * MEGABYTE);
    assert.equal(elements.buffer, file.buffer);
  }
  const more = process.memoryUsage().arrayBuffers - before;
  assert(more < MEGABYTE, `${more} bytes more`);
});
