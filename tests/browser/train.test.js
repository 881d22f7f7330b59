// SPDX-License-Identifier: Apache-2.0

/** Train together, as a person uses it. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';

import { Model } from '../../web/lib/index.js';
import { noData, readData } from '../../scripts/common/data.js';
import { dropFiles } from '../support/browser.js';
import {
  checkLook,
  findClipped,
  focused,
  read,
  traceTasks,
  usePage,
  waitForText,
  withPage,
} from './page.js';

/**
 * @typedef {import('./page.js').Page} Page
 * @typedef {import('./page.js').PageOptions} PageOptions
 */

/** A run may have to share its cores with others. */
const RUN_MS = 240_000;
const SMALL = 'examples=1000&iterations=60';
/** Goes on for as long as a test may need. */
const LONG = 'examples=1000&iterations=20000';

/**
 * @param {string} query
 * @param {(page: Page) => Promise<unknown>} work once the view is there
 * @param {PageOptions} [options]
 */
async function withTraining(query, work, options = {}) {
  await withPage(
    async (page) => {
      await page.locator('#start').waitFor();
      await work(page);
    },
    { hash: `#train?${query}`, ...options },
  );
}

/** @param {Page} page */
async function train(page) {
  await page.click('#start');
  await waitForText(page, '#state', /^Done/, RUN_MS);
}

/**
 * @param {string} text such as "1.5 kB"
 * @returns {number} bytes
 */
function bytesOf(text) {
  const [, digits, unit] = /^([\d.,]+) (B|kB|MB|GB)$/.exec(text) ?? [];
  const factor = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9 }[unit];
  assert(factor, text);
  return Number(digits.replace(/,/g, '')) * factor;
}

/** @param {Page} page */
async function roundOf(page) {
  const text = await read(page, '#round');
  return text === '–' ? 0 : Number(text.replace(/,/g, ''));
}

/**
 * @param {Page} page
 * @param {number} round at least
 */
async function waitForRound(page, round) {
  await page.waitForFunction(
    (least) => Number(document.querySelector('#round')?.textContent?.replace(/\D/g, '')) >= least,
    round,
    { timeout: RUN_MS },
  );
}

/** Workers of the page and of its workers. @param {Page} page */
async function countThreads(page) {
  const session = await page.context().newCDPSession(page);
  const { targetInfos } = await session.send('Target.getTargets');
  await session.detach();
  return targetInfos.filter(({ type }) => type === 'worker').length + page.workers().length;
}

