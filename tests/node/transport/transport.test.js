// SPDX-License-Identifier: Apache-2.0

/** Requests to threads. */

import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { runInNewContext } from 'node:vm';

import { ShapeError } from '../../../web/lib/index.js';
import {
  AnswerError,
  GoneError,
  Requests,
  answerWith,
} from '../../../web/lib/transport/requests.js';
import { ThreadTransport } from '../../../web/lib/transport/threads.js';

/** @type {Requests[]} */
const open = [];
afterEach(() => Promise.all(open.splice(0).map((requests) => requests.close())));

/** @param {(reason: string) => void} [onLost] */
async function connect(onLost) {
  const transport = new ThreadTransport(
    {
      web: () => assert.fail('Node.js has no Web Workers'),
      script: () => new URL('./echo-thread.js', import.meta.url),
    },
    { hello: 1 },
  );
  const requests = await Requests.connect(transport, 'The echo', onLost);
  open.push(requests);
  return requests;
}

describe('transport: threads', () => {
  test('carry fields and bytes, and leave the sender its own', async () => {
    const requests = await connect();
    const whole = Uint8Array.from({ length: 1000 }, (_, index) => index);
    const part = whole.subarray(10, 20);
    const { value, body } = await requests.request('echo', { a: [1, null] }, [part, part, whole]);
    assert.deepEqual(value, { a: [1, null], welcomed: { hello: 1 } });
    assert.deepEqual(body, [part, part, whole]);
    assert.equal(body[0].buffer.byteLength, 10, 'no more than was sent');
    assert.equal(whole[999], 999 % 256);
    assert.deepEqual(await requests.request('nothing'), { value: {}, body: [] });
  });

  test('answer in the order in which they were asked', async () => {
    const requests = await connect();
    /** @type {string[]} */
    const order = [];
    await Promise.all(
      [
        ['sleep', { milliseconds: 30 }],
        ['echo', {}],
        ['sleep', { milliseconds: 1 }],
        ['nothing', {}],
      ].map(async ([type, fields], index) => {
        await requests.request(String(type), /** @type {any} */ (fields));
        order.push(`${index}`);
      }),
    );
    assert.deepEqual(order, ['0', '1', '2', '3']);
  });

  test('hand errors over, and go on', async () => {
    const requests = await connect();
    await assert.rejects(requests.request('fail'), (error) => {
      assert(error instanceof ShapeError);
      return error.message === 'It does not fit.';
    });
    await assert.rejects(requests.request('toString'), /There is no request "toString"\./);
    assert.equal((await requests.request('echo', { x: 2 })).value.x, 2);
  });

  for (const [how, reason] of /** @type {const} */ ([
    ['exit', 'The echo is gone: its thread ended with code 7.'],
    ['throwLater', 'The echo is gone: nobody catches this.'],
  ])) {
    test(`that end are noticed: ${how}`, async () => {
      /** @type {string[]} */
      const lost = [];
      const requests = await connect((why) => lost.push(why));
      const isGone = (/** @type {unknown} */ error) =>
        error instanceof GoneError && error.message === reason;
      await assert.rejects(requests.request(how), isGone);
      await assert.rejects(requests.request('echo'), isGone);
      await requests.close();
      assert.deepEqual([lost, requests.gone], [[reason], reason]);
    });
  }

  test('closed, they say nothing more', async () => {
    const requests = await connect(() => assert.fail('it was closed, not lost'));
    const answer = requests.request('sleep', { milliseconds: 1000 });
    await Promise.all([
      assert.rejects(answer, /^GoneError: The echo is gone: the connection was closed\.$/),
      requests.close(),
    ]);
    await requests.close();
  });
});

