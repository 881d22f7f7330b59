// SPDX-License-Identifier: Apache-2.0

/** See ../conformance.js. */

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { LowtropyError, UnsupportedError } from '../../web/lib/lowtropy.js';
import { importOnnx } from '../../web/lib/import/onnx/import-onnx.js';
import { readModel } from '../../web/lib/import/onnx/model.js';
import { readTensorFile } from '../../web/lib/import/onnx/model.js';
import { constantOf } from '../../web/lib/import/onnx/constants.js';
import { difference } from './compare.js';

const DATA = process.env.ONNX_TEST_DATA ?? '/usr/lib/python3/dist-packages/onnx/backend/test/data';

/** Tests of single operators, and of small models. */
const GROUPS = Object.entries({
  operators: ['node'],
  models: ['simple', 'pytorch-converted', 'pytorch-operator'],
});

/**
 * @typedef {object} Result
 * @property {string} group
 * @property {string} name
 * @property {string | undefined} reason why it does not pass
 */

/**
 * @param {string} folder of one test
 * @returns {Promise<string | undefined>} why it does not pass
 */
async function runTest(folder) {
  const bytes = readFileSync(join(folder, 'model.onnx'));
  const sets = readdirSync(folder).filter((name) => name.startsWith('test_data_set_'));
  for (const set of sets) {
    const reason = await runSet(bytes, join(folder, set));
    if (reason) return reason;
  }
  return sets.length === 0 ? 'it has no data' : undefined;
}

/**
 * @param {Uint8Array} bytes
 * @param {string} folder
 */
async function runSet(bytes, folder) {
  const { graph } = readModel(bytes);
  const weights = new Set(graph.initializers.map(({ name }) => name));
  const names = graph.inputs.map(({ name }) => name).filter((name) => !weights.has(name));
  const inputs = tensorsIn(folder, 'input');
  const outputs = tensorsIn(folder, 'output');
  const given = new Map(names.map((name, i) => [name, inputs[i]]));
  const model = await importGiven(bytes, given);
  try {
    const feed = Object.fromEntries(
      model.inputs.map(({ name }) => [name, /** @type {any} */ (given.get(name))]),
    );
    const results = Object.values(model.run(feed));
    for (const [index, expected] of outputs.entries()) {
      const reason = difference(`output ${index}`, results[index], expected);
      if (reason) return reason;
    }
    return undefined;
  } finally {
    model.dispose();
  }
}

/**
 * With the test's inputs left open, or, where that does not work, given at import, as shapes have to be.
 *
 * @param {Uint8Array} bytes
 * @param {Map<string, { data: any, shape: number[] }>} given
 */
async function importGiven(bytes, given) {
  const shapes = Object.fromEntries([...given].map(([name, { shape }]) => [name, shape]));
  try {
    return await importOnnx(bytes, { shapes });
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error;
    return importOnnx(bytes, { values: Object.fromEntries(given) });
  }
}

/**
 * @param {string} folder
 * @param {'input' | 'output'} kind
 */
function tensorsIn(folder, kind) {
  const files = readdirSync(folder).filter((name) => name.startsWith(`${kind}_`));
  return files.map((_, index) => {
    const tensor = readTensorFile(readFileSync(join(folder, `${kind}_${index}.pb`)));
    const { elements, shape } = constantOf(tensor);
    return { data: elements, shape };
  });
}

/** @param {string} folder */
function testsIn(folder) {
  return existsSync(join(DATA, folder)) ? readdirSync(join(DATA, folder)).sort() : [];
}

const wanted = process.argv[2] ?? '';
for (const [group, folders] of GROUPS) {
  /** @type {Array<[string, string]>} */
  const failures = [];
  let count = 0;
  for (const folder of folders) {
    for (const name of testsIn(folder).filter((one) => one.includes(wanted))) {
      ++count;
      try {
        const reason = await runTest(join(DATA, folder, name));
        if (reason) failures.push([name, reason]);
      } catch (error) {
        if (!(error instanceof LowtropyError)) console.error(name, error);
        failures.push([name, /** @type {Error} */ (error).message]);
      }
    }
  }
  for (const [name, reason] of failures) console.log(`${name}: ${reason}`);
  console.log(`${group}: ${count - failures.length} of ${count} pass`);
}
