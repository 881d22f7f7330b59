// SPDX-License-Identifier: Apache-2.0

/**
 * Sparse binary compression of an update shaped as ResNet50's parameters: how long it takes beside
 * copying the update within the WebAssembly memory, and how large the messages are. One thread.
 *
 *   npm run bench -- codec [--rounds 9] [--json FILE]
 */

import { parseArgs } from 'node:util';

import { replaceFile } from '../../web/cli/common/replace-file.js';
import { callTraining } from '../../web/lib/core/training.js';
import { Aggregator, Compressor, applyMessage, initTraining } from '../../web/lib/index.js';
import { resNet50Layout } from '../common/resnet50.js';
import { interleave } from './interleave.js';
import { machine } from './machine.js';

/**
 * @typedef {import('./interleave.js').Contestant} Contestant
 *
 * @typedef {object} Encoder
 * @property {string} name
 * @property {number} sparsity
 * @property {number} limit copies of the update that encoding may take
 * @property {Compressor} compressor
 * @property {Uint8Array} message the last one
 * @property {number} largest bytes of a message so far
 *
 * @typedef {{ name: string, milliseconds: number, ratio: number, limit: number | null }} Row
 *   ratio: to a copy
 */

const SPARSITIES = [0.001, 0.01];
const SAMPLED_LIMIT = 5;
const EXACT_LIMIT = 8;
/** How many times smaller than dense exchange in each iteration messages must be. */
const SIZES = [
  { sparsity: 0.01, delay: 10, limit: 3900 },
  { sparsity: 0.01, delay: 100, limit: 39000 },
  { sparsity: 0.001, delay: 1, limit: 2700 },
];
/** Different updates in turn, so that residuals do what they do in training. */
const UPDATES = 2;

const layout = resNet50Layout();
const total = Object.values(layout).reduce((sum, size) => sum + size, 0);

/**
 * Normally distributed values, of another width in each tensor.
 *
 * @param {number} seed
 */
function makeUpdate(seed) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  const update = new Float32Array(total);
  let offset = 0;
  Object.values(layout).forEach((size, tensor) => {
    const width = 1e-3 / (1 + (tensor % 7));
    for (let i = 0; i < size; ++i) {
      const radius = width * Math.sqrt(-2 * Math.log(uniform()));
      update[offset + i] = radius * Math.cos(2 * Math.PI * uniform());
    }
    offset += size;
  });
  return update;
}

/**
 * @param {boolean} sampled
 * @param {number} sparsity
 * @returns {Encoder}
 */
function makeEncoder(sampled, sparsity) {
  return {
    name: `encode, p = ${100 * sparsity} %, ${sampled ? 'sampled' : 'exact'}`,
    sparsity,
    limit: sampled ? SAMPLED_LIMIT : EXACT_LIMIT,
    compressor: new Compressor('sbc', { sparsity, sampled }, layout),
    message: new Uint8Array(),
    largest: 0,
  };
}

/**
 * Encoding alone: the update is where a trainer would have put it.
 *
 * @param {Encoder} encoder
 * @param {Float32Array[]} updates
 * @returns {Contestant}
 */
function encoding(encoder, updates) {
  const { native } = encoder.compressor;
  let round = 0;
  return {
    name: encoder.name,
    prepare: () => callTraining(() => native.input()).set(updates[round++ % updates.length]),
    run() {
      encoder.message = callTraining(() => native.encode(0, round));
      encoder.largest = Math.max(encoder.largest, encoder.message.length);
    },
  };
}

/**
 * Decoding, and adding what was sent: as the server does it within the WebAssembly memory, and to
 * arrays of JavaScript.
 *
 * @param {Encoder} encoder
 * @returns {Contestant[]}
 */
function decoding(encoder) {
  const { sparsity } = encoder;
  const aggregator = new Aggregator('sbc', { sparsity }, layout);
  const weights = Object.fromEntries(
    Object.entries(layout).map(([name, size]) => [name, new Float32Array(size)]),
  );
  const what = `p = ${100 * sparsity} %`;
  return [
    {
      name: `decode and add, ${what}`,
      // The next round, in which the sender's message counts again.
      prepare: () => aggregator.count > 0 && aggregator.finish(),
      run: () => aggregator.add(encoder.message),
    },
    {
      name: `applyMessage, ${what}`,
      run: () => applyMessage(encoder.message, weights, 0.25),
    },
  ];
}

/** @returns {Contestant} the copy that all is measured in */
function copying() {
  const [from, to] = [0, 1].map(() => callTraining((native) => native.makeBuffer(4 * total)));
  from.floats().fill(1);
  return { name: 'copy', run: () => to.floats().set(from.floats()) };
}

/**
 * @param {number} rounds
 * @returns {Promise<{ rows: Row[], sizes: { sparsity: number, bytes: number }[] }>}
 */
async function measure(rounds) {
  const updates = Array.from({ length: UPDATES }, (_, i) => makeUpdate(i + 1));
  const encoders = [true, false].flatMap((sampled) =>
    SPARSITIES.map((sparsity) => makeEncoder(sampled, sparsity)),
  );
  const exact = encoders.slice(SPARSITIES.length);
  const timings = await interleave(
    [
      copying(),
      ...encoders.map((encoder) => encoding(encoder, updates)),
      ...decoding(encoders[encoders.length - 1]),
    ],
    { rounds, warmUp: 6 },
  );
  const limits = [null, ...encoders.map(({ limit }) => limit), 1, null];
  const rows = timings.map(({ name, median }, i) => ({
    name,
    milliseconds: median,
    ratio: median / timings[0].median,
    limit: limits[i],
  }));
  const sizes = exact.map(({ sparsity, largest }) => ({ sparsity, bytes: largest }));
  return { rows, sizes };
}

/** @param {boolean} kept */
const verdict = (kept) => (kept ? 'kept' : 'NOT kept');

/** @param {Row} row */
function printRow({ name, milliseconds, ratio, limit }) {
  const told = limit === null ? '' : `limit ×${limit} ${verdict(ratio <= limit)}`;
  const time = `${milliseconds.toFixed(1).padStart(7)} ms`;
  console.log(`${name.padEnd(32)} ${time}   ×${ratio.toFixed(2).padEnd(6)} ${told}`);
}

async function main() {
  const { values } = parseArgs({
    options: { rounds: { type: 'string', default: '9' }, json: { type: 'string' } },
  });
  const rounds = Number(values.rounds);
  await initTraining();
  const where = machine();
  console.log(
    `${where.date}, ${where.cpu}, ${where.engine}; one thread, medians of ${rounds} interleaved ` +
      `runs.\nAn update of ${total.toLocaleString('en')} float32 in ` +
      `${Object.keys(layout).length} tensors, shaped as ResNet50's; × copies of it.\n`,
  );
  const { rows, sizes } = await measure(rounds);
  rows.forEach(printRow);
  console.log('\nThe largest whole message, beside dense float32 exchange in each iteration:\n');
  for (const { sparsity, delay, limit } of SIZES) {
    const { bytes } = /** @type {{ bytes: number }} */ (
      sizes.find((size) => size.sparsity === sparsity)
    );
    const ratio = (4 * total * delay) / bytes;
    console.log(
      `p = ${100 * sparsity} %, n = ${delay}`.padEnd(20),
      `${bytes.toLocaleString('en').padStart(9)} bytes   ×${ratio.toFixed(0).padEnd(6)}`,
      `limit ×${limit} ${verdict(ratio >= limit)}`,
    );
  }
  if (values.json) {
    await replaceFile(values.json, `${JSON.stringify({ ...where, rows, sizes }, null, 2)}\n`);
  }
}

await main();
