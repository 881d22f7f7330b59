// SPDX-License-Identifier: Apache-2.0

/**
 * The script of every thread of a simulation, in browsers and in Node.js. Bundlers make a classic script
 * of it by default: nothing that it imports may use top-level await or load code on demand.
 */

import { answerWith } from '../transport/requests.js';
import { listenInThread } from '../transport/threads.js';
import { kit } from '../learn/kit.js';
import { peerHandlers } from '../coordinate/peer-handlers.js';

/** @type {ReturnType<typeof answerWith> | undefined} */
let answer;

listenInThread((welcome, frame, send) => {
  answer ??= answerWith(peerHandlers(kit, welcome));
  answer(frame, send);
});
