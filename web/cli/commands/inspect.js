// SPDX-License-Identifier: Apache-2.0

import { FORMATS } from '../../lib/index.js';
import { openModel } from '../common/model.js';
import { formatBytes, formatTable, print, printable } from '../common/terminal.js';

/**
 * @typedef {import('../common/arguments.js').Command} Command
 * @typedef {import('../../lib/index.js').Layer} Layer
 * @typedef {import('../../lib/index.js').Model} Model
 * @typedef {ReturnType<typeof describe>} Description
 */

/** @type {Command} */
export const inspectCommand = {
  name: 'inspect',
  summary: 'show what a model file holds, layer by layer',
  usage: 'M.safetensors [--json]',
  files: [1, 1],
  options: [{ name: 'json', help: 'print one JSON object, with exact numbers' }],
  example: 'M.safetensors',
  notes: `M may be an address, too. Entropy is in bits per weight, p0 the share of the most frequent
value, distinct the number of different values, ratio how many times smaller than dense float32.
Sizes are in units of 1000 bytes.`,
  run,
};

/** @type {Command['run']} */
async function run({ json }, [file]) {
  const { model, fileBytes } = await openModel(file);
  const description = describe(file, fileBytes, model);
  model.dispose();
  print(json ? JSON.stringify(description, null, 2) : format(description));
  return 0;
}

/**
 * @param {string} file
 * @param {number} fileBytes
 * @param {Model} model
 */
function describe(file, fileBytes, model) {
  const { layers } = model;
  // A weight that several layers share is stored once.
  const stored = [...new Map(layers.map((layer) => [layer.weight, layer])).values()];
  /** @param {(layer: Layer) => number} value */
  const sum = (value) => stored.reduce((total, layer) => total + value(layer), 0);
  const otherBytes = model.byteLength - sum(({ bytes }) => bytes);
  return {
    file,
    name: model.graph.name,
    inputShape: model.inputShape,
    outputs: model.outputs,
    layers,
    totals: {
      weights: sum(({ rows, cols }) => rows * cols),
      nnz: sum(({ nnz }) => nnz),
      fileBytes,
      bytes: model.byteLength,
      denseBytes: model.denseByteLength,
      autoBytes: otherBytes + sum(({ bytesIn, autoFormat }) => bytesIn[autoFormat]),
      /** Biases and what else is no matrix; part of all the others. */
      vectorBytes: otherBytes,
      bytesIn: Object.fromEntries(
        FORMATS.map((name) => [name, otherBytes + sum(({ bytesIn }) => bytesIn[name])]),
      ),
    },
  };
}

/** @param {Description} description */
function format({ name, inputShape, layers, totals }) {
  const { weights, nnz, fileBytes, bytes, denseBytes, autoBytes, bytesIn } = totals;
  const overview = formatTable(
    ['layer', 'rows', 'cols', 'nnz', 'p0', 'entropy', 'distinct', 'format', 'size', 'ratio'],
    layers.map((layer) => [
      layer.name,
      `${layer.rows}`,
      `${layer.cols}`,
      `${layer.nnz}`,
      layer.p0.toFixed(3),
      layer.entropy.toFixed(2),
      `${layer.distinct}`,
      layer.format,
      formatBytes(layer.bytes),
      ratio(layer.bytesIn.dense, layer.bytes),
    ]),
  );
  const sizes = formatTable(
    ['bytes in', ...FORMATS],
    [
      ...layers.map((layer) => [layer.name, ...FORMATS.map((each) => `${layer.bytesIn[each]}`)]),
      ['total', ...FORMATS.map((each) => `${bytesIn[each]}`)],
    ],
  );
  const reasons = layers.map((layer) => `${layer.name}: ${layer.format}, ${layer.why}.`);
  const summary = formatTable(
    ['total', 'size', 'ratio'],
    [
      ['file', fileBytes],
      ['as held', bytes],
      ['auto', autoBytes],
      ...FORMATS.map((each) => /** @type {[string, number]} */ ([each, bytesIn[each]])),
    ].map(([what, size]) => [
      String(what),
      formatBytes(Number(size)),
      ratio(denseBytes, Number(size)),
    ]),
  );
  const share = weights ? ((100 * nnz) / weights).toFixed(1) : '0.0';
  return [
    printable(
      `${name}: input ${inputShape.join('×')}, ${layers.length} layers with ${weights} weights, ` +
        `${nnz} of them (${share} %) not 0`,
    ),
    overview,
    sizes,
    printable(reasons.join('\n')),
    summary,
  ].join('\n\n');
}

/**
 * @param {number} dense
 * @param {number} bytes
 */
function ratio(dense, bytes) {
  return bytes > 0 ? `${(dense / bytes).toFixed(1)}×` : '–';
}
