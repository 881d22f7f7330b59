// SPDX-License-Identifier: Apache-2.0

import { checkOptions } from '../../core/check.js';
import { LimitError, ShapeError, UnsupportedError, ValueError } from '../../core/errors.js';
import { init } from '../../core/module.js';
import { Pauses } from '../../core/pause.js';
import { checkSignal } from '../../core/stream.js';
import { describe } from '../../core/tags.js';
import { BUILD_OPTIONS, Model } from '../../model/model.js';
import { bindInputs, unknownInput } from './bind.js';
import { inputOf } from './inputs.js';
import { lowerGraph } from './lower-graph.js';
import { notesOf } from './notes.js';
import { unify } from './open-sizes.js';
import { quote } from './protobuf.js';
import { openOnnx } from './read.js';
import { TRIALS, symbolOf, symbolsOf } from './symbols.js';

/**
 * @typedef {import('./lower-graph.js').Lowered} Lowered
 * @typedef {import('./bind.js').BoundGraph} OnnxGraph
 * @typedef {import('./symbols.js').Sizes} Sizes
 *
 * @typedef {object} OnnxOptions
 * @property {Record<string, readonly number[]>} [shapes] of inputs, by name, where the file leaves sizes
 *   open that matter
 * @property {import('./bind.js').GivenValues} [values] of inputs that are the same in all runs, which the
 *   network then no longer has
 * @typedef {import('../../model/model.js').BuildOptions & OnnxOptions
 *   & import('./notes.js').NoteOptions} ImportOptions
 */

/** As kMaxNodes of cpp/lowtropy/graph/graph.h. */
const MOST_NODES = 16_384;

const OPTIONS = [...BUILD_OPTIONS, 'shapes', 'values', 'image', 'labels'];

/**
 * See the entry's `importOnnx` (../import-onnx.js).
 *
 * @param {import('./read.js').OnnxSource} source
 * @param {ImportOptions} [options]
 * @returns {Promise<Model>}
 */
export async function importOnnx(source, options = {}) {
  const { image, labels, ...checked } = checkOptions(options, 'importOnnx', OPTIONS);
  const { shapes = {}, values = {}, ...rest } = checked;
  for (const [name, given] of Object.entries({ shapes, values })) {
    if (Object(given) === given && !Array.isArray(given)) continue;
    throw new ValueError(
      `The option "${name}" must be an object by names of inputs, not ${describe(given)}.`,
    );
  }
  const signal = checkSignal(rest.signal);
  await init();
  const { graph: whole, metadata } = await openOnnx(source, { signal });
  const onnx = bindInputs(whole, values);
  const lowered = await lowerOpen(onnx, shapes, new Pauses(signal));
  const notes = notesOf({ image, labels }, metadata, lowered);
  const { graph, parameters } = lowered;
  if (graph.nodes.length > MOST_NODES) {
    throw new LimitError(
      `The network has ${graph.nodes.length} nodes, as they are here; the limit is ${MOST_NODES}.`,
    );
  }
  const total = [...parameters.values()].reduce((sum, { rows, cols }) => sum + 4 * rows * cols, 0);
  function* tensors() {
    for (const [name, { make, ...facts }] of parameters) {
      yield /** @type {const} */ ([name, { ...facts, ...make() }]);
    }
  }
  const noted = /** @type {any} */ ({ ...graph, ...notes });
  return Model.encode(noted, /** @type {any} */ (tensors()), total, rest);
}

/**
 * Lowers the graph, and leaves open what can stay open.
 *
 * @param {OnnxGraph} onnx
 * @param {Record<string, readonly number[]>} shapes
 * @param {Pauses} pauses
 */
async function lowerOpen(onnx, shapes, pauses) {
  const inputs = onnx.inputs.map(inputOf);
  const given = givenSizes(onnx, shapes);
  const symbols = [...symbolsOf(inputs)].filter((symbol) => !given.has(symbol));
  if (symbols.length === 0) return lowerGraph(onnx, given, pauses);
  /** @type {unknown} */
  let failure;
  /** @type {string[] | undefined} */
  let asked;
  for (const [usual, other] of TRIALS) {
    const sizes = new Map([
      ...given,
      ...symbols.map((symbol) => /** @type {const} */ ([symbol, usual])),
    ]);
    try {
      const lowered = await lowerGraph(onnx, sizes, pauses, { isOpen: true });
      const matter = [];
      const all = [lowered];
      for (const symbol of symbols) {
        const changed = await lowerOther(onnx, new Map(sizes).set(symbol, other), pauses);
        if (changed && unify([...all, changed])) all.push(changed);
        else matter.push(symbol);
      }
      if (matter.length === 0) return open(lowered, onnx, sizes, symbols);
      asked ??= matter;
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
      failure ??= error;
    }
  }
  throw asked ? openSizesError(onnx, asked) : failure;
}

