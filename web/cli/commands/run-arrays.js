// SPDX-License-Identifier: Apache-2.0

/** Runs a network on arrays of NumPy, and says what its outputs hold. */

import { LowtropyError } from '../../lib/lowtropy.js';
import { UsageError } from '../common/arguments.js';
import { CommandError, checkOutput, writeOutput } from '../common/files.js';
import { formatNpy, readNpy } from '../common/npy.js';
import { formatTable, print, printable } from '../common/terminal.js';

/**
 * @typedef {import('../../lib/lowtropy.js').Model} Model
 * @typedef {import('../../lib/model/values.js').InputInfo} InputInfo
 * @typedef {import('../../lib/model/values.js').NamedTensor} NamedTensor
 * @typedef {import('../common/npy.js').NpyArray} NpyArray
 */

/**
 * @param {string} file of the model
 * @param {Model} model
 * @param {{ lists: import('../common/arguments.js').Lists, json: boolean }} options
 * @throws {CommandError | UsageError}
 */
export async function runOnArrays(file, model, { lists, json }) {
  const inputFiles = byName(lists.input, 'input', model.inputs);
  const outputFiles = byName(lists.output, 'output', model.outputs);
  for (const path of outputFiles.values()) await checkOutput(path);
  /** @type {Record<string, { data: any, shape: number[] }>} */
  const feed = {};
  for (const [name, path] of inputFiles) {
    const input = model.inputs.find((each) => each.name === name);
    feed[name] = asInput(/** @type {InputInfo} */ (input), await readNpy(path), path);
  }
  const start = performance.now();
  const outputs = runNamed(file, model, feed);
  const ms = performance.now() - start;
  for (const [name, path] of outputFiles) await writeOutput(path, formatNpy(outputs[name]));
  const described = Object.entries(outputs).map(([name, tensor]) => ({
    name,
    type: tensor.type,
    shape: tensor.shape,
    ...summaryOf(tensor),
    ...(outputFiles.has(name) && { file: outputFiles.get(name) }),
  }));
  if (json) {
    print(JSON.stringify({ outputs: described, ms: Math.round(1000 * ms) / 1000 }));
    return;
  }
  const rows = described.map(({ name, type, shape, least, mean, most, largestAt }) => [
    ...[name, type, shape.join('×') || '1', number(least), number(mean), number(most)],
    `${largestAt ?? '–'}`,
  ]);
  const heads = ['output', 'type', 'shape', 'least', 'mean', 'most', 'largest at'];
  print(printable(`${formatTable(heads, rows)}\n\n${ms.toFixed(1)} ms`));
}

/**
 * @param {string[]} pairs such as "images=a.npy", or a file alone
 * @param {string} option
 * @param {ReadonlyArray<{ name: string }>} known
 * @returns {Map<string, string>} files by names
 * @throws {UsageError}
 */
function byName(pairs, option, known) {
  const names = known.map(({ name }) => `"${name}"`).join(', ') || 'none';
  /** @type {Map<string, string>} */
  const files = new Map();
  for (const pair of pairs) {
    // Names may have "=" in them, files as well.
    const found = known.find(({ name }) => pair.startsWith(`${name}=`));
    if (!found && (known.length !== 1 || /^[^/\\.]+=/.test(pair))) {
      throw new UsageError(
        `--${option} takes NAME=FILE.npy with a name of ${names}, not "${pair}".`,
        'run',
      );
    }
    const { name } = found ?? known[0];
    if (files.has(name)) throw new UsageError(`--${option} has "${name}" twice.`, 'run');
    const file = found ? pair.slice(name.length + 1) : pair;
    if (file === '') throw new UsageError(`--${option} has no file for "${name}".`, 'run');
    files.set(name, file);
  }
  return files;
}

/**
 * @param {InputInfo} input
 * @param {NpyArray} array
 * @param {string} path
 */
function asInput({ name, type }, { data, shape }, path) {
  if (type === 'float32') {
    return { data: data instanceof Float64Array ? data : Float32Array.from(data), shape };
  }
  const isWhole = data.every((value) => Number.isInteger(value));
  if (!isWhole) {
    throw new CommandError(`${path} has fractions, and the input "${name}" is of ${type}.`);
  }
  return { data: data instanceof Int32Array ? data : Array.from(data), shape };
}

/**
 * @param {string} file
 * @param {Model} model
 * @param {Record<string, { data: any, shape: number[] }>} feed
 */
function runNamed(file, model, feed) {
  try {
    return model.run(feed);
  } catch (error) {
    if (!(error instanceof LowtropyError)) throw error;
    throw new CommandError(`${file} cannot run on that. ${error.message}`);
  }
}

/**
 * @param {NamedTensor} tensor
 * @returns {{ least: number, mean: number, most: number, largestAt?: number }} largestAt: where, in an
 *   output of one row
 */
function summaryOf({ data, shape }) {
  let [least, most, sum, largestAt] = [Infinity, -Infinity, 0, 0];
  for (let i = 0; i < data.length; ++i) {
    least = Math.min(least, data[i]);
    if (data[i] > most) [most, largestAt] = [data[i], i];
    sum += data[i];
  }
  const isRow = data.length > 1 && shape.at(-1) === data.length;
  return { least, mean: sum / data.length, most, ...(isRow && { largestAt }) };
}

/** @param {number} value */
function number(value) {
  return Number.isInteger(value) && Math.abs(value) < 1e9 ? `${value}` : value.toPrecision(6);
}
