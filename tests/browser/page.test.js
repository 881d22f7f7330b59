// SPDX-License-Identifier: Apache-2.0

/** The page, as built, on Chromium. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';

import { FORMATS } from '../../web/lib/index.js';
import { readDeepCompression } from '../../web/lib/import/deep-compression.js';
import { imageToTensor } from '../../web/lib/model/image.js';
import { noData, readData, squeezeNetFiles } from '../node/data.js';
import { runReference, softmax } from '../node/reference.js';
import { dropFiles, launchBrowser, openPage, servePage, takeScreenshot } from './browser.js';

/**
 * @typedef {import('playwright-core').Page} Page
 * @typedef {import('../../web/demo/protocol.js').Answer} Answer
 */

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

const TOLERANCE = 1e-4;

const MODEL_FOLDER = 'squeezenet-deep-compression';
const NET = 'compressed_SqueezeNet.net';
const PROTOTXT = 'SqueezeNet_deploy.prototxt';

/** @type {import('playwright-core').Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof servePage>>} */
let server;

before(async () => {
  [browser, server] = await Promise.all([launchBrowser(), servePage()]);
});

after(async () => {
  await browser?.close();
  await server?.close();
});

/**
 * Opens the page, does something with it, and sees to it that it did not complain.
 *
 * @param {(page: Page) => Promise<void>} work
 * @param {import('playwright-core').BrowserContextOptions & { expected?: RegExp }} [options]
 *   expected: complaints
 */
async function withPage(work, { expected, ...options } = {}) {
  const { page, complaints } = await openPage(browser, options);
  try {
    await page.goto(server.url);
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
 * @param {string} id
 * @returns {Promise<string>} what can be read there
 */
async function read(page, id) {
  return (await page.locator(`#${id}`).innerText()).trim();
}

/**
 * @param {Page} page
 * @param {string} id
 * @param {RegExp} pattern
 */
async function waitForText(page, id, pattern) {
  const found = page.locator(`#${id}`).filter({ hasText: pattern, visible: true });
  await found.waitFor().catch(async () => {
    assert.match((await page.locator(`#${id}`).textContent()) ?? '', pattern);
  });
}

/** @param {Page} page */
async function loadSqueezeNet(page) {
  await page.click('#load');
  await waitForText(page, 'status', /SqueezeNet is loaded/);
}

/** @param {Page} page */
async function showDog(page) {
  await page.click('#sample');
  await waitForText(page, 'answer', /Samoyed/);
}

/** @param {Page} page */
async function waitUntilIdle(page) {
  await page.locator('#answer[aria-busy=false]').waitFor();
}

/**
 * What axe finds wrong with the page.
 *
 * @param {Page} page
 */
async function findBarriers(page) {
  // As a debugger does it: the page's policy allows no script that is not the page's.
  await page.evaluate(readFileSync(AXE, 'utf8'));
  return page.evaluate(async () => {
    const { axe } = /** @type {any} */ (globalThis);
    const { violations } = await axe.run();
    return violations.map((/** @type {any} */ { id, nodes }) => [
      id,
      ...nodes.map((/** @type {any} */ node) => node.html),
    ]);
  });
}

/**
 * Looks at what the page shows now, in both colour schemes and in several widths.
 *
 * @param {Page} page
 * @param {string} name of the screenshots
 */
async function checkLook(page, name) {
  // The answer fades while another is on its way.
  await page.emulateMedia({ reducedMotion: 'reduce' });
  for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
    await page.emulateMedia({ colorScheme });
    for (const width of [360, 768, 1440]) {
      await page.setViewportSize({ width, height: 800 });
      await takeScreenshot(page, `${name}-${width}-${colorScheme}`);
      const over = await page.evaluate(
        () => document.documentElement.scrollWidth - window.innerWidth,
      );
      assert(over <= 0, `${width} pixels, ${colorScheme}: ${over} too wide`);
      // Nothing is there at 768 pixels that axe does not see at the others.
      if (width !== 768) assert.deepEqual(await findBarriers(page), []);
    }
  }
}

/**
 * The answers that the worker sends are kept in `window.answers` from now on.
 *
 * @param {Page} page
 */
async function keepAnswers(page) {
  await page.addInitScript(() => {
    /** @type {any[]} */
    const answers = [];
    Object.assign(window, { answers });
    window.Worker = class extends Worker {
      /** @param {ConstructorParameters<typeof Worker>} args */
      constructor(...args) {
        super(...args);
        this.addEventListener('message', ({ data }) => {
          if (data.value?.probabilities) answers.push([...data.value.probabilities]);
        });
      }
    };
  });
  await page.reload();
}

/** @param {Page} page @returns {Promise<number[] | undefined>} all probabilities, most recently */
async function lastAnswer(page) {
  return page.evaluate(() => /** @type {any} */ (window).answers.at(-1));
}

/**
 * What the reference sees in dog.jpg, as this browser decodes it: decoders differ by a bit or two.
 *
 * @param {Page} page
 */
async function referenceAnswer(page) {
  const { base64, width, height } = await page.evaluate(async () => {
    const file = await (await fetch('data/images/dog.jpg')).blob();
    const bitmap = await createImageBitmap(file, { colorSpaceConversion: 'none' });
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext('2d'));
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    const reader = new FileReader();
    reader.readAsDataURL(new Blob([data]));
    await new Promise((resolve) => (reader.onload = resolve));
    const [, encoded] = String(reader.result).split(',');
    return { base64: encoded, width: bitmap.width, height: bitmap.height };
  });
  const { net, prototxt } = squeezeNetFiles();
  const { graph, tensors } = readDeepCompression(net, prototxt);
  const picture = { data: Buffer.from(base64, 'base64'), width, height };
  const input = imageToTensor(picture, graph.input.shape);
  return softmax(runReference(graph, tensors, input).get(graph.outputs[0]) ?? []);
}

