// SPDX-License-Identifier: Apache-2.0

/** onnxruntime-web in Node.js beside the importer: WebAssembly SIMD, one thread, in this process. */

import * as ort from 'onnxruntime-web';

ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

/** Of dimensions that a file leaves open. */
const OPEN_SIZE = 1;

/** Integers are below it: all tables of the networks at hand have as many rows. */
const NOISE_BELOW = 256;

/**
 * @typedef {Record<string, { data: any, shape: number[] }>} Tensors by name
 *
 * @typedef {object} Peer
 * @property {(random: () => number, largest?: number) => Tensors} draw noise for all its inputs: floats from
 *   -largest to largest, by default 1
 * @property {(inputs: Tensors) => () => Promise<Tensors>} prepare a run on these
 * @property {() => Promise<void>} release
 */

/**
 * @param {Uint8Array} bytes of an ONNX model
 * @returns {Promise<Peer>}
 */
export async function openPeer(bytes) {
  const session = await ort.InferenceSession.create(bytes, {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'all',
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
  });
  const inputs = session.inputMetadata.map((metadata) => {
    if (!metadata.isTensor) throw new Error(`${metadata.name} is no tensor.`);
    const { name, type } = metadata;
    return {
      name,
      type,
      shape: metadata.shape.map((d) => (typeof d === 'number' ? d : OPEN_SIZE)),
    };
  });
  return {
    draw(random, largest = 1) {
      const tensors = inputs.map(({ name, type, shape }) => {
        const size = shape.reduce((product, dim) => product * dim, 1);
        return [name, { data: noise(type, size, random, largest), shape }];
      });
      return Object.fromEntries(tensors);
    },
    prepare(given) {
      const feeds = Object.fromEntries(
        inputs.map(({ name, type }) => [name, theirTensor(type, given[name])]),
      );
      return async () => {
        const results = await session.run(feeds);
        return Object.fromEntries(
          Object.entries(results).map(([name, { data, dims }]) => [
            name,
            { data, shape: [...dims] },
          ]),
        );
      };
    },
    release: () => session.release(),
  };
}

/**
 * @param {string} type
 * @param {number} size
 * @param {() => number} random
 * @param {number} largest
 */
function noise(type, size, random, largest) {
  if (type === 'float32') {
    return Float32Array.from({ length: size }, () => largest * (2 * random() - 1));
  }
  return Int32Array.from({ length: size }, () => Math.floor(NOISE_BELOW * random()));
}

/**
 * @param {string} type
 * @param {Tensors[string]} tensor
 */
function theirTensor(type, { data, shape }) {
  const given = type === 'int64' ? BigInt64Array.from(data, BigInt) : data;
  return new ort.Tensor(/** @type {any} */ (type), given, shape);
}

/**
 * @param {Tensors} ours
 * @param {Tensors} theirs
 * @returns {number} the largest difference of an output, relative to the largest value of that; infinite where shapes
 *   differ or a number is none
 */
export function largestError(ours, theirs) {
  let worst = 0;
  for (const [name, { data, shape }] of Object.entries(theirs)) {
    const own = ours[name];
    if (own?.shape.join() !== shape.join()) return Infinity;
    let [error, largest] = [0, 0];
    for (let i = 0; i < data.length; ++i) {
      const difference = Math.abs(own.data[i] - Number(data[i]));
      if (Number.isNaN(difference)) return Infinity;
      error = Math.max(error, difference);
      largest = Math.max(largest, Math.abs(Number(data[i])));
    }
    worst = Math.max(worst, largest > 0 ? error / largest : error);
  }
  return worst;
}
