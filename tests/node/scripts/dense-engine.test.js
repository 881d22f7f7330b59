// SPDX-License-Identifier: Apache-2.0

/** SqueezeNet in each format, against the dense engine that the benchmarks compare with. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { toOnnx } from '../../../scripts/bench/onnx.js';
import { openOrt } from '../../../scripts/bench/ort.js';
import { noData, squeezeNetFiles } from '../../../scripts/common/data.js';
import { readDeepCompression } from '../../../web/lib/import/deep-compression.js';
import { importDeepCompression } from '../../../web/lib/index.js';
import { formatsOfAll } from '../../support/formats.js';
import { chooseSeed, makeRandom } from '../../support/random.js';

describe('SqueezeNet', { skip: noData }, () => {
  /** @type {import('../../../web/lib/index.js').Model} */
  let model;

  before(async () => {
    const { net, prototxt } = squeezeNetFiles();
    model = await importDeepCompression(net, prototxt);
  });
  after(() => model.dispose());

  test('gives the logits of a dense engine for inputs nobody has seen', async (t) => {
    const { net, prototxt } = squeezeNetFiles();
    const { graph, tensors } = readDeepCompression(net, prototxt);
    const runner = await openOrt(toOnnx(graph, tensors));
    const seed = chooseSeed();
    t.diagnostic(`LOWTROPY_SEED=${seed}`);
    const next = makeRandom(seed);
    const models = formatsOfAll(model).map((format) => model.to(format));
    for (let i = 0; i < 3; ++i) {
      // Noise of several sizes, so that there is something to see in it.
      const noise = Float32Array.from({ length: 3 * 227 * 227 }, next);
      const block = 2 ** (2 * i + 1);
      const input = noise.map((_, at) => {
        const [x, y, c] = [at % 227, Math.floor(at / 227) % 227, Math.floor(at / 227 ** 2)];
        const from = (c * 227 + y - (y % block)) * 227 + x - (x % block);
        return 255 * noise[from] - 116;
      });
      const expected = await runner.run(input);
      const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      // Formats are compared with each other, and all with the oracle, above: once will do.
      for (const other of i === 0 ? [model, ...models] : [model]) {
        const actual = other.run(input);
        assert.equal(actual.length, expected.length);
        actual.forEach((value, at) =>
          assert(
            Math.abs(value - expected[at]) <= 5e-5 * largest,
            `seed ${seed}, ${other.layers[0].format}: [${at}] is ${value}, not ${expected[at]}`,
          ),
        );
      }
    }
    for (const other of models) other.dispose();
    await runner.release();
  });
});
