// SPDX-License-Identifier: Apache-2.0

/** The npm package as users of bundlers have it: installed, bundled with Vite, in Chromium. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { build, preview } from 'vite';

import { Simulation } from '../../web/lib/index.js';
import { installPackage } from '../support/install.js';
import { launchBrowser, openPage } from '../support/browser.js';

const MULTIPLY = `const m = Matrix.fromDense([0, 4, 4, 2, 3, 0, 0, 4], 2, 4, { format: 'cser' });
  const text = m.format + ' ' + m.multiply([1, 10, 100, 1000]).join(' ');`;

/** @type {import('../../web/lib/index.js').SimulationOptions} */
const SIMULATION = {
  ...{ model: 'mlp', data: { digits: 60 }, workers: 2, batch: 4, delay: 2, seed: 5 },
  compressor: { name: 'sbc', sparsity: 0.05 },
};

const PAGES = {
  plain: `import { Matrix, init } from 'lowtropy';
    await init();
    ${MULTIPLY}
    document.title = text;`,
  // The address is the bundler's, and a worker gets what is compiled.
  thread: `import { Matrix, init, wasmModule } from 'lowtropy';
    import wasmUrl from 'lowtropy/lowtropy.wasm?url';
    await init({ wasmUrl });
    const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }) => { document.title = data; };
    worker.onerror = ({ message }) => { document.title = 'Error: ' + message; };
    worker.onmessageerror = () => { document.title = 'Error: the message arrived damaged'; };
    worker.postMessage(wasmModule());`,
  // Threads that the package starts by itself, and that the bundler has to find.
  train: `import { Simulation } from 'lowtropy/training';
    const simulation = new Simulation(${JSON.stringify(SIMULATION)});
    for await (const round of simulation.run({ iterations: 4 })) console.debug(round.loss);
    const digest = await crypto.subtle.digest('SHA-256', await simulation.weights());
    await simulation.dispose();
    document.title = [...new Uint8Array(digest)].map((byte) => byte.toString(16)).join(' ');`,
  // Two inputs of rank 5 by their names, with symbols and a batch of 3.
  inputs: `import { Model } from 'lowtropy';
    import { RANK_FIVE, makeRankFiveRun } from './rank-five.js';
    const model = await Model.fromGraph(RANK_FIVE, new Map());
    const texts = [];
    for (const [batch, width] of [[3, 7], [1, 4], [3, 7]]) {
      const { inputs, expected } = makeRankFiveRun(batch, width);
      const same = JSON.stringify(model.run(inputs)) === JSON.stringify(expected);
      texts.push(same + ' ' + expected.both.shape);
    }
    document.title = texts.join('; ');`,
  // What a server answers that knows no such file, and shows its page instead.
  html: `import { init } from 'lowtropy';
    const failed = await init({ wasmUrl: 'html.html' }).catch((error) => error);
    await init();
    document.title = failed.name + ': ' + failed.message;`,
};

const RANK_FIVE_FILE = new URL('../support/rank-five.js', import.meta.url);

const WORKER = `import { Matrix, init } from 'lowtropy';
  onmessage = async ({ data }) => {
    try {
      await init({ module: data });
      ${MULTIPLY}
      postMessage(text);
    } catch (error) {
      postMessage(String(error));
    }
  };`;

describe('package: bundled with Vite, in Chromium', () => {
  /** @type {import('../support/install.js').Installed} */
  let installed;
  /** @type {import('playwright-core').Browser} */
  let browser;
  /** @type {import('vite').PreviewServer} */
  let server;
  /** @type {string[]} */
  const warnings = [];

  before(async () => {
    installed = await installPackage();
    const root = join(installed.folder, 'page');
    mkdirSync(root);
    for (const [name, code] of Object.entries(PAGES)) {
      writeFileSync(join(root, `${name}.js`), code);
      writeFileSync(
        join(root, `${name}.html`),
        `<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>…</title>
        <script type="module" src="./${name}.js"></script>`,
      );
    }
    writeFileSync(join(root, 'worker.js'), WORKER);
    copyFileSync(RANK_FIVE_FILE, join(root, 'rank-five.js'));
    await build({
      root,
      base: './',
      configFile: false,
      logLevel: 'warn',
      customLogger: {
        info: () => {},
        warn: (message) => warnings.push(message),
        warnOnce: (message) => warnings.push(message),
        error: (message) => warnings.push(message),
        clearScreen: () => {},
        hasErrorLogged: () => false,
        hasWarned: false,
      },
      build: {
        target: 'es2022',
        rollupOptions: { input: Object.keys(PAGES).map((name) => join(root, `${name}.html`)) },
      },
    });
    server = await preview({
      root,
      configFile: false,
      logLevel: 'silent',
      preview: { host: '127.0.0.1', port: 0 },
    });
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await server?.close();
    installed?.remove();
  });

  test('the bundler has nothing to say, and ships only the WebAssembly that was asked for', () => {
    assert.deepEqual(warnings, []);
    const assets = readdirSync(join(installed.folder, 'page', 'dist', 'assets'));
    const modules = assets.filter((name) => name.endsWith('.wasm'));
    assert.equal(modules.length, 1, `${assets}`);
  });

  test('workers learn to the same bits as in Node.js', async () => {
    const simulation = new Simulation(SIMULATION);
    for await (const { lost } of simulation.run({ iterations: 4 })) assert.deepEqual(lost, []);
    const digest = createHash('sha256')
      .update(await simulation.weights())
      .digest();
    await simulation.dispose();
    const { page, complaints } = await openPage(browser);
    await page.goto(`${server.resolvedUrls?.local[0]}train.html`);
    await page.waitForFunction(() => document.title !== '…').catch(() => {});
    assert.deepEqual(complaints, []);
    assert.equal(await page.title(), [...digest].map((byte) => byte.toString(16)).join(' '));
    await page.context().close();
  });

  const expected = {
    plain: /^cser 2440 4003$/,
    thread: /^cser 2440 4003$/,
    inputs: /^true 3,4,3,2,7; true 1,4,3,2,4; true 3,4,3,2,7$/,
    html: /^EngineError: http\S+html\.html holds HTML where WebAssembly was expected; is .*\?$/,
  };
  for (const [name, title] of Object.entries(expected)) {
    test(name, async () => {
      const { page, complaints } = await openPage(browser);
      const address = server.resolvedUrls?.local[0] ?? '';
      await page.goto(`${address}${name}.html`);
      await page.waitForFunction(() => document.title !== '…').catch(() => {});
      assert.deepEqual(complaints, []);
      assert.match(await page.title(), title);
      await page.context().close();
    });
  }
});
