// SPDX-License-Identifier: Apache-2.0

/** Inputs that are the same in all runs, and so are given at import: a rate, a shape, a flag. */

import { ShapeError, ValueError } from '../../core/errors.js';
import { takeTensor } from '../../model/values.js';
import { inputOf } from './inputs.js';
import { quote } from './protobuf.js';
import { Constant, constantValue } from './values.js';

/**
 * @typedef {import('./graph.js').ResolvedGraph} Graph
 * @typedef {import('../../model/values.js').Elements} Elements
 * @typedef {import('../../model/values.js').GivenTensor} GivenTensor
 * @typedef {import('./values.js').Value} Value
 *
 * @typedef {Record<string, number | boolean | GivenTensor | GivenTensor['data']>} GivenValues by name
 * @typedef {Graph & { bound: Map<string, Value> }} BoundGraph
 */

/**
 * @param {Graph} graph
 * @param {GivenValues} given
 * @returns {BoundGraph} its inputs are those that are left
 * @throws {ValueError | ShapeError} for names that there are not, and for what does not fit the input
 */
export function bindInputs(graph, given) {
  /** @type {Map<string, Value>} */
  const bound = new Map();
  for (const [name, tensor] of Object.entries(given)) {
    const input = graph.inputs.find((one) => one.name === name);
    if (!input) throw unknownInput(graph, name);
    bound.set(name, constantValue(constantFor(input, tensor)));
  }
  return { ...graph, inputs: graph.inputs.filter(({ name }) => !bound.has(name)), bound };
}

/**
 * @param {Graph} graph
 * @param {string} name
 */
export function unknownInput(graph, name) {
  const names = graph.inputs.map((input) => quote(input.name)).join(', ');
  return new ValueError(`The network has no input ${quote(name)}; its inputs are ${names}.`);
}

/**
 * @param {import('./type-proto.js').OnnxValue} input
 * @param {unknown} tensor
 */
function constantFor(input, tensor) {
  const { name, type, element, dims } = inputOf(input);
  const whole = typeof tensor === 'number' || typeof tensor === 'boolean' ? [tensor] : tensor;
  const shape = dims.map((dim, axis) => dim ?? `${axis}`);
  const usualShape = dims.map((dim) => (typeof dim === 'number' ? dim : 1));
  const { values, shape: taken } = takeTensor({ name, type, shape, usualShape }, whole);
  if (
    taken.length !== dims.length ||
    taken.some((dim, i) => typeof dims[i] === 'number' && dims[i] !== dim)
  ) {
    throw new ShapeError(
      `The input ${quote(name)} has ${dims.length} dimensions, not those of ${taken.join('×')}.`,
    );
  }
  // The caller may change what it gave.
  const elements = /** @type {Elements} */ (values.slice());
  const kept = type === 'float32' ? Float32Array.from(elements) : elements;
  return new Constant(type, taken, () => kept, { element });
}
