// SPDX-License-Identifier: Apache-2.0

/**
 * What npm run experiments runs; about an hour on two cores:
 *
 *   series   | model    | batch | iterations | runs | tuning runs × iterations
 *   ---------|----------|-------|------------|------|-------------------------
 *   lenet5   | lenet5   |  4×8  |        800 |   11 | 33 × 800
 *   mlp      | mlp      |  4×8  |        800 |   11 | 33 × 800
 *   iid      | lenet5   |  5×8  |        400 |    6 | those of lenet5
 *   shards   | lenet5   |  5×8  |        400 |    6 | those of lenet5
 *   charlstm | charlstm |  4×8  |        200 |   11 | 33 × 200
 *   resnet8  | resnet8  |  4×8  |        120 |   11 | 33 × 120
 *   grid     | lenet5   |  4×8  |        400 |   16 | those of lenet5
 *
 * Within a series all methods have the same number of iterations, batches, workers and seeds. Each
 * method's learning rate is the best of the same three multiples of the series' base, by its
 * accuracy on a held-out fifth of the training examples (of text a tenth) after the tuning
 * iterations, from another seed, and the next best where the whole run diverges with that; the test
 * examples play no part in it. Majority vote knows no learning rate, for only the signs of updates
 * count: there it is the size of its step that is tuned.
 */

/**
 * @typedef {object} CompressorSettings its name and the options of the Compressor
 * @property {string} name
 * @property {number} [sparsity]
 * @property {boolean} [momentumMask]
 * @property {number} [momentum]
 * @property {number} [step]
 *
 * @typedef {{ name: 'sgd', learningRate: number, momentum: number }} OptimizerSettings
 *
 * @typedef {object} Method
 * @property {string} id
 * @property {string} label
 * @property {CompressorSettings} compressor
 * @property {number} delay local iterations per round
 * @property {'forward' | 'recompress'} [downstream] default forward: every message to every worker;
 *   recompress sends the mean, which of float32 is the mean itself
 * @property {'compressor'} [momentumIn] where it is not the optimizer that has the momentum
 *
 * @typedef {object} Settings all that decides the result of a run
 * @property {string} model
 * @property {'mnist' | 'text' | 'digits'} data
 * @property {'test' | 'validation'} judgedOn validation: a held-out part of the training examples
 * @property {number} workers
 * @property {number} batch examples per worker and iteration
 * @property {number} iterations
 * @property {OptimizerSettings} optimizer
 * @property {CompressorSettings} compressor
 * @property {number} delay
 * @property {'forward' | 'recompress'} downstream
 * @property {string} split
 * @property {number} evaluations on the way, the last one among them
 * @property {number} seed
 *
 * @typedef {object} Series
 * @property {string} name
 * @property {string} title
 * @property {Base} base
 * @property {Tuning} tuning
 * @property {Method[]} methods in the order in which they are run
 * @property {Grid} [grid]
 *
 * @typedef {Pick<Settings, 'model' | 'data' | 'workers' | 'batch' | 'iterations' | 'split' |
 *   'evaluations'>} Base
 *
 * @typedef {object} Tuning
 * @property {number} workers
 * @property {number} iterations
 * @property {number[]} learningRates that are tried
 * @property {number[]} steps that are tried of signsgd
 *
 * @typedef {{ sparsities: number[], delays: number[] }} Grid of SBC, in place of methods
 *
 * @typedef {{ series: Series[] }} Plan
 */

const SEED = 1;
const TUNING_SEED = 2;
const MOMENTUM = 0.9;
/** What a majority moves a weight by, in the middle of what is tried. */
const SIGN_STEP = 3e-4;

/**
 * @param {number} sparsity
 * @param {number} delay
 * @returns {Method}
 */
function sbc(sparsity, delay) {
  return {
    id: `sbc-${sparsity}-${delay}`,
    label: `SBC (${percent(sparsity)}, ${delay})`,
    compressor: { name: 'sbc', sparsity, momentumMask: true },
    delay,
  };
}

