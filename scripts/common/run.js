// SPDX-License-Identifier: Apache-2.0

/** Running other programs: progress in a line or two, their output in build/logs. */

import { spawn } from 'node:child_process';
import {
  accessSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
} from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What the project allows itself on any machine. */
export const CORES = 2;

/** What went wrong is said in the message; where it happened in these scripts helps nobody. */
export class StepError extends Error {}

/** @param {string[]} parts of a path within the project */
export function inProject(...parts) {
  return join(root, ...parts);
}

/**
 * The file of a command, or undefined where it is not on PATH.
 *
 * @param {string} command
 */
export function findCommand(command) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  return folders.map((folder) => join(folder, command)).find(isExecutable);
}

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** @param {number} start by performance.now() */
export function secondsSince(start) {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}

/**
 * Runs a command in the project's folder and waits for its end.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').StdioOptions} stdio
 * @returns {Promise<number>} its exit code; 1 also where it could not be started
 */
function run(command, args, stdio) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio });
    child.on('error', (error) => {
      console.error(`${command} could not be started: ${error.message}`);
      resolve(1);
    });
    child.on('close', (code) => resolve(code ?? 1));
  });
}

/**
 * Runs a command on our own terminal.
 *
 * @param {string} command
 * @param {string[]} args
 * @throws {StepError} where it fails
 */
export async function runShown(command, args) {
  const code = await run(command, args, 'inherit');
  if (code !== 0) throw new StepError(`${basename(command)} ended with exit code ${code}.`);
}

/**
 * Runs a command with its output in a file of build/logs, and shows the end of that where it fails.
 *
 * @param {string} log name of the file, without its ending
 * @param {string} command
 * @param {string[]} args
 * @returns {Promise<string>} the output
 * @throws {StepError} where it fails
 */
export async function runQuietly(log, command, args) {
  const { code, text } = await runLogged(log, command, args);
  if (code === 0) return text;
  console.error(text.trimEnd().split('\n').slice(-60).join('\n'));
  throw new StepError(`${basename(command)} failed; all it said is in build/logs/${log}.log.`);
}

/**
 * Whether a command succeeds; what it says is in a file of build/logs alone.
 *
 * @param {string} log name of the file, without its ending
 * @param {string} command
 * @param {string[]} args
 */
export async function succeeds(log, command, args) {
  return (await runLogged(log, command, args)).code === 0;
}

/**
 * @param {string} log
 * @param {string} command
 * @param {string[]} args
 */
async function runLogged(log, command, args) {
  const file = inProject('build', 'logs', `${log}.log`);
  mkdirSync(dirname(file), { recursive: true });
  const output = openSync(file, 'w');
  const code = await run(command, args, ['ignore', output, output]);
  closeSync(output);
  return { code, text: readFileSync(file, 'utf8') };
}

/**
 * As `runQuietly`, with lines that tell what is being done and how long it took.
 *
 * @param {string} title
 * @param {string} log
 * @param {string} command
 * @param {string[]} args
 * @throws {StepError} where it fails
 */
export async function runTitled(title, log, command, args) {
  const start = performance.now();
  console.log(`${title} …`);
  await runQuietly(log, command, args);
  console.log(`  took ${secondsSince(start)}`);
}

/**
 * Calls `work` on every item, on so many at a time. Goes on after an error, and throws the first one in
 * the end.
 *
 * @template T
 * @param {number} count
 * @param {T[]} items
 * @param {(item: T) => Promise<void>} work
 */
export async function atATime(count, items, work) {
  const queue = [...items];
  /** @type {unknown[]} */
  const errors = [];
  const lane = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
      await work(item).catch((error) => errors.push(error));
    }
  };
  await Promise.all(Array.from({ length: count }, lane));
  if (errors.length > 0) throw errors[0];
}

/**
 * Runs a script's main function if the script is what Node.js was started with, and not imported;
 * an error ends the process with exit code 1.
 *
 * @param {string} url the script's import.meta.url
 * @param {() => Promise<void>} main
 */
export async function runMain(url, main) {
  if (realpathSync(process.argv[1]) !== fileURLToPath(url)) return;
  try {
    await main();
  } catch (error) {
    console.error(error instanceof StepError ? error.message : error);
    process.exitCode = 1;
  }
}
