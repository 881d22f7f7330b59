// SPDX-License-Identifier: Apache-2.0

import { FileError, LowtropyError, ValueError } from '../core/errors.js';
import { AnswerError, GoneError, Requests } from '../transport/requests.js';
import { Ledger, denseBytes } from './accounting.js';
import {
  checksumOf,
  readPlan,
  readTrained,
  readWeightCount,
  stateReader,
  weightsReader,
} from './answers.js';
import { Backlog } from './backlog.js';
import { gather } from './gather.js';
import { WorkerRecord } from './worker-record.js';

/**
 * @typedef {import('../transport/requests.js').Answer} Answer
 * @typedef {import('../transport/transport.js').Head} Head
 * @typedef {import('../transport/transport.js').Transport} Transport
 * @typedef {import('./accounting.js').Loss} Loss
 * @typedef {import('../learn/data.js').Data} Data
 * @typedef {import('./worker-record.js').WorkerStatus} WorkerStatus
 * @typedef {import('./options.js').Settings} Settings
 * @typedef {import('./server-role.js').Plan} Plan
 * @typedef {import('./server-role.js').Refusal} Refusal
 *
 * @typedef {{ worker: number, loss: number, seconds: number, message: Uint8Array }} Trained
 * @typedef {{ trained?: Trained, refusal?: Refusal }} Outcome of a worker's round; neither where it
 *   is gone instead
 *
 * @typedef {object} SavedWorker
 * @property {WorkerStatus} status
 * @property {number} lives
 * @property {number} round
 * @property {Uint8Array[]} parts none of a worker that is gone
 *
 * @typedef {{ round: number, server: Uint8Array[], workers: SavedWorker[] }} SavedCluster
 */

/** How often the server is asked to commit, if its answers are not understood. */
const MOST_COMMITS = 3;

/**
 * The server and the workers: who is there, and who has which weights.
 *
 * What a worker's residual, optimizer and random numbers are, after
 * - a round in which it did not take part: what they were;
 * - a round whose message came too late or was refused: as after any other, but that what the
 *   message had is back in the residual, to be sent later (by compressors that have none it is
 *   lost);
 * - `leave` and `join`: what they were;
 * - a crash: those of a new worker. What it had not sent is lost; what it had, is in the weights.
 *
 * Whoever missed rounds gets the messages of those rounds, or the weights where these are smaller.
 *
 * A round is added in two steps, so that all have the same weights whatever one of them answers: the
 * server works out what it would make (`prepare`), and only when that answer is understood does it
 * make it so (`commit`), and the workers too (`apply`). Where it is not, the round is refused:
 * nobody's weights have changed, and what the workers had sent is theirs again.
 */
export class Cluster {
  /** Weights of the model. */
  weightCount = 0;
  /** @type {WorkerRecord[]} */
  workers;
  /** Of the round that is running, or of the next. */
  ledger;
  /** The last that is finished. */
  #round = 0;
  #settings;
  #data;
  #transport;
  /** @type {Requests | undefined} */
  #server;
  /** All that are not closed. @type {Set<Requests>} */
  #connections = new Set();
  #closed = false;
  /** Why the last worker went that did. */
  #lastReason = '';
  #backlog = new Backlog(0, 0);

  /**
   * @param {Settings} settings
   * @param {Data} data
   * @param {Transport} transport
   */
  constructor(settings, data, transport) {
    this.#settings = settings;
    this.#data = data;
    this.#transport = transport;
    this.workers = Array.from({ length: settings.workers }, (_, index) => new WorkerRecord(index));
    this.ledger = new Ledger(settings.workers);
  }

