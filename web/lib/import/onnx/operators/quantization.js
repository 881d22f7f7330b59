// SPDX-License-Identifier: Apache-2.0

/**
 * Integers that stand for scale · (integer − zero point). Weights among them stay what they are
 * (weights.js); what is computed from the inputs is computed with float32, which holds all integers up to
 * 2^24, and is rounded where ONNX rounds. So results are those of ONNX but where a float32 lies so near to the
 * middle between two integers that the order of a sum decides.
 */

import { UnsupportedError } from '../../../core/errors.js';
import { elementTypeName } from '../element-types.js';
import { cast, reduce } from '../ours.js';
import { Constant, constantValue } from '../values.js';
import { convolve, multiply } from './products.js';

/**
 * @typedef {import('../node.js').NodeView} NodeView
 * @typedef {import('../lowering.js').Lowering} Lowering
 * @typedef {import('../values.js').Value} Value
 * @typedef {(node: NodeView, lower: Lowering) => Value} Lower
 *
 * @typedef {object} Scale
 * @property {Value} scale
 * @property {Value} [zeroPoint]
 * @property {number} [axis] along which there are several
 * @property {number} [block] how many indices share one; 0 for one for each
 */

/** The range of a type. @type {Record<string, [number, number]>} */
const RANGES = {
  uint4: [0, 15],
  int4: [-8, 7],
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65535],
  int16: [-32768, 32767],
};

/**
 * @param {Lowering} lower
 * @param {Value} integers
 * @param {Scale} by
 * @returns {Value} of float32
 */
export function dequantize(lower, integers, { scale, zeroPoint, axis = 0, block = 0 }) {
  const { constant, shape } = integers;
  if (constant && scale.constant && (!zeroPoint || zeroPoint.constant)) {
    return constantValue(
      dequantizedConstant(constant, scale.constant, zeroPoint?.constant, axis, block),
    );
  }
  if (block !== 0) throw new UnsupportedError('it has blocks of what is not known at import');
  const fit = (/** @type {Value} */ value) => alongAxis(lower, value, shape.length, axis);
  const floats = cast(lower, integers, 'float32');
  const centred = zeroPoint
    ? lower.emit('sub', [floats, fit(cast(lower, zeroPoint, 'float32'))])
    : floats;
  return lower.emit('mul', [centred, fit(scale)]);
}

/**
 * @param {Constant} integers
 * @param {Constant} scale
 * @param {Constant | undefined} zeroPoint
 * @param {number} axis
 * @param {number} block
 */
function dequantizedConstant(integers, scale, zeroPoint, axis, block) {
  const scales = Float32Array.from(scale.elements);
  const zeroPoints = zeroPoint
    ? Int32Array.from(zeroPoint.elements)
    : new Int32Array(scales.length);
  const codes = integers.codes ?? (() => Int32Array.from(integers.elements));
  const { shape } = integers;
  const inner = shape.slice(axis + 1).reduce((size, dim) => size * dim, 1);
  const perOuter = block === 0 ? shape[axis] : Math.ceil(shape[axis] / block);
  const make = () => {
    const values = codes();
    const floats = new Float32Array(values.length);
    for (let i = 0; i < values.length; ++i) {
      let at = 0;
      if (scales.length > 1 && block === 0) at = Math.floor(i / inner) % shape[axis];
      if (scales.length > 1 && block !== 0) {
        const index = Math.floor(i / inner);
        const along = Math.floor((index % shape[axis]) / block);
        at = (Math.floor(index / shape[axis]) * perOuter + along) * inner + (i % inner);
      }
      floats[i] = Math.fround(scales[at] * (values[i] - zeroPoints[at]));
    }
    return floats;
  };
  return new Constant('float32', shape, make, {
    quantized: { codes, scales, zeroPoints, axis, block },
  });
}

/**
 * @param {Lowering} lower
 * @param {Value} floats
 * @param {Scale} by
 * @param {string} element of the result
 * @returns {Value}
 */
export function quantize(lower, floats, { scale, zeroPoint, axis = 0 }, element) {
  const range = RANGES[element];
  if (!range) throw new UnsupportedError(`it quantizes to ${element}`);
  const fit = (/** @type {Value} */ value) => alongAxis(lower, value, floats.shape.length, axis);
  const rounded = lower.emit('round', [lower.emit('div', [floats, fit(scale)])]);
  const shifted = zeroPoint
    ? lower.emit('sum', [rounded, fit(cast(lower, zeroPoint, 'float32'))])
    : rounded;
  const [least, most] = range;
  const whole = lower.emit('clip', [shifted], { least, most });
  return { ...cast(lower, whole, 'int32'), element };
}

/**
 * A vector that goes along one axis of a value; one number goes along all.
 *
 * @param {Lowering} lower
 * @param {Value} vector
 * @param {number} rank
 * @param {number} axis
 */
function alongAxis(lower, vector, rank, axis) {
  const [size = 1] = vector.shape;
  if (vector.shape.length === 0 || size === 1) return lower.reshape(vector, []);
  return lower.reshape(vector, [size, ...new Array(rank - axis - 1).fill(1)]);
}

