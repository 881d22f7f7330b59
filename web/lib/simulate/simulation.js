// SPDX-License-Identifier: Apache-2.0

import { DisposedError, LowtropyError, ShapeError, ValueError } from '../core/errors.js';
import { checkFormat } from '../core/matrix.js';
import { copyData } from '../core/places.js';
import { Model } from '../model/model.js';
import { denseBytes, noTotals, ratioOf } from '../coordinate/accounting.js';
import { readEvaluation, readExport } from '../coordinate/answers.js';
import { checkInteger, checkOptions as checkKnown } from '../core/check.js';
import { readCheckpoint, resumeOptions, writeCheckpoint } from '../coordinate/checkpoint.js';
import { Cluster } from '../coordinate/cluster.js';
import { loadData } from '../learn/data.js';
import { checkExport } from '../learn/export.js';
import { floatsOf } from '../core/floats.js';
import { checkOptions } from '../coordinate/options.js';
import { chooseWorkers } from '../coordinate/random.js';
import { roundSeconds } from './clock.js';
import { allocateShared, shareAmongThreads, startThreads } from './threads.js';

/**
 * @typedef {import('../model/model.js').Formats} Formats
 * @typedef {import('../coordinate/accounting.js').Loss} Loss
 * @typedef {import('../coordinate/accounting.js').Sent} Sent
 * @typedef {import('../coordinate/accounting.js').TotalsReport} TotalsReport
 * @typedef {import('../coordinate/checkpoint.js').Snapshot} Snapshot
 * @typedef {import('../learn/data.js').Data} Data
 * @typedef {import('../coordinate/worker-record.js').WorkerStatus} WorkerStatus
 * @typedef {import('../coordinate/options.js').Settings} Settings
 * @typedef {import('../coordinate/options.js').SimulationOptions} SimulationOptions
 * @typedef {import('../coordinate/server-role.js').Refusal} Refusal
 *
 * @typedef {object} Evaluation on the examples for testing
 * @property {number} testLoss mean cross-entropy
 * @property {number} accuracy share of right answers; of text, of right next characters
 * @property {number} [perplexity] of text: exp(testLoss)
 *
 * @typedef {object} RoundReport
 * @property {number} round its number, from 1
 * @property {number} iterations of each worker so far; a worker that was not chosen made fewer
 * @property {number | null} loss mean of the counted workers'; null where none was counted
 * @property {number[]} participants workers that were to take part
 * @property {number[]} counted those whose messages were added to the weights
 * @property {number[]} late those who did not answer in time
 * @property {number} stale messages that arrived after their round, and were dropped
 * @property {Refusal[]} refused messages that could not be used
 * @property {Loss[]} lost workers that crashed or were killed since the round before
 * @property {{ up: number[], down: number[] }} bytes in this round, by worker
 * @property {number} denseBytes that one worker would have sent as float32 in each iteration
 * @property {number | null} ratio how many times smaller what went up was
 * @property {number | null} downRatio the same of what went down
 * @property {number} seconds that the round took, without its evaluation
 * @property {number} simulatedSeconds that it would have taken over the links: as long as the
 *   slowest counted worker
 * @property {number} denseSimulatedSeconds the same, by dense exchange
 * @property {TotalsReport} totals since the simulation began
 *
 * @typedef {RoundReport & Partial<Evaluation>} Round evaluated in some rounds
 */

/** Rounds of a run that are evaluated, unless it is said how many. */
const EVALUATIONS = 20;

/**
 * Several workers that learn together. Each is a thread with a WebAssembly instance, a shard of the
 * examples, an optimizer and a residual of its own; the server, a thread too, has the weights. What
 * goes between them are the bytes of compressed updates, counted one by one.
 *
 * A round: the workers chosen for it make `delay` iterations and send one message each; the server adds
 * those that came in time to the weights, by the workers' numbers; everybody gets the result and
 * has bit for bit the server's weights. All workers know the first weights from the seed.
 *
 * Workers may leave, crash and come back at any time; see cluster.js for what is then theirs.
 */
export class Simulation {
  static {
    Object.defineProperty(this, 'name', { value: 'Simulation' });
  }

  /** @type {Settings} */
  #settings;
  #checked;
  /** @type {Snapshot | undefined} */
  #snapshot;
  /** @type {Promise<Cluster> | undefined} */
  #starting;
  /** @type {Cluster | undefined} */
  #cluster;
  /** @type {Data | undefined} */
  #data;
  #round = 0;
  #iterations = 0;
  #totals;
  #disposed = false;
  /** Whether a run is under way: one of its rounds, or the caller's loop between two of them. */
  #running = false;
  /** Settled when nothing else is at work between the rounds. @type {Promise<unknown>} */
  #last = Promise.resolve();

