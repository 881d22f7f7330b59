// SPDX-License-Identifier: Apache-2.0

/**
 * The entry `lowtropy/onnx`: `importOnnx` without a part that is loaded later, for service workers, which
 * have no `import()`, and for bundles of one file.
 *
 * @typedef {import('./import/onnx/import-onnx.js').ImportOptions} ImportOptions
 * @typedef {import('./import/onnx/read.js').OnnxSource} OnnxSource
 */

export { importOnnx } from './import/onnx/import-onnx.js';
