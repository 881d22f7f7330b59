// SPDX-License-Identifier: Apache-2.0

/**
 * What the server and the workers compute with, made so small that a test can foretell it: four weights; each iteration
 * of a worker adds its stream's number to all of them; a compressor sends half of what there is and
 * keeps the other half. And a transport within the thread, whose ends can be crashed, held back
 * and tampered with.
 */

import { FileError } from '../../web/lib/core/errors.js';
import { answerWith } from '../../web/lib/transport/requests.js';
import { roleHandlers } from '../../web/lib/coordinate/role-handlers.js';

/**
 * @typedef {import('../../web/lib/transport/transport.js').Frame} Frame
 * @typedef {import('../../web/lib/transport/transport.js').Listener} Listener
 * @typedef {import('../../web/lib/transport/transport.js').Transport} Transport
 * @typedef {{ round: number, sender: number, method: string, values: number[] }} Message
 */

export const WEIGHTS = 4;

/** @param {unknown} value */
const toBytes = (value) => new TextEncoder().encode(JSON.stringify(value));
/** @param {Uint8Array} bytes */
const fromBytes = (bytes) => JSON.parse(new TextDecoder().decode(bytes));

/** @param {Uint8Array} bytes */
function checkMessage(bytes) {
  const message = fromBytes(bytes);
  const { values } = message;
  if (Array.isArray(values) && values.length === WEIGHTS && values.every(Number.isFinite)) {
    return message;
  }
  throw new FileError('The message has no four values.');
}

class Dataset {
  size = 10;

  static digits() {
    return new Dataset();
  }

  static idx() {
    return new Dataset();
  }

  slice() {
    return this;
  }

  /** @param {number} workers */
  shards(workers) {
    return new Array(workers).fill(new Uint32Array(1));
  }

  dispose() {}
}

class Compressor {
  residual = new Array(WEIGHTS).fill(0);

  /** @param {string} name */
  constructor(name) {
    this.name = name;
  }

  /**
   * @param {number[]} update
   * @param {{ round: number, sender: number }} header
   */
  encode(update, header) {
    if (!update.every(Number.isFinite)) throw new Error('The update holds NaN.');
    const values = update.map((value, index) => (value + this.residual[index]) / 2);
    this.residual = values;
    return toBytes({ ...header, method: this.name, values });
  }

  /** What was sent is as much as what was kept. */
  takeBack() {
    this.residual = this.residual.map((value) => 2 * value);
  }

  save() {
    return toBytes({ ...this });
  }

  /** @param {Uint8Array} bytes */
  static restore(bytes) {
    return Object.assign(new Compressor(''), fromBytes(bytes));
  }

  dispose() {}
}

class Trainer {
  layout = { all: WEIGHTS };
  weightCount = WEIGHTS;
  /** @type {number[]} */
  #remembered = [];

  /** @param {{ seed: number, stream: number, optimizer: { learningRate: number } }} options */
  constructor({ seed, stream, optimizer }) {
    this.values = new Array(WEIGHTS).fill(seed);
    this.stream = optimizer.learningRate > 100 ? NaN : stream;
  }

  setScheduleStep() {}

  beginRound() {
    this.#remembered = [...this.values];
  }

  /** @param {number} n */
  step(n) {
    this.values = this.values.map((value) => Math.fround(value + n * this.stream));
    return { loss: this.stream };
  }

  /**
   * @param {Compressor} compressor
   * @param {{ round: number, sender: number }} header
   */
  encode(compressor, header) {
    const update = this.values.map((value, index) => value - this.#remembered[index]);
    this.values = this.#remembered;
    return compressor.encode(update, header);
  }

  /**
   * @param {Uint8Array} bytes
   * @param {number} scale
   */
  apply(bytes, scale) {
    const { values } = fromBytes(bytes);
    this.values = this.values.map((value, index) => Math.fround(value + scale * values[index]));
  }

  weights() {
    return Float32Array.from(this.values);
  }

  /** @param {Float32Array} values */
  setWeights(values) {
    this.values = [...values];
  }

  calibrate() {}

  toGraph() {
    const data = this.weights();
    return {
      graph: { nodes: [] },
      tensors: new Map([['all', { rows: 1, cols: 4, data, kind: 'vector' }]]),
    };
  }

  evaluate() {
    return { loss: 1, accuracy: 0.5, examples: 2 };
  }

  save() {
    return toBytes({ values: this.values, stream: this.stream });
  }

  /** @param {Uint8Array} bytes */
  restore(bytes) {
    Object.assign(this, fromBytes(bytes));
  }
}

class Aggregator extends Compressor {
  sum = new Array(WEIGHTS).fill(0);
  count = 0;