  /**
   * @param {SimulationOptions} [options]
   * @throws {ValueError} names the option that cannot be
   */
  constructor(options = {}) {
    this.#checked = checkOptions(options);
    this.#settings = this.#checked.settings;
    this.#totals = noTotals(this.#settings.workers);
  }

  /**
   * Goes on from a checkpoint, to bit for bit the same weights.
   *
   * @param {Uint8Array} bytes of `checkpoint()`
   * @param {SimulationOptions} [overrides] data (needed unless they were digits: a checkpoint does not
   *   decide which file is opened), timeout, link, stepSeconds, participation, evaluateEvery,
   *   maxDataBytes, wasm, transport. Others may be said again, but must be what they were
   * @returns {Promise<Simulation>}
   * @throws {FileError | ValueError} for anything that is no sound checkpoint, for overrides that
   *   cannot be, and if the data are others
   */
  static async resume(bytes, overrides = {}) {
    const snapshot = readCheckpoint(bytes);
    const simulation = new Simulation(resumeOptions(snapshot, overrides));
    const { round, iterations, totals } = snapshot.progress;
    simulation.#snapshot = snapshot;
    simulation.#round = round;
    simulation.#iterations = iterations;
    simulation.#totals = totals;
    await simulation.start();
    return simulation;
  }

  /** Rounds that are finished. */
  get round() {
    return this.#round;
  }

  /** Iterations of each worker in them. */
  get iterations() {
    return this.#iterations;
  }

  /** Weights of the model; 0 before `start`. */
  get weightCount() {
    return this.#cluster?.weightCount ?? 0;
  }

  /** A copy. @returns {TotalsReport} */
  get totals() {
    const { up, down, denseUp, denseDown } = this.#totals;
    return {
      ...copyData(this.#totals),
      ratio: ratioOf(denseUp, up),
      downRatio: ratioOf(denseDown, down),
    };
  }

  /** What each worker is, by its number; none before `start`. @returns {WorkerStatus[]} */
  get workers() {
    return this.#cluster?.workers.map(({ status }) => status) ?? [];
  }

  /**
   * Who crashed or was killed since the last round that was reported, as `lost` of the next one will
   * say: for when there is none, because nobody is left.
   *
   * @returns {Loss[]}
   */
  get lost() {
    return this.#cluster?.ledger.lost.map((loss) => ({ ...loss })) ?? [];
  }

  /**
   * Starts the threads, and gives them their data. Whatever needs them does so by itself.
   *
   * @returns {Promise<void>}
   */
  async start() {
    await this.#ready();
  }

  /**
   * Runs rounds until each worker has made so many iterations in all, and tells of each round.
   * Leaving the loop early stops it between two rounds; a later run goes on from there. There is one
   * run at a time: it is under way from the first round that is asked of it until its loop ends or is
   * left, by `break` or by `return()` of what this gives. All else may be asked for meanwhile, and is
   * done between two rounds; `dispose` ends the run.
   *
   * @param {{ iterations: number }} options counted from the very beginning; the last round is
   *   shorter where the delay does not divide them
   * @returns {AsyncGenerator<Round, void, void>} Where it throws, because of what the server or a worker has answered,
   *   all have the same weights nevertheless, and another run goes on from there
   * @throws {LowtropyError} from the first round on, where another run is under way
   * @throws {DisposedError} the same, after `dispose`
   * @throws {LowtropyError} where no worker is left; `lost` has the reasons
   */
  async *run(options) {
    const { iterations } = checkKnown(options, 'Simulation.run', ['iterations']);
    checkInteger(iterations, 'The number of iterations', 1, 2 ** 31 - 1);
    this.#checkAlive();
    if (this.#running) {
      throw new LowtropyError(
        'The simulation has a run under way: its loop must end, or be left, before another begins.',
      );
    }
    this.#running = true;
    try {
      yield* this.#rounds(iterations);
    } finally {
      this.#running = false;
    }
  }

  /**
   * @param {number} iterations
   * @returns {AsyncGenerator<Round, void, void>}
   */
  async *#rounds(iterations) {
    const { delay } = this.#settings;
    const every =
      this.#settings.evaluateEvery ?? Math.ceil(Math.ceil(iterations / delay) / EVALUATIONS);
    while (this.#iterations < iterations && !this.#disposed) {
      const steps = Math.min(delay, iterations - this.#iterations);
      try {
        yield await this.#exclusive(async (cluster) => {
          const report = await this.#runRound(cluster, steps);
          const due = report.round % every === 0 || report.iterations >= iterations;
          return due ? { ...report, ...(await this.#evaluate(cluster)) } : report;
        });
      } catch (error) {
        if (!this.#disposed) throw error;
      }
    }
  }

  /**
   * @returns {Promise<Evaluation>} of the weights as they are now
   */
  evaluate() {
    return this.#exclusive((cluster) => this.#evaluate(cluster));
  }

  /**
   * @param {number} [worker] by default the server
   * @returns {Promise<Float32Array<ArrayBuffer>>} a copy of the weights, tensor after tensor
   */
  async weights(worker) {
    const index = worker === undefined ? undefined : this.#check(worker);
    const bytes = await this.#exclusive((cluster) =>
      index === undefined ? cluster.weights() : cluster.weightsOf(index),
    );
    return floatsOf(bytes);
  }

  /**
   * What has been learned, as a network that runs.
   *
   * @param {{ prune?: number, values?: number, format?: Formats }} [options] prune: share of each
   *   weight matrix that becomes 0, from 0 to below 1; values: how many distinct values each keeps, 2
   *   to 256; format: as of Model.fromGraph
   * @returns {Promise<Model>}
   * @throws {ValueError} at once, for options that cannot be
   */
  async model(options = {}) {
    const known = ['prune', 'values', 'format'];
    const { format = 'auto', ...compression } = checkKnown(options, 'Simulation.model', known);
    checkExport(compression);
    const byLayer = typeof format === 'object' && format !== null;
    for (const name of byLayer ? Object.values(format) : [format]) checkFormat(name);
    const { graph, shapes, body } = await this.#exclusive((cluster) =>
      cluster.ask('export', { options: compression }, readExport),
    );
    const tensors = new Map(
      shapes.map(({ name, ...shape }, index) => [name, { ...shape, data: floatsOf(body[index]) }]),
    );
    return Model.fromGraph(graph, tensors, { format: /** @type {Formats} */ (format) });
  }

