// SPDX-License-Identifier: Apache-2.0

/** How long a run takes. The clocks of browsers tick in up to 100 µs, so short runs are timed many at once. */

/**
 * @typedef {import('../../lib/lowtropy.js').Model} Model
 * @typedef {import('./protocol.js').Spread} Spread
 */

/** One measurement lasts at least so long, if one run does not take longer anyway. */
const BATCH_MS = 4;
const MOST_IN_BATCH = 256;

/** Measuring ends after this, with a few measurements at least and not too many. */
const TIMED_MS = 500;
const LEAST = 3;
const MOST = 9;

/** Of each round of warming up, and the pause after it, in which the engine may compile. */
const WARM_UP_ROUNDS = 4;
const WARM_UP_MS = 12;
const COMPILE_MS = 25;

/** So long are the steps timed one by one. */
const PROFILED_MS = 100;

/**
 * @param {() => unknown} run
 * @returns {number} how many of it make one measurement; they warm it up, too
 */
function batchOf(run) {
  let count = 1;
  for (;;) {
    const before = performance.now();
    for (let i = 0; i < count; ++i) run();
    if (performance.now() - before >= BATCH_MS || count >= MOST_IN_BATCH) return count;
    count *= 2;
  }
}

/**
 * Engines compile what runs often once more, in another thread, and use that from some later call on.
 *
 * @param {Array<() => unknown>} runs
 * @param {() => boolean} isOver asked after each pause: then they cannot run any more
 */
export async function warmUp(runs, isOver) {
  for (let round = 0; round < WARM_UP_ROUNDS && !isOver(); ++round) {
    for (const run of runs) {
      const start = performance.now();
      do run();
      while (performance.now() - start < WARM_UP_MS);
    }
    await new Promise((resolve) => setTimeout(resolve, COMPILE_MS));
  }
}

/**
 * @param {number[]} times at least one
 * @returns {Spread} median and quartiles, each one of the times
 */
export function spreadOf(times) {
  const sorted = Float64Array.from(times).sort();
  const at = (/** @type {number} */ share) => sorted[Math.round(share * (sorted.length - 1))];
  return { median: at(0.5), low: at(0.25), high: at(0.75) };
}

/**
 * Times several things in turn, so that what else the machine does meets them all.
 *
 * @param {Array<() => unknown>} runs
 * @returns {Spread[]} of each
 */
export function timesInTurn(runs) {
  const batches = runs.map(batchOf);
  const times = runs.map(() => /** @type {number[]} */ ([]));
  const start = performance.now();
  while (
    times[0].length < LEAST ||
    (times[0].length < MOST && performance.now() - start < TIMED_MS)
  ) {
    runs.forEach((run, which) => {
      const before = performance.now();
      for (let i = 0; i < batches[which]; ++i) run();
      times[which].push((performance.now() - before) / batches[which]);
    });
  }
  return times.map(spreadOf);
}

/**
 * Means, not medians: a step may take less than the clock's tick, and counts as no time or as a whole
 * one; only on the average that comes out right.
 *
 * @param {Model} model
 * @param {import('./feeds.js').Feed} input
 * @returns {Record<string, number>} milliseconds by the steps' names
 */
export function layerTimes(model, input) {
  /** @type {Map<string, number>} */
  const sums = new Map();
  const start = performance.now();
  let runs = 0;
  while (runs < LEAST || (runs < MOST_IN_BATCH && performance.now() - start < PROFILED_MS)) {
    runs += 1;
    for (const { name, milliseconds } of model.profile(input)) {
      sums.set(name, (sums.get(name) ?? 0) + milliseconds);
    }
  }
  return Object.fromEntries([...sums].map(([name, sum]) => [name, sum / runs]));
}