  /** @param {Uint8Array} bytes */
  add(bytes) {
    const { values } = fromBytes(bytes);
    this.sum = this.sum.map((value, index) => value + values[index]);
    ++this.count;
  }

  /** @param {{ round: number }} header */
  finish({ round }) {
    const mean = this.sum.map((value) => value / this.count);
    this.sum = new Array(WEIGHTS).fill(0);
    this.count = 0;
    return this.encode(mean, { round, sender: -1 });
  }

  /**
   * @override
   * @param {Uint8Array} bytes
   */
  static restore(bytes) {
    return Object.assign(new Aggregator(''), fromBytes(bytes));
  }
}

/** @type {any} */
export const fakeKit = {
  init: async () => {},
  Aggregator,
  Compressor,
  Dataset,
  Trainer,
  checkMessage,
};

/**
 * A transport whose other ends are in this thread.
 *
 * @implements {Transport}
 */
export class FakeTransport {
  /** Bytes of what workers sent as messages, and got as such or as weights. */
  up = 0;
  down = 0;
  /** Changes a message on its way up. @type {(bytes: Uint8Array) => Uint8Array} */
  tamper = (bytes) => bytes;
  /**
   * What becomes of an answer on its way: the frames that arrive instead.
   *
   * @type {(name: string, type: string, frame: Frame) => any[]}
   */
  mangle = (name, type, frame) => [frame];
  /** Ends to which nothing can be sent. @type {Set<string>} */
  refuse = new Set();
  /** What each end computes with. @type {Map<string, Trainer>} */
  trainers = new Map();
  /** Ends that there are, by name. */
  listeners = /** @type {Map<string, Listener>} */ (new Map());
  /** Ends whose answers are held back, and these. @type {Map<string, Frame[]>} */
  #held = new Map();

  /**
   * @param {string} name
   * @param {Listener} listener
   */
  async connect(name, listener) {
    this.listeners.set(name, listener);
    const { trainers } = this;
    class KnownTrainer extends Trainer {
      /** @param {ConstructorParameters<typeof Trainer>[0]} options */
      constructor(options) {
        super(options);
        trainers.set(name, this);
      }
    }
    const answer = answerWith(roleHandlers({ ...fakeKit, Trainer: KnownTrainer }, undefined));
    const worker = name !== 'The server';
    return {
      send: (/** @type {Frame} */ { head, body }) => {
        if (this.refuse.has(name)) throw new Error('there is no wire');
        const copies = body.map((bytes) => bytes.slice());
        if (worker && /^(apply|setWeights)$/.test(head.type)) this.down += size(copies);
        answer({ head: JSON.parse(JSON.stringify(head)), body: copies }, (frame) => {
          if (worker && head.type === 'train') {
            this.up += size(frame.body);
            frame.body = frame.body.map(this.tamper);
          }
          for (const each of this.mangle(name, head.type, frame)) {
            this.#deliver(name, each, listener);
          }
        });
      },
      close: async () => void this.listeners.delete(name),
    };
  }

  /** @param {string} name */
  crash(name) {
    this.listeners.get(name)?.onLost('it crashed');
    this.listeners.delete(name);
  }

  /** @param {string} name of an end whose answers are held back from now on */
  hold(name) {
    this.#held.set(name, []);
  }

  /** @param {string} name */
  release(name) {
    const frames = this.#held.get(name) ?? [];
    this.#held.delete(name);
    const listener = this.listeners.get(name);
    for (const frame of frames) listener?.onFrame(frame);
  }

  /**
   * @param {string} name
   * @param {Frame} frame
   * @param {Listener} listener
   */
  #deliver(name, frame, listener) {
    const held = this.#held.get(name);
    if (held) held.push(frame);
    else if (this.listeners.get(name) === listener) listener.onFrame(frame);
  }
}

/** @param {Uint8Array[]} body */
function size(body) {
  return body.reduce((sum, { length }) => sum + length, 0);
}
