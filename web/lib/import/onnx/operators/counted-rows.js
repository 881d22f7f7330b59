// SPDX-License-Identifier: Apache-2.0

/**
 * Values of which a run tells how many rows there are, as boxes that were found. All shapes of our graphs are
 * known before a run: such a value has room for all rows that there could be, those that there are come first,
 * and its count is another value. What works on each row alone keeps that; the graph's outputs are cut to their
 * counts at the end of a run; what else would see rows that there are not, is refused.
 */

import { UnsupportedError } from '../../../core/errors.js';
import { Constant, constantValue, sizeOf } from '../values.js';
import { ELEMENTWISE } from './elementwise.js';

/**
 * @typedef {import('../node.js').NodeView} NodeView
 * @typedef {import('../lowering.js').Lowering} Lowering
 * @typedef {import('../values.js').Value} Value
 * @typedef {import('../values.js').Rows} Rows
 *
 * @typedef {(node: NodeView, lower: Lowering, output: Value) => Rows | undefined} Rule those of the output;
 *   none where the operator sees more than one row at a time
 */

/** @param {NodeView} node @returns {Value[]} */
const givenOf = (node) => node.inputs.filter((value) => value !== undefined);

/** @param {Value} value @returns {value is Value & { rows: Rows }} */
const isCounted = (value) => value.rows !== undefined;

/**
 * The one axis of all inputs that are counted, counted from the last one. Others must not have it, or be of one
 * row.
 *
 * @param {NodeView} node
 * @returns {{ fromEnd: number, count: Value } | undefined}
 */
function commonRows(node) {
  const inputs = givenOf(node);
  const [first] = inputs.filter(isCounted);
  const fromEnd = first.shape.length - first.rows.axis;
  const { count } = first.rows;
  const fits = inputs.every(({ shape, rows }) =>
    rows
      ? rows.count === count && shape.length - rows.axis === fromEnd
      : (shape[shape.length - fromEnd] ?? 1) === 1,
  );
  return fits ? { fromEnd, count } : undefined;
}

/** @type {Rule} */
function elementwise(node, lower, output) {
  const common = commonRows(node);
  return common && { axis: output.shape.length - common.fromEnd, count: common.count };
}

/** Of its first input alone. @param {(node: NodeView, rows: Rows, output: Value) => number | undefined} axisOf @returns {Rule} */
function ofFirst(axisOf) {
  return (node, lower, output) => {
    const { rows } = node.input(0);
    if (!rows || givenOf(node).slice(1).some(isCounted)) return undefined;
    const axis = axisOf(node, rows, output);
    return axis === undefined ? undefined : { axis, count: rows.count };
  };
}

/** Where the same elements come before and behind. @param {NodeView} node @param {Rows} rows @param {Value} output */
function reshapedAxis(node, rows, output) {
  const { shape } = node.input(0);
  const before = sizeOf(shape.slice(0, rows.axis));
  const axis = output.shape.findIndex(
    (dim, i) => dim === shape[rows.axis] && sizeOf(output.shape.slice(0, i)) === before,
  );
  return axis < 0 ? undefined : axis;
}

/** @param {NodeView} node @param {Rows} rows */
function transposedAxis(node, { axis }) {
  const perm = node.ints('perm');
  return perm ? perm.indexOf(axis) : node.input(0).shape.length - 1 - axis;
}

/** The first rows of what is counted are as many, or all that there are. @type {Rule} */
function slice(node, lower, output) {
  const value = node.input(0);
  const { rows } = value;
  if (!rows) return undefined;
  if (output.shape[rows.axis] === value.shape[rows.axis]) return rows;
  const rank = value.shape.length;
  const starts = node.integersAt(1, 'starts') ?? [];
  const axes = node.integersAt(3, 'axes') ?? starts.map((_, i) => i);
  const at = axes.findIndex((axis) => node.axis(axis, rank) === rows.axis);
  const [step = 1] = node.optional(4) ? [...node.constant(4, '"steps"').elements].slice(at) : [];
  const ends = node.integersAt(2, 'ends') ?? [];
  if (starts[at] !== 0 || step !== 1 || ends[at] < 0) return undefined;
  // Where more are counted than are kept, all that are kept are there.
  return rows;
}

/** @type {Rule} */
function gather(node) {
  const [data, indices] = [node.input(0), node.input(1)];
  const axis = node.axis(node.int('axis', 0), data.shape.length);
  if (data.rows && indices.rows) return undefined;
  if (indices.rows) return { axis: axis + indices.rows.axis, count: indices.rows.count };
  if (!data.rows || data.rows.axis === axis) return undefined;
  const shift = data.rows.axis > axis ? indices.shape.length - 1 : 0;
  return { axis: data.rows.axis + shift, count: data.rows.count };
}

/** @type {Rule} */
function gatherND(node) {
  const [data, indices] = [node.input(0), node.input(1)];
  if (data.rows || !indices.rows || node.int('batch_dims', 0) !== 0) return undefined;
  return indices.rows.axis < indices.shape.length - 1 ? indices.rows : undefined;
}

