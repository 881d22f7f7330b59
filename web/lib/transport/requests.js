// SPDX-License-Identifier: Apache-2.0

/**
 * Requests over a channel. Each has an id of its own; the other end works on them one after the
 * other, in the order in which they were sent, and answers each once: with a result or an error.
 */

import * as errors from '../core/errors.js';

/**
 * @typedef {import('./transport.js').Channel} Channel
 * @typedef {import('./transport.js').Frame} Frame
 * @typedef {import('./transport.js').Head} Head
 * @typedef {import('./transport.js').Transport} Transport
 *
 * @typedef {{ value: Head, body: Uint8Array[] }} Answer
 * @typedef {{ value?: Head, body?: Uint8Array[] } | void} Result
 * @typedef {(fields: Head, body: Uint8Array[]) => Result | Promise<Result>} Handler
 * @typedef {{ resolve: (answer: Answer) => void, reject: (error: Error) => void }} Pending
 */

/** The other end is gone, or was closed. */
export class GoneError extends errors.LowtropyError {
  static {
    this.prototype.name = 'GoneError';
  }
}

/** The asking end. */
export class Requests {
  /** @type {Channel | undefined} */
  #channel;
  #name = '';
  #lastId = 0;
  /** @type {Map<number, Pending>} */
  #pending = new Map();
  /** @type {string | undefined} */
  #gone;

  /** Why there will be no more answers: a sentence; undefined as long as there may be. */
  get gone() {
    return this.#gone;
  }

  /**
   * @param {Transport} transport
   * @param {string} name of the peer, as a sentence begins with it
   * @param {(reason: string) => void} [onLost] called once if it goes by itself; the reason is a
   *   sentence
   * @returns {Promise<Requests>}
   */
  static async connect(transport, name, onLost) {
    const requests = new Requests();
    requests.#name = name;
    requests.#channel = await transport.connect(name, {
      onFrame: (frame) => requests.#receive(frame),
      onLost: (reason) => {
        const sentence = `${name} is gone: ${reason}.`;
        requests.#end(sentence);
        onLost?.(sentence);
      },
    });
    return requests;
  }

  /**
   * @param {string} type
   * @param {Head} [fields]
   * @param {Uint8Array[]} [body]
   * @returns {Promise<Answer>}
   * @throws {GoneError} if the other end is gone before it answers
   * @throws {LowtropyError} what the other end's handler threw
   */
  request(type, fields = {}, body = []) {
    if (this.#gone !== undefined) return Promise.reject(new GoneError(this.#gone));
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#channel?.send({ head: { id, type, fields }, body });
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

  /** @param {Frame} frame */
  #receive({ head, body }) {
    const pending = this.#pending.get(head.id);
    this.#pending.delete(head.id);
    if (head.error) pending?.reject(reviveError(head.error));
    else pending?.resolve({ value: head.value, body });
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
  return ({ head: { id, type, fields }, body: bytes }, send) => {
    last = last.then(async () => {
      try {
        if (!Object.hasOwn(handlers, type)) throw new Error(`There is no request "${type}".`);
        const { value = {}, body = [] } = (await handlers[type](fields, bytes)) ?? {};
        send({ head: { id, value }, body });
      } catch (error) {
        const { name, message } = error instanceof Error ? error : new Error(String(error));
        send({ head: { id, error: { name, message } }, body: [] });
      }
    });
  };
}

/** @param {{ name: string, message: string }} error as it was sent */
function reviveError({ name, message }) {
  const known = Object.values(errors).find((Kind) => Kind.prototype.name === name);
  return known ? new known(message) : new Error(message);
}
