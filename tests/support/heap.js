// SPDX-License-Identifier: Apache-2.0

import { makeBuffer, withBuffers } from '../../web/lib/core/memory.js';

/** How many bytes the module's heap has. */
export function heapBytes() {
  const buffer = makeBuffer(1);
  return withBuffers([buffer], () => buffer.bytes().buffer.byteLength);
}
