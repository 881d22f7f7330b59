// SPDX-License-Identifier: Apache-2.0

/**
 * What the benchmark asks of an engine, so that it treats all of them alike, in Node.js and in
 * browsers.
 *
 * @typedef {object} Work a network to run
 * @property {import('../../../web/lib/index.js').Graph} graph
 * @property {Map<string, import('../../../web/lib/index.js').Tensor>} tensors dense
 *
 * @typedef {object} Running a network that was handed to an engine, ready to run on one input
 * @property {() => Float32Array | Promise<Float32Array>} run gives the network's first output
 * @property {() => unknown} close frees it
 * @property {(output: Float32Array) => Float32Array} [toChannelsFirst] where the engine's layout is
 *   another: puts an output into [C, H, W]; not part of the time
 * @property {number} [bytes] of weights
 * @property {string[]} [formats] of weights
 *
 * @typedef {object} Engine
 * @property {string} name
 * @property {(work: Work, input: Float32Array) => Promise<Running>} open the input is [C, H, W]
 */

/** An engine that cannot run a network, and why: not a failure of the benchmark. */
export class CannotRun extends Error {}
