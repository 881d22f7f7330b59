// SPDX-License-Identifier: Apache-2.0

/** A thread that answers what transport.test.js asks. */

import { ShapeError } from '../../../web/lib/index.js';
import { answerWith } from '../../../web/lib/transport/requests.js';
import { listenInThread } from '../../../web/lib/transport/threads.js';

/** @type {unknown} */
let welcomed;
const answer = answerWith({
  echo: (fields, body) => ({ value: { ...fields, welcomed }, body }),
  nothing: () => {},
  sleep: ({ milliseconds }) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  fail: () => {
    throw new ShapeError('It does not fit.');
  },
  throwLater: () => {
    setTimeout(() => {
      throw new Error('nobody catches this');
    });
    return new Promise(() => {});
  },
  exit: () => process.exit(7),
});

listenInThread((welcome, frame, send) => {
  welcomed = welcome;
  answer(frame, send);
});