/** The files of SqueezeNet, to be dropped. */
function modelFiles() {
  return [NET, PROTOTXT].map((name) => ({ name, bytes: readData(MODEL_FOLDER, name) }));
}

/**
 * Holds back what is asked of an address until the end.
 *
 * @param {Page} page
 * @param {string} pattern
 */
async function holdBack(page, pattern) {
  await page.context().route(pattern, () => new Promise(() => {}));
}

describe('the first screen', () => {
  test('is one sentence and one big button', () =>
    withPage(async (page) => {
      assert.match(await page.innerText('.lead'), /^Neural networks .*\.$/);
      assert(await page.isVisible('#load'));
      for (const id of ['picture', 'weights', 'loading']) {
        assert(!(await page.isVisible(`#${id}`)), id);
      }
      const height = await page.evaluate(() => document.documentElement.scrollHeight);
      assert(height <= 800, `${height} pixels are high`);
      const formats = await page
        .locator('#format option')
        .evaluateAll((options) => options.map((option) => option.getAttribute('value')));
      assert.deepEqual(formats, ['auto', ...FORMATS]);
    }));

  test('has no barriers, and fits, light and dark', () =>
    withPage((page) => checkLook(page, 'first')));

  test('works from any folder of a host', async () => {
    const { page, complaints } = await openPage(browser);
    const folder = 'https://example.org/some/folder/';
    await page.context().route(`${folder}**`, async (route) => {
      const path = route.request().url().slice(folder.length);
      await route.fulfill({ response: await route.fetch({ url: server.url + path }) });
    });
    await page.goto(folder);
    await dropFiles(page, [{ name: 'a.safetensors', bytes: '\x02\0\0\0\0\0\0\0{}' }]);
    // From the WebAssembly, so that all parts of the page are there.
    await waitForText(page, 'model-error', /model file|metadata|holds/i);
    assert.deepEqual(complaints, []);
    await page.context().close();
  });

  test('asks the public address where the model is not beside the page', () =>
    withPage(
      async (page) => {
        /** @type {string[]} */
        const asked = [];
        await page.context().route('**/data/**', (route) => route.fulfill({ status: 404 }));
        await page.context().route(/^https:/, (route) => {
          asked.push(route.request().url());
          return route.fulfill({ status: 503, headers: { 'access-control-allow-origin': '*' } });
        });
        await page.click('#load');
        await waitForText(page, 'model-error', /raw\.githubusercontent\.com.*answers 503\.$/);
        const model =
          'https://raw.githubusercontent.com/songhan/SqueezeNet-Deep-Compression/master/';
        assert(asked.includes(model + NET), `asked: ${asked}`);
        assert(asked.every((url) => url.startsWith('https://raw.githubusercontent.com/')));
      },
      { expected: /Failed to load resource/ },
    ));

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

  test('says what it cannot open', () =>
    withPage(async (page) => {
      for (const [name, bytes, pattern] of [
        ['notes.txt', 'Dear diary', /^“notes.txt” is neither a photograph nor a model/],
        ['<b>x.txt', 'Dear diary', /^“<b>x.txt” is neither/],
        ['empty', '', /^“empty” is neither/],
        ['a.net', '\0\x01\0', /^“a.net” holds weights; drop it together with its .prototxt/],
        ['a.prototxt', 'layer { name: "a" }', /^“a.prototxt” describes a network; drop it tog/],
        ['a.jpg', '\xff\xd8\xff', /^“a.jpg” is damaged, or not a photograph/],
      ]) {
        await dropFiles(page, [
          { name: String(name), bytes: Buffer.from(String(bytes), 'latin1') },
        ]);
        await waitForText(page, 'model-error', /** @type {RegExp} */ (pattern));
      }
    }));
});

