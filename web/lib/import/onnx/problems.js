// SPDX-License-Identifier: Apache-2.0

/** All that stands in the way of an import, so that it can be said at once. */

import { UnsupportedError } from '../../core/errors.js';

/** How many nodes of one operator are named. */
const NAMED_NODES = 3;
const MOST_LETTERS = 300;

/** @param {import('./graph.js').ResolvedNode} node */
export function nameOf(node) {
  return node.name || node.outputs.find((name) => name !== '') || node.opType;
}

/**
 * A file may have any names.
 *
 * @param {string} text
 * @returns {string} of one line, and not too long
 */
function printable(text) {
  const line = text.replace(/\p{Cc}/gu, '?');
  return line.length > MOST_LETTERS ? `${line.slice(0, MOST_LETTERS)}…` : line;
}

export class Problems {
  /** Names of nodes, by what is wrong with them. @type {Map<string, string[]>} */
  #nodes = new Map();

  /**
   * @param {import('./graph.js').ResolvedNode} node
   * @param {string} reason a clause about it
   */
  add(node, reason) {
    const domain = node.domain ? `${node.domain}.` : '';
    const key = `${printable(domain + node.opType)} (version ${node.version}): ${printable(reason)}`;
    const names = this.#nodes.get(key) ?? [];
    names.push(printable(`"${nameOf(node)}"`));
    this.#nodes.set(key, names);
  }

  /** @throws {UnsupportedError} where there are some */
  throwAll() {
    if (this.#nodes.size === 0) return;
    const clauses = [...this.#nodes].map(([key, names]) => {
      const more = names.length - NAMED_NODES;
      const shown = names.slice(0, NAMED_NODES).join(', ');
      return `${key}, in ${shown}${more > 0 ? ` and ${more} more` : ''}`;
    });
    throw new UnsupportedError(`Of the ONNX graph this is not supported: ${clauses.join('; ')}.`);
  }
}
