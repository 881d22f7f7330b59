// SPDX-License-Identifier: Apache-2.0

/**
 * Requests over a channel. Each has an id of its own, one more than the one before; the other end
 * works on them one after the other, in the order in which they were sent, and answers each once:
 * with a result or an error.
 *
 * Neither end trusts what arrives. An answer to the request whose turn it is, with something wrong
 * in it, is that request's error, and the other end is asked on. Anything else (an id that was not
 * asked, was answered already, or is not next) means that frames got lost, doubled or forged: the
 * other end is then as good as gone.
 */

import * as errors from '../core/errors.js';
import { idOf, isHead, readBody } from './frames.js';

/**
 * @typedef {import('./transport.js').Channel} Channel
 * @typedef {import('./transport.js').Frame} Frame
 * @typedef {import('./transport.js').Head} Head
 * @typedef {import('./transport.js').Transport} Transport
 *
 * @typedef {{ value: Head, body: Uint8Array[] }} Answer
 * @typedef {{ value?: Head, body?: Uint8Array[] } | void} Result
 * @typedef {(fields: Head, body: Uint8Array[]) => Result | Promise<Result>} Handler
 */

/**
 * What makes use of an answer, and first looks whether it is one: it throws an error, whose message
 * is a phrase, for what does not answer the question.
 *
 * @template T
 * @typedef {(answer: Answer) => T} Reader
 */

/**
 * @typedef {object} Pending
 * @property {string} type
 * @property {(answer: Answer) => void} answer
 * @property {(error: Error) => void} reject
 */

/** The other end is gone, or was closed. */
export class GoneError extends errors.LowtropyError {
  static {
    this.prototype.name = 'GoneError';
  }
}

/** The other end has answered, but with what is no answer to the question. */
export class AnswerError extends errors.LowtropyError {
  static {
    this.prototype.name = 'AnswerError';
  }
}

/** The asking end. */
export class Requests {
  /** @type {Channel | undefined} */
  #channel;
  #name = '';
  #lastId = 0;
  /** By id, the oldest first. @type {Map<number, Pending>} */
  #pending = new Map();
  /** @type {string | undefined} */
  #gone;
  /** @type {((reason: string) => void) | undefined} */
  #onLost;

  /** Why there will be no more answers: a sentence; undefined as long as there may be. */
  get gone() {
    return this.#gone;
  }

