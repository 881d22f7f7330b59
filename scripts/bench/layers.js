// SPDX-License-Identifier: Apache-2.0

/**
 * SqueezeNet by Deep Compression, layer by layer and whole, beside onnxruntime-web on the same
 * weights held dense: one process, one thread, interleaved.
 *
 *   npm run bench -- layers [--format auto] [--rounds 21] [--layer NAME] [--json FILE]
 */

import { parseArgs } from 'node:util';

import { replaceFile } from '../../web/cli/common/replace-file.js';
import { readDeepCompression } from '../../web/lib/import/deep-compression.js';
import { Model, init } from '../../web/lib/index.js';
import { noData, squeezeNetFiles } from '../common/data.js';
import { interleave } from './interleave.js';
import { machine } from './machine.js';
import { singleLayer, toOnnx, weightLayers } from './onnx.js';
import { openOrt } from './ort.js';

/**
 * @typedef {import('../../web/lib/index.js').Graph} Graph
 * @typedef {import('../../web/lib/index.js').Tensor} Tensor
 * @typedef {ReturnType<typeof parseOptions>} Options
 *
 * @typedef {object} Row
 * @property {string} name
 * @property {string} format
 * @property {string} shape
 * @property {number} ours milliseconds, median
 * @property {number} ort
 * @property {number} ratio onnxruntime-web's time over ours: above 1, ours is faster
 */

function parseOptions() {
  const { values } = parseArgs({
    options: {
      format: { type: 'string', default: 'auto' },
      rounds: { type: 'string', default: '21' },
      layer: { type: 'string' },
      json: { type: 'string' },
    },
  });
  return { ...values, rounds: Number(values.rounds) };
}

/** @param {number} length */
function noise(length) {
  let state = 1;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/**
 * @param {Graph} graph
 * @param {Map<string, Tensor>} tensors
 * @param {Options} options
 */
async function compare(graph, tensors, { format, rounds }) {
  const used = new Map(
    graph.nodes
      .flatMap((node) => Object.values(node))
      .flatMap((name) => {
        const tensor = typeof name === 'string' ? tensors.get(name) : undefined;
        return tensor ? [[name, tensor]] : [];
      }),
  );
  const model = await Model.fromGraph(graph, used, { format: /** @type {'auto'} */ (format) });
  const peer = await openOrt(toOnnx(graph, tensors));
  const [channels, height, width] = graph.input.shape;
  const input = noise(channels * height * width);
  const [ours, ort] = await interleave(
    [
      { name: 'lowtropy', run: () => model.run(input) },
      { name: 'onnxruntime-web', run: () => peer.run(input) },
    ],
    { rounds },
  );
  const result = { ours: ours.median, ort: ort.median, ratio: ort.median / ours.median };
  const formats = new Set(model.layers.map((layer) => layer.format));
  const bytes = { bytes: model.byteLength, denseBytes: model.denseByteLength };
  model.dispose();
  await peer.release();
  return { ...result, ...bytes, format: formats.size === 1 ? [...formats][0] : format };
}

/** @param {Row} row */
function printRow({ name, format, shape, ours, ort, ratio }) {
  console.log(
    [
      name.padEnd(18),
      format.padEnd(8),
      shape.padStart(17),
      ours.toFixed(2).padStart(9),
      ort.toFixed(2).padStart(9),
      ratio.toFixed(2).padStart(7),
    ].join(' '),
  );
}

async function main() {
  const options = parseOptions();
  if (noData) {
    console.log(`Nothing to measure: ${noData}.`);
    return;
  }
  await init();
  const { net, prototxt } = squeezeNetFiles();
  const { graph, tensors } = readDeepCompression(net, prototxt);
  const where = machine();
  console.log(
    `${where.date}, ${where.cpu}, ${where.engine}; one thread, medians of ${options.rounds} ` +
      'interleaved runs.\nratio: the time of onnxruntime-web on dense weights over ours.\n',
  );
  console.log(
    'layer              format     rows×cols·n        ms    ort ms   ratio\n' + '─'.repeat(74),
  );
  /** @type {Row[]} */
  const rows = [];
  for (const layer of weightLayers(graph)) {
    if (options.layer && layer.name !== options.layer) continue;
    const measured = await compare(singleLayer(graph, layer.name), tensors, options);
    const shape = `${layer.rows}×${layer.cols}·${layer.pixels}`;
    rows.push({ name: layer.name, shape, ...measured });
    printRow(rows[rows.length - 1]);
  }
  if (!options.layer) {
    const measured = await compare(graph, tensors, options);
    rows.push({ name: 'whole', shape: '', ...measured });
    printRow(rows[rows.length - 1]);
    console.log(
      `\n${measured.bytes} bytes of weights, ${(measured.denseBytes / measured.bytes).toFixed(1)} ` +
        'times fewer than dense.',
    );
  }
  if (options.json)
    await replaceFile(options.json, `${JSON.stringify({ ...where, rows }, null, 2)}\n`);
}

await main();
