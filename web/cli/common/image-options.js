// SPDX-License-Identifier: Apache-2.0

/** How pictures come in, as it is typed: `--image mean=104,117,123 --image order=RGB`. */

import { IMAGE_OPTIONS } from '../../lib/model/image-options.js';
import { UsageError } from './arguments.js';

/** @typedef {import('../../lib/lowtropy.js').ImageOptions} ImageOptions */

/** @type {import('./arguments.js').Option} */
export const IMAGE_OPTION = {
  name: 'image',
  value: 'KEY=VALUE',
  list: true,
  help: 'mean, std, scale, order, layout, fit, side and fill, with commas between them',
};

const NUMBERS = ['mean', 'std'];
const WORDS = ['order', 'layout', 'fit'];

/**
 * @param {string[]} texts such as "mean=1,2,3" and "order=RGB,fit=crop"
 * @param {string} command
 * @returns {ImageOptions | undefined} undefined where nothing was typed; what the values may be is checked where
 *   they are used
 * @throws {UsageError}
 */
export function chosenImage(texts, command) {
  if (texts.length === 0) return undefined;
  /** @type {Record<string, unknown>} */
  const options = {};
  for (const pair of texts.flatMap((text) => text.split(/,(?=\s*[a-z]+=)|\s+(?=[a-z]+=)/))) {
    const [, key = '', value = ''] = /^\s*([^=]*)=(.*)$/s.exec(pair) ?? [];
    if (!IMAGE_OPTIONS.includes(key)) {
      throw new UsageError(
        `--image takes KEY=VALUE with a key of ${IMAGE_OPTIONS.join(', ')}, not "${pair}".`,
        command,
      );
    }
    if (key in options) throw new UsageError(`--image has ${key} twice.`, command);
    options[key] = WORDS.includes(key) ? value : chosenNumbers(value, `image ${key}`, command, key);
  }
  return options;
}

/**
 * @param {string} text numbers with commas between them
 * @param {string} what of the option, without its dashes
 * @param {string} command
 * @param {string} [key]
 * @returns {number | number[]}
 * @throws {UsageError}
 */
export function chosenNumbers(text, what, command, key = what) {
  const parts = text.split(',');
  const areNumbers = parts.every((part) =>
    /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(part),
  );
  if (areNumbers && NUMBERS.includes(key)) return parts.map(Number);
  if (areNumbers && parts.length === 1) return Number(text);
  throw new UsageError(
    NUMBERS.includes(key)
      ? `--${what} must be a number, or three with commas between them, not "${text}".`
      : `--${what} must be one number, not "${text}".`,
    command,
  );
}
