// SPDX-License-Identifier: Apache-2.0

/**
 * Builds what is older than its sources.
 *
 *   npm run build [-- native asan wasm module types page peers]     default: native module types page
 *
 * wasm is all that is WebAssembly, the tests among it; module is just the two that the package ships;
 * peers are the bundlers and compilers that tests/bundlers builds the package with.
 */

import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname } from 'node:path';

import { filesIn, isStale, setModified } from './common/files.js';
import { CORES, StepError, inProject, runTitled, runMain } from './common/run.js';
import { notices } from './build/notices.js';
import { setup } from './setup.js';

const DEFAULT_PARTS = ['native', 'module', 'types', 'page'];

/** What the npm package ships besides sources. */
const PACKAGE_PARTS = ['module', 'types'];

/** @type {Record<string, (cores: number) => Promise<void>>} */
const builders = {
  native: (cores) => buildPreset('native', 'the library, natively', cores),
  asan: (cores) => buildPreset('asan', 'the library, with sanitizers', cores),
  wasm: (cores) => buildPreset('wasm', 'the library, as WebAssembly', cores),
  module: buildModules,
  types: buildTypes,
  page: buildPage,
  peers: installPeers,
};

/**
 * @param {string[]} parts keys of `builders`, in the order in which they are to be built
 * @param {number} [cores]
 */
export async function build(parts, cores = CORES) {
  for (const part of parts) await builders[part](cores);
}

/**
 * @param {string} preset
 * @param {string} title
 * @param {number} cores
 * @param {string[]} [options] of cmake
 */
async function buildPreset(preset, title, cores, options = []) {
  // Ninja configures anew where a CMake file has changed, but does not know of the presets.
  const ninjaFile = `build/${preset}/build.ninja`;
  if (isStale(ninjaFile, ['CMakePresets.json'])) {
    const start = Date.now();
    await runTitled(`Configuring ${title}`, `${preset}-configure`, 'cmake', ['--preset', preset]);
    setModified(ninjaFile, start);
  }
  const args = ['--build', '--preset', preset, '--parallel', `${cores}`, ...options];
  await runTitled(`Building ${title}`, `${preset}-build`, 'cmake', args);
}

/**
 * The WebAssembly that the package ships, and the script of the threads that train with it.
 *
 * @param {number} cores
 */
async function buildModules(cores) {
  await buildPreset('wasm', 'the WebAssembly modules', cores, ['--target', 'lowtropy_modules']);
  writeFileSync(inProject('dist', 'lowtropy.licences.txt'), notices());
  const output = 'dist/lowtropy-training.thread.js';
  const inputs = [...filesIn('web/lib'), 'dist/lowtropy-training.js', 'scripts/build/thread.js'];
  if (!isStale(output, [...inputs, 'package-lock.json'])) return;
  const start = Date.now();
  const title = 'Bundling the script of the threads';
  await runTitled(title, 'thread', process.execPath, [inProject('scripts', 'build', 'thread.js')]);
  setModified(output, start);
}

/** Type declarations of the package, from the JSDoc comments. */
async function buildTypes() {
  const modules = filesIn('dist', /^lowtropy.*\.d\.ts$/).filter((file) => dirname(file) === 'dist');
  const settings = ['tsconfig.json', 'tsconfig.types.json', 'scripts/build.js'];
  const inputs = [...filesIn('web/lib'), ...modules, ...settings];
  const args = ['-p', 'tsconfig.types.json'];
  const output = 'dist/types/index.d.ts';
  if (!(await buildStale(output, inputs, 'Writing type declarations', 'tsc', args))) return;
  for (const file of [...modules, ...filesIn('dist/types')]) rewriteTypes(inProject(file));
}

/**
 * Makes declarations that older TypeScripts read too: before 5.7 typed arrays had no parameter for
 * what is below them, and since 5.9 it matters, as only an ArrayBuffer can be sent or stored.
 *
 * @param {string} file
 */
function rewriteTypes(file) {
  const text = readFileSync(file, 'utf8')
    .replaceAll(/\b(\w+Array)<ArrayBuffer>/g, 'ReturnType<typeof $1.of>')
    .replaceAll(/\b(\w+Array|DataView)<ArrayBufferLike>/g, '$1');
  const { atime, mtime } = statSync(file);
  writeFileSync(file, text);
  utimesSync(file, atime, mtime);
}

async function buildPage() {
  const inputs = [...filesIn('web/demo'), ...filesIn('web/lib'), ...filesIn('dist')];
  const args = ['build', 'web/demo'];
  await buildStale('build/demo/index.html', inputs, 'Building the page', 'vite', args);
}

/** Apart from our own packages, for some are the same in other versions, and few need them. */
async function installPeers() {
  const from = ['package.json', 'package-lock.json', '.npmrc'].map(
    (name) => `tests/bundlers/${name}`,
  );
  const output = 'build/bundlers/node_modules/.package-lock.json';
  if (!isStale(output, from)) return;
  const start = Date.now();
  mkdirSync(inProject('build', 'bundlers'), { recursive: true });
  for (const file of from) {
    copyFileSync(inProject(file), inProject('build', 'bundlers', basename(file)));
  }
  const args = ['ci', '--ignore-scripts', '--prefix', inProject('build', 'bundlers')];
  await runTitled('Installing the bundlers to test with', 'peers', 'npm', args);
  setModified(output, start);
}

/**
 * Makes an output with a command of an npm package, if it is older than its inputs or the packages.
 *
 * @param {string} output
 * @param {string[]} inputs
 * @param {string} title
 * @param {string} command
 * @param {string[]} args
 * @returns {Promise<boolean>} whether it was older
 */
async function buildStale(output, inputs, title, command, args) {
  if (!isStale(output, [...inputs, 'package-lock.json'])) return false;
  const start = Date.now();
  await runTitled(title, command, npmCommand(command), args);
  setModified(output, start);
  return true;
}

/** @param {string} command of an npm package */
export function npmCommand(command) {
  return inProject('node_modules', '.bin', command);
}

/** @param {string[]} args */
function chooseParts(args) {
  if (args.length === 0) return DEFAULT_PARTS;
  if (args.includes('package')) return PACKAGE_PARTS;
  const unknown = args.find((part) => !(part in builders));
  if (unknown) {
    const known = [...Object.keys(builders), 'package'].join(', ');
    throw new StepError(`There is nothing called ${unknown} to build; there are ${known}.`);
  }
  return args;
}

async function main() {
  const parts = chooseParts(process.argv.slice(2));
  await setup();
  await build(parts);
}

await runMain(import.meta.url, main);
