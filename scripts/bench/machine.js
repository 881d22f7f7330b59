// SPDX-License-Identifier: Apache-2.0

import { cpus } from 'node:os';

/** What a measurement was made on: said with every table. */
export function machine() {
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    engine: `Node.js ${process.versions.node}, V8 ${process.versions.v8}`,
  };
}
