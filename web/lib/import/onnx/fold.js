// SPDX-License-Identifier: Apache-2.0

/**
 * Working out at import what is the same in all runs: by the same operators as in a run, in a graph of that
 * one node, so that there is no second arithmetic of any of them.
 */

import { Model } from '../../model/model.js';
import { Lowering } from './lowering.js';
import { cutToRows } from './operators/counted-rows.js';
import { Constant, constantValue, sizeOf } from './values.js';

/**
 * @typedef {import('./node.js').NodeView} NodeView
 * @typedef {import('./operators/index.js').Lower} Lower
 * @typedef {import('./values.js').Value} Value
 */

/** What is larger than this, in elements, is left to the runs. */
const LARGEST = 2 ** 24;

/**
 * @param {NodeView} node whose inputs are all constants
 * @param {Lower} lower
 * @param {(elements: number) => void} spend told before anything is worked out, of how many it is made and has
 * @returns {Promise<Array<Value | undefined> | undefined>} its outputs, where they are not too large
 */
export async function fold(node, lower, spend) {
  const lowering = new Lowering({ constantsAreInputs: true });
  const outputs = [lower(node, lowering)].flat();
  const made = outputs.filter((value) => value !== undefined);
  if (made.some(({ shape }) => sizeOf(shape) > LARGEST)) {
    return undefined;
  }
  const open = made.filter(({ constant }) => !constant);
  if (open.length === 0) return outputs;
  const given = node.inputs.filter((value) => value !== undefined);
  spend([...given, ...open].reduce((sum, { shape }) => sum + sizeOf(shape), 0));
  const whole = open.map((value) => cutToRows(lowering, value));
  const results = await compute(lowering, whole);
  return outputs.map((value) => {
    const at = value ? open.indexOf(value) : -1;
    return at < 0 ? value : results.get(whole[at]);
  });
}

/**
 * @param {Lowering} lowering
 * @param {Value[]} outputs
 * @returns {Promise<Map<Value, Value>>}
 */
async function compute(lowering, outputs) {
  const { graph, parameters, feed } = lowering.finish(outputs);
  const tensors = new Map(
    [...parameters].map(([name, { make, ...facts }]) => [name, { ...facts, ...make() }]),
  );
  const model = await Model.fromGraph(/** @type {any} */ (graph), /** @type {any} */ (tensors), {
    format: 'dense',
  });
  try {
    const results = model.run(feed);
    return new Map(
      outputs.map((value) => {
        const { type, shape, data } = results[/** @type {string} */ (value.name)];
        return [value, constantValue(new Constant(type, shape, () => data))];
      }),
    );
  } finally {
    model.dispose();
  }
}
