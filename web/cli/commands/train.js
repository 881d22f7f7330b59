// SPDX-License-Identifier: Apache-2.0

import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { FileError, ValueError } from '../../lib/lowtropy.js';
import { Simulation } from '../../lib/training.js';
import { DATA_LIMIT } from '../../lib/learn/data.js';
import { FORMAT_OPTION, UsageError, chosenFormat } from '../common/arguments.js';
import { CommandError, goesToStream, nameOf, readInput, writeOutput } from '../common/files.js';
import { catchInterrupts } from '../common/interrupts.js';
import {
  formatBytes,
  makeProgress,
  print,
  printError,
  printOnStderr,
  printable,
} from '../common/terminal.js';
import { SIMULATION_OPTIONS, numberOption, simulationOptions } from '../common/train-options.js';
import { checkOutputs } from '../common/train-outputs.js';
import { describeProgress, formatTraining, summarize, troubles } from '../common/train-report.js';

/**
 * @typedef {import('../common/arguments.js').Command} Command
 * @typedef {import('../common/arguments.js').Values} Values
 * @typedef {import('../common/interrupts.js').Interrupts} Interrupts
 * @typedef {import('../../lib/training.js').Evaluation} Evaluation
 * @typedef {import('../../lib/training.js').Round} Round
 *
 * @typedef {Awaited<ReturnType<typeof checkSaving>>} Saving
 *
 * @typedef {object} Training
 * @property {Simulation} simulation
 * @property {Values} values
 * @property {Saving} saving
 * @property {Round[]} evaluated rounds
 * @property {number} checkpointed iterations that the checkpoint on disk has; -1 without one
 * @property {unknown[]} failures what went wrong and is to be told in the end
 */

const CHECKPOINT_LIMIT = 2 ** 31 - 1;
const DEFAULT_ITERATIONS = 1000;
const STDIN_TEXT = 'text:-';

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
    { ...FORMAT_OPTION, help: `${FORMAT_OPTION.help}; else auto` },
    { name: 'checkpoint', value: 'FILE', help: 'write all state: when evaluating, and in the end' },
    { name: 'resume', value: 'FILE', help: 'go on from a checkpoint' },
  ],
  example: '--data mnist:FOLDER --iterations 2000 --sparsity 0.01 --save M.safetensors',
  notes: `Each worker is a thread with its own share of the examples; what they send is counted byte by byte,
beside what float32 in every iteration would take. Of topk the momentum is the compressor's. Sizes
are in units of 1000 bytes. Ctrl-C (and SIGTERM, and SIGHUP) ends after the round, and still writes
what was asked for; twice ends at once. A resumed run needs --data again, unless they were digits;
it may have other --timeout, --link, --step-seconds, --participation and --evaluate-every. Where a
file to read is -, it is stdin (as in --data text:-); with --save - the model goes to stdout, and
all else to stderr.`,
  run,
};

/** @type {Command['run']} */
async function run(values) {
  const iterations = numberOption(values, 'iterations') ?? DEFAULT_ITERATIONS;
  if (!Number.isInteger(iterations) || iterations < 1 || iterations >= 2 ** 31) {
    throw new UsageError(`--iterations must be a whole number from 1, not ${iterations}.`, 'train');
  }
  const saving = checkSaving(values);
  await checkOutputs(values);
  if (values.save !== undefined && (await goesToStream(String(values.save)))) printOnStderr();
  const interrupts = catchInterrupts('Ends after this round; once more, and it ends at once.');
  /** @type {Simulation | undefined} */
  let simulation;
  try {
    simulation = await makeSimulation(values);
    await simulation.start();
    return await train({ simulation, values, saving, iterations, interrupts });
  } finally {
    interrupts.release();
    await simulation?.dispose();
  }
}

/**
 * How --save is to write, before anything has been learned that could be lost.
 *
 * @param {Values} values
 */
