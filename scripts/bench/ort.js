// SPDX-License-Identifier: Apache-2.0

/** onnxruntime-web in Node.js as the dense peer: WebAssembly SIMD, one thread, in this process. */

import * as ort from 'onnxruntime-web';

ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

/**
 * @typedef {object} OrtRunner
 * @property {(input: Float32Array) => Promise<Float32Array>} run the first output
 * @property {(input: Float32Array) => Promise<Map<string, Float32Array>>} runAll every output
 * @property {() => Promise<void>} release
 */

/**
 * @param {Uint8Array} model an ONNX model with one input, of fixed shape
 * @returns {Promise<OrtRunner>}
 */
export async function openOrt(model) {
  const session = await ort.InferenceSession.create(model, {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'all',
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
  });
  const [inputName] = session.inputNames;
  const [metadata] = session.inputMetadata;
  if (!metadata.isTensor) throw new Error(`The model's input "${inputName}" is not a tensor.`);
  const dims = metadata.shape.map(Number);
  /** @param {Float32Array} input */
  const runAll = async (input) => {
    const results = await session.run({ [inputName]: new ort.Tensor('float32', input, dims) });
    return new Map(
      session.outputNames.map((name) => [name, /** @type {Float32Array} */ (results[name].data)]),
    );
  };
  return {
    runAll,
    async run(input) {
      return /** @type {Float32Array} */ ((await runAll(input)).get(session.outputNames[0]));
    },
    release: () => session.release(),
  };
}
