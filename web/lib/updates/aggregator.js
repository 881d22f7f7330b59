// SPDX-License-Identifier: Apache-2.0

import { checkBytes, checkInteger, checkOptions as checkKnown } from '../core/check.js';
import { Handle } from '../core/handle.js';
import { withBuffers } from '../core/memory.js';
import { callTraining, uploadTrainingBytes } from '../core/training.js';
import { checkOptions, checkOrigin } from './compressor.js';
import { describeLayout, listLayout, rememberNames } from './tensors.js';

/**
 * @typedef {import('../../../dist/lowtropy-training.js').NativeAggregator} NativeAggregator
 * @typedef {import('./compressor.js').CompressorOptions} CompressorOptions
 * @typedef {import('./compressor.js').MethodName} MethodName
 * @typedef {import('./compressor.js').Origin} Origin
 * @typedef {import('./tensors.js').Layout} Layout
 */

/**
 * The server's side where every worker gets the same message: the mean of the workers' updates
 * (of signsgd the vote of the majority), compressed again with a residual of its own.
 *
 * What is added up is of one round, and each sender counts once, so that a message which a network
 * delivers twice, or somebody repeats, does not outvote the others. Senders are told apart by the
 * number that `encode` puts into their messages, `{ sender }`, by default 0.
 *
 * @extends {Handle<NativeAggregator>}
 */
export class Aggregator extends Handle {
  static {
    Object.defineProperty(this, 'name', { value: 'Aggregator' });
  }

  /**
   * @param {MethodName | NativeAggregator} name as the workers' compressors or, for this library's
   *   own use, one that is there
   * @param {CompressorOptions} [options]
   * @param {Layout} [layout]
   * @throws {ValueError | ShapeError} as `Compressor`
   */
  constructor(name, options = {}, layout = {}) {
    super(typeof name === 'object' ? name : makeAggregator(name, options, layout));
  }

  /**
   * @param {Uint8Array} bytes of `save`
   * @returns {Aggregator}
   * @throws {FileError} with a sentence, for anything else
   */
  static restore(bytes) {
    const buffer = uploadTrainingBytes(checkBytes(bytes, 'A saved state'));
    return withBuffers(
      [buffer],
      () => new Aggregator(callTraining((native) => native.restoreAggregator(buffer))),
    );
  }

  /** How many messages were added since the last `finish`. */
  get count() {
    return this.native.count();
  }

  /**
   * @param {Uint8Array} bytes a worker's message
   * @param {{ round?: number }} [options] the round that it must be of
   * @throws {FileError | ShapeError | ValueError} for what is not a message, or of another method,
   *   other tensors or another round (than this one, and than those before), for a second one of
   *   its sender, and where the sum would overflow; then nothing is changed
   */
  add(bytes, options = {}) {
    const { native } = this;
    const { round } = checkKnown(options, 'Aggregator.add', ['round']);
    if (round !== undefined) checkInteger(round, 'The round', 0, 2 ** 32 - 1);
    const buffer = uploadTrainingBytes(checkBytes(bytes, 'A message'));
    withBuffers([buffer], () => callTraining(() => native.add(buffer, round)));
  }

  /**
   * @param {Origin} [origin]
   * @returns {Uint8Array<ArrayBuffer>} the message to all workers
   * @throws {ValueError} if no message was added, or if their mean does not fit onto the residual;
   *   what was added is then forgotten
   */
  finish(origin = {}) {
    const { native } = this;
    const { sender, round } = checkOrigin(origin, 'Aggregator.finish');
    return callTraining(() => native.finish(sender, round));
  }

  /** @returns {Uint8Array<ArrayBuffer>} the whole state, what was added included */
  save() {
    const { native } = this;
    return callTraining(() => native.save());
  }
}

/**
 * @param {string} name
 * @param {CompressorOptions} options
 * @param {Layout} layout
 */
function makeAggregator(name, options, layout) {
  checkOptions(name, options);
  const tensors = listLayout(layout);
  const { id, names } = describeLayout(tensors);
  const native = callTraining((module) => module.makeAggregator(name, options, tensors));
  rememberNames(id, names);
  return native;
}
