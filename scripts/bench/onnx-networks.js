// SPDX-License-Identifier: Apache-2.0

/**
 * Trained networks imported from ONNX, on dense weights and in the formats that auto picks, beside
 * onnxruntime-web: times, bytes, and the largest difference of the outputs. One thread.
 *
 *   npm run bench -- onnx [--rounds 21] [--only yolox] [--json FILE]
 */

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';

import { replaceFile } from '../../web/cli/common/replace-file.js';
import { importOnnx } from '../../web/lib/lowtropy.js';
import { listOnnxModels, noOnnxModels } from '../common/data.js';
import { largestError, openPeer } from '../common/onnxruntime.js';
import { interleave } from './interleave.js';
import { machine } from './machine.js';

/** Float networks, of which each is to be at least so fast as onnxruntime in dense, and all on average. */
const JUDGED = ['mobilenet_v2', 'yolox', 'silero', 'dtln', 'magika'];
const LEAST_RATIO = 0.9;
const LEAST_MEAN = 1;

/** Milliseconds. */
const LEAST_TOTAL = 2000;

const SEED = 7;

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '21' },
    only: { type: 'string', default: '' },
    json: { type: 'string' },
  },
});

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {number} dense times as fast as onnxruntime
 * @property {number} auto likewise
 * @property {number} bytes of weights, of dense ones
 * @property {number} denseError
 * @property {number} autoError
 * @property {number} importMilliseconds in auto
 */

/**
 * @param {string} path
 * @returns {Promise<Row>}
 */
async function measure(path) {
  const bytes = readFileSync(path);
  const peer = await openPeer(bytes);
  const inputs = peer.draw(makeRandom(SEED));
  const shapes = Object.fromEntries(
    Object.entries(inputs).map(([name, { shape }]) => [name, shape]),
  );
  const dense = await importOnnx(bytes, { shapes, format: 'dense' });
  const start = performance.now();
  const auto = await importOnnx(bytes, { shapes });
  const importMilliseconds = performance.now() - start;
  const theirs = peer.prepare(inputs);
  const expected = await theirs();
  const errors = [dense, auto].map((model) => largestError(model.run(inputs), expected));
  const [ours, others, peers] = await interleave(
    [
      { name: 'dense', run: () => dense.run(inputs) },
      { name: 'auto', run: () => auto.run(inputs) },
      { name: 'onnxruntime', run: theirs },
    ],
    { rounds: Number(options.rounds), leastTotal: LEAST_TOTAL },
  );
  const row = {
    name: basename(path, '.onnx'),
    dense: peers.median / ours.median,
    auto: peers.median / others.median,
    bytes: auto.byteLength / auto.denseByteLength,
    denseError: errors[0],
    autoError: errors[1],
    importMilliseconds,
  };
  dense.dispose();
  auto.dispose();
  await peer.release();
  return row;
}

/** @param {number} seed @returns {() => number} uniform in [0, 1) */
function makeRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

if (noOnnxModels) throw new Error(noOnnxModels);
const { date, cpu, engine } = machine();
console.log(`${engine}, ${cpu}, ${date}\n`);
console.log('Times as fast as onnxruntime-web; bytes of dense; largest difference of an output.\n');
console.log('network                       dense    auto   bytes  error, dense   auto     import');
/** @type {Row[]} */
const rows = [];
for (const path of listOnnxModels().filter((each) => each.includes('models'))) {
  if (!basename(path).includes(options.only)) continue;
  const row = await measure(path);
  rows.push(row);
  console.log(
    [
      row.name.padEnd(28),
      `×${row.dense.toFixed(2)}`.padStart(6),
      `×${row.auto.toFixed(2)}`.padStart(7),
      `${(100 * row.bytes).toFixed(1)} %`.padStart(8),
      row.denseError.toExponential(1).padStart(11),
      row.autoError.toExponential(1).padStart(9),
      `${row.importMilliseconds.toFixed(0)} ms`.padStart(9),
    ].join(' '),
  );
}
const judged = rows.filter(({ name }) => JUDGED.some((start) => name.startsWith(start)));
if (judged.length > 0) {
  const ratios = judged.map(({ dense }) => dense);
  const mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
  const met = Math.min(...ratios) >= LEAST_RATIO && mean >= LEAST_MEAN;
  console.log(
    `\nOf ${judged.length} float networks in dense the slowest is ×${Math.min(...ratios).toFixed(2)} ` +
      `(at least ${LEAST_RATIO}), the mean ×${mean.toFixed(2)} (at least ${LEAST_MEAN}): ` +
      `${met ? 'met' : 'not met'}.`,
  );
}
if (options.json) await replaceFile(options.json, Buffer.from(JSON.stringify(rows, null, 2)));