function checkSaving(values) {
  const format = chosenFormat(values.format, 'train');
  const [prune, count] = [numberOption(values, 'prune'), numberOption(values, 'values')];
  if (prune !== undefined && !(prune >= 0 && prune < 1)) {
    throw new UsageError(`--prune must be from 0 to below 1, not ${prune}.`, 'train');
  }
  if (count !== undefined && !(Number.isInteger(count) && count >= 2 && count <= 256)) {
    throw new UsageError(`--values must be a whole number from 2 to 256, not ${count}.`, 'train');
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
  if (options.data === STDIN_TEXT) {
    const { maxDataBytes = DATA_LIMIT } = options;
    options.data = { text: await readInput('-', maxDataBytes) };
  }
  try {
    if (values.resume === undefined) return new Simulation(options);
    const file = String(values.resume);
    const bytes = await readInput(file, CHECKPOINT_LIMIT);
    return await Simulation.resume(bytes, options).catch((error) => {
      if (!(error instanceof FileError)) throw error;
      throw new CommandError(`${nameOf(file)} cannot be resumed. ${error.message}`);
    });
  } catch (error) {
    if (error instanceof ValueError) throw new UsageError(error.message, 'train');
    throw error;
  }
}

/**
 * Trains, keeps what was learned, whatever ended it, and only then tells of it.
 *
 * @param {{ simulation: Simulation, values: Values, saving: Saving, iterations: number,
 *   interrupts: Interrupts }} parts
 * @returns {Promise<number>} the exit code
 */
async function train({ simulation, values, saving, iterations, interrupts }) {
  /** @type {Training} */
  const training = { simulation, values, saving, evaluated: [], checkpointed: -1, failures: [] };
  await follow(training, iterations, interrupts).catch((error) => training.failures.push(error));
  if (simulation.iterations === 0) {
    printError('It ended before the first round: nothing was learned, and nothing is written.');
  } else {
    const saved = await keep(training);
    await report(training, simulation.iterations < iterations).catch((error) =>
      training.failures.push(error),
    );
    if (saved !== undefined && !values.json) print(printable(saved));
  }
  const [first, ...others] = training.failures;
  for (const error of others) printError(error instanceof Error ? error.message : error);
  if (first !== undefined) throw first;
  return simulation.iterations === 0 ? 1 : 0;
}

/**
 * @param {Training} training
 * @param {number} iterations
 * @param {Interrupts} interrupts
 */
async function follow(training, iterations, interrupts) {
  const { simulation, values, evaluated } = training;
  const progress = makeProgress('Training');
  if (interrupts.asked) return;
  for await (const round of simulation.run({ iterations })) {
    for (const trouble of troubles(round)) printError(trouble);
    if (values.json) print(JSON.stringify(round));
    if (round.accuracy !== undefined) {
      evaluated.push(round);
      // To go on is better than to stop: the last one is still to come.
      await writeCheckpoint(training).catch((error) => printError(messageOf(error)));
    }
    progress(round.iterations, iterations, describeProgress(round));
    if (interrupts.asked) break;
  }
}

/**
 * Writes the checkpoint and the model that were asked for. What fails does not keep the other from
 * being written.
 *
 * @param {Training} training
 * @returns {Promise<string | undefined>} a sentence about the model
 */
async function keep(training) {
  const { simulation, values, failures } = training;
  if (training.checkpointed !== simulation.iterations) {
    await writeCheckpoint(training).catch((error) => failures.push(error));
  }
  if (values.save === undefined) return undefined;
  try {
    return await saveModel(training, String(values.save));
  } catch (error) {
    failures.push(error);
    return undefined;
  }
}

/**
 * @param {Training} training
 * @param {string} file
 * @returns {Promise<string>} a sentence about it
 */
async function saveModel({ simulation, saving }, file) {
  const model = await simulation.model(saving);
  const bytes = model.save();
  const times = (model.denseByteLength / model.byteLength).toFixed(1);
  model.dispose();
  await writeOutput(file, bytes).catch((error) => saveElsewhere(bytes, error));
  return `${file}: ${formatBytes(bytes.length)}; its weights are ${times} times smaller.`;
}

/**
 * What was to be written has taken hours, and its place is gone, or the disk is full.
 *
 * @param {Uint8Array} bytes
 * @param {unknown} error
 * @returns {Promise<never>}
 */
async function saveElsewhere(bytes, error) {
  const place = join(tmpdir(), `lowtropy-${randomBytes(6).toString('hex')}.safetensors`);
  try {
    await writeOutput(place, bytes);
  } catch {
    throw error;
  }
  throw new CommandError(`${messageOf(error)} What was learned is in ${place} instead.`);
}

/**
 * @param {Training} training
 * @param {boolean} stopped
 */
async function report({ simulation, values, evaluated }, stopped) {
  const evaluation =
    evaluationOf(evaluated.at(-1), simulation.iterations) ?? (await simulation.evaluate());
  const summary = summarize(simulation, evaluation, stopped);
  print(values.json ? JSON.stringify({ summary }) : formatTraining(evaluated, summary));
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

/** @param {Training} training */
async function writeCheckpoint(training) {
  const { simulation, values } = training;
  if (values.checkpoint === undefined) return;
  const { iterations } = simulation;
  await writeOutput(String(values.checkpoint), await simulation.checkpoint());
  training.checkpointed = iterations;
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}
