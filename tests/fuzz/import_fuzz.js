// SPDX-License-Identifier: Apache-2.0

/**
 * Fuzzes the JavaScript importers: mutates the files of `corpus/import`, reads them, and runs the networks
 * of ONNX that come out. The only
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
import { importOnnx } from '../../web/lib/import/onnx/import-onnx.js';
import { readOnnx } from '../../web/lib/import/onnx/read.js';
import { codes, floats, int32s, integers } from '../../web/lib/import/onnx/tensors.js';
import { tensorShapes } from '../../web/lib/graph/graph.js';
import { mutateMessage } from './mutate-message.js';

/**
 * @typedef {import('../../web/lib/import/onnx/graph.js').ResolvedGraph} ResolvedGraph
 *
 * @typedef {object} Input what is read together, by how the files' names end
 * @property {Uint8Array} [onnx]
 * @property {Uint8Array} [prototxt]
 * @property {Uint8Array} [net] with a prototxt
 */

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

/** @param {Input} input */
async function read({ onnx, prototxt, net }) {
  if (onnx) {
    readOnnxWhole(onnx);
    await runOnnx(onnx);
  } else readNetwork(/** @type {Uint8Array} */ (prototxt), net);
}

/**
 * @param {Uint8Array} prototxt
 * @param {Uint8Array | undefined} net
 */
function readNetwork(prototxt, net) {
  const text = new TextDecoder().decode(prototxt);
  if (net) {
    const { graph, tensors } = readDeepCompression(net, text);
    for (const [name, { rows, cols }] of tensorShapes(graph)) {
      if (tensors.get(name)?.data.length !== rows * cols)
        throw new Error(`${name} has the wrong size`);
    }
  } else tensorShapes(readCaffe(text));
}

/** What models find beside them. */
const FILES = new Map([
  ['w.bin', new Uint8Array(16)],
  ['sub/w.bin', new Uint8Array(8)],
]);

/** @param {Uint8Array} onnx */
function readOnnxWhole(onnx) {
  const { graph } = readOnnx(onnx, FILES);
  readConstants(graph);
  const isDefined = (/** @type {string} */ name) => graph.constants.has(name);
  if (graph.inputs.some(({ name }) => isDefined(name))) throw new Error('an input is a constant');
  checkOrder(graph, new Set());
}

/** A network of the corpus takes less. */
const LIMITS = { maxMemory: 2 ** 24, maxWork: 1e8 };

/** @param {Uint8Array} onnx */
async function runOnnx(onnx) {
  const files = [...FILES].map(([name, data]) => ({ name, data }));
  const source = [{ name: 'model.onnx', data: onnx }, ...files];
  const model = await importOnnx(source, { ...LIMITS, format: 'dense' });
  try {
    const inputs = model.inputs.map(({ name, usualShape: shape }) => {
      const size = shape.reduce((product, dim) => product * dim, 1);
      return [name, { data: new Array(size).fill(1), shape }];
    });
    model.run(Object.fromEntries(inputs));
  } finally {
    model.dispose();
  }
}

/** @param {ResolvedGraph} graph */
function readConstants({ constants }) {
  for (const tensor of constants.values()) {
    for (const reader of [floats, integers, int32s, codes]) {
      if (
        tensor.kind === 'sparse' &&
        (tensor.size > 1e5 || reader === int32s || reader === codes)
      ) {
        continue;
      }
      try {
        const { length } = reader(/** @type {any} */ (tensor));
        if (length !== tensor.size) throw new Error(`${tensor.name} has the wrong size`);
      } catch (error) {
        checkError(error);
      }
    }
  }
}

/**
 * @param {ResolvedGraph} graph
 * @param {Set<string>} outside values of the graphs around it that stand before it
 */
function checkOrder({ inputs, constants, nodes, outputs }, outside) {
  const given = new Set([...outside, ...inputs.map(({ name }) => name), ...constants.keys(), '']);
  const need = (/** @type {string} */ name) => {
    if (!given.has(name)) throw new Error(`${name} is taken before it is given`);
  };
  for (const node of nodes) {
    node.inputs.forEach(need);
    for (const inner of node.graphs.values()) {
      inner.captured.forEach(need);
      checkOrder(inner, given);
    }
    for (const name of node.outputs) given.add(name);
  }
  for (const { name } of outputs) need(name);
}

/**
 * @param {unknown} error
 * @throws what is no error that this library means
 */
function checkError(error) {
  if (!(error instanceof LowtropyError)) throw error;
  // What an import lacks is said of all operators at once.
  if (!/^[^\n]{1,10000}\.$/.test(error.message)) {
    throw new Error(`not one sentence: ${error.message}`);
  }
}

/**
 * @param {Input} input
 * @returns {Promise<string | undefined>} what is wrong
 */
async function check(input) {
  const start = performance.now();
  try {
    try {
      await read(input);
    } catch (error) {
      checkError(error);
    }
  } catch (error) {
    return error instanceof Error ? error.stack : String(error);
  }
  const milliseconds = performance.now() - start;
  return values.runs === undefined && milliseconds > SLOW_MILLISECONDS
    ? `took ${milliseconds.toFixed(0)} ms`
    : undefined;
}

/**
 * @param {Input} input
 * @param {Input} other
 * @returns {Input}
 */
function mutateInput(input, other) {
  const { onnx, prototxt = new Uint8Array(), net } = input;
  if (onnx) {
    const from = other.onnx ?? onnx;
    if (random(8) === 0) return { onnx: mutate(onnx, from) };
    return { onnx: mutateMessage(onnx, from, random, (bytes) => mutate(bytes, from)) };
  }
  if (net && random(2)) return { prototxt, net: mutate(net, net) };
  return { prototxt: mutate(prototxt, other.prototxt ?? prototxt), net };
}

/**
 * @param {string} name
 * @returns {Input}
 */
function loadInput(name) {
  const load = (/** @type {string} */ file) => readFileSync(new URL(file, folder));
  if (name.endsWith('.onnx')) return { onnx: load(name) };
  const net = name.replace('.prototxt', '.net');
  return { prototxt: load(name), net: names.includes(net) ? load(net) : undefined };
}

const names = readdirSync(folder).sort();
const corpus = names.filter((name) => !name.endsWith('.net')).map(loadInput);
for (const input of corpus) {
  const wrong = await check(input);
  if (wrong) throw new Error(`A file of the corpus fails: ${wrong}`);
}

const start = performance.now();
const isOver =
  values.runs === undefined
    ? () => performance.now() - start > 1000 * Number(values.seconds)
    : () => runs >= Number(values.runs);
let runs = 0;
for (; !isOver(); ++runs) {
  let input = corpus[random(corpus.length)];
  const other = corpus[random(corpus.length)];
  for (let count = 1 + random(4); count > 0; --count) input = mutateInput(input, other);
  const wrong = await check(input);
  if (wrong) {
    mkdirSync(values.output, { recursive: true });
    const parts = Object.entries(input).filter(([, bytes]) => bytes);
    for (const [ending, bytes] of parts) {
      writeFileSync(join(values.output, `crash.${ending}`), bytes);
    }
    const files = parts.map(([ending]) => `crash.${ending}`).join(' and ');
    console.error(`After ${runs} runs with --seed ${values.seed}: ${wrong}`);
    console.error(`The input is in ${values.output}: ${files}.`);
    process.exit(1);
  }
}
const seconds = ((performance.now() - start) / 1000).toFixed(0);
console.log(`import_fuzz: ${runs} inputs in ${seconds} s, nothing found (seed ${values.seed}).`);
