// SPDX-License-Identifier: Apache-2.0

import { Model } from '../model/model.js';
import { openDeepCompression } from './deep-compression.js';

/**
 * @typedef {import('../model/model.js').BuildOptions} BuildOptions
 */

/**
 * A model from a network that Deep Compression (arXiv:1510.00149) pruned and quantized.
 *
 * @param {Uint8Array | ArrayBuffer} netBytes the `.net` file
 * @param {string} prototxtText the Caffe deploy file it belongs to
 * @param {BuildOptions} [options]
 * @returns {Promise<Model>}
 * @throws {FileError} if either is damaged or one does not belong to the other; names the layer
 * @throws {UnsupportedError} for layers that this library does not have
 * @throws {LimitError} where the network, or its weights as dense float32, ask for more than
 *   `maxMemory` or `maxWork`; says how much
 * @throws {MemoryError} if the weights do not fit into memory; says how much was needed
 */
export async function importDeepCompression(netBytes, prototxtText, options = {}) {
  const { graph, tensors, total } = openDeepCompression(netBytes, prototxtText, options);
  return Model.encode(graph, tensors, total, options);
}
