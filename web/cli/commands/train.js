// SPDX-License-Identifier: Apache-2.0

import { FileError, Simulation, ValueError } from '../../lib/index.js';
import { FORMAT_OPTION, UsageError, chosenFormat } from '../common/arguments.js';
import { CommandError, checkOutput, readInput, writeOutput } from '../common/files.js';
import { formatBytes, makeProgress, print, printError, printable } from '../common/terminal.js';
import { SIMULATION_OPTIONS, numberOption, simulationOptions } from '../common/train-options.js';
import { describeProgress, formatTraining, summarize, troubles } from '../common/train-report.js';

/**
 * @typedef {import('../common/arguments.js').Command} Command
 * @typedef {import('../common/arguments.js').Values} Values
 * @typedef {import('../../lib/index.js').Evaluation} Evaluation
 * @typedef {import('../../lib/index.js').Round} Round
 */

const CHECKPOINT_LIMIT = 2 ** 31 - 1;
const DEFAULT_ITERATIONS = 1000;

/** @type {Command} */
export const trainCommand = {
  name: 'train',
  summary: 'train a network with several workers that exchange compressed updates',
  usage: '[--model M] [--data D] [--workers N] [--iterations N] [--save M.safetensors] …',
  files: [0, 0],
  options: [
    ...SIMULATION_OPTIONS.slice(0, 3),
    {
      name: 'iterations',
      value: 'N',
      help: `of each worker, counted from the beginning; by default ${DEFAULT_ITERATIONS}`,
    },
    ...SIMULATION_OPTIONS.slice(3),
    { name: 'json', help: 'print a JSON object for each round, and {"summary": …} at last' },
    { name: 'save', value: 'M', help: 'write what has been learned as a model file' },
    { name: 'prune', value: 'X', help: "share of each matrix' weights that --save makes 0" },
    { name: 'values', value: 'N', help: 'how many distinct values --save leaves each matrix' },
    { ...FORMAT_OPTION, help: `${FORMAT_OPTION.help}; by default auto` },
    { name: 'checkpoint', value: 'FILE', help: 'write all state: when evaluating, and in the end' },
    { name: 'resume', value: 'FILE', help: 'go on from a checkpoint' },
  ],
  example: '--data mnist:FOLDER --iterations 2000 --sparsity 0.01 --save M.safetensors',
  notes: `Each worker is a thread with its own share of the examples; what they send is counted byte by byte,
beside what float32 in every iteration would take. Of topk the momentum is the compressor's. Sizes
are in units of 1000 bytes. Ctrl-C ends after the round, and still writes what was asked for; twice
ends at once. A resumed run may have other --data (of the same content), --timeout, --link,
--step-seconds, --participation and --evaluate-every.`,
  run,
};

/** @type {Command['run']} */
async function run(values) {
  const iterations = numberOption(values, 'iterations') ?? DEFAULT_ITERATIONS;
  if (!Number.isInteger(iterations) || iterations < 1 || iterations >= 2 ** 31) {
    throw new UsageError(`--iterations must be a whole number from 1, not ${iterations}.`, 'train');
  }
  const saving = await checkSaving(values);
  const simulation = await makeSimulation(values);
  const interrupt = catchInterrupt();
  try {
    await simulation.start();
    const rounds = await follow(simulation, iterations, values, interrupt);
    await finish(simulation, rounds, values, saving, simulation.iterations < iterations);
    return 0;
  } finally {
    interrupt.release();
    await simulation.dispose();
  }
}

/**
 * What --save is to do, before anything has been learned that could be lost.
 *
 * @param {Values} values
 */
async function checkSaving(values) {
  const format = chosenFormat(values.format, 'train');
  const [prune, count] = [numberOption(values, 'prune'), numberOption(values, 'values')];
  if (prune !== undefined && !(prune >= 0 && prune <= 1)) {
    throw new UsageError(`--prune must be from 0 to 1, not ${prune}.`, 'train');
  }
  if (count !== undefined && !(Number.isInteger(count) && count >= 2 && count <= 256)) {
    throw new UsageError(`--values must be a whole number from 2 to 256, not ${count}.`, 'train');
  }
  for (const file of [values.save, values.checkpoint]) {
    if (file !== undefined) await checkOutput(String(file));
  }
  return {
    ...(prune !== undefined && { prune }),
    ...(count !== undefined && { values: count }),
    format: format ?? 'auto',
  };
}

