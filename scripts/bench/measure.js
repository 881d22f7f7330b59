// SPDX-License-Identifier: Apache-2.0

/** Measures one row and judges it, in Node.js and in browsers. */

import { tensorShapes } from '../../web/lib/graph/graph.js';
import { compare } from './compare.js';
import { chooseRows } from './rows.js';

/**
 * @typedef {import('./engines/engine.js').Engine} Engine
 * @typedef {import('./rows.js').Sources} Sources
 *
 * @typedef {object} Judgement
 * @property {string} name
 * @property {string} title
 * @property {number} target
 * @property {number} [ratio] the better peer's time over ours; above 1, ours is faster
 * @property {number} bytesShare of dense ones
 * @property {boolean} met
 *
 * @typedef {Judgement & import('./compare.js').Result} Measured
 */

/** Milliseconds: what else a machine does comes in bursts, and fast layers must outlast them. */
const LEAST_TOTAL = 4000;

/**
 * @param {string} name of a row
 * @param {Sources} sources
 * @param {Engine[]} engines ours first
 * @param {{ rounds: number }} options
 * @returns {Promise<Measured | undefined>} undefined where its data is missing
 */
export async function measureRow(name, sources, engines, { rounds }) {
  const [row] = chooseRows([name]);
  const work = await row.build(sources);
  if (!work) return undefined;
  const shapes = tensorShapes(work.graph);
  const elements = [...shapes.values()].reduce((sum, { rows, cols }) => sum + rows * cols, 0);
  const result = await compare(work, engines, { rounds, leastTotal: LEAST_TOTAL });
  const { title, target, mostBytes = 1 } = row;
  const [ours, ...peers] = engines.flatMap((engine) => result.milliseconds[engine.name] ?? []);
  const ratio = peers.length > 0 ? Math.min(...peers) / ours : undefined;
  const bytesShare = result.bytes / (4 * elements);
  const met = ratio !== undefined && ratio >= target && bytesShare <= mostBytes;
  return { name, title, target, ...result, ratio, met, bytesShare };
}
