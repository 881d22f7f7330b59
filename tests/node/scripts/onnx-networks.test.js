// SPDX-License-Identifier: Apache-2.0

/** Trained networks, imported from ONNX: the same values as onnxruntime gives, from noise. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, test } from 'node:test';

import { listOnnxModels, noOnnxModels } from '../../../scripts/common/data.js';
import { largestError, openPeer } from '../../../scripts/common/onnxruntime.js';
import { importOnnx } from '../../../web/lib/import/onnx/import-onnx.js';
import { makeRandom } from '../../support/random.js';

/** Of the largest value of an output. */
const LARGEST_ERROR = 1e-4;

const SEED = 7;

/**
 * What a network's input goes up to, where that is not 1: rounding errors of some layers grow where all pixels
 * are nearly black, in whatever order sums are made.
 *
 * @type {Record<string, number>}
 */
const LARGEST_INPUTS = { yolox_nano: 255 };

const networks = noOnnxModels ? [] : listOnnxModels().filter((path) => path.includes('models'));

describe('onnx: trained networks agree with onnxruntime', { skip: noOnnxModels }, () => {
  for (const path of networks) {
    const name = basename(path, '.onnx');
    for (const format of /** @type {const} */ (['dense', 'auto'])) {
      test(`${name}, ${format}`, async () => {
        const bytes = readFileSync(path);
        const peer = await openPeer(bytes);
        const inputs = peer.draw(makeRandom(SEED), LARGEST_INPUTS[name]);
        const shapes = Object.fromEntries(
          Object.entries(inputs).map(([input, { shape }]) => [input, shape]),
        );
        const model = await importOnnx(bytes, { shapes, format });
        const error = largestError(model.run(inputs), await peer.prepare(inputs)());
        assert(error <= LARGEST_ERROR, `seed ${SEED}: ${error}`);
        model.dispose();
        await peer.release();
      });
    }
  }
});
