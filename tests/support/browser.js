// SPDX-License-Identifier: Apache-2.0

/** The built page on a real Chromium. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { preview } from 'vite';

export { launchBrowser } from '../../scripts/common/browser.js';

/**
 * @typedef {import('playwright-core').Browser} Browser
 * @typedef {import('playwright-core').BrowserContextOptions} ContextOptions
 * @typedef {import('playwright-core').Page} Page
 */

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What takes longer has failed. */
const TIMEOUT_MS = 20_000;

/** @returns {Promise<{ url: string, close: () => Promise<void> }>} the page, on a free port */
export async function servePage() {
  const server = await preview({
    root: join(root, 'web', 'demo'),
    preview: { port: 0, strictPort: true, host: '127.0.0.1' },
    logLevel: 'warn',
  });
  const address = server.httpServer.address();
  if (!address || typeof address === 'string') throw new Error('The page has no port.');
  return { url: `http://127.0.0.1:${address.port}/`, close: () => server.close() };
}

/**
 * A page of its own that collects what it complains about: errors, and violations of its policy.
 *
 * @param {Browser} browser
 * @param {ContextOptions} [options]
 * @returns {Promise<{ page: Page, complaints: string[] }>} `page.context().close()` ends it
 */
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1024, height: 800 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(TIMEOUT_MS);
  /** @type {string[]} */
  const complaints = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  return { page, complaints };
}

/**
 * @param {Page} page
 * @param {string} name
 */
export async function takeScreenshot(page, name) {
  const folder = join(root, 'build', 'screenshots');
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}

/**
 * Drops files onto the page, as from the desktop.
 *
 * @param {Page} page
 * @param {Array<{ name: string, type?: string, bytes: Buffer | string }>} files
 */
export async function dropFiles(page, files) {
  const plain = files.map(({ name, type = '', bytes }) => ({
    name,
    type,
    base64: Buffer.from(bytes).toString('base64'),
  }));
  await page.evaluate((dropped) => {
    const dataTransfer = new DataTransfer();
    for (const { name, type, base64 } of dropped) {
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      dataTransfer.items.add(new File([bytes], name, { type }));
    }
    const event = { dataTransfer, bubbles: true, cancelable: true };
    document.body.dispatchEvent(new DragEvent('dragover', event));
    document.body.dispatchEvent(new DragEvent('drop', event));
  }, plain);
}
