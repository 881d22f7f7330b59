// SPDX-License-Identifier: Apache-2.0

/** ONNX's own tests of operators and small models, run through the importer. */

import { readFileSync } from 'node:fs';

import { constantOf } from '../../web/lib/import/onnx/constants.js';
import { importOnnx } from '../../web/lib/import/onnx/import-onnx.js';
import { readModel, readTensorFile } from '../../web/lib/import/onnx/model.js';
import { LowtropyError, UnsupportedError } from '../../web/lib/lowtropy.js';
import { listOnnxTests } from '../common/data.js';
import { difference } from './compare.js';

/**
 * @typedef {import('../common/data.js').OnnxTest} OnnxTest
 * @typedef {Map<string, { data: any, shape: number[] }>} Given by the inputs' names
 *
 * @typedef {object} Result
 * @property {string} name
 * @property {'operators' | 'models'} group
 * @property {string | undefined} reason why it does not pass
 * @property {boolean} isGiven whether its inputs were given at import, for it does not pass without
 */

/**
 * @param {string} part of names
 * @returns {AsyncGenerator<Result, void, void>}
 */
export async function* runTests(part = '') {
  for (const test of listOnnxTests().filter(({ name }) => name.includes(part))) {
    const group = test.name.startsWith('node/') ? 'operators' : 'models';
    yield { name: test.name, group, ...(await resultOf(test)) };
  }
}

/**
 * @param {OnnxTest} test
 * @returns {Promise<Pick<Result, 'reason' | 'isGiven'>>}
 */
async function resultOf({ model, sets }) {
  let isGiven = false;
  try {
    const bytes = readFileSync(model);
    for (const set of sets) {
      const result = await runSet(bytes, set);
      isGiven ||= result.isGiven;
      if (result.reason) return { reason: result.reason, isGiven };
    }
    return {
      reason: sets.length === 0 ? 'There are no inputs to run it with.' : undefined,
      isGiven,
    };
  } catch (error) {
    if (error instanceof LowtropyError) return { reason: error.message, isGiven };
    throw error;
  }
}

/**
 * @param {Uint8Array} bytes
 * @param {OnnxTest['sets'][0]} set
 */
async function runSet(bytes, { inputs, outputs }) {
  const { graph } = readModel(bytes);
  const weights = new Set(graph.initializers.map(({ name }) => name));
  const names = graph.inputs.map(({ name }) => name).filter((name) => !weights.has(name));
  const given = new Map(names.map((name, i) => [name, readTensor(inputs[i])]));
  const expected = outputs.map(readTensor);
  const { model, isGiven } = await importGiven(bytes, given);
  try {
    const feed = model.inputs.map(({ name }) => [name, given.get(name)]);
    const results = model.run(/** @type {any} */ (Object.fromEntries(feed)));
    const values = model.outputs.map(({ name }) => /** @type {any} */ (results)[name]);
    const reason = expected
      .map((tensor, i) => difference(model.outputs[i].name, values[i], tensor))
      .find((one) => one !== undefined);
    return { reason, isGiven };
  } finally {
    model.dispose();
  }
}

/**
 * With the test's inputs left open, or, where that does not work, given at import, as shapes have to be.
 *
 * @param {Uint8Array} bytes
 * @param {Given} given
 */
async function importGiven(bytes, given) {
  const shapes = Object.fromEntries([...given].map(([name, { shape }]) => [name, shape]));
  try {
    return { model: await importOnnx(bytes, { shapes }), isGiven: false };
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error;
    const model = await importOnnx(bytes, { values: Object.fromEntries(given) });
    return { model, isGiven: true };
  }
}

/** @param {string} file */
function readTensor(file) {
  const { elements, shape } = constantOf(readTensorFile(readFileSync(file)));
  return { data: elements, shape };
}
