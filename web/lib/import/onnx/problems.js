// SPDX-License-Identifier: Apache-2.0

/** All that stands in the way of an import, so that it can be said at once. */

import { UnsupportedError } from '../../core/errors.js';

/** How many nodes of one operator are named. */
const NAMED_NODES = 3;

/** @param {import('./graph.js').ResolvedNode} node */
export function nameOf(node) {
  return node.name || node.outputs.find((name) => name !== '') || node.opType;
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
    const key = `${domain}${node.opType} (version ${node.version}): ${reason}`;
    const names = this.#nodes.get(key) ?? [];
    names.push(`"${nameOf(node)}"`);
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
