// SPDX-License-Identifier: Apache-2.0

/**
 * Model files of any size that never exist as a whole: equal dense layers, one after the other,
 * written as cpp/lowtropy/io/FORMAT.md says and without any code of the library but CRC-32.
 */

import { crc32 } from '../../../web/lib/core/crc32.js';

/**
 * @typedef {object} DenseFile
 * @property {number} size of the file, in bytes
 * @property {Uint8Array} header the bytes before the data
 * @property {Uint8Array} layer the bytes of one layer, which follow as often as there are layers
 * @property {() => AsyncGenerator<Uint8Array>} stream the file, piece by piece
 * @property {(input: Float32Array) => Float32Array} run what the network is to give
 */

const PIECE_BYTES = 1 << 22;

/** @param {number} checksum */
const hex = (checksum) => checksum.toString(16).padStart(8, '0');

/** @param {number} row @param {number} n @returns {[number, number]} where a row is not 0 */
const columnsOf = (row, n) => [(5 * row + 1) % n, (7 * row + 3) % n];

/** 1 and -0.5, or their sum: products of small integers with many such layers are exact. */
const ROW_VALUES = /** @type {const} */ ([1, -0.5]);

/** @param {number} n @returns {Uint8Array} n·n float32, row by row */
function layerBytes(n) {
  const weights = new Float32Array(n * n);
  for (let row = 0; row < n; ++row) {
    columnsOf(row, n).forEach((col, i) => (weights[row * n + col] += ROW_VALUES[i]));
  }
  return new Uint8Array(weights.buffer);
}

/**
 * @param {Float32Array} input
 * @param {number} layers
 * @returns {Float32Array}
 */
function runLayers(input, layers) {
  let values = input;
  for (let i = 0; i < layers; ++i) {
    const before = values;
    values = before.map((_, row) => {
      const [a, b] = columnsOf(row, before.length);
      return ROW_VALUES[0] * before[a] + ROW_VALUES[1] * before[b];
    });
  }
  return values;
}

/**
 * @param {number} layers
 * @param {number} n
 * @param {string} checksum of the bytes of a layer
 */
function headerBytes(layers, n, checksum) {
  const names = Array.from({ length: layers }, (_, i) => `w${String(i).padStart(3, '0')}`);
  const nodes = names.map((weight, i) => {
    const [before, output] = [i === 0 ? 'data' : `fc${i - 1}`, `fc${i}`];
    return { op: 'fc', name: output, inputs: [before], output, weight, outChannels: n };
  });
  const graph = {
    name: 'large',
    input: { name: 'data', shape: [n, 1, 1] },
    outputs: [`fc${layers - 1}`],
    nodes,
  };
  /** @param {any} value by name @param {string} [suffix] of the names */
  const byName = (value, suffix = '') =>
    Object.fromEntries(names.map((name) => [name + suffix, value]));
  const header = {
    __metadata__: {
      format: 'lowtropy',
      version: '1',
      checksum: '00000000',
      graph: JSON.stringify(graph),
      matrices: JSON.stringify(byName({ format: 'dense', rows: n, cols: n })),
      checksums: JSON.stringify(byName(checksum, '.values')),
    },
    ...Object.fromEntries(
      names.map((name, i) => {
        const offsets = [4 * n * n * i, 4 * n * n * (i + 1)];
        return [`${name}.values`, { dtype: 'F32', shape: [n * n], data_offsets: offsets }];
      }),
    ),
  };
  const json = JSON.stringify(header);
  const bytes = Buffer.alloc(64 * Math.ceil((8 + json.length) / 64), ' ');
  bytes.writeBigUInt64LE(BigInt(bytes.length - 8));
  bytes.write(json, 8);
  bytes.write(hex(crc32(bytes)), bytes.indexOf('00000000'));
  return bytes;
}

/**
 * @param {number} layers
 * @param {number} n rows and columns of each
 * @returns {DenseFile}
 */
export function makeDenseFile(layers, n) {
  const layer = layerBytes(n);
  const header = headerBytes(layers, n, hex(crc32(layer)));
  return {
    size: header.length + layers * layer.length,
    header,
    layer,
    async *stream() {
      yield header;
      for (let i = 0; i < layers; ++i) {
        for (let at = 0; at < layer.length; at += PIECE_BYTES) {
          yield layer.subarray(at, at + PIECE_BYTES);
        }
      }
    },
    run: (input) => runLayers(input, layers),
  };
}
