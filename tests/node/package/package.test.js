// SPDX-License-Identifier: Apache-2.0

/** The npm package: what is in it, and that it works where it is installed. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { installPackage } from '../../support/install.js';

/** Of which the operators of ONNX take some 125,000. */
const WASM_LIMIT = 530_000;

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../..', import.meta.url));

describe('package', () => {
  /** @type {import('../../support/install.js').Installed} */
  let installed;

  before(async () => {
    assert(
      existsSync(join(root, 'dist', 'types', 'index.d.ts')),
      'There are no type declarations to pack: npm run build -- wasm types',
    );
    installed = await installPackage();
  });
  after(() => installed?.remove());

  test('holds what it needs, and nothing else', () => {
    const paths = installed.files.map(({ path }) => path);
    for (const path of [
      'LICENSE',
      'README.md',
      'package.json',
      'dist/lowtropy-training.binary.js',
      'dist/lowtropy-training.d.ts',
      'dist/lowtropy-training.js',
      'dist/lowtropy-training.methods.js',
      'dist/lowtropy-training.thread.js',
      'dist/lowtropy-training.wasm',
      'dist/lowtropy.binary.js',
      'dist/lowtropy.d.ts',
      'dist/lowtropy.formats.js',
      'dist/lowtropy.js',
      'dist/lowtropy.licences.txt',
      'dist/lowtropy.wasm',
      'dist/types/lowtropy.d.ts',
      'dist/types/onnx.d.ts',
      'dist/types/training.d.ts',
      'web/cli/lowtropy.js',
      'web/lib/lowtropy.js',
      'web/lib/onnx.js',
      'web/lib/training.js',
    ]) {
      assert(paths.includes(path), path);
    }
    const wanted =
      /^(LICENSE|README\.md|package\.json|dist\/(lowtropy(-training)?\.|types\/)|web\/(lib|cli)\/)/;
    assert.deepEqual(
      paths.filter((path) => !wanted.test(path) || /test|demo/.test(path)),
      [],
    );
  });

  test(`its WebAssembly has at most ${WASM_LIMIT} bytes`, (t) => {
    const { size } = statSync(join(root, 'dist', 'lowtropy.wasm'));
    t.diagnostic(`${size} bytes`);
    assert(size <= WASM_LIMIT, `${size}`);
  });

  test('brings only the decoders of pictures with it', () => {
    const folders = readdirSync(join(installed.folder, 'node_modules')).filter(
      (name) => !name.startsWith('.'),
    );
    assert.deepEqual(folders.sort(), ['@jsquash', 'jpeg-js', 'lowtropy']);
  });

  test('works in Node.js', async () => {
    writeFileSync(
      join(installed.folder, 'use.js'),
      `import { Matrix, Model, init } from 'lowtropy';
      import { readFileSync } from 'node:fs';
      import { fileURLToPath } from 'node:url';
      await init();
      const m = Matrix.fromDense(Float32Array.of(0, 4, 4, 2, 3, 0, 0, 4), 2, 4, { format: 'cser' });
      console.log(m.format, ...m.multiply([1, 10, 100, 1000]));
      m.dispose();
      const wasm = readFileSync(fileURLToPath(import.meta.resolve('lowtropy/lowtropy.wasm')));
      await init({ wasmBinary: wasm });
      await Model.load(new Uint8Array(3)).catch((error) => console.log(error.name));`,
    );
    const { stdout, stderr } = await run(process.execPath, ['use.js'], { cwd: installed.folder });
    assert.equal(stderr, '');
    assert.equal(stdout, 'cser 2440 4003\nFileError\n');
  });

  test('its inner modules are not for users', async () => {
    const code = "import('lowtropy/web/lib/core/module.js').catch((e) => console.log(e.code))";
    const { stdout } = await run(process.execPath, ['--eval', code], { cwd: installed.folder });
    assert.equal(stdout, 'ERR_PACKAGE_PATH_NOT_EXPORTED\n');
  });

  test('its command runs by npx', async () => {
    const { stdout } = await run('npx', ['lowtropy', '--help'], { cwd: installed.folder });
    assert.match(stdout, /^lowtropy: neural networks that run on their compressed weights\./);
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const other = await run('npx', ['lowtropy', '--version'], { cwd: installed.folder });
    assert.equal(other.stdout, `${version}\n`);
  });

  test('its main entry has no worker and no training, and asks for no place of its own', () => {
    const { folder } = installed;
    const seen = new Set();
    const visit = (/** @type {string} */ file) => {
      if (seen.has(file)) return;
      seen.add(file);
      const text = readFileSync(file, 'utf8');
      assert(!/import\.meta|new Worker|^await /m.test(text), file);
      for (const [, path] of text.matchAll(/ from '(.*?)';/g)) visit(join(dirname(file), path));
    };
    visit(join(folder, 'node_modules', 'lowtropy', 'web', 'lib', 'lowtropy.js'));
    const names = [...seen].map((file) => file.slice(file.indexOf('lowtropy/') + 9));
    assert(names.includes('dist/lowtropy.binary.js'), names.join());
    assert.deepEqual(
      names.filter((name) => /train|updates|learn|coordinate|simulate|transport/.test(name)),
      [],
    );
  });

  test('names what it is made with', () => {
    const file = join(installed.folder, 'node_modules/lowtropy/dist/lowtropy.licences.txt');
    const text = readFileSync(file, 'utf8');
    for (const name of ['Eigen', 'MPL-2.0', 'Highway', 'Emscripten', 'musl']) {
      assert(text.includes(name), name);
    }
  });

  test('the links of its README lead somewhere, also from the page at npm', () => {
    const packed = new Set(installed.files.map(({ path }) => path));
    const { repository } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const text = readFileSync(join(root, 'README.md'), 'utf8');
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link);
    assert(links.length > 5);
    for (const link of links) {
      if (!/^https?:/.test(link)) {
        assert(packed.has(link), `${link} is not in the package`);
        continue;
      }
      const [, path] = link.match(/^https:\/\/(?:github|raw\.githubusercontent)\.com\/(.*)$/) ?? [];
      if (path === undefined) continue;
      const own = repository.url.replace('https://github.com/', '');
      const [, file] = path.match(`^${own}/(?:(?:blob|raw)/)?main/(.*)$`) ?? [];
      assert(file !== undefined && existsSync(join(root, file)), link);
    }
  });
});
