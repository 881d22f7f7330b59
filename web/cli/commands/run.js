// SPDX-License-Identifier: Apache-2.0

import {
  LimitError,
  LowtropyError,
  imageToTensor,
  probabilities,
  topClasses,
} from '../../lib/lowtropy.js';
import { runOnPicture } from '../../lib/model/classify.js';
import { planImage } from '../../lib/model/image-options.js';
import {
  FORMAT_OPTION,
  LIMIT_OPTIONS,
  UsageError,
  chosenFormat,
  chosenLimits,
} from '../common/arguments.js';
import { CommandError } from '../common/files.js';
import { IMAGE_OPTION, chosenImage, chosenNumbers } from '../common/image-options.js';
import { describeInputs, takesPictures } from '../common/inputs.js';
import { readLabels } from '../common/labels.js';
import { limitError, openModel } from '../common/model.js';
import { readPicture } from '../common/picture.js';
import { isMute, makeProgress, print, printError, printable } from '../common/terminal.js';
import { runOnArrays } from './run-arrays.js';

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
  summary: 'say what pictures show, or run a network on arrays',
  usage: 'M.safetensors IMAGE… | M.safetensors --input NAME=FILE.npy… [--output …]',
  files: [1, Infinity],
  options: [
    {
      name: 'labels',
      value: 'FILE',
      help: 'the names of the classes, one a line, or JSON; by default those of the model file',
    },
    { name: 'top', value: 'N', help: `how many classes to show; by default ${DEFAULT_TOP}` },
    {
      ...IMAGE_OPTION,
      help: `how pictures come in: ${IMAGE_OPTION.help}; by default as the model file says`,
    },
    {
      name: 'mean',
      value: 'M',
      help: 'is subtracted: one number, or three, as 104,117,123, the default for BGR',
    },
    { name: 'std', value: 'S', help: 'is divided by, likewise; by default 1' },
    { name: 'scale', value: 'N', help: 'is multiplied by; by default 1' },
    { name: 'order', value: 'O', help: 'of the channels, BGR, RGB or gray; by default BGR' },
    {
      name: 'input',
      value: 'NAME=FILE.npy',
      list: true,
      help: 'an array of NumPy for an input; without NAME= for the only one',
    },
    {
      name: 'output',
      value: 'NAME=FILE.npy',
      list: true,
      help: 'where to write an output; without NAME= the only one',
    },
    { ...FORMAT_OPTION, help: `${FORMAT_OPTION.help}; else as stored` },
    ...LIMIT_OPTIONS,
    {
      name: 'json',
      help: 'print a JSON object a line: image, top and ms, the time of the network',
    },
  ],
  example: 'M.safetensors dog.jpg cat.jpg --labels synset.txt',
  notes: `M may be an address, too. Pictures are JPEG or PNG. Unless the model file or --image says
otherwise, their shorter side is scaled to 256 and the middle is taken; a picture of exactly the
network's input size is taken as it is. The network gets (pixel - mean) * scale / std, of pixels
from 0 to 255. Where one picture cannot be read the others are shown nevertheless, and the exit code
is 1. With --input, what each output holds is shown in their place.`,
  run,
};

/** @type {Command['run']} */
async function run(values, [file, ...images], lists) {
  const format = chosenFormat(values.format, 'run');
  const count = chosenTop(values.top);
  const image = chosenImageOptions(values, lists.image);
  checkKind(images, lists);
  const given = values.labels === undefined ? undefined : await readLabels(String(values.labels));
  const model = await openAs(file, format, chosenLimits(values, 'run'));
  try {
    if (images.length === 0) {
      await runOnArrays(file, model, { lists, json: Boolean(values.json) });
      return 0;
    }
    checkTakesPictures(file, model);
    const names = given ?? model.graph.labels;
    const normalization = withTyped(model.graph.image ?? {}, image ?? {});
    return await showPictures(model, images, {
      ...{ count, names, normalization, json: Boolean(values.json) },
    });
  } finally {
    model.dispose();
  }
}

