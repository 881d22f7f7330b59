// SPDX-License-Identifier: Apache-2.0

/** The view in which networks run, on Chromium. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';

import { Model, importDeepCompression, init } from '../../web/lib/index.js';
import { readDeepCompression } from '../../web/lib/import/deep-compression.js';
import { imageToTensor } from '../../web/lib/model/image.js';
import { noData, readData, squeezeNetFiles } from '../../scripts/common/data.js';
import { formatsOfAll } from '../support/formats.js';
import { runReference, softmax } from '../support/reference.js';
import { dropFiles, takeScreenshot } from '../support/browser.js';
import { RANK_FIVE } from '../support/rank-five.js';
import { checkLook, focused, read, usePage, waitForText, withPage } from './page.js';

/** @typedef {import('playwright-core').Page} Page */

const TOLERANCE = 1e-4;
const MODEL_FOLDER = 'squeezenet-deep-compression';
const NET = 'compressed_SqueezeNet.net';
const PROTOTXT = 'SqueezeNet_deploy.prototxt';
const DIGITS = new URL('../../web/demo/infer/digits.safetensors', import.meta.url);

usePage();

/** @param {Page} page */
async function waitUntilRead(page) {
  await waitForText(page, '#digits', /\d+ %/);
  await page.locator('#layers tbody tr').nth(3).waitFor();
}

/**
 * @param {Page} page
 * @param {Array<Array<[x: number, y: number]>>} strokes of points in hundredths of the pad
 */
async function drawWithMouse(page, strokes) {
  await page.locator('#pad').scrollIntoViewIfNeeded();
  const box = await page.locator('#pad').boundingBox();
  assert(box);
  const at = (/** @type {[number, number]} */ [x, y]) =>
    /** @type {const} */ ([box.x + (x * box.width) / 100, box.y + (y * box.height) / 100]);
  for (const [first, ...rest] of strokes) {
    await page.mouse.move(...at(first));
    await page.mouse.down();
    for (const point of rest) await page.mouse.move(...at(point), { steps: 6 });
    await page.mouse.up();
  }
}

/** @param {Page} page */
async function loadSqueezeNet(page) {
  await page.click('#open-squeezenet');
  await waitForText(page, '#status', /SqueezeNet is loaded/);
  await page.locator('#layers tbody tr').nth(25).waitFor();
}

/** @param {Page} page */
async function showDog(page) {
  await page.click('#sample');
  await waitForText(page, '#classes', /Samoyed/);
}

/** @param {Page} page @returns {Promise<string[]>} of the layers, as they are held */
async function heldFormats(page) {
  return page
    .locator('#layers select')
    .evaluateAll((selects) =>
      selects.map((select) => /** @type {HTMLSelectElement} */ (select).options[0].text),
    );
}

/**
 * What all layers may be held in, which is what holds each of them.
 *
 * @param {Page} page
 * @param {Model} model the same as is shown
 */
async function offeredFormats(page, model) {
  const options = await page
    .locator('#format option')
    .evaluateAll((elements) =>
      elements.map((element) => /** @type {HTMLOptionElement} */ (element).value),
    );
  const formats = formatsOfAll(model);
  assert.deepEqual(options, ['', 'auto', ...formats]);
  return formats;
}

/**
 * @param {Page} page
 * @param {(formats: string[]) => boolean} wanted
 */
async function waitForFormats(page, wanted) {
  for (let tries = 0; tries < 100; ++tries) {
    if (wanted(await heldFormats(page))) return;
    await page.waitForTimeout(100);
  }
  assert.fail(`The layers are in ${await heldFormats(page)}.`);
}

/**
 * The answers that the workers send are kept in `window.answers`.
 *
 * @param {Page} page
 */
