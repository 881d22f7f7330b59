// SPDX-License-Identifier: Apache-2.0

import { FORMATS } from '../../../dist/lowtropy.formats.js';
import { checkOptions } from './check.js';
import { ShapeError, ValueError } from './errors.js';
import { Handle } from './handle.js';
import {
  checkCount,
  checkLength,
  copyOut,
  makeBuffer,
  takeFloats,
  uploadFloats,
  withBuffers,
} from './memory.js';
import { call, getNative } from './module.js';
import { describe } from './tags.js';
import { withSource } from './weights.js';

/**
 * @typedef {import('../../../dist/lowtropy.js').FormatName} FormatName
 * @typedef {import('../../../dist/lowtropy.js').NativeMatrix} NativeMatrix
 * @typedef {import('../../../dist/lowtropy.js').Stats} Stats
 * @typedef {import('../../../dist/lowtropy.js').Cost} Cost
 * @typedef {import('../../../dist/lowtropy.js').Choice} Choice
 * @typedef {Float32Array | Uint8Array | Uint16Array | Uint32Array} StoredArray
 */

export { FORMATS };

/**
 * @param {unknown} format
 * @returns {FormatName | 'auto'}
 * @throws {ValueError}
 */
export function checkFormat(format) {
  const known = /** @type {const} */ (['auto', ...FORMATS]);
  const found = known.find((name) => name === format);
  if (found) return found;
  const given = typeof format === 'object' ? describe(format) : `"${String(format)}"`;
  throw new ValueError(`There is no format ${given}; there are ${known.join(', ')}.`);
}

/** @type {Record<string, new (buffer: ArrayBuffer) => StoredArray>} */
const ARRAY_TYPES = { U8: Uint8Array, U16: Uint16Array, U32: Uint32Array, F32: Float32Array };

/**
 * A float32 matrix held in one of the formats, losslessly. Immutable.
 *
 * @extends {Handle<NativeMatrix>}
 */
export class Matrix extends Handle {
  static {
    // Names in messages survive a bundler's renaming.
    Object.defineProperty(this, 'name', { value: 'Matrix' });
  }

  /**
   * @param {Float32Array | Float64Array | number[]} values row-major; finite, −0 is kept
   * @param {number} rows
   * @param {number} cols
   * @param {{ format?: FormatName | 'auto' }} [options] by default auto: the smallest format among
   *   those about as fast as the fastest, for products with one column
   * @returns {Matrix}
   * @throws {ShapeError} unless there are rows · cols values
   * @throws {ValueError} for NaN and infinities, naming row and column, for unknown formats and
   *   options
   * @throws {MemoryError} where there is no room; says how much was needed
   */
  static fromDense(values, rows, cols, options = {}) {
    const { format = 'auto' } = checkOptions(options, 'Matrix.fromDense', ['format']);
    checkCount(rows, 'The number of rows');
    checkCount(cols, 'The number of columns');
    checkFormat(format);
    getNative();
    const floats = takeFloats(values, 'The values of a matrix', (length) =>
      checkLength(length, rows * cols, `A matrix of ${rows}×${cols}`),
    );
    return Matrix.#from({ data: floats }, rows, cols, format);
  }

  /**
   * A matrix of quantized weights: each is scale · (integer − zero point), rounded to float32. Where
   * each row has a scale of its own, the integers are held at their entropy and the scales beside them
   * (`scaled`), as long as all are positive and not all the same.
   *
   * @param {Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array} integers row-major
   * @param {number} rows
   * @param {number} cols
   * @param {object} options
   * @param {Float32Array | Float64Array | number[]} options.scales one for all, one a row, or one for
   *   each block of a row, row-major
   * @param {Int32Array} [options.zeroPoints] as many; by default 0
   * @param {number} [options.block] how many columns of a row share a scale; by default all
   * @param {FormatName | 'auto'} [options.format] by default auto, as of `fromDense`
   * @returns {Matrix}
   * @throws {ShapeError} where sizes do not fit
   * @throws {ValueError} for scales that are not finite, products that are too large, unknown formats
   *   and options
   * @throws {MemoryError} where there is no room; says how much was needed
   */
  static fromQuantized(integers, rows, cols, options) {
    const known = ['scales', 'zeroPoints', 'block', 'format'];
    const { format = 'auto', ...rest } = checkOptions(options, 'Matrix.fromQuantized', known);
    checkCount(rows, 'The number of rows');
    checkCount(cols, 'The number of columns');
    checkFormat(format);
    getNative();
    return Matrix.#from({ integers, .../** @type {any} */ (rest) }, rows, cols, format);
  }

