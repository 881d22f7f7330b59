// SPDX-License-Identifier: Apache-2.0

/**
 * Fuzzes the JavaScript importers: mutates the files of `corpus/import` and reads them. The only
 * thing that may happen to a damaged file is a LowtropyError of one line, and soon.
 *
 *   node tests/fuzz/import_fuzz.js [--seconds 30 | --runs 1000] [--seed 1] [--output build/fuzz/import]
 *
 * With a number of runs the same inputs are tried each time, and how long one takes is not looked
 * at. A failure prints the run's seed and leaves the input in the output folder, to be kept in the
 * corpus.
 */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { LowtropyError } from '../../web/lib/core/errors.js';
import { init } from '../../web/lib/core/module.js';
import { readCaffe } from '../../web/lib/import/caffe.js';
import { readDeepCompression } from '../../web/lib/import/deep-compression.js';
import { tensorShapes } from '../../web/lib/graph/graph.js';

await init();

/** Longer than any honest input of this size takes, on a slow machine. */
const SLOW_MILLISECONDS = 2000;

/** What a random byte would hardly make. */
const TOKENS = [
  '{',
  '}',
  '<',
  '>',
  '[',
  ']',
  ':',
  ',',
  ';',
  '"',
  "'",
  '#',
  '\\',
  '-',
  '0',
  '1',
  '2',
  '16',
  '1e9',
  '0x7fffffff',
  '2147483647',
  '2147483648',
  '-1',
  '0.5',
  'inf',
  'nan',
  'true',
  'false',
  'layer',
  'layers',
  'name',
  'type',
  'bottom',
  'top',
  'input',
  'input_dim',
  'input_shape',
  'dim',
  'num_output',
  'kernel_size',
  'kernel_h',
  'stride',
  'pad',
  'group',
  'dilation',
  'bias_term',
  'global_pooling',
  'pool',
  'AVE',
  'axis',
  'include',
  'exclude',
  'phase',
  'TRAIN',
  '"data"',
  '"ReLU"',
  '"Scale"',
  '"BatchNorm"',
  '"Concat"',
  '"Eltwise"',
  'CONVOLUTION',
  '__proto__',
  '\u0000',
  '\u{1F600}',
].map((token) => new TextEncoder().encode(token));

const folder = new URL('corpus/import/', import.meta.url);
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '30' },
    runs: { type: 'string' },
    seed: { type: 'string', default: '1' },
    output: { type: 'string', default: 'build/fuzz/import' },
  },
});

let state = Number(values.seed) >>> 0;
/** @param {number} below @returns {number} an integer from 0 */
function random(below) {
  state = (state + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
}

/**
 * @param {Uint8Array} bytes
 * @param {Uint8Array} other another input, to take pieces from
 * @returns {Uint8Array}
 */
function mutate(bytes, other) {
  const at = random(bytes.length + 1);
  const end = Math.min(at + 1 + random(2 ** random(9)), bytes.length);
  const from = random(other.length + 1);
  /** @type {Uint8Array[]} */
  const middles = [
    new Uint8Array(0), // remove
    Uint8Array.of(random(256)), // replace by a byte
    TOKENS[random(TOKENS.length)],
    bytes.slice(at, end).map((byte) => byte ^ (1 << random(8))), // flip bits
    Buffer.concat([bytes.subarray(at, end), bytes.subarray(at, end)]), // double
    other.subarray(from, from + random(2 ** random(9))), // splice
    Uint8Array.from({ length: 4 }, () => [0, 255, 127, 128, random(256)][random(5)]),
  ];
  return Buffer.concat([
    bytes.subarray(0, at),
    middles[random(middles.length)],
    bytes.subarray(end),
  ]);
}

/**
 * @param {Uint8Array} prototxt
 * @param {Uint8Array | undefined} net
 */
function read(prototxt, net) {
  const text = new TextDecoder().decode(prototxt);
  if (net) {
    const { graph, tensors } = readDeepCompression(net, text);
    for (const [name, { rows, cols }] of tensorShapes(graph)) {
      if (tensors.get(name)?.data.length !== rows * cols)
        throw new Error(`${name} has the wrong size`);
    }
  } else tensorShapes(readCaffe(text));
}

/**
 * @param {Uint8Array} prototxt
 * @param {Uint8Array | undefined} net
 * @returns {string | undefined} what is wrong
 */
function check(prototxt, net) {
  const start = performance.now();
  try {
    read(prototxt, net);
  } catch (error) {
    if (!(error instanceof LowtropyError))
      return error instanceof Error ? error.stack : String(error);
    if (!/^[^\n]{1,1000}\.$/.test(error.message)) return `not one sentence: ${error.message}`;
  }
  const milliseconds = performance.now() - start;
  return values.runs === undefined && milliseconds > SLOW_MILLISECONDS
    ? `took ${milliseconds.toFixed(0)} ms`
    : undefined;
}

const names = readdirSync(folder).sort();
const corpus = names
  .filter((name) => name.endsWith('.prototxt'))
  .map((name) => {
    const net = name.replace('.prototxt', '.net');
    return {
      prototxt: readFileSync(new URL(name, folder)),
      net: names.includes(net) ? readFileSync(new URL(net, folder)) : undefined,
    };
  });
for (const { prototxt, net } of corpus) {
  const wrong = check(prototxt, net);
  if (wrong) throw new Error(`A file of the corpus fails: ${wrong}`);
}

const start = performance.now();
const isOver =
  values.runs === undefined
    ? () => performance.now() - start > 1000 * Number(values.seconds)
    : () => runs >= Number(values.runs);
let runs = 0;
for (; !isOver(); ++runs) {
  const seed = corpus[random(corpus.length)];
  const other = corpus[random(corpus.length)];
  /** @type {Uint8Array} */
  let prototxt = seed.prototxt;
  /** @type {Uint8Array | undefined} */
  let net = seed.net;
  for (let count = 1 + random(4); count > 0; --count) {
    if (net && random(2)) net = mutate(net, net);
    else prototxt = mutate(prototxt, other.prototxt);
  }
  const wrong = check(prototxt, net);
  if (wrong) {
    mkdirSync(values.output, { recursive: true });
    writeFileSync(join(values.output, 'crash.prototxt'), prototxt);
    if (net) writeFileSync(join(values.output, 'crash.net'), net);
    console.error(`After ${runs} runs with --seed ${values.seed}: ${wrong}`);
    console.error(
      `The input is in ${values.output}: crash.prototxt${net ? ' and crash.net' : ''}.`,
    );
    process.exit(1);
  }
}
const seconds = ((performance.now() - start) / 1000).toFixed(0);
console.log(`import_fuzz: ${runs} inputs in ${seconds} s, nothing found (seed ${values.seed}).`);
