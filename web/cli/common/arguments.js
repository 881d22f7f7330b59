// SPDX-License-Identifier: Apache-2.0

/** What a command is, how its arguments are read, and its help. */

import { parseArgs } from 'node:util';

import { FORMATS } from '../../lib/lowtropy.js';

/**
 * @typedef {object} Option
 * @property {string} name without the dashes
 * @property {string} [short] one letter
 * @property {string} [value] what stands for its value in the help; without it the option is a flag
 * @property {boolean} [required]
 * @property {boolean} [list] whether it may be given several times
 * @property {string} help a phrase
 *
 * @typedef {Record<string, string | boolean | undefined>} Values by the options' names
 * @typedef {Record<string, string[]>} Lists of the options that may be given several times
 *
 * @typedef {object} Command
 * @property {string} name
 * @property {string} summary a phrase
 * @property {string} usage its arguments
 * @property {[least: number, most: number]} files how many arguments that are no options
 * @property {Option[]} options
 * @property {string} example arguments
 * @property {string} [notes]
 * @property {(values: Values, files: string[], lists: Lists) => Promise<number>} run returns the exit code
 */

/** What was typed makes no sense. */
export class UsageError extends Error {
  /**
   * @param {string} message a sentence
   * @param {string} [command] whose help helps
   */
  constructor(message, command) {
    super(message);
    this.command = command;
  }
}

/** @type {Option} */
export const FORMAT_OPTION = {
  name: 'format',
  value: 'F',
  help: ['auto', ...FORMATS].join(', '),
};

/** @type {Option[]} */
export const LIMIT_OPTIONS = [
  {
    name: 'max-memory',
    value: 'BYTES',
    help: 'the most that a network may take; by default 1.07G besides its weights',
  },
  {
    name: 'max-work',
    value: 'N',
    help: 'the most operations that a run may have; by default 64G',
  },
];

/** @type {Option} */
const HELP_OPTION = { name: 'help', short: 'h', help: 'show this' };

const EXIT_CODES = `Exit codes:
  0  all went well
  1  a file or an address could not be read, written or used
  2  the command was called wrongly`;

/**
 * @param {Command} command
 * @param {string[]} args
 * @returns {{ help: boolean, values: Values, files: string[], lists: Lists }}
 * @throws {UsageError}
 */
export function parseCommand(command, args) {
  const parsed = parse(command, args);
  if (parsed.values.help) return { help: true, values: {}, files: [], lists: {} };
  const empty = command.options.find(
    ({ name }) => parsed.values[name] === '' || parsed.lists[name]?.includes(''),
  );
  if (empty) throw new UsageError(`--${empty.name} must not be empty.`, command.name);
  if (parsed.positionals.includes('')) {
    throw new UsageError('The name of a file must not be empty.', command.name);
  }
  const missing = command.options.find(
    ({ name, required }) => required && parsed.values[name] === undefined,
  );
  if (missing) {
    throw new UsageError(`lowtropy ${command.name} needs ${spell(missing)}.`, command.name);
  }
  const [least, most] = command.files;
  const count = parsed.positionals.length;
  if (count < least || count > most) {
    throw new UsageError(
      count < least
        ? `lowtropy ${command.name} needs more arguments: ${command.usage}.`
        : `"${parsed.positionals[most]}" is one argument too many for lowtropy ${command.name}.`,
      command.name,
    );
  }
  return { help: false, values: parsed.values, files: parsed.positionals, lists: parsed.lists };
}

/**
 * @param {Command} command
 * @param {string[]} args
 * @returns {{ values: Values, lists: Lists, positionals: string[] }}
 */
function parse(command, args) {
  const options = Object.fromEntries(
    [...command.options, HELP_OPTION].map(({ name, short, value, list }) => [
      name,
      {
        type: /** @type {'string' | 'boolean'} */ (value ? 'string' : 'boolean'),
        ...(short && { short }),
        ...(list && { multiple: true }),
      },
    ]),
  );
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    const given = Object.entries(values);
    const lists = command.options.filter(({ list }) => list).map(({ name }) => [name, []]);
    /** @param {boolean} isList */
    const those = (isList) => given.filter(([, value]) => Array.isArray(value) === isList);
    return {
      values: /** @type {Values} */ (Object.fromEntries(those(false))),
      lists: /** @type {Lists} */ (Object.fromEntries([...lists, ...those(true)])),
      positionals,
    };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const [sentence] = error.message.split(/\.\s|\n/);
    throw new UsageError(`${sentence.replace(/\.$/, '')}.`, command.name);
  }
}

/**
 * @param {string | boolean | undefined} format the value of FORMAT_OPTION
 * @param {string} command
 * @returns {import('../../lib/lowtropy.js').FormatName | 'auto' | undefined}
 * @throws {UsageError}
 */
export function chosenFormat(format, command) {
  const known = /** @type {const} */ (['auto', ...FORMATS]);
  if (format === undefined) return undefined;
  const found = known.find((name) => name === format);
  if (found) return found;
  throw new UsageError(`There is no format "${format}"; there are ${known.join(', ')}.`, command);
}

/**
 * @param {Values} values those of LIMIT_OPTIONS
 * @param {string} command
 * @returns {import('../../lib/lowtropy.js').Limits}
 * @throws {UsageError}
 */
export function chosenLimits(values, command) {
  const [maxMemory, maxWork] = LIMIT_OPTIONS.map(({ name }) => {
    const text = values[name];
    if (text === undefined) return undefined;
    const match = /^(\d+(?:\.\d+)?(?:e\d{1,2})?)([kMGT]?)B?$/i.exec(String(text));
    if (match) return Number(match[1]) * 1000 ** ' kmgt'.indexOf(match[2].toLowerCase() || ' ');
    throw new UsageError(`--${name} must be a number such as 300M or 2G, not "${text}".`, command);
  });
  return { maxMemory, maxWork };
}

/** @param {Option} option */
function spell({ name, short, value }) {
  return `${short ? `-${short}, ` : ''}--${name}${value ? ` ${value}` : ''}`;
}

/** @param {Command} command */
export function commandHelp(command) {
  const options = [...command.options, HELP_OPTION];
  const width = Math.max(...options.map((option) => spell(option).length));
  return [
    `lowtropy ${command.name} ${command.usage}`,
    `${sentence(command.summary)}${command.notes ? `\n\n${command.notes}` : ''}`,
    `Options:\n${options
      .map((option) => `  ${spell(option).padEnd(width)}  ${wrap(option.help, width + 4)}`)
      .join('\n')}`,
    `Example:\n  lowtropy ${command.name} ${command.example}`,
    EXIT_CODES,
  ].join('\n\n');
}

/** Of the help, so that it fits into a terminal. */
const HELP_WIDTH = 100;

/**
 * @param {string} text
 * @param {number} indent of all its lines but the first
 */
function wrap(text, indent) {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines[lines.length - 1];
    if (indent + line.length + 1 + word.length > HELP_WIDTH) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join(`\n${' '.repeat(indent)}`);
}

/** @param {string} phrase */
function sentence(phrase) {
  return `${phrase[0].toUpperCase()}${phrase.slice(1)}.`;
}

/** @param {Command[]} commands */
export function programHelp(commands) {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    'lowtropy: neural networks that run on their compressed weights.',
    `Commands:\n${commands
      .map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`)
      .join('\n')}`,
    `Examples:\n${commands.map(({ name, example }) => `  lowtropy ${name} ${example}`).join('\n')}`,
    'lowtropy help COMMAND shows the options of one, lowtropy --version the version.',
    EXIT_CODES,
  ].join('\n\n');
}
