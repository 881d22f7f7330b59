// SPDX-License-Identifier: Apache-2.0

/** The options of `lowtropy train`, as those of a simulation. */

import { UsageError } from './arguments.js';

/**
 * @typedef {import('./arguments.js').Option} Option
 * @typedef {import('./arguments.js').Values} Values
 * @typedef {import('../../lib/training.js').SimulationOptions} SimulationOptions
 */

/** Those that make a simulation. @type {Option[]} */
export const SIMULATION_OPTIONS = [
  { name: 'model', value: 'M', help: 'mlp, lenet5, resnet8 or charlstm; by default lenet5' },
  { name: 'data', value: 'D', help: 'digits, digits:N, mnist:FOLDER or text:FILE; default digits' },
  { name: 'workers', value: 'N', help: 'how many; by default 4' },
  { name: 'batch', value: 'N', help: 'examples per worker and iteration; by default 64' },
  { name: 'optimizer', value: 'O', help: 'sgd or adam; by default sgd' },
  { name: 'learning-rate', value: 'X', help: 'by default 0.05 of sgd, 0.001 of adam' },
  { name: 'momentum', value: 'X', help: 'of sgd; by default 0.9' },
  { name: 'weight-decay', value: 'X', help: 'by default 0' },
  { name: 'clip-norm', value: 'X', help: 'most that the norm of a gradient may be' },
  {
    name: 'schedule',
    value: 'S',
    help: 'of the learning rate: cosine:LENGTH or steps:A,B,…:FACTOR',
  },
  {
    name: 'compressor',
    value: 'C',
    help: 'sbc, stc, topk, qsgd, terngrad, signsgd, fedavg, fp16 or none',
  },
  {
    name: 'sparsity',
    value: 'X',
    help: 'share of entries that sbc, stc and topk send; default 0.01',
  },
  { name: 'momentum-mask', help: 'clear the momentum of entries that are sent' },
  { name: 'sampled', help: 'find the largest entries by a sample' },
  { name: 'dense-below', value: 'N', help: 'send smaller tensors as float32' },
  { name: 'step', value: 'X', help: 'what a vote of signsgd moves a weight by' },
  { name: 'levels', value: 'N', help: 'of qsgd' },
  { name: 'delay', value: 'N', help: 'iterations per round; by default 10' },
  {
    name: 'downstream',
    value: 'W',
    help: 'forward (every message to all) or recompress (their mean); else what suits',
  },
  { name: 'split', value: 'S', help: 'iid, or labels:C for C classes per worker; by default iid' },
  { name: 'participation', value: 'X', help: 'share of the workers in each round; by default 1' },
  { name: 'timeout', value: 'MS', help: 'a round goes on without those who take longer' },
  {
    name: 'link',
    value: 'U,D,L',
    help: 'of each worker: bit/s up, bit/s down, seconds of latency',
  },
  { name: 'step-seconds', value: 'X', help: 'time of an iteration in the simulated clock' },
  { name: 'seed', value: 'N', help: 'by default 1' },
  { name: 'evaluate-every', value: 'N', help: 'rounds; by default a twentieth of the run' },
  {
    name: 'max-data',
    value: 'N',
    help: 'bytes that the data may have, decompressed; by default 2^28',
  },
];

/** Options of the optimizer and of the compressor, as the library calls them. */
const OPTIMIZER = /** @type {const} */ ({
  'learning-rate': 'learningRate',
  momentum: 'momentum',
  'weight-decay': 'weightDecay',
  'clip-norm': 'clipNorm',
});
const COMPRESSOR = /** @type {const} */ ({
  sparsity: 'sparsity',
  'dense-below': 'denseBelow',
  step: 'step',
  levels: 'levels',
});
const PLAIN_NUMBERS = /** @type {const} */ ({
  workers: 'workers',
  batch: 'batch',
  delay: 'delay',
  participation: 'participation',
  timeout: 'timeout',
  'step-seconds': 'stepSeconds',
  seed: 'seed',
  'evaluate-every': 'evaluateEvery',
  'max-data': 'maxDataBytes',
});

/**
 * @param {Values} values
 * @returns {SimulationOptions} still to be checked by the simulation
 * @throws {UsageError}
 */
export function simulationOptions(values) {
  const { model, data, optimizer, compressor, downstream, split, schedule, link } = values;
  const ofOptimizer = {
    ...(optimizer !== undefined && { name: optimizer }),
    ...numbers(values, OPTIMIZER),
    ...(schedule !== undefined && { schedule: parseSchedule(String(schedule)) }),
  };
  const ofCompressor = {
    ...numbers(values, COMPRESSOR),
    ...(values['momentum-mask'] && { momentumMask: true }),
    ...(values.sampled && { sampled: true }),
  };
  /** @type {Record<string, unknown>} */
  const options = {
    ...(model !== undefined && { model }),
    ...(data !== undefined && { data }),
    ...numbers(values, PLAIN_NUMBERS),
    ...(Object.keys(ofOptimizer).length > 0 && { optimizer: { name: 'sgd', ...ofOptimizer } }),
    ...((compressor !== undefined || Object.keys(ofCompressor).length > 0) && {
      compressor: { name: compressor ?? 'sbc', ...ofCompressor },
    }),
    ...(downstream !== undefined && { downstream }),
    ...(split !== undefined && { split }),
    ...(link !== undefined && { link: parseLink(String(link)) }),
  };
  return options;
}

/**
 * @param {Values} values
 * @param {Readonly<Record<string, string>>} names of options, and what the library calls them
 */
function numbers(values, names) {
  return Object.fromEntries(
    Object.entries(names).flatMap(([option, name]) => {
      const value = numberOption(values, option);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/**
 * @param {Values} values
 * @param {string} option
 * @returns {number | undefined}
 * @throws {UsageError} for what is no number
 */
export function numberOption(values, option) {
  const text = values[option];
  return text === undefined ? undefined : parseNumber(String(text), option);
}

/**
 * @param {string} text
 * @param {string} option
 */
function parseNumber(text, option) {
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return Number(text);
  throw new UsageError(`--${option} must be a number, not "${text}".`, 'train');
}

/** @param {string} text */
function parseLink(text) {
  const parts = text.split(',');
  if (parts.length < 2 || parts.length > 3) {
    throw new UsageError(
      `--link must be bit/s up, bit/s down and seconds of latency, as 1e6,1e7,0.03, not "${text}".`,
      'train',
    );
  }
  const [up, down, latency = 0] = parts.map((part) => parseNumber(part, 'link'));
  return { up, down, latency };
}

/**
 * @param {string} text
 * @returns {import('../../lib/training.js').Schedule}
 */
function parseSchedule(text) {
  const number = (/** @type {string} */ part) => parseNumber(part, 'schedule');
  const [, length] = /^cosine:([^:]+)$/.exec(text) ?? [];
  if (length !== undefined) return { cosine: number(length) };
  const [, steps, factor] = /^steps:([^:]+):([^:]+)$/.exec(text) ?? [];
  if (steps !== undefined) return { steps: steps.split(',').map(number), factor: number(factor) };
  throw new UsageError(
    `--schedule must be as cosine:2000 or steps:1000,1500:0.1, not "${text}".`,
    'train',
  );
}
