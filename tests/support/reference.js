// SPDX-License-Identifier: Apache-2.0

/**
 * The oracle: a dense forward pass in float64, written to be obviously right. Loops are ordered so
 * that the innermost one runs along a row, which is all the speed it has.
 */

import { init } from '../../web/lib/core/module.js';
import { inferShapes, sortNodes } from '../../web/lib/graph/graph.js';

/**
 * @typedef {import('../../web/lib/graph/graph.js').Graph} Graph
 * @typedef {import('../../web/lib/graph/graph.js').GraphNode} GraphNode
 * @typedef {import('../../web/lib/graph/graph.js').Shape} Shape
 * @typedef {import('../../web/lib/graph/graph.js').Tensor} Tensor
 * @typedef {{ shape: Shape, data: Float64Array }} Value
 * @typedef {(name: string | undefined) => Float32Array | undefined} Lookup
 */

await init();

/** @param {Shape} shape */
const elements = ([channels, height, width]) => channels * height * width;

/**
 * @param {Value} value
 * @param {import('../../web/lib/graph/graph.js').Padding} pad
 * @returns {Value} with zeros around
 */
function padded({ shape: [channels, height, width], data }, [top, left, bottom, right]) {
  /** @type {Shape} */
  const shape = [channels, top + height + bottom, left + width + right];
  const result = new Float64Array(elements(shape));
  for (let c = 0; c < channels; ++c) {
    for (let y = 0; y < height; ++y) {
      const from = (c * height + y) * width;
      result.set(data.subarray(from, from + width), (c * shape[1] + top + y) * shape[2] + left);
    }
  }
  return { shape, data: result };
}

/**
 * @param {Extract<GraphNode, { op: 'conv' }>} node
 * @param {Value} input
 * @param {Shape} shape
 * @param {Float32Array} weight
 * @param {Float32Array | undefined} bias
 */
function conv(node, input, [outChannels, outHeight, outWidth], weight, bias) {
  const {
    shape: [channels, height, width],
    data,
  } = padded(input, node.pad);
  const [kernelHeight, kernelWidth] = node.kernel;
  const perGroup = channels / node.groups;
  const result = new Float64Array(outChannels * outHeight * outWidth);
  let w = 0;
  for (let o = 0; o < outChannels; ++o) {
    const out = result.subarray(o * outHeight * outWidth, (o + 1) * outHeight * outWidth);
    const group = Math.floor(o / (outChannels / node.groups));
    for (let c = 0; c < perGroup; ++c) {
      for (let i = 0; i < kernelHeight; ++i) {
        for (let j = 0; j < kernelWidth; ++j, ++w) {
          const factor = weight[w];
          if (factor === 0) continue; // adds 0 to finite sums
          for (let y = 0, at = 0; y < outHeight; ++y) {
            const row = y * node.stride[0] + i * node.dilation[0];
            let from = ((group * perGroup + c) * height + row) * width + j * node.dilation[1];
            for (let x = 0; x < outWidth; ++x, ++at, from += node.stride[1]) {
              out[at] += factor * data[from];
            }
          }
        }
      }
    }
    if (bias) for (let at = 0; at < out.length; ++at) out[at] += bias[o];
  }
  return result;
}

/**
 * @param {Value} input
 * @param {number} rows
 * @param {Float32Array} weight
 * @param {Float32Array | undefined} bias
 */
function fc({ data }, rows, weight, bias) {
  const result = new Float64Array(rows);
  for (let r = 0; r < rows; ++r) {
    for (let c = 0; c < data.length; ++c) result[r] += weight[r * data.length + c] * data[c];
    if (bias) result[r] += bias[r];
  }
  return result;
}

/**
 * @param {Extract<GraphNode, { op: 'maxpool' | 'avgpool' }>} node
 * @param {Value} input
 * @param {Shape} shape
 */
