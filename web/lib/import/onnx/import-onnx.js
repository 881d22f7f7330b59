// SPDX-License-Identifier: Apache-2.0

import { checkOptions } from '../../core/check.js';
import { ShapeError, UnsupportedError } from '../../core/errors.js';
import { init } from '../../core/module.js';
import { Pauses } from '../../core/pause.js';
import { checkSignal } from '../../core/stream.js';
import { BUILD_OPTIONS, Model } from '../../model/model.js';
import { bindInputs, unknownInput } from './bind.js';
import { inputOf } from './inputs.js';
import { lowerGraph } from './lower-graph.js';
import { unify } from './open-sizes.js';
import { openOnnx } from './read.js';
import { TRIALS, symbolOf, symbolsOf } from './symbols.js';

/**
 * @typedef {import('./lower-graph.js').Lowered} Lowered
 * @typedef {import('./bind.js').BoundGraph} OnnxGraph
 * @typedef {import('./symbols.js').Sizes} Sizes
 *
 * @typedef {import('../../model/model.js').BuildOptions & {
 *   shapes?: Record<string, readonly number[]>,
 *   values?: import('./bind.js').GivenValues,
 * }} ImportOptions shapes: of inputs, by name, where the file leaves sizes open that matter; values: of
 *   inputs that are the same in all runs, which the network then no longer has
 */

/**
 * A model from a network in ONNX.
 *
 * @param {import('./read.js').OnnxSource} source its bytes, or where to get them; a list of files, where it has
 *   external data
 * @param {ImportOptions} [options]
 * @returns {Promise<Model>}
 * @throws {FileError} if it is damaged, or another kind of file
 * @throws {UnsupportedError} for what this library does not have, all of it at once: operators with their
 *   nodes, and why
 * @throws {ShapeError} for sizes that have to be given, or that do not fit
 * @throws {LimitError} where the network asks for more than `maxMemory` or `maxWork`; says how much
 * @throws {MemoryError} if the weights do not fit into memory; says how much was needed
 */
export async function importOnnx(source, options = {}) {
  const {
    shapes = {},
    values = {},
    ...rest
  } = checkOptions(options, 'importOnnx', [...BUILD_OPTIONS, 'shapes', 'values']);
  const signal = checkSignal(rest.signal);
  await init();
  const { graph: whole } = await openOnnx(source, { signal: rest.signal });
  const onnx = bindInputs(whole, values);
  const { graph, parameters } = await lowerOpen(onnx, shapes, new Pauses(signal));
  const total = [...parameters.values()].reduce((sum, { rows, cols }) => sum + 4 * rows * cols, 0);
  function* tensors() {
    for (const [name, { make, ...facts }] of parameters) {
      yield /** @type {const} */ ([name, { ...facts, ...make() }]);
    }
  }
  return Model.encode(/** @type {any} */ (graph), /** @type {any} */ (tensors()), total, rest);
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
  throw asked ? new ShapeError(sentenceOf(onnx, asked)) : failure;
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
function open({ graph, parameters }, onnx, sizes, symbols) {
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
  return { graph: { ...graph, inputs, symbols: Object.fromEntries(usual) }, parameters };
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
        `The shape ${shape.join('×')} does not fit the input "${name}" of ${input.dims.map((dim) => dim ?? '?').join('×')}.`,
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
function sentenceOf(onnx, symbols) {
  const inputs = onnx.inputs
    .map(inputOf)
    .filter(({ name, dims }) =>
      dims.some(
        (dim, axis) => typeof dim !== 'number' && symbols.includes(symbolOf(name, axis, dim)),
      ),
    );
  const example = inputs
    .map(
      ({ name, dims }) => `${JSON.stringify(name)}: [${dims.map((dim) => dim ?? '?').join(', ')}]`,
    )
    .join(', ');
  return (
    `What is computed depends on sizes that the file leaves open; give them as the option ` +
    `shapes: { ${example} }, with numbers for ${symbols.map((symbol) => `"${symbol}"`).join(', ')}.`
  );
}
