// SPDX-License-Identifier: Apache-2.0

/** The notices of what others wrote and is part of what is built. */

import { existsSync, readFileSync, readdirSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { findCommand, inProject } from '../common/run.js';

/**
 * @typedef {object} Part
 * @property {string} name
 * @property {string} use
 * @property {string} licence by its SPDX name
 * @property {string} link to the source
 * @property {() => string | undefined} text of the licence, where it must go along and is here
 */

const MIT = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software
and associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense,
and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so,
subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial
portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT
LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN
NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY,
WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE
SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;

/** What is compiled into the WebAssembly and its loaders. @type {Part[]} */
const MODULE_PARTS = [
  {
    name: 'Eigen',
    use: 'products of matrices in training, unchanged',
    licence: 'MPL-2.0',
    link: 'https://gitlab.com/libeigen/eigen',
    text: () =>
      readText('/usr/share/doc/libeigen3-dev/copyright') ??
      'The source is at the address above, the licence at https://www.mozilla.org/MPL/2.0/.',
  },
  {
    name: 'Highway',
    use: 'SIMD of the kernels, unchanged',
    licence: 'Apache-2.0',
    link: 'https://github.com/google/highway',
    text: () => 'Copyright Google LLC. The licence is in LICENSE, as that of Lowtropy.',
  },
  {
    name: 'Emscripten',
    use: 'the loaders in JavaScript, and system libraries',
    licence: 'MIT',
    link: 'https://github.com/emscripten-core/emscripten',
    text: () => `Copyright (c) 2010-2014 Emscripten authors\n\n${MIT}`,
  },
  {
    name: 'musl',
    use: 'the C library, by way of Emscripten',
    licence: 'MIT',
    link: 'https://musl.libc.org',
    text: () =>
      readText(join(emscriptenRoot(), 'system', 'lib', 'libc', 'musl', 'COPYRIGHT')) ??
      `Copyright © 2005-2020 Rich Felker, et al.\n\n${MIT}`,
  },
  {
    name: 'libc++, libc++abi, libunwind and compiler-rt',
    use: 'the C++ library, by way of Emscripten',
    licence: 'Apache-2.0 WITH LLVM-exception',
    link: 'https://github.com/llvm/llvm-project',
    text: () => 'As an exception of the licence, what is compiled needs no notice.',
  },
  {
    name: 'dlmalloc',
    use: 'allocation of memory, by way of Emscripten',
    licence: 'CC0-1.0',
    link: 'https://gee.cs.oswego.edu/dl/html/malloc.html',
    text: () => 'By Doug Lea, in the public domain.',
  },
];

/** What the page has besides. @type {Part[]} */
const PAGE_PARTS = [
  npmPart('lit', 'elements of the page', 'BSD-3-Clause', 'https://github.com/lit/lit'),
  npmPart('uplot', 'charts', 'MIT', 'https://github.com/leeoniya/uPlot'),
];

/**
 * @param {string} name
 * @param {string} use
 * @param {string} licence
 * @param {string} link
 * @returns {Part}
 */
function npmPart(name, use, licence, link) {
  const folder = inProject('node_modules', name);
  return {
    name,
    use,
    licence,
    link,
    text: () => {
      const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
      return file && readText(join(folder, file));
    },
  };
}

/** @param {string} file */
function readText(file) {
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
}

/** Where Emscripten is, whose compiler may be a link or a script that starts it. */
function emscriptenRoot() {
  const command = findCommand('emcc');
  const folders = ['/usr/share/emscripten', command ? dirname(realpathSync(command)) : ''];
  return folders.find((folder) => existsSync(join(folder, 'system', 'lib'))) ?? '';
}

/**
 * @param {{ page?: boolean }} options whether they are for the page, or for the package
 * @returns {string}
 */
export function notices({ page = false } = {}) {
  const what = page ? 'This page' : 'The package lowtropy';
  const parts = [...MODULE_PARTS, ...(page ? PAGE_PARTS : [])].map(
    ({ name, use, licence, link, text }) =>
      `${'='.repeat(80)}\n${name}: ${use}\n${licence}, ${link}\n\n${text() ?? ''}\n`,
  );
  const own = page ? readText(inProject('LICENSE')) : 'Its licence, Apache-2.0, is in LICENSE.';
  const head = `${what} is made with the work of others, which is in what was built of it.`;
  return `${head}\n\n${parts.join('\n')}\n${'='.repeat(80)}\nLowtropy\n\n${own}\n`;
}
