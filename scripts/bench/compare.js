// SPDX-License-Identifier: Apache-2.0

/** Runs one network in several engines, on the same input: they must agree, and take turns. */

import { CannotRun } from './engines/engine.js';
import { interleave } from './interleave.js';

/**
 * @typedef {import('./engines/engine.js').Engine} Engine
 * @typedef {import('./engines/engine.js').Running} Running
 * @typedef {import('./engines/engine.js').Work} Work
 *
 * @typedef {object} Result
 * @property {Record<string, number>} milliseconds medians, by the engines' names
 * @property {Record<string, [number, number]>} quartiles
 * @property {Record<string, string>} missing why an engine is not among them, by its name
 * @property {number} difference the largest between two engines, relative to the largest output
 * @property {number} bytes of our weights
 * @property {string[]} formats of our weights
 */

/** What engines may differ by: they add in different orders. */
const TOLERANCE = 1e-3;

/**
 * @param {number} length
 * @returns {Float32Array} uniform in [−1, 1), always the same
 */
export function noise(length) {
  let state = 1;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/**
 * @param {ArrayLike<number>} expected
 * @param {ArrayLike<number>} actual
 * @returns {number} the largest difference, relative to the largest expected magnitude
 */
export function relativeDifference(expected, actual) {
  if (expected.length !== actual.length) return Infinity;
  let [largest, difference] = [0, 0];
  for (let i = 0; i < expected.length; ++i) {
    largest = Math.max(largest, Math.abs(expected[i]));
    difference = Math.max(difference, Math.abs(expected[i] - actual[i]));
  }
  // NaN, infinities and all zeros leave nothing to compare with.
  if (!Number.isFinite(difference)) return Infinity;
  return difference === 0 ? 0 : difference / largest;
}

/**
 * @param {Array<{ name: string, running: Running }>} entries the first one is compared with
 * @returns {Promise<number>} the largest difference
 * @throws {Error} where they disagree: then their times are not of the same work
 */
async function checkAgreement(entries) {
  /** @type {Float32Array[]} */
  const outputs = [];
  for (const { running } of entries) {
    const output = await running.run();
    outputs.push(running.toChannelsFirst?.(output) ?? output);
  }
  const differences = outputs.map((output) => relativeDifference(outputs[0], output));
  differences.forEach((difference, i) => {
    if (difference < TOLERANCE) return;
    throw new Error(
      `${entries[i].name} and ${entries[0].name} disagree by ${difference} of the largest output.`,
    );
  });
  return Math.max(...differences);
}

/**
 * @param {Work} work its tensors are gone afterwards, to make room
 * @param {Engine[]} engines the first one is ours
 * @param {import('./interleave.js').Options} options
 * @returns {Promise<Result>}
 */
export async function compare(work, engines, options) {
  const input = noise(work.graph.input.shape.reduce((product, n) => product * n, 1));
  /** @type {Array<{ name: string, running: Running }>} */
  const entries = [];
  /** @type {Record<string, string>} */
  const missing = {};
  try {
    for (const engine of engines) {
      try {
        entries.push({ name: engine.name, running: await engine.open(work, input) });
      } catch (error) {
        if (!(error instanceof CannotRun)) throw error;
        missing[engine.name] = error.message;
      }
    }
    work.tensors.clear();
    const difference = await checkAgreement(entries);
    const timings = await interleave(
      entries.map(({ name, running }) => ({ name, run: running.run })),
      options,
    );
    const milliseconds = Object.fromEntries(timings.map(({ name, median }) => [name, median]));
    const quartiles = Object.fromEntries(timings.map((timing) => [timing.name, timing.quartiles]));
    const { bytes = 0, formats = [] } = entries[0].running;
    return { milliseconds, quartiles, missing, difference, bytes, formats };
  } finally {
    for (const { running } of entries) await running.close();
  }
}
