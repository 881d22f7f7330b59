// SPDX-License-Identifier: Apache-2.0

/** What can be set of a run, as the address tells it and as the library takes it. */

/**
 * @typedef {import('../../lib/training.js').MethodName} Method
 * @typedef {import('../../lib/training.js').SimulationOptions} SimulationOptions
 * @typedef {'mlp' | 'lenet5' | 'resnet8'} ModelChoice
 * @typedef {keyof typeof LINKS} LinkChoice
 *
 * @typedef {object} Settings
 * @property {number} workers
 * @property {ModelChoice} model
 * @property {'digits' | 'own'} data
 * @property {Method} method
 * @property {number} p share of the entries that sparse methods send
 * @property {number} n iterations per round
 * @property {boolean} mask whether the momentum of sent entries is cleared
 * @property {LinkChoice} link
 * @property {string} split as the library has it
 * @property {number} iterations of each worker
 * @property {number} batch
 * @property {number} rate of learning
 * @property {number} step milliseconds that an iteration takes in the simulated clock
 * @property {number} examples how many digits are drawn, a fifth of them for testing
 * @property {number} seed
 */

/** Bits per second each way, and seconds that each transfer takes besides. */
export const LINKS = {
  mobile: { name: '1 Mbit/s', rate: 1e6, latency: 0.05 },
  home: { name: '10 Mbit/s', rate: 1e7, latency: 0.02 },
  lan: { name: '100 Mbit/s', rate: 1e8, latency: 0.001 },
};

/** @type {Record<Method, string>} */
export const METHOD_NAMES = {
  none: 'Dense',
  fp16: 'float16',
  fedavg: 'FedAvg',
  signsgd: 'signSGD',
  terngrad: 'TernGrad',
  qsgd: 'QSGD',
  topk: 'Top-k',
  stc: 'STC',
  sbc: 'SBC',
};

/** @type {Record<ModelChoice, string>} */
export const MODEL_NAMES = { mlp: 'LeNet-300-100', lenet5: 'LeNet-5', resnet8: 'ResNet-8' };

export const SPARSITIES = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1];

/** @type {Record<string, string>} */
export const SPLITS = {
  iid: 'alike (IID)',
  'labels:5': '5 digits each',
  'labels:3': '3 digits each',
  'labels:2': '2 digits each',
  'labels:1': '1 digit each',
};

/** What each number may be. */
export const LIMITS = {
  workers: { least: 2, most: 16 },
  n: { least: 1, most: 100 },
  iterations: { least: 10, most: 20_000 },
  batch: { least: 1, most: 256 },
  step: { least: 0, most: 10_000 },
  examples: { least: 500, most: 20_000 },
  seed: { least: 0, most: 2 ** 32 - 1 },
};

/** What suits each model. @type {Record<ModelChoice, Partial<Settings>>} */
const MODEL_DEFAULTS = {
  mlp: { iterations: 600, batch: 32, rate: 0.1, step: 5 },
  lenet5: { iterations: 400, batch: 32, rate: 0.03, step: 20 },
  resnet8: { iterations: 200, batch: 16, rate: 0.05, step: 40 },
};

/** @type {Settings} */
const COMMON = {
  workers: 4,
  model: 'mlp',
  data: 'digits',
  method: 'sbc',
  p: 0.01,
  n: 10,
  mask: false,
  link: 'mobile',
  split: 'iid',
  iterations: 600,
  batch: 32,
  rate: 0.1,
  step: 5,
  examples: 10_000,
  seed: 1,
};

/**
 * The methods that the paper compares, at one click.
 *
 * @type {Array<{ name: string, values: Pick<Settings, 'method' | 'n' | 'p'> }>}
 */
export const PRESETS = [
  { name: 'Baseline', values: { method: 'none', n: 1, p: 0.01 } },
  { name: 'FedAvg', values: { method: 'fedavg', n: 10, p: 0.01 } },
  { name: 'Top-k', values: { method: 'topk', n: 1, p: 0.001 } },
  { name: 'SBC', values: { method: 'sbc', n: 10, p: 0.01 } },
];

