// SPDX-License-Identifier: Apache-2.0

import { FORMATS } from '../../lib/lowtropy.js';
import { openModel } from '../common/model.js';
import { formatBytes, formatTable, print, printable } from '../common/terminal.js';
import { measureSteps } from './inspect-times.js';

/**
 * @typedef {import('../common/arguments.js').Command} Command
 * @typedef {import('../../lib/lowtropy.js').Layer} Layer
 * @typedef {import('../../lib/lowtropy.js').Model} Model
 * @typedef {ReturnType<typeof describe>} Description
 */

/** @type {Command} */
export const inspectCommand = {
  name: 'inspect',
  summary: 'show what a model file holds and how long it runs, layer by layer',
  usage: 'M.safetensors [--json]',
  files: [1, 1],
  options: [{ name: 'json', help: 'print one JSON object, with exact numbers' }],
  example: 'M.safetensors',
  notes: `M may be an address, too. Entropy is in bits per weight, p0 the share of the most frequent
value, distinct the number of different values, ratio how many times smaller than dense float32.
Sizes are in units of 1000 bytes. A predicted time is that of the layer's matrix products by the
model that chooses formats, fitted on one machine; it is – (null in JSON) where the format is not
meant for such products. A measured one is the median on this machine, with all that is done in the
layer's step, such as a normalization that was fused into it.`,
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
  const times = measureSteps(model);
  const layers = model.layers.map((layer) => ({
    ...layer,
    measuredNanoseconds: times.nanoseconds.get(layer.name) ?? 0,
  }));
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
      /** Of the layers' matrix products. */
      nanoseconds: layers.reduce((total, { nanoseconds }) => total + nanoseconds, 0),
      /** Of a run, with the steps that are no layers: the median of so many. */
      measuredNanoseconds: times.total,
      measuredRuns: times.runs,
    },
  };
}

/** @param {Description} description */
function format({ name, inputShape, layers, totals }) {
  const { weights, nnz, fileBytes, bytes, denseBytes, autoBytes, bytesIn } = totals;
  const layersTime = layers.reduce((sum, layer) => sum + layer.measuredNanoseconds, 0);
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
  const times = formatTable(
    ['milliseconds', 'columns', 'predicted', 'measured'],
    [
      ...layers.map((layer) => [layer.name, `${layer.columns}`, ...timesOf(layer)]),
      ['all layers', '', ...timesOf({ ...totals, measuredNanoseconds: layersTime })],
      [`whole, ${totals.measuredRuns} runs`, '', '', milliseconds(totals.measuredNanoseconds)],
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
    times,
    sizes,
    printable(reasons.join('\n')),
    summary,
  ].join('\n\n');
}

/** @param {number} nanoseconds infinite where nothing is predicted */
function milliseconds(nanoseconds) {
  return Number.isFinite(nanoseconds) ? (nanoseconds / 1e6).toFixed(3) : '–';
}

/** @param {{ nanoseconds: number, measuredNanoseconds: number }} times */
function timesOf({ nanoseconds, measuredNanoseconds }) {
  return [milliseconds(nanoseconds), milliseconds(measuredNanoseconds)];
}

/**
 * @param {number} dense
 * @param {number} bytes
 */
function ratio(dense, bytes) {
  return bytes > 0 ? `${(dense / bytes).toFixed(1)}×` : '–';
}
