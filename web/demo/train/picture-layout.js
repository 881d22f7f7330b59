// SPDX-License-Identifier: Apache-2.0

/** Where things are in the picture of the network, in pixels. */

/**
 * @typedef {{ x: number, y: number }} Place
 * @typedef {{ width: number, height: number, server: Place, workers: Place[], radius: number }} Plan
 */

const MARGIN = 34;

/**
 * The server in the middle, the workers around it.
 *
 * @param {number} width
 * @param {number} height
 * @param {number} workers
 * @returns {Plan}
 */
export function planPicture(width, height, workers) {
  const server = { x: width / 2, y: height / 2 };
  const [across, down] = [width / 2 - MARGIN, height / 2 - MARGIN];
  const places = Array.from({ length: workers }, (_, index) => {
    // Turned by half a worker, so that two of them are not straight above and below the server.
    const angle = (2 * Math.PI * (index + 0.5)) / workers - Math.PI / 2;
    return { x: server.x + across * Math.cos(angle), y: server.y + down * Math.sin(angle) };
  });
  return { width, height, server, workers: places, radius: workers > 10 ? 14 : 18 };
}

/**
 * @param {Place} from
 * @param {Place} to
 * @param {number} share
 * @returns {Place} on the way
 */
export function between(from, to, share) {
  return { x: from.x + share * (to.x - from.x), y: from.y + share * (to.y - from.y) };
}

/**
 * @param {number} bytes
 * @returns {number} the radius of a message: every tenfold adds as much; 0 of nothing
 */
export function dotRadius(bytes) {
  if (!(bytes > 0)) return 0;
  return Math.max(1.5, 2 + 2.6 * (Math.log10(bytes) - 2));
}