/**
 * @param {ModelChoice} [model]
 * @returns {Settings}
 */
export function defaultSettings(model = COMMON.model) {
  return { ...COMMON, model, ...MODEL_DEFAULTS[model] };
}

/** @param {Method} method */
export function isSparse(method) {
  return method === 'topk' || method === 'stc' || method === 'sbc';
}

/**
 * @param {string | null} text
 * @param {object} choices
 * @returns {text is string}
 */
function isOneOf(text, choices) {
  return text !== null && Object.hasOwn(choices, text);
}

/**
 * @param {URLSearchParams} params what cannot be is as if it were not there
 * @returns {Settings}
 */
export function parseSettings(params) {
  const model = params.get('model');
  const settings = defaultSettings(
    isOneOf(model, MODEL_NAMES) ? /** @type {ModelChoice} */ (model) : undefined,
  );
  for (const [name, choices] of Object.entries({
    method: METHOD_NAMES,
    link: LINKS,
    split: SPLITS,
    data: { digits: 0, own: 0 },
  })) {
    const text = params.get(name);
    if (isOneOf(text, choices)) Object.assign(settings, { [name]: text });
  }
  for (const [name, { least, most }] of Object.entries(LIMITS)) {
    const value = numberOf(params.get(name));
    if (Number.isInteger(value) && value >= least && value <= most) {
      Object.assign(settings, { [name]: value });
    }
  }
  const p = numberOf(params.get('p'));
  if (SPARSITIES.includes(p)) settings.p = p;
  const rate = numberOf(params.get('rate'));
  if (rate > 0 && rate <= 10) settings.rate = rate;
  settings.mask = params.get('mask') === '1';
  return settings;
}

/** @param {string | null} text */
function numberOf(text) {
  return text === null || text.trim() === '' ? NaN : Number(text);
}

/**
 * @param {Settings} settings
 * @returns {Record<string, string | number | undefined>} what is not as by default, for the address
 */
export function settingsToAddress(settings) {
  const usual = defaultSettings(settings.model);
  return {
    ...(settings.model !== COMMON.model && { model: settings.model }),
    ...Object.fromEntries(
      Object.entries(settings)
        .filter(([name, value]) => value !== usual[/** @type {keyof Settings} */ (name)])
        .map(([name, value]) => [name, value === true ? '1' : value]),
    ),
  };
}

/**
 * @param {Settings} settings
 * @returns {SimulationOptions} without the data
 */
export function toOptions({ workers, model, method, p, n, mask, batch, rate, ...rest }) {
  const { link, split, step, seed, iterations } = rest;
  const { rate: bits, latency } = LINKS[link];
  return {
    model,
    workers,
    batch,
    optimizer: { name: 'sgd', learningRate: rate, schedule: { cosine: iterations } },
    compressor: { name: method, ...(isSparse(method) && { sparsity: p, momentumMask: mask }) },
    delay: n,
    split,
    link: { up: bits, down: bits, latency },
    stepSeconds: step / 1000,
    seed,
  };
}

/** @param {number} p */
export function formatShare(p) {
  return `${Number((100 * p).toPrecision(3))} %`;
}

/**
 * @param {Settings} settings
 * @returns {string} tells runs apart: the method, and what else is not as by default
 */
export function runName(settings) {
  const { method, p, n, model, split, workers, mask, data, seed } = settings;
  const parts = [METHOD_NAMES[method]];
  if (isSparse(method)) parts.push(`p = ${formatShare(p)}`);
  if (n > 1 || isSparse(method)) parts.push(`n = ${n}`);
  if (mask && isSparse(method)) parts.push('masked');
  if (model !== COMMON.model) parts.push(MODEL_NAMES[model]);
  if (data === 'own') parts.push('own files');
  if (split !== COMMON.split) parts.push(SPLITS[split]);
  if (workers !== COMMON.workers) parts.push(`${workers} workers`);
  if (seed !== COMMON.seed) parts.push(`seed ${seed}`);
  return parts.join(', ').replace(', p', ' p');
}
