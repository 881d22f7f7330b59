// SPDX-License-Identifier: Apache-2.0

/**
 * The benchmark's single layers in every format, beside what auto picks: how near it comes to the
 * fastest, and in how many bytes. One process, one thread, interleaved.
 *
 *   npm run bench -- formats [--row NAME]... [--rounds 21]
 */

import { parseArgs } from 'node:util';

import { FORMATS, Model, init } from '../../web/lib/index.js';
import { interleave } from './interleave.js';
import { machine } from './machine.js';
import { LAYERS, chooseRows } from './rows.js';

/** Milliseconds: what else a machine does comes in bursts, and fast layers must outlast them. */
const LEAST_TOTAL = 3000;

const { values: options } = parseArgs({
  options: {
    row: { type: 'string', multiple: true, default: LAYERS.map(({ name }) => name) },
    rounds: { type: 'string', default: '21' },
  },
});

/**
 * @param {import('./rows.js').Row} row
 * @returns {Promise<{ layer: import('../../web/lib/index.js').Layer, times: Map<string, number> }>}
 *   of auto and of each format, milliseconds
 */
async function measure(row) {
  const work = await row.build({ squeezeNet: async () => undefined });
  if (!work) throw new Error(`The row ${row.name} is no single layer.`);
  const { graph, tensors } = work;
  const auto = await Model.fromGraph(graph, tensors);
  const [layer] = auto.layers;
  const input = new Float32Array(auto.inputShape.reduce((product, size) => product * size, 1));
  input.forEach((_, i) => (input[i] = Math.sin(i)));
  /** @type {Array<[name: string, model: Model]>} */
  const models = [['auto', auto]];
  for (const format of FORMATS) {
    if (Number.isFinite(layer.bytesIn[format])) models.push([format, auto.to(format)]);
  }
  const timings = await interleave(
    models.map(([name, model]) => ({ name, run: () => model.run(input) })),
    { rounds: Number(options.rounds), leastTotal: LEAST_TOTAL },
  );
  for (const [, model] of models) model.dispose();
  return { layer, times: new Map(timings.map(({ name, median }) => [name, median])) };
}

await init();
const { date, cpu, engine } = machine();
console.log(
  `${date}, ${cpu}, ${engine}; one thread, medians of ${options.rounds} interleaved runs. The\n` +
    'milliseconds of a product in each format; auto: how many times those of the fastest it takes.\n',
);
const heads = ['auto', 'of dense', 'auto ms', 'of best', 'best', ...FORMATS];
console.log(' '.repeat(32) + heads.map((head) => head.padStart(9)).join(''));
for (const row of chooseRows(options.row)) {
  const { layer, times } = await measure(row);
  const auto = Number(times.get('auto'));
  const single = FORMATS.map(
    (format) => /** @type {const} */ ([format, times.get(format) ?? Infinity]),
  );
  const [best, fastest] = single.reduce((a, b) => (b[1] < a[1] ? b : a));
  const cells = [
    layer.format,
    `${((100 * layer.bytes) / layer.bytesIn.dense).toFixed(1)} %`,
    auto.toFixed(2),
    (auto / fastest).toFixed(2),
    best,
    ...single.map(([, milliseconds]) =>
      Number.isFinite(milliseconds) ? milliseconds.toFixed(2) : '–',
    ),
  ];
  console.log(row.title.padEnd(32) + cells.map((cell) => cell.padStart(9)).join(''));
}
