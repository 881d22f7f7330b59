// SPDX-License-Identifier: Apache-2.0

/**
 * From the files of an ONNX model to its description: what an importer begins with. protobuf.js reads the
 * wire format and model.js, with the …-proto.js, what it means; external.js joins the other files;
 * functions.js and graph.js make of that one graph, in order, of operators and constants. Of these
 * attributes.js reads the settings, and tensors.js the elements, where they lie and when they are asked
 * for.
 */

import { checkFunction, checkOptions } from '../../core/check.js';
import { FileError, ValueError } from '../../core/errors.js';
import { checkSignal } from '../../core/stream.js';
import { describe } from '../../core/tags.js';
import { readBytes } from '../../model/source.js';
import { externalLocations, joinExternal } from './external.js';
import { inlineFunctions } from './functions.js';
import { resolveGraph } from './graph.js';
import { readModel } from './model.js';
import { quote } from './protobuf.js';

/**
 * @typedef {import('../../model/source.js').ModelSource} ModelSource
 * @typedef {import('../../model/source.js').Progress} Progress
 * @typedef {import('./external.js').Files} Files
 * @typedef {import('./graph.js').ResolvedGraph} ResolvedGraph
 * @typedef {import('./model.js').OnnxModel} OnnxModel
 *
 * @typedef {{ name: string, data: ModelSource }} NamedSource what has no name of its own
 * @typedef {ModelSource | Array<File | NamedSource>} OnnxSource the model's file, or it and the files
 *   with its data. Of a model that has an address the others are looked for beside it.
 *
 * @typedef {object} OpenOptions
 * @property {(progress: Progress) => void} [onProgress] called for each piece that arrives, with the
 *   bytes of the file that is being read
 * @property {AbortSignal} [signal] stops it; the promise is rejected with the signal's reason
 *
 * @typedef {Omit<OnnxModel, 'graph' | 'functions'> & { graph: ResolvedGraph }} ResolvedModel its
 *   functions are in the graph, where they were called
 */

/**
 * @param {Uint8Array} bytes of the model's file; what is read refers to them
 * @param {Files} [files] others that it names, likewise
 * @returns {ResolvedModel}
 * @throws {FileError} for what is damaged or contradicts itself; says what and where
 * @throws {UnsupportedError} for what is sound and is not read
 * @throws {LimitError} for what would take much more memory than it has bytes
 */
export function readOnnx(bytes, files = new Map()) {
  return resolve(readModel(bytes), files);
}

/**
 * As `readOnnx`, of files wherever they are. Bytes are not copied; of the other files only those are
 * read that the model names.
 *
 * @param {OnnxSource} source
 * @param {OpenOptions} [options]
 * @returns {Promise<ResolvedModel>}
 */
export async function openOnnx(source, options = {}) {
  const { onProgress, signal } = checkOptions(options, 'openOnnx', ['onProgress', 'signal']);
  const checked = {
    onProgress: checkFunction(onProgress, 'The option "onProgress"'),
    signal: checkSignal(signal),
  };
  const given = Array.isArray(source) ? source.map(nameOf) : undefined;
  const main = given ? findMain(given) : /** @type {ModelSource} */ (source);
  const model = readModel(await readBytes(main, checked));
  /** @type {Files} */
  const files = new Map();
  for (const location of externalLocations(model)) {
    const data = given ? findOther(location, given) : beside(main, location);
    if (data !== undefined) files.set(location, await readBytes(data, checked));
  }
  return resolve(model, files);
}

/**
 * @param {OnnxModel} model
 * @param {Files} files
 * @returns {ResolvedModel}
 */
function resolve(model, files) {
  joinExternal(model, files);
  const { irVersion, opsets, producerName, producerVersion, domain, modelVersion } = model;
  const { metadata, hasTraining } = model;
  return {
    ...{ irVersion, opsets, producerName, producerVersion, domain, modelVersion },
    ...{ metadata, hasTraining, graph: resolveGraph(inlineFunctions(model).graph, opsets) },
  };
}

/**
 * @param {File | NamedSource} file
 * @returns {NamedSource} with its path, where a folder was chosen
 */
function nameOf(file) {
  const { name, data, webkitRelativePath } = /** @type {any} */ (file ?? {});
  if (typeof name === 'string') return { name: webkitRelativePath || name, data: data ?? file };
  throw new ValueError(
    `The files of an ONNX model must be Files or have "name" and "data", not ${describe(file)}.`,
  );
}

/**
 * @param {NamedSource[]} given
 * @returns {ModelSource}
 */
function findMain(given) {
  const models = given.length === 1 ? given : given.filter(({ name }) => /\.onnx$/i.test(name));
  if (models.length === 1) return models[0].data;
  const names = given.map(({ name }) => quote(name)).slice(0, 5);
  throw new FileError(
    `Of the files one must be the model, with a name that ends in .onnx, and ${models.length} are: ` +
      `${names.join(', ')}${given.length > 5 ? ' and others' : ''}.`,
  );
}

/**
 * @param {string} location
 * @param {NamedSource[]} given
 * @returns {ModelSource | undefined} the file of that path, or the only one of that name
 */
function findOther(location, given) {
  const exact = given.find(({ name }) => name === location);
  const same = given.filter(({ name }) => baseName(name) === baseName(location));
  return exact ? exact.data : same.length === 1 ? same[0].data : undefined;
}

/** @param {string} path */
function baseName(path) {
  return path.slice(path.lastIndexOf('/') + 1);
}

/**
 * @param {ModelSource} main
 * @param {string} location a path of plain names, so that it leads to nothing outside main's folder
 * @returns {string | undefined} an address, if main is one that has something beside it
 */
function beside(main, location) {
  const address = main instanceof URL ? main.href : main;
  if (typeof address !== 'string' || /^(data|blob):/i.test(address)) return undefined;
  if (!/^[a-z][a-z\d+.-]+:\/\//i.test(address)) {
    return address.replace(/[^\\/]*$/, () => location);
  }
  const encoded = location.split('/').map(encodeURIComponent).join('/');
  return new URL(encoded, address).href;
}