/** @type {Rule} */
function concat(node) {
  const inputs = givenOf(node);
  const [{ rows }] = inputs;
  const axis = node.axis(node.int('axis', 1), inputs[0].shape.length);
  if (!rows || rows.axis === axis) return undefined;
  const isSame = (/** @type {Value} */ value) =>
    value.rows?.axis === rows.axis && value.rows.count === rows.count;
  return inputs.every(isSame) ? rows : undefined;
}

/** Where none of its axes is that of the rows. @param {Rows} rows @param {number[]} axes @param {boolean} keeps */
function reducedAxis({ axis }, axes, keeps) {
  if (axes.includes(axis)) return undefined;
  return keeps ? axis : axis - axes.filter((other) => other < axis).length;
}

const reduced = ofFirst((node, rows) => {
  const rank = node.input(0).shape.length;
  const axes = node.integersAt(1, 'axes')?.map((axis) => node.axis(axis, rank));
  return axes && reducedAxis(rows, axes, node.int('keepdims', 1) === 1);
});

const arg = ofFirst((node, rows) => {
  const axis = node.axis(node.int('axis', 0), node.input(0).shape.length);
  return reducedAxis(rows, [axis], node.int('keepdims', 1) === 1);
});

const alongOther = ofFirst((node, rows) => {
  const axis = node.axis(node.int('axis', 0), node.input(0).shape.length);
  return axis === rows.axis ? undefined : rows.axis;
});

const reshaped = ofFirst(reshapedAxis);

/** @type {Record<string, Rule>} */
const RULES = {
  ...Object.fromEntries(Object.keys(ELEMENTWISE).map((name) => [name, elementwise])),
  ...Object.fromEntries(['Gelu', 'IsInf'].map((name) => [name, elementwise])),
  Cast: elementwise,
  CastLike: ofFirst((node, { axis }) => axis),
  Where: elementwise,
  Identity: elementwise,
  Dropout: ofFirst((node, { axis }) => axis),
  Reshape: reshaped,
  Flatten: reshaped,
  Squeeze: reshaped,
  Unsqueeze: reshaped,
  Transpose: ofFirst(transposedAxis),
  Slice: slice,
  Split: alongOther,
  Gather: gather,
  GatherND: gatherND,
  Concat: concat,
  ReduceSum: reduced,
  ReduceMean: reduced,
  ReduceMax: reduced,
  ReduceMin: reduced,
  ReduceProd: reduced,
  ArgMax: arg,
  ArgMin: arg,
};

/** What tells of rows without looking at them. */
const TELLS = new Set(['Shape']);

/**
 * What a node makes, with the rows that it has of its inputs.
 *
 * @param {NodeView} node
 * @param {Lowering} lower
 * @param {Array<Value | undefined>} outputs
 * @returns {Array<Value | undefined>}
 * @throws {UnsupportedError} where it would see rows that there are not
 */
export function keepRows(node, lower, outputs) {
  if (!givenOf(node).some(isCounted)) return outputs;
  const { domain, opType } = node.node;
  if (domain === '' && TELLS.has(opType)) return outputs;
  const rule = domain === '' && Object.hasOwn(RULES, opType) ? RULES[opType] : undefined;
  return outputs.map((output) => {
    const rows = output && rule?.(node, lower, output);
    if (output && !rows) throw refusal();
    return output && { ...output, rows };
  });
}

function refusal() {
  return new UnsupportedError(
    'how large its input is, a run alone tells, as after NonMaxSuppression; ' +
      'export the network up to there, and do the rest in JavaScript',
  );
}

/**
 * @param {Lowering} lower
 * @param {Value} value
 * @returns {Value}
 */
function withoutRows(lower, { type, shape }) {
  const axis = shape.indexOf(0);
  if (axis !== shape.lastIndexOf(0)) {
    throw new UnsupportedError(
      `An output of ${shape.join('×')} has no elements along several axes.`,
    );
  }
  const dims = shape.map((dim, i) => (i === axis ? 1 : dim));
  const Elements = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }[type];
  const zeros = new Constant(type, dims, () => new Elements(sizeOf(dims)));
  return lower.emit('firstRows', [constantValue(zeros), lower.integers([0], [])], { axis });
}

/** @param {NodeView} node @throws {UnsupportedError} where an input is counted */
export function refuseRows(node) {
  if (givenOf(node).some(isCounted)) throw refusal();
}

/**
 * A value of the size that a run tells, of which nothing else can be made. One without elements is one of no
 * rows: in our graphs all others have some.
 *
 * @param {Lowering} lower
 * @param {Value} value
 * @returns {Value}
 */
export function cutToRows(lower, value) {
  if (sizeOf(value.shape) === 0) return withoutRows(lower, value);
  if (!value.rows) return value;
  const { axis, count } = value.rows;
  return lower.emit('firstRows', [value, count], { axis });
}
