// SPDX-License-Identifier: Apache-2.0

import {
  FileError,
  LimitError,
  UnsupportedError,
  importDeepCompression,
} from '../../lib/lowtropy.js';
import {
  FORMAT_OPTION,
  LIMIT_OPTIONS,
  UsageError,
  chosenFormat,
  chosenLimits,
} from '../common/arguments.js';
import { CommandError, goesToStream, isSameFile, readInput, writeOutput } from '../common/files.js';
import { limitError } from '../common/model.js';
import { formatBytes, makeProgress, print, printOnStderr, printable } from '../common/terminal.js';

/** @typedef {import('../common/arguments.js').Command} Command */

const NET_LIMIT = 2 ** 31 - 1;
const PROTOTXT_LIMIT = 64 * 2 ** 20;

/** @type {Command} */
export const importCommand = {
  name: 'import',
  summary: 'make a model file of a network that Deep Compression compressed',
  usage: 'FILE.net --prototxt P -o M.safetensors [--format F]',
  files: [1, 1],
  options: [
    { name: 'prototxt', value: 'P', required: true, help: "the network's Caffe deploy file" },
    {
      name: 'output',
      short: 'o',
      value: 'M',
      required: true,
      help: 'the model file to write; - is stdout',
    },
    { ...FORMAT_OPTION, help: `${FORMAT_OPTION.help}; else auto` },
    ...LIMIT_OPTIONS,
  ],
  example: 'compressed_SqueezeNet.net --prototxt SqueezeNet_deploy.prototxt -o M.safetensors',
  notes: `With auto each layer gets the format that suits it. A model file that exists is replaced,
and only by a whole one. A file to read may be -, which is stdin.`,
  run,
};

/** @type {Command['run']} */
async function run(values, [net]) {
  const format = chosenFormat(values.format, 'import');
  const limits = chosenLimits(values, 'import');
  const [prototxt, output] = [String(values.prototxt), String(values.output)];
  if (await goesToStream(output)) printOnStderr();
  for (const input of [net, prototxt]) {
    if (input !== '-' && (await isSameFile(input, output))) {
      throw new UsageError(
        `${output} is what is to be imported; it would be overwritten.`,
        'import',
      );
    }
  }
  const netBytes = await readInput(net, NET_LIMIT);
  const text = (await readInput(prototxt, PROTOTXT_LIMIT)).toString('utf8');
  const progress = makeProgress(`Compressing ${net}`);
  let model;
  try {
    model = await importDeepCompression(netBytes, text, {
      ...limits,
      format: format ?? 'auto',
      onProgress: ({ loaded, total }) => progress(loaded, total),
    });
  } catch (error) {
    if (error instanceof LimitError) throw limitError(`${net} is not imported`, error);
    if (!(error instanceof FileError || error instanceof UnsupportedError)) throw error;
    throw new CommandError(`${net} with ${prototxt} cannot be imported. ${error.message}`);
  }
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
