// SPDX-License-Identifier: Apache-2.0

/**
 * Random numbers from whole-number arithmetic, the same on every machine: xoshiro128** (Blackman,
 * Vigna, arXiv:1805.01407), its state filled from a hash of the seed and a name, so that every
 * tensor has a stream of its own and can be drawn alone.
 */
export class Random {
  // Words in a typed array stay machine integers; as properties they would be boxed.
  #state = new Int32Array(4);

  /**
   * @param {number} seed
   * @param {string} name
   */
  constructor(seed, name) {
    // FNV-1a, and the finalizer of MurmurHash3 for each word.
    let hash = (0x811c9dc5 ^ seed) | 0;
    for (const character of `${name}\0`) {
      hash = Math.imul(hash ^ /** @type {number} */ (character.codePointAt(0)), 0x01000193);
    }
    for (let i = 0; i < 4; ++i) {
      hash = (hash + 0x9e3779b9) | 0;
      let word = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
      word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
      this.#state[i] = word ^ (word >>> 16);
    }
  }

  /** @returns {number} 32 bits, as an unsigned integer */
  bits() {
    const state = this.#state;
    const product = Math.imul(state[1], 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9);
    const shifted = state[1] << 9;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = (state[3] << 11) | (state[3] >>> 21);
    return result >>> 0;
  }

  /**
   * @param {number} [low]
   * @param {number} [high]
   * @returns {number} uniform in [low, high)
   */
  uniform(low = 0, high = 1) {
    return low + (high - low) * (this.bits() / 2 ** 32);
  }

  /** @returns {number} nearly normal, mean 0 and variance 1: the sum of twelve uniform ones less 6 */
  normal() {
    let sum = -6;
    for (let i = 0; i < 12; ++i) sum += this.uniform();
    return sum;
  }
}

/** Columns of an alias table: all values a layer may have. */
const COLUMNS = 256;

/**
 * Draws from a discrete distribution with one random number each (Walker's alias method): its low
 * eight bits choose a column, the others whether its own value is meant or its alias.
 */
export class Alias {
  #own = new Float32Array(COLUMNS);
  #other = new Float32Array(COLUMNS);
  /** In 2^-24 of a column. */
  #cut = new Uint32Array(COLUMNS);

  /**
   * @param {ArrayLike<number>} values at most 256
   * @param {ArrayLike<number>} shares of them; they add up to 1
   */
  constructor(values, shares) {
    const left = Array.from({ length: COLUMNS }, (_, i) => COLUMNS * (shares[i] ?? 0));
    const poor = left.flatMap((share, i) => (share < 1 ? [i] : []));
    const rich = left.flatMap((share, i) => (share < 1 ? [] : [i]));
    while (poor.length > 0 && rich.length > 0) {
      const column = /** @type {number} */ (poor.pop());
      const donor = rich[rich.length - 1];
      this.#set(column, values[column] ?? 0, values[donor], left[column]);
      left[donor] -= 1 - left[column];
      if (left[donor] < 1) poor.push(/** @type {number} */ (rich.pop()));
    }
    // What rounding left over is one whole column each.
    for (const column of [...poor, ...rich]) this.#set(column, values[column], values[column], 1);
  }

  /**
   * @param {number} column
   * @param {number} own
   * @param {number} other
   * @param {number} share of its own
   */
  #set(column, own, other, share) {
    this.#own[column] = own;
    this.#other[column] = other;
    this.#cut[column] = Math.round(share * 2 ** 24);
  }

  /**
   * @param {Random} random
   * @param {number} count
   * @returns {Float32Array}
   */
  draw(random, count) {
    const result = new Float32Array(count);
    for (let i = 0; i < count; ++i) {
      const bits = random.bits();
      const column = bits & (COLUMNS - 1);
      result[i] = bits >>> 8 < this.#cut[column] ? this.#own[column] : this.#other[column];
    }
    return result;
  }
}
