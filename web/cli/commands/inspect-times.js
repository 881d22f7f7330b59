// SPDX-License-Identifier: Apache-2.0

/** How long the steps of a model take on this machine. */

/** @typedef {import('../../lib/lowtropy.js').Model} Model */

/** V8 moves to its optimizing compiler between calls. */
const WARM_UP = 3;
const LEAST_RUNS = 3;
const MOST_RUNS = 21;
const BUDGET_MS = 2000;

/** @param {number[]} values at least one */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

/**
 * Runs the model on zeros, which are an input of any model: the time does not depend on values.
 *
 * @param {Model} model
 * @returns {{ runs: number, nanoseconds: Map<string, number>, total: number }} medians by the nodes
 *   that are steps, and that of all steps together
 */
export function measureSteps(model) {
  const input = new Float32Array(model.inputShape.reduce((product, n) => product * n, 1));
  for (let i = 0; i < WARM_UP; ++i) model.profile(input);
  /** @type {Map<string, number[]>} */
  const steps = new Map();
  /** @type {number[]} */
  const totals = [];
  const end = performance.now() + BUDGET_MS;
  while (totals.length < LEAST_RUNS || (totals.length < MOST_RUNS && performance.now() < end)) {
    let total = 0;
    for (const { name, milliseconds } of model.profile(input)) {
      const times = steps.get(name) ?? [];
      times.push(1e6 * milliseconds);
      steps.set(name, times);
      total += 1e6 * milliseconds;
    }
    totals.push(total);
  }
  return {
    runs: totals.length,
    nanoseconds: new Map([...steps].map(([name, times]) => [name, median(times)])),
    total: median(totals),
  };
}
