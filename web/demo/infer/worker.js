// SPDX-License-Identifier: Apache-2.0

/** The worker: answers the view's requests from its session. */

import { init } from '../../lib/lowtropy.js';
import { serve } from '../common/serve.js';
import { Session } from './session.js';

const session = new Session();

// The WebAssembly is compiled before anybody asks; who asks first is told what goes wrong.
init().catch(() => {});

serve({
  open: (payload, control) => session.open(payload, control),
  label: (payload) => session.label(payload),
  recode: (payload) => session.recode(payload),
  photograph: (payload) => session.setPhotograph(payload),
  digit: (payload) => session.setDigit(payload),
  recording: (payload) => session.setRecording(payload),
  range: (payload) => session.setRange(payload),
  seed: (payload) => session.setSeed(payload),
  run: () => session.run(),
  measure: () => session.measure(),
  compare: () => session.compare(),
  save: () => session.save(),
});
