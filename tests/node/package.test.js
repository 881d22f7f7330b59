// SPDX-License-Identifier: Apache-2.0

/** The npm package: what is in it, and that it works where it is installed. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { installPackage } from './install.js';

const WASM_LIMIT = 400_000;

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

describe('package', () => {
  /** @type {import('./install.js').Installed} */
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
      'dist/lowtropy-training.d.ts',
      'dist/lowtropy-training.js',
      'dist/lowtropy-training.wasm',
      'dist/lowtropy.d.ts',
      'dist/lowtropy.js',
      'dist/lowtropy.wasm',
      'dist/types/index.d.ts',
      'web/cli/lowtropy.js',
      'web/lib/index.js',
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

  test('its types are found and right, for Node.js and for bundlers', async () => {
    writeFileSync(
      join(installed.folder, 'use.ts'),
      `import {
        FORMATS, Matrix, MemoryError, Model, classify, importDeepCompression, init,
        type FormatName, type Layer, type Progress, type Stats,
      } from 'lowtropy';

      await init();
      await init({ wasmUrl: new URL('https://example.org/lowtropy.wasm') });
      const m: Matrix = Matrix.fromDense(new Float32Array(4), 2, 2, { format: 'cser' });
      const format: FormatName = m.format;
      const stats: Stats = m.stats();
      const energy: number = m.cost().energyPj;
      const index = m.arrays()['colI'];
      const y: Float32Array = m.multiply(new Float32Array(4), 2);
      m.to('pcsr').dispose();
      // @ts-expect-error there is no such format
      m.to('zip');
      // @ts-expect-error formats are read-only
      FORMATS.push('dense');
      const model: Model = await importDeepCompression(new Uint8Array(1), '', { format: 'auto' });
      const other = await Model.load(new Blob([model.save()]), {
        onProgress: ({ loaded, total }: Progress) => console.log(loaded / (total ?? NaN)),
      });
      const layers: Layer[] = other.layers;
      const [batch, channels, height, width]: [number, number, number, number] = model.inputShape;
      const output: Float32Array = model.run(new Float32Array(channels * height * width * batch));
      const [{ index: first, probability }] = classify(
        other.to({ conv1: 'cer' }),
        { data: new Uint8ClampedArray(4), width: 1, height: 1 },
        { top: 1, order: 'RGB' },
      );
      // @ts-expect-error bytes are a number
      const wrong: string = model.byteLength;
      const error: Error = new MemoryError('');
      export { energy, error, first, format, index, layers, output, probability, stats, wrong, y };
      `,
    );
    for (const [module, resolution] of [
      ['nodenext', 'nodenext'],
      ['esnext', 'bundler'],
    ]) {
      writeFileSync(
        join(installed.folder, 'tsconfig.json'),
        JSON.stringify({
          compilerOptions: {
            strict: true,
            noEmit: true,
            skipLibCheck: false,
            target: 'es2022',
            lib: ['es2022', 'dom', 'dom.iterable'],
            module,
            moduleResolution: resolution,
            types: [],
          },
          include: ['use.ts'],
        }),
      );
      const tsc = join(root, 'node_modules', '.bin', 'tsc');
      await run(tsc, ['-p', '.'], { cwd: installed.folder }).catch(({ stdout }) =>
        assert.fail(`${resolution}: ${stdout}`),
      );
    }
  });
});
