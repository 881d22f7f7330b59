// SPDX-License-Identifier: Apache-2.0

import {
  FileError,
  LimitError,
  ShapeError,
  UnsupportedError,
  ValueError,
  importDeepCompression,
  importOnnx,
} from '../../lib/lowtropy.js';
import {
  FORMAT_OPTION,
  LIMIT_OPTIONS,
  UsageError,
  chosenFormat,
  chosenLimits,
} from '../common/arguments.js';
import {
  CommandError,
  goesToStream,
  isSameFile,
  nameOf,
  readInput,
  writeOutput,
} from '../common/files.js';
import { IMAGE_OPTION, chosenImage } from '../common/image-options.js';
import { readLabels } from '../common/labels.js';
import { limitError } from '../common/model.js';
import { formatBytes, makeProgress, print, printOnStderr, printable } from '../common/terminal.js';

/**
 * @typedef {import('../common/arguments.js').Command} Command
 * @typedef {import('../common/arguments.js').Lists} Lists
 * @typedef {import('../common/arguments.js').Values} Values
 * @typedef {import('../../lib/lowtropy.js').Model} Model
 * @typedef {import('../../lib/model/model.js').BuildOptions} BuildOptions
 */

/** Larger files are no message of protocol buffers; .net files are smaller. */
const NETWORK_LIMIT = 2 ** 31 - 1;
const PROTOTXT_LIMIT = 64 * 2 ** 20;

/** Options that ONNX alone has. */
const ONNX_LISTS = ['shape', 'value', 'image'];

/** @type {Command} */
export const importCommand = {
  name: 'import',
  summary: 'make a model file of an ONNX network, or of one that Deep Compression compressed',
  usage: 'MODEL.onnx | FILE.net --prototxt P  -o M.safetensors [--format F]',
  files: [1, 1],
  options: [
    {
      name: 'output',
      short: 'o',
      value: 'M',
      required: true,
      help: 'the model file to write; - is stdout',
    },
    { ...FORMAT_OPTION, help: `${FORMAT_OPTION.help}; else auto` },
    {
      name: 'shape',
      value: 'NAME=1x3x416x416',
      list: true,
      help: 'of an input of ONNX that has open sizes',
    },
    {
      name: 'value',
      value: 'NAME=N',
      list: true,
      help: 'of an input of ONNX that is the same in all runs; numbers with commas between them',
    },
    { ...IMAGE_OPTION, help: `how pictures come in, for run and pages: ${IMAGE_OPTION.help}` },
    {
      name: 'labels',
      value: 'FILE',
      help: 'the names of the classes, one a line, or JSON; they are kept in the model file',
    },
    { name: 'prototxt', value: 'P', help: 'the Caffe deploy file of a .net file' },
    ...LIMIT_OPTIONS,
  ],
  example: 'MODEL.onnx -o M.safetensors --image mean=127.5,std=127.5',
  notes: `With auto each layer gets the format that suits it. A model file that exists is replaced,
and only by a whole one. A file to read may be -, which is stdin. Data of an ONNX model that are in
files of their own are looked for beside it. Unless --image says otherwise, pictures come in as RGB,
each pixel as (v - mean) * scale / std of v from 0 to 255, with a mean of 0, a scale and std of 1.`,
  run,
};

/** @type {Command['run']} */
async function run(values, [file], lists) {
  const format = chosenFormat(values.format, 'import') ?? 'auto';
  const limits = chosenLimits(values, 'import');
  const output = String(values.output);
  const read = values.prototxt === undefined ? openOnnx : openDeepCompression;
  if (await goesToStream(output)) printOnStderr();
  for (const input of [file, values.prototxt, values.labels]) {
    if (input !== undefined && input !== '-' && (await isSameFile(String(input), output))) {
      throw new UsageError(
        `${output} is what is to be imported; it would be overwritten.`,
        'import',
      );
    }
  }
  const progress = makeProgress(`Compressing ${nameOf(file)}`);
  /** @type {BuildOptions} */
  const options = {
    ...limits,
    format,
    onProgress: ({ loaded, total }) => progress(loaded, Number(total)),
  };
  const model = await read(file, { values, lists, options });
  const bytes = model.save();
  await writeOutput(output, bytes);
  const ratio = (model.denseByteLength / model.byteLength).toFixed(1);
  print(
    printable(
      `${output}: ${model.layers.length} layers, ${formatBytes(bytes.length)}; its weights are ` +
        `${ratio} times smaller than dense.`,
    ),
  );
  model.dispose();
  return 0;
}

