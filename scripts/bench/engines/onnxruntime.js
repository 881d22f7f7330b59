// SPDX-License-Identifier: Apache-2.0

import { toOnnx } from '../onnx.js';
import { openOrt } from '../ort.js';

/** onnxruntime-web, its WebAssembly with SIMD on one thread. @type {import('./engine.js').Engine} */
export const onnxruntime = {
  name: 'onnxruntime-web',
  async open({ graph, tensors }, input) {
    const { run, release } = await openOrt(toOnnx(graph, tensors));
    return { run: () => run(input), close: release };
  },
};