  /** @returns {Requests} */
  get server() {
    if (!this.#server) throw new LowtropyError('The simulation has not begun.');
    return this.#server;
  }

  /** @returns {WorkerRecord[]} */
  get present() {
    return this.workers.filter(({ status }) => status === 'present');
  }

  /**
   * @param {string} name
   * @param {(reason: string) => void} [onLost]
   */
  async #open(name, onLost) {
    const connection = await Requests.connect(this.#transport, name, onLost);
    this.#connections.add(connection);
    if (this.#closed) await connection.close();
    return connection;
  }

  /** @param {Requests | undefined} connection */
  async #shut(connection) {
    if (!connection) return;
    this.#connections.delete(connection);
    await connection.close();
  }

  /**
   * Asks the server for something about the weights after the last round.
   *
   * @template T
   * @param {string} type
   * @param {Head} fields
   * @param {(answer: Answer) => T} read
   */
  ask(type, fields, read) {
    return this.server.request(type, { ...fields, round: this.#round }, [], read);
  }

  /** @returns {Promise<Uint8Array>} the server's weights, as bytes */
  weights() {
    return this.ask('weights', {}, weightsReader(this.weightCount));
  }

  /**
   * @param {SavedCluster} [saved] The server begins alone then, and takes its state; what the workers
   *   had is looked at before any of them is started.
   */
  async start(saved) {
    this.#server = await this.#open('The server');
    if (saved) {
      await this.#openServer();
      await this.#server.request('restore', { round: saved.round }, saved.server);
      checkSizes(saved.workers, this.weightCount);
      this.#round = saved.round;
    }
    await Promise.all([
      ...(saved ? [] : [this.#openServer()]),
      ...this.workers.map((record) => this.#startWorker(record, saved?.workers[record.index])),
    ]);
    const other = this.workers.find(
      ({ connection, weightCount }) => connection && weightCount !== this.weightCount,
    );
    if (other) {
      throw new LowtropyError(
        `Worker ${other.index} has a model of ${other.weightCount} weights, the server one of ` +
          `${this.weightCount}.`,
      );
    }
    this.#backlog = new Backlog(denseBytes(this.weightCount, 1), this.#round);
  }

  async #openServer() {
    const { spec, body } = this.#data;
    const fields = { role: 'server', settings: this.#settings, spec };
    this.weightCount = await this.server.request('open', fields, body, readWeightCount);
  }

  /**
   * @param {WorkerRecord} record
   * @param {SavedWorker} [saved]
   */
  async #startWorker(record, saved) {
    if (!saved) return this.#connect(record);
    Object.assign(record, { status: saved.status, lives: saved.lives, round: saved.round });
    if (saved.parts.length > 0) record.saved = { round: saved.round, parts: saved.parts };
    if (saved.status === 'present') await this.#connect(record);
  }

  /**
   * Starts a worker's thread, in the state that was saved, or else in that of a new worker.
   *
   * @param {WorkerRecord} record
   */
  async #connect(record) {
    const { workers } = this.#settings;
    const { index, saved } = record;
    const connection = await this.#open(`Worker ${index}`, (reason) => {
      if (record.connection?.gone !== undefined) this.#drop(record, reason);
    });
    const { spec, body } = this.#data;
    const lives = saved ? record.lives : record.lives + 1;
    const stream = index + 1 + workers * (lives - 1); // 0 is the server's
    const fields = { role: 'worker', settings: this.#settings, spec, worker: index, stream };
    try {
      record.weightCount = await connection.request('open', fields, body, readWeightCount);
      if (saved) await connection.request('restore', { round: saved.round }, saved.parts);
    } catch (error) {
      await this.#shut(connection);
      throw error;
    }
    record.connection = connection;
    record.saved = undefined;
    record.lives = lives;
    record.round = saved?.round ?? 0;
    record.status = 'present';
  }

  /** @returns {Ledger} of the round that is finished; another one begins */
  closeLedger() {
    const { ledger } = this;
    this.ledger = new Ledger(this.#settings.workers);
    return ledger;
  }

  /** @param {number} worker */
  async join(worker) {
    const record = this.workers[worker];
    if (record.status === 'present' || record.status === 'late') {
      throw new ValueError(`Worker ${worker} cannot join: it has not left.`);
    }
    await this.#connect(record);
  }

  /** @param {number} worker */
  async leave(worker) {
    const record = this.#active(worker);
    const saved = await this.#save(record);
    if (record.status === 'gone') return; // it was killed, or crashed, meanwhile
    record.saved = saved;
    if (!saved) {
      this.#drop(record, 'It left without an answer, and its state is lost.');
      return;
    }
    record.status = 'left';
    await this.#close(record);
  }

  /** @param {number} worker */
  kill(worker) {
    this.#drop(this.#active(worker), 'It was killed.');
  }

  /**
   * @param {number} worker
   * @param {number} milliseconds
   */
  stall(worker, milliseconds) {
    this.#tell(this.#active(worker), 'stall', { milliseconds });
  }

  /**
   * @param {number} worker
   * @returns {WorkerRecord}
   */
  #active(worker) {
    const record = this.workers[worker];
    if (record.status === 'present' || record.status === 'late') return record;
    throw new ValueError(`Worker ${worker} is not there.`);
  }

  /**
   * Waits until somebody is ready to take part.
   *
   * @throws {LowtropyError} if nobody ever will be
   */
  async waitForSomebody() {
    while (this.present.length === 0) {
      this.checkSomebodyLeft();
      const late = this.workers.filter(({ status }) => status === 'late');
      await Promise.race(late.map(({ settled }) => settled));
    }
  }

  /** @throws {LowtropyError} if nobody is there, on time or late */
  checkSomebodyLeft() {
    if (this.workers.some(({ status }) => status === 'present' || status === 'late')) return;
    throw new LowtropyError(`There is no worker left. ${this.#lastReason}`.trimEnd());
  }

  /** Gives everybody who missed rounds what they lack. */
  async catchUp() {
    const behind = this.present.filter((record) => record.round < this.#round);
    if (behind.length === 0) return;
    /** @type {Uint8Array | undefined} */
    let weights;
    for (const record of behind) {
      this.ledger.addAhead(record.index, 0, denseBytes(this.weightCount, 1));
      const missed = this.#backlog.since(record.round);
      if (missed) {
        for (const { round, scale, messages, bytes } of missed) {
          this.#tell(record, 'apply', { round, scale }, messages);
          this.ledger.addAhead(record.index, bytes, 0);
        }
      } else {
        weights ??= await this.weights();
        const fields = { round: this.#round, checksum: checksumOf([weights]) };
        this.#tell(record, 'setWeights', fields, [weights]);
        this.ledger.addAhead(record.index, weights.length, 0);
      }
      record.round = this.#round;
    }
  }

  /**
   * One round's work of some workers.
   *
   * @param {number[]} chosen
   * @param {{ round: number, steps: number, iterations: number }} work iterations: before the round
   * @returns {Promise<{ trained: Trained[], refused: Refusal[], late: number[] }>} each by worker, in
   *   ascending order; refused: whose answers were not understood
   */
  async train(chosen, work) {
    const { timeout } = this.#settings;
    const records = chosen.map((worker) => this.workers[worker]);
    const answers = records.map((record) => this.#train(record, work));
    const found = await gather(answers, timeout);
    const late = records.filter((_, index) => !found[index]);
    for (const record of late) this.#awaitLate(record, answers[records.indexOf(record)]);
    const refused = found.flatMap((each) => each?.value.refusal ?? []);
    for (const { worker } of refused) this.#tell(this.workers[worker], 'takeBack');
    return {
      trained: found.flatMap((each) => each?.value.trained ?? []),
      refused,
      late: late.map(({ index }) => index),
    };
  }

  /**
   * @param {WorkerRecord} record
   * @param {Record<string, number>} fields
   * @returns {Promise<Outcome>}
   */
  async #train(record, fields) {
    const { index: worker } = record;
    const connection = /** @type {Requests} */ (record.connection);
    try {
      return {
        trained: { worker, ...(await connection.request('train', fields, [], readTrained)) },
      };
    } catch (error) {
      const reason = messageOf(error);
      if (error instanceof AnswerError) return { refusal: { worker, reason } };
      if (record.connection === connection) this.#drop(record, reason);
      return {};
    }
  }

  /**
   * @param {WorkerRecord} record
   * @param {Promise<Outcome>} answer
   */
  #awaitLate(record, answer) {
    record.status = 'late';
    record.settled = answer.then(({ trained, refusal }) => {
      if (!(trained ?? refusal) || record.status !== 'late') return;
      this.ledger.stale += 1;
      this.ledger.addUp(record.index, trained?.message.length ?? 0, 0);
      this.#tell(record, 'takeBack');
      record.status = 'present';
    });
  }

  /**
   * Has the server add messages to the weights, and sends everybody who is there the result.
   *
   * @param {number} round
   * @param {Trained[]} trained
   * @param {number} dense bytes that each way would take in dense exchange
   * @returns {Promise<Plan>}
   * @throws {AnswerError} for a server whose answers are not understood. This round is then as if it
   *   had not been, and can be tried again
   */
  async aggregate(round, trained, dense) {
    for (const { worker, message } of trained) this.ledger.addUp(worker, message.length, dense);
    const plan = await this.#agree(round, trained);
    const { counted, refused } = plan;
    for (const { worker } of refused) this.#tell(this.workers[worker], 'takeBack');
    const used = trained.filter(({ worker }) => counted.includes(worker));
    const messages = plan.message ? [plan.message] : used.map(({ message }) => message);
    const scale = messages.length > 0 ? 1 / messages.length : 0;
    this.#round = round;
    this.#backlog.add(round, scale, messages);
    const bytes = messages.reduce((sum, { length }) => sum + length, 0);
    for (const record of this.present) {
      if (record.round !== round - 1) continue; // gets it before its next round
      this.#tell(record, 'apply', { round, scale }, messages);
      this.ledger.addDown(record.index, bytes, dense);
      record.round = round;
    }
    return { counted, refused };
  }

  /**
   * @param {number} round
   * @param {Trained[]} trained
   * @returns {Promise<ReturnType<typeof readPlan>>} as it has become of the server's weights
   */
  async #agree(round, trained) {
    const workers = trained.map(({ worker }) => worker);
    const recompressed = this.#settings.downstream === 'recompress';
    try {
      const plan = await this.server.request(
        'prepare',
        { round, workers },
        trained.map(({ message }) => message),
        (answer) => readPlan(answer, workers, recompressed),
      );
      await this.#commit(round, plan.counted);
      return plan;
    } catch (error) {
      this.server.request('forget').catch(() => {});
      for (const { worker } of trained) this.#tell(this.workers[worker], 'takeBack');
      throw error;
    }
  }

  /**
   * To commit twice is to commit once: an error, or an answer that is not understood, is asked for
   * again, until it is clear what the server's weights are.
   *
   * @param {number} round
   * @param {number[]} counted
   */
  async #commit(round, counted) {
    const errors = [];
    while (errors.length < MOST_COMMITS) {
      try {
        await this.server.request('commit', { round, counted });
        return;
      } catch (error) {
        if (error instanceof GoneError) throw error;
        errors.push(error);
      }
    }
    if (!errors.some((error) => error instanceof AnswerError)) throw errors[0]; // it refuses to
    this.server.lose(`it does not say whether round ${round} is in its weights`);
    throw new GoneError(String(this.server.gone));
  }

  /**
   * @param {number} worker
   * @returns {Promise<Uint8Array>} its weights, as bytes
   */
  async weightsOf(worker) {
    const { connection, round } = this.#active(worker);
    const read = weightsReader(this.weightCount);
    return /** @type {Requests} */ (connection).request('weights', { round }, [], read);
  }

  /** @returns {Promise<SavedCluster>} */
  async save() {
    const parts = this.#settings.downstream === 'recompress' ? 2 : 1;
    const [server, ...workers] = await Promise.all([
      this.ask('save', {}, stateReader(parts)),
      ...this.workers.map(async (record) => {
        const saved = record.saved ?? (record.connection && (await this.#save(record)));
        /** @type {WorkerStatus} */
        const status = !saved ? 'gone' : record.status === 'left' ? 'left' : 'present';
        return {
          status,
          lives: record.lives,
          round: saved?.round ?? 0,
          parts: saved?.parts ?? [],
        };
      }),
    ]);
    return { round: this.#round, server, workers };
  }

  /**
   * @param {WorkerRecord} record
   * @returns {Promise<import('./worker-record.js').WorkerState | undefined>} undefined if it does not
   *   answer within the time limit, or is gone
   */
  async #save(record) {
    const { timeout } = this.#settings;
    const [settled] = await gather([record.settled], timeout);
    if (!settled || !record.connection) return undefined;
    const { round } = record;
    const answer = record.connection.request('save', { round }, [], stateReader(2));
    const [saved] = await gather([answer.catch(() => undefined)], timeout);
    return saved?.value && { round, parts: saved.value };
  }

  /**
   * Asks a worker for something whose answer nobody waits for: it comes before that of whatever it
   * is asked next.
   *
   * @param {WorkerRecord} record
   * @param {string} type
   * @param {Record<string, unknown>} [fields]
   * @param {Uint8Array[]} [body]
   */
  #tell(record, type, fields, body) {
    const { connection } = record;
    connection?.request(type, fields, body).catch((error) => {
      if (record.connection === connection) this.#drop(record, messageOf(error));
    });
  }

  /**
   * @param {WorkerRecord} record
   * @param {string} reason a sentence
   */
  #drop(record, reason) {
    record.status = 'gone';
    record.saved = undefined;
    this.ledger.lost.push({ worker: record.index, reason });
    this.#lastReason = reason;
    this.#close(record).catch(() => {});
  }

  /** @param {WorkerRecord} record */
  async #close(record) {
    const { connection } = record;
    record.connection = undefined;
    await this.#shut(connection);
  }

  /** Ends all threads. */
  async close() {
    this.#closed = true;
    const closed = await Promise.allSettled(
      [...this.#connections].map((connection) => connection.close()),
    );
    for (const outcome of closed) if (outcome.status === 'rejected') throw outcome.reason;
  }
}

/**
 * A state has at least the weights in it: who claims more workers than there are bytes for does not
 * get their threads.
 *
 * @param {SavedWorker[]} records
 * @param {number} weightCount
 * @throws {FileError}
 */
function checkSizes(records, weightCount) {
  const index = records.findIndex(
    ({ parts }) => parts.length > 0 && parts[0].length < 4 * weightCount,
  );
  if (index < 0) return;
  throw new FileError(
    `The checkpoint is damaged: the state of worker ${index} is too small for ${weightCount} weights.`,
  );
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}
