// SPDX-License-Identifier: Apache-2.0

/** Reads a message of a parsed prototxt by its schema: each accessor checks what it returns. */

import { PrototxtError, shorten } from './prototxt.js';

/**
 * @typedef {import('./prototxt.js').Value} Value
 * @typedef {import('./prototxt.js').Message} Message
 */

const TRUE = new Set(['true', 'True', 't']);
const FALSE = new Set(['false', 'False', 'f']);

/** The fields of one message, and what to call the message in an error. */
export class Fields {
  /**
   * @param {Message} message
   * @param {string} where such as `layer "conv1": `, before what is wrong
   */
  constructor(message, where) {
    this.message = message;
    this.where = where;
  }

  /**
   * @param {string} what
   * @param {{ line: number, column: number }} [at]
   * @returns {never}
   */
  fail(what, at = this.message) {
    throw new PrototxtError(`${this.where}${what}`, at.line, at.column);
  }

  /**
   * A misspelt field would silently leave a default in its place, so only known ones may stand.
   *
   * @param {string[]} names
   * @returns {this}
   */
  only(...names) {
    for (const [name, values] of this.message.fields) {
      if (!names.includes(name)) this.fail(`there is no field "${shorten(name)}" here`, values[0]);
    }
    return this;
  }

  /**
   * @param {string} name
   * @returns {boolean}
   */
  has(name) {
    return this.all(name).length > 0;
  }

  /**
   * @param {string} name
   * @returns {Value[]}
   */
  all(name) {
    return this.message.fields.get(name) ?? [];
  }

  /**
   * @param {string} name
   * @returns {Value | undefined}
   */
  one(name) {
    const values = this.all(name);
    if (values.length > 1) this.fail(`"${name}" stands more than once`, values[1]);
    return values[0];
  }

  /**
   * @param {string} name
   * @returns {string[]}
   */
  strings(name) {
    return this.all(name).map((value) =>
      value.kind === 'string' ? value.value : this.fail(`"${name}" must be a quoted string`, value),
    );
  }

  /**
   * @param {string} name
   * @returns {string | undefined}
   */
  string(name) {
    this.one(name);
    return this.strings(name)[0];
  }

  /**
   * @param {string} name
   * @param {number} least
   * @returns {number[]}
   */
  integers(name, least) {
    return this.all(name).map((value) =>
      value.kind === 'number' &&
      Number.isInteger(value.value) &&
      value.value >= least &&
      value.value < 2 ** 31
        ? value.value
        : this.fail(`"${name}" must be an integer from ${least} to ${2 ** 31 - 1}`, value),
    );
  }

  /**
   * @template {number | undefined} T
   * @param {string} name
   * @param {T} otherwise
   * @param {number} [least]
   * @returns {number | T}
   */
  integer(name, otherwise, least = 0) {
    this.one(name);
    return this.integers(name, least)[0] ?? otherwise;
  }

  /**
   * @param {string} name
   * @returns {number[]}
   */
  numbers(name) {
    return this.all(name).map((value) =>
      value.kind === 'number' && Number.isFinite(value.value)
        ? value.value
        : this.fail(`"${name}" must be a finite number`, value),
    );
  }

  /**
   * @param {string} name
   * @param {number} otherwise
   * @returns {number}
   */
  number(name, otherwise) {
    this.one(name);
    return this.numbers(name)[0] ?? otherwise;
  }

  /**
   * @param {string} name
   * @param {boolean} otherwise
   * @returns {boolean}
   */
  boolean(name, otherwise) {
    const value = this.one(name);
    if (!value) return otherwise;
    if (
      value.kind === 'name' ? TRUE.has(value.value) : value.kind === 'number' && value.value === 1
    ) {
      return true;
    }
    if (
      value.kind === 'name' ? FALSE.has(value.value) : value.kind === 'number' && value.value === 0
    ) {
      return false;
    }
    return this.fail(`"${name}" must be true or false`, value);
  }

  /**
   * An enumeration, which the text format lets one write by name or by number.
   *
   * @param {string} name
   * @param {string[]} names in the order of their numbers, from 0
   * @param {string} otherwise
   * @returns {string}
   */
  choice(name, names, otherwise) {
    const value = this.one(name);
    if (!value) return otherwise;
    const chosen =
      value.kind === 'number'
        ? names[value.value]
        : names.find((candidate) => value.kind === 'name' && value.value === candidate);
    return chosen ?? this.fail(`"${name}" must be one of ${names.join(', ')}`, value);
  }

  /**
   * @param {string} name
   * @returns {Fields[]}
   */
  messages(name) {
    return this.all(name).map((value) =>
      value.kind === 'message'
        ? new Fields(value, this.where)
        : this.fail(`"${name}" must be a message in braces`, value),
    );
  }

  /**
   * @param {string} name
   * @returns {Fields} without fields if there is no such message
   */
  sub(name) {
    this.one(name);
    return this.messages(name)[0] ?? new Fields({ ...this.message, fields: new Map() }, this.where);
  }
}
