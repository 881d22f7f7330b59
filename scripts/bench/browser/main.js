// SPDX-License-Identifier: Apache-2.0

/**
 * The benchmark of main.js, with its options, in Chromium:
 *
 *   npm run bench:browser [-- --row NAME]... [--format auto] [--rounds 21] [--json FILE]
 */

import { fileURLToPath } from 'node:url';
import { build, preview } from 'vite';

import { launchBrowser } from '../../common/browser.js';
import { noData, squeezeNetFiles } from '../../common/data.js';
import { machine } from '../machine.js';
import { parseOptions, report } from '../report.js';

/**
 * @typedef {import('playwright-core').Browser} Browser
 * @typedef {import('../measure.js').Measured} Measured
 * @typedef {import('../report.js').Options} Options
 */

const configFile = fileURLToPath(new URL('vite.config.js', import.meta.url));

/**
 * In a page of its own, so that each row finds memory as it was.
 *
 * @param {Browser} browser
 * @param {string} url
 * @param {string} row
 * @param {Options} options
 * @returns {Promise<Measured | undefined>}
 */
async function measureInPage(browser, url, row, options) {
  const page = await browser.newPage();
  try {
    for (const name of /** @type {const} */ (['net', 'prototxt'])) {
      await page.route(`${url}${name}`, (route) =>
        route.fulfill(noData ? { status: 404 } : { body: squeezeNetFiles()[name] }),
      );
    }
    page.on('pageerror', (error) => console.error(error));
    await page.goto(url);
    return await page.evaluate(
      ({ row, ...options }) => /** @type {any} */ (globalThis).measure(row, options),
      { row, format: options.format, peer: options.peer, rounds: options.rounds },
    );
  } finally {
    await page.close();
  }
}

const options = parseOptions();
await build({ configFile, logLevel: 'error' });
const server = await preview({
  configFile,
  preview: { host: '127.0.0.1', port: 0 },
  logLevel: 'error',
});
const browser = await launchBrowser();
try {
  const [url] = server.resolvedUrls?.local ?? [];
  const where = { ...machine(), engine: `Chromium ${browser.version()}` };
  await report(options, where, (row) => measureInPage(browser, url, row, options));
} finally {
  await browser.close();
  await server.close();
}