/**
 * @typedef {{ values: Values, lists: Lists, options: BuildOptions }} Chosen
 */

/**
 * @param {string} file
 * @param {Chosen} chosen
 * @returns {Promise<Model>}
 */
async function openDeepCompression(file, { values, lists, options }) {
  const other = ONNX_LISTS.find((name) => lists[name].length > 0);
  if (other) throw new UsageError(`--${other} is for ONNX, --prototxt for .net files.`, 'import');
  if (values.labels !== undefined) {
    throw new UsageError('--labels is for ONNX, --prototxt for .net files.', 'import');
  }
  const net = await readInput(file, NETWORK_LIMIT);
  const prototxt = String(values.prototxt);
  const text = (await readInput(prototxt, PROTOTXT_LIMIT)).toString('utf8');
  return saying(file, `${nameOf(file)} with ${prototxt}`, () =>
    importDeepCompression(net, text, options),
  );
}

/**
 * @param {string} file
 * @param {Chosen} chosen
 * @returns {Promise<Model>}
 */
async function openOnnx(file, { values, lists, options }) {
  const shapes = Object.fromEntries(lists.shape.map(chosenShape));
  const given = Object.fromEntries(lists.value.map(chosenValue));
  const image = chosenImage(lists.image, 'import');
  const labels = values.labels === undefined ? undefined : await readLabels(String(values.labels));
  if (/\.net$/i.test(file)) {
    throw new UsageError(`${file} is no ONNX model; a .net file needs --prototxt P.`, 'import');
  }
  // Of a file that has a name, others with its data are found beside it.
  const source = file === '-' ? await readInput(file, NETWORK_LIMIT) : file;
  const onnxOptions = { ...options, shapes, values: given, image, labels };
  return saying(file, nameOf(file), () => importOnnx(source, onnxOptions));
}

/**
 * @template T
 * @param {string} file
 * @param {string} what
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
async function saying(file, what, work) {
  try {
    return await work();
  } catch (error) {
    if (error instanceof LimitError) throw limitError(`${nameOf(file)} is not imported`, error);
    const expected = [FileError, UnsupportedError, ShapeError, ValueError];
    if (!expected.some((type) => error instanceof type)) throw error;
    throw new CommandError(`${what} cannot be imported. ${/** @type {Error} */ (error).message}`);
  }
}

/** @param {string} text such as "images=1x3x416x416" */
function chosenShape(text) {
  const [, name, dims] = /^(.+)=(\d+(?:[x×,]\d+)*)$/.exec(text) ?? [];
  if (name !== undefined) return [name, dims.split(/[x×,]/).map(Number)];
  throw new UsageError(`--shape takes NAME=1x3x416x416, not "${text}".`, 'import');
}

/** @param {string} text such as "sr=16000" */
function chosenValue(text) {
  const [, name, list = ''] = /^(.+?)=(.*)$/.exec(text) ?? [];
  const numbers = list.split(',').map((part) => {
    if (part === 'true' || part === 'false') return Number(part === 'true');
    return part.trim() === '' ? NaN : Number(part);
  });
  if (name !== undefined && numbers.every(Number.isFinite)) return [name, numbers];
  throw new UsageError(
    `--value takes NAME=N, numbers with commas between them, not "${text}".`,
    'import',
  );
}
