// SPDX-License-Identifier: Apache-2.0

/** One run: workers that train together, and what became of it. */

import { Simulation } from '../../web/lib/index.js';
import { machine } from '../bench/machine.js';
import { openData } from './data.js';

/**
 * @typedef {import('../../web/lib/index.js').Round} Round
 * @typedef {import('../../web/lib/index.js').SimulationOptions} SimulationOptions
 * @typedef {import('./plan.js').Settings} Settings
 *
 * @typedef {{ iterations: number, upBytes: number, accuracy: number, loss: number }} Point
 *
 * @typedef {object} Result bytes are those of one worker over the whole run, on average
 * @property {number} accuracy of the final weights, on all examples that the run is judged on
 * @property {number} loss there, in nats
 * @property {number} upBytes
 * @property {number} downBytes
 * @property {number} denseBytes what float32 exchange in each iteration would have sent
 * @property {Point[]} curve on the way
 * @property {string} [failure] where it diverged: then accuracy and loss are the worst there are
 * @property {number} seconds
 * @property {string} date
 * @property {string} cpu
 * @property {string} engine
 */

/** A loss that no run has, and that JSON can hold. */
const WORST_LOSS = 1e9;

/** What is wrong with updates where training has diverged. Whatever else goes wrong is no result. */
const DIVERGED = /\b(NaN|infinity)\b/;

/** @param {number[]} values */
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * @param {Settings} settings
 * @returns {Promise<Result>}
 */
export async function runOnce(settings) {
  const start = performance.now();
  const simulation = new Simulation(optionsOf(settings));
  try {
    const outcome = await followRun(simulation, settings.iterations);
    return { ...outcome, seconds: (performance.now() - start) / 1000, ...machine() };
  } finally {
    await simulation.dispose();
  }
}

/**
 * @param {Settings} settings
 * @returns {SimulationOptions}
 */
function optionsOf({ data, judgedOn, iterations, evaluations, ...options }) {
  const rounds = Math.ceil(iterations / options.delay);
  return {
    .../** @type {SimulationOptions} */ (options),
    data: openData(data, judgedOn),
    evaluateEvery: Math.ceil(rounds / evaluations),
  };
}

/**
 * @param {Simulation} simulation
 * @param {number} iterations
 */
async function followRun(simulation, iterations) {
  /** @type {Point[]} */
  const curve = [];
  let failure;
  try {
    for await (const round of simulation.run({ iterations })) {
      failure = round.lost[0]?.reason;
      if (failure !== undefined) break;
      curve.push(...pointOf(round));
    }
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  }
  if (failure !== undefined && !DIVERGED.test(failure)) throw new Error(failure);
  const { up, down, denseUp } = simulation.totals;
  const bytes = { upBytes: mean(up), downBytes: mean(down), denseBytes: mean(denseUp) };
  if (failure !== undefined) return { accuracy: 0, loss: WORST_LOSS, ...bytes, curve, failure };
  const { accuracy, loss } = curve[curve.length - 1];
  return { accuracy, loss, ...bytes, curve };
}

/**
 * @param {Round} round
 * @returns {Point[]} none where it was not evaluated
 */
function pointOf({ iterations, totals, accuracy, testLoss }) {
  if (accuracy === undefined || testLoss === undefined) return [];
  return [{ iterations, upBytes: mean(totals.up), accuracy, loss: testLoss }];
}
