// SPDX-License-Identifier: Apache-2.0

import { Model } from '../model/model.js';
import { readDeepCompression } from './deep-compression.js';

/**
 * @typedef {import('../model/model.js').Formats} Formats
 * @typedef {import('../model/source.js').Progress} Progress
 */

/**
 * A model from a network that Deep Compression (arXiv:1510.00149) pruned and quantized.
 *
 * @param {Uint8Array | ArrayBuffer} netBytes the `.net` file
 * @param {string} prototxtText the Caffe deploy file it belongs to
 * @param {{ format?: Formats, onProgress?: (progress: Progress) => void }} [options] format: by
 *   default auto; onProgress: called for each layer, with bytes as dense float32
 * @returns {Promise<Model>}
 * @throws {FileError} if either is damaged or one does not belong to the other; names the layer
 * @throws {UnsupportedError} for layers that this library does not have
 * @throws {MemoryError} if the weights do not fit into memory; says how much was needed
 */
export async function importDeepCompression(netBytes, prototxtText, options = {}) {
  const { graph, tensors } = readDeepCompression(netBytes, prototxtText);
  return Model.fromGraph(graph, tensors, { ...options, consume: true });
}
