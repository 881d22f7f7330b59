// SPDX-License-Identifier: Apache-2.0

/** The options of a simulation, checked and filled up. */

import { ValueError } from '../core/errors.js';
import { checkInteger, checkKeys, checkName, checkNumber } from '../core/check.js';
import { checkOptions as checkCompressorOptions } from '../updates/compressor.js';
import { DATA_LIMIT, checkData } from '../learn/data.js';
import { checkLinks } from './links.js';
import { checkMomentum, checkOptimizer } from '../learn/optimizer-options.js';

/**
 * @typedef {import('../core/engine.js').InitOptions} InitOptions
 * @typedef {import('../transport/transport.js').Transport} Transport
 * @typedef {import('../updates/compressor.js').CompressorOptions} CompressorOptions
 * @typedef {import('../updates/compressor.js').MethodName} CompressorName
 * @typedef {import('../learn/data.js').DataOption} DataOption
 * @typedef {import('../learn/data.js').DataSource} DataSource
 * @typedef {import('./links.js').Link} Link
 * @typedef {import('../learn/optimizer-options.js').CheckedOptimizer} CheckedOptimizer
 * @typedef {import('../learn/optimizer-options.js').OptimizerOptions} OptimizerOptions
 * @typedef {import('../learn/trainer.js').ModelName} ModelName
 *
 * @typedef {{ name: CompressorName } & CompressorOptions} CompressorChoice
 *
 * @typedef {object} SimulationOptions
 * @property {ModelName} [model] by default lenet5, or charlstm for text
 * @property {DataOption} [data] by default 'digits'
 * @property {number} [workers] by default 4
 * @property {number} [batch] examples per worker and iteration; by default 64
 * @property {OptimizerOptions} [optimizer] of each worker; by default sgd
 * @property {CompressorChoice | CompressorName} [compressor] by default sbc. Of topk without a
 *   `momentum` the optimizer's moves there: momentum correction, as Deep Gradient Compression has it
 * @property {number} [delay] iterations of each worker per round; by default 10
 * @property {'forward' | 'recompress'} [downstream] what the server sends to every worker: every
 *   counted message, or their mean compressed again; by default forward, but of signsgd and of what
 *   sends every weight with 16 or 32 bits (none, fedavg, fp16) recompress
 * @property {string} [split] of the examples among workers: 'iid' or 'labels:C', C classes for each;
 *   by default iid
 * @property {number} [participation] the share of the present workers that take part in a round, in
 *   (0, 1]; by default 1
 * @property {number} [timeout] milliseconds after which a round goes on without those who have not
 *   answered; by default there is no limit, so that equal seeds give equal bytes on any machine
 * @property {Link | Link[]} [link] of all workers, or of each; by default nothing takes time
 * @property {number} [stepSeconds] what an iteration takes a worker in the simulated clock; by
 *   default what it did take
 * @property {number} [seed] by default 1
 * @property {number} [evaluateEvery] rounds; the last of a run is evaluated anyway; by default a
 *   twentieth of the run
 * @property {number} [maxDataBytes] that the files of the data may have, decompressed; by default 2^28.
 *   Each worker's thread has a copy of its own
 * @property {InitOptions} [wasm] where the WebAssembly for training comes from
 * @property {Transport} [transport] by default threads
 *
 * @typedef {object} Settings what of the options goes into checkpoints, to the server and to the workers: JSON
 * @property {ModelName} model
 * @property {number} workers
 * @property {number} batch
 * @property {CheckedOptimizer} optimizer
 * @property {{ name: CompressorName, options: CompressorOptions }} compressor
 * @property {number} delay
 * @property {'forward' | 'recompress'} downstream
 * @property {string} split
 * @property {number} participation
 * @property {number | null} timeout
 * @property {Array<Required<Link>> | null} links
 * @property {number | null} stepSeconds
 * @property {number} seed
 * @property {number | null} evaluateEvery
 *
 * @typedef {{ settings: Settings, source: DataSource, maxDataBytes: number, wasm: InitOptions,
 *   transport: Transport | undefined }} Checked
 */

