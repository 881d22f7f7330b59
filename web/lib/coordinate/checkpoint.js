// SPDX-License-Identifier: Apache-2.0

/** What a simulation is between two rounds, as bytes and back. */

import { FileError, ValueError } from '../core/errors.js';
import { pack, unpack } from './container.js';
import { dataNameOf } from '../learn/data.js';
import { LOCAL_OPTIONS, checkOptions, optionsOf } from './options.js';

/**
 * @typedef {import('./accounting.js').Totals} Totals
 * @typedef {import('./cluster.js').SavedCluster} SavedCluster
 * @typedef {import('../learn/data.js').DataSource} DataSource
 * @typedef {import('./options.js').Settings} Settings
 * @typedef {import('./options.js').SimulationOptions} SimulationOptions
 *
 * @typedef {object} Progress
 * @property {number} round the last that is finished
 * @property {number} iterations of each worker
 * @property {Totals} totals
 *
 * @typedef {object} Snapshot
 * @property {SimulationOptions} options with data only where these were digits, which are drawn anew.
 *   All others come from whoever resumes: a file does not decide which other file is opened
 * @property {string} dataName what the data were called, for people; empty where they were bytes
 * @property {number} dataChecksum
 * @property {Progress} progress
 * @property {SavedCluster} cluster
 */

const TOTALS = /** @type {const} */ (['up', 'down', 'denseUp', 'denseDown']);
const CLOCKS = /** @type {const} */ (['seconds', 'simulatedSeconds']);
/** What those who resume may choose anew. */
const FREE = /** @type {const} */ ([
  'data',
  'timeout',
  'link',
  'stepSeconds',
  'participation',
  'evaluateEvery',
]);
const MOST = 2 ** 32 - 1;

/** What a checkpoint may ask for, however small it is: more than the default options do. */
const FREE_BYTES = 2 ** 25;
/** And for each byte of the server's state. */
const BYTES_PER_BYTE = 1024;
/** Of one digit and its label. */
const DIGIT_BYTES = 785;
/** That each example of a batch takes in a model, measured and rounded up. */
const EXAMPLE_BYTES = { mlp: 2 ** 14, lenet5: 192_000, resnet8: 1_250_000 };
/** The same of charlstm, of each of its characters. */
const CHARACTER_BYTES = 7000;

/**
 * @param {Settings} settings
 * @param {{ source: DataSource, checksum: number }} data
 * @param {Progress} progress
 * @param {SavedCluster} cluster
 */
export function writeCheckpoint(settings, { source, checksum }, progress, cluster) {
  const { server, workers } = cluster;
  const { kind, count, seed } = source;
  const content = {
    options: {
      ...optionsOf(settings),
      ...(kind === 'digits' && { data: { digits: count, seed } }),
    },
    dataName: dataNameOf(source) ?? '',
    dataChecksum: checksum,
    progress,
    serverParts: server.length,
    workers: workers.map(({ parts, ...worker }) => ({ ...worker, parts: parts.length })),
  };
  return pack(content, [...server, ...workers.flatMap(({ parts }) => parts)]);
}

/**
 * @param {unknown} bytes
 * @returns {Snapshot} its options are still to be checked, its parts by those who can read them
 * @throws {FileError}
 */
export function readCheckpoint(bytes) {
  const { content, parts } = unpack(bytes);
  require(typeof content === 'object' && content !== null);
  const { options, dataName, dataChecksum, progress, serverParts, workers } = /** @type {any} */ (
    content
  );
  require(typeof options === 'object' && options !== null);
  // These come from whoever resumes, never from a file.
  require(!LOCAL_OPTIONS.some((name) => name in options));
  require(options.data === undefined || isDigits(options.data));
  require(typeof dataName === 'string' && isCount(dataChecksum) && isCount(serverParts));
  require(isCount(progress?.round) && progress.round < MOST && isCount(progress.iterations));
  require(Array.isArray(workers) && workers.length === options.workers);
  require(isTotals(progress.totals, workers.length));
  for (const worker of workers) require(isWorker(worker, progress.round, workers.length));
  require(serverParts === (options.downstream === 'recompress' ? 2 : 1));
  /** @type {number[]} */
  const counts = [serverParts, ...workers.map((/** @type {any} */ worker) => worker.parts)];
  require(counts.reduce((sum, count) => sum + count, 0) === parts.length);
  const [server, ...states] = counts.map((count) => parts.splice(0, count));
  return {
    options,
    dataName,
    dataChecksum,
    progress,
    cluster: {
      round: progress.round,
      server,
      workers: states.map((state, index) => ({ ...workers[index], parts: state })),
    },
  };
}

