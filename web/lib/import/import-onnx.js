// SPDX-License-Identifier: Apache-2.0

/**
 * The importer of ONNX is loaded when it is first used: it is as large as all else. Where there is no
 * `import()`, in service workers and in bundles of one file, the entry `lowtropy/onnx` has it at once.
 */

/**
 * @typedef {import('./onnx/import-onnx.js').ImportOptions} ImportOptions
 * @typedef {import('./onnx/read.js').OnnxSource} OnnxSource
 */

/**
 * A model from a network in ONNX, as PyTorch, TensorFlow and others export it. Its values are those of
 * onnxruntime. What cannot be imported is refused as a whole, with everything that stands in the way.
 *
 * @param {OnnxSource} source its bytes, or where to get them; a list of files, where it has external data
 * @param {ImportOptions} [options]
 * @returns {Promise<import('../model/model.js').Model>}
 * @throws {FileError} if it is damaged, or another kind of file
 * @throws {UnsupportedError} for what this library does not have, all of it at once: operators with their
 *   nodes, and why
 * @throws {ShapeError} for sizes that have to be given, or that do not fit
 * @throws {ValueError} for options that there are not or that cannot be
 * @throws {LimitError} where the network asks for more than `maxMemory` or `maxWork`; says how much
 * @throws {MemoryError} if the weights do not fit into memory; says how much was needed
 */
export async function importOnnx(source, options = {}) {
  const importer = await import('./onnx/import-onnx.js');
  return importer.importOnnx(source, options);
}
