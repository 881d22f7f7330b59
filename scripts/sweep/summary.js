// SPDX-License-Identifier: Apache-2.0

/** Who wins how often, and how good `auto` is, in sentences. */

import { gridOf, keyOf } from './plan.js';

/**
 * @typedef {import('../../web/lib/index.js').FormatName} FormatName
 * @typedef {import('./measure.js').Measurement} Measurement
 * @typedef {import('./plan.js').Plan} Plan
 */

/**
 * @param {FormatName[]} names
 * @returns {string} the most frequent first
 */
function tally(names) {
  /** @type {Map<FormatName, number>} */
  const counts = new Map();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}

/**
 * @param {Plan} plan
 * @param {Measurement[]} measurements
 * @returns {string[]} lines
 */
export function summaryOf(plan, measurements) {
  /** @type {Map<string, Measurement[]>} */
  const cases = new Map();
  for (const one of measurements) cases.set(keyOf(one), [...(cases.get(keyOf(one)) ?? []), one]);
  const lines = plan.batches.flatMap((batch) => {
    const grid = gridOf(plan, batch).flat();
    const firsts = grid.map((one) => /** @type {Measurement[]} */ (cases.get(keyOf(one)))[0]);
    return [
      `Of the ${grid.length} matrices of density × values with batch ${batch}:`,
      `  fastest: ${tally(firsts.map(({ fastest }) => fastest))}`,
      `  smallest: ${tally(firsts.map(({ smallest }) => smallest))}`,
      `  auto: ${tally(firsts.map(({ auto }) => auto))}`,
    ];
  });
  return [...lines, ...judgeAuto([...cases.values()])];
}

/**
 * As `auto` takes it: with one column weights come from main memory.
 *
 * @param {Measurement} measured
 */
function timeOf({ microseconds, memoryMicroseconds }) {
  return memoryMicroseconds ?? microseconds;
}

/**
 * @param {Measurement[][]} cases
 * @returns {string[]}
 */
function judgeAuto(cases) {
  const costs = cases.map((formats) => {
    /** @param {FormatName} name */
    const of = (name) => /** @type {Measurement} */ (formats.find(({ format }) => format === name));
    const [{ auto, smallest }] = formats;
    return {
      slower: timeOf(of(auto)) / Math.min(...formats.map(timeOf)),
      larger: of(auto).bytes / of(smallest).bytes,
      faster: timeOf(of('dense')) / timeOf(of(auto)),
      smaller: 1 / of(auto).bytesToDense,
    };
  });
  /** @param {keyof typeof costs[number]} what */
  const spread = (what) => {
    const sorted = costs.map((cost) => cost[what]).sort((a, b) => a - b);
    const [low, middle, high] = [0, 0.5, 0.9].map(
      (share) => sorted[Math.round(share * (sorted.length - 1))],
    );
    return { low, middle, high };
  };
  const [slower, larger, faster, smaller] = [
    spread('slower'),
    spread('larger'),
    spread('faster'),
    spread('smaller'),
  ];
  /** @param {number} ratio */
  const times = (ratio) => `×${ratio.toFixed(2)}`;
  return [
    `auto, in all ${cases.length} (with batch 1: weights from memory): ${times(slower.middle)} the fastest's time in the median, ` +
      `${times(slower.high)} in 9 of 10; ${times(larger.middle)} the smallest's bytes, ` +
      `${times(larger.high)} in 9 of 10.`,
    `  Beside dense it is ${faster.middle.toFixed(1)} times as fast in the median ` +
      `(${faster.low.toFixed(2)} at the least) and ${smaller.middle.toFixed(1)} times smaller.`,
  ];
}
