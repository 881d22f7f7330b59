// SPDX-License-Identifier: Apache-2.0

/** What becomes of a model that was learned in the page before it is handed on. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Dataset, Simulation, initTraining } from '../../../web/lib/index.js';
import { MOST_LOST, pruneModel } from '../../../web/demo/train/prune-model.js';

const LEARNED = 400;
const TESTED = 200;

/** @type {Float32Array} */
let pixels;
/** @type {number[]} */
let labels;

before(async () => {
  await initTraining();
  const drawn = Dataset.digits({ count: LEARNED + TESTED });
  const examples = Array.from({ length: LEARNED + TESTED }, (_, i) => drawn.example(i));
  drawn.dispose();
  pixels = Float32Array.from(examples.flatMap(({ inputs }) => [...inputs]));
  labels = examples.map((example) => example.labels[0]);
});

const learned = () => pixels.subarray(0, LEARNED * 784);
const test = () => ({ inputs: pixels.subarray(LEARNED * 784), labels: labels.slice(LEARNED) });

/**
 * @typedef {import('../../../web/lib/index.js').Model} Model
 *
 * @param {'mlp' | 'lenet5' | 'resnet8'} name
 * @param {number} iterations
 * @returns {Promise<Model>} dense
 */
async function learn(name, iterations) {
  const simulation = new Simulation({
    ...{ model: name, workers: 1, compressor: 'none', delay: iterations, batch: 16 },
    ...{ data: { digits: 1000 }, optimizer: { name: 'sgd', learningRate: 0.05 } },
  });
  try {
    for await (const { lost } of simulation.run({ iterations })) assert.deepEqual(lost, []);
    return await simulation.model({ format: 'dense' });
  } finally {
    await simulation.dispose();
  }
}

/** @param {Model} model @returns {number} the share of the digits for testing that it reads right */
function accuracyOf(model) {
  const { inputs, labels: expected } = test();
  const scores = model.run(inputs);
  const right = expected.filter((label, i) => {
    const own = [...scores.subarray(10 * i, 10 * i + 10)];
    return own.indexOf(Math.max(...own)) === label;
  });
  return right.length / expected.length;
}

describe('a model that was learned here', () => {
  /** @type {Model[]} */
  const open = [];
  after(() => open.forEach((model) => model.dispose()));

  it('is mostly zeros and few values, much smaller, and reads as well', async () => {
    const dense = await learn('mlp', 150);
    const { model, report } = await pruneModel(dense, learned(), test());
    open.push(dense, model);
    assert.equal(report.accuracy, accuracyOf(model));
    assert.equal(report.denseAccuracy, accuracyOf(dense));
    assert.equal(report.tested, TESTED);
    assert(report.denseAccuracy > 0.6, `${report.denseAccuracy}`);
    assert(report.accuracy >= report.denseAccuracy - MOST_LOST - 1e-9, JSON.stringify(report));
    assert(report.zeros >= 0.6, JSON.stringify(report));
    assert.equal(report.values, 32);
    assert.deepEqual([report.bytes, report.denseBytes], [model.byteLength, dense.byteLength]);
    assert(report.bytes < report.denseBytes / 4, JSON.stringify(report));
    for (const { distinct } of model.layers) assert(distinct <= 32);
  });

  it('keeps its answers where nothing may be left out', async () => {
    // What has learned nothing loses nothing; what loses with the first weight keeps them all.
    const dense = await learn('resnet8', 2);
    const input = learned().subarray(0, 784);
    const scores = dense.run(input);
    const best = scores.indexOf(Math.max(...scores));
    const { model, report } = await pruneModel(dense, input, { inputs: input, labels: [best] });
    open.push(dense, model);
    assert.equal(report.accuracy, 1);
    const answer = model.run(input);
    assert.equal(answer.indexOf(Math.max(...answer)), best);
  });

  it('has convolutions, whose channels count by what they get to see', async () => {
    const dense = await learn('lenet5', 20);
    const { model, report } = await pruneModel(dense, learned(), test());
    open.push(dense, model);
    assert(report.accuracy >= report.denseAccuracy - MOST_LOST - 1e-9, JSON.stringify(report));
    // Pixels that are black in all examples are worth nothing to the first convolution's kernel.
    assert(report.zeros > 0.3, JSON.stringify(report));
  });

  it('goes first at weights whose input is always 0', async () => {
    const dense = await learn('mlp', 1);
    const input = new Float32Array(784).fill(1, 0, 392);
    const { model } = await pruneModel(dense, input, { inputs: input, labels: [0] });
    open.push(dense, model);
    const [first] = model.layers;
    // Half of the columns see nothing; of the other half most stay as long as those are there.
    assert(first.nnz <= first.rows * 392, `${first.nnz}`);
  });
});
