// SPDX-License-Identifier: Apache-2.0

/** What all views of the page share, and what it costs to open it, on Chromium. */

import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { describe, test } from 'node:test';

import { launchBrowser, openPage } from '../support/browser.js';
import {
  findRepeatedIds,
  focused,
  pageUrl,
  traceTasks,
  usePage,
  waitForText,
  withPage,
} from './page.js';

/** What the first view may take to transfer, gzip, with WebAssembly and digit model. */
const MOST_TRANSFERRED = 350_000;
const FIRST_CONTENT_MS = 1000;
const LONG_TASK_MS = 50;
const MOST_TRIES = 15;

usePage();

describe('the page', () => {
  test('stays within its budget of transfer and first content', () => {
    /** @type {import('playwright-core').Response[]} */
    const responses = [];
    return withPage(
      async (page) => {
        await waitForText(page, '#digits', /\d+ %/);
        const sizes = await Promise.all(
          responses.splice(0).map(async (response) => {
            const body = await response.body();
            return /** @type {const} */ ([response.url(), gzipSync(body).length]);
          }),
        );
        const total = sizes.reduce((sum, [, bytes]) => sum + bytes, 0);
        assert(sizes.some(([url]) => url.endsWith('.wasm')));
        assert(sizes.some(([url]) => url.endsWith('.safetensors')));
        console.log(`the first view: ${total} bytes, gzip, in ${sizes.length} files`);
        assert(total <= MOST_TRANSFERRED, sizes.join('\n'));

        // The best of several, for what else this machine does is not the page's.
        let paint = Infinity;
        for (let tries = 0; tries < MOST_TRIES && paint > FIRST_CONTENT_MS; ++tries) {
          await page.reload();
          await waitForText(page, '#digits', /\d+ %/);
          const seen = await page.evaluate(
            () => performance.getEntriesByName('first-contentful-paint')[0].startTime,
          );
          paint = Math.min(paint, seen);
        }
        console.log(`first content after ${paint.toFixed(0)} ms`);
        assert(paint <= FIRST_CONTENT_MS, `first content after ${paint} ms`);
      },
      { prepare: async (page) => page.on('response', (response) => responses.push(response)) },
    );
  });

  test('has no long task while it opens, and while somebody draws', async () => {
    const browser = await launchBrowser();
    try {
      const { page } = await openPage(browser);
      const longestTask = await traceTasks(page);
      await page.goto(pageUrl());
      await waitForText(page, '#facts', /The answer\s+stays/);
      await page.focus('#pad');
      for (let digit = 0; digit < 10; ++digit) await page.keyboard.press(`${digit}`);
      await waitForText(page, '#digits .best', /^9\s/);
      const longest = await longestTask();
      console.log(`the longest task takes ${longest.toFixed(1)} ms of the processor`);
      assert(longest > 0 && longest <= LONG_TASK_MS, `a task of ${longest} ms`);
    } finally {
      await browser.close();
    }
  });

  test('has real content in its first answer, before anything is computed', () =>
    withPage(
      async (page) => {
        assert.match(await page.innerText('#lead'), /compressed weights/);
        assert.equal(await page.locator('nav a').count(), 3);
      },
      { javaScriptEnabled: false },
    ));

  test('goes from view to view by its links and by keys, and back', () =>
    withPage(async (page) => {
      await waitForText(page, '#digits', /\d+ %/);
      for (const [name, tag, title] of [
        ['Train together', 'train-view', /^Train together · Lowtropy$/],
        ['Look inside', 'inside-view', /^Look inside · Lowtropy$/],
        ['Infer', 'infer-view', /^Infer · Lowtropy$/],
      ]) {
        await page.getByRole('link', { name: String(name), exact: true }).press('Enter');
        await page.locator(`${tag} h1`).first().waitFor();
        assert.match(await page.title(), /** @type {RegExp} */ (title));
        assert.equal(await page.locator('[aria-current]').innerText(), name);
      }
      await page.goBack();
      await page.locator('inside-view h1').first().waitFor();
      assert(!(await page.locator('infer-view').isVisible()));
    }));

  test('has each id once, and the focus in what is seen', () =>
    withPage(async (page) => {
      await waitForText(page, '#digits', /\d+ %/);
      await page.getByRole('link', { name: 'Train together' }).click();
      await page.locator('#start').waitFor();
      await page.getByRole('link', { name: 'Look inside' }).click();
      await page.locator('#codes').waitFor();
      assert.deepEqual(await findRepeatedIds(page), []);
      await page.focus('#draw');
      await page.goBack();
      await page.locator('#start').waitFor();
      assert.equal(await focused(page), 'views');
    }));

  test('keeps the state of a view in the link to it', () =>
    withPage(
      async (page) => {
        await waitForText(page, '#digits .best', /^4\s/);
        await page.getByRole('link', { name: 'Look inside' }).click();
        await page.locator('inside-view h1').first().waitFor();
        await page.getByRole('link', { name: 'Infer', exact: true }).click();
        await waitForText(page, '#digits .best', /^4\s/);
        assert.match(await page.evaluate(() => location.href), /#infer\?digit=4/);
      },
      { hash: '#infer?digit=4' },
    ));

  test('takes rubbish in its address for its first view', () =>
    withPage(
      async (page) => {
        await waitForText(page, '#digits .best', /^5\s/);
      },
      { hash: '#nothing?digit=77&drawing=%00' },
    ));

  test('lets the keyboard skip to the content', () =>
    withPage(async (page) => {
      await waitForText(page, '#digits', /\d+ %/);
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      assert.equal(await page.evaluate(() => document.activeElement?.id), 'views');
      assert(await page.locator('infer-view').isVisible());
      assert.equal(await page.evaluate(() => [history.length, location.hash].join()), '2,#infer');
    }));

  test('works from any folder of a host', async () => {
    const chromium = await launchBrowser();
    try {
      const { page, complaints } = await openPage(chromium);
      const folder = 'https://example.org/some/folder/';
      await page.context().route(`${folder}**`, async (route) => {
        const path = route.request().url().slice(folder.length);
        await route.fulfill({ response: await route.fetch({ url: pageUrl() + path }) });
      });
      await page.goto(folder);
      await waitForText(page, '#digits', /\d+ %/);
      assert.deepEqual(complaints, []);
    } finally {
      await chromium.close();
    }
  });

  test('allows no script and no address that are not its own', () =>
    withPage(
      async (page) => {
        const violations = await page.evaluate(async () => {
          /** @type {string[]} */
          const directives = [];
          const both = new Promise((resolve) =>
            addEventListener('securitypolicyviolation', ({ effectiveDirective }) => {
              if (directives.push(effectiveDirective) === 2) resolve(undefined);
            }),
          );
          const script = document.createElement('script');
          script.textContent = 'window.attacked = true';
          document.body.append(script);
          await fetch('https://example.org/').catch(() => {});
          await both;
          return [...directives.sort(), 'attacked' in window];
        });
        assert.deepEqual(violations, ['connect-src', 'script-src-elem', false]);
      },
      { expected: /Content Security Policy|Fetch API cannot load/ },
    ));

  test('says so where WebAssembly has no SIMD', () =>
    withPage(
      async (page) => {
        await waitForText(page, '#model-error', /SIMD/);
      },
      {
        prepare: (page) =>
          page.context().route('**/worker-*.js', async (route) => {
            const response = await route.fetch();
            const body = `WebAssembly.validate = () => false;${await response.text()}`;
            await route.fulfill({ response, body });
          }),
      },
    ));
});