/** What can be trained. @type {readonly ModelName[]} */
export const MODELS = Object.freeze(
  /** @type {const} */ (['mlp', 'lenet5', 'resnet8', 'charlstm']),
);

const OPTIONS = /** @type {const} */ ([
  'model',
  'data',
  'workers',
  'batch',
  'optimizer',
  'compressor',
  'delay',
  'downstream',
  'split',
  'participation',
  'timeout',
  'link',
  'stepSeconds',
  'seed',
  'evaluateEvery',
  'maxDataBytes',
  'wasm',
  'transport',
]);

/** Those that are of the machine rather than of what is learned: no checkpoint has them. */
export const LOCAL_OPTIONS = /** @type {const} */ (['maxDataBytes', 'wasm', 'transport']);

/** The keys of Settings. */
const SETTINGS = [
  ...OPTIONS.filter((name) => !['data', 'link', ...LOCAL_OPTIONS].includes(name)),
  'links',
];

const MOST_WORKERS = 256;
const MOST = 2 ** 31 - 1;

/**
 * @param {unknown} options
 * @returns {Checked}
 * @throws {ValueError}
 */
export function checkOptions(options) {
  const given = /** @type {SimulationOptions} */ (checkKeys(options, 'A simulation', OPTIONS));
  const source = checkData(given.data ?? 'digits');
  const workers = checkInteger(given.workers ?? 4, 'The number of workers', 1, MOST_WORKERS);
  const { optimizer, compressor } = moveMomentum(
    checkOptimizer(given.optimizer ?? { name: 'sgd' }),
    checkCompressor(given.compressor ?? 'sbc'),
  );
  /** @type {Settings} */
  const settings = {
    model: checkModel(given.model, source),
    workers,
    batch: checkInteger(given.batch ?? 64, 'The batch', 1, 65536),
    optimizer,
    compressor,
    delay: checkInteger(given.delay ?? 10, 'The delay', 1, MOST),
    downstream: checkDownstream(given.downstream, compressor.name),
    split: checkSplit(given.split ?? 'iid'),
    participation: checkNumber(
      given.participation ?? 1,
      'The participation',
      'above 0 and up to 1',
      (value) => value > 0 && value <= 1,
    ),
    timeout: checkTimeout(given.timeout),
    links: given.link === undefined ? null : checkLinks(given.link, workers),
    stepSeconds:
      given.stepSeconds === undefined
        ? null
        : checkNumber(given.stepSeconds, 'The time of a step', 'of at least 0', (n) => n >= 0),
    seed: checkInteger(given.seed ?? 1, 'The seed', 0, 2 ** 32 - 1),
    evaluateEvery:
      given.evaluateEvery === undefined
        ? null
        : checkInteger(given.evaluateEvery, 'The rounds between evaluations', 1, MOST),
  };
  const maxDataBytes = checkInteger(
    given.maxDataBytes ?? DATA_LIMIT,
    'The most bytes of data',
    1,
    2 ** 32 - 1,
  );
  return { settings, source, maxDataBytes, wasm: given.wasm ?? {}, transport: given.transport };
}

/**
 * The options that give these settings.
 *
 * @param {Settings} settings
 * @returns {SimulationOptions}
 */
export function optionsOf(settings) {
  const { compressor, timeout, links, stepSeconds, evaluateEvery, ...rest } = settings;
  return {
    ...rest,
    compressor: { ...compressor.options, name: compressor.name },
    ...(timeout !== null && { timeout }),
    ...(links !== null && { link: links }),
    ...(stepSeconds !== null && { stepSeconds }),
    ...(evaluateEvery !== null && { evaluateEvery }),
  };
}

/**
 * Settings that come from elsewhere.
 *
 * @param {unknown} settings
 * @param {DataSource['kind']} kind of the data
 * @returns {Settings}
 * @throws {ValueError}
 */
export function checkSettings(settings, kind) {
  const { compressor, ...rest } = checkKeys(settings, 'The settings', SETTINGS);
  const { name, options } = checkKeys(compressor, 'The compressor', ['name', 'options']);
  const given = /** @type {Settings} */ ({ ...rest, compressor: { name, options } });
  const data = kind === 'text' ? { text: new Uint8Array() } : 'digits';
  return checkOptions({ ...optionsOf(given), data }).settings;
}