function pool(node, { shape: [, height, width], data }, shape) {
  const [channels, outHeight, outWidth] = shape;
  const [top, left, bottom, right] = node.pad;
  const result = new Float64Array(elements(shape));
  let at = 0;
  for (let c = 0; c < channels; ++c) {
    for (let y = 0; y < outHeight; ++y) {
      for (let x = 0; x < outWidth; ++x, ++at) {
        // The window within the padded input, then within the input.
        const [y0, x0] = [y * node.stride[0] - top, x * node.stride[1] - left];
        const y1 = Math.min(y0 + node.kernel[0], height + bottom);
        const x1 = Math.min(x0 + node.kernel[1], width + right);
        let [max, sum, count] = [-Infinity, 0, 0];
        for (let i = Math.max(y0, 0); i < Math.min(y1, height); ++i) {
          for (let j = Math.max(x0, 0); j < Math.min(x1, width); ++j, ++count) {
            const value = data[(c * height + i) * width + j];
            max = Math.max(max, value);
            sum += value;
          }
        }
        if (node.op === 'maxpool') result[at] = max;
        else result[at] = sum / (node.countPad ? (y1 - y0) * (x1 - x0) : count);
      }
    }
  }
  return result;
}

/**
 * @param {Extract<GraphNode, { op: 'lrn' }>} node
 * @param {Value} input
 */
function lrn(node, { shape: [channels, height, width], data }) {
  const plane = height * width;
  return data.map((value, index) => {
    const c = Math.floor(index / plane);
    const first = Math.max(0, c - Math.floor((node.size - 1) / 2));
    const last = Math.min(channels - 1, c + Math.ceil((node.size - 1) / 2));
    let sum = 0;
    for (let n = first; n <= last; ++n) sum += data[n * plane + (index % plane)] ** 2;
    return value / (node.k + (node.alpha / node.size) * sum) ** node.beta;
  });
}

/**
 * @param {Extract<GraphNode, { op: 'batchnorm' }>} node
 * @param {Value} input
 * @param {Lookup} tensor
 */
function batchNorm(node, { shape: [, height, width], data }, tensor) {
  const [mean, variance] = [tensor(node.mean), tensor(node.variance)];
  const [gamma, beta] = [tensor(node.gamma), tensor(node.beta)];
  if (!mean || !variance) throw new Error(`${node.name} lacks its mean or variance`);
  return data.map((value, index) => {
    const c = Math.floor(index / (height * width));
    const normal = (value - mean[c]) / Math.sqrt(variance[c] + node.epsilon);
    return normal * (gamma ? gamma[c] : 1) + (beta ? beta[c] : 0);
  });
}

/**
 * @param {ArrayLike<number>} data [channels, height, width]
 * @param {number} [plane] height · width
 * @returns {Float64Array} the softmax over the channels, at each place
 */
export function softmax(data, plane = 1) {
  const result = Float64Array.from(data);
  for (let p = 0; p < plane; ++p) {
    let [max, sum] = [-Infinity, 0];
    for (let i = p; i < result.length; i += plane) max = Math.max(max, result[i]);
    for (let i = p; i < result.length; i += plane) sum += Math.exp(result[i] - max);
    for (let i = p; i < result.length; i += plane) result[i] = Math.exp(result[i] - max) / sum;
  }
  return result;
}

/**
 * @param {Value} value
 */
function channelMeans({ shape: [channels, height, width], data }) {
  return Float64Array.from(
    { length: channels },
    (_, c) =>
      data.subarray(c * height * width, (c + 1) * height * width).reduce((sum, x) => sum + x, 0) /
      (height * width),
  );
}

/**
 * @param {GraphNode} node
 * @param {Value} input
 * @param {Shape} shape
 * @param {Float32Array | undefined} weight
 */
function embedding({ name }, { data }, [width, steps], weight) {
  if (!weight) throw new Error(`${name} has no weights`);
  return Float64Array.from(
    { length: width * steps },
    (_, at) => weight[data[at % steps] * width + Math.floor(at / steps)],
  );
}

/**
 * @param {GraphNode} node
 * @param {Value} input
 * @param {Shape} shape
 * @param {Float32Array | undefined} weight
 */
