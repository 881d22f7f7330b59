// SPDX-License-Identifier: Apache-2.0

/**
 * The simulated clock: how long a round would take over the workers' links.
 *
 * @typedef {import('../coordinate/accounting.js').Sent} Sent
 * @typedef {import('../coordinate/links.js').Link} Link
 */

/**
 * What a round takes one worker: what it missed, its work, its messages, the results.
 *
 * @param {Sent} sent
 * @param {Required<Link> | undefined} link without one nothing takes time
 * @param {number} workSeconds
 */
export function roundSeconds({ ahead, up, down, exchanges }, link, workSeconds) {
  if (!link) return workSeconds;
  return (
    (ahead > 0 ? transfer(ahead, link.down, link) : 0) +
    workSeconds +
    transfer(up, link.up, link, exchanges) +
    transfer(down, link.down, link, exchanges)
  );
}

/**
 * @param {number} bytes
 * @param {number} rate bits per second
 * @param {Required<Link>} link
 * @param {number} [times] in so many parts, each of which has the latency
 */
function transfer(bytes, rate, { latency }, times = 1) {
  return times * latency + (8 * bytes) / rate;
}
