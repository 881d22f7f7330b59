// SPDX-License-Identifier: Apache-2.0

/**
 * Trains the digit reader that the page begins with, and writes it to web/demo/infer:
 *
 *   npm run digits [-- --seed 1] [--out FILE]
 *
 * LeNet5 learns from MNIST and from drawn digits; then the smallest weights are set to 0, more and
 * more of them while it goes on learning with the others; then each layer's weights are clustered.
 * What it is tested on it has not seen.
 */

import { parseArgs } from 'node:util';

import { replaceFile } from '../../web/cli/common/replace-file.js';
import { Model, Trainer, init, initTraining } from '../../web/lib/index.js';
import { noData } from '../common/data.js';
import { StepError, runMain } from '../common/run.js';
import { LEARNED, bend, drawnDigits, join, readMnist, slice, toDataset } from './examples.js';
import { accuracyOf } from './accuracy.js';

/** Shares of the weights that stay, and how many distinct values; what fits into 48 KB. */
const KEPT = { 'conv1.weight': 0.7, 'conv2.weight': 0.2, 'fc1.weight': 0.036, 'fc2.weight': 0.3 };
const VALUES = 16;

/** Steps of 64 examples: dense, while weights go, and with those that stayed. */
const DENSE_STEPS = 4000;
const PRUNING_STEPS = 4000;
const LAST_STEPS = 3000;
/** Steps between two looks at which weights are 0. */
const INTERVAL = 20;
const BATCH = 64;

const BENT_COPIES = 3;
const DRAWN = 10_000;

/** @param {number} seed */
function learnedExamples(seed) {
  const mnist = slice(readMnist(), 0, LEARNED);
  const bent = Array.from({ length: BENT_COPIES }, (_, i) => bend(mnist, seed + i));
  const drawn = drawnDigits(DRAWN, seed + 1000);
  return toDataset(join(mnist, ...bent, drawn, bend(drawn, seed + 2000)));
}

/**
 * The largest magnitudes of each weight that is to be pruned; the rest becomes 0.
 *
 * @param {Trainer} trainer
 * @param {number} progress from 0, where nothing has gone yet, to 1
 */
function prune(trainer, progress) {
  const weights = trainer.weights();
  let offset = 0;
  for (const [name, size] of Object.entries(trainer.layout)) {
    const kept = /** @type {Record<string, number>} */ (KEPT)[name];
    const tensor = weights.subarray(offset, offset + size);
    offset += size;
    if (kept === undefined) continue;
    // As Zhu and Gupta, arXiv:1710.01878: much at first, little in the end.
    const share = kept + (1 - kept) * (1 - progress) ** 3;
    const threshold = tensor.map(Math.abs).sort()[Math.floor((1 - share) * (size - 1))];
    tensor.forEach((value, i) => {
      if (Math.abs(value) < threshold) tensor[i] = 0;
    });
  }
  trainer.setWeights(weights);
}

/**
 * @param {import('../../web/lib/index.js').Dataset} data
 * @param {number} seed
 */
function train(data, seed) {
  const total = DENSE_STEPS + PRUNING_STEPS + LAST_STEPS;
  const trainer = new Trainer({
    model: 'lenet5',
    data,
    batch: BATCH,
    seed,
    optimizer: {
      name: 'sgd',
      learningRate: 0.04,
      momentum: 0.9,
      weightDecay: 1e-4,
      schedule: { cosine: total },
    },
  });
  for (let step = 0; step < total; step += INTERVAL) {
    const { loss } = trainer.step(INTERVAL);
    const progress = (step - DENSE_STEPS) / PRUNING_STEPS;
    if (progress > 0) prune(trainer, Math.min(1, progress));
    if (step % 500 === 0) console.log(`${step} of ${total} steps, loss ${loss.toFixed(4)}`);
  }
  prune(trainer, 1);
  return trainer;
}

/**
 * @param {Trainer} trainer
 * @returns {Promise<Model>} each layer in the format with the fewest bytes
 */
async function compress(trainer) {
  const { graph, tensors } = trainer.toGraph({ values: VALUES });
  const model = await Model.fromGraph(graph, tensors);
  const smallest = Object.fromEntries(
    model.layers.map(({ name, bytesIn }) => {
      const [[format]] = Object.entries(bytesIn).sort(([, a], [, b]) => a - b);
      return [name, /** @type {import('../../web/lib/index.js').FormatName} */ (format)];
    }),
  );
  const smaller = model.to(smallest);
  model.dispose();
  return smaller;
}

await runMain(import.meta.url, async () => {
  if (noData) throw new StepError(`The digit reader learns from MNIST, but ${noData}.`);
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      out: { type: 'string', default: 'web/demo/infer/digits.safetensors' },
    },
  });
  await Promise.all([init(), initTraining()]);
  const seed = Number(values.seed);
  const model = await compress(train(learnedExamples(seed), seed));
  const file = model.save();
  await replaceFile(values.out, file);
  const mnist = readMnist();
  for (const [title, examples] of /** @type {const} */ ([
    ['MNIST that it has not seen', slice(mnist, LEARNED, mnist.labels.length)],
    ['drawn digits that it has not seen', drawnDigits(2000, seed + 5000)],
  ])) {
    console.log(`${title}: ${(100 * accuracyOf(model, examples)).toFixed(2)} %`);
  }
  for (const { name, format, bytes, nnz, rows, cols } of model.layers) {
    console.log(`${name}: ${format}, ${bytes} bytes, ${((100 * nnz) / rows / cols).toFixed(1)} %`);
  }
  console.log(`${values.out}: ${file.length} bytes`);
});