/** @param {number} share */
export function percent(share) {
  return `${Number((100 * share).toPrecision(6))} %`;
}

/** @param {number} delay @returns {Method} */
function fedavg(delay) {
  return {
    id: `fedavg-${delay}`,
    label: `FedAvg (${delay})`,
    compressor: { name: 'fedavg' },
    delay,
    downstream: 'recompress',
  };
}

/** @type {Method} */
const BASELINE = {
  ...{ id: 'none', label: 'baseline', compressor: { name: 'none' }, delay: 1 },
  downstream: 'recompress',
};

/** The settings of the papers that the methods are from. @type {Method[]} */
const PEERS = [
  fedavg(10),
  fedavg(100),
  {
    id: 'topk',
    label: 'DGC top-k (0.1 %)',
    compressor: { name: 'topk', sparsity: 0.001, momentum: MOMENTUM, momentumMask: true },
    delay: 1,
    momentumIn: 'compressor',
  },
  {
    id: 'signsgd',
    label: 'signSGD',
    compressor: { name: 'signsgd' },
    delay: 1,
    downstream: 'recompress',
  },
  { id: 'terngrad', label: 'TernGrad', compressor: { name: 'terngrad' }, delay: 1 },
  { id: 'qsgd', label: 'QSGD', compressor: { name: 'qsgd' }, delay: 1 },
  {
    id: 'stc',
    label: 'STC (0.25 %)',
    compressor: { name: 'stc', sparsity: 0.0025 },
    delay: 1,
    downstream: 'recompress',
  },
];

/** The baseline and the paper's middle setting first: they answer the main question. */
const METHODS = [BASELINE, sbc(0.01, 10), sbc(0.001, 1), sbc(0.01, 100), ...PEERS];

/** What is run on shards of few classes too. */
const SHARDED_METHODS = METHODS.filter(({ id }) => /^(none|sbc-.*|fedavg-10|stc)$/.test(id));

/**
 * @param {number} iterations
 * @param {number} learningRate in the middle
 * @returns {Series['tuning']}
 */
function tuning(iterations, learningRate) {
  const around = (/** @type {number} */ value) =>
    [0.3, 1, 3].map((factor) => Number((factor * value).toPrecision(2)));
  return {
    ...{ workers: COMMON.workers, iterations },
    ...{ learningRates: around(learningRate), steps: around(SIGN_STEP) },
  };
}

/**
 * @param {number[]} sparsities
 * @param {number[]} delays
 * @returns {{ grid: Grid, methods: Method[] }}
 */
function grid(sparsities, delays) {
  const methods = delays.flatMap((delay) => sparsities.map((sparsity) => sbc(sparsity, delay)));
  return { grid: { sparsities, delays }, methods };
}

/** What most series have in common. */
const COMMON = {
  ...{ workers: 4, batch: 8, split: 'iid', evaluations: 8 },
  data: /** @type {const} */ ('mnist'),
};
const LENET5 = { ...COMMON, model: 'lenet5', iterations: 800 };
const LENET5_TUNING = tuning(800, 0.006);
/** As many as ten classes take where each has two. */
const SHARDED = { ...LENET5, iterations: 400, workers: 5, evaluations: 1 };