describe('transport: what is no frame', () => {
  /**
   * @param {(frame: any, receive: (frame: any) => void) => void} answer
   */
  async function connectTo(answer) {
    /** @type {string[]} */
    const lost = [];
    let closed = 0;
    const requests = await Requests.connect(
      {
        connect: async (_, { onFrame }) => ({
          send: (frame) => answer(frame, onFrame),
          close: async () => void ++closed,
        }),
      },
      'The worker',
      (reason) => lost.push(reason),
    );
    return { requests, lost, closed: () => closed };
  }

  test('is not taken for an answer', async () => {
    for (const frame of [undefined, null, 7, 'x', [], {}, { head: 1 }, { head: { id: '1' } }]) {
      const { requests, lost, closed } = await connectTo((_, receive) => receive(frame));
      await assert.rejects(requests.request('x'), GoneError);
      assert.deepEqual(lost, ['The worker is gone: it sent what answers no question.']);
      assert.equal(closed(), 1);
    }
  });

  test('with the right id is the error of what was asked, and no more', async () => {
    const body = [Uint8Array.of(1)];
    for (const [wrong, message] of /** @type {Array<[object, RegExp]>} */ ([
      [{ head: { id: 1 } }, /there is no value/],
      [{ head: { id: 1, value: [] }, body }, /there is no value/],
      [{ head: { id: 1, value: {} } }, /its body is not made of bytes/],
      [{ head: { id: 1, value: {} }, body: [[1]] }, /its body is not made of bytes/],
      [{ head: { id: 1, value: {} }, body: [Uint16Array.of(1)] }, /its body is not made of bytes/],
      [{ head: { id: 1, value: { x: 1 } }, body }, /it has an x/],
    ])) {
      const { requests, lost } = await connectTo(({ head: { id } }, receive) =>
        receive(id === 1 ? wrong : { head: { id, value: {} }, body }),
      );
      /** @type {(answer: import('../../../web/lib/transport/requests.js').Answer) => number} */
      const read = ({ value, body: parts }) => {
        if ('x' in value) throw new Error('it has an x');
        return parts.length;
      };
      await assert.rejects(requests.request('x', {}, [], read), (error) => {
        assert(error instanceof AnswerError);
        assert.match(error.message, /^The worker answered "x" wrongly: [^.]*\.$/);
        return message.test(error.message);
      });
      assert.equal(await requests.request('y', {}, [], read), 1);
      assert.deepEqual(lost, []);
    }
  });

  test('errors that say nothing, or are of no known kind', async () => {
    for (const [error, message] of /** @type {Array<[unknown, RegExp]>} */ ([
      [null, /^LowtropyError: The worker reports an error, but not which\.$/],
      [{ name: 7, message: [] }, /^LowtropyError: The worker reports an error, but not which\.$/],
      [{ name: 'Strange', message: 'It is.' }, /^LowtropyError: It is\.$/],
      [{ name: 'FileError', message: 'It is.' }, /^FileError: It is\.$/],
    ])) {
      const { requests } = await connectTo(({ head: { id } }, receive) =>
        receive({ head: { id, error }, body: [] }),
      );
      await assert.rejects(requests.request('x'), message);
    }
  });

  test('bytes of another realm are bytes', async () => {
    const other = runInNewContext('Uint8Array.of(1, 2)');
    assert(!(other instanceof Uint8Array));
    const { requests } = await connectTo(({ head: { id } }, receive) =>
      receive({ head: { id, value: {} }, body: [other] }),
    );
    const { body } = await requests.request('x');
    assert.deepEqual(body, [Uint8Array.of(1, 2)]);
  });

  test('requests out of turn, or damaged, are not worked on', async () => {
    let worked = 0;
    const make = () => {
      const answer = answerWith({ work: () => void ++worked });
      return (/** @type {any} */ frame) =>
        new Promise((resolve) => answer(frame, ({ head }) => resolve(head)));
    };
    const request = (/** @type {any} */ id, fields = {}, body = /** @type {any[]} */ ([])) => ({
      head: { id, type: 'work', fields },
      body,
    });
    for (const wrong of [request(2), request(0), request('1'), request(null), 'x', undefined]) {
      const head = await make()(wrong);
      assert.equal(head.id, null);
      assert.match(head.error.message, /^a request got lost on the way to it, or came twice$/);
    }
    const ask = make();
    for (const [index, wrong] of [
      request(1, /** @type {any} */ ('x')),
      request(2, {}, /** @type {any} */ ([[1]])),
      { head: { id: 3, type: 7, fields: {} }, body: [] },
      { head: { id: 4, type: 'constructor', fields: {} }, body: [] },
    ].entries()) {
      const head = await ask(wrong);
      assert.equal(head.id, index + 1);
      assert.equal(head.error.name, 'ValueError');
    }
    assert.equal(worked, 0);
    assert.deepEqual(await ask(request(5)), { id: 5, value: {} });
    assert.equal((await ask(request(5))).id, null, 'twice');
    assert.equal(worked, 1);
  });
});
