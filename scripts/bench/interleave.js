// SPDX-License-Identifier: Apache-2.0

/**
 * Timing of several contestants in one process: after a warm-up they take turns, so that whatever
 * else the machine does hits all of them alike, and only the ratios of their medians are told.
 * Works in Node.js and in browsers.
 */

/**
 * @typedef {object} Contestant
 * @property {string} name
 * @property {() => unknown} run once; may be asynchronous
 * @property {() => unknown} [prepare] what has to be done before each run, and is not timed
 *
 * @typedef {{ rounds?: number, warmUp?: number, leastMilliseconds?: number,
 *   leastTotal?: number }} Options rounds: timed ones; warmUp: calls beforehand, for V8 moves to the
 *   optimizing compiler between calls; leastMilliseconds: short runs are repeated within a round
 *   until they took this long; leastTotal: there are more rounds until all took so many milliseconds
 * @typedef {{ name: string, median: number, quartiles: [number, number] }} Timing milliseconds
 */

/** After so long, and three calls, whatever V8 is to optimize has run often enough. */
const WARM_MILLISECONDS = 4000;

/**
 * @param {Contestant[]} contestants
 * @param {Options} [options]
 * @returns {Promise<Timing[]>} in the same order
 */
export async function interleave(
  contestants,
  { rounds = 21, warmUp = 12, leastMilliseconds = 2, leastTotal = 0 } = {},
) {
  const repeats = [];
  for (const contestant of contestants) {
    const start = performance.now();
    for (let i = 0; i < warmUp; ++i) {
      await timed(contestant, 1);
      if (i >= 2 && performance.now() - start > WARM_MILLISECONDS) break;
    }
    const once = await timed(contestant, 1);
    repeats.push(contestant.prepare ? 1 : Math.max(1, Math.ceil(leastMilliseconds / once)));
  }
  /** @type {number[][]} */
  const times = contestants.map(() => []);
  const start = performance.now();
  for (let round = 0; round < rounds || performance.now() - start < leastTotal; ++round) {
    for (let k = 0; k < contestants.length; ++k) {
      times[k].push(await timed(contestants[k], repeats[k]));
    }
  }
  return contestants.map(({ name }, k) => ({
    name,
    median: quantile(times[k], 0.5),
    quartiles: [quantile(times[k], 0.25), quantile(times[k], 0.75)],
  }));
}

/**
 * @param {Contestant} contestant
 * @param {number} repeats
 * @returns {Promise<number>} milliseconds of one run
 */
async function timed({ run, prepare }, repeats) {
  await prepare?.();
  const start = performance.now();
  for (let i = 0; i < repeats; ++i) await run();
  return (performance.now() - start) / repeats;
}

/**
 * @param {number[]} values
 * @param {number} share
 */
function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.round(share * (sorted.length - 1))];
}
