// SPDX-License-Identifier: Apache-2.0

/**
 * A process that imports one network, of Deep Compression or ONNX, and tells what memory that took, as JSON.
 * Memory never comes back from a heap, so that this takes a process of its own.
 *
 *   node import-process.js FILE.net FILE.prototxt
 *   node import-process.js FILE.onnx
 */

import { readFileSync } from 'node:fs';

import { importDeepCompression, importOnnx, init } from '../../../web/lib/index.js';
import { heapBytes } from '../../support/heap.js';

/**
 * @typedef {object} Taken bytes
 * @property {number} heap of WebAssembly in the end, which is the most there was: it never shrinks
 * @property {number} buffers of JavaScript's ArrayBuffers, the most there was at once besides the file
 * @property {number} model
 */

const [net, prototxt] = process.argv.slice(2);
await init();
const file = new Uint8Array(readFileSync(net));
const text = prototxt === undefined ? undefined : readFileSync(prototxt, 'utf8');
// Of all that is made, whoever makes it: a collected one is not in use, but was.
let buffers = 0;
const before = process.memoryUsage().arrayBuffers;
const sample = () => (buffers = Math.max(buffers, process.memoryUsage().arrayBuffers - before));
const options = { onProgress: sample };
const model =
  text === undefined
    ? await importOnnx(file, options)
    : await importDeepCompression(file, text, options);
sample();
/** @type {Taken} */
const taken = { heap: heapBytes(), buffers, model: model.byteLength };
model.dispose();
console.log(JSON.stringify(taken));
