// SPDX-License-Identifier: Apache-2.0

import { createReadStream, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

import { notices } from '../../scripts/build/notices.js';

/**
 * @typedef {import('node:http').IncomingMessage} Request
 * @typedef {import('node:http').ServerResponse} Response
 * @typedef {{ middlewares: { use(path: string, handle: (request: Request, response: Response,
 *   next: () => void) => void): unknown } }} Server
 */

/** Where the data for tests is; see the tests. */
const DATA =
  process.env.LOWTROPY_DATA ?? fileURLToPath(new URL('../../../shared/data', import.meta.url));

/** All that is served of it, and as what. @type {Record<string, string>} */
const SERVED = {
  '/squeezenet-deep-compression/compressed_SqueezeNet.net': 'application/octet-stream',
  '/squeezenet-deep-compression/SqueezeNet_deploy.prototxt': 'text/plain; charset=utf-8',
  '/squeezenet-deep-compression/synset.txt': 'text/plain; charset=utf-8',
  '/images/dog.jpg': 'image/jpeg',
  '/images/cat.jpg': 'image/jpeg',
  '/images/fish-bike.jpg': 'image/jpeg',
};

/** @param {Server} server */
function serveData(server) {
  server.middlewares.use('/data', (request, response, next) => {
    const path = (request.url ?? '').replace(/\?.*$/, '');
    const type = Object.hasOwn(SERVED, path) ? SERVED[path] : undefined;
    const file = join(DATA, path);
    const size = type && statSync(file, { throwIfNoEntry: false })?.size;
    if (!type || !size || !/^(GET|HEAD)$/.test(request.method ?? '')) {
      next();
      return;
    }
    response.writeHead(200, {
      'Content-Type': type,
      'Content-Length': size,
      'Cache-Control': 'no-cache',
    });
    if (request.method === 'HEAD') response.end();
    else
      createReadStream(file)
        .on('error', () => response.destroy())
        .pipe(response);
  });
}

/** @this {{ emitFile(file: { type: 'asset', fileName: string, source: string }): unknown }} */
function emitLicences() {
  this.emitFile({ type: 'asset', fileName: 'licences.txt', source: notices({ page: true }) });
}

/**
 * What the package has in its code are files here: the page has three workers, which would each
 * download the WebAssembly again with their own code, and a policy that allows no threads of text.
 */
const FILES = {
  find: /^.*\/dist\/(lowtropy(-training)?\.(binary|thread)\.js)$/,
  replacement: join(import.meta.dirname, 'wasm', '$1'),
};

export default defineConfig({
  root: import.meta.dirname,
  base: './', // any host, any path
  appType: 'mpa', // what is not there is answered with 404, not with the page
  plugins: [
    { name: 'data', configureServer: serveData, configurePreviewServer: serveData },
    { name: 'licences', generateBundle: emitLicences },
  ],
  resolve: { alias: [FILES] },
  // So that what a worker needs later is not loaded before: the importer of ONNX.
  worker: { format: 'es' },
  build: {
    outDir: '../../build/demo',
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0, // the page's policy allows no data: addresses
  },
});
