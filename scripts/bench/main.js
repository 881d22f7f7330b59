// SPDX-License-Identifier: Apache-2.0

/**
 * Layers and whole networks beside onnxruntime-web and TensorFlow.js, which hold the same weights
 * dense: one process, one thread, interleaved.
 *
 *   npm run bench [-- --row NAME]... [--format auto] [--rounds 21] [--peer ort|tfjs]... [--json FILE]
 */

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { init } from '../../web/lib/index.js';
import { noData, squeezeNetFiles } from '../../tests/node/data.js';
import { lowtropy } from './engines/lowtropy.js';
import { onnxruntime } from './engines/onnxruntime.js';
import { tfjs } from './engines/tfjs.js';
import { machine } from './machine.js';
import { measureRow, tableHead, tableRow } from './report.js';
import { chooseRows } from './rows.js';

/** @type {Record<string, import('./engines/engine.js').Engine>} */
const PEERS = { ort: onnxruntime, tfjs };

function parseOptions() {
  const { values } = parseArgs({
    options: {
      row: { type: 'string', multiple: true },
      format: { type: 'string', default: 'auto' },
      rounds: { type: 'string', default: '21' },
      peer: { type: 'string', multiple: true, default: Object.keys(PEERS) },
      json: { type: 'string' },
    },
  });
  return { ...values, rounds: Number(values.rounds) };
}

/** @param {string} name */
function findPeer(name) {
  if (!Object.hasOwn(PEERS, name)) throw new Error(`There is no peer "${name}".`);
  return PEERS[name];
}

/** @type {import('./rows.js').Sources} */
const sources = { squeezeNet: async () => (noData ? undefined : squeezeNetFiles()) };

async function main() {
  const { row: names, format, rounds, peer, json } = parseOptions();
  const rows = chooseRows(names);
  const engines = [lowtropy(/** @type {'auto'} */ (format)), ...peer.map(findPeer)];
  await init();
  const where = machine();
  console.log(
    `${where.date}, ${where.cpu}, ${where.engine}; one thread, medians of ${rounds} interleaved ` +
      'runs.\nratio: the time of the better peer, on dense weights, over ours.\n',
  );
  console.log(tableHead());
  const measured = [];
  for (const row of rows) {
    const result = await measureRow(row, sources, engines, { rounds });
    console.log(result ? tableRow(result) : `${row.title}: not measured, for ${noData}`);
    if (result) measured.push(result);
  }
  if (json)
    writeFileSync(json, `${JSON.stringify({ ...where, rounds, rows: measured }, null, 2)}\n`);
}

await main();
