// SPDX-License-Identifier: Apache-2.0

/**
 * The package as users have it: packed, installed, built by what they build with as it comes, without
 * any configuration, and run where that is meant for.
 *
 * In short each tool does the work that asks most of it; in full, by `npm run test:bundlers`, each version
 * of them does all.
 */

import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { launchBrowser, openPage } from '../support/browser.js';
import {
  PRODUCT,
  WORKS,
  importPeer,
  makeProject,
  readFolderTitle,
  readTitle,
  runNode,
  runPeer,
  serveFolder,
  writePage,
} from './project.js';

const FULL = process.env.LOWTROPY_BUNDLERS === 'all';

const VITES = FULL ? ['vite-5', 'vite-7', 'vite-8'] : ['vite-8'];
const PAGES = FULL ? WORKS : /** @type {const} */ (['train', 'import']);
/** The work of each entry of the package. */
const ENTRIES = FULL
  ? /** @type {const} */ (['multiply', 'train', 'onnx'])
  : /** @type {const} */ (['train']);

describe('bundlers', () => {
  /** @type {import('./project.js').Installed} */
  let project;
  /** @type {import('playwright-core').Browser} */
  let browser;
  /** What each work gives. @type {Record<import('./project.js').Work, string>} */
  let expected;

  before(async () => {
    [project, browser] = await Promise.all([makeProject(), launchBrowser()]);
    const learned = await runNode(['train/main.js'], project.folder);
    assert.match(learned, /^\d+ -?\d+\.\d+$/);
    expected = {
      ...{ multiply: PRODUCT, train: learned, share: PRODUCT },
      ...{ import: PRODUCT, onnx: PRODUCT },
    };
  });
  after(async () => {
    await browser?.close();
    project?.remove();
  });

  for (const vite of VITES) {
    for (const work of PAGES) {
      test(`${vite} build: ${work}`, async () => {
        const output = join(project.folder, 'out', vite, work);
        const args = ['build', work, '--outDir', output, '--logLevel', 'warn'];
        assert.equal(await runPeer(`${vite}/bin/vite.js`, args, project.folder), '');
        assert.equal(await readFolderTitle(browser, output), expected[work]);
      });
    }
    test(`${vite} dev`, async () => {
      const { createServer } = await importPeer(`${vite}/dist/node/index.js`);
      for (const work of PAGES) {
        const server = await createServer({
          root: join(project.folder, work),
          configFile: false,
          logLevel: 'silent',
          server: { host: '127.0.0.1', port: 0 },
        });
        try {
          await server.listen();
          const [url] = server.resolvedUrls.local;
          assert.equal(await readTitle(browser, url), expected[work], work);
        } finally {
          await server.close();
        }
      }
    });
  }

  for (const work of PAGES) {
    test(`webpack for the web: ${work}`, async () => {
      const folder = join(project.folder, 'out', 'webpack', work);
      await webpack({ entry: `./${work}/page.js`, output: { path: join(folder, 'inner') } });
      writePage(folder, 'inner/main.js', 'defer');
      assert.equal(await readFolderTitle(browser, folder), expected[work]);
    });
  }

  for (const format of FULL ? ['esm', 'iife'] : ['iife']) {
    for (const work of ENTRIES) {
      test(`esbuild for the web: ${format}, ${work}`, async () => {
        const folder = join(project.folder, 'out', 'esbuild', format, work);
        await esbuild(`${work}/page.js`, join(folder, 'page.js'), [
          '--minify',
          `--format=${format}`,
        ]);
        writePage(folder, 'page.js', format === 'esm' ? 'type="module"' : '');
        assert.equal(await readFolderTitle(browser, folder), expected[work]);
      });
    }
  }

  test('a policy that allows no threads of text', async () => {
    const folder = join(project.folder, 'out', 'vite-8', 'policy');
    const args = ['build', 'train', '--outDir', folder, '--logLevel', 'warn'];
    assert.equal(await runPeer('vite-8/bin/vite.js', args, project.folder), '');
    const file = join(folder, 'index.html');
    const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src data:";
    const meta = `<meta http-equiv="Content-Security-Policy" content="${policy}">`;
    writeFileSync(file, readFileSync(file, 'utf8').replace('<link', `${meta}<link`));
    const server = await serveFolder(folder);
    const { page } = await openPage(browser);
    try {
      await page.goto(server.url);
      await page.waitForFunction(() => document.title !== 'waiting');
      assert.equal(await page.title(), expected.train);
    } finally {
      await page.context().close();
      server.close();
    }
  });

  test('a service worker', async () => {
    const folder = join(project.folder, 'out', 'service');
    writeFileSync(
      join(project.folder, 'service.js'),
      `import { work as multiply } from './multiply/multiply.js';
      import { work as train } from './train/train.js';
      import { work as importing } from './onnx/onnx.js';
      import { Compressor, initTraining } from 'lowtropy/training';
      async function compress() {
        await initTraining();
        return new Compressor('sbc', { sparsity: 0.5 }, { w: 4 })
          .encode({ w: Float32Array.of(1, 2, 3, 4) }, { round: 0, sender: 0 }).length > 0;
      }
      addEventListener('message', async ({ source }) => {
        for (const work of [multiply, importing, compress, train]) source.postMessage(await work().catch(String));
      });`,
    );
    await esbuild('service.js', join(folder, 'service.js'), []);
    writeFileSync(
      join(folder, 'page.js'),
      `const heard = [];
      navigator.serviceWorker.onmessage = ({ data }) => {
        if (heard.push(data) === 4) document.title = heard.join('; ');
      };
      navigator.serviceWorker.register('service.js');
      navigator.serviceWorker.ready.then(({ active }) => active.postMessage('work'));`,
    );
    writePage(folder, 'page.js');
    assert.equal(
      await readFolderTitle(browser, folder),
      `${PRODUCT}; ${PRODUCT}; true; UnsupportedError: There are no threads here: neither Worker, which ` +
        'service workers lack, nor node:worker_threads.',
    );
  });

  for (const format of FULL ? ['es', 'iife'] : ['es']) {
    for (const work of ENTRIES) {
      test(`Rollup for the web: ${format}, ${work}`, async () => {
        const folder = join(project.folder, 'out', 'rollup', format, work);
        const warnings = await rollup(`${work}/page.js`, join(folder, 'page.js'), format);
        if (format === 'es' || work !== 'train') assert.deepEqual(warnings, []);
        writePage(folder, 'page.js', format === 'es' ? 'type="module"' : '');
        assert.equal(await readFolderTitle(browser, folder), expected[work]);
      });
    }
  }

  test('Parcel', async () => {
    for (const work of PAGES) {
      const output = join(project.folder, 'out', 'parcel', work);
      const args = ['build', `${work}/index.html`, '--no-cache', '--dist-dir', output];
      await runPeer('parcel/lib/bin.js', args, project.folder);
      assert.equal(await readFolderTitle(browser, output), expected[work], work);
    }
  });

  /** @param {object} configuration */
  async function webpack(configuration) {
    const { default: compile } = await importPeer('webpack/lib/index.js');
    const all = { context: project.folder, mode: 'production', ...configuration };
    const stats = await new Promise((resolve, reject) =>
      compile(all, (/** @type {unknown} */ error, /** @type {any} */ result) =>
        error ? reject(error) : resolve(result),
      ),
    );
    const { errors } = stats.toJson({ all: false, errors: true });
    assert.deepEqual(errors, []);
  }

  /**
   * @param {string} entry
   * @param {string} output
   * @param {string[]} options
   */
  async function esbuild(entry, output, options) {
    const args = [entry, '--bundle', `--outfile=${output}`, '--log-level=warning', ...options];
    assert.equal(await runPeer('esbuild/bin/esbuild', args, project.folder), '');
  }

  /**
   * @param {string} entry
   * @param {string} output
   * @param {string} format
   * @returns {Promise<string[]>} its warnings
   */
  async function rollup(entry, output, format) {
    const [{ rollup: bundle }, { nodeResolve }] = await Promise.all([
      importPeer('rollup/dist/es/rollup.js'),
      importPeer('@rollup/plugin-node-resolve/dist/es/index.js'),
    ]);
    /** @type {string[]} */
    const warnings = [];
    const built = await bundle({
      input: join(project.folder, entry),
      plugins: [nodeResolve()],
      onwarn: (/** @type {{ message: string }} */ { message }) => warnings.push(message),
    });
    await built.write({ file: output, format });
    await built.close();
    return warnings;
  }

  describe('for Node.js, run where the package is not', () => {
    /** @type {string} */
    let folder;
    before(async () => {
      const output = join(project.folder, 'node');
      for (const work of ENTRIES) {
        const entry = `${work}/main.js`;
        for (const format of ['esm', 'cjs', 'iife']) {
          const file = join(
            output,
            `esbuild-${format}-${work}.${format === 'esm' ? 'mjs' : 'cjs'}`,
          );
          await esbuild(entry, file, ['--platform=node', `--format=${format}`]);
        }
        await rollup(entry, join(output, `rollup-es-${work}.mjs`), 'es');
        await rollup(entry, join(output, `rollup-cjs-${work}.cjs`), 'cjs');
        await webpack({
          entry: `./${entry}`,
          target: 'node',
          output: { path: output, filename: `webpack-${work}.cjs` },
        });
      }
      folder = mkdtempSync(join(tmpdir(), 'lowtropy-built-'));
      cpSync(output, folder, { recursive: true });
      rmSync(join(project.folder, 'node_modules', 'lowtropy'), { recursive: true });
    });
    after(() => folder && rmSync(folder, { recursive: true }));

    for (const name of [
      ...['esbuild-esm', 'esbuild-cjs', 'esbuild-iife', 'rollup-es', 'rollup-cjs', 'webpack'],
    ]) {
      for (const work of ENTRIES) {
        test(`${name}: ${work}`, async () => {
          const file = readdirSync(folder).find((entry) => entry.startsWith(`${name}-${work}.`));
          assert.equal(await runNode([join(folder, `${file}`)], folder), expected[work]);
        });
      }
    }
  });
});

