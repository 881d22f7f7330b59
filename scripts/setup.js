// SPDX-License-Identifier: Apache-2.0

/**
 * Installs what the project needs and the machine lacks: npm packages, then Debian packages. Runs
 * before there are any npm packages, so it and what it imports use nothing but Node.js.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

import { StepError, findCommand, inProject, runTitled, runMain } from './common/run.js';

const OLDEST_NODE = 20;

/** Debian packages, and the command that makes one unnecessary where it is on PATH already. */
const DEBIAN_PACKAGES = new Map([
  ['chromium', 'chromium'],
  ['clang', 'clang++'],
  ['clang-format', 'clang-format'],
  ['clang-tidy', 'clang-tidy'],
  ['cmake', 'cmake'],
  ['emscripten', 'emcc'],
  ['fonts-dejavu-core', undefined],
  ['g++', 'g++'],
  ['googletest', undefined],
  ['libbenchmark-dev', undefined],
  ['libclang-rt-dev', undefined],
  ['libeigen3-dev', undefined],
  ['libgtest-dev', undefined],
  ['libhwy-dev', undefined],
  ['libonnx-testdata', undefined],
  ['ninja-build', 'ninja'],
  ['nlohmann-json3-dev', undefined],
]);

/**
 * Sets everything up; quick where there is nothing to do.
 *
 * @throws {StepError} where something is missing that cannot be installed from here
 */
export async function setup() {
  checkNode();
  if (!npmPackagesAreInstalled()) {
    await runTitled('Installing npm packages', 'npm', 'npm', ['ci', '--ignore-scripts']);
  }
  const missing = missingDebianPackages();
  if (missing.length > 0) await installDebianPackages(missing);
}

function checkNode() {
  if (Number.parseInt(process.versions.node) < OLDEST_NODE) {
    throw new StepError(
      `Node.js ${OLDEST_NODE} or newer is needed, and this is ${process.versions.node}.`,
    );
  }
}

/**
 * @typedef {{ version: string, optional?: boolean }} LockedPackage
 * @param {string} file
 * @returns {Record<string, LockedPackage>} packages by their place in node_modules
 */
function readLock(file) {
  if (!existsSync(inProject(file))) return {};
  return JSON.parse(readFileSync(inProject(file), 'utf8')).packages;
}

/** Whether node_modules holds what package-lock.json asks for, by npm's own record of it. */
function npmPackagesAreInstalled() {
  const installed = readLock('node_modules/.package-lock.json');
  return Object.entries(readLock('package-lock.json'))
    .filter(([place]) => place !== '')
    .every(([place, { version, optional }]) =>
      // Optional packages are those of other platforms.
      place in installed ? installed[place].version === version : optional,
    );
}

/** @returns {string[]} */
function missingDebianPackages() {
  const unknown = [...DEBIAN_PACKAGES]
    .filter(([, command]) => !command || !findCommand(command))
    .map(([name]) => name);
  if (unknown.length === 0) return [];
  if (!findCommand('dpkg-query')) {
    console.log(`This is not Debian, so nothing checks for what it calls: ${unknown.join(' ')}`);
    return [];
  }
  const installed = installedDebianPackages();
  return unknown.filter((name) => !installed.has(name));
}

/** @returns {Set<string>} */
function installedDebianPackages() {
  const format = '${Package} ${db:Status-Status}\n';
  const lines = execFileSync('dpkg-query', ['--show', `--showformat=${format}`], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  }).split('\n');
  return new Set(
    lines.filter((line) => line.endsWith(' installed')).map((line) => line.split(' ')[0]),
  );
}

/** @param {string[]} packages */
async function installDebianPackages(packages) {
  const install = ['apt-get', 'install', '--yes', '--no-install-recommends', ...packages];
  const rights = rightsToInstall();
  if (!rights) {
    throw new StepError(
      `These Debian packages are missing: ${packages.join(' ')}\n` +
        `Install them with: sudo apt-get update && sudo ${install.join(' ')}`,
    );
  }
  const [command, ...args] = [...rights, 'env', 'DEBIAN_FRONTEND=noninteractive'];
  const update = [...args, 'apt-get', 'update'];
  await runTitled('Updating the list of Debian packages', 'apt-update', command, update);
  const title = `Installing ${packages.join(', ')}`;
  await runTitled(title, 'apt-install', command, [...args, ...install]);
}

/** @returns {string[] | undefined} what to put before a command to run it as root, if anything can */
function rightsToInstall() {
  if (process.getuid?.() === 0) return [];
  try {
    execFileSync('sudo', ['-n', 'true'], { stdio: 'ignore' });
    return ['sudo', '-n'];
  } catch {
    return undefined;
  }
}

await runMain(import.meta.url, setup);
