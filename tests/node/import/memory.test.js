// SPDX-License-Identifier: Apache-2.0

/**
 * Importing holds no dense layer that was none: its peak is the file's size, the model's, and 16 MB, or 32
 * of ONNX, whose layers are dense one after the other.
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { dataPath, noData, noOnnxModels } from '../../../scripts/common/data.js';
import { makeRandom } from '../../support/random.js';

const SLACK = 16 * 2 ** 20;
const ONNX_SLACK = 32 * 2 ** 20;

/**
 * Fully connected layers of a `.net` file, with gaps of 0 to 15 and a few zeros at the end of each.
 *
 * @param {number} layers
 * @param {number} side rows and columns of each
 */
function makeNet(layers, side) {
  const random = makeRandom(1);
  const gaps = Array.from({ length: layers }, () => {
    const list = [];
    for (let at = 0; ;) {
      const gap = Math.floor(16 * random());
      if ((at += gap + 1) > side * side) return list;
      list.push(gap);
    }
  });
  const parts = [Buffer.from(Uint32Array.from(gaps, (list) => list.length).buffer)];
  for (const list of gaps) {
    const codebook = Float32Array.from({ length: 256 }, (_, i) => (i === 0 ? 0 : i - 128.5));
    const codes = Uint8Array.from(list, () => 1 + Math.floor(31 * random()));
    const pairs = Uint8Array.from(
      { length: Math.ceil(list.length / 2) },
      (_, i) => list[2 * i] | ((list[2 * i + 1] ?? 0) << 4),
    );
    parts.push(...[codebook, codes, pairs].map(({ buffer }) => Buffer.from(buffer)));
  }
  return Buffer.concat(parts);
}

/**
 * @param {number} layers
 * @param {number} side
 */
function makePrototxt(layers, side) {
  const names = ['data', ...Array.from({ length: layers }, (_, i) => `fc${i}`)];
  const text = names.slice(1).map(
    (name, i) => `layer { name: "${name}" type: "InnerProduct" bottom: "${names[i]}" top: "${name}"
      inner_product_param { num_output: ${side} bias_term: false } }`,
  );
  return `input: "data" input_dim: 1 input_dim: ${side} input_dim: 1 input_dim: 1 ${text.join(' ')}`;
}

/**
 * @param {import('node:test').TestContext} t
 * @param {string} net
 * @param {string[]} prototxt one, of Deep Compression
 * @returns {Promise<import('./import-process.js').Taken & { file: number }>}
 */
async function importInProcess(t, net, ...prototxt) {
  const script = fileURLToPath(new URL('import-process.js', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, net, ...prototxt]);
  const taken = { ...JSON.parse(stdout), file: statSync(net).size };
  const megabytes = Object.entries(taken).map(([name, n]) => `${name} ${(n / 2 ** 20).toFixed(1)}`);
  t.diagnostic(`MiB: ${megabytes.join(', ')}`);
  return taken;
}

/**
 * @param {import('./import-process.js').Taken} taken
 * @param {number} [slack]
 */
function check({ heap, buffers, model }, slack = SLACK) {
  assert(heap + buffers <= model + slack, `besides the file ${heap} and ${buffers} bytes`);
}

describe('importing Deep Compression', () => {
  test('peaks at the size of file and model and 16 MB: 121 MB of dense weights', async (t) => {
    const [layers, side] = [6, 2304];
    assert(4 * layers * side ** 2 > 121 * 2 ** 20);
    const folder = mkdtempSync(join(tmpdir(), 'lowtropy-'));
    try {
      const [net, prototxt] = ['large.net', 'large.prototxt'].map((name) => join(folder, name));
      writeFileSync(net, makeNet(layers, side));
      writeFileSync(prototxt, makePrototxt(layers, side));
      const taken = await importInProcess(t, net, prototxt);
      assert(taken.file < 8 * 2 ** 20 && taken.model < 16 * 2 ** 20);
      check(taken);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('SqueezeNet', { skip: noData }, async (t) => {
    const [net, prototxt] = ['compressed_SqueezeNet.net', 'SqueezeNet_deploy.prototxt'].map(
      (name) => dataPath('squeezenet-deep-compression', name),
    );
    check(await importInProcess(t, net, prototxt));
  });
});

test('importing MobileNet v2 from ONNX', { skip: noOnnxModels }, async (t) => {
  const path = dataPath('models', 'onnx', 'mobilenet_v2_1.0_224.onnx');
  check(await importInProcess(t, path), ONNX_SLACK);
});
