// SPDX-License-Identifier: Apache-2.0

/** What the coordinator draws. Equal seeds give equal draws; nothing is kept between them. */

/**
 * The workers that take part in a round: each set of so many workers is as likely as any other.
 *
 * @param {number[]} present workers
 * @param {number} count of those to choose
 * @param {number} seed
 * @param {number} round
 * @returns {number[]} in ascending order
 */
export function chooseWorkers(present, count, seed, round) {
  const random = makeRandom(mix(mix(seed) ^ round));
  const rest = [...present];
  const chosen = [];
  while (chosen.length < count && rest.length > 0) {
    const [worker] = rest.splice(Math.floor(random() * rest.length), 1);
    chosen.push(worker);
  }
  return chosen.sort((a, b) => a - b);
}

/**
 * @param {number} seed
 * @returns {() => number} uniform in [0, 1): mulberry32
 */
function makeRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Spreads neighbouring seeds over all 32 bits: the finalizer of MurmurHash3.
 *
 * @param {number} value
 */
function mix(value) {
  let hash = value >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
