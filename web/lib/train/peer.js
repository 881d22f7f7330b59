// SPDX-License-Identifier: Apache-2.0

/** The script of every thread of a simulation, in browsers and in Node.js. */

import { answerWith } from '../transport/requests.js';
import { listenInThread } from '../transport/threads.js';
import { kit } from './kit.js';
import { peerHandlers } from './peer-handlers.js';

/** @type {ReturnType<typeof answerWith> | undefined} */
let answer;

await listenInThread((welcome, frame, send) => {
  answer ??= answerWith(peerHandlers(kit, welcome));
  answer(frame, send);
});
