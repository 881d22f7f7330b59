// SPDX-License-Identifier: Apache-2.0

/** A user's project: the package installed, pages and programs that use it, and what builds them. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

import { openPage } from '../support/browser.js';
import { installPackage } from '../support/install.js';
import { model, node, tensor, tensorType, value } from '../support/onnx-writer.js';

/** @typedef {import('../support/install.js').Installed} Installed */

const run = promisify(execFile);
const peers = fileURLToPath(new URL('../../build/bundlers/', import.meta.url));

/** What the programs below say of a matrix. */
export const PRODUCT = '40 24';

/** What a few workers learn is the same bits everywhere. */
const TRAIN = `const simulation = new Simulation({
    model: 'mlp', data: { digits: 60 }, workers: 2, batch: 4, delay: 2, seed: 5,
    compressor: { name: 'sbc', sparsity: 0.05 },
  });
  for await (const { lost } of simulation.run({ iterations: 4 })) {
    if (lost.length > 0) throw new Error(lost.join());
  }
  const weights = await simulation.weights();
  await simulation.dispose();
  return weights.length + ' ' + weights.reduce((sum, weight) => sum + weight, 0);`;

/** The same product as a network of ONNX. */
const NETWORK = model({
  inputs: [value('x', tensorType('float32', [2, 1]))],
  outputs: [value('y', tensorType('float32', [2, 1]))],
  initializers: [tensor('w', 'float32', [2, 2], Float32Array.of(0, 4, 4, 2))],
  nodes: [node('MatMul', ['w', 'x'], ['y'])],
});

/** @param {string} entry of the package */
const importing = (entry) => `import { importOnnx } from '${entry}';
    export async function work() {
      const model = await importOnnx(Uint8Array.of(${NETWORK.join()}));
      return model.run({ x: [1, 10] }).y.data.join(' ');
    }`;

/** Functions that give a text, in modules of their own. No top-level await, for classic scripts. */
const SOURCES = {
  'multiply.js': `import { Matrix, init } from 'lowtropy';
    export async function work() {
      await init();
      return Matrix.fromDense([0, 4, 4, 2], 2, 2).multiply([1, 10]).join(' ');
    }`,
  'train.js': `import { Simulation } from 'lowtropy/training';
    export async function work() { ${TRAIN} }`,
  // The importer is a part of its own, which is loaded when it is needed; or comes at once.
  'import.js': importing('lowtropy'),
  'onnx.js': importing('lowtropy/onnx'),
  // A worker of the user's own, which gets what is compiled already.
  'share.js': `import { init, wasmModule } from 'lowtropy';
    export async function work() {
      await init();
      const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
      return new Promise((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = ({ message }) => reject(new Error(message));
        worker.postMessage(wasmModule());
      });
    }`,
  'worker.js': `import { Matrix, init } from 'lowtropy';
    onmessage = async ({ data: module }) => {
      await init({ module });
      postMessage(Matrix.fromDense([0, 4, 4, 2], 2, 2).multiply([1, 10]).join(' '));
    };`,
};

/** @typedef {'multiply' | 'train' | 'import' | 'onnx' | 'share'} Work */

/** All of it. @type {Work[]} */
export const WORKS = ['multiply', 'train', 'import', 'onnx', 'share'];

/**
 * Makes a project in which WORK/index.html shows what WORK gives as its title, and WORK/main.js prints
 * it in Node.js.
 *
 * @returns {Promise<Installed>}
 */
export async function makeProject() {
  const installed = await installPackage(peers);
  for (const work of WORKS) {
    const write = (/** @type {string} */ name, /** @type {string} */ text) =>
      writeFileSync(join(installed.folder, work, name), text);
    mkdirSync(join(installed.folder, work));
    for (const [name, text] of Object.entries(SOURCES)) write(name, text);
    write(
      'index.html',
      `<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>waiting</title>
      <script type="module" src="./page.js"></script>`,
    );
    write(
      'page.js',
      `import { work } from './${work}.js';
      work().catch(String).then((text) => { document.title = text; });`,
    );
    write(
      'main.js',
      `import { work } from './${work}.js';
      work().then(console.log, (error) => { console.error(error); process.exitCode = 1; });`,
    );
  }
  return installed;
}

/**
 * Runs a program of Node.js.
 *
 * @param {string[]} args
 * @param {string} cwd
 * @param {Record<string, string>} [env] added to ours
 * @returns {Promise<string>} what it prints, without the last end of a line
 */
export async function runNode(args, cwd, env = {}) {
  const all = { ...process.env, ...env };
  delete all.NODE_TEST_CONTEXT; // Those who test within a test would report to ours.
  try {
    const { stdout } = await run(process.execPath, args, { cwd, env: all });
    return stdout.replace(/\n$/, '');
  } catch (error) {
    const { message, stdout, stderr } = /** @type {any} */ (error);
    assert.fail([message, stdout, stderr].join('\n'));
  }
}

/**
 * Runs a command of one of the peers.
 *
 * @param {string} script in their node_modules
 * @param {string[]} args
 * @param {string} cwd
 */
export function runPeer(script, args, cwd) {
  return runNode([join(peers, 'node_modules', script), ...args], cwd);
}

/**
 * @param {string} script in the peers' node_modules
 * @returns {Promise<any>} its module
 */
export function importPeer(script) {
  return import(pathToFileURL(join(peers, 'node_modules', script)).href);
}

/** @type {Record<string, string>} */
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' };

/**
 * Shows a folder on a server that knows nothing but files, in a folder of its address.
 *
 * @param {string} folder
 * @returns {Promise<{ url: string, close: () => void }>}
 */
export async function serveFolder(folder) {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '', 'http://localhost').pathname;
    try {
      const body = readFileSync(join(folder, path.endsWith('/') ? `${path}index.html` : path));
      response.setHeader('Content-Type', TYPES[extname(path) || '.html'] ?? 'text/plain');
      response.end(body);
    } catch {
      response.writeHead(404).end('There is no such file.');
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/**
 * The title that a page gives itself, which complains about nothing.
 *
 * @param {import('playwright-core').Browser} browser
 * @param {string} url
 */
export async function readTitle(browser, url) {
  const { page, complaints } = await openPage(browser);
  try {
    await page.goto(url);
    await page.waitForFunction(() => document.title !== 'waiting').catch(() => {});
    assert.deepEqual(complaints, []);
    return await page.title();
  } finally {
    await page.context().close();
  }
}

/**
 * The title of a page in a folder of files.
 *
 * @param {import('playwright-core').Browser} browser
 * @param {string} folder
 * @param {string} [path] of the page in it
 */
export async function readFolderTitle(browser, folder, path = '') {
  const server = await serveFolder(folder);
  try {
    return await readTitle(browser, server.url + path);
  } finally {
    server.close();
  }
}

/**
 * A page for a classic script.
 *
 * @param {string} folder
 * @param {string} script in it
 * @param {string} [attributes] of the script element
 */
export function writePage(folder, script, attributes = '') {
  mkdirSync(dirname(join(folder, script)), { recursive: true });
  writeFileSync(
    join(folder, 'index.html'),
    `<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>waiting</title>
    <body><script ${attributes} src="./${script}"></script></body>`,
  );
}