/**
 * @param {unknown} model
 * @param {DataSource} source
 */
function checkModel(model, source) {
  const text = source.kind === 'text';
  const name = checkName(model ?? (text ? 'charlstm' : 'lenet5'), 'The model', MODELS);
  if ((name === 'charlstm') === text) return name;
  throw new ValueError(
    text
      ? `The model ${name} reads images, not text; charlstm reads text.`
      : `The model ${name} reads text, not images.`,
  );
}

/**
 * @param {unknown} compressor
 * @returns {Settings['compressor']}
 */
function checkCompressor(compressor) {
  const given = typeof compressor === 'string' ? { name: compressor } : compressor;
  if (typeof given !== 'object' || given === null) {
    throw new ValueError(`The compressor must be a name or an object, not ${given}.`);
  }
  const { name, ...options } = /** @type {CompressorChoice} */ (given);
  checkCompressorOptions(name, options);
  checkCompressorRanges(options);
  return { name, options };
}

/**
 * What the threads would refuse, before there are any.
 *
 * @param {CompressorOptions} options
 */
function checkCompressorRanges({ sparsity, momentum, step, levels, bucket, clip }) {
  const share = (/** @type {number} */ value) => value > 0 && value <= 1;
  if (sparsity !== undefined) checkNumber(sparsity, 'The sparsity', 'above 0 and up to 1', share);
  if (momentum !== undefined) checkMomentum(momentum);
  // Kept as float32, in which smaller ones are 0 and larger ones infinite.
  if (step !== undefined) {
    checkNumber(step, 'The step', 'from 1e-38 to 1e38', (value) => value >= 1e-38 && value <= 1e38);
  }
  if (levels !== undefined) checkInteger(levels, 'The number of levels', 1, 65535);
  if (bucket !== undefined) checkInteger(bucket, 'The bucket', 1, 2 ** 32 - 1);
  if (clip !== undefined) {
    checkNumber(clip, 'The clip', 'from 0 to 1e38', (value) => value >= 0 && value <= 1e38);
  }
}

/**
 * @param {Settings['optimizer']} optimizer
 * @param {Settings['compressor']} compressor
 */
function moveMomentum(optimizer, compressor) {
  if (compressor.name !== 'topk' || compressor.options.momentum !== undefined) {
    return { optimizer, compressor };
  }
  return {
    optimizer: { ...optimizer, momentum: 0 },
    compressor: { ...compressor, options: { ...compressor.options, momentum: optimizer.momentum } },
  };
}

/**
 * Whose messages are as large as the weights, or half: many of them would be more than the weights,
 * and their mean says as much.
 *
 * @type {readonly CompressorName[]}
 */
const WHOLE = ['none', 'fedavg', 'fp16'];

/**
 * @param {unknown} downstream
 * @param {CompressorName} compressor
 */
function checkDownstream(downstream, compressor) {
  const vote = compressor === 'signsgd';
  const known = /** @type {const} */ (['forward', 'recompress']);
  const usual = vote || WHOLE.includes(compressor) ? 'recompress' : 'forward';
  const name = checkName(downstream ?? usual, 'The downstream', known);
  if (vote && name === 'forward') {
    throw new ValueError(
      'The compressor signsgd is a majority vote, which the server takes: its downstream must be recompress.',
    );
  }
  return name;
}

/** @param {unknown} split */
function checkSplit(split) {
  if (split === 'iid' || (typeof split === 'string' && /^labels:[1-9]\d{0,4}$/.test(split))) {
    return split;
  }
  throw new ValueError(`The split must be iid or labels:C, C classes per worker, not "${split}".`);
}

/**
 * @param {unknown} timeout
 * @returns {number | null} null: no limit
 */
function checkTimeout(timeout) {
  if (timeout === undefined || timeout === Infinity) return null;
  return checkNumber(
    timeout,
    'The time limit',
    `of milliseconds from 1 to ${MOST}`,
    (ms) => ms >= 1 && ms <= MOST,
  );
}