  /**
   * @param {Transport} transport
   * @param {string} name of the other end, as a sentence begins with it
   * @param {(reason: string) => void} [onLost] called once if it goes by itself; the reason is a
   *   sentence
   * @returns {Promise<Requests>}
   */
  static async connect(transport, name, onLost) {
    const requests = new Requests();
    requests.#name = name;
    requests.#onLost = onLost;
    const channel = await transport.connect(name, {
      onFrame: (frame) => requests.#receive(frame),
      onLost: (reason) => requests.lose(String(reason)),
    });
    requests.#channel = channel;
    if (requests.#gone !== undefined) await channel.close(); // gone before it was there
    return requests;
  }

  /**
   * @template [T=Answer]
   * @param {string} type
   * @param {Head} [fields]
   * @param {Uint8Array[]} [body]
   * @param {Reader<T>} [read] by default any answer will do
   * @returns {Promise<T>} what `read` makes of the answer
   * @throws {GoneError} if the other end is gone before it answers
   * @throws {AnswerError} if it answers what `read` refuses
   * @throws {LowtropyError} what the other end's handler threw
   */
  request(type, fields = {}, body = [], read = (answer) => /** @type {T} */ (answer)) {
    if (this.#gone !== undefined) return Promise.reject(new GoneError(this.#gone));
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { type, answer: (answer) => resolve(read(answer)), reject });
      try {
        this.#channel?.send({ head: { id, type, fields }, body });
      } catch (error) {
        this.lose(`nothing can be sent to it: ${phraseOf(error)}`);
      }
    });
  }

  /** Ends the other end at once; what was asked and not answered is rejected. */
  async close() {
    this.#end(`${this.#name} is gone: the connection was closed.`);
    await this.#channel?.close();
  }

  /** @param {string} reason a sentence */
  #end(reason) {
    this.#gone ??= reason;
    for (const { reject } of this.#pending.values()) reject(new GoneError(reason));
    this.#pending.clear();
  }

  /**
   * Takes the other end for gone.
   *
   * @param {string} reason a phrase
   */
  lose(reason) {
    if (this.#gone !== undefined) return;
    const sentence = `${this.#name} is gone: ${reason}.`;
    this.#end(sentence);
    Promise.resolve(this.#channel?.close()).catch(() => {});
    this.#onLost?.(sentence);
  }

  /** @param {unknown} frame */
  #receive(frame) {
    if (this.#gone !== undefined) return;
    const id = idOf(frame);
    const [next] = this.#pending.keys();
    if (id === null) {
      this.lose(complaintOf(/** @type {Frame} */ (frame)));
    } else if (id === undefined || id !== next) {
      this.lose('it sent what answers no question');
    } else {
      this.#answer(id, /** @type {Frame} */ (frame));
    }
  }

  /**
   * @param {number} id of the oldest request without an answer
   * @param {Frame} frame
   */
  #answer(id, { head, body }) {
    const { type, answer, reject } = /** @type {Pending} */ (this.#pending.get(id));
    this.#pending.delete(id);
    if ('error' in head) {
      reject(reviveError(head.error, this.#name));
      return;
    }
    try {
      const parts = readBody(body);
      if (!isHead(head.value)) throw new Error('there is no value');
      if (!parts) throw new Error('its body is not made of bytes');
      answer({ value: head.value, body: parts });
    } catch (error) {
      reject(new AnswerError(`${this.#name} answered "${type}" wrongly: ${phraseOf(error)}.`));
    }
  }
}

/**
 * The answering end.
 *
 * @param {Record<string, Handler>} handlers by the requests' types
 * @returns {(frame: Frame, send: (frame: Frame) => void) => void} for each frame that arrives
 */
export function answerWith(handlers) {
  let last = Promise.resolve();
  let lastId = 0;
  let broken = false;
  return (frame, send) => {
    if (broken) return;
    const id = idOf(frame);
    if (id !== lastId + 1) {
      // What came before may be lost: to work on could make this end another than the asker thinks.
      broken = true;
      const message = 'a request got lost on the way to it, or came twice';
      send({ head: { id: null, error: { name: 'LowtropyError', message } }, body: [] });
      return;
    }
    lastId = id;
    last = last.then(async () => {
      try {
        const { value = {}, body = [] } = (await handle(handlers, frame)) ?? {};
        send({ head: { id, value }, body });
      } catch (error) {
        const { name, message } = error instanceof Error ? error : new Error(String(error));
        send({ head: { id, error: { name, message } }, body: [] });
      }
    });
  };
}

/**
 * @param {Record<string, Handler>} handlers
 * @param {Frame} frame whose id is right
 */
function handle(handlers, { head: { type, fields }, body }) {
  const parts = readBody(body);
  if (!isHead(fields) || !parts) throw new errors.ValueError('The request is damaged.');
  if (typeof type !== 'string' || !Object.hasOwn(handlers, type)) {
    throw new errors.ValueError(`There is no request "${type}".`);
  }
  return handlers[type](fields, parts);
}

/**
 * @param {unknown} error as it was sent
 * @param {string} from whom, as a sentence begins with it
 */
function reviveError(error, from) {
  const { name, message } = /** @type {Record<string, unknown>} */ (Object(error));
  if (typeof message !== 'string' || message === '') {
    return new errors.LowtropyError(`${from} reports an error, but not which.`);
  }
  const known = Object.values(errors).find((Kind) => Kind.prototype.name === name);
  return new (known ?? errors.LowtropyError)(message);
}

/** @param {Frame} frame */
function complaintOf({ head: { error } }) {
  const { message } = /** @type {Record<string, unknown>} */ (Object(error));
  return typeof message === 'string' && message !== '' ? message : 'it sent what is no answer';
}

/** @param {unknown} error @returns {string} its message, as a part of a sentence */
function phraseOf(error) {
  return (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');
}
