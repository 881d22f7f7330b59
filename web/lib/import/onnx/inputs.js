// SPDX-License-Identifier: Apache-2.0

/** The inputs of an ONNX graph, which have to be tensors of known rank. */

import { UnsupportedError } from '../../core/errors.js';
import { ourType } from './constants.js';
import { quote } from './protobuf.js';

/**
 * @typedef {import('./type-proto.js').Dimension} Dimension
 *
 * @typedef {object} Input
 * @property {string} name
 * @property {import('./values.js').ElementType} type
 * @property {string} element as the file has it
 * @property {Dimension[]} dims
 */

/**
 * @param {import('./type-proto.js').OnnxValue} value
 * @returns {Input}
 */
export function inputOf({ name, type }) {
  if (type.kind !== 'tensor') {
    throw new UnsupportedError(
      `The input ${quote(name)} is of the kind "${type.kind}", not a tensor.`,
    );
  }
  if (!type.shape)
    throw new UnsupportedError(
      `The file does not say how many dimensions the input ${quote(name)} has.`,
    );
  const { element, shape: dims } = type;
  return { name, type: ourType(element, name), element, dims };
}