function keepAnswers(page) {
  return page.addInitScript(() => {
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
}

/** @param {Page} page @returns {Promise<number[][]>} all probabilities of all answers */
async function answersOf(page) {
  return page.evaluate(() => /** @type {any} */ (window).answers);
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

/** @type {Array<Array<[number, number]>>} */
const SEVEN = [
  [
    [22, 18],
    [76, 18],
    [58, 50],
    [42, 86],
  ],
];

describe('the digit reader', () => {
  test('reads what is drawn with the mouse, at once and again after clearing', () =>
    withPage(async (page) => {
      await waitUntilRead(page);
      await page.click('#clear');
      await waitForText(page, '#digits', /–/);
      await drawWithMouse(page, SEVEN);
      await waitForText(page, '#digits .best', /^7\s+(9\d|100) %$/);
      await page.click('#clear');
      await drawWithMouse(page, [
        [
          [50, 14],
          [49, 50],
          [50, 86],
        ],
      ]);
      await waitForText(page, '#digits .best', /^1\s/);
    }));

  test('reads what a finger draws', () =>
    withPage(
      async (page) => {
        await waitUntilRead(page);
        await page.click('#clear');
        const touch = await page.context().newCDPSession(page);
        const box = await page.locator('#pad').boundingBox();
        assert(box);
        const send = (/** @type {any} */ type, /** @type {[number, number] | undefined} */ point) =>
          touch.send('Input.dispatchTouchEvent', {
            type,
            touchPoints: point
              ? [
                  {
                    x: box.x + (point[0] * box.width) / 100,
                    y: box.y + (point[1] * box.height) / 100,
                  },
                ]
              : [],
          });
        const [first, ...rest] = SEVEN[0];
        await send('touchStart', first);
        let [x, y] = first;
        for (const [toX, toY] of rest) {
          for (let step = 1; step <= 6; ++step) {
            await send('touchMove', [x + ((toX - x) * step) / 6, y + ((toY - y) * step) / 6]);
          }
          [x, y] = [toX, toY];
        }
        await send('touchEnd', undefined);
        await waitForText(page, '#digits .best', /^7\s/);
      },
      { hasTouch: true },
    ));

  test('reads what keys draw, and all ten samples', () =>
    withPage(async (page) => {
      await waitUntilRead(page);
      await page.focus('#pad');
      for (let digit = 0; digit < 10; ++digit) {
        await page.keyboard.press(`${digit}`);
        await waitForText(page, '#digits .best', new RegExp(`^${digit}\\s`));
      }
      await page.keyboard.press('Delete');
      await waitForText(page, '#digits', /–/);
      for (let i = 0; i < 12; ++i) await page.keyboard.press('ArrowUp');
      await page.keyboard.press(' ');
      for (let i = 0; i < 24; ++i) await page.keyboard.press('ArrowDown');
      await page.keyboard.press(' ');
      await waitForText(page, '#digits .best', /^1\s/);
      assert.match(await page.locator('#reads').innerText(), /It reads 1\./);
    }));

  test('answers the same in all formats, and shows bytes, time and energy of each', () =>
    withPage(
      async (page) => {
        await waitUntilRead(page);
        await waitForText(page, '#facts', /less than dense/);
        const bytes = readFileSync(DIGITS);
        const size = (bytes.length / 1e3).toFixed(1);
        assert.match(await read(page, '#bytes'), new RegExp(`Downloaded\\s+${size} kB`));
        await init();
        const model = await Model.load(bytes);
        for (const format of await offeredFormats(page, model)) {
          await page.selectOption('#format', format);
          await waitForFormats(page, (formats) => formats.every((held) => held === format));
          const other = model.to(format);
          const kilobytes = (other.byteLength / 1e3).toFixed(1);
          const megabytes = (other.byteLength / 1e6).toFixed(2);
          other.dispose();
          await waitForText(page, '#bytes', new RegExp(`${kilobytes} kB|${megabytes} MB`));
          await waitForText(page, '#facts', /The answer\s+stays/);
          await waitForText(page, '#facts', /A run takes\s+[\d.]+ (µs|ms)/);
        }
        const answers = await answersOf(page);
        const [first] = answers;
        for (const answer of answers) {
          answer.forEach((share, i) => assert(Math.abs(share - first[i]) < TOLERANCE));
        }
        model.dispose();
      },
      { prepare: keepAnswers },
    ));

  test('changes the format of one layer alone', () =>
    withPage(async (page) => {
      await waitUntilRead(page);
      const before = await heldFormats(page);
      await page.getByLabel('Format of fc1').selectOption('cser');
      await waitForFormats(page, (formats) => formats[2] === 'cser');
      const formats = await heldFormats(page);
      assert.deepEqual(
        formats.filter((_, i) => i !== 2),
        before.filter((_, i) => i !== 2),
      );
      assert.equal(await page.evaluate(() => location.hash), '#infer?layers=fc1:cser');
      await page.locator('#layers summary').nth(2).press('Enter');
      await waitForText(page, '#layers details p', /^Asked for; auto picks /);
    }));

  test('shows how the values are distributed', () =>
    withPage(async (page) => {
      await waitUntilRead(page);
      await page.locator('#layers .histogram').nth(3).waitFor();
      const label = await page.locator('#layers .histogram').first().getAttribute('aria-label');
      assert.match(label ?? '', /^Values of conv1 from −?-?[\d.]+ to [\d.]+/);
    }));

  test('is the same after a reload of the address', () =>
    withPage(async (page) => {
      await waitUntilRead(page);
      await page.click('#clear');
      await drawWithMouse(page, SEVEN);
      await waitForText(page, '#digits .best', /^7\s/);
      await page.selectOption('#format', 'csr');
      await waitForFormats(page, (formats) => formats.every((format) => format === 'csr'));
      await page.getByLabel('Format of fc1').selectOption('cser');
      await waitForFormats(page, (formats) => formats[2] === 'cser');
      const hash = await page.evaluate(() => location.hash);
      assert.match(hash, /^#infer\?format=csr&layers=fc1:cser&drawing=[\w.-]+$/);
      const shown = await read(page, '#bytes');
      await page.reload();
      await waitForFormats(page, (formats) => formats.join() === 'csr,csr,cser,csr');
      await waitForText(page, '#digits .best', /^7\s/);
      assert.equal(await read(page, '#bytes'), shown);
      assert.equal(await page.evaluate(() => location.hash), hash);
    }));

  test('has no barriers, and fits, light and dark', () =>
    withPage(async (page) => {
      await waitUntilRead(page);
      await waitForText(page, '#facts', /less than dense/);
      await checkLook(page, 'infer-digits');
    }));
});

describe('files', () => {
  test('that are wrong get a sentence, and the model stays', () =>
    withPage(async (page) => {
      await waitUntilRead(page);
      for (const [name, bytes, pattern] of [
        ['notes.txt', 'Dear diary', /^“notes.txt” is neither a photograph nor a model/],
        ['<b>x.txt', 'Dear diary', /^“<b>x.txt” is neither/],
        ['empty', '', /^“empty” is neither/],
        ['a.net', '\0\x01\0', /^“a.net” holds weights; drop it together with its .prototxt/],
        ['a.prototxt', 'layer { name: "a" }', /^“a.prototxt” describes a network; drop it tog/],
        ['a.jpg', '\xff\xd8\xff', /^“a.jpg” is damaged, or not a photograph/],
        ['a.safetensors', '\x02\0\0\0\0\0\0\0{}', /model file|metadata|holds/i],
      ]) {
        await dropFiles(page, [
          { name: String(name), bytes: Buffer.from(String(bytes), 'latin1') },
        ]);
        await waitForText(page, '#model-error', /** @type {RegExp} */ (pattern));
      }
      await init();
      const several = await Model.fromGraph(RANK_FIVE, new Map());
      await dropFiles(page, [{ name: 'five', bytes: Buffer.from(several.save()) }]);
      several.dispose();
      await waitForText(page, '#inputs', /a\s+float32 batch×2×3×2×width/);
      await page.click('#open-digits');
      await waitUntilRead(page);
      await page.focus('#pad');
      await page.keyboard.press('3');
      await waitForText(page, '#digits .best', /^3\s/);
      assert.equal(await page.evaluate(() => location.hash), '#infer?digit=3');
    }));

  test('that are models are kept in this browser, found again by their address, and removed', () =>
    withPage(async (page) => {
      await waitUntilRead(page);
      await dropFiles(page, [{ name: 'my <i>digits</i>', bytes: readFileSync(DIGITS) }]);
      await waitForText(page, '#status', /^my <i>digits<\/i> is loaded\.$/);
      await waitForText(page, '#bytes', /Read from files/);
      const hash = await page.evaluate(() => location.hash);
      assert.match(hash, /^#infer\?model=[0-9a-f]{32}$/);

      await page.reload();
      await waitForText(page, '#bytes', /Kept in this browser/);
      await waitForText(page, '#kept', /my <i>digits<\/i>, 40\.0 kB/);
      await page.getByRole('button', { name: 'Remove my <i>digits</i> from this browser' }).click();
      await page.locator('#kept').waitFor({ state: 'detached' });

      await page.reload();
      await waitForText(page, '#model-error', /^The model of this address is not kept in this/);
      await waitUntilRead(page);
    }));
});

/**
 * A digit reader with other weights than the page's, and its name.
 *
 * @param {string} name
 * @param {import('../../web/lib/index.js').FormatName} [format] which makes another file
 */
async function ownModel(name, format) {
  await init();
  const model = await Model.load(readFileSync(DIGITS));
  const held = format ? model.to(format) : model;
  const bytes = Buffer.from(held.save());
  for (const each of new Set([model, held])) each.dispose();
  return { name, bytes };
}

const NAMES = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];

/** Lets the page's worker for ever do nothing else, as soon as it is asked for something. */
const stuckAt = (/** @type {string} */ condition) => (/** @type {Page} */ page) =>
  page.context().route('**/worker-*.js', async (route) => {
    const response = await route.fetch();
    const trap = `self.addEventListener('message', ({ data }) => { if (${condition}) for (;;); });`;
    await route.fulfill({ response, body: trap + (await response.text()) });
  });

describe('measuring', () => {
  test('shows no time of other weights, tells a spread, and is done again', () =>
    withPage(async (page) => {
      await waitUntilRead(page);
      await page.locator('#versus').waitFor();
      assert.match(
        await read(page, '#facts'),
        /A run takes\s+[\d.,]+ (µs|ms)\s+\(half of the runs: /,
      );
      await page.evaluate(() => {
        const facts = /** @type {HTMLElement} */ (document.querySelector('#facts'));
        /** @type {string[]} */
        const seen = [];
        Object.assign(window, { seen });
        new MutationObserver(() => seen.push(facts.innerText)).observe(facts, {
          ...{ childList: true, subtree: true, characterData: true },
        });
      });
      await page.selectOption('#format', 'csr');
      await waitForText(page, '#bytes', /larger|smaller/);
      await page.locator('#versus').waitFor({ state: 'detached' });
      await page.locator('#versus').waitFor();
      const seen = await page.evaluate(() => /** @type {any} */ (window).seen);
      assert(seen.some((/** @type {string} */ text) => /A run takes\s+measuring …/.test(text)));
      // From the change on there is no time until all is measured anew.
      const first = seen.findIndex((/** @type {string} */ text) => /not measured yet/.test(text));
      const done = seen.findLastIndex((/** @type {string} */ text) => /measuring …/.test(text));
      for (const text of seen.slice(first, done)) assert.doesNotMatch(text, /A run takes\s+[\d.]/);
      await page.locator('#measure').press('Enter');
      await waitForText(page, '#measuring', /measuring …/);
      assert.equal(await focused(page), 'measure');
      await waitForText(page, '#measure', /^Measure again$/);
    }));

  test('waits until nothing else is at work', () =>
    withPage(
      async (page) => {
        await page.click('#start');
        await waitForText(page, '#state', /^Training/, 60_000);
        await page.getByRole('link', { name: 'Infer', exact: true }).click();
        await waitForText(page, '#facts', /A run takes\s+measured later: this page is training/);
        const other = await page.context().newPage();
        await other.goto(page.url().replace(/#.*/, ''));
        await waitForText(other, '#facts', /A run takes\s+measured later: another tab is training/);
        await page.getByRole('link', { name: 'Train together' }).click();
        await page.click('#reset');
        await other.bringToFront();
        await waitForText(other, '#facts', /A run takes\s+[\d.,]+ (µs|ms)/, 60_000);
      },
      { hash: '#train?examples=1000&iterations=20000&workers=2' },
    ));

  test('can be stopped, whatever the worker is at', () =>
    withPage(
      async (page) => {
        await waitForText(page, '#measure', /^Stop measuring$/);
        await page.click('#measure');
        await waitForText(page, '#facts', /A run takes\s+measuring was stopped/);
        await waitForText(page, '#status', /^Measuring Digit reader was stopped\.$/);
        await page.focus('#pad');
        await page.keyboard.press('4');
        await waitForText(page, '#digits .best', /^4\s/);
      },
      { prepare: stuckAt("data.type === 'measure'") },
    ));

  test('and what takes long can be, too; the model stays as it was', () =>
    withPage(
      async (page) => {
        await waitUntilRead(page);
        await page.selectOption('#format', 'cser');
        await page.locator('#stop-work').press('Enter');
        await waitForText(page, '#status', /Digit reader was stopped\.$/);
        assert.notEqual(await focused(page), 'BODY');
        assert.equal(await page.evaluate(() => location.hash), '#infer');
        await page.focus('#pad');
        await page.keyboard.press('8');
        await waitForText(page, '#digits .best', /^8\s/);
        await page.selectOption('#format', 'csr');
        await waitForFormats(page, (formats) => formats.every((format) => format === 'csr'));
      },
      { prepare: stuckAt("data.type === 'recode' && data.payload.all === 'cser'") },
    ));

  test('and so can a model that does not come to an end of loading', () =>
    withPage(
      async (page) => {
        await waitUntilRead(page);
        await dropFiles(page, [await ownModel('endless')]);
        await page.locator('#stop').press('Enter');
        await waitForText(page, '#status', /Loading endless was stopped/);
        await page.focus('#pad');
        await page.keyboard.press('2');
        await waitForText(page, '#digits .best', /^2\s/);
      },
      { prepare: stuckAt("data.type === 'open' && data.payload.source.kind === 'model-file'") },
    ));
});

describe('the names of classes', () => {
  test('come with a model, and are there after a reload', () =>
    withPage(async (page) => {
      await waitUntilRead(page);
      const labels = {
        name: 'synset.txt',
        bytes: NAMES.map((n, i) => `n0000000${i} ${n}`).join('\n'),
      };
      await dropFiles(page, [await ownModel('mine'), labels]);
      await waitForText(page, '#status', /^mine is loaded/);
      await page.focus('#pad');
      await page.keyboard.press('7');
      await waitForText(page, '#reads', /It reads seven\./);
      await page.reload();
      await waitForText(page, '#reads', /It reads seven\./);
      await waitForText(page, '#digits .best', /^7\s/);
    }));

  test('are given to the model that is there, by a text in any encoding', () =>
    withPage(async (page) => {
      await waitUntilRead(page);
      await dropFiles(page, [await ownModel('mine')]);
      await waitForText(page, '#status', /^mine is loaded/);
      const text = `${NAMES.map((name) => `the ${name}`).join('\r\n')}\r\n`;
      const bytes = Buffer.from(`\ufeff${text}`, 'utf16le');
      await dropFiles(page, [{ name: 'names.txt', bytes }]);
      await waitForText(page, '#status', /classes of mine have their names from names\.txt/);
      await page.focus('#pad');
      await page.keyboard.press('3');
      await waitForText(page, '#reads', /It reads the three\./);
      await page.reload();
      await waitForText(page, '#reads', /It reads the three\./);
      await dropFiles(page, [{ name: 'few', bytes: 'n01440764 tench' }]);
      await waitForText(page, '#model-error', /^“few” names 1 class, and this model has 10\.$/);
    }));

  test('are not those of the model before', () =>
    withPage(async (page) => {
      await waitUntilRead(page);
      const labels = { name: 'names', bytes: NAMES.join('\n') };
      await dropFiles(page, [await ownModel('mine'), labels]);
      await waitForText(page, '#status', /^mine is loaded/);
      await dropFiles(page, [await ownModel('other', 'csr')]);
      await waitForText(page, '#status', /^other is loaded/);
      await page.focus('#pad');
      await page.keyboard.press('1');
      await waitForText(page, '#reads', /It reads 1\./);
    }));
});

describe('kept models', () => {
  test('have names of their own, and other tabs know of them', () =>
    withPage(async (page) => {
      await waitUntilRead(page);
      const other = await page.context().newPage();
      await other.goto(page.url());
      await waitUntilRead(other);
      await dropFiles(page, [await ownModel('mine')]);
      await waitForText(page, '#status', /^mine is loaded/);
      await dropFiles(page, [await ownModel('mine', 'csr')]);
      await waitForText(page, '#status', /^mine \(2\) is loaded/);
      // One that is called like the page's own is not taken for it.
      await dropFiles(page, [await ownModel('SqueezeNet', 'cser')]);
      await waitForText(page, '#status', /^SqueezeNet is loaded/);
      assert.match(await read(page, '#open-squeezenet'), /to load$/);
      for (const tab of [page, other]) {
        await waitForText(tab, '#kept', /mine, [^]*mine \(2\), [^]*SqueezeNet, /);
      }
      await other.getByRole('button', { name: 'Remove mine from this browser' }).press('Enter');
      await waitForText(page, '#kept', /^(?!.*mine, )[^]*mine \(2\), /s);
      assert.notEqual(await focused(other), 'BODY');
    }));
});

describe('the history', () => {
  test('has a step for each model and format', () =>
    withPage(async (page) => {
      await waitUntilRead(page);
      await page.selectOption('#format', 'csr');
      await waitForFormats(page, (formats) => formats.every((format) => format === 'csr'));
      await page.getByLabel('Format of fc1').selectOption('dense');
      await waitForFormats(page, (formats) => formats[2] === 'dense');
      await dropFiles(page, [await ownModel('mine')]);
      await waitForText(page, '#status', /^mine is loaded/);
      await page.goBack();
      await waitForFormats(page, (formats) => formats.join() === 'csr,csr,dense,csr');
      await waitForText(page, '#bytes', /Downloaded/);
      await page.goBack();
      await waitForFormats(page, (formats) => formats.every((format) => format === 'csr'));
      await page.goBack();
      await waitForFormats(page, (formats) => !formats.includes('csr'));
      assert.equal(await page.evaluate(() => location.hash), '#infer');
    }));
});

describe('pictures', () => {
  test('of a size that no camera makes are refused before they are decoded', () =>
    withPage(async (page) => {
      await waitUntilRead(page);
      const png = Buffer.alloc(60);
      png.write('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 0, 'latin1');
      png.writeUInt32BE(1, 16);
      png.writeUInt32BE(100_000_000, 20);
      await dropFiles(page, [{ name: 'long.png', bytes: png }]);
      await waitForText(
        page,
        '#model-error',
        /^“long\.png” has 1 × 100,000,000 pixels; this page takes up to 200,000,000, and sides of up to 32,768\.$/,
      );
    }));
});

describe('storage', () => {
  test('that is refused is said, and the model runs', () =>
    withPage(
      async (page) => {
        await waitUntilRead(page);
        await dropFiles(page, [{ name: 'mine', bytes: readFileSync(DIGITS) }]);
        await waitForText(
          page,
          '#status',
          /^mine is loaded\. This browser cannot keep it: it refuses/,
        );
        await page.focus('#pad');
        await page.keyboard.press('6');
        await waitForText(page, '#digits .best', /^6\s/);
      },
      {
        prepare: (page) =>
          page.addInitScript(() => {
            Object.defineProperty(window, 'caches', {
              get() {
                throw new DOMException('It is refused.', 'SecurityError');
              },
            });
          }),
      },
    ));
});

describe('the camera', () => {
  test('that is not there or refused gets a sentence', { skip: noData }, () =>
    withPage(async (page) => {
      await loadSqueezeNet(page);
      await page.click('#take-photo');
      await waitForText(page, '#picture-error', /camera/i);
    }),
  );

  test('takes a photograph', { skip: noData }, () =>
    withPage(
      async (page) => {
        await loadSqueezeNet(page);
        await page.click('#take-photo');
        assert(await page.isDisabled('#camera-take')); // there is no picture yet
        await page.click('.camera button:has-text("Cancel")');
        await page.click('#take-photo');
        await page.click('#camera-take');
        await waitForText(page, '#photo-caption', /A photograph taken here/);
        await waitForText(page, '#classes', /%/);
      },
      {
        prepare: (page) =>
          page.addInitScript(() => {
            // A camera that sees a grey square, after a while.
            navigator.mediaDevices.getUserMedia = async () => {
              const canvas = document.createElement('canvas');
              const context = canvas.getContext('2d');
              const see = () => context?.fillRect(0, 0, 300, 150);
              setTimeout(() => setInterval(see, 50), 500);
              return canvas.captureStream();
            };
          }),
      },
    ),
  );
});

describe('SqueezeNet', { skip: noData }, () => {
  test('loads with progress', () =>
    withPage(async (page) => {
      await waitUntilRead(page);
      /** @type {string[]} */
      const labels = [];
      await page.exposeFunction('noteLabel', (/** @type {string} */ label) => labels.push(label));
      await page.evaluate(() => {
        new MutationObserver(() => {
          const label = document.getElementById('progress-label')?.textContent;
          if (label) /** @type {any} */ (window).noteLabel(label);
        }).observe(document.body, { childList: true, subtree: true, characterData: true });
      });
      await loadSqueezeNet(page);
      assert.match(labels[0], /^Loading SqueezeNet: 0 B/);
      assert(labels.includes('Loading SqueezeNet: 686.2 kB of 686.2 kB'), `${labels}`);
      assert.equal(labels.at(-1), 'Encoding the weights of SqueezeNet');
      assert(!(await page.isVisible('#loading')));
      assert.equal(await page.locator('#layers tbody tr').count(), 26);
      assert.match(await read(page, '#bytes'), /Downloaded\s+686\.2 kB[^]*float32\s+4\.99 MB/);
      await page.reload();
      await waitForText(page, '#bytes', /Kept in this browser\s+637\.9 kB/);
    }));

  test('sees a Samoyed, the same in all formats as the reference', () =>
    withPage(
      async (page) => {
        await loadSqueezeNet(page);
        await showDog(page);
        assert.match(await read(page, '#classes'), /^Samoyed, Samoyede\s+7[78]\.\d %/);
        assert.equal(await page.locator('#classes li').count(), 5);
        const expected = await referenceAnswer(page);
        const { net, prototxt } = squeezeNetFiles();
        const model = await importDeepCompression(net, prototxt);
        const formats = await offeredFormats(page, model);
        for (const format of formats) {
          await page.selectOption('#format', format);
          await waitForFormats(page, (formats) => formats.every((held) => held === format));
          await waitForText(page, '#facts', /The answer\s+stays/);
        }
        const answers = (await answersOf(page)).filter(({ length }) => length === expected.length);
        assert(answers.length > formats.length, `${answers.length} answers`);
        for (const answer of answers) {
          answer.forEach((probability, index) => {
            const difference = Math.abs(probability - expected[index]);
            assert(difference <= TOLERANCE, `class ${index}: off by ${difference}`);
          });
        }
      },
      { prepare: keepAnswers },
    ));

  test('stays, with its answer, when wrong files are dropped', () =>
    withPage(async (page) => {
      await loadSqueezeNet(page);
      await showDog(page);
      const answer = await read(page, '#classes');
      await dropFiles(page, [{ name: 'notes.txt', bytes: 'Dear diary' }]);
      await waitForText(page, '#picture-error', /^“notes.txt” is neither a photograph nor a model/);
      const [net, prototxt] = modelFiles();
      await dropFiles(page, [{ ...net, bytes: net.bytes.subarray(0, 100_000) }, prototxt]);
      await waitForText(page, '#model-error', /conv|layer/i);
      await dropFiles(page, [{ name: 'dog.jpg', bytes: Buffer.from('\xff\xd8\xff', 'latin1') }]);
      await waitForText(page, '#picture-error', /^“dog.jpg” is damaged/);
      await takeScreenshot(page, 'infer-wrong-file');
      assert.equal(await read(page, '#classes'), answer);
      assert.equal(await read(page, '#photo-caption'), 'dog.jpg');
    }));

  test('comes from files that are dropped, and with a photograph by itself', () =>
    withPage(async (page) => {
      await waitUntilRead(page);
      await dropFiles(page, modelFiles().reverse());
      await waitForText(page, '#status', /compressed_SqueezeNet\.net is loaded/);
      assert.match(await read(page, '#bytes'), /Read from files\s+686\.2 kB/);
      await page.goto(new URL('#infer', page.url()).href);
      await waitForText(page, '#view-title', /Draw a digit/);
      await dropFiles(page, [{ name: 'a cat', bytes: readData('images', 'cat.jpg') }]);
      await waitForText(page, '#classes', /fox/);
      assert.equal(await read(page, '#photo-caption'), 'a cat');
      assert.equal(await page.getAttribute('#photo-image', 'alt'), 'The photograph a cat');
    }));

  test('is saved, and the file loads', () =>
    withPage(async (page) => {
      await loadSqueezeNet(page);
      const formats = await heldFormats(page);
      const download = page.waitForEvent('download');
      await page.click('#save');
      const file = await download;
      assert.equal(file.suggestedFilename(), 'SqueezeNet.safetensors');
      const bytes = readFileSync(await file.path());
      await dropFiles(page, [{ name: 'renamed', bytes }]);
      await waitForText(page, '#status', /renamed is loaded/);
      await waitForFormats(page, (held) => held.join() === formats.join());
      await showDog(page);
    }));

  test('can be stopped while it loads', () =>
    withPage(async (page) => {
      await waitUntilRead(page);
      await page.context().route(`**/${NET}`, () => new Promise(() => {}));
      await page.click('#open-squeezenet');
      await page.locator('#stop').press('Enter');
      await waitForText(page, '#status', /Loading SqueezeNet was stopped/);
      assert(!(await page.isVisible('#loading')));
      assert.equal(await page.evaluate(() => document.activeElement?.tagName), 'BUTTON');
      await page.focus('#pad');
      await page.keyboard.press('8');
      await waitForText(page, '#digits .best', /^8\s/);
      assert.equal(await page.evaluate(() => location.hash), '#infer?digit=8');
      await page.context().unrouteAll();
      await loadSqueezeNet(page);
    }));

  test('is asked for at the public address where it is not beside the page', () =>
    withPage(
      async (page) => {
        await waitUntilRead(page);
        /** @type {string[]} */
        const asked = [];
        await page.context().route('**/data/**', (route) => route.fulfill({ status: 404 }));
        await page.context().route(/^https:/, (route) => {
          asked.push(route.request().url());
          return route.fulfill({ status: 503, headers: { 'access-control-allow-origin': '*' } });
        });
        await page.click('#open-squeezenet');
        await waitForText(page, '#model-error', /raw\.githubusercontent\.com.*answers 503\.$/);
        const model =
          'https://raw.githubusercontent.com/songhan/SqueezeNet-Deep-Compression/master/';
        assert(asked.includes(model + NET), `asked: ${asked}`);
        assert(asked.every((url) => url.startsWith('https://raw.githubusercontent.com/')));
      },
      { expected: /Failed to load resource/ },
    ));

  test('has no barriers, and fits, light and dark', () =>
    withPage(
      async (page) => {
        await waitForText(page, '#classes', /Samoyed/);
        await waitForText(page, '#facts', /less than dense/, 60_000);
        await page.locator('#layers summary').first().press('Enter');
        await checkLook(page, 'infer-squeezenet');
      },
      { hash: '#infer?model=squeezenet&photo=dog' },
    ));
});
