// SPDX-License-Identifier: Apache-2.0

/** "Look inside", used as a person would. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { dropFiles } from '../support/browser.js';
import { checkLook, read, usePage, waitForText, withPage } from './page.js';

/** @typedef {import('playwright-core').Page} Page */

/** The arrays of the worked example, as in the formats' documentation. */
const GOLDEN = {
  dense: { values: '0 4 4 2 3 0 0 4 0 0 2 2 4 0 4 0' },
  csr: { values: '4 4 2 3 4 2 2 4 4', colI: '1 2 3 0 3 2 3 0 2', rowPtr: '0 3 5 7 9' },
  cer: {
    omega: '0 4 2 3',
    colI: '1 2 3 3 0 2 3 0 2',
    omegaPtr: '0 2 3 4 4 5 5 7 9',
    rowPtr: '0 2 5 7 8',
  },
  cser: {
    omega: '0 4 2 3',
    colI: '1 2 3 3 0 2 3 0 2',
    omegaPtr: '0 2 3 4 5 7 9',
    omegaI: '1 2 1 3 2 1',
    rowPtr: '0 2 4 5 6',
  },
};

/** @param {Page} page */
async function ready(page) {
  await waitForText(page, '#format-cser', /omegaI/);
  await page.locator('#codes .code').first().waitFor();
}

/**
 * @param {(page: Page) => Promise<unknown>} work
 * @param {string} [query]
 * @param {import('./page.js').PageOptions} [options]
 */
function withInside(work, query = '', options = {}) {
  return withPage(
    async (page) => {
      await ready(page);
      await work(page);
    },
    { hash: `#inside${query}`, ...options },
  );
}

/**
 * @param {Page} page
 * @returns {Promise<Record<string, Record<string, string>>>} what the cells say, by format and array
 */
function readArrays(page) {
  return page.evaluate(() => {
    /** @type {Record<string, Record<string, string>>} */
    const found = {};
    for (const card of document.querySelectorAll('format-card')) {
      const arrays = [...card.querySelectorAll('.array')].map((array) => {
        const cells = [...array.querySelectorAll('.cell')].map(
          (cell) => cell.lastChild?.textContent,
        );
        return [array.getAttribute('data-array'), cells.map((text) => text?.trim()).join(' ')];
      });
      found[card.id.replace('format-', '')] = Object.fromEntries(
        arrays.map(([name, cells]) => [name, String(cells).replaceAll(/^ +| +$/g, '')]),
      );
    }
    return found;
  });
}

/**
 * @param {Page} page
 * @param {string} format
 * @returns {Promise<string[]>} what is lit up there, such as "colI 1 column"
 */
async function readMarks(page, format) {
  const cells = page.locator(`#format-${format} .cell[aria-selected="true"]`);
  return cells.evaluateAll((list) =>
    list.map((cell) => {
      const array = cell.closest('.array')?.getAttribute('data-array');
      return `${array} ${cell.getAttribute('data-index')} ${cell.className.replace('cell ', '')}`;
    }),
  );
}

/** @param {Page} page */
async function readCounts(page) {
  const texts = await page.locator('.counts dd').allInnerTexts();
  return texts.map((text) => text.replace(/\s+/g, ' ').trim());
}

/**
 * @param {Page} page
 * @param {string} id of a slider
 * @param {number} value
 */
async function slide(page, id, value) {
  await page.locator(`#${id}`).evaluate((input, to) => {
    /** @type {HTMLInputElement} */ (input).value = String(to);
    input.dispatchEvent(new Event('input', { bubbles: true }));
  }, value);
}

/**
 * What the bits say, decoded here: by the gaps' unary parts and rests, the lowest bit first.
 *
 * @param {Page} page
 */
function readPositions(page) {
  return page.evaluate(() => {
    let next = 0;
    let bits = 0;
    const positions = [...document.querySelectorAll('#codes .code')].map((code) => {
      /** @param {string} part */
      const bitsOf = (part) =>
        (code.querySelector(part)?.lastChild?.textContent ?? '').replace(/[^01]/g, '');
      const [unary, rest] = [bitsOf('.unary'), bitsOf('.rest')];
      bits += unary.length + rest.length;
      const low = parseInt([...rest].reverse().join('') || '0', 2);
      const index = next + (unary.length - 1) * 2 ** rest.length + low;
      next = index + 1;
      return { index, shown: Number(code.querySelector('.position')?.textContent) };
    });
    return { positions, bits };
  });
}

