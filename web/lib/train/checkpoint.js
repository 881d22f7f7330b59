// SPDX-License-Identifier: Apache-2.0

/** What a simulation is between two rounds, as bytes and back. */

import { FileError, ValueError } from '../core/errors.js';
import { pack, unpack } from './container.js';
import { optionsOf } from './options.js';

/**
 * @typedef {import('./accounting.js').Totals} Totals
 * @typedef {import('./cluster.js').SavedCluster} SavedCluster
 * @typedef {import('./cluster.js').SavedMember} SavedMember
 * @typedef {import('./data.js').DataOption} DataOption
 * @typedef {import('./options.js').Settings} Settings
 * @typedef {import('./options.js').SimulationOptions} SimulationOptions
 *
 * @typedef {object} Progress
 * @property {number} round the last that is finished
 * @property {number} iterations of each worker
 * @property {Totals} totals
 *
 * @typedef {object} Snapshot
 * @property {SimulationOptions} options without data where these were given as bytes
 * @property {number} dataChecksum
 * @property {Progress} progress
 * @property {SavedCluster} cluster
 */

const TOTALS = /** @type {const} */ (['up', 'down', 'denseUp', 'denseDown']);
const CLOCKS = /** @type {const} */ (['seconds', 'simulatedSeconds']);

/**
 * @param {Settings} settings
 * @param {{ option: DataOption | undefined, checksum: number }} data
 * @param {Progress} progress
 * @param {SavedCluster} cluster
 */
export function writeCheckpoint(settings, data, progress, cluster) {
  const { server, members } = cluster;
  const content = {
    options: { ...optionsOf(settings), data: data.option },
    dataChecksum: data.checksum,
    progress,
    serverParts: server.length,
    workers: members.map(({ parts, ...member }) => ({ ...member, parts: parts.length })),
  };
  return pack(content, [...server, ...members.flatMap(({ parts }) => parts)]);
}

/**
 * @param {unknown} bytes
 * @returns {Snapshot} its options are still to be checked, its parts by those who can read them
 * @throws {FileError}
 */
export function readCheckpoint(bytes) {
  const { content, parts } = unpack(bytes);
  require(typeof content === 'object' && content !== null);
  const { options, dataChecksum, progress, serverParts, workers } = /** @type {any} */ (content);
  require(typeof options === 'object' && options !== null);
  // These come from whoever resumes, never from a file.
  require(!('wasm' in options || 'transport' in options));
  require(isCount(dataChecksum) && isCount(serverParts));
  require(isCount(progress?.round) && isCount(progress.iterations));
  require(Array.isArray(workers) && workers.length === options.workers);
  require(isTotals(progress.totals, workers.length));
  for (const worker of workers) require(isMember(worker, progress.round));
  /** @type {number[]} */
  const counts = [serverParts, ...workers.map((/** @type {any} */ worker) => worker.parts)];
  require(counts.reduce((sum, count) => sum + count, 0) === parts.length);
  const [server, ...states] = counts.map((count) => parts.splice(0, count));
  return {
    options,
    dataChecksum,
    progress,
    cluster: {
      round: progress.round,
      server,
      members: states.map((state, index) => ({ ...workers[index], parts: state })),
    },
  };
}

/**
 * The options with which a simulation goes on.
 *
 * @param {SimulationOptions} saved
 * @param {SimulationOptions} overrides
 * @returns {SimulationOptions}
 * @throws {ValueError} for those that have gone into what was saved
 */
export function resumeOptions(saved, overrides) {
  const free = ['data', 'timeout', 'link', 'stepSeconds', 'participation', 'evaluateEvery'];
  const fixed = Object.keys(overrides).find(
    (name) => ![...free, 'wasm', 'transport'].includes(name),
  );
  if (fixed !== undefined) {
    throw new ValueError(
      `A resumed simulation keeps its ${fixed}; only ${free.join(', ')} may be others.`,
    );
  }
  const options = { ...saved, ...overrides };
  if (options.data !== undefined) return options;
  throw new ValueError('The checkpoint does not hold its data: hand them over as the option data.');
}

/** @param {boolean} holds */
function require(holds) {
  if (!holds) throw new FileError('The checkpoint is damaged: its header contradicts itself.');
}

/** @param {unknown} value */
function isCount(value) {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/**
 * @param {any} totals
 * @param {number} workers
 */
function isTotals(totals, workers) {
  return (
    CLOCKS.every((name) => Number.isFinite(totals?.[name])) &&
    TOTALS.every(
      (name) =>
        Array.isArray(totals[name]) &&
        totals[name].length === workers &&
        totals[name].every(isCount),
    )
  );
}

/**
 * @param {any} member
 * @param {number} round
 */
function isMember(member, round) {
  return (
    ['present', 'left', 'gone'].includes(member?.status) &&
    [member.lives, member.round, member.parts].every(isCount) &&
    member.round <= round &&
    member.parts === (member.status === 'gone' ? 0 : 2)
  );
}
