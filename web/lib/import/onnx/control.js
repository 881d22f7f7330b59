// SPDX-License-Identifier: Apache-2.0

/**
 * Control flow that is decided at import: an If whose condition is known then, and loops that run a known
 * number of times, which are written out. All else is refused.
 */

import { UnsupportedError } from '../../core/errors.js';
import { concat, part } from './ours.js';
import { Constant, constantValue } from './values.js';

/**
 * @typedef {import('./graph.js').ResolvedGraph} ResolvedGraph
 * @typedef {import('./lower-graph.js').GraphLowerer} GraphLowerer
 * @typedef {import('./lower-graph.js').Scope} Scope
 * @typedef {import('./node.js').NodeView} NodeView
 * @typedef {import('./values.js').Value} Value
 * @typedef {(node: NodeView, lowerer: GraphLowerer, scope: Scope) => Promise<Value[]>} LowerControl
 */

/** Of one loop; and of nodes that all of its rounds have. */
const MAX_ROUNDS = 1024;
const MAX_NODES = 16384;

/**
 * @param {NodeView} node
 * @param {string} name
 * @returns {ResolvedGraph}
 */
function graphOf(node, name) {
  const graph = node.node.graphs.get(name);
  if (!graph) throw new UnsupportedError(`it lacks its graph "${name}"`);
  return graph;
}

/** @type {LowerControl} */
async function lowerIf(node, lowerer, scope) {
  const { constant } = node.input(0);
  if (!constant) throw new UnsupportedError('its condition depends on the inputs');
  const branch = constant.elements[0] ? 'then_branch' : 'else_branch';
  return lowerer.lowerBody(graphOf(node, branch), scope, []);
}

/**
 * @param {ResolvedGraph} body
 * @param {number} rounds
 */
function checkRounds(body, rounds) {
  if (rounds <= MAX_ROUNDS && rounds * body.nodes.length <= MAX_NODES) return;
  throw new UnsupportedError(
    `its ${rounds} rounds of ${body.nodes.length} nodes are too many to be written out; the limits are ` +
      `${MAX_ROUNDS} rounds and ${MAX_NODES} nodes`,
  );
}

/** @type {LowerControl} */
async function lowerLoop(node, lowerer, scope) {
  const body = graphOf(node, 'body');
  const most = node.optional(0);
  if (most && !most.constant) throw new UnsupportedError('how often it runs depends on the inputs');
  const rounds = most?.constant ? Number(most.constant.elements[0]) : Infinity;
  /** @type {Value | undefined} */
  let going = node.optional(1);
  let carried = node.inputs.slice(2).map((_, index) => node.input(index + 2));
  /** @type {Value[][]} */
  const scanned = [];
  for (let round = 0; round < rounds && isTrue(going); ++round) {
    checkRounds(body, Math.max(round + 1, Number.isFinite(rounds) ? rounds : 0));
    const iteration = lowerer.lowering.integers([round], []);
    const condition = going ?? truth();
    const outputs = await lowerer.lowerBody(body, scope, [iteration, condition, ...carried]);
    going = outputs[0];
    carried = outputs.slice(1, carried.length + 1);
    scanned.push(outputs.slice(carried.length + 1));
  }
  return [...carried, ...stack(lowerer, scanned, body.outputs.length - 1 - carried.length, [])];
}

function truth() {
  return constantValue(new Constant('bool', [], () => Uint8Array.of(1)));
}

/** @param {Value | undefined} condition */
function isTrue(condition) {
  if (!condition) return true;
  if (!condition.constant) throw new UnsupportedError('how often it runs depends on the inputs');
  return condition.constant.elements[0] !== 0;
}

/**
 * What rounds put out, one after the other along an axis.
 *
 * @param {GraphLowerer} lowerer
 * @param {Value[][]} rounds
 * @param {number} count of outputs of each
 * @param {number[]} axes by output, by default 0
 */
function stack({ lowering }, rounds, count, axes) {
  return Array.from({ length: count }, (_, index) => {
    if (rounds.length === 0) throw new UnsupportedError('it has outputs of no round at all');
    const axis = axes[index] ?? 0;
    const pieces = rounds.map((outputs) => {
      const { shape } = outputs[index];
      const at = axis < 0 ? axis + shape.length + 1 : axis;
      return lowering.reshape(outputs[index], [...shape.slice(0, at), 1, ...shape.slice(at)]);
    });
    return concat(lowering, pieces, axis < 0 ? axis + pieces[0].shape.length : axis);
  });
}

/** @type {LowerControl} */
async function lowerScan(node, lowerer, scope) {
  if (node.version < 9) throw new UnsupportedError('it is of a version before 9');
  const body = graphOf(node, 'body');
  const scans = node.int('num_scan_inputs', 0);
  const values = node.inputs.map((_, index) => node.input(index));
  const inputs = values.slice(values.length - scans);
  let states = values.slice(0, values.length - scans);
  const axes = node.ints('scan_input_axes') ?? [];
  const at = inputs.map(({ shape }, i) => node.axis(axes[i] ?? 0, shape.length));
  const rounds = inputs[0].shape[at[0]];
  checkRounds(body, rounds);
  const backwards = node.ints('scan_input_directions') ?? [];
  /** @type {Value[][]} */
  const scanned = [];
  for (let round = 0; round < rounds; ++round) {
    const slices = inputs.map((value, i) => {
      const place = backwards[i] === 1 ? rounds - 1 - round : round;
      const slice = part(lowerer.lowering, value, at[i], place, place + 1);
      return lowerer.lowering.reshape(
        slice,
        value.shape.filter((_, axis) => axis !== at[i]),
      );
    });
    const outputs = await lowerer.lowerBody(body, scope, [...states, ...slices]);
    states = outputs.slice(0, states.length);
    scanned.push(outputs.slice(states.length));
  }
  const directions = node.ints('scan_output_directions') ?? [];
  if (directions.some((direction) => direction === 1)) {
    throw new UnsupportedError('its outputs run backwards ("scan_output_directions")');
  }
  const count = body.outputs.length - states.length;
  return [...states, ...stack(lowerer, scanned, count, node.ints('scan_output_axes') ?? [])];
}

/** By name. @type {Map<string, LowerControl>} */
export const CONTROL = new Map([
  ['If', lowerIf],
  ['Loop', lowerLoop],
  ['Scan', lowerScan],
]);