describe('page: look inside', () => {
  usePage();

  test('the worked example has the arrays of the documentation', () =>
    withInside(async (page) => {
      assert.deepEqual(await readArrays(page), GOLDEN);
      assert.equal(await read(page, '#p0'), '43.8 %\nthe most frequent value');
      assert.match(await read(page, '#format-cser .size'), /^43 bytes 67 % · 5 additions, 6 multi/);
      assert.equal(await page.evaluate(() => location.hash), '#inside');
    }));

  test('an element under the pointer lights up what belongs to it', () =>
    withInside(async (page) => {
      await page.locator('#matrix [data-index="2"]').hover();
      await waitForText(page, '#picked', /^Row 0, column 2 holds 4: .* with column 1 of row 0\.$/);
      assert.deepEqual(await readMarks(page, 'dense'), ['values 2 value']);
      assert.deepEqual(await readMarks(page, 'cser'), [
        'omega 1 value',
        'colI 0 run',
        'colI 1 column',
        'omegaPtr 0 pointer',
        'omegaPtr 1 pointer',
        'omegaI 0 pointer',
        'rowPtr 0 pointer',
        'rowPtr 1 pointer',
      ]);
      await page.locator('#matrix [data-index="0"]').hover();
      await waitForText(
        page,
        '#picked',
        /the most frequent value: CER and CSER hold that once .* as omega\[0\], and do not store where it stands; nor does CSR/,
      );
      assert.deepEqual(await readMarks(page, 'csr'), []);
      await page.locator('h1').hover();
      await waitForText(page, '#picked', /^Point at/);
      assert.deepEqual(await readMarks(page, 'cser'), []);
    }));

  test('one is one, and more than dense is as much more as it is', () =>
    withInside(async (page) => {
      await waitForText(
        page,
        '#format-csr .size',
        /^7 bytes 175 % · 0 additions, 1 multiplication$/,
      );
      await page.click('[data-format="dense"]');
      await waitForText(page, '#step-text', /^1 step, from row 0 on\.$/);
      await page.goBack();
      await page.locator('[data-format="cser"][aria-pressed="true"]').waitFor();
    }, '?m=1x1:5'));

  test('arrow keys move through the matrix and through the arrays', () =>
    withInside(async (page) => {
      await page.locator('#matrix [data-index="0"]').focus();
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('ArrowLeft');
      await waitForText(page, '#picked', /^Row 1, column 0 holds 3: .* a run of its own in row 1/);
      assert.deepEqual((await readMarks(page, 'cer')).slice(0, 2), [
        'omega 3 value',
        'colI 4 column',
      ]);
      await page.locator('#format-cser .cell[tabindex="0"]').focus();
      for (const key of ['ArrowDown', 'ArrowDown', 'ArrowRight']) await page.keyboard.press(key);
      await waitForText(page, '#picked', /^omegaPtr\[1\] = 2: a run starts there in colI/);
      assert.deepEqual((await readMarks(page, 'csr')).slice(0, 2), [
        'values 2 value',
        'colI 2 column',
      ]);
    }));

  test('what is edited changes all four formats, and the address', () =>
    withInside(async (page) => {
      await page.locator('#matrix [data-index="0"]').fill('2.5');
      await waitForText(page, '#distinct', /^5/);
      const { dense, cser } = await readArrays(page);
      assert.equal(dense.values, '2.5 4 4 2 3 0 0 4 0 0 2 2 4 0 4 0');
      assert.equal(cser.omega, '0 4 2 2.5 3');
      await page.waitForFunction(() => location.hash.includes('m=4x4:2.5,4,4,2'));
      await page.locator('#rows').selectOption('2');
      await waitForText(page, '#format-dense', /32 bytes/);
      await page.locator('#cols').selectOption('8');
      await waitForText(page, '#format-dense', /64 bytes/);
      assert.equal((await readArrays(page)).dense.values, '2.5 4 4 2 0 0 0 0 3 0 0 4 0 0 0 0');
      assert.equal(await page.locator('#x input').count(), 8);
      await page.locator('#example').click();
      await waitForText(page, '#distinct', /^4/);
      assert.deepEqual(await readArrays(page), GOLDEN);
    }));

  test('what is no number gets a sentence, and the matrix stays', () =>
    withInside(async (page) => {
      const cell = page.locator('#matrix [data-index="5"]');
      const wrong = {
        abc: /“abc” in row 1, column 1 is not/,
        '': /empty/,
        Infinity: /not a finite/,
      };
      for (const [text, sentence] of Object.entries({
        ...wrong,
        '1e39': /too large for 32 bits/,
      })) {
        await cell.fill(text);
        await page.keyboard.press('Enter');
        await waitForText(page, '#matrix-error', sentence);
        await waitForText(page, '#matrix-error', /The matrix stays as it was\.$/);
        assert.equal(await cell.inputValue(), text, 'nothing that was typed is lost');
        assert.equal(await cell.getAttribute('aria-invalid'), 'true');
      }
      assert.deepEqual(await readArrays(page), GOLDEN);
      await cell.fill('7');
      await waitForText(page, '#distinct', /^5/);
      assert.equal(await page.locator('#matrix-error').innerText(), '');
      await page.locator('#x input').first().fill('x');
      await page.keyboard.press('Tab');
      await waitForText(page, '#x-error', /“x” in element 0 of x is not/);
    }));

  test('the product: step by step to the end and back', () =>
    withInside(async (page) => {
      assert.deepEqual(await readCounts(page), ['0 of 5', '0 of 6', '0 of 42']);
      const step = page.getByRole('button', { name: 'Step', exact: true });
      for (let i = 0; i < 3; ++i) await step.click();
      await waitForText(page, '#step-text', /^Step 3 of 15\. Multiply the sum by 4, once\./);
      assert.equal(await read(page, '#expression'), 'row 0: (x1 + x2) × 4');
      assert.deepEqual(await readCounts(page), ['1 of 5', '1 of 6', '10 of 42']);
      assert((await readMarks(page, 'cser')).includes('colI 0 run'));
      assert.deepEqual(await readMarks(page, 'cer'), [], 'only the format that is stepped through');
      await page.getByRole('button', { name: 'Back' }).click();
      await waitForText(page, '#step-text', /^Step 2 of 15/);
      assert.deepEqual(await readCounts(page), ['1 of 5', '0 of 6', '9 of 42']);
      for (let i = 2; i < 15; ++i) await step.click();
      await waitForText(page, '#check', /is the same\.$/);
      assert.deepEqual(await readCounts(page), ['5 of 5', '6 of 6', '42 of 42']);
      assert.equal((await read(page, '.results')).replace(/\s+/g, ' '), 'y0 28 y1 19 y2 14 y3 16');
      await page.getByRole('button', { name: 'Reset' }).click();
      await waitForText(page, '#step-text', /^15 steps/);
    }));

  test('the product in every format, of a matrix whose most frequent value is not 0', () =>
    withInside(
      async (page) => {
        for (const format of ['dense', 'csr', 'cer', 'cser']) {
          await page.locator(`[data-format="${format}"]`).click();
          await page.getByRole('button', { name: 'To the end' }).click();
          await waitForText(page, '#check', /is the same\.$/);
          assert.equal((await read(page, '.results')).replace(/\s+/g, ' '), 'y0 25 y1 −4', format);
          for (const count of await readCounts(page)) assert.match(count, /^(\d+) of \1$/);
        }
        await waitForText(page, '#step-text', /the most frequent value’s part|Put back 20/);
      },
      '?m=2x3:5,5,0,5,-3,5&x=2,3,-1',
      { reducedMotion: 'reduce' },
    ));

  test('running stops at the end, and at Pause', () =>
    withInside(async (page) => {
      // Time goes on when this test says so.
      await page.clock.install({ time: 0 });
      await page.clock.pauseAt(3_600_000);
      await page.locator('[data-format="cer"]').click();
      await page.getByRole('button', { name: 'Run' }).click();
      await waitForText(page, '#step-text', /^Step 1 of 17/);
      await page.clock.runFor(1400);
      await waitForText(page, '#step-text', /^Step 3 of 17/);
      await page.getByRole('button', { name: 'Pause' }).click();
      await page.clock.runFor(5000);
      await waitForText(page, '#step-text', /^Step 3 of 17/);
      await page.getByRole('button', { name: 'Run' }).click();
      await page.clock.runFor(20_000);
      await waitForText(page, '#check', /is the same\.$/);
      await page.getByRole('button', { name: 'Run' }).and(page.locator(':disabled')).waitFor();
    }));

  test('p and N move k, b*, the bits and the bytes; the bits are the positions', () =>
    withInside(async (page) => {
      const seen = new Set();
      for (const [n, p] of [
        [64, 100],
        [64, 0],
        [256, 120],
        [256, 200],
        [16, 200],
      ]) {
        await slide(page, 'n', n);
        await slide(page, 'p', p);
        const share = 0.005 * 100 ** (p / 200);
        const k = Math.max(1, Math.floor(share * n + 0.5));
        await waitForText(page, '#choice', new RegExp(`= ${k} of ${n}\\.`));
        const { positions, bits } = await readPositions(page);
        assert.equal(positions.length, k);
        for (const { index, shown } of positions) assert.equal(index, shown);
        assert((positions.at(-1)?.index ?? n) < n);
        assert.equal(await read(page, '#bits-positions'), String(bits));
        assert.equal(await read(page, '#bits-indices32'), (32 * k).toLocaleString('en'));
        assert.equal(Number((await read(page, '#measured')).split('\n')[0]), round(bits / k));
        const log = Math.log((Math.sqrt(5) - 1) / 2) / Math.log(1 - k / n);
        const b = Math.max(0, 1 + Math.floor(Math.log2(log)));
        assert.equal(await page.locator('#b').textContent(), String(b));
        const label = String(await page.locator('#bars').getAttribute('aria-label'));
        assert(label.endsWith(`: ${positions.map(({ index }) => index).join(', ')}.`), label);
        seen.add(await page.locator('[data-piece="CRC-32"] dd').textContent());
      }
      assert.equal(seen.size, 5, 'each message is another');
    }));

  test('another update, of the other side', () =>
    withInside(async (page) => {
      const before = await read(page, '#choice');
      await page.locator('#draw-update').click();
      await page.waitForFunction(
        (text) => document.querySelector('#choice')?.textContent?.includes(text) === false,
        before,
      );
      await page.waitForFunction(() => location.hash === '#inside?seed=2');
      await waitForText(page, '#choice', /μ⁻ = [\d.]+ > μ⁺ = [\d.]+, so the 3 most negative/);
      assert.match(await read(page, '[data-piece="value"]'), /−0\.0/);
    }));

  test('the address brings back what was there', () =>
    withInside(async (page) => {
      await page.locator('#rows').selectOption('3');
      await page.locator('#draw').click();
      await page.locator('#x input').first().fill('-0.5');
      await page.locator('[data-format="csr"]').click();
      await page.getByRole('button', { name: 'Step', exact: true }).click();
      await slide(page, 'n', 100);
      await slide(page, 'p', 150);
      await page.locator('#draw-update').click();
      await waitForText(page, '#choice', / of 100\./);
      await page.waitForFunction(() =>
        /^#inside\?m=3x4:.*&x=-0\.5,2,3,4&draw=1&format=csr&step=1&n=100&p=0\.158&seed=2$/.test(
          location.hash,
        ),
      );
      const hash = await page.evaluate(() => location.hash);
      const before = await snapshot(page);
      await page.reload();
      await ready(page);
      await waitForText(page, '#step-text', /^Step 1 /);
      assert.deepEqual(await snapshot(page), before);
      assert.equal(await page.evaluate(() => location.hash), hash);
    }));

  test('an address that is wrong says so, and shows the rest', () =>
    withInside(async (page) => {
      await waitForText(
        page,
        '#inside-error',
        /^The address cannot be shown .* 2 numbers, and should have 4\.$/,
      );
      assert.deepEqual(await readArrays(page), GOLDEN);
      await waitForText(page, '#choice', / of 32\./);
      await dropFiles(page, [{ name: '<b>a</b>.png', bytes: 'x' }]);
      await waitForText(page, '#inside-error', /nothing to be done with “<b>a<\/b>\.png” here/);
    }, '?m=2x2:1,2&n=32'));

  test('it looks right in all widths, and has no barriers', () =>
    withInside(async (page) => {
      await page.locator('#matrix [data-index="2"]').focus();
      await checkLook(page, 'inside');
    }, '?step=9'));

  test('it has room for the largest matrix and update', () =>
    withInside(async (page) => {
      for (const side of ['#rows', '#cols']) await page.locator(side).selectOption('8');
      await page.locator('#draw').click();
      await page.locator('[data-format="dense"]').click();
      await slide(page, 'n', 256);
      await slide(page, 'p', 200);
      await waitForText(page, '#choice', /= 128 of 256\./);
      await page.emulateMedia({ reducedMotion: 'reduce' });
      await page.getByRole('button', { name: /Run|To the end/ }).click();
      await checkLook(page, 'inside-large');
    }));
});

/** @param {number} value */
function round(value) {
  return Number(value.toFixed(3));
}

/** @param {Page} page */
async function snapshot(page) {
  return {
    arrays: await readArrays(page),
    counts: await readCounts(page),
    expression: await read(page, '#expression'),
    choice: await read(page, '#choice'),
    hex: await page.locator('.hex').allInnerTexts(),
    codes: await page.locator('#codes').innerText(),
  };
}