describe('training together', () => {
  usePage();

  it('learns digits by SBC, with a thousandth of the bytes', async () => {
    await withTraining('', async (page) => {
      await train(page);
      const accuracy = parseFloat(await read(page, '#accuracy'));
      assert(accuracy >= 90 && accuracy <= 100, `${accuracy} %`);
      assert.equal(await read(page, '#iterations'), '600');
      const ratio = Number((await read(page, '#ratio')).replace(/[×,]/g, ''));
      const [sent, dense] = [await read(page, '#sent'), await read(page, '#dense')].map(bytesOf);
      assert(ratio > 1000, `×${ratio}`);
      assert(Math.abs(dense / sent / ratio - 1) < 0.01, `${dense} / ${sent} is not ${ratio}`);
      // LeNet-300-100 has 266,610 weights; as float32 in each of 600 iterations:
      assert(Math.abs(dense / (4 * 266_610 * 600) - 1) < 0.001, String(dense));
      // Each worker's row has its own bytes, the mean of which is the sum above.
      const cells = await page.locator('#worker-table tbody tr td:nth-of-type(2)').allInnerTexts();
      const mean = cells.reduce((sum, text) => sum + bytesOf(text), 0) / cells.length;
      assert.equal(cells.length, 4);
      assert(Math.abs(mean / sent - 1) < 0.01, `${cells} by mean are not ${sent}`);
      // What one got is what all sent.
      const got = bytesOf(await read(page, '#down'));
      assert(Math.abs(got / (4 * sent) - 1) < 0.01, `${got} of ${sent}`);
      assert.match(await read(page, '#map [data-cell="0.01:10"]'), /^9\d\.\d %\s+×3,\d{3}$/);
    });
  });

  it('gives the same from the same address', async () => {
    /** @type {string[]} */
    const seen = [];
    for (let time = 0; time < 2; ++time) {
      await withTraining(`${SMALL}&seed=7&workers=3&model=lenet5&batch=4`, async (page) => {
        await train(page);
        seen.push(await read(page, '.numbers'));
      });
    }
    assert.equal(seen[0], seen[1]);
    assert.match(seen[0], /Accuracy\s+\d/);
  });

  it('keeps its settings in the address', async () => {
    await withTraining('', async (page) => {
      await page.selectOption('#train-model', 'lenet5');
      await page.selectOption('#train-method', 'topk');
      await page.selectOption('#train-p', '0.001');
      await page.selectOption('#train-split', 'labels:2');
      await page.selectOption('#train-link', 'lan');
      await page.fill('#train-workers', '99');
      await page.fill('#train-n', '25');
      await page.check('#train-mask');
      await page.click('#train-advanced summary');
      await page.fill('#train-seed', '12');
      await page.locator('#train-seed').blur();
      const address = await page.evaluate(() => location.hash);
      assert.match(address, /^#train\?/);
      for (const part of ['workers=16', 'n=25', 'p=0.001', 'mask=1', 'seed=12', 'split=labels:2']) {
        assert(address.includes(part), `${address} lacks ${part}`);
      }
      await page.reload();
      await page.locator('#start').waitFor();
      assert.equal(await page.evaluate(() => location.hash), address);
      assert.equal(await page.inputValue('#train-workers'), '16');
      assert.equal(await page.inputValue('#train-method'), 'topk');
      assert.equal(await page.inputValue('#train-model'), 'lenet5');
      assert.equal(await page.inputValue('#train-link'), 'lan');
      assert(await page.isChecked('#train-mask'));
      assert.equal(await page.locator('.network .worker').count(), 16);
      await page.click('text=Baseline');
      assert.match(await page.evaluate(() => location.href), /method=none/);
      assert(await page.isDisabled('#train-p'));
    });
  });

  it('pauses, steps, and goes on', async () => {
    await withTraining(LONG, async (page) => {
      await page.click('#step');
      await waitForText(page, '#state', /^Paused/, RUN_MS);
      await waitForRound(page, 1);
      assert.equal(await roundOf(page), 1);
      assert(await page.isDisabled('#train-method'));
      await page.click('#resume');
      await waitForRound(page, 3);
      await page.click('#pause');
      await waitForText(page, '#state', /^Paused/, RUN_MS);
      await page.waitForTimeout(400); // for what was on its way to be drawn
      const round = await roundOf(page);
      await page.waitForTimeout(1500);
      assert.equal(await roundOf(page), round);
      await page.click('#step');
      await waitForRound(page, round + 1);
      await page.waitForTimeout(1000);
      assert.equal(await roundOf(page), round + 1);
      await page.click('#resume');
      await waitForRound(page, round + 3);
      await page.click('#reset');
      await waitForText(page, '#state', /^Ready/);
      assert(await page.isEnabled('#train-method'));
      assert.match(await read(page, '#runs'), /stopped/);
    });
  });

  it('goes on without workers that are offline or crashed', async () => {
    await withTraining(`${LONG}&workers=2`, async (page) => {
      const status = (/** @type {number} */ worker, /** @type {RegExp} */ pattern) =>
        waitForText(page, `#worker-table tr[data-worker="${worker}"] .status`, pattern, RUN_MS);
      await page.click('#start');
      await waitForRound(page, 1);
      await page.getByRole('button', { name: 'Take worker 1 offline' }).click();
      await status(0, /^offline$/);
      const sent = await read(page, '#worker-table tr[data-worker="0"] td:nth-of-type(2)');
      await waitForRound(page, (await roundOf(page)) + 3);
      assert.equal(await read(page, '#worker-table tr[data-worker="0"] td:nth-of-type(2)'), sent);
      await page.getByRole('button', { name: 'Bring worker 1 back' }).click();
      await status(0, /^there$/);
      assert.equal(await read(page, '#notices'), '');
      await page.getByRole('button', { name: 'Crash worker 2' }).click();
      await status(1, /^gone$/);
      await waitForText(
        page,
        '#notices',
        /Worker 2 is gone\. .*The run goes on without it\./,
        RUN_MS,
      );
      await waitForRound(page, (await roundOf(page)) + 3);
      await page.getByRole('button', { name: 'Take worker 1 offline' }).click();
      await waitForText(page, '#state', /^Nobody is there/, RUN_MS);
      await page.getByRole('button', { name: 'Bring worker 2 back' }).click();
      await waitForText(page, '#state', /^Training/, RUN_MS);
      await waitForRound(page, (await roundOf(page)) + 2);
      // Nobody is gone any more.
      await waitForText(page, '#worker-table', /there/);
      assert.equal(await page.locator('#notices .notice').count(), 0);
    });
  });

  it('tells of workers that failed by themselves', async () => {
    await withTraining(`${SMALL}&model=lenet5&rate=5`, async (page) => {
      await page.click('#start');
      await waitForText(page, '#notices', /Worker \d is gone\. .*(NaN|infinit)/, RUN_MS);
      await waitForText(page, '#state', /^Nobody is there/, RUN_MS);
      await page.click('#reset');
      await waitForText(page, '#state', /^Ready/);
    });
  });

  it('compares runs, and fills the map', async () => {
    await withTraining(SMALL, async (page) => {
      await train(page);
      await page.click('text=Baseline');
      await train(page);
      const rows = page.locator('#runs tbody tr');
      assert.equal(await rows.count(), 2);
      assert.match(await rows.nth(0).innerText(), /SBC p = 1 %, n = 10/);
      assert.match(await rows.nth(1).innerText(), /Dense[^]*×1\.0/);
      for (const chart of ['#by-bytes', '#by-time']) {
        await waitForText(page, `${chart} .u-legend`, /SBC p = 1 %, n = 10[^]*Dense/);
      }
      assert.match(await read(page, '#map [data-cell="0.01:10"]'), /%\s+×3,\d{3}/);
      assert.match(await read(page, '#map [data-cell="1:1"]'), /%\s+×1\.0/);
      // A cell that is free is set, and filled by its run.
      await page.getByRole('button', { name: 'Set p = 10 %, n = 25' }).click();
      assert.match(await page.evaluate(() => location.href), /p=0\.1&n=25/);
      await train(page);
      await page.locator('#map [data-cell="0.1:25"]').waitFor();
      // An earlier run's settings come back.
      await page.getByRole('link', { name: 'Again: Dense' }).click();
      await page.waitForFunction(
        () => /** @type {any} */ (document.querySelector('#train-method')).value === 'none',
      );
      await page.getByRole('button', { name: 'Remove Dense' }).click();
      assert.equal(await rows.count(), 2);
      await page.click('#remove-runs');
      assert.equal(await rows.count(), 0);
    });
  });

  it('fills the map by itself, until it is told to stop', async () => {
    await withTraining('examples=500&iterations=20', async (page) => {
      await page.click('#fill');
      await page.waitForFunction(
        () => document.querySelectorAll('#map .filled').length >= 3,
        null,
        {
          timeout: RUN_MS,
        },
      );
      await page.click('#fill-stop');
      await page.locator('#fill').waitFor();
      await waitForText(page, '#state', /^Ready/);
      const filled = await page.locator('#map .filled').count();
      await page.waitForTimeout(2000);
      assert.equal(await page.locator('#map .filled').count(), filled);
    });
  });

  it('agrees with itself: the baseline is dense exchange', async () => {
    await withTraining(`${SMALL}&method=none&n=1&p=0.01&workers=3`, async (page) => {
      await train(page);
      assert.equal(await read(page, '#sent'), await read(page, '#dense'));
      for (const id of ['#down', '#seconds']) {
        const [value, note] = (await page.locator(`dd:has(${id})`).innerText()).split(/\s*dense: /);
        assert.equal(value.trim(), note.trim(), id);
      }
      assert.match(await read(page, '.headline'), /^=\s+as many bytes sent as by dense exchange/);
      assert.match(await read(page, '#dense-note'), /4 bytes for each of the\s+266,610 weights/);
      // So say the workers, the table of the runs, and the map.
      const sent = await read(page, '#sent');
      for (const row of await page.locator('#worker-table tbody tr').allInnerTexts()) {
        assert.equal(row.split(sent).length, 3, row);
      }
      assert((await read(page, '#runs')).includes(sent));
      assert.match(await read(page, '#map [data-cell="1:1"]'), /×1\.00$/);
      const charts = page.locator('#traffic .u-series .line-key line');
      const keys = await charts.evaluateAll((lines) => lines.map((line) => line.outerHTML));
      assert.equal(new Set(keys).size, 6);
    });
  });

  it('keeps the focus', async () => {
    await withTraining(`${LONG}&workers=2`, async (page) => {
      await page.focus('#start');
      await page.keyboard.press('Enter');
      await waitForRound(page, 1);
      assert.equal(await focused(page), 'pause');
      await page.getByRole('button', { name: 'Take worker 1 offline' }).press('Enter');
      await waitForText(page, '#worker-table tr[data-worker="0"] .status', /^offline$/, RUN_MS);
      assert.equal(await focused(page), 'Bring worker 1 back');
      await page.keyboard.press('Enter');
      await waitForText(page, '#worker-table tr[data-worker="0"] .status', /^there$/, RUN_MS);
      assert.equal(await focused(page), 'Take worker 1 offline');
      for (const width of [360, 768, 1440]) {
        await page.setViewportSize({ width, height: 800 });
        assert.deepEqual(await findClipped(page), [], `${width} pixels`);
      }
      await page.focus('#reset');
      await page.keyboard.press('Enter');
      await waitForText(page, '#state', /^Ready/);
      assert.equal(await focused(page), 'reset');
      await page.getByRole('button', { name: /^Remove SBC/ }).press('Enter');
      await page.locator('#no-runs').waitFor();
      assert.notEqual(await focused(page), 'BODY');
      await page.focus('#fill');
      await page.keyboard.press('Enter');
      await page.locator('#fill-stop').waitFor();
      assert.equal(await focused(page), 'fill-stop');
      await page.keyboard.press('Enter');
      await page.locator('#fill').waitFor();
      assert.equal(await focused(page), 'fill');
    });
  });

  it('goes back to the settings before', async () => {
    await withTraining('', async (page) => {
      await page.click('text=Baseline');
      await page.selectOption('#train-model', 'lenet5');
      const method = () => page.inputValue('#train-method');
      await page.goBack();
      await page.waitForFunction(
        () => /** @type {any} */ (document.querySelector('#train-model')).value === 'mlp',
      );
      assert.equal(await method(), 'none');
      await page.goBack();
      await page.waitForFunction(
        () => /** @type {any} */ (document.querySelector('#train-method')).value === 'sbc',
      );
      assert.equal(await page.evaluate(() => location.hash), '#train');
    });
  });

  it('hands its model on, compressed', async () => {
    await withTraining(SMALL, async (page) => {
      assert(await page.isDisabled('#read'));
      await train(page);
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.click('#save-learned'),
      ]);
      const model = await Model.load(readFileSync(await download.path()));
      // It is as its text says.
      await waitForText(page, '#learned', /^After round 6: /);
      const text = await read(page, '#learned');
      const [, zeros, values] =
        /: ([\d.]+) % of its weights are 0, .* (\d+) different/.exec(text) ?? [];
      const weights = model.layers.reduce((sum, { rows, cols }) => sum + rows * cols, 0);
      const nonzero = model.layers.reduce((sum, { nnz }) => sum + nnz, 0);
      assert.equal(zeros, (100 * (1 - nonzero / weights)).toFixed(1));
      assert(Number(zeros) >= 30, text);
      for (const { distinct } of model.layers) assert(distinct <= Number(values));
      assert(model.byteLength < model.denseByteLength / 3);
      const [after, before] = [...text.matchAll(/read\w* ([\d.]+) %/g)].map(([, share]) =>
        Number(share),
      );
      assert(after >= before - 1.05, text);
      assert.deepEqual(model.inputShape.slice(-2), [28, 28]);
      const logits = model.run(new Float32Array(784));
      assert.equal(logits.length, 10);
      model.dispose();
      await page.click('#read');
      await waitForText(page, '#bytes', /Trained here/);
      await page.focus('#pad');
      await page.keyboard.press('1');
      await waitForText(page, '#digits .best', /^\d\s+\d+ %$/);
      // Kept in the browser, it is still there after a reload.
      await page.waitForURL(/#infer\?model=[0-9a-f]{32}/);
      await page.reload();
      await waitForText(page, '#bytes', /Kept in this browser/);
      await waitForText(page, '#digits .best', /^\d\s+\d+ %$/);
    });
  });

  it('says what is wrong with files', async () => {
    await withTraining('data=own', async (page) => {
      await waitForText(page, '#file-note', /drop your MNIST files again/);
      assert.equal(await page.inputValue('#train-data'), 'digits');
      assert.doesNotMatch(await page.evaluate(() => location.href), /own/);
      await dropFiles(page, [{ name: 'notes.txt', bytes: 'hello' }]);
      await waitForText(page, '#file-error', /“notes\.txt” is not one of MNIST's files/);
      const images = Buffer.alloc(16 + 20 * 784);
      [0x803, 20, 28, 28].forEach((value, index) => images.writeUInt32BE(value, 4 * index));
      await dropFiles(page, [{ name: 'images', bytes: images }]);
      await waitForText(page, '#file-error', /“images” holds 20 images.*labels/);
      // Whose labels are too few is found out when they are read.
      const labels = Buffer.alloc(12);
      [0x801, 20].forEach((value, index) => labels.writeUInt32BE(value, 4 * index));
      await dropFiles(page, [
        { name: 'images', bytes: images },
        { name: 'labels', bytes: labels },
      ]);
      await waitForText(page, '#file-note', /Your files have 20 images/);
      assert.equal(await read(page, '#file-error'), '');
      await page.click('#start');
      await waitForText(page, '#train-error', /damaged/, RUN_MS);
      await waitForText(page, '#state', /^Ready/);
    });
  });

  it('learns from own MNIST files', { skip: noData }, async () => {
    await withTraining('iterations=100', async (page) => {
      await page.setInputFiles(
        '#train-files',
        ['t10k-labels-idx1-ubyte.gz', 't10k-images-idx3-ubyte.gz'].map((name) => ({
          name,
          mimeType: '',
          buffer: readData('mnist', name),
        })),
      );
      await waitForText(page, '#file-note', /Your files have 10,000 images, a fifth for testing/);
      await train(page);
      assert.match(await read(page, '#worker-table tr[data-worker="0"]'), /2,000/);
      assert.match(await read(page, '#runs'), /own files/);
      assert(parseFloat(await read(page, '#accuracy')) > 60);
    });
  });

  it('deals out few labels to each worker', async () => {
    await withTraining(`${SMALL}&split=labels:2`, async (page) => {
      await page.click('#step');
      await waitForRound(page, 1);
      const texts = await page.locator('#worker-table tbody tr td:nth-of-type(1)').allInnerTexts();
      for (const text of texts) assert.match(text, /^\d+, \d( \d)?$/);
    });
  });

  it('goes on while another view is shown', async () => {
    await withTraining(LONG, async (page) => {
      await page.click('#start');
      await waitForRound(page, 1);
      const before = await roundOf(page);
      await page.click('nav a[data-view="inside"]');
      await page.locator('inside-view').waitFor();
      await page.waitForTimeout(2000);
      await page.click('nav a[data-view="train"]');
      await waitForRound(page, before + 1);
      await waitForText(page, '#state', /^Training/);
    });
  });

  it('has no task longer than 50 ms while it trains', async () => {
    await withTraining(LONG, async (page) => {
      await page.click('#start');
      await waitForRound(page, 2);
      const longestTask = await traceTasks(page);
      await waitForRound(page, (await roundOf(page)) + 20);
      const longest = await longestTask();
      assert(longest > 0 && longest < 50, `a task of ${longest} ms`);
    });
  });

  it('is as it began after thirty resets', async () => {
    await withTraining('examples=500&iterations=20000&workers=2', async (page) => {
      const session = await page.context().newCDPSession(page);
      const measure = async () => {
        await session.send('HeapProfiler.collectGarbage');
        const { metrics } = await session.send('Performance.getMetrics');
        const of = (/** @type {string} */ name) =>
          metrics.find((metric) => metric.name === name)?.value ?? NaN;
        return {
          heap: of('JSHeapUsedSize'),
          nodes: of('Nodes'),
          threads: await countThreads(page),
        };
      };
      const once = async () => {
        await page.click('#start');
        await waitForRound(page, 1);
        await page.click('#reset');
        await waitForText(page, '#state', /^Ready/);
        await page.click('#remove-runs');
      };
      await session.send('Performance.enable');
      const idle = await countThreads(page);
      for (let time = 0; time < 3; ++time) await once(); // what is made once is there now
      await page.waitForTimeout(1500);
      const before = await measure();
      for (let time = 0; time < 30; ++time) await once();
      await page.waitForTimeout(1500);
      const after = await measure();
      assert.equal(after.threads, idle);
      assert(after.heap < before.heap + 1.5e6, `${before.heap} bytes, then ${after.heap}`);
      assert(after.nodes < before.nodes * 1.2 + 200, `${before.nodes} nodes, then ${after.nodes}`);
    });
  });

  it('looks right', async () => {
    await withTraining('workers=6&iterations=80&examples=3000', async (page) => {
      await train(page);
      await page.click('text=FedAvg');
      await train(page);
      await checkLook(page, 'train');
    });
  });
});