function lstm({ name }, { data }, [hidden, steps], weight) {
  if (!weight) throw new Error(`${name} has no weights`);
  const outputs = new Float64Array(hidden * steps);
  const cell = new Float64Array(hidden);
  const sigmoid = (/** @type {number} */ x) => 1 / (1 + Math.exp(-x));
  for (let t = 0; t < steps; ++t) {
    /** @param {number} row */
    const gate = (row) => {
      let sum = data[row * steps + t];
      for (let k = 0; t > 0 && k < hidden; ++k) {
        sum += weight[row * hidden + k] * outputs[k * steps + t - 1];
      }
      return sum;
    };
    for (let i = 0; i < hidden; ++i) {
      const fresh = sigmoid(gate(i)) * Math.tanh(gate(2 * hidden + i));
      cell[i] = sigmoid(gate(hidden + i)) * cell[i] + fresh;
      outputs[i * steps + t] = sigmoid(gate(3 * hidden + i)) * Math.tanh(cell[i]);
    }
  }
  return outputs;
}

/**
 * @param {GraphNode} node
 * @param {Value[]} inputs
 * @param {Shape} shape
 * @param {Lookup} tensor
 * @returns {Float64Array}
 */
function compute(node, inputs, shape, tensor) {
  const [{ data }] = inputs;
  switch (node.op) {
    case 'conv':
    case 'fc': {
      const weight = tensor(node.weight);
      if (!weight) throw new Error(`${node.name} has no weights`);
      return node.op === 'fc'
        ? fc(inputs[0], node.outChannels, weight, tensor(node.bias))
        : conv(node, inputs[0], shape, weight, tensor(node.bias));
    }
    case 'embedding':
      return embedding(node, inputs[0], shape, tensor(node.weight));
    case 'lstm':
      return lstm(node, inputs[0], shape, tensor(node.weight));
    case 'relu':
      return data.map((value) => Math.max(value, 0));
    case 'maxpool':
    case 'avgpool':
      return pool(node, inputs[0], shape);
    case 'globalavgpool':
      return channelMeans(inputs[0]);
    case 'lrn':
      return lrn(node, inputs[0]);
    case 'batchnorm':
      return batchNorm(node, inputs[0], tensor);
    case 'add':
      return data.map((_, index) => inputs.reduce((sum, input) => sum + input.data[index], 0));
    case 'concat':
      return Float64Array.from(inputs.flatMap((input) => [...input.data]));
    case 'softmax':
      return softmax(data, shape[1] * shape[2]);
    case 'flatten':
    case 'dropout':
      return data;
    default:
      throw new Error('unknown operation');
  }
}

/**
 * Runs a graph on dense weights in float64.
 *
 * @param {Graph} graph
 * @param {Map<string, { data: Float32Array }>} tensors by name
 * @param {ArrayLike<number>} input [channels, height, width], flat
 * @returns {Map<string, Float64Array>} every value by name, the outputs among them
 */
export function runReference(graph, tensors, input) {
  const shapes = inferShapes(graph);
  /** @type {Lookup} */
  const tensor = (name) => (name === undefined ? undefined : tensors.get(name)?.data);
  if (input.length !== elements(graph.input.shape))
    throw new Error('the input has the wrong length');
  /** @type {Map<string, Float64Array>} */
  const values = new Map([[graph.input.name, Float64Array.from(input)]]);
  for (const node of sortNodes(graph)) {
    const inputs = node.inputs.map((name) => ({
      shape: /** @type {Shape} */ (shapes.get(name)),
      data: /** @type {Float64Array} */ (values.get(name)),
    }));
    values.set(
      node.output,
      compute(node, inputs, /** @type {Shape} */ (shapes.get(node.output)), tensor),
    );
  }
  return values;
}

/**
 * @param {ArrayLike<number>} probabilities
 * @param {number} count
 * @returns {Array<{ index: number, probability: number }>} the largest first
 */
export function top(probabilities, count) {
  return Array.from(probabilities, (probability, index) => ({ index, probability }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, count);
}
