// SPDX-License-Identifier: Apache-2.0

/** Tensors by name, and the numbers that stand for lists of names in messages. */

import { ShapeError, ValueError } from '../core/errors.js';
import { plainView, typedArrayName } from '../core/tags.js';
import { callTraining } from '../core/training.js';

/**
 * @typedef {import('../../../dist/lowtropy-training.js').NamedSize} NamedSize
 * @typedef {Record<string, number>} Layout the number of elements of each tensor
 * @typedef {Record<string, Float32Array>} Tensors
 */

/** How many lists of names are remembered. */
const MOST_KNOWN = 64;

/**
 * The lists of names that this program has made compressors of, by the number that messages carry
 * instead of them. Messages then need no bytes for names.
 *
 * @type {Map<number, string[]>}
 */
const knownNames = new Map();

/**
 * @param {number} id
 * @param {string[]} names in the order of messages
 */
export function rememberNames(id, names) {
  knownNames.delete(id);
  knownNames.set(id, names);
  if (knownNames.size <= MOST_KNOWN) return;
  const [oldest] = knownNames.keys();
  knownNames.delete(oldest);
}

/**
 * @param {number} id
 * @param {number} count how many there must be: a message may have any number in its place for the id
 * @returns {string[] | undefined}
 */
export function namesOf(id, count) {
  const names = knownNames.get(id);
  return names?.length === count ? names : undefined;
}

/**
 * @param {Layout} layout
 * @returns {NamedSize[]}
 * @throws {ValueError}
 */
export function listLayout(layout) {
  if (typeof layout !== 'object' || layout === null) {
    throw new ValueError('A layout must be an object of sizes by the names of tensors.');
  }
  return Object.entries(layout).map(([name, size]) => {
    if (!Number.isInteger(size) || size < 1 || size > 2 ** 32 - 1) {
      throw new ShapeError(
        `Tensor "${name}" must have from 1 to 4294967295 elements, not ${String(size)}.`,
      );
    }
    return { name, size };
  });
}

/**
 * @param {Tensors} tensors
 * @returns {{ list: NamedSize[], views: Map<string, Float32Array> }} views: plain ones of the same
 *   memory, by name, each read once
 * @throws {ValueError}
 */
export function takeTensors(tensors) {
  if (typeof tensors !== 'object' || tensors === null) {
    throw new ValueError('Tensors must be an object of Float32Arrays by name.');
  }
  const views = new Map(
    Object.entries(tensors).map(([name, values]) => {
      if (typedArrayName(values) !== 'Float32Array') {
        throw new ValueError(`Tensor "${name}" must be a Float32Array.`);
      }
      return [name, takeView(values, name)];
    }),
  );
  return { list: [...views].map(([name, { length }]) => ({ name, size: length })), views };
}

/**
 * @param {unknown} values
 * @param {string} name
 */
function takeView(values, name) {
  try {
    return plainView(values, Float32Array);
  } catch {
    throw new ValueError(`Tensor "${name}": the memory was given away, to another thread perhaps.`);
  }
}

/**
 * @param {NamedSize[]} tensors
 * @returns {{ id: number, names: string[] }} the names in the order of messages
 */
export function describeLayout(tensors) {
  return callTraining((native) => native.describeLayout(tensors));
}