  /**
   * All there is between two rounds: weights, optimizers, residuals, random numbers, counts; not the
   * data. A late worker is waited for, but not longer than the time limit; otherwise it counts as
   * gone.
   *
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  checkpoint() {
    return this.#exclusive(async (cluster) => {
      const saved = await cluster.save();
      const totals = copyData(this.#totals);
      cluster.ledger.addTo(totals); // of messages that came late
      return writeCheckpoint(
        this.#settings,
        { source: this.#checked.source, checksum: /** @type {Data} */ (this.#data).checksum },
        { round: this.#round, iterations: this.#iterations, totals },
        saved,
      );
    });
  }

  /**
   * A worker goes after the round that is running. What it is is kept for when it comes back.
   *
   * @param {number} worker
   * @returns {Promise<void>}
   */
  async leave(worker) {
    const index = this.#check(worker);
    return this.#exclusive((cluster) => cluster.leave(index));
  }

  /**
   * A worker comes, after the round that is running: in a thread of its own, and with the weights
   * as they are then.
   *
   * @param {number} worker that has left, or is gone
   * @returns {Promise<void>}
   */
  async join(worker) {
    const index = this.#check(worker);
    return this.#exclusive((cluster) => cluster.join(index));
  }

  /**
   * Ends a worker's thread at once, as a crash would.
   *
   * @param {number} worker
   */
  async kill(worker) {
    const index = this.#check(worker);
    (await this.#ready()).kill(index);
  }

  /**
   * Holds a worker's next message back.
   *
   * @param {number} worker
   * @param {number} milliseconds
   */
  async stall(worker, milliseconds) {
    const index = this.#check(worker);
    checkInteger(milliseconds, 'The milliseconds', 0, 2 ** 31 - 1);
    (await this.#ready()).stall(index, milliseconds);
  }

  /**
   * Ends all threads. What is still running is rejected, and a run ends. In a Web Worker, wait for it
   * before that worker is terminated: Chromium keeps one in fifty that has workers of its own.
   */
  async dispose() {
    this.#disposed = true;
    await this.#cluster?.close();
    await this.#starting?.catch(() => {});
  }

  /** @throws {DisposedError} */
  #checkAlive() {
    if (this.#disposed) throw new DisposedError('The simulation was used after its dispose().');
  }

  /** @returns {Promise<Cluster>} */
  async #ready() {
    this.#checkAlive();
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async #start() {
    const { settings, source, maxDataBytes, wasm, transport } = this.#checked;
    this.#data = await loadData(source, maxDataBytes, transport ? undefined : allocateShared);
    if (this.#snapshot && this.#snapshot.dataChecksum !== this.#data.checksum) {
      throw new ValueError('The data are not those of the checkpoint.');
    }
    if (!transport) this.#data.body = this.#data.body.map(shareAmongThreads);
    const cluster = new Cluster(settings, this.#data, transport ?? (await startThreads(wasm)));
    this.#checkAlive();
    this.#cluster = cluster;
    try {
      await cluster.start(this.#snapshot?.cluster);
    } catch (error) {
      await cluster.close();
      throw error;
    }
    this.#snapshot = undefined;
    return cluster;
  }

  /**
   * Between rounds one thing happens after the other.
   *
   * @template T
   * @param {(cluster: Cluster) => Promise<T>} work
   * @returns {Promise<T>}
   */
  #exclusive(work) {
    const result = this.#last.then(async () => {
      return work(await this.#ready());
    });
    this.#last = result.catch(() => {});
    return result;
  }

  /** @param {unknown} worker */
  #check(worker) {
    const { workers } = this.#settings;
    if (Number.isInteger(worker) && Number(worker) >= 0 && Number(worker) < workers) {
      return Number(worker);
    }
    throw new ShapeError(`The workers are numbered 0 to ${workers - 1}; there is no ${worker}.`);
  }

  /**
   * @param {Cluster} cluster
   * @returns {Promise<Evaluation>}
   */
  async #evaluate(cluster) {
    const { loss: testLoss, accuracy } = await cluster.ask('evaluate', {}, readEvaluation);
    const text = this.#checked.source.kind === 'text';
    return { testLoss, accuracy, ...(text && { perplexity: Math.exp(testLoss) }) };
  }

  /**
   * @param {Cluster} cluster
   * @param {number} steps
   * @returns {Promise<RoundReport>}
   */
  async #runRound(cluster, steps) {
    const { participation, seed } = this.#settings;
    const start = performance.now();
    const round = this.#round + 1;
    const dense = denseBytes(cluster.weightCount, steps);
    await cluster.waitForSomebody();
    await cluster.catchUp();
    const present = cluster.present.map(({ index }) => index);
    const count = Math.max(1, Math.round(participation * present.length));
    const chosen = chooseWorkers(present, count, seed, round);
    const work = { round, steps, iterations: this.#iterations };
    const { trained, refused, late } = await cluster.train(chosen, work);
    if (trained.length === 0) cluster.checkSomebodyLeft(); // made by nobody, it is no round
    const plan = await cluster.aggregate(round, trained, dense);
    const { counted } = plan;
    const ledger = cluster.closeLedger();
    const used = trained.filter(({ worker }) => counted.includes(worker));
    const seconds = (performance.now() - start) / 1000;
    const simulatedSeconds = this.#slowest(used, steps, (worker) => ledger.sent(worker));
    const denseSimulatedSeconds = this.#slowest(used, steps, (worker) =>
      ledger.denseSent(worker, steps),
    );
    this.#round = round;
    this.#iterations += steps;
    ledger.addTo(this.#totals);
    this.#totals.seconds += seconds;
    this.#totals.simulatedSeconds += simulatedSeconds;
    return {
      round,
      iterations: this.#iterations,
      loss: used.length > 0 ? used.reduce((sum, { loss }) => sum + loss, 0) / used.length : null,
      participants: chosen,
      counted,
      late,
      stale: ledger.stale,
      refused: [...refused, ...plan.refused],
      lost: ledger.lost,
      bytes: { up: [...ledger.up], down: [...ledger.down] },
      denseBytes: dense,
      ratio: ratioOf(ledger.denseUp, ledger.up),
      downRatio: ratioOf(ledger.denseDown, ledger.down),
      seconds,
      simulatedSeconds,
      denseSimulatedSeconds,
      totals: this.totals,
    };
  }

  /**
   * How long a round takes by the simulated clock: as long as the slowest worker.
   *
   * @param {Array<{ worker: number, seconds: number }>} counted
   * @param {number} steps
   * @param {(worker: number) => Sent} sent
   */
  #slowest(counted, steps, sent) {
    const { links, stepSeconds, timeout } = this.#settings;
    if (counted.length === 0) return (timeout ?? 0) / 1000;
    return Math.max(
      ...counted.map(({ worker, seconds }) =>
        roundSeconds(
          sent(worker),
          links?.[worker],
          stepSeconds === null ? seconds : steps * stepSeconds,
        ),
      ),
    );
  }
}
