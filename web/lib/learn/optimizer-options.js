// SPDX-License-Identifier: Apache-2.0

/** The optimizer of a trainer or of a simulation's workers, checked and filled up. */

import { ValueError } from '../core/errors.js';
import { checkFloat, checkInteger, checkKeys, checkName } from '../core/check.js';

/**
 * All numbers but those of a schedule's steps are kept as float32.
 *
 * @typedef {object} OptimizerOptions
 * @property {'sgd' | 'adam'} name sgd: v = momentum · v + gradient, and the weight moves by
 *   -learningRate · v
 * @property {number} [learningRate] by default 0.05 of sgd, 0.001 of adam
 * @property {number} [momentum] of sgd, in [0, 1); by default 0.9
 * @property {number} [weightDecay] times the weight, added to its gradient; by default 0
 * @property {number} [clipNorm] gradients with a larger norm are scaled down to it; by default none
 * @property {number} [beta1] of adam; by default 0.9
 * @property {number} [beta2] of adam; by default 0.999
 * @property {number} [epsilon] of adam; by default 1e-8
 * @property {Schedule} [schedule] of the learning rate; by default it stays
 *
 * @typedef {{ steps: number[], factor?: number } | { cosine: number }} Schedule the learning rate is
 *   multiplied by the factor (by default 0.1) from each of these steps on; or goes down to 0 within
 *   so many, along half a cosine. The steps are those of the trainer, or iterations of the simulation
 *
 * @typedef {OptimizerOptions & { learningRate: number, momentum: number }} CheckedOptimizer
 */

const MOST = 2 ** 31 - 1;
const DEFAULT_RATES = { sgd: 0.05, adam: 0.001 };
const DEFAULT_MOMENTUM = 0.9;

/** What the further numbers of an optimizer may be. */
const OPTIMIZER_NUMBERS = {
  weightDecay: atLeast0('The weight decay'),
  clipNorm: atLeast0('The norm of gradients'),
  beta1: below1('Beta 1'),
  beta2: below1('Beta 2'),
  epsilon: above0('Epsilon'),
};

/** @param {string} what */
function atLeast0(what) {
  return (/** @type {unknown} */ value) =>
    checkFloat(value, what, 'of at least 0', (number) => number >= 0);
}

/** @param {string} what */
function above0(what) {
  return (/** @type {unknown} */ value) =>
    checkFloat(value, what, 'above 0', (number) => number > 0);
}

/** @param {string} what */
function below1(what) {
  return (/** @type {unknown} */ value) =>
    checkFloat(value, what, 'from 0 to below 1', (number) => number >= 0 && number < 1);
}

/**
 * @param {unknown} optimizer
 * @returns {CheckedOptimizer}
 */
export function checkOptimizer(optimizer) {
  const known = ['name', 'learningRate', 'momentum', ...Object.keys(OPTIMIZER_NUMBERS), 'schedule'];
  const given = checkKeys(optimizer, 'The optimizer', known);
  const name = checkName(
    given.name ?? 'sgd',
    'The optimizer',
    /** @type {const} */ (['sgd', 'adam']),
  );
  const momentum = given.momentum ?? (name === 'sgd' ? DEFAULT_MOMENTUM : 0);
  if (name === 'adam' && momentum !== 0) {
    throw new ValueError('Adam has no momentum to set; leave it out.');
  }
  const further = Object.entries(OPTIMIZER_NUMBERS).flatMap(([key, check]) =>
    given[key] === undefined ? [] : [[key, check(given[key])]],
  );
  return {
    name,
    learningRate: above0('The learning rate')(given.learningRate ?? DEFAULT_RATES[name]),
    momentum: checkMomentum(momentum),
    ...Object.fromEntries(further),
    ...(given.schedule !== undefined && { schedule: checkSchedule(given.schedule) }),
  };
}

/**
 * @param {unknown} schedule
 * @returns {Schedule}
 */
function checkSchedule(schedule) {
  const given = checkKeys(schedule, 'The schedule', ['steps', 'factor', 'cosine']);
  if (given.cosine !== undefined && given.steps === undefined && given.factor === undefined) {
    return { cosine: checkInteger(given.cosine, "The length of the schedule's cosine", 1, MOST) };
  }
  if (!Array.isArray(given.steps) || given.cosine !== undefined) {
    throw new ValueError('The schedule must have either steps, an array, or cosine, a number.');
  }
  const steps = given.steps.map((step) => checkInteger(step, "A schedule's step", 1, MOST));
  if (steps.some((step, index) => index > 0 && step <= steps[index - 1])) {
    throw new ValueError('The steps of a schedule must rise.');
  }
  return { steps, factor: above0('The factor of the schedule')(given.factor ?? 0.1) };
}

/** @param {unknown} momentum */
export function checkMomentum(momentum) {
  return below1('The momentum')(momentum);
}
