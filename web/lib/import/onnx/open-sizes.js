// SPDX-License-Identifier: Apache-2.0

/**
 * Graphs that were lowered with different sizes, as one that holds for all of them. They are the same but for
 * the shapes of reshapes, which exporters compute from the sizes of other values: a dimension that is the
 * input's there, or the only one that differs, is none that has to be known.
 */

/**
 * @typedef {import('./lower-graph.js').Lowered} Lowered
 * @typedef {import('./lowering.js').OurNode} OurNode
 * @typedef {import('./lowering.js').Reshaped} Reshaped
 */

/** As the attribute "rest" has it. */
const NONE = 8;

/**
 * Changes the first graph so that it holds for the sizes of all.
 *
 * @param {Lowered[]} all
 * @returns {boolean} whether there is such a graph; if not, what the first holds for is as before
 */
export function unify(all) {
  const [first, ...others] = all;
  if (others.some((other) => !isAlike(first, other))) return false;
  /** @type {Array<[OurNode, NonNullable<ReturnType<typeof commonShape>>]>} */
  const changes = [];
  for (const [index, node] of first.graph.nodes.entries()) {
    if (node.op !== 'reshape') continue;
    const shape = commonShape(
      all.map(({ graph, reshaped }) => /** @type {Reshaped} */ (reshaped.get(graph.nodes[index]))),
    );
    if (!shape) return false;
    changes.push([node, shape]);
  }
  for (const [node, shape] of changes) Object.assign(node, shape);
  return true;
}

/**
 * @param {Reshaped[]} all of one node
 */
function commonShape(all) {
  const [{ from, to }] = all;
  if (all.some((other) => other.to.length !== to.length || other.from.length !== from.length)) {
    return undefined;
  }
  let rest = NONE;
  /** @type {number[]} */
  const shape = [];
  for (const [axis, dim] of to.entries()) {
    const isOwn = all.every((one) => one.to[axis] === one.from[axis]);
    const isFixed = all.every((one) => one.to[axis] === dim);
    if (!isOwn && !isFixed && rest !== NONE) return undefined;
    if (!isOwn && !isFixed) rest = axis;
    shape.push(isOwn ? 0 : isFixed ? dim : 1);
  }
  return { shape, rest };
}

/**
 * Whether all but shapes of reshapes is the same.
 *
 * @param {Lowered} a
 * @param {Lowered} b
 */
function isAlike(a, b) {
  return (
    textOf(a) === textOf(b) &&
    [...a.parameters].every(([name, { kind, rows, cols, make }]) => {
      const other = b.parameters.get(name);
      // Such as the mixtures of a resize, which are as many as its input is long.
      if (kind !== other?.kind || rows !== other.rows || cols !== other.cols) return false;
      return kind === 'matrix' || hasSameElements(make(), other.make());
    })
  );
}

/** @param {Lowered} lowered */
function textOf({ graph: { nodes, outputs } }) {
  const without = nodes.map((node) =>
    node.op === 'reshape' ? { ...node, shape: [], rest: NONE } : node,
  );
  return JSON.stringify([without, outputs]);
}

/**
 * Of two vectors.
 *
 * @param {any} a
 * @param {any} b
 */
function hasSameElements({ data: a }, { data: b }) {
  return (
    a.length === b.length &&
    a.every((/** @type {number} */ element, /** @type {number} */ i) => Object.is(element, b[i]))
  );
}