/**
 * The options with which a simulation goes on.
 *
 * @param {Snapshot} snapshot
 * @param {SimulationOptions} overrides
 * @returns {SimulationOptions}
 * @throws {ValueError} for those that have gone into what was saved, and are others now
 */
export function resumeOptions({ options, dataName, cluster }, overrides) {
  const all = { ...options, ...overrides };
  if (all.data === undefined) {
    throw new ValueError(
      `The checkpoint does not hold its data${dataName && ` (${dataName})`}: hand them over as the ` +
        'option data.',
    );
  }
  const data = all.data;
  const { settings: before, source } = checkOptions({ ...options, data });
  const { settings: now } = checkOptions(all);
  const changed = Object.keys(overrides).find((name) => {
    if ([...FREE, ...LOCAL_OPTIONS].some((free) => free === name)) return false;
    const key = /** @type {keyof Settings} */ (name);
    return JSON.stringify(now[key]) !== JSON.stringify(before[key]);
  });
  if (changed !== undefined) {
    throw new ValueError(
      `A resumed simulation keeps its ${changed}; only ${FREE.join(', ')} may be others.`,
    );
  }
  checkClaims(before, source, overrides, cluster.server[0].length);
  return all;
}

/**
 * A small file does not get much memory because it says so; who resumes it does.
 *
 * @param {Settings} settings of the checkpoint
 * @param {DataSource} source
 * @param {SimulationOptions} overrides what of it is said again
 * @param {number} stateBytes of the server
 * @throws {FileError}
 */
function checkClaims({ model, batch }, { count = 0, steps = 1 }, overrides, stateBytes) {
  const exampleBytes = model === 'charlstm' ? CHARACTER_BYTES * steps : EXAMPLE_BYTES[model];
  const claims = [
    { name: 'data', what: `${count} digits`, bytes: DIGIT_BYTES * count },
    { name: 'batch', what: `batches of ${batch} examples`, bytes: exampleBytes * batch },
  ];
  for (const { name, what, bytes } of claims) {
    if (name in overrides || bytes <= FREE_BYTES + BYTES_PER_BYTE * stateBytes) continue;
    throw new FileError(
      `The checkpoint asks for ${what}, some ${bytes} bytes for each worker, and holds itself no more ` +
        `than ${stateBytes} for the server; if that is as it was, say it again as the option ${name}.`,
    );
  }
}

/** @param {boolean} holds */
function require(holds) {
  if (!holds) throw new FileError('The checkpoint is damaged: its header contradicts itself.');
}

/** @param {unknown} value */
function isCount(value) {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** @param {unknown} data @returns {boolean} whether they name no file, and are no bytes */
function isDigits(data) {
  const keys = typeof data === 'object' && data !== null ? Object.keys(data) : [];
  return keys.includes('digits') && keys.every((key) => key === 'digits' || key === 'seed');
}

/**
 * @param {any} totals
 * @param {number} workers
 */
function isTotals(totals, workers) {
  return (
    CLOCKS.every((name) => Number.isFinite(totals?.[name]) && totals[name] >= 0) &&
    TOTALS.every(
      (name) =>
        Array.isArray(totals[name]) &&
        totals[name].length === workers &&
        totals[name].every(isCount),
    )
  );
}

/**
 * @param {any} worker
 * @param {number} round
 * @param {number} workers
 */
function isWorker(worker, round, workers) {
  const gone = worker?.status === 'gone';
  return (
    ['present', 'left', 'gone'].includes(worker?.status) &&
    [worker.lives, worker.round, worker.parts].every(isCount) &&
    worker.lives >= (gone ? 0 : 1) &&
    workers * (worker.lives + 1) <= MOST && // its random numbers are of a stream of that number
    worker.round <= round &&
    worker.parts === (gone ? 0 : 2)
  );
}