describe('Node.js', () => {
  /** @type {import('./project.js').Installed} */
  let project;
  before(async () => {
    project = await makeProject();
  });
  after(() => project?.remove());

  test('with code on its command line, in any way', async () => {
    const { folder } = project;
    const file = await runNode(['train/main.js'], folder);
    const code = readFileSync(join(folder, 'train', 'main.js'), 'utf8').replace('./', './train/');
    const later = "import('./train/train.js').then(({ work }) => work()).then(console.log)";
    const preload = join(folder, 'preload.cjs');
    writeFileSync(
      preload,
      "if (!require('node:worker_threads').isMainThread) throw new Error('not for threads');",
    );
    for (const args of [
      ['--input-type=module', '-e', code],
      ['-e', later],
      ['--require', preload, 'train/main.js'],
    ]) {
      assert.equal(await runNode(args, folder), file, args[0]);
    }
    assert.equal(await runNode(['-p', `${later}, 1`], folder), `1\n${file}`);
    const options = { NODE_OPTIONS: '--input-type=module' };
    assert.equal(await runNode(['-e', code], folder, options), file);
  });

  test('where self, window or document are half of what they are in browsers', async () => {
    const work = './multiply/multiply.js';
    for (const globals of [
      '{ self: {} }',
      '{ self: globalThis, window: globalThis }',
      '{ self: {}, importScripts() {} }',
      '{ self: {}, window: {}, document: {}, location: {}, WorkerGlobalScope: {} }',
    ]) {
      const load = `Object.assign(globalThis, ${globals});
        console.log(await (await import('${work}')).work());`;
      const printed = await runNode(['--input-type=module', '-e', load], project.folder);
      assert.equal(printed, PRODUCT, globals);
    }
  });

  test('jest with jsdom: ES modules, and CommonJS made of them', async () => {
    const { folder } = project;
    const check = `test('multiplies', async () => {
      expect(typeof document).toBe('object');
      expect(await work()).toBe('${PRODUCT}');
    });`;
    writeFileSync(
      join(folder, 'multiply', 'jsdom.test.js'),
      `import { work } from './multiply.js'; ${check}`,
    );
    writeFileSync(
      join(folder, 'train', 'jsdom.test.js'),
      `import { work } from './train.js';
      test('trains', async () => { expect(await work()).toMatch(/^\\d+ -?\\d/); }, 600_000);`,
    );
    const jest = ['../node_modules/jest/bin/jest.js', '--env=jsdom', '--watchman=false', '--ci'];
    await runNode(['--experimental-vm-modules', ...jest], folder);
    writeFileSync(
      join(folder, 'jest.config.json'),
      JSON.stringify({
        testMatch: ['**/multiply/jsdom.test.js'],
        transformIgnorePatterns: [],
        transform: {
          '\\.js$': ['babel-jest', { plugins: ['@babel/plugin-transform-modules-commonjs'] }],
        },
      }),
    );
    await runNode([...jest, '--config', 'jest.config.json'], folder);
  });
});