  /**
   * @param {import('./weights.js').Weights | { data: import('./memory.js').Floats }} weights
   * @param {number} rows
   * @param {number} cols
   * @param {FormatName | 'auto'} format
   */
  static #from(weights, rows, cols, format) {
    return withSource(
      /** @type {any} */ (weights),
      rows,
      cols,
      'The matrix',
      (source) => new Matrix(call((native) => native.matrixFrom(source, format))),
    );
  }

  /** @returns {FormatName} */
  get format() {
    return this.native.format();
  }

  /** Whether it is diag(s) · C with C in the format: then `stats` are those of C. @returns {boolean} */
  get scaled() {
    return this.native.scaled();
  }

  get rows() {
    return this.native.rows();
  }

  get cols() {
    return this.native.cols();
  }

  /** Bytes of all arrays as stored. */
  get byteLength() {
    return this.native.byteLength();
  }

  /**
   * The statistics of arXiv:1805.10692, section II.
   *
   * @returns {Stats}
   */
  stats() {
    const { native } = this;
    return call(() => native.stats());
  }

  /**
   * What one y = W · x costs, by the model of arXiv:1805.10692, section IV.
   *
   * @returns {Cost}
   */
  cost() {
    const { native } = this;
    return call(() => native.cost());
  }

  /**
   * What `auto` would pick for products with `columns` columns, and why.
   *
   * @param {number} [columns]
   * @returns {Choice}
   */
  choice(columns = 1) {
    const { native } = this;
    checkCount(columns, 'The number of columns');
    return call(() => native.choice(columns));
  }

  /**
   * Copies of the arrays as stored, by the names of the format's documentation: `values`, `omega`,
   * `codes`, `colI`, `omegaPtr`, `omegaI`, `rowPtr`, and `rowScale` of a scaled one. Index arrays are at the narrowest width.
   *
   * @returns {Record<string, StoredArray>}
   */
  arrays() {
    const { native } = this;
    let list = call(() => native.arrays());
    // Making the list allocates: where the heap had to grow for that, its first views are dead, and
    // the second attempt finds the room.
    if (list.some(({ bytes }) => bytes.buffer.byteLength === 0)) list = call(() => native.arrays());
    return Object.fromEntries(
      list.map(({ name, type, bytes }) => [
        name,
        new ARRAY_TYPES[type](new Uint8Array(bytes).buffer),
      ]),
    );
  }

  /**
   * W · X on the compressed form. NaN and infinities in X count as in IEEE 754, in every format: a
   * weight of 0 makes NaN of them.
   *
   * @param {Float32Array | Float64Array | number[]} x cols × n values, row-major; n = 1 is a vector
   * @param {number} [n] columns of X
   * @returns {Float32Array<ArrayBuffer>} rows × n, row-major
   * @throws {ShapeError} unless x has cols · n values
   */
  multiply(x, n = 1) {
    const { native, rows, cols } = this;
    checkCount(n, 'The number of columns');
    const floats = takeFloats(x, 'The right-hand side', (length) => {
      checkLength(length, cols * n, `The right-hand side of ${cols}×${n}`);
      if (length >= 2 ** 32) {
        throw new ShapeError(`A right-hand side of ${cols}×${n} is too large for one product.`);
      }
    });
    const input = uploadFloats(floats, getNative().columnSlack);
    return withBuffers([input], () => {
      const output = makeBuffer(4 * rows * n);
      return withBuffers([output], () => {
        call(() => native.multiply(input, n, output));
        return copyOut(output.floats());
      });
    });
  }

  /** @returns {Float32Array<ArrayBuffer>} rows × cols, row-major: bit for bit what went in */
  toDense() {
    const { native, rows, cols } = this;
    const values = makeBuffer(4 * rows * cols);
    return withBuffers([values], () => {
      call(() => native.toDense(values));
      return copyOut(values.floats());
    });
  }

  /**
   * @param {FormatName | 'auto'} format
   * @returns {Matrix} the same values in another format; to be disposed of by itself
   */
  to(format) {
    const { native } = this;
    checkFormat(format);
    return new Matrix(call(() => native.to(format)));
  }
}
