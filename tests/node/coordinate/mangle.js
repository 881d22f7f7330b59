// SPDX-License-Identifier: Apache-2.0

/** What a bad transport makes of answers. */

import { makeRandom } from '../../support/random.js';

/** @typedef {import('../../../web/lib/transport/transport.js').Frame} Frame */

const JUNK = [undefined, null, NaN, -1, 0.5, 1e300, 2 ** 53, '', 'x', [], [0], {}, true];

/**
 * @param {number} seed
 * @param {number} share of the answers that become others
 * @returns {(name: string, type: string, frame: Frame) => any[]} for FakeTransport
 */
export function makeMangler(seed, share) {
  const random = makeRandom(seed);
  const below = (/** @type {number} */ count) => Math.floor(random() * count);
  /** @template T @param {T[]} list */
  const pick = (list) => list[below(list.length)];
  /** @type {Array<(frame: any) => any[]>} */
  const ways = [
    () => [pick(JUNK)],
    ({ body }) => [{ body }],
    ({ head }) => [{ head }],
    ({ body }) => [{ head: pick(JUNK), body }],
    ({ head, body }) => [{ head: { ...head, id: head.id + pick([-1, 1, 7]) }, body }],
    ({ head, body }) => [{ head: { ...head, id: pick(JUNK) }, body }],
    ({ head, body }) => [{ head: { ...head, value: pick(JUNK) }, body }],
    ({ head, body }) => [{ head: { ...head, error: pick(JUNK) }, body }],
    ({ head, body }) => [{ head: { id: head.id, error: { name: 'X', message: 'Lies.' } }, body }],
    ({ head }) => [{ head, body: pick(JUNK) }],
    ({ head, body }) => [{ head, body: body.slice(1) }],
    ({ head, body }) => [{ head, body: [...body, Uint8Array.of(1)] }],
    ({ head, body }) => [{ head, body: body.map((/** @type {any} */ part) => [...part]) }],
    ({ head, body }) => [
      { head, body: body.map((/** @type {any} */ part) => part.subarray(0, below(part.length))) },
    ],
    ({ head, body }) => [{ head, body: body.map(flip) }],
    (frame) => [frame, frame],
    (frame) => [{ head: { id: frame.head.id + 1, value: {} }, body: [] }, frame],
    changeValue,
    changeValue,
    changeValue,
    changeValue,
  ];

  /** @param {Uint8Array} bytes */
  function flip(bytes) {
    const flipped = bytes.slice();
    if (bytes.length > 0) flipped[below(bytes.length)] ^= 1 << below(8);
    return flipped;
  }

  /** @param {any} frame one field becomes another, or is lost */
  function changeValue({ head, body }) {
    const value = structuredClone(head.value ?? {});
    const key = pick(Object.keys(value)) ?? 'other';
    if (Array.isArray(value[key]) && below(2)) {
      if (below(2)) value[key].pop();
      else value[key].push(below(4));
    } else if (below(2)) {
      value[key] = pick(JUNK);
    } else {
      delete value[key];
    }
    return [{ head: { ...head, value }, body }];
  }

  return (_, type, frame) => (random() < share ? pick(ways)(frame) : [frame]);
}
