// SPDX-License-Identifier: Apache-2.0

/** Sets up, builds and serves the page: npm start [-- --port 4173] [--host 0.0.0.0] */

import { parseArgs } from 'node:util';

import { build } from './build.js';
import { inProject, runMain } from './common/run.js';
import { setup } from './setup.js';

const DEFAULT_PORT = '4173';

await runMain(import.meta.url, async () => {
  const { values } = parseArgs({
    options: { port: { type: 'string', default: DEFAULT_PORT }, host: { type: 'string' } },
  });
  await setup();
  await build(['module', 'page']);
  // Before the set-up there may have been no vite.
  const { preview } = await import('vite');
  const server = await preview({
    root: inProject('web', 'demo'),
    preview: { port: Number(values.port), host: values.host },
  });
  console.log('\nThe page is served until Ctrl-C:');
  server.printUrls();
});
