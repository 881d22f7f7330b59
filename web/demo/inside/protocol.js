// SPDX-License-Identifier: Apache-2.0

/**
 * What this view's parts tell each other: shapes only.
 *
 * @typedef {'dense' | 'csr' | 'cer' | 'cser'} Format
 *
 * @typedef {object} Grid a matrix
 * @property {number} rows
 * @property {number} cols
 * @property {number[]} values row-major, each a float32
 *
 * @typedef {object} State all that the address tells
 * @property {Grid} matrix
 * @property {number[]} x the right-hand side of the product
 * @property {number} draw the seed of the last matrix that was drawn; 0: none was
 * @property {Format} format whose product is stepped through
 * @property {number} step how many steps of it are done
 * @property {number} n elements of the update
 * @property {number} p the share of them that is sent
 * @property {number} seed of the update
 *
 * @typedef {object} Stored an array of a format
 * @property {string} name
 * @property {number} bits of each element
 * @property {number[]} values
 *
 * @typedef {Record<string, ArrayLike<number>>} Arrays by name
 *
 * @typedef {object} Encoded a matrix in one format
 * @property {Stored[]} arrays
 * @property {number} bytes
 * @property {{ add: number, multiply: number, read: number, write: number }} ops
 * @property {number[]} y the library's own product
 *
 * @typedef {object} MatrixAnswer
 * @property {Grid} matrix that was asked for
 * @property {number[]} x
 * @property {import('../../lib/lowtropy.js').Stats} stats
 * @property {Record<Format, Encoded>} formats
 *
 * @typedef {object} UpdateAnswer
 * @property {number} n
 * @property {number} p
 * @property {Float32Array} values the update
 * @property {Uint8Array} bytes the message
 * @property {number[]} indices that it sends, by the library's decoder
 * @property {number} value that it sends for each
 * @property {Float32Array} residual
 *
 * @typedef {{
 *   matrix: [{ matrix: Grid, x: number[] }, MatrixAnswer],
 *   update: [{ n: number, p: number, seed: number }, UpdateAnswer],
 * }} InsideRequests
 */

/** In the order of the picture. @type {readonly Format[]} */
export const FORMATS = ['dense', 'csr', 'cer', 'cser'];

export const MOST_SIDE = 8;
