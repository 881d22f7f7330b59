// SPDX-License-Identifier: Apache-2.0

import { FORMATS } from '../../lib/lowtropy.js';
import { LIMIT_OPTIONS, chosenLimits } from '../common/arguments.js';
import { describeInputs } from '../common/inputs.js';
import { openModel, readModelFile } from '../common/model.js';
import { formatBytes, formatTable, makeProgress, print, printable } from '../common/terminal.js';
import { measureSteps, noTimes } from './inspect-times.js';
import { inspectWeights, isForeign } from './inspect-weights.js';

/**
 * @typedef {import('../common/arguments.js').Command} Command
 * @typedef {import('../../lib/lowtropy.js').Layer} Layer
 * @typedef {import('../../lib/lowtropy.js').Model} Model
 * @typedef {import('./inspect-times.js').StepTimes} StepTimes
 * @typedef {Awaited<ReturnType<typeof describe>>} Description
 */

/** @type {Command} */
export const inspectCommand = {
  name: 'inspect',
  summary: 'show what a model file holds and how long it runs, layer by layer',
  usage: 'M.safetensors [--no-times] [--json]',
  files: [1, 1],
  options: [
    { name: 'no-times', help: 'do not run the network' },
    ...LIMIT_OPTIONS,
    { name: 'json', help: 'print one JSON object, with exact numbers' },
  ],
  example: 'M.safetensors',
  notes: `M may be an address, too. Entropy is in bits per weight, p0 the share of the most frequent
value, distinct the number of different values, ratio how many times smaller than dense float32.
Sizes are in units of 1000 bytes. A predicted time is that of the layer's matrix products by the
model that chooses formats, fitted on one machine; it is – (null in JSON) where the format is not
meant for such products. A measured one is the median on this machine, with all that is done in the
layer's step, such as a normalization that was fused into it. A slow network is run just once, and
one that would take more than some ten seconds not at all. Of a safetensors file of others its
matrices are shown, and what each format would take.`,
  run,
};

/** @type {Command['run']} */
async function run(values, [file]) {
  const { json } = values;
  const limits = chosenLimits(values, 'inspect');
  const input = await readModelFile(file);
  if (typeof input !== 'string' && isForeign(input)) {
    await inspectWeights(file, input, Boolean(json));
    return 0;
  }
  const { model, fileBytes } = await openModel(file, limits, input);
  const description = await describe(file, fileBytes, model, !values['no-times']);
  model.dispose();
  print(json ? JSON.stringify(description, null, 2) : format(description));
  return 0;
}

/**
 * @param {string} file
 * @param {number} fileBytes
 * @param {Model} model
 * @param {boolean} timed
 */
async function describe(file, fileBytes, model, timed) {
  const looking = makeProgress(`Looking at ${file}`);
  const described = await model.layersAsync({ onProgress: (share) => looking(share, 1) });
  const running = makeProgress(`Running ${file}`);
  const times = timed
    ? await measureSteps(model, (share) => running(share, 1))
    : noTimes('--no-times was given');
  const layers = described.map((layer) => ({
    ...layer,
    measuredNanoseconds: times.runs > 0 ? (times.nanoseconds.get(layer.name) ?? 0) : null,
  }));
  // A weight that several layers share is stored once.
  const stored = [...new Map(layers.map((layer) => [layer.weight, layer])).values()];
  /** @param {(layer: Layer) => number} value */
  const sum = (value) => stored.reduce((total, layer) => total + value(layer), 0);
  const otherBytes = model.byteLength - sum(({ bytes }) => bytes);
  return {
    file,
    name: model.graph.name,
    inputs: model.inputs,
    inputShape: model.inputShape,
    outputs: model.outputs.map(({ name }) => name),
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
      /** Why there are none. */
      timesLeftOut: times.leftOut,
      /** What a run has, as `maxWork` counts it. */
      work: model.demand.work,
    },
  };
}

/** @param {Description} description */
function format({ name, inputs, layers, totals }) {
  const { weights, nnz, fileBytes, bytes, denseBytes, autoBytes, bytesIn } = totals;
  const measured = totals.measuredRuns > 0;
  const layersTime = measured
    ? layers.reduce((sum, layer) => sum + Number(layer.measuredNanoseconds), 0)
    : null;
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
      layer.scaled ? `${layer.format}, scaled` : layer.format,
      formatBytes(layer.bytes),
      ratio(layer.bytesIn.dense, layer.bytes),
    ]),
  );
  const sizes = formatTable(
    ['bytes in', ...FORMATS],
    [
      ...layers.map((layer) => [layer.name, ...FORMATS.map((each) => count(layer.bytesIn[each]))]),
      ['total', ...FORMATS.map((each) => count(bytesIn[each]))],
    ],
  );
  const times = formatTable(
    ['milliseconds', 'columns', 'predicted', 'measured'],
    [
      ...layers.map((layer) => [layer.name, `${layer.columns}`, ...timesOf(layer)]),
      ['all layers', '', ...timesOf({ ...totals, measuredNanoseconds: layersTime })],
      [
        `whole, ${totals.measuredRuns} run${totals.measuredRuns === 1 ? '' : 's'}`,
        '',
        '',
        milliseconds(totals.measuredNanoseconds),
      ],
    ],
  );
  const note = measured ? [] : [`No times were measured: ${totals.timesLeftOut}.`];
  const reasons = layers.map((layer) => `${layer.name}: ${layer.format}, ${layer.why}.`);
  const summary = formatTable(
    ['total', 'size', 'ratio'],
    [
      ['file', fileBytes],
      ['as held', bytes],
      ['auto', autoBytes],
      ...FORMATS.filter((each) => Number.isFinite(bytesIn[each])).map(
        (each) => /** @type {[string, number]} */ ([each, bytesIn[each]]),
      ),
    ].map(([what, size]) => [
      String(what),
      formatBytes(Number(size)),
      ratio(denseBytes, Number(size)),
    ]),
  );
  const share = weights ? ((100 * nnz) / weights).toFixed(1) : '0.0';
  return [
    printable(
      `${name}: ${describeInputs(inputs)}, ${layers.length} layers with ${weights} weights, ` +
        `${nnz} of them (${share} %) not 0`,
    ),
    overview,
    times,
    ...note,
    sizes,
    printable(reasons.join('\n')),
    summary,
  ].join('\n\n');
}

/** @param {number} bytes infinite where a format does not hold a matrix */
function count(bytes) {
  return Number.isFinite(bytes) ? `${bytes}` : '–';
}

/** @param {number | null} nanoseconds infinite where nothing is predicted; null if not measured */
function milliseconds(nanoseconds) {
  return nanoseconds !== null && Number.isFinite(nanoseconds)
    ? (nanoseconds / 1e6).toFixed(3)
    : '–';
}

/** @param {{ nanoseconds: number, measuredNanoseconds: number | null }} times */
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
