// SPDX-License-Identifier: Apache-2.0

/**
 * jax-js in Node.js as the peer that trains: its WebAssembly backend, in this process, where it has
 * one thread.
 */

import { defaultDevice, init, jit, lax, nn, numpy, tree, valueAndGrad } from '@jax-js/jax';

/**
 * @typedef {import('@jax-js/jax').Array} JaxArray
 * @typedef {Record<string, JaxArray>} Weights
 *
 * @typedef {{ pixels: Float32Array, labels: ArrayLike<number> }} Batch pixels: [examples, 28, 28]
 * @typedef {{ learningRate: number, momentum: number }} Optimizer
 */

/** Caffe's LeNet5: weights of the convolutions are [out, in, 5, 5], dense ones [in, out]. */
const SHAPES = {
  conv1: [20, 1, 5, 5],
  conv1Bias: [1, 20, 1, 1],
  conv2: [50, 20, 5, 5],
  conv2Bias: [1, 50, 1, 1],
  fc1: [800, 500],
  fc1Bias: [500],
  fc2: [500, 10],
  fc2Bias: [10],
};

/** @param {number[]} shape */
const elements = (shape) => shape.reduce((product, size) => product * size, 1);

/**
 * Xavier's uniform distribution, as Caffe has it.
 *
 * @param {number[]} shape
 */
function startWeights(shape) {
  const inputs = shape.length === 4 ? elements(shape.slice(1)) : shape[0];
  const limit = shape.length === 1 || shape[0] === 1 ? 0 : Math.sqrt(3 / inputs);
  const values = Float32Array.from({ length: elements(shape) }, (_, i) => {
    const noise = Math.sin(i + 1) * 43758.5453;
    return limit * (2 * (noise - Math.floor(noise)) - 1);
  });
  return numpy.array(values).reshape(shape);
}

/** @param {JaxArray} x */
function pool(x) {
  return lax.reduceWindow(x, (window) => numpy.max(window), [2, 2], [2, 2]);
}

/**
 * @param {Weights} w
 * @param {JaxArray} images [examples, 1, 28, 28]
 * @returns {JaxArray} [examples, 10]
 */
function logits(w, images) {
  const first = lax.conv(images, w.conv1, [1, 1], 'VALID').add(w.conv1Bias);
  const second = lax.conv(pool(first), w.conv2, [1, 1], 'VALID').add(w.conv2Bias);
  const features = pool(second).reshape([-1, 800]);
  const hidden = nn.relu(numpy.matmul(features, w.fc1).add(w.fc1Bias));
  return numpy.matmul(hidden, w.fc2).add(w.fc2Bias);
}

/**
 * @param {Weights} w
 * @param {JaxArray} images
 * @param {JaxArray} targets one-hot
 */
function meanLoss(w, images, targets) {
  const likelihoods = nn.logSoftmax(logits(w, images)).mul(targets);
  return numpy.mean(numpy.sum(likelihoods, 1)).neg();
}

/**
 * A function that makes one step of SGD with momentum. It owns its arguments, as all functions of
 * jax-js do.
 *
 * @param {Optimizer} optimizer
 */
function sgdStep({ learningRate, momentum }) {
  /**
   * @param {Weights} weights
   * @param {Weights} velocities
   * @param {JaxArray} images
   * @param {JaxArray} targets
   * @returns {[JaxArray, Weights, Weights]} loss, new weights, new velocities
   */
  return (weights, velocities, images, targets) => {
    const [loss, gradients] = valueAndGrad(meanLoss)(tree.ref(weights), images, targets);
    /** @type {Weights} */
    const newWeights = {};
    /** @type {Weights} */
    const newVelocities = {};
    for (const name of Object.keys(SHAPES)) {
      const velocity = velocities[name].mul(momentum).add(gradients[name]);
      newVelocities[name] = velocity.ref;
      newWeights[name] = weights[name].sub(velocity.mul(learningRate));
    }
    return [loss, newWeights, newVelocities];
  };
}

/**
 * LeNet5 in training, on one batch again and again.
 *
 * @param {Batch} batch
 * @param {Optimizer} optimizer
 * @param {{ compiled: boolean }} options compiled: the step goes through jax-js's jit
 * @returns {Promise<{ step: () => Promise<number> }>} step: one optimizer step; the loss before it
 */
export async function openJaxLeNet5({ pixels, labels }, optimizer, { compiled }) {
  await init('wasm');
  defaultDevice('wasm');
  const images = numpy.array(pixels).reshape([-1, 1, 28, 28]);
  const targets = nn.oneHot(numpy.array(Int32Array.from(labels)), 10);
  const advance = compiled ? jit(sgdStep(optimizer)) : sgdStep(optimizer);
  let weights = mapShapes(startWeights);
  let velocities = mapShapes((shape) => numpy.zeros(shape));
  return {
    async step() {
      const [loss, ...state] = advance(weights, velocities, images.ref, targets.ref);
      [weights, velocities] = state;
      for (const array of Object.values(weights)) await array.blockUntilReady();
      return (await loss.data())[0];
    },
  };
}

/** @param {(shape: number[]) => JaxArray} make */
function mapShapes(make) {
  return Object.fromEntries(Object.entries(SHAPES).map(([name, shape]) => [name, make(shape)]));
}
