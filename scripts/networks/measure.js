// SPDX-License-Identifier: Apache-2.0

/** What a network costs in each format: bytes, operations and energy by the model, time measured. */

import { FORMATS, Matrix } from '../../web/lib/index.js';
import { interleave } from '../bench/interleave.js';
import { Random } from './random.js';

/**
 * @typedef {import('../../web/lib/index.js').FormatName} FormatName
 * @typedef {import('../../web/lib/index.js').Graph} Graph
 * @typedef {import('../../web/lib/index.js').Layer} Layer
 * @typedef {import('../../web/lib/index.js').Model} Model
 * @typedef {import('../../web/lib/index.js').Tensor} Tensor
 *
 * @typedef {{ add: number, multiply: number, energyPj: number }} Operations of one run's products
 *
 * @typedef {object} Row
 * @property {FormatName | 'auto'} format of all layers
 * @property {number} bytes of weights, biases and normalizations as held
 * @property {Operations} operations
 * @property {number} milliseconds median of one run
 * @property {Record<string, number>} [chosen] by auto: in how many layers each format
 */

/**
 * All that hold every layer, but for `blocks`, which is for products with one column: a convolution
 * walks it again and again.
 *
 * @param {readonly Layer[]} layers
 */
function measuredOf(layers) {
  return FORMATS.filter(
    (format) =>
      format !== 'blocks' && layers.every(({ bytesIn }) => Number.isFinite(bytesIn[format])),
  );
}

/**
 * The operations of one layer, in every format that holds it: as many products with a vector as it has columns.
 *
 * @param {Tensor} tensor
 * @param {Layer} layer
 * @returns {Record<FormatName, Operations>}
 */
function layerOperations({ data, rows, cols }, { columns, repeats, bytesIn }) {
  const source = Matrix.fromDense(data, rows, cols, { format: 'palette' });
  const products = columns * repeats;
  const held = FORMATS.filter((format) => Number.isFinite(bytesIn[format]));
  const entries = held.map((format) => {
    const matrix = source.to(format);
    const { ops, energyPj } = matrix.cost();
    matrix.dispose();
    const operations = {
      add: products * ops.add,
      multiply: products * ops.multiply,
      energyPj: products * energyPj,
    };
    return [format, operations];
  });
  source.dispose();
  return Object.fromEntries(entries);
}

/**
 * @param {Operations[]} list
 * @returns {Operations}
 */
function total(list) {
  /** @param {(each: Operations) => number} value */
  const sum = (value) => list.reduce((a, each) => a + value(each), 0);
  return {
    add: sum((each) => each.add),
    multiply: sum((each) => each.multiply),
    energyPj: sum((each) => each.energyPj),
  };
}

/** @param {Layer[]} layers */
function countFormats(layers) {
  /** @type {Record<string, number>} */
  const counts = {};
  for (const { format } of layers) counts[format] = (counts[format] ?? 0) + 1;
  return counts;
}

/**
 * @param {Model} auto the network, its formats chosen by `auto`
 * @param {Map<string, Tensor>} tensors
 * @param {{ rounds: number, warmUp: number }} options of timing
 * @returns {Promise<Row[]>} in the order of FORMATS, auto last
 */
export async function measureNetwork(auto, tensors, { rounds, warmUp }) {
  const { layers } = auto;
  const operations = layers.map((layer) =>
    layerOperations(/** @type {Tensor} */ (tensors.get(layer.weight)), layer),
  );
  const random = new Random(1, 'input');
  const length = auto.inputShape.reduce((product, n) => product * n, 1);
  const input = Float32Array.from({ length }, () => random.normal());
  /** @param {FormatName | 'auto'} format */
  const operationsOf = (format) =>
    total(operations.map((each, k) => each[format === 'auto' ? layers[k].format : format]));

  // One format at a time beside `auto`: all of them at once would not fit into 4 GB.
  /** @type {Row[]} */
  const rows = [];
  /** @type {number[]} */
  const ratios = [];
  /** @type {number[]} */
  const autoTimes = [];
  for (const format of measuredOf(layers)) {
    const model = auto.to(format);
    const [one, other] = await interleave(
      [
        { name: format, run: () => model.run(input) },
        { name: 'auto', run: () => auto.run(input) },
      ],
      { rounds, warmUp, leastMilliseconds: 0 },
    );
    ratios.push(one.median / other.median);
    autoTimes.push(other.median);
    rows.push({
      format,
      bytes: model.byteLength,
      operations: operationsOf(format),
      milliseconds: 0,
    });
    model.dispose();
  }
  const milliseconds = autoTimes.sort((a, b) => a - b)[autoTimes.length >> 1];
  rows.forEach((row, i) => (row.milliseconds = milliseconds * ratios[i]));
  rows.push({
    format: 'auto',
    bytes: auto.byteLength,
    operations: operationsOf('auto'),
    milliseconds,
    chosen: countFormats(layers),
  });
  return rows;
}
