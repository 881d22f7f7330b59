// SPDX-License-Identifier: Apache-2.0

/** Requests to threads. */

import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';

import { ShapeError } from '../../web/lib/index.js';
import { GoneError, Requests } from '../../web/lib/transport/requests.js';
import { ThreadTransport } from '../../web/lib/transport/threads.js';

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