/** The most important first. @type {Plan} */
export const FULL_PLAN = {
  series: [
    {
      name: 'lenet5',
      title: 'LeNet5 on MNIST',
      base: LENET5,
      tuning: LENET5_TUNING,
      methods: METHODS,
    },
    {
      name: 'mlp',
      title: 'LeNet-300-100 on MNIST',
      base: { ...COMMON, model: 'mlp', iterations: 800 },
      tuning: tuning(800, 0.02),
      methods: METHODS,
    },
    {
      name: 'iid',
      title: 'LeNet5 on MNIST, five workers with random shards',
      base: SHARDED,
      tuning: LENET5_TUNING,
      methods: SHARDED_METHODS,
    },
    {
      name: 'shards',
      title: 'LeNet5 on MNIST, five workers with two classes each',
      base: { ...SHARDED, split: 'labels:2' },
      tuning: LENET5_TUNING,
      methods: SHARDED_METHODS,
    },
    {
      name: 'charlstm',
      title: 'CharLSTM on tinyshakespeare',
      base: { ...COMMON, model: 'charlstm', data: 'text', iterations: 200 },
      tuning: tuning(200, 1),
      methods: METHODS,
    },
    {
      name: 'resnet8',
      title: 'ResNet8 on MNIST',
      base: { ...COMMON, model: 'resnet8', iterations: 120, evaluations: 4 },
      tuning: tuning(120, 0.1),
      methods: METHODS,
    },
    {
      name: 'grid',
      title: 'SBC on LeNet5: gradient and temporal sparsity',
      base: { ...LENET5, iterations: 400, evaluations: 1 },
      tuning: LENET5_TUNING,
      ...grid([0.001, 0.01, 0.03, 0.1], [1, 10, 25, 100]),
    },
  ],
};

/** @type {Series['base']} */
const QUICK = {
  ...{ model: 'mlp', data: 'digits', workers: 2, batch: 8, split: 'iid' },
  ...{ iterations: 4, evaluations: 2 },
};
/** @type {Series['tuning']} */
const QUICK_TUNING = { workers: 2, iterations: 2, learningRates: [0.03, 0.1], steps: [] };

/** Seconds of the same, on digits that need no files; its numbers mean nothing. @type {Plan} */
export const QUICK_PLAN = {
  series: [
    {
      name: 'mlp',
      title: 'LeNet-300-100 on digits',
      base: QUICK,
      tuning: QUICK_TUNING,
      methods: [BASELINE, sbc(0.01, 10)],
    },
    {
      name: 'grid',
      title: 'SBC on LeNet-300-100: gradient and temporal sparsity',
      base: { ...QUICK, evaluations: 1 },
      tuning: QUICK_TUNING,
      ...grid([0.01, 0.1], [1, 4]),
    },
  ],
};

/**
 * What is tuned of a method, as settings of a run.
 *
 * @param {Series} series
 * @param {Method} method
 * @param {number} choice index into the tried values
 * @returns {Pick<Settings, 'optimizer' | 'compressor' | 'delay' | 'downstream'>}
 */
function methodSettings({ tuning: tried }, method, choice) {
  const bySteps = method.compressor.name === 'signsgd';
  const learningRate = tried.learningRates[bySteps ? 1 : choice];
  const momentum = method.momentumIn === 'compressor' ? 0 : MOMENTUM;
  const step = bySteps ? { step: tried.steps[choice] } : {};
  return {
    optimizer: { name: 'sgd', learningRate, momentum },
    compressor: { ...method.compressor, ...step },
    delay: method.delay,
    downstream: method.downstream ?? 'forward',
  };
}

/**
 * The method whose tuning counts for this one: every cell of a grid has the learning rate of SBC in
 * its middle.
 *
 * @param {Series} series
 * @param {Method} method
 */
export function tunedAs({ grid: cells }, method) {
  return cells ? sbc(0.01, 10) : method;
}

/**
 * The runs that choose a method's learning rate.
 *
 * @param {Series} series
 * @param {Method} method
 * @returns {Settings[]}
 */
export function tuningRuns(series, method) {
  const { tuning: tried, base } = series;
  return tried.learningRates.map((_, choice) => ({
    ...base,
    ...methodSettings(series, tunedAs(series, method), choice),
    iterations: tried.iterations,
    evaluations: 1,
    workers: tried.workers,
    split: 'iid',
    judgedOn: 'validation',
    seed: TUNING_SEED,
  }));
}

/**
 * The run that counts.
 *
 * @param {Series} series
 * @param {Method} method
 * @param {number} choice index of the learning rate that tuning chose
 * @returns {Settings}
 */
export function finalRun(series, method, choice) {
  return {
    ...series.base,
    ...methodSettings(series, method, choice),
    judgedOn: 'test',
    seed: SEED,
  };
}