/**
 * What was typed counts more than what the file says, and that more than what is usual.
 *
 * @param {ImageOptions} own of the file
 * @param {ImageOptions} typed
 * @returns {ImageOptions}
 */
function withTyped({ side, fill, ...own }, typed) {
  // These two are of the fit that the file says.
  const ofFit = { ...(side !== undefined && { side }), ...(fill !== undefined && { fill }) };
  return { ...own, ...(typed.fit === undefined && ofFit), ...typed };
}

/**
 * @param {string[]} images
 * @param {import('../common/arguments.js').Lists} lists
 * @throws {UsageError} unless it is either pictures or arrays
 */
function checkKind(images, { input, output }) {
  if (images.length === 0 && input.length === 0) {
    throw new UsageError(
      'lowtropy run needs pictures, or --input NAME=FILE.npy for each input.',
      'run',
    );
  }
  if (images.length > 0 && input.length + output.length > 0) {
    throw new UsageError('lowtropy run takes pictures or --input and --output, not both.', 'run');
  }
}

/**
 * @param {string} file
 * @param {Model} model
 */
function checkTakesPictures(file, model) {
  if (takesPictures(model)) return;
  const [only, ...others] = model.inputs;
  const isImage = only && others.length === 0 && only.usualShape.length === 3;
  const taken = isImage
    ? `${only.usualShape.join('×')} values`
    : `the ${describeInputs(model.inputs)}`;
  throw new CommandError(
    `${file} takes ${taken}, not pictures of 3 channels; --input gives it arrays.`,
  );
}

/**
 * @param {Model} model
 * @param {string[]} images
 * @param {{ count: number, names: readonly string[] | undefined, normalization: ImageOptions,
 *   json: boolean }} options
 * @returns {Promise<number>} the exit code
 */
async function showPictures(model, images, { json, ...options }) {
  let failed = false;
  const progress = makeProgress('Looking at the pictures');
  for (const [index, image] of images.entries()) {
    if (isMute()) break;
    try {
      const result = await classifyFile(model, image, options);
      print(json ? JSON.stringify(result) : describe(result));
    } catch (error) {
      const expected = error instanceof LowtropyError || error instanceof CommandError;
      if (!expected || error instanceof LabelsError) throw error;
      printError(error instanceof CommandError ? error.message : `${image}: ${error.message}`);
      failed = true;
    }
    progress(index + 1, images.length);
  }
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
 * @param {string[]} pairs those of --image
 * @returns {ImageOptions | undefined} undefined where nothing was said
 * @throws {UsageError}
 */
function chosenImageOptions({ mean, std, scale, order }, pairs) {
  const given = {
    ...chosenImage(pairs, 'run'),
    ...(mean !== undefined && { mean: chosenNumbers(String(mean), 'mean', 'run') }),
    ...(std !== undefined && { std: chosenNumbers(String(std), 'std', 'run') }),
    ...(scale !== undefined && { scale: chosenNumbers(String(scale), 'scale', 'run') }),
    ...(order !== undefined && { order }),
  };
  if (Object.keys(given).length === 0) return undefined;
  const options = /** @type {ImageOptions} */ (given);
  try {
    planImage(options, options.order === 'gray' ? [1, 1, 1] : [3, 1, 3], '--image');
  } catch (error) {
    if (!(error instanceof LowtropyError)) throw error;
    throw new UsageError(error.message, 'run');
  }
  return options;
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
 * @param {{ count: number, names: readonly string[] | undefined, normalization: ImageOptions }} options
 * @returns {Promise<Result>}
 */
async function classifyFile(model, image, { count, names: labels, normalization }) {
  const input = imageToTensor(await readPicture(image), model.inputShape, normalization);
  const start = performance.now();
  const output = runOnPicture(model, input);
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
