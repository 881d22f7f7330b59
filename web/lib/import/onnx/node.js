// SPDX-License-Identifier: Apache-2.0

/** A node of ONNX with its inputs, as the operators (operators/) see it. */

import { UnsupportedError } from '../../core/errors.js';
import { floatOf, floatsOf, intOf, intsOf, stringOf, stringsOf, tensorOf } from './attributes.js';
import { constantOf } from './constants.js';

/**
 * @typedef {import('./values.js').Constant} Constant
 * @typedef {import('./values.js').Value} Value
 * @typedef {import('./graph.js').ResolvedNode} Node
 */

export class NodeView {
  /**
   * @param {Node} node
   * @param {Array<Value | undefined>} inputs those that are left out are undefined
   */
  constructor(node, inputs) {
    this.node = node;
    this.version = node.version;
    this.inputs = inputs;
  }

  /**
   * The same node of other inputs, or of another version.
   *
   * @param {Array<Value | undefined>} inputs
   * @param {number} [version]
   */
  with(inputs, version = this.version) {
    const other = new NodeView(this.node, inputs);
    other.version = version;
    return other;
  }

  /** How many outputs somebody gave names. */
  get outputCount() {
    return this.node.outputs.length;
  }

  /**
   * @param {number} index
   * @returns {Value}
   */
  input(index) {
    const value = this.inputs[index];
    if (!value) throw new UnsupportedError(`it lacks its input ${index}`);
    return value;
  }

  /**
   * @param {number} index
   * @returns {Value | undefined}
   */
  optional(index) {
    return this.inputs[index];
  }

  /**
   * An input that has to be the same in all runs.
   *
   * @param {number} index
   * @param {string} what it is
   * @returns {Constant}
   */
  constant(index, what) {
    const { constant } = this.input(index);
    if (!constant) {
      throw new UnsupportedError(
        `${what} must be known at import, and is computed from the inputs`,
      );
    }
    return constant;
  }

  /**
   * Numbers that stand in an input, or, in older operator sets, in an attribute of that name.
   *
   * @param {number} index
   * @param {string} attribute
   * @returns {number[] | undefined} where there is neither
   */
  integersAt(index, attribute) {
    if (this.inputs[index]) return [...this.constant(index, `"${attribute}"`).elements];
    return this.ints(attribute);
  }

  /** @param {string} name @param {number} otherwise */
  int(name, otherwise) {
    return intOf(this.node, name, otherwise);
  }

  /** @param {string} name */
  ints(name) {
    return intsOf(this.node, name, undefined);
  }

  /** @param {string} name @param {number} otherwise */
  float(name, otherwise) {
    return floatOf(this.node, name, otherwise);
  }

  /** @param {string} name */
  floats(name) {
    return floatsOf(this.node, name, undefined);
  }

  /** @param {string} name @param {string} otherwise */
  string(name, otherwise) {
    return stringOf(this.node, name, otherwise);
  }

  /** @param {string} name */
  strings(name) {
    return stringsOf(this.node, name, undefined);
  }

  /** @param {string} name */
  tensor(name) {
    const tensor = tensorOf(this.node, name, undefined);
    return tensor && constantOf(tensor);
  }

  /**
   * An axis, counted from the end where it is negative.
   *
   * @param {number} axis
   * @param {number} rank
   */
  axis(axis, rank) {
    const positive = axis < 0 ? axis + rank : axis;
    if (Number.isInteger(positive) && positive >= 0 && positive < rank) return positive;
    throw new UnsupportedError(`it has an axis ${axis} of a value of ${rank} dimensions`);
  }
}