/** @param {NodeView} node @param {number} index of the scale, which the zero point follows @returns {Scale} */
export function scaleAt(node, index) {
  return { scale: node.input(index), zeroPoint: node.optional(index + 1) };
}

/** The type of the integers that a zero point is of. @param {Scale} by */
export function elementOf({ zeroPoint }) {
  return zeroPoint?.element ?? 'uint8';
}

/** @type {Lower} */
function lowerDequantizeLinear(node, lower) {
  const integers = node.input(0);
  const scale = scaleAt(node, 1);
  const several = scale.scale.shape.length > 0 && integers.shape.length > 0;
  const axis = several ? node.axis(node.int('axis', 1), Math.max(2, integers.shape.length)) : 0;
  return dequantize(lower, integers, { ...scale, axis, block: node.int('block_size', 0) });
}

/** @type {Lower} */
function lowerQuantizeLinear(node, lower) {
  const floats = node.input(0);
  const by = scaleAt(node, 1);
  const several = by.scale.shape.length > 0 && floats.shape.length > 0;
  const axis = several ? node.axis(node.int('axis', 1), Math.max(2, floats.shape.length)) : 0;
  if (node.int('block_size', 0) !== 0)
    throw new UnsupportedError('it has blocks of what is quantized');
  const wanted = elementTypeName(node.int('output_dtype', 0));
  const element = by.zeroPoint ? elementOf(by) : (wanted ?? 'uint8');
  return quantize(lower, cast(lower, floats, 'float32'), { ...by, axis }, element);
}

/** @type {Lower} */
function lowerQLinearConv(node, lower) {
  const input = dequantize(lower, node.input(0), scaleAt(node, 1));
  const weight = dequantize(lower, node.input(3), { ...scaleAt(node, 4), axis: 0 });
  const by = scaleAt(node, 6);
  const bias = node.optional(8) && integerBias(node, 8, 1, 4);
  return quantize(lower, convolve(node, lower, input, weight, bias), by, elementOf(by));
}

/**
 * Biases of int32, in the scale of the products.
 *
 * @param {NodeView} node
 * @param {number} index
 * @param {number} inputScale
 * @param {number} weightScale
 */
export function integerBias(node, index, inputScale, weightScale) {
  const bias = node.constant(index, 'its bias');
  const [scale] = node.constant(inputScale, "its input's scale").elements;
  const scales = node.constant(weightScale, "its weight's scale").elements;
  const make = () =>
    Float32Array.from(
      bias.elements,
      (value, row) => value * scale * scales[scales.length > 1 ? row : 0],
    );
  return new Constant('float32', bias.shape, make);
}

/** @type {Lower} */
function lowerQLinearMatMul(node, lower) {
  const left = dequantize(lower, node.input(0), scaleAt(node, 1));
  const right = dequantize(lower, node.input(3), {
    ...scaleAt(node, 4),
    axis: node.input(3).shape.length - 1,
  });
  const by = scaleAt(node, 6);
  return quantize(lower, multiply(lower, left, right), by, elementOf(by));
}

/** What integers are without their zero point. @param {NodeView} node @param {Lowering} lower @param {number} index @param {number} zeroPoint @param {number} axis */
function centred(node, lower, index, zeroPoint, axis) {
  const scale = lower.number(1);
  return dequantize(lower, node.input(index), { scale, zeroPoint: node.optional(zeroPoint), axis });
}

/** @type {Lower} */
function lowerMatMulInteger(node, lower) {
  const left = centred(node, lower, 0, 2, Math.max(0, node.input(0).shape.length - 2));
  const right = centred(node, lower, 1, 3, node.input(1).shape.length - 1);
  return cast(lower, lower.emit('round', [multiply(lower, left, right)]), 'int32');
}

/** @type {Lower} */
function lowerConvInteger(node, lower) {
  const input = centred(node, lower, 0, 2, 0);
  const weight = centred(node, lower, 1, 3, 0);
  const sums = convolve(node, lower, input, weight);
  return cast(lower, lower.emit('round', [sums]), 'int32');
}

/** @type {(node: NodeView, lower: Lowering) => Value[]} */
export function lowerDynamicQuantizeLinear(node, lower) {
  const floats = node.input(0);
  const axes = floats.shape.map((_, axis) => axis);
  const zero = lower.number(0);
  const most = lower.emit('max', [reduce(lower, 'Max', floats, axes, false), zero]);
  const least = lower.emit('min', [reduce(lower, 'Min', floats, axes, false), zero]);
  const scale = lower.emit('div', [lower.emit('sub', [most, least]), lower.number(255)]);
  const zeroPoint = quantize(lower, lower.emit('neg', [least]), { scale }, 'uint8');
  return [quantize(lower, floats, { scale, zeroPoint }, 'uint8'), scale, zeroPoint];
}

export const QUANTIZATION = {
  DequantizeLinear: lowerDequantizeLinear,
  QuantizeLinear: lowerQuantizeLinear,
  QLinearConv: lowerQLinearConv,
  QLinearMatMul: lowerQLinearMatMul,
  MatMulInteger: lowerMatMulInteger,
  ConvInteger: lowerConvInteger,
  DynamicQuantizeLinear: lowerDynamicQuantizeLinear,
};
