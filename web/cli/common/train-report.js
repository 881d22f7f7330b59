// SPDX-License-Identifier: Apache-2.0

/** What `lowtropy train` says. */

import { formatBytes, formatTable } from './terminal.js';

/**
 * @typedef {import('../../lib/training.js').Evaluation} Evaluation
 * @typedef {import('../../lib/training.js').Round} Round
 * @typedef {import('../../lib/training.js').Simulation} Simulation
 *
 * @typedef {ReturnType<typeof summarize>} Summary
 */

/** @param {number[]} values */
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * @param {Simulation} simulation
 * @param {Evaluation} evaluation of the weights as they are now
 * @param {boolean} stopped before it was done
 */
export function summarize(simulation, evaluation, stopped) {
  const { totals, iterations, round, weightCount } = simulation;
  const { up, down, denseUp, denseDown } = totals;
  return {
    ...evaluation,
    iterations,
    rounds: round,
    weights: weightCount,
    workers: up.length,
    stopped,
    upstreamBytes: up,
    downstreamBytes: down,
    denseUpstreamBytes: denseUp,
    denseDownstreamBytes: denseDown,
    upstreamBytesPerWorker: mean(up),
    downstreamBytesPerWorker: mean(down),
    denseBytesPerWorker: mean(denseUp),
    ratio: totals.ratio,
    downstreamRatio: totals.downRatio,
    simulatedSeconds: totals.simulatedSeconds,
    seconds: totals.seconds,
  };
}

/**
 * @param {Round[]} rounds that were evaluated
 * @param {Summary} summary
 */
export function formatTraining(rounds, summary) {
  const tables = rounds.length > 0 ? [formatRounds(rounds)] : [];
  return [...tables, formatTraffic(summary), formatResult(summary)].join('\n\n');
}

/** @param {Round[]} rounds */
function formatRounds(rounds) {
  const text = rounds.some(({ perplexity }) => perplexity !== undefined);
  return formatTable(
    ['iterations', 'loss', text ? 'perplexity' : 'accuracy', 'sent', 'time', 'over the links'],
    rounds.map(({ iterations, loss, accuracy, perplexity, totals }) => [
      `${iterations}`,
      loss === null ? '–' : loss.toFixed(4),
      text ? (perplexity ?? NaN).toFixed(2) : percent(accuracy ?? NaN),
      formatBytes(mean(totals.up)),
      `${totals.seconds.toFixed(1)} s`,
      `${totals.simulatedSeconds.toFixed(1)} s`,
    ]),
  );
}

/** @param {Summary} summary */
function formatTraffic(summary) {
  return formatTable(
    ['per worker', 'bytes', 'dense', 'ratio'],
    [
      ['upstream', summary.upstreamBytes, summary.denseUpstreamBytes, summary.ratio],
      [
        'downstream',
        summary.downstreamBytes,
        summary.denseDownstreamBytes,
        summary.downstreamRatio,
      ],
    ].map(([what, sent, dense, factor]) => [
      String(what),
      formatBytes(mean(/** @type {number[]} */ (sent))),
      formatBytes(mean(/** @type {number[]} */ (dense))),
      factor === null ? '–' : `${Number(factor).toFixed(1)}×`,
    ]),
  );
}

/** @param {Summary} summary */
function formatResult({ perplexity, accuracy, workers, iterations, rounds, stopped }) {
  const result =
    perplexity === undefined
      ? `accuracy ${percent(accuracy)}`
      : `perplexity ${perplexity.toFixed(2)}, ${percent(accuracy)} of the characters right`;
  const each = `${count(iterations, 'iteration')}${workers === 1 ? '' : ' each'}`;
  return (
    `${stopped ? 'Stopped' : 'Done'}: ${count(workers, 'worker')}, ${each} in ` +
    `${count(rounds, 'round')}; ${result}.`
  );
}

/**
 * @param {number} number
 * @param {string} what one of it is
 */
function count(number, what) {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

/** @param {number} share */
function percent(share) {
  return `${(100 * share).toFixed(2)} %`;
}

/**
 * @param {Round} round
 * @returns {string} for the line of progress
 */
export function describeProgress({ iterations, loss, totals }) {
  return [
    count(iterations, 'iteration'),
    ...(loss === null ? [] : [`loss ${loss.toFixed(3)}`]),
    `${formatBytes(mean(totals.up))} sent per worker`,
    ...(totals.ratio === null ? [] : [lessThanDense(totals.ratio)]),
  ].join(', ');
}

/** @param {number} ratio how many times as much dense exchange would have sent */
function lessThanDense(ratio) {
  if (Math.abs(ratio - 1) < 0.005) return 'as much as dense exchange';
  const times = ratio > 1 ? ratio : 1 / ratio;
  return `${times.toFixed(times < 10 ? 1 : 0)}× ${ratio > 1 ? 'less' : 'more'}`;
}

/**
 * What went wrong in a round, in sentences.
 *
 * @param {Round} round
 * @returns {string[]}
 */
export function troubles({ round, lost, late, refused }) {
  return [
    ...lost.map(({ reason }) => reason),
    ...late.map((worker) => `Worker ${worker} did not answer in time.`),
    ...refused.map(
      ({ worker, reason }) => `The message of worker ${worker} was refused. ${reason}`,
    ),
  ].map((sentence) => `Round ${round}: ${sentence}`);
}
