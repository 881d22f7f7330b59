// SPDX-License-Identifier: Apache-2.0

/**
 * A training step of Caffe's LeNet5 at batch 64, beside jax-js: one process, one thread,
 * interleaved.
 *
 *   npm run bench -- training [--rounds 5] [--json FILE]
 */

import { parseArgs } from 'node:util';

import { replaceFile } from '../../web/cli/common/replace-file.js';
import { Dataset, Trainer, initTraining } from '../../web/lib/index.js';
import { interleave } from './interleave.js';
import { machine } from './machine.js';
import { openJaxLeNet5 } from './jax.js';

const BATCH = 64;
const OPTIMIZER = { learningRate: 0.01, momentum: 0.9 };
/** Our steps in one run: the peer's takes seconds. */
const STEPS = 5;
/** Until V8 has moved all our functions to its optimizing compiler. */
const WARM_UP_STEPS = 30;
const EXAMPLES = 2048;
const LIMIT_MILLISECONDS = 100;

/** @param {Dataset} data */
function firstBatch(data) {
  const examples = Array.from({ length: BATCH }, (_, i) => data.example(i));
  const side = examples[0].inputs.length;
  const pixels = new Float32Array(BATCH * side);
  examples.forEach(({ inputs }, i) => pixels.set(inputs, i * side));
  return { pixels, labels: examples.map(({ labels }) => labels[0]) };
}

async function main() {
  const { values } = parseArgs({
    options: { rounds: { type: 'string', default: '5' }, json: { type: 'string' } },
  });
  const rounds = Number(values.rounds);
  await initTraining();
  const data = Dataset.digits({ count: EXAMPLES, seed: 1 });
  const trainer = new Trainer({
    model: 'lenet5',
    data,
    batch: BATCH,
    optimizer: { name: 'sgd', ...OPTIMIZER },
    seed: 1,
  });
  trainer.step(WARM_UP_STEPS);
  const batch = firstBatch(data);
  const plain = await openJaxLeNet5(batch, OPTIMIZER, { compiled: false });
  const compiled = await openJaxLeNet5(batch, OPTIMIZER, { compiled: true });
  const timings = await interleave(
    [
      { name: 'lowtropy', run: () => trainer.step(STEPS) },
      { name: 'jax-js', run: plain.step },
      { name: 'jax-js, jit', run: compiled.step },
    ],
    { rounds, warmUp: 1 },
  );
  const rows = timings.map(({ name, median }, i) => ({
    name,
    milliseconds: i === 0 ? median / STEPS : median,
  }));
  const [ours] = rows;
  const where = machine();
  console.log(
    `${where.date}, ${where.cpu}, ${where.engine}; one thread, medians of ${rounds} interleaved ` +
      `runs.\nOne step of SGD with momentum, LeNet5 at batch ${BATCH}.\n`,
  );
  for (const { name, milliseconds } of rows) {
    const ratio = (milliseconds / ours.milliseconds).toFixed(1);
    console.log(`${name.padEnd(12)} ${milliseconds.toFixed(1).padStart(8)} ms   ×${ratio}`);
  }
  const kept = ours.milliseconds <= LIMIT_MILLISECONDS ? 'kept' : 'NOT kept';
  console.log(`\nThe limit of ${LIMIT_MILLISECONDS} ms is ${kept}.`);
  if (values.json)
    await replaceFile(values.json, `${JSON.stringify({ ...where, rows }, null, 2)}\n`);
  trainer.dispose();
  data.dispose();
}

await main();
