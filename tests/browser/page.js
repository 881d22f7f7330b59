// SPDX-License-Identifier: Apache-2.0

/** What the tests of the page's views share. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before } from 'node:test';

import { launchBrowser, openPage, servePage, takeScreenshot } from '../support/browser.js';

/**
 * @typedef {import('playwright-core').Page} Page
 * @typedef {import('playwright-core').BrowserContextOptions} ContextOptions
 *
 * @typedef {ContextOptions & {
 *   hash?: string,
 *   expected?: RegExp,
 *   prepare?: (page: Page) => Promise<unknown>,
 * }} PageOptions hash: the address' last part; expected: complaints; prepare: before it is opened
 */

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const WIDTHS = [360, 768, 1440];

/** What takes longer has failed. */
const TEXT_TIMEOUT_MS = 30_000;
const POLL_MS = 40;

/** @type {import('playwright-core').Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof servePage>>} */
let server;

/** Serves the page to the tests of the file that calls this, in one browser. */
export function usePage() {
  before(async () => {
    [browser, server] = await Promise.all([launchBrowser(), servePage()]);
  });
  after(async () => {
    await browser?.close();
    await server?.close();
  });
}

/** Where the page is. */
export function pageUrl() {
  return server.url;
}

/**
 * Opens the page, does something with it, and sees to it that it did not complain.
 *
 * @param {(page: Page) => Promise<unknown>} work
 * @param {PageOptions} [options]
 */
export async function withPage(work, { hash = '', expected, prepare, ...options } = {}) {
  const { page, complaints } = await openPage(browser, options);
  try {
    await prepare?.(page);
    await page.goto(server.url + hash);
    await work(page);
    assert.deepEqual(
      complaints.filter((complaint) => !expected?.test(complaint)),
      [],
    );
  } finally {
    await page.context().close();
  }
}

/**
 * @param {Page} page
 * @param {string} selector
 * @returns {Promise<string>} what can be read there
 */
export async function read(page, selector) {
  return (await page.locator(selector).innerText()).trim();
}

/**
 * Waits until one of the visible elements reads so. (Playwright's own filters see the spaces around a
 * text that its template has, which nobody reads.)
 *
 * @param {Page} page
 * @param {string} selector
 * @param {RegExp} pattern
 * @param {number} [timeout] milliseconds
 */
export async function waitForText(page, selector, pattern, timeout = TEXT_TIMEOUT_MS) {
  const visible = page.locator(selector).filter({ visible: true });
  const end = Date.now() + timeout;
  for (;;) {
    const texts = (await visible.allInnerTexts()).map((text) => text.trim());
    if (texts.some((text) => pattern.test(text))) return;
    if (Date.now() > end) assert.match(texts.join('\n'), pattern, `${selector}: ${texts}`);
    await page.waitForTimeout(POLL_MS);
  }
}

/**
 * What axe finds wrong with the page.
 *
 * @param {Page} page
 */
export async function findBarriers(page) {
  // As a debugger does it: the page's policy allows no script that is not the page's.
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { axe } = /** @type {any} */ (globalThis);
    const { violations } = await axe.run();
    return violations.map((/** @type {any} */ { id, nodes }) => [
      id,
      ...nodes.map((/** @type {any} */ node) => node.html),
    ]);
  });
}

/** Tells the page's main thread from those of the browser's own pages. */
const MARK = 'here is the page';

/**
 * Follows the tasks of the page's main thread.
 *
 * @param {Page} page the only one of its browser that is followed
 * @returns {Promise<() => Promise<number>>} ends it, and tells how long the longest task was, in
 *   milliseconds: what the processor took for it, not what went by, for other programs of this
 *   machine are not the page's
 */
export async function traceTasks(page) {
  const owner = /** @type {import('playwright-core').Browser} */ (page.context().browser());
  await owner.startTracing(page, { categories: ['toplevel', 'blink.user_timing'] });
  return async () => {
    await page.evaluate((mark) => performance.mark(mark), MARK);
    /** @type {any[]} */
    const events = JSON.parse(`${await owner.stopTracing()}`).traceEvents;
    const main = events.find(({ name }) => name === MARK);
    const tasks = events.filter(
      ({ name, pid, tid, tdur }) =>
        pid === main.pid && tid === main.tid && name.endsWith('RunTask') && tdur !== undefined,
    );
    return Math.max(...tasks.map(({ tdur }) => tdur)) / 1000;
  };
}

/**
 * Boxes that hold more than they show.
 *
 * @param {Page} page
 * @returns {Promise<string[]>}
 */
export async function findClipped(page) {
  return page.evaluate(() =>
    [...document.querySelectorAll('main *')]
      .filter(
        (box) =>
          box.checkVisibility() &&
          !box.closest('.hidden') &&
          !box.matches('select, input') &&
          getComputedStyle(box).overflowX !== 'visible' &&
          box.clientWidth > 0 &&
          box.scrollWidth > box.clientWidth + 1,
      )
      .map((box) => `${box.outerHTML.slice(0, 80)}: ${box.scrollWidth} in ${box.clientWidth}`),
  );
}

/**
 * What occurs twice among the ids of all views.
 *
 * @param {Page} page
 * @returns {Promise<string[]>}
 */
export async function findRepeatedIds(page) {
  return page.evaluate(() => {
    const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
    return ids.filter((id, index) => ids.indexOf(id) !== index);
  });
}

/** @param {Page} page @returns {Promise<string>} the id or tag of what has the focus */
export async function focused(page) {
  return page.evaluate(() => {
    const active = /** @type {Element} */ (document.activeElement);
    return active.id || active.getAttribute('aria-label') || active.tagName;
  });
}

/**
 * Looks at what the page shows now, in both colour schemes and in several widths.
 *
 * @param {Page} page
 * @param {string} name of the screenshots, in build/screenshots
 */
export async function checkLook(page, name) {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 800 });
      await takeScreenshot(page, `${name}-${width}-${colorScheme}`);
      const over = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      assert(over <= 0, `${width} pixels, ${colorScheme}: ${over} too wide`);
      assert.deepEqual(await findClipped(page), [], `${width} pixels, ${colorScheme}`);
      assert.deepEqual(await findBarriers(page), [], `${width} pixels, ${colorScheme}`);
    }
  }
}
