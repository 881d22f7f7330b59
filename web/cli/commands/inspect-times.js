// SPDX-License-Identifier: Apache-2.0

/** How long the steps of a model take on this machine. */

/**
 * @typedef {import('../../lib/lowtropy.js').Model} Model
 *
 * @typedef {object} StepTimes
 * @property {number} runs of which the times are medians; 0 if nothing was run
 * @property {Map<string, number>} nanoseconds by the nodes that are steps
 * @property {number | null} total nanoseconds of all steps together; null if nothing was run
 * @property {string | null} leftOut why nothing was run
 */

/** V8 moves to its optimizing compiler between calls. */
const WARM_UP = 3;
const MOST_RUNS = 21;
/** Of all runs. A network of which one takes longer is run once. */
const BUDGET_MS = 2000;
/** Of a run that is done at all. */
const MOST_MS = 10_000;
/** Of one of the operations that `maxWork` counts; a guess on the high side. */
const OPERATION_MS = 0.3e-6;

/**
 * @param {string} reason
 * @returns {StepTimes}
 */
export function noTimes(reason) {
  return { runs: 0, nanoseconds: new Map(), total: null, leftOut: reason };
}

/** @param {number[]} values at least one */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

/**
 * Runs the model on zeros, which are an input of any model: the time does not depend on values. Not
 * at all where one run would take long.
 *
 * @param {Model} model
 * @param {(share: number) => void} onProgress of the time that it may take
 * @param {() => number} [now] milliseconds
 * @returns {Promise<StepTimes>}
 */
export async function measureSteps(model, onProgress, now = () => performance.now()) {
  const expected = model.demand.work * OPERATION_MS;
  if (expected > MOST_MS) {
    return noTimes(`a run would take some ${Math.round(expected / 1000)} s`);
  }
  const input = zerosFor(model);
  const start = now();
  const profile = async () => {
    const before = now();
    const steps = await model.profileAsync(input, {
      onProgress: (share) => onProgress(Math.max(share, (now() - start) / BUDGET_MS)),
    });
    return { steps, ms: now() - before };
  };
  // The last run of the warm-up counts where there is no time for others.
  let last = await profile();
  const hasTime = (/** @type {number} */ share) => now() - start + last.ms < share * BUDGET_MS;
  for (let i = 1; i < WARM_UP && hasTime(0.5); ++i) last = await profile();
  const runs = [];
  while (runs.length < MOST_RUNS && hasTime(1)) runs.push((last = await profile()).steps);
  return mediansOf(runs.length > 0 ? runs : [last.steps]);
}

/** @param {Model} model */
function zerosFor(model) {
  const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array };
  return Object.fromEntries(
    model.inputs.map(({ name, type, usualShape: shape }) => [
      name,
      { shape, data: new arrays[type](shape.reduce((product, n) => product * n, 1)) },
    ]),
  );
}

/**
 * @param {Array<Array<{ name: string, milliseconds: number }>>} runs
 * @returns {StepTimes}
 */
function mediansOf(runs) {
  /** @type {Map<string, number[]>} */
  const steps = new Map();
  for (const { name, milliseconds } of runs.flat()) {
    steps.set(name, [...(steps.get(name) ?? []), 1e6 * milliseconds]);
  }
  const totals = runs.map((run) => run.reduce((sum, { milliseconds }) => sum + milliseconds, 0));
  return {
    runs: runs.length,
    nanoseconds: new Map([...steps].map(([name, times]) => [name, median(times)])),
    total: 1e6 * median(totals),
    leftOut: null,
  };
}
