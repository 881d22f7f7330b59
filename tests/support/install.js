// SPDX-License-Identifier: Apache-2.0

/** The npm package, packed and installed as a user does it. */

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

/**
 * @typedef {object} Installed
 * @property {string} folder a project that depends on the package
 * @property {Array<{ path: string, size: number, mode: number }>} files in the package
 * @property {() => void} remove
 */

/**
 * Packs what is built, and installs that in an empty folder.
 *
 * @param {string} [parent] where to make the folder
 * @returns {Promise<Installed>}
 */
export async function installPackage(parent = tmpdir()) {
  const folder = mkdtempSync(join(parent, 'lowtropy-package-'));
  const remove = () => rmSync(folder, { recursive: true });
  try {
    const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
    const [{ filename, files }] = Object.values(
      JSON.parse((await run('npm', pack, { cwd: root })).stdout),
    );
    writeFileSync(
      join(folder, 'package.json'),
      JSON.stringify({ name: 'user', version: '1.0.0', private: true, type: 'module' }),
    );
    const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'];
    await run('npm', ['install', ...quiet, `./${filename}`], { cwd: folder });
    return { folder, files, remove };
  } catch (error) {
    remove();
    throw error;
  }
}
