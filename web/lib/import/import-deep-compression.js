// SPDX-License-Identifier: Apache-2.0

import { checkBytes, checkOptions } from '../core/check.js';
import { FileError, UnsupportedError, ValueError } from '../core/errors.js';
import { DEPLOY_FILE, HEAD_BYTES, kindOf } from '../core/file-kinds.js';
import { init } from '../core/module.js';
import { describe } from '../core/tags.js';
import { makeTextEncoder } from '../core/places.js';
import { BUILD_OPTIONS, Model } from '../model/model.js';
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
 * @throws {FileError} if either is damaged, another kind of file, or does not belong to the other;
 *   names the layer
 * @throws {UnsupportedError} for layers that this library does not have
 * @throws {LimitError} where the network, or its weights as dense float32, ask for more than
 *   `maxMemory` or `maxWork`; says how much
 * @throws {MemoryError} if the weights do not fit into memory; says how much was needed
 */
export async function importDeepCompression(netBytes, prototxtText, options = {}) {
  const checked = checkOptions(options, 'importDeepCompression', BUILD_OPTIONS);
  const net = checkBytes(netBytes, 'The .net file');
  if (typeof prototxtText !== 'string') {
    throw new ValueError(`The prototxt must be its text, a string, not ${describe(prototxtText)}.`);
  }
  await init();
  return naming(net, prototxtText, () => {
    const { graph, tensors, total } = openDeepCompression(net, prototxtText, checked);
    return Model.encode(graph, tensors, total, checked);
  });
}

/**
 * Where the files are refused and are of another kind, that is what is said.
 *
 * @template T
 * @param {Uint8Array} net
 * @param {string} prototxt
 * @param {() => Promise<T>} read
 * @returns {Promise<T>}
 */
async function naming(net, prototxt, read) {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof FileError || error instanceof UnsupportedError)) throw error;
    const textKind = kindOf(makeTextEncoder().encode(prototxt.slice(0, HEAD_BYTES)));
    if (textKind && textKind !== DEPLOY_FILE) {
      throw new FileError(`The prototxt is no Caffe deploy file; it is ${textKind}.`);
    }
    const kind = kindOf(net);
    throw kind ? new FileError(`The .net file is not of Deep Compression; it is ${kind}.`) : error;
  }
}
