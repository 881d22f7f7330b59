// SPDX-License-Identifier: Apache-2.0

import {
  LimitError,
  LowtropyError,
  imageToTensor,
  probabilities,
  topClasses,
} from '../../lib/lowtropy.js';
import {
  FORMAT_OPTION,
  LIMIT_OPTIONS,
  UsageError,
  chosenFormat,
  chosenLimits,
} from '../common/arguments.js';
import { CommandError } from '../common/files.js';
import { describeInputs, takesPictures } from '../common/inputs.js';
import { readLabels } from '../common/labels.js';
import { limitError, openModel } from '../common/model.js';
import { readPicture } from '../common/picture.js';
import { isMute, makeProgress, print, printError, printable } from '../common/terminal.js';

/**
 * @typedef {import('../common/arguments.js').Command} Command
 * @typedef {import('../../lib/lowtropy.js').ImageOptions} ImageOptions
 * @typedef {import('../../lib/lowtropy.js').Model} Model
 *
 * @typedef {{ index: number, label: string | null, probability: number }} LabelledClass
 * @typedef {{ image: string, top: LabelledClass[], ms: number }} Result
 */

/** The labels are of another network, whatever the picture. */
class LabelsError extends CommandError {}

const DEFAULT_TOP = 5;

/** @type {Command} */
export const runCommand = {
  name: 'run',
  summary: 'say what pictures show',
  usage: 'M.safetensors IMAGE… [--labels synset.txt] [--top 5] [--mean M] [--std S] [--json]',
  files: [2, Infinity],
  options: [
    { name: 'labels', value: 'FILE', help: 'the names of the classes, one a line, or JSON' },
    { name: 'top', value: 'N', help: `how many classes to show; by default ${DEFAULT_TOP}` },
    {
      name: 'mean',
      value: 'M',
      help: 'is subtracted: one number, or three, as 104,117,123, the default for BGR',
    },
    { name: 'std', value: 'S', help: 'is divided by, likewise; by default 1' },
    { name: 'scale', value: 'N', help: 'is multiplied by; by default 1' },
    { name: 'order', value: 'O', help: 'of the channels, BGR or RGB; by default BGR' },
    { ...FORMAT_OPTION, help: `${FORMAT_OPTION.help}; else as stored` },
    ...LIMIT_OPTIONS,
    {
      name: 'json',
      help: 'print a JSON object a line: image, top and ms, the time of the network',
    },
  ],
  example: 'M.safetensors dog.jpg cat.jpg --labels synset.txt',
  notes: `M may be an address, too. Pictures are JPEG or PNG. Their shorter side is scaled to 256 and
the middle is taken; a picture of exactly the network's input size is taken as it is. The network
gets (pixel - mean) * scale / std, of pixels from 0 to 255. Where one picture cannot be read the
others are shown nevertheless, and the exit code is 1.`,
  run,
};

/** @type {Command['run']} */
async function run(values, [file, ...images]) {
  const format = chosenFormat(values.format, 'run');
  const count = chosenTop(values.top);
  const normalization = chosenNormalization(values);
  const names = values.labels === undefined ? undefined : await readLabels(String(values.labels));
  const model = await openAs(file, format, chosenLimits(values, 'run'));
  if (!takesPictures(model.inputs)) {
    const [{ usualShape }, ...others] = model.inputs;
    const isImage = others.length === 0 && usualShape.length === 3;
    const taken = isImage
      ? `${usualShape.join('×')} values`
      : `the ${describeInputs(model.inputs)}`;
    throw new CommandError(`${file} takes ${taken}, not pictures of 3 channels.`);
  }
  let failed = false;
  const progress = makeProgress('Looking at the pictures');
  for (const [index, image] of images.entries()) {
    if (isMute()) break;
    try {
      const result = await classifyFile(model, image, { count, names, normalization });
      print(values.json ? JSON.stringify(result) : describe(result));
    } catch (error) {
      const expected = error instanceof LowtropyError || error instanceof CommandError;
      if (!expected || error instanceof LabelsError) throw error;
      printError(error instanceof CommandError ? error.message : `${image}: ${error.message}`);
      failed = true;
    }
    progress(index + 1, images.length);
  }
  model.dispose();
  return failed ? 1 : 0;
}

/**
 * @param {string | boolean | undefined} top
 * @returns {number}
 */
function chosenTop(top) {
  if (top === undefined) return DEFAULT_TOP;
  if (/^\d{1,9}$/.test(String(top)) && Number(top) > 0) return Number(top);
  throw new UsageError(`--top must be a whole number from 1, not "${top}".`, 'run');
}

/**
 * @param {import('../common/arguments.js').Values} values
 * @returns {ImageOptions}
 * @throws {UsageError}
 */
function chosenNormalization({ mean, std, scale, order }) {
  const options = {
    mean: chosenNumbers(mean, 'mean'),
    std: chosenNumbers(std, 'std'),
    scale: chosenNumbers(scale, 'scale')?.[0],
    order: /** @type {'BGR' | 'RGB' | undefined} */ (order),
  };
  if (/,/.test(String(scale))) throw new UsageError('--scale must be one number.', 'run');
  try {
    imageToTensor({ data: [0, 0, 0, 0], width: 1, height: 1 }, [3, 1, 1], options);
  } catch (error) {
    if (!(error instanceof LowtropyError)) throw error;
    throw new UsageError(error.message, 'run');
  }
  return options;
}

/**
 * @param {string | boolean | undefined} text numbers with commas between them
 * @param {string} name of the option
 * @returns {number[] | undefined}
 */
function chosenNumbers(text, name) {
  if (text === undefined) return undefined;
  const parts = String(text).split(',');
  if (parts.every((part) => /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(part))) {
    return parts.map(Number);
  }
  throw new UsageError(
    `--${name} must be a number, or three with commas between them, not "${text}".`,
    'run',
  );
}

/**
 * @param {string} file
 * @param {ReturnType<typeof chosenFormat>} format
 * @param {import('../../lib/lowtropy.js').Limits} limits
 */
async function openAs(file, format, limits) {
  const { model } = await openModel(file, limits);
  if (!format) return model;
  try {
    return model.to(format);
  } catch (error) {
    if (!(error instanceof LimitError)) throw error;
    throw limitError(`${file} is not held as ${format}`, error);
  } finally {
    model.dispose();
  }
}

/**
 * @param {Model} model
 * @param {string} image
 * @param {{ count: number, names: string[] | undefined, normalization: ImageOptions }} options
 * @returns {Promise<Result>}
 */
async function classifyFile(model, image, { count, names: labels, normalization }) {
  const input = imageToTensor(await readPicture(image), model.inputShape, normalization);
  const start = performance.now();
  const output = model.run(input);
  const ms = performance.now() - start;
  if (labels && labels.length !== output.length) {
    throw new LabelsError(
      `There are ${labels.length} labels, but ${output.length} classes: the file of labels does ` +
        'not belong to this network.',
    );
  }
  const top = topClasses(probabilities(model, output), count).map(({ index, probability }) => ({
    index,
    label: labels?.[index] ?? null,
    probability,
  }));
  return { image, top, ms: Math.round(1000 * ms) / 1000 };
}

/** @param {Result} result */
function describe({ image, top, ms }) {
  const lines = top.map(
    ({ index, label, probability }) =>
      `  ${(100 * probability).toFixed(1).padStart(5)} %  ${index}${label ? `  ${label}` : ''}`,
  );
  return printable([`${image} (${ms.toFixed(1)} ms)`, ...lines].join('\n'));
}