/**
 * The graph with other sizes, where it can be had.
 *
 * @param {OnnxGraph} onnx
 * @param {Sizes} sizes
 * @param {Pauses} pauses
 */
async function lowerOther(onnx, sizes, pauses) {
  try {
    return await lowerGraph(onnx, sizes, pauses, { isOpen: true });
  } catch (error) {
    if (error instanceof UnsupportedError) return undefined;
    throw error;
  }
}

/**
 * @param {Lowered} lowered
 * @param {OnnxGraph} onnx
 * @param {Sizes} sizes
 * @param {string[]} symbols
 */
function open({ graph, ...rest }, onnx, sizes, symbols) {
  const open = new Map(onnx.inputs.map(inputOf).map(({ name, dims }) => [name, dims]));
  const inputs = graph.inputs.map(({ name, type, shape }) => ({
    name,
    type,
    shape: shape.map((size, axis) => {
      const dim = open.get(name)?.[axis];
      if (typeof dim === 'number') return size;
      const symbol = symbolOf(name, axis, dim);
      return symbols.includes(symbol) ? symbol : size;
    }),
  }));
  const used = new Set(inputs.flatMap(({ shape }) => shape));
  const usual = symbols
    .filter((symbol) => used.has(symbol))
    .map((symbol) => [symbol, sizes.get(symbol)]);
  return { graph: { ...graph, inputs, symbols: Object.fromEntries(usual) }, ...rest };
}

/**
 * @param {OnnxGraph} onnx
 * @param {Record<string, readonly number[]>} shapes
 * @returns {Sizes} of the symbols that the shapes tell
 */
function givenSizes(onnx, shapes) {
  const sizes = new Map();
  for (const [name, shape] of Object.entries(shapes)) {
    const input = onnx.inputs.map(inputOf).find((one) => one.name === name);
    if (!input) throw unknownInput(onnx, name);
    if (!fits(input.dims, shape)) {
      throw new ShapeError(
        `The shape ${shape.join('×')} does not fit the input ${quote(name)} of ${input.dims.map((dim) => dim ?? '?').join('×')}.`,
      );
    }
    shape.forEach((size, axis) => {
      const dim = input.dims[axis];
      if (typeof dim !== 'number') sizes.set(symbolOf(name, axis, dim), size);
    });
  }
  return sizes;
}

/**
 * @param {Array<number | string | undefined>} dims
 * @param {readonly number[]} shape
 */
function fits(dims, shape) {
  return (
    Array.isArray(shape) &&
    shape.length === dims.length &&
    shape.every(
      (size, axis) =>
        Number.isInteger(size) &&
        size >= 0 &&
        (typeof dims[axis] !== 'number' || dims[axis] === size),
    )
  );
}

/**
 * @param {OnnxGraph} onnx
 * @param {string[]} symbols
 */
function openSizesError(onnx, symbols) {
  const inputs = onnx.inputs
    .map(inputOf)
    .filter(({ name, dims }) =>
      dims.some(
        (dim, axis) => typeof dim !== 'number' && symbols.includes(symbolOf(name, axis, dim)),
      ),
    );
  const shapes = Object.fromEntries(
    inputs.map(({ name, dims }) => [
      name,
      dims.map((dim) => (typeof dim === 'number' ? dim : null)),
    ]),
  );
  const [[name, shape]] = Object.entries(shapes);
  const example = shape.map((dim) => dim ?? 1);
  const quoted = symbols.map((symbol) => JSON.stringify(symbol)).join(', ');
  const sizes = symbols.length === 1 ? 'a size' : 'sizes';
  return new ShapeError(
    `What is computed depends on ${quoted}, ${sizes} that the file leaves open in ` +
      `${inputs.map((input) => JSON.stringify(input.name)).join(', ')}; give numbers of yours, as by the ` +
      `option shapes: { ${JSON.stringify(name)}: [${example.join(', ')}] } or by ` +
      `--shape ${name}=${example.join('x')}.`,
    { shapes },
  );
}
