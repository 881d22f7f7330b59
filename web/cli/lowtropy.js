#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0

/** The `lowtropy` command: finds the subcommand, and turns errors into a sentence and a code. */

import { readFileSync } from 'node:fs';

import { LowtropyError } from '../lib/lowtropy.js';
import { importCommand } from './commands/import.js';
import { inspectCommand } from './commands/inspect.js';
import { runCommand } from './commands/run.js';
import { trainCommand } from './commands/train.js';
import { UsageError, commandHelp, parseCommand, programHelp } from './common/arguments.js';
import { CommandError } from './common/files.js';
import { clearProgress, mute, print, printError } from './common/terminal.js';

/** @typedef {import('./common/arguments.js').Command} Command */

const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;

/** @type {Command[]} */
const COMMANDS = [importCommand, inspectCommand, runCommand, trainCommand];

function version() {
  const { href } = new URL('../../package.json', import.meta.url);
  return JSON.parse(readFileSync(new URL(href), 'utf8')).version;
}

/**
 * @param {string} name
 * @returns {Command}
 */
function findCommand(name) {
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command) return command;
  const known = COMMANDS.map((candidate) => candidate.name).join(', ');
  throw new UsageError(
    name.startsWith('-')
      ? `There is no option ${name} before a command.`
      : `There is no command "${name}"; there are ${known}.`,
  );
}

/**
 * @param {string[]} args what was typed after `lowtropy`
 * @returns {Promise<number>} the exit code
 */
async function main([first, ...rest]) {
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
    const [name] = rest;
    print(first === 'help' && name ? commandHelp(findCommand(name)) : programHelp(COMMANDS));
    return 0;
  }
  if (first === '--version' || first === '-V') {
    print(version());
    return 0;
  }
  const command = findCommand(first);
  const parsed = parseCommand(command, rest);
  if (parsed.help) {
    print(commandHelp(command));
    return 0;
  }
  return command.run(parsed.values, parsed.files, parsed.lists);
}

/**
 * @param {unknown} error
 * @returns {number} the exit code
 */
function report(error) {
  if (error instanceof UsageError) {
    const help = error.command ? `lowtropy ${error.command} --help` : 'lowtropy --help';
    printError(`${error.message}\nSee ${help}.`);
    return EXIT_USAGE;
  }
  const expected = error instanceof LowtropyError || error instanceof CommandError;
  printError(expected ? error.message : error);
  return EXIT_FAILURE;
}

let outputFailed = false;
// Whoever reads may stop early, as `head` does; that is no error, and what is being done goes on.
process.stdout.on('error', (/** @type {NodeJS.ErrnoException} */ error) => {
  mute();
  if (error.code === 'EPIPE' || outputFailed) return;
  outputFailed = true;
  process.exitCode = EXIT_FAILURE;
  printError(`The output cannot be written: ${error.message}.`);
});
process.stderr.on('error', () => {});

try {
  const code = await main(process.argv.slice(2));
  process.exitCode = code === 0 && outputFailed ? EXIT_FAILURE : code;
} catch (error) {
  process.exitCode = report(error);
} finally {
  clearProgress();
}
