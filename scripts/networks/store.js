// SPDX-License-Identifier: Apache-2.0

/** The drawn networks as model files, and what was measured on them, in build/networks. */

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';

import { replaceFile } from '../../web/cli/common/replace-file.js';
import { Model } from '../../web/lib/index.js';
import { filesIn } from '../common/files.js';
import { inProject } from '../common/run.js';
import { buildNetwork } from './index.js';

/**
 * @typedef {import('./index.js').NetworkName} NetworkName
 *
 * @typedef {object} Statistics of all weight matrices together
 * @property {number} weights
 * @property {number} p0 the mean of the matrices' shares of their most frequent value, by elements
 * @property {number} entropy bits; likewise
 * @property {number} distinctPerRow the mean of all rows
 * @property {number} mostDistinct values in one matrix
 *
 * @typedef {object} Stored
 * @property {string} key of the code and the seed that it was made with
 * @property {Statistics} statistics
 * @property {number} bytes of weights and biases as held
 * @property {number} denseBytes
 */

const FOLDER = 'build/networks';

/** All but the scripts that only use what was drawn. */
const DRAWING_SCRIPTS = /^(?!main|measure|report).*\.js$/;

/** @param {string} file @returns {string} its path */
export function storePath(file) {
  mkdirSync(inProject(FOLDER), { recursive: true });
  return inProject(FOLDER, file);
}

/**
 * A network that anything could have changed is made anew: the code that draws it, and the library,
 * whose choice of formats is in the file.
 *
 * @param {number} seed
 */
function makeKey(seed) {
  const hash = createHash('sha256').update(`${seed}`);
  for (const file of [...filesIn('scripts/networks', DRAWING_SCRIPTS), 'dist/lowtropy.wasm']) {
    hash.update(readFileSync(inProject(file)));
  }
  return hash.digest('hex');
}

/**
 * @param {Model} model
 * @returns {Statistics}
 */
export function statisticsOf(model) {
  const layers = [...new Map(model.layers.map((layer) => [layer.weight, layer])).values()];
  /** @typedef {typeof layers[number]} Layer */
  /** @type {(weight: (layer: Layer) => number, value: (layer: Layer) => number) => number} */
  const mean = (weight, value) =>
    layers.reduce((sum, layer) => sum + weight(layer) * value(layer), 0) /
    layers.reduce((sum, layer) => sum + weight(layer), 0);
  const elements = (/** @type {Layer} */ { rows, cols }) => rows * cols;
  return {
    weights: layers.reduce((sum, layer) => sum + elements(layer), 0),
    p0: mean(elements, ({ p0 }) => p0),
    entropy: mean(elements, ({ entropy }) => entropy),
    distinctPerRow: mean(
      ({ rows }) => rows,
      ({ distinctPerRow }) => distinctPerRow,
    ),
    mostDistinct: Math.max(...layers.map(({ distinct }) => distinct)),
  };
}

/**
 * Makes build/networks/NAME.safetensors unless it is there already, made by the same code.
 *
 * @param {NetworkName} name
 * @param {number} seed
 * @returns {Promise<Stored & { file: string, made: boolean }>}
 */
export async function storeNetwork(name, seed) {
  const [file, notes] = [storePath(`${name}.safetensors`), storePath(`${name}.json`)];
  const key = makeKey(seed);
  if (existsSync(file) && existsSync(notes)) {
    /** @type {Stored} */
    const stored = JSON.parse(readFileSync(notes, 'utf8'));
    if (stored.key === key) return { ...stored, file, made: false };
  }
  const { graph, tensors } = buildNetwork(name, { seed });
  const model = await Model.fromGraph(graph, tensors);
  await replaceFile(file, model.save());
  const { byteLength: bytes, denseByteLength: denseBytes } = model;
  /** @type {Stored} */
  const stored = { key, statistics: statisticsOf(model), bytes, denseBytes };
  model.dispose();
  await replaceFile(notes, JSON.stringify(stored, null, 2));
  return { ...stored, file, made: true };
}
