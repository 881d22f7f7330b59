// SPDX-License-Identifier: Apache-2.0

/** The distributions of weights that networks are drawn from: their distinct values and shares. */

/**
 * @typedef {{ values: Float64Array, shares: Float64Array }} Distribution shares add up to 1
 */

/** Levels of a uniform quantization to 7 bits on either side of 0: 127 in all. */
const LEVELS = 63;

/**
 * The integral of f by Simpson's rule.
 *
 * @param {(x: number) => number} f
 * @param {number} from
 * @param {number} to
 * @param {number} intervals even
 */
function integrate(f, from, to, intervals) {
  const width = (to - from) / intervals;
  let sum = f(from) + f(to);
  for (let i = 1; i < intervals; ++i) sum += (i % 2 === 0 ? 2 : 4) * f(from + i * width);
  return (sum * width) / 3;
}

/**
 * Where a falling function takes a value.
 *
 * @param {(x: number) => number} f
 * @param {number} target
 * @param {number} low
 * @param {number} high
 */
function bisect(f, target, low, high) {
  for (let i = 0; i < 50; ++i) {
    const middle = (low + high) / 2;
    if (f(middle) > target) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/**
 * A generalized normal distribution, exp(−(|x| / scale)^shape), rounded to the integers from −63 to
 * 63. Shape 2 is normal, 1 is Laplace's.
 *
 * @param {number} shape
 * @param {number} scale
 * @returns {Distribution}
 */
function roundedNormal(shape, scale) {
  /** @param {number} x at least 0 */
  const density = (x) => Math.exp(-((x / scale) ** shape));
  const half = Float64Array.from({ length: LEVELS + 1 }, (_, level) =>
    // At 0 there may be a cusp.
    level === 0 ? integrate(density, 0, 0.5, 64) : integrate(density, level - 0.5, level + 0.5, 4),
  );
  half[0] *= 2;
  const total = half[0] + 2 * half.subarray(1).reduce((sum, share) => sum + share, 0);
  const values = Float64Array.from({ length: 2 * LEVELS + 1 }, (_, i) => i - LEVELS);
  return { values, shares: values.map((value) => half[Math.abs(value)] / total) };
}

/**
 * @param {ArrayLike<number>} shares
 * @returns {number} bits
 */
export function entropyOf(shares) {
  return Array.from(shares).reduce((sum, p) => (p > 0 ? sum - p * Math.log2(p) : sum), 0);
}

/**
 * Weights uniformly quantized to 7 bits (127 levels around 0), in units of the step: a generalized
 * normal distribution whose scale and shape are solved for a share of zeros and an entropy.
 *
 * @param {number} p0
 * @param {number} entropy bits
 * @returns {Distribution}
 */
export function quantizedWeights(p0, entropy) {
  /** @param {number} shape */
  const withShape = (shape) => {
    /** @param {number} scale */
    const zeros = (scale) => roundedNormal(shape, scale).shares[LEVELS];
    return roundedNormal(shape, bisect(zeros, p0, 1e-6, LEVELS));
  };
  // The heavier the tails, the more bits go with a share of zeros.
  const shape = bisect((each) => entropyOf(withShape(each).shares), entropy, 0.25, 4);
  return withShape(shape);
}

const BINS = 4096;
const ROUNDS = 20;

/**
 * The tail of a normal distribution, in bins of equal width up to where about one of `count` weights
 * lies beyond.
 *
 * @param {number} density the share of weights in both tails
 * @param {number} count
 * @returns {{ middles: Float64Array, shares: Float64Array }} magnitudes, in standard deviations;
 *   shares add up to 1
 */
function normalTail(density, count) {
  /** @param {number} x */
  const normal = (x) => Math.sqrt(2 / Math.PI) * Math.exp(-(x ** 2) / 2);
  /** @param {number} x */
  const beyond = (x) => integrate(normal, x, x + 8, 256);
  const start = bisect(beyond, density, 0, 8);
  const width = (bisect(beyond, 1 / count, 0, 8) - start) / BINS;
  const middles = Float64Array.from({ length: BINS }, (_, bin) => start + (bin + 0.5) * width);
  const heights = middles.map(normal);
  const total = heights.reduce((sum, height) => sum + height, 0);
  return { middles, shares: heights.map((height) => height / total) };
}

/**
 * Where k-means begins: as dense as the cube root of the weights, which is where many clusters end
 * (Panter and Dite, 1951).
 *
 * @param {ReturnType<typeof normalTail>} tail
 * @param {number} clusters
 */
function startingCentres({ middles, shares }, clusters) {
  const roots = shares.map(Math.cbrt);
  const total = roots.reduce((sum, root) => sum + root, 0);
  const centres = new Float64Array(clusters);
  let sum = 0;
  for (let bin = 0, k = 0; bin < BINS; ++bin) {
    sum += roots[bin] / total;
    for (; k < clusters && sum >= (k + 0.5) / clusters; ++k) centres[k] = middles[bin];
  }
  return centres;
}

/**
 * Cluster centres of magnitudes as trained quantization finds them, by k-means.
 *
 * @param {ReturnType<typeof normalTail>} tail
 * @param {number} clusters
 * @returns {{ centres: Float64Array, weights: Float64Array }} in rising order; weights: shares
 */
function cluster(tail, clusters) {
  const { middles, shares } = tail;
  let centres = startingCentres(tail, clusters);
  let weights = new Float64Array(clusters);
  for (let round = 0; round < ROUNDS; ++round) {
    const sums = new Float64Array(clusters);
    weights = new Float64Array(clusters);
    for (let bin = 0, k = 0; bin < BINS; ++bin) {
      while (k + 1 < clusters && centres[k + 1] - middles[bin] < middles[bin] - centres[k]) ++k;
      sums[k] += shares[bin] * middles[bin];
      weights[k] += shares[bin];
    }
    centres = centres.map((centre, k) => (weights[k] > 0 ? sums[k] / weights[k] : centre));
  }
  return { centres, weights };
}

/**
 * Weights pruned and clustered by Deep Compression (arXiv:1510.00149): normal ones, of which those
 * with the smallest magnitudes are 0, and the others one of the shared values. These are found on
 * either side of 0 by k-means. (The codes of the trained SqueezeNet, too, use all values and have 7.0
 * to 7.6 bits of entropy, which is where k-means ends, not where its linear start is.)
 *
 * @param {number} density the share of weights other than 0
 * @param {number} distinct shared values, 0 among them
 * @param {number} [count] of weights: the more there are, the further out lies the largest
 * @returns {Distribution}
 */
export function prunedWeights(density, distinct, count = 1e6) {
  const tail = normalTail(density, count);
  // 0 is one of the values, so that of an even number one more is positive than negative.
  const positive = cluster(tail, distinct >> 1);
  const negative = cluster(tail, (distinct - 1) >> 1);
  const values = [0, ...positive.centres, ...negative.centres.map((centre) => -centre)];
  const shares = [...positive.weights, ...negative.weights].map((share) => (share * density) / 2);
  return { values: Float64Array.from(values), shares: Float64Array.from([1 - density, ...shares]) };
}