describe('SqueezeNet', { skip: noData }, () => {
  test('loads with progress', () =>
    withPage(async (page) => {
      /** @type {string[]} */
      const labels = [];
      await page.exposeFunction('noteLabel', (/** @type {string} */ label) => labels.push(label));
      await page.evaluate(() => {
        const label = /** @type {HTMLElement} */ (document.getElementById('progress-label'));
        new MutationObserver(() =>
          /** @type {any} */ (window).noteLabel(label.textContent),
        ).observe(label, { childList: true });
      });
      await loadSqueezeNet(page);
      assert.match(labels[0], /^Loading SqueezeNet: 0 B/);
      assert(labels.includes('Loading SqueezeNet: 686.2 kB of 686.2 kB'), `${labels}`);
      assert.equal(labels.at(-1), 'Encoding the weights of SqueezeNet');
      assert(!(await page.isVisible('#loading')));
      assert.equal(await page.locator('#layers tbody tr').count(), 26);
      assert.match(
        await read(page, 'bytes'),
        /As dense float32\s+4\.99 MB\s+Downloaded\s+686\.2 kB/,
      );
    }));

  test('sees a Samoyed, the same in all formats as the reference', () =>
    withPage(async (page) => {
      await keepAnswers(page);
      await loadSqueezeNet(page);
      await showDog(page);
      assert.match(await read(page, 'answer'), /^Samoyed, Samoyede\s+7[78]\.\d %/);
      assert.match(await read(page, 'answer'), /\d ms for the network, the median of \d runs/);
      assert.equal(await page.locator('#answer li').count(), 5);

      const expected = await referenceAnswer(page);
      for (const format of ['auto', ...FORMATS]) {
        if (format !== 'auto') {
          await page.selectOption('#format', format);
          await waitUntilIdle(page);
        }
        const answer = await lastAnswer(page);
        assert.equal(answer?.length, expected.length);
        answer.forEach((probability, index) => {
          const difference = Math.abs(probability - expected[index]);
          assert(difference <= TOLERANCE, `${format}, class ${index}: off by ${difference}`);
        });
        assert.match(await read(page, 'answer'), /^Samoyed/);
        const formats = await page.locator('#layers tbody summary').allInnerTexts();
        assert(format === 'auto' || formats.every((name) => name === format), `${formats}`);
      }
      assert.equal(
        await page.evaluate(() => /** @type {any} */ (window).answers.length),
        1 + FORMATS.length,
      );
      await page.selectOption('#format', 'dense');
      await waitForText(page, 'bytes', /the same as dense/);
    }));

  test('stays, with its answer, when a wrong file is dropped', () =>
    withPage(async (page) => {
      await loadSqueezeNet(page);
      await showDog(page);
      const answer = await read(page, 'answer');
      const layers = await read(page, 'layers');

      await dropFiles(page, [{ name: 'notes.txt', bytes: 'Dear diary' }]);
      await waitForText(page, 'photo-error', /^“notes.txt” is neither a photograph nor a model/);
      const [net, prototxt] = modelFiles();
      await dropFiles(page, [{ ...net, bytes: net.bytes.subarray(0, 100_000) }, prototxt]);
      await waitForText(page, 'model-error', /conv|layer/i);
      await dropFiles(page, [{ name: 'dog.jpg', bytes: Buffer.from('\xff\xd8\xff', 'latin1') }]);
      await waitForText(page, 'photo-error', /^“dog.jpg” is damaged/);
      await takeScreenshot(page, 'wrong-file');

      assert.equal(await read(page, 'answer'), answer);
      assert.equal(await read(page, 'layers'), layers);
      assert.equal(await read(page, 'photo-caption'), 'dog.jpg');
      await page.selectOption('#format', 'palette');
      await waitUntilIdle(page);
      assert.match(await read(page, 'answer'), /^Samoyed/);
    }));

  test('comes from files that are dropped, and with a photograph by itself', () =>
    withPage(async (page) => {
      await dropFiles(page, modelFiles().reverse());
      await waitForText(page, 'status', /compressed_SqueezeNet\.net is loaded/);
      assert.match(await read(page, 'bytes'), /Read from files\s+686\.2 kB/);

      await page.reload();
      await dropFiles(page, [{ name: 'a cat', bytes: readData('images', 'cat.jpg') }]);
      await waitForText(page, 'answer', /fox/);
      assert.equal(await read(page, 'photo-caption'), 'a cat');
      assert.equal(await page.getAttribute('#photo-image', 'alt'), 'The photograph a cat');
    }));

  test('is saved, and the file loads', () =>
    withPage(async (page) => {
      await loadSqueezeNet(page);
      const layers = await read(page, 'layers');
      const download = page.waitForEvent('download');
      await page.click('#save');
      const file = await download;
      assert.equal(file.suggestedFilename(), 'SqueezeNet.safetensors');
      const bytes = readFileSync(await file.path());

      await page.reload();
      await dropFiles(page, [{ name: 'renamed', bytes }]);
      await waitForText(page, 'status', /renamed is loaded/);
      assert.equal(await read(page, 'layers'), layers);
      await showDog(page);
      assert.match(await read(page, 'answer'), /^Samoyed, Samoyede\s+7[78]\.\d %/);
    }));

  test('can be stopped while it loads', () =>
    withPage(async (page) => {
      await loadSqueezeNet(page);
      await showDog(page);
      await holdBack(page, `**/${NET}`);
      await page.click('#load');
      await page.locator('#stop').press('Enter');
      await waitForText(page, 'status', /Loading SqueezeNet was stopped/);
      assert(!(await page.isVisible('#loading')));
      assert.equal(await page.evaluate(() => document.activeElement?.id), 'load');
      assert.match(await read(page, 'answer'), /^Samoyed/);

      await page.context().unrouteAll();
      await loadSqueezeNet(page);
    }));

  test('has no barriers, and fits, light and dark', () =>
    withPage(async (page) => {
      await loadSqueezeNet(page);
      await showDog(page);
      await waitUntilIdle(page);
      await page.locator('#layers summary').first().press('Enter');
      await checkLook(page, 'answer');
    }));
});
