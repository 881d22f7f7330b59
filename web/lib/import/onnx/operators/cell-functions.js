// SPDX-License-Identifier: Apache-2.0

/** What gates of LSTM, GRU and RNN go through: "activations" with their numbers, as attributes of our cells. */

import { UnsupportedError } from '../../../core/errors.js';

/**
 * @typedef {import('../node.js').NodeView} NodeView
 *
 * @typedef {object} CellFunction
 * @property {string} name ours
 * @property {number} [alpha] by default; where there is none, it takes none
 * @property {number} [beta] likewise
 */

/** By ONNX's names, which are of any case. @type {Map<string, CellFunction>} */
const FUNCTIONS = new Map([
  ['sigmoid', { name: 'sigmoid' }],
  ['tanh', { name: 'tanh' }],
  ['relu', { name: 'relu' }],
  ['hardsigmoid', { name: 'hardSigmoid', alpha: 0.2, beta: 0.5 }],
  ['affine', { name: 'affine', alpha: 1, beta: 0 }],
  ['leakyrelu', { name: 'leakyRelu', alpha: 0.01 }],
  ['thresholdedrelu', { name: 'thresholdedRelu', alpha: 1 }],
  ['scaledtanh', { name: 'scaledTanh', alpha: 1, beta: 1 }],
  ['elu', { name: 'elu', alpha: 1 }],
  ['softsign', { name: 'softsign' }],
  ['softplus', { name: 'softplus' }],
]);

/**
 * The functions of all directions. Each that takes numbers takes the next of their lists.
 *
 * @param {NodeView} node
 * @param {string[]} usual where the node names none
 * @param {number} directions
 * @returns {CellFunction[]}
 */
function functionsOf(node, usual, directions) {
  const names = node.strings('activations') ?? new Array(directions).fill(usual).flat();
  if (names.length !== directions * usual.length) {
    throw new UnsupportedError(`it has ${names.length} activations`);
  }
  const alphas = [...(node.floats('activation_alpha') ?? [])];
  const betas = [...(node.floats('activation_beta') ?? [])];
  return names.map((/** @type {string} */ theirs) => {
    const known = FUNCTIONS.get(theirs.toLowerCase());
    if (!known) throw new UnsupportedError(`its activation "${theirs}" is not supported`);
    const { name, alpha, beta } = known;
    return {
      name,
      ...(alpha !== undefined && { alpha: alphas.shift() ?? alpha }),
      ...(beta !== undefined && { beta: betas.shift() ?? beta }),
    };
  });
}

/**
 * @param {NodeView} node
 * @param {string[]} roles our names of what one direction has: "gate" …
 * @param {string[]} usual ONNX's activations where the node names none
 * @param {number} directions
 * @returns {Array<Record<string, string | number>>} attributes of our cells for each direction
 */
export function cellFunctions(node, roles, usual, directions) {
  const all = functionsOf(node, usual, directions);
  return Array.from({ length: directions }, (_, direction) =>
    Object.fromEntries(
      roles.flatMap((role, i) => {
        const { name, alpha, beta } = all[direction * roles.length + i];
        return [
          [`${role}Function`, name],
          ...(alpha === undefined ? [] : [[`${role}Alpha`, alpha]]),
          ...(beta === undefined ? [] : [[`${role}Beta`, beta]]),
        ];
      }),
    ),
  );
}
