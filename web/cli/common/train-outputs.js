// SPDX-License-Identifier: Apache-2.0

/** What `lowtropy train` is to write, before it has learned anything that could be lost. */

import { join } from 'node:path';

import { MNIST_FILES } from '../../lib/learn/data.js';
import { UsageError } from './arguments.js';
import { checkOutput, isSameFile } from './files.js';

/** @typedef {import('./arguments.js').Values} Values */

/**
 * @param {Values} values
 * @throws {UsageError} if one file would take another's place
 * @throws {CommandError} if one cannot be written
 */
export async function checkOutputs({ save, checkpoint, resume, data }) {
  const outputs = [save, checkpoint].flatMap((file) => (file === undefined ? [] : [String(file)]));
  const inputs = dataFiles(String(data ?? ''));
  if (save !== undefined && resume !== undefined) inputs.push(String(resume));
  for (const output of outputs) {
    for (const input of inputs) {
      if (!(await isSameFile(input, output))) continue;
      throw new UsageError(`${output} is what is to be read; it would be overwritten.`, 'train');
    }
  }
  if (outputs.length === 2 && (await isSameFile(outputs[0], outputs[1]))) {
    throw new UsageError(
      '--save and --checkpoint are one file: each would overwrite the other.',
      'train',
    );
  }
  if (checkpoint !== undefined && (await isSameFile(String(checkpoint), '-'))) {
    throw new UsageError(
      '--checkpoint is written again and again: it cannot be standard output.',
      'train',
    );
  }
  for (const output of outputs) await checkOutput(output);
}

/** @param {string} data */
function dataFiles(data) {
  const [, kind, path] = /^(mnist|text):(.+)$/s.exec(data) ?? [];
  if (kind === 'text' && path !== '-') return [path];
  if (kind !== 'mnist') return [];
  return MNIST_FILES.flatMap((name) => [join(path, name), join(path, `${name}.gz`)]);
}
