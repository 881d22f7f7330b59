// SPDX-License-Identifier: Apache-2.0

/** A network of two inputs of rank 5 and one of integers, and what its runs give. */

/**
 * relu(a + b), and a behind it.
 *
 * @type {import('../../web/lib/graph/graph.js').NamedGraph}
 */
export const RANK_FIVE = {
  name: '',
  inputs: [
    { name: 'a', type: 'float32', shape: ['batch', 2, 3, 2, 'width'] },
    { name: 'b', type: 'float32', shape: ['batch', 2, 3, 2, 'width'] },
    { name: 'ids', type: 'int32', shape: ['batch', 5] },
  ],
  symbols: { batch: 1, width: 4 },
  outputs: ['both', 'same ids'],
  nodes: [
    { op: 'add', name: 'sum', inputs: ['a', 'b'], output: 'sum' },
    { op: 'relu', name: 'positive', inputs: ['sum'], output: 'positive' },
    { op: 'concat', name: 'both', inputs: ['positive', 'a'], output: 'both' },
    { op: 'dropout', name: 'same ids', inputs: ['ids'], output: 'same ids' },
  ],
};

/**
 * @param {number} batch
 * @param {number} width
 */
export function makeRankFiveRun(batch, width) {
  const shape = [batch, 2, 3, 2, width];
  const sample = 12 * width;
  const a = Float32Array.from({ length: batch * sample }, (_, i) => i - 40);
  const b = Float32Array.from({ length: batch * sample }, (_, i) => 10 - i / 4);
  const ids = Int32Array.from({ length: 5 * batch }, (_, i) => i - 1_000_000_000);
  const both = new Float32Array(2 * batch * sample);
  for (let n = 0; n < batch; ++n) {
    for (let i = 0; i < sample; ++i) {
      const at = n * sample + i;
      both[2 * n * sample + i] = Math.max(0, a[at] + b[at]);
      both[(2 * n + 1) * sample + i] = a[at];
    }
  }
  return {
    inputs: { a: { data: a, shape }, b: { data: b, shape }, ids: { data: ids, shape: [batch, 5] } },
    expected: {
      both: { type: 'float32', shape: [batch, 4, 3, 2, width], data: both },
      'same ids': { type: 'int32', shape: [batch, 5], data: ids },
    },
  };
}
