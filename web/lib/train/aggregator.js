// SPDX-License-Identifier: Apache-2.0

import { Handle } from '../core/handle.js';
import { withBuffers } from '../core/memory.js';
import { callTraining, uploadTrainingBytes } from '../core/training.js';
import { checkOptions } from './compressor.js';
import { describeLayout, listLayout, rememberNames } from './tensors.js';

/**
 * @typedef {import('./compressor.js').CompressorOptions} CompressorOptions
 * @typedef {import('./compressor.js').MethodName} MethodName
 * @typedef {import('./compressor.js').Origin} Origin
 * @typedef {import('./tensors.js').Layout} Layout
 */

/**
 * The server's side where every worker gets the same message: the mean of the workers' updates
 * (of signsgd the vote of the majority), compressed again with a residual of its own.
 *
 * @extends {Handle<import('../../../dist/lowtropy-training.js').NativeAggregator>}
 */
export class Aggregator extends Handle {
  static {
    Object.defineProperty(this, 'name', { value: 'Aggregator' });
  }

  /**
   * @param {MethodName} name as the workers' compressors
   * @param {CompressorOptions} options
   * @param {Layout} layout
   * @throws {ValueError | ShapeError} as `Compressor`
   */
  constructor(name, options, layout) {
    checkOptions(name, options);
    const tensors = listLayout(layout);
    const { id, names } = describeLayout(tensors);
    super(callTraining((native) => native.makeAggregator(name, options, tensors)));
    rememberNames(id, names);
  }

  /** How many messages were added since the last `finish`. */
  get count() {
    return this.native.count();
  }

  /**
   * @param {Uint8Array} bytes a worker's message
   * @param {number} round that it must be of
   * @throws {FileError | ShapeError | ValueError} for what is not a message, or of another method,
   *   other tensors or another round; then nothing is changed
   */
  add(bytes, round) {
    const { native } = this;
    const buffer = uploadTrainingBytes(bytes);
    withBuffers([buffer], () => callTraining(() => native.add(buffer, round)));
  }

  /**
   * @param {Origin} [origin]
   * @returns {Uint8Array<ArrayBuffer>} the message to all workers
   * @throws {ValueError} if no message was added
   */
  finish({ round = 0, sender = 0 } = {}) {
    const { native } = this;
    return callTraining(() => native.finish(sender, round));
  }

  /** @returns {Uint8Array<ArrayBuffer>} residual and random state; not what was added */
  save() {
    const { native } = this;
    return callTraining(() => native.save());
  }

  /**
   * @param {Uint8Array} bytes of `save`
   * @throws {FileError}
   */
  restore(bytes) {
    const { native } = this;
    const buffer = uploadTrainingBytes(bytes);
    withBuffers([buffer], () => callTraining(() => native.restore(buffer)));
  }
}
