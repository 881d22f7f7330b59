// SPDX-License-Identifier: Apache-2.0

/** Finds the data that is not part of the project: real networks and pictures. */

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import jpeg from 'jpeg-js';

const folder =
  process.env.LOWTROPY_DATA ?? fileURLToPath(new URL('../../../shared/data', import.meta.url));

/** What to give node:test as `skip`: a reason where the data is missing, else false. */
export const noData = existsSync(join(folder, 'squeezenet-deep-compression'))
  ? false
  : `there is no data in ${folder}; LOWTROPY_DATA may name another folder`;

/** @param {...string} path within the data folder */
export function dataPath(...path) {
  return join(folder, ...path);
}

/**
 * @param {...string} path within the data folder
 * @returns {Buffer}
 */
export function readData(...path) {
  return readFileSync(dataPath(...path));
}

/** Where Debian's package libonnx-testdata has ONNX's own tests. */
const onnxTests =
  process.env.LOWTROPY_ONNX_TESTS ?? '/usr/lib/python3/dist-packages/onnx/backend/test/data';

/** As `noData`, for ONNX's own tests. */
export const noOnnxTests = existsSync(onnxTests)
  ? false
  : `there is no ${onnxTests}, which is in Debian's libonnx-testdata; LOWTROPY_ONNX_TESTS may name another folder`;

/** As `noData`, for the networks that are ONNX models. */
export const noOnnxModels = existsSync(dataPath('models', 'onnx'))
  ? false
  : `there are no ONNX models in ${folder}; LOWTROPY_DATA may name another folder`;

/**
 * @typedef {object} OnnxTest one of ONNX's own
 * @property {string} name as `node/test_relu`
 * @property {string} model the file's path
 * @property {Array<{ inputs: string[], outputs: string[] }>} sets paths of tensors, in order
 */

/** @returns {OnnxTest[]} all that come with their models, in the order of their names */
export function listOnnxTests() {
  return ['node', 'simple', 'pytorch-converted', 'pytorch-operator'].flatMap((group) =>
    readdirSync(join(onnxTests, group))
      .sort()
      .filter((name) => existsSync(join(onnxTests, group, name, 'model.onnx')))
      .map((name) => describeOnnxTest(`${group}/${name}`)),
  );
}

/**
 * @param {string} name
 * @returns {OnnxTest}
 */
function describeOnnxTest(name) {
  const path = join(onnxTests, name);
  const sets = readdirSync(path).filter((entry) => entry.startsWith('test_data_set_'));
  return {
    name,
    model: join(path, 'model.onnx'),
    sets: sets.sort().map((set) => ({
      inputs: numbered(join(path, set), 'input'),
      outputs: numbered(join(path, set), 'output'),
    })),
  };
}

/**
 * @param {string} path
 * @param {string} stem
 * @returns {string[]} the files stem_0.pb, stem_1.pb and so on
 */
function numbered(path, stem) {
  const files = readdirSync(path).filter((file) => file.startsWith(`${stem}_`));
  const number = (/** @type {string} */ file) => Number.parseInt(file.slice(stem.length + 1));
  return files.sort((a, b) => number(a) - number(b)).map((file) => join(path, file));
}

/**
 * @returns {string[]} the paths of the networks that are ONNX models: trained ones, and large ones whose
 *   weights nodes make, as ONNX tests itself with
 */
export function listOnnxModels() {
  return [dataPath('models', 'onnx'), dataPath('onnx-light')].flatMap((models) =>
    existsSync(models)
      ? readdirSync(models)
          .filter((name) => name.endsWith('.onnx'))
          .sort()
          .map((name) => join(models, name))
      : [],
  );
}

/** @returns {{ net: Buffer, prototxt: string }} SqueezeNet as Deep Compression published it */
export function squeezeNetFiles() {
  return {
    net: readData('squeezenet-deep-compression', 'compressed_SqueezeNet.net'),
    prototxt: readData('squeezenet-deep-compression', 'SqueezeNet_deploy.prototxt').toString(
      'utf8',
    ),
  };
}

/**
 * @param {string} name such as `dog.jpg`
 * @returns {{ data: Uint8Array, width: number, height: number }} RGBA
 */
export function readPicture(name) {
  return jpeg.decode(readData('images', name), { useTArray: true, maxMemoryUsageInMB: 256 });
}