/** @param {Values} values */
async function makeSimulation(values) {
  const options = simulationOptions(values);
  try {
    if (values.resume === undefined) return new Simulation(options);
    const file = String(values.resume);
    const bytes = await readInput(file, CHECKPOINT_LIMIT);
    return await Simulation.resume(bytes, options).catch((error) => {
      if (!(error instanceof FileError)) throw error;
      throw new CommandError(`${file} cannot be resumed. ${error.message}`);
    });
  } catch (error) {
    if (error instanceof ValueError) throw new UsageError(error.message, 'train');
    throw error;
  }
}

/** @typedef {{ asked: boolean, release: () => void }} Interrupt */

/** @returns {Interrupt} the first Ctrl-C; the second ends the process as always */
function catchInterrupt() {
  const interrupt = { asked: false, release: () => void process.off('SIGINT', ask) };
  const ask = () => {
    interrupt.asked = true;
    interrupt.release();
    printError('Ends after this round; once more, and it ends at once.');
  };
  process.on('SIGINT', ask);
  return interrupt;
}

/**
 * @param {Simulation} simulation
 * @param {number} iterations
 * @param {Values} values
 * @param {Interrupt} interrupt
 * @returns {Promise<Round[]>} those that were evaluated
 */
async function follow(simulation, iterations, values, interrupt) {
  const progress = makeProgress('Training');
  /** @type {Round[]} */
  const evaluated = [];
  if (interrupt.asked) return evaluated;
  for await (const round of simulation.run({ iterations })) {
    for (const trouble of troubles(round)) printError(trouble);
    if (values.json) print(JSON.stringify(round));
    if (round.accuracy !== undefined) {
      evaluated.push(round);
      await writeCheckpoint(simulation, values);
    }
    progress(round.iterations, iterations, describeProgress(round));
    if (interrupt.asked) break;
  }
  return evaluated;
}

/**
 * @param {Simulation} simulation
 * @param {Round[]} rounds
 * @param {Values} values
 * @param {Awaited<ReturnType<typeof checkSaving>>} saving
 * @param {boolean} stopped
 */
async function finish(simulation, rounds, values, saving, stopped) {
  let evaluation = evaluationOf(rounds.at(-1), simulation.iterations);
  if (!evaluation) {
    await writeCheckpoint(simulation, values);
    evaluation = await simulation.evaluate();
  }
  const summary = summarize(simulation, evaluation, stopped);
  print(values.json ? JSON.stringify({ summary }) : formatTraining(rounds, summary));
  if (values.save === undefined) return;
  const file = String(values.save);
  const model = await simulation.model(saving);
  const bytes = model.save();
  await writeOutput(file, bytes);
  const times = (model.denseByteLength / model.byteLength).toFixed(1);
  model.dispose();
  if (values.json) return;
  print(
    printable(`${file}: ${formatBytes(bytes.length)}; its weights are ${times} times smaller.`),
  );
}

/**
 * @param {Round | undefined} round the last that was evaluated
 * @param {number} iterations that are done
 * @returns {Evaluation | undefined} undefined if there were more rounds since
 */
function evaluationOf(round, iterations) {
  if (round?.iterations !== iterations) return undefined;
  const { testLoss, accuracy, perplexity } = /** @type {Round & Evaluation} */ (round);
  return { testLoss, accuracy, ...(perplexity !== undefined && { perplexity }) };
}

/**
 * @param {Simulation} simulation
 * @param {Values} values
 */
async function writeCheckpoint(simulation, values) {
  if (values.checkpoint === undefined) return;
  await writeOutput(String(values.checkpoint), await simulation.checkpoint());
}
