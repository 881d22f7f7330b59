// SPDX-License-Identifier: Apache-2.0

import { checkBytes, checkInteger, checkOptions } from '../core/check.js';
import { ValueError } from '../core/errors.js';
import { refusePointer } from '../core/file-kinds.js';
import { Handle } from '../core/handle.js';
import { withBuffers } from '../core/memory.js';
import { callTraining, uploadTrainingBytes } from '../core/training.js';

/**
 * @typedef {import('../../../dist/lowtropy-training.js').DatasetShape} DatasetShape
 * @typedef {import('../../../dist/lowtropy-training.js').NativeDataset} NativeDataset
 *
 * @typedef {object} Example
 * @property {Float32Array} inputs channels x height x width values from 0 to 1; of a text, the
 *   numbers of its characters in the alphabet
 * @property {Uint32Array} labels one; of a text, for each character the number of the next
 */

const MOST = 2 ** 32 - 1;

/**
 * Examples to learn from. Immutable. `await initTraining()` first.
 *
 * @extends {Handle<NativeDataset>}
 */
export class Dataset extends Handle {
  static {
    Object.defineProperty(this, 'name', { value: 'Dataset' });
  }

  /**
   * Digits as if written by hand, 28 x 28, drawn from strokes that vary by chance.
   *
   * @param {{ count: number, seed?: number }} options equal seeds give equal digits
   * @returns {Dataset}
   * @throws {ValueError} unless there are 1 to 1,000,000
   */
  static digits(options) {
    const { count, seed = 1 } = checkOptions(options, 'Dataset.digits', ['count', 'seed']);
    checkInteger(count, 'The number of digits', 1, MOST);
    checkInteger(seed, 'The seed of the digits', 0, MOST);
    return new Dataset(callTraining((native) => native.makeDigits(count, seed)));
  }

  /**
   * Grey images with labels, such as MNIST.
   *
   * @param {Uint8Array} images an IDX file, not compressed
   * @param {Uint8Array} labels as many, from 0 to 9, likewise
   * @returns {Dataset}
   * @throws {FileError} if either is anything else
   */
  static idx(images, labels) {
    const [imageBytes, labelBytes] = [
      refusePointer(checkBytes(images, 'The images'), 'The images are'),
      refusePointer(checkBytes(labels, 'The labels'), 'The labels are'),
    ];
    const buffers = [uploadTrainingBytes(imageBytes)];
    return withBuffers(buffers, () => {
      buffers.push(uploadTrainingBytes(labelBytes));
      return new Dataset(callTraining((native) => native.readIdx(buffers[0], buffers[1])));
    });
  }

  /**
   * A text, to learn which character comes next.
   *
   * @param {Uint8Array} text its bytes are the characters
   * @param {{ steps?: number }} [options] characters of an example
   * @returns {Dataset}
   * @throws {ValueError} unless there are more characters than steps
   */
  static text(text, options = {}) {
    const { steps = 50 } = checkOptions(options, 'Dataset.text', ['steps']);
    checkInteger(steps, 'The steps of a text', 1, MOST);
    const buffer = uploadTrainingBytes(refusePointer(checkBytes(text, 'The text'), 'The text is'));
    return withBuffers(
      [buffer],
      () => new Dataset(callTraining((native) => native.readText(buffer, steps))),
    );
  }

  /** How many examples there are. */
  get size() {
    return this.native.size();
  }

  /** Labels are below this; of a text, the size of its alphabet. */
  get classes() {
    return this.shape.classes;
  }

  /** @returns {DatasetShape} of one example */
  get shape() {
    return this.native.shape();
  }

  /**
   * `count` examples starting with `from`, sharing the memory.
   *
   * @param {number} from
   * @param {number} count
   * @returns {Dataset} to be disposed of by itself
   * @throws {ValueError} unless there are that many, and at least one
   */
  slice(from, count) {
    checkInteger(from, 'The first example', 0, MOST);
    checkInteger(count, 'The number of examples', 1, MOST);
    const { native } = this;
    return new Dataset(callTraining(() => native.slice(from, count)));
  }

  /**
   * @param {number} index
   * @returns {Example}
   * @throws {ValueError} if there is none
   */
  example(index) {
    const { native } = this;
    checkInteger(index, 'The example', 0, this.size - 1);
    return callTraining(() => native.example(index));
  }

  /**
   * Shares the examples out among workers.
   *
   * @param {number} workers
   * @param {string} [split] 'iid': by chance; 'labels:C': each worker sees at most C of the classes
   * @param {number} [seed]
   * @returns {Array<Uint32Array<ArrayBuffer>>} the numbers of each worker's examples
   * @throws {ValueError} if there is not at least one example for each
   */
  shards(workers, split = 'iid', seed = 1) {
    checkInteger(workers, 'The number of workers', 1, MOST);
    checkInteger(seed, 'The seed', 0, MOST);
    const labels = /^labels:([1-9]\d{0,8})$/.exec(split)?.[1] ?? (split === 'iid' ? 0 : undefined);
    if (labels === undefined) {
      throw new ValueError(
        `The split must be iid or labels:C, C classes for each worker, not "${split}".`,
      );
    }
    const { native } = this;
    return callTraining(() => native.shards(workers, Number(labels), seed));
  }
}
