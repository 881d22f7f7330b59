// SPDX-License-Identifier: Apache-2.0

import { LowtropyError, ValueError } from '../core/errors.js';
import { Requests } from '../transport/requests.js';
import { Ledger, denseBytes } from './accounting.js';
import { Backlog } from './backlog.js';
import { gather } from './gather.js';
import { Member } from './member.js';

/**
 * @typedef {import('../transport/transport.js').Transport} Transport
 * @typedef {import('./accounting.js').Loss} Loss
 * @typedef {import('./data.js').Data} Data
 * @typedef {import('./member.js').MemberStatus} MemberStatus
 * @typedef {import('./options.js').Settings} Settings
 *
 * @typedef {{ worker: number, loss: number, seconds: number, message: Uint8Array }} Trained
 *
 * @typedef {object} SavedMember
 * @property {MemberStatus} status
 * @property {number} lives
 * @property {number} round
 * @property {Uint8Array[]} parts none of a worker that is gone
 *
 * @typedef {{ round: number, server: Uint8Array[], members: SavedMember[] }} SavedCluster
 */

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
 */
export class Cluster {
  /** Weights of the model. */
  weightCount = 0;
  /** @type {Member[]} */
  members;
  /** Of the round that is running, or of the next. */
  ledger;
  #settings;
  #data;
  #transport;
  /** @type {Requests | undefined} */
  #server;
  /** All there have been. @type {Requests[]} */
  #peers = [];
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
    this.members = Array.from({ length: settings.workers }, (_, index) => new Member(index));
    this.ledger = new Ledger(settings.workers);
  }

  /** @returns {Requests} */
  get server() {
    if (!this.#server) throw new LowtropyError('The simulation has not begun.');
    return this.#server;
  }

  /** @returns {Member[]} */
  get present() {
    return this.members.filter(({ status }) => status === 'present');
  }

  /**
   * @param {string} name
   * @param {(reason: string) => void} [onLost]
   */
  async #open(name, onLost) {
    const peer = await Requests.connect(this.#transport, name, onLost);
    this.#peers.push(peer);
    if (this.#closed) await peer.close();
    return peer;
  }

  /** @param {SavedCluster} [saved] */
  async start(saved) {
    this.#server = await this.#open('The server');
    const { spec, body } = this.#data;
    const fields = { role: 'server', settings: this.#settings, spec };
    const [{ value }] = await Promise.all([
      this.#server.request('open', fields, body),
      ...this.members.map((member) => this.#startMember(member, saved?.members[member.index])),
    ]);
    if (saved) await this.#server.request('restore', {}, saved.server);
    this.weightCount = value.weightCount;
    this.#backlog = new Backlog(denseBytes(this.weightCount, 1), saved?.round ?? 0);
  }

  /**
   * @param {Member} member
   * @param {SavedMember} [saved]
   */
  async #startMember(member, saved) {
    if (!saved) return this.#connect(member);
    Object.assign(member, { status: saved.status, lives: saved.lives, round: saved.round });
    if (saved.parts.length > 0) member.saved = { round: saved.round, parts: saved.parts };
    if (saved.status === 'present') await this.#connect(member);
  }

  /**
   * Starts a worker's thread, in the state that was saved, or else in that of a new worker.
   *
   * @param {Member} member
   */
  async #connect(member) {
    const { workers } = this.#settings;
    const { index, saved } = member;
    const peer = await this.#open(`Worker ${index}`, (reason) => {
      if (member.peer?.gone !== undefined) this.#drop(member, reason);
    });
    const { spec, body } = this.#data;
    if (!saved) ++member.lives;
    const stream = index + 1 + workers * (member.lives - 1); // 0 is the server's
    try {
      await peer.request(
        'open',
        { role: 'worker', settings: this.#settings, spec, worker: index, stream },
        body,
      );
      if (saved) await peer.request('restore', {}, saved.parts);
    } catch (error) {
      await peer.close();
      throw error;
    }
    member.peer = peer;
    member.saved = undefined;
    member.round = saved?.round ?? 0;
    member.status = 'present';
  }

  /** @returns {Ledger} of the round that is finished; another one begins */
  closeLedger() {
    const { ledger } = this;
    this.ledger = new Ledger(this.#settings.workers);
    return ledger;
  }

  /** @param {number} worker */
  async join(worker) {
    const member = this.members[worker];
    if (member.status === 'present' || member.status === 'late') {
      throw new ValueError(`Worker ${worker} cannot join: it has not left.`);
    }
    await this.#connect(member);
  }

  /** @param {number} worker */
  async leave(worker) {
    const member = this.#active(worker);
    member.saved = await this.#save(member);
    if (!member.saved) {
      this.#drop(member, 'It left without an answer, and its state is lost.');
      return;
    }
    member.status = 'left';
    await this.#close(member);
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
   * @returns {Member}
   */
  #active(worker) {
    const member = this.members[worker];
    if (member.status === 'present' || member.status === 'late') return member;
    throw new ValueError(`Worker ${worker} is not there.`);
  }

  /**
   * Waits until somebody is ready to take part.
   *
   * @throws {LowtropyError} if nobody ever will be
   */
  async waitForSomebody() {
    while (this.present.length === 0) {
      const late = this.members.filter(({ status }) => status === 'late');
      if (late.length === 0) {
        throw new LowtropyError(`There is no worker left. ${this.#lastReason}`.trimEnd());
      }
      await Promise.race(late.map(({ settled }) => settled));
    }
  }

  /**
   * Gives everybody who missed rounds what they lack.
   *
   * @param {number} round the last that is finished
   */
  async catchUp(round) {
    const behind = this.present.filter((member) => member.round < round);
    if (behind.length === 0) return;
    /** @type {Uint8Array | undefined} */
    let weights;
    for (const member of behind) {
      this.ledger.addAhead(member.index, 0, denseBytes(this.weightCount, 1));
      const missed = this.#backlog.since(member.round);
      if (missed) {
        for (const { scale, messages, bytes } of missed) {
          this.#tell(member, 'apply', { scale }, messages);
          this.ledger.addAhead(member.index, bytes, 0);
        }
      } else {
        weights ??= (await this.server.request('weights')).body[0];
        this.#tell(member, 'setWeights', {}, [weights]);
        this.ledger.addAhead(member.index, weights.length, 0);
      }
      member.round = round;
    }
  }

  /**
   * One round's work of some workers.
   *
   * @param {number[]} participants
   * @param {{ round: number, steps: number, iterations: number }} work iterations: before the round
   * @returns {Promise<{ trained: Trained[], late: number[] }>} by worker, in ascending order
   */
  async train(participants, work) {
    const { timeout } = this.#settings;
    const members = participants.map((worker) => this.members[worker]);
    const answers = members.map((member) => this.#train(member, work));
    const found = await gather(answers, timeout);
    const late = members.filter((_, index) => !found[index]);
    for (const member of late) this.#awaitLate(member, answers[members.indexOf(member)]);
    return {
      trained: found.flatMap((each) => each?.value ?? []),
      late: late.map(({ index }) => index),
    };
  }

  /**
   * @param {Member} member
   * @param {Record<string, number>} fields
   * @returns {Promise<Trained | undefined>} undefined if it is gone instead
   */
  async #train(member, fields) {
    const { peer, index: worker } = member;
    try {
      const { value, body } = await /** @type {Requests} */ (peer).request('train', fields);
      return { worker, loss: value.loss, seconds: value.seconds, message: body[0] };
    } catch (error) {
      if (member.peer === peer) this.#drop(member, messageOf(error));
      return undefined;
    }
  }

  /**
   * @param {Member} member
   * @param {Promise<Trained | undefined>} answer
   */
  #awaitLate(member, answer) {
    member.status = 'late';
    member.settled = answer.then((trained) => {
      if (!trained || member.status !== 'late') return;
      this.ledger.stale += 1;
      this.ledger.addUp(member.index, trained.message.length, 0);
      this.#tell(member, 'takeBack');
      member.status = 'present';
    });
  }

  /**
   * Has the server add messages to the weights, and sends everybody who is there the result.
   *
   * @param {number} round
   * @param {Trained[]} trained
   * @param {number} dense bytes that each way would take in dense exchange
   * @returns {Promise<import('./server-peer.js').Aggregate>}
   */
  async aggregate(round, trained, dense) {
    const { value, body } = await this.server.request(
      'aggregate',
      { round, senders: trained.map(({ worker }) => worker) },
      trained.map(({ message }) => message),
    );
    for (const { worker, message } of trained) this.ledger.addUp(worker, message.length, dense);
    const { counted, refused, scale } = /** @type {import('./server-peer.js').Aggregate} */ (value);
    for (const { worker } of refused) this.#tell(this.members[worker], 'takeBack');
    const used = trained.filter(({ worker }) => counted.includes(worker));
    const messages = body.length > 0 ? body : used.map(({ message }) => message);
    this.#backlog.add(round, scale, messages);
    const bytes = messages.reduce((sum, { length }) => sum + length, 0);
    for (const member of this.present) {
      if (member.round !== round - 1) continue; // gets it before its next round
      this.#tell(member, 'apply', { scale }, messages);
      this.ledger.addDown(member.index, bytes, dense);
      member.round = round;
    }
    return { counted, refused, scale };
  }

  /**
   * @param {number} worker
   * @returns {Promise<Uint8Array>} its weights, as bytes
   */
  async weightsOf(worker) {
    const { peer } = this.#active(worker);
    return (await /** @type {Requests} */ (peer).request('weights')).body[0];
  }

  /**
   * @param {number} round the last that is finished
   * @returns {Promise<SavedCluster>}
   */
  async save(round) {
    const [{ body: server }, ...members] = await Promise.all([
      this.server.request('save'),
      ...this.members.map(async (member) => {
        const saved = member.saved ?? (member.peer && (await this.#save(member)));
        /** @type {MemberStatus} */
        const status = !saved ? 'gone' : member.status === 'left' ? 'left' : 'present';
        return {
          status,
          lives: member.lives,
          round: saved?.round ?? 0,
          parts: saved?.parts ?? [],
        };
      }),
    ]);
    return { round, server, members };
  }

  /**
   * @param {Member} member
   * @returns {Promise<import('./member.js').SavedWorker | undefined>} undefined if it does not
   *   answer within the time limit, or is gone
   */
  async #save(member) {
    const { timeout } = this.#settings;
    const [settled] = await gather([member.settled], timeout);
    if (!settled || !member.peer) return undefined;
    const { round } = member;
    const answer = member.peer.request('save').catch(() => undefined);
    const [saved] = await gather([answer], timeout);
    return saved?.value && { round, parts: saved.value.body };
  }

  /**
   * Asks a worker for something whose answer nobody waits for: it comes before that of whatever it
   * is asked next.
   *
   * @param {Member} member
   * @param {string} type
   * @param {Record<string, unknown>} [fields]
   * @param {Uint8Array[]} [body]
   */
  #tell(member, type, fields, body) {
    const { peer } = member;
    peer?.request(type, fields, body).catch((error) => {
      if (member.peer === peer) this.#drop(member, messageOf(error));
    });
  }

  /**
   * @param {Member} member
   * @param {string} reason a sentence
   */
  #drop(member, reason) {
    member.status = 'gone';
    member.saved = undefined;
    this.ledger.lost.push({ worker: member.index, reason });
    this.#lastReason = reason;
    this.#close(member).catch(() => {});
  }

  /** @param {Member} member */
  async #close(member) {
    const { peer } = member;
    member.peer = undefined;
    await peer?.close();
  }

  /** Ends all threads. */
  async close() {
    this.#closed = true;
    await Promise.all(this.#peers.map((peer) => peer.close()));
  }
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}
