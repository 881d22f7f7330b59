// SPDX-License-Identifier: Apache-2.0

/** The view in which networks run, on Chromium. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';

import { FORMATS, Model, init } from '../../web/lib/index.js';
import { readDeepCompression } from '../../web/lib/import/deep-compression.js';
import { imageToTensor } from '../../web/lib/model/image.js';
import { noData, readData, squeezeNetFiles } from '../node/data.js';
import { runReference, softmax } from '../node/reference.js';
import { dropFiles, takeScreenshot } from './browser.js';
import { checkLook, read, usePage, waitForText, withPage } from './page.js';

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
        for (const format of FORMATS) {
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
        for (const format of FORMATS) {
          await page.selectOption('#format', format);
          await waitForFormats(page, (formats) => formats.every((held) => held === format));
          await waitForText(page, '#facts', /The answer\s+stays/);
        }
        const answers = (await answersOf(page)).filter(({ length }) => length === expected.length);
        assert(answers.length > FORMATS.length, `${answers.length} answers`);
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
