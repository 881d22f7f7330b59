// SPDX-License-Identifier: Apache-2.0

/** Trained networks, imported from ONNX: the same values as onnxruntime gives, from noise. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, test } from 'node:test';
import * as ort from 'onnxruntime-web';

import { listOnnxModels, noOnnxModels } from '../../../scripts/common/data.js';
import { importOnnx } from '../../../web/lib/import/onnx/import-onnx.js';
import { makeRandom } from '../../support/random.js';

ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

/** Of the largest value of an output. */
const LARGEST_ERROR = 1e-4;

/**
 * What a network's input goes up to, where that is not 1: rounding errors of some layers grow where all pixels
 * are nearly black, in whatever order sums are made.
 *
 * @type {Record<string, number>}
 */
const LARGEST_INPUTS = { yolox_nano: 255 };

/** Of dimensions that are open. */
const OPEN_SIZE = 1;

const random = makeRandom(7);

/**
 * @param {string} type
 * @param {number} size
 * @param {number} largest
 */
function noise(type, size, largest) {
  if (type === 'float32')
    return Float32Array.from({ length: size }, () => largest * (2 * random() - 1));
  return Int32Array.from({ length: size }, () => Math.floor(256 * random()));
}

/**
 * @param {ort.InferenceSession} session
 * @param {number} largest
 */
function drawInputs(session, largest) {
  /** @type {Record<string, ort.Tensor>} */
  const theirs = {};
  /** @type {Record<string, { data: any, shape: number[] }>} */
  const ours = {};
  for (const metadata of session.inputMetadata) {
    if (!metadata.isTensor) throw new Error(`${metadata.name} is no tensor`);
    const { name, type } = metadata;
    const shape = metadata.shape.map((dim) => (typeof dim === 'number' ? dim : OPEN_SIZE));
    const size = shape.reduce((product, dim) => product * dim, 1);
    const data = noise(type, size, largest);
    const given = type === 'int64' ? BigInt64Array.from(data, BigInt) : data;
    theirs[name] = new ort.Tensor(type, /** @type {any} */ (given), shape);
    ours[name] = { data, shape };
  }
  return { theirs, ours };
}

const networks = noOnnxModels ? [] : listOnnxModels().filter((path) => path.includes('models'));

describe('onnx: trained networks agree with onnxruntime', { skip: noOnnxModels }, () => {
  for (const path of networks) {
    const name = basename(path, '.onnx');
    for (const format of /** @type {const} */ (['dense', 'auto'])) {
      test(`${name}, ${format}`, async () => {
        const bytes = readFileSync(path);
        const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
        const { theirs, ours } = drawInputs(session, LARGEST_INPUTS[name] ?? 1);
        const expected = await session.run(theirs);
        const shapes = Object.fromEntries(
          Object.entries(ours).map(([input, { shape }]) => [input, shape]),
        );
        const model = await importOnnx(bytes, { shapes, format });
        const results = /** @type {Record<string, any>} */ (model.run(ours));
        for (const [output, { data, dims }] of Object.entries(expected)) {
          assert.deepEqual(results[output].shape, dims);
          const theirData = Float64Array.from(/** @type {any} */ (data), Number);
          const largest = theirData.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
          theirData.forEach((value, i) => {
            const error = Math.abs(results[output].data[i] - value);
            assert(
              error <= LARGEST_ERROR * largest,
              `${output}[${i}]: ${results[output].data[i]}, not ${value}`,
            );
          });
        }
        model.dispose();
        await session.release();
      });
    }
  }
});
