// SPDX-License-Identifier: Apache-2.0

import js from '@eslint/js';
import globals from 'globals';

import { importsByRoom } from './scripts/lint/imports.js';
import { WEB_ROOMS } from './scripts/lint/rooms.js';

/**
 * Files, and what exists in the places where they run.
 *
 * @param {string[]} files
 * @param {...Record<string, boolean>} places
 */
function runsIn(files, ...places) {
  return { files, languageOptions: { globals: Object.assign({}, ...places) } };
}

export default [
  { ignores: ['build/', 'dist/', 'node_modules/'] },
  js.configs.recommended,
  { plugins: { rooms: { rules: { imports: importsByRoom(WEB_ROOMS) } } } },
  {
    rules: {
      'rooms/imports': 'error',
      eqeqeq: 'error',
      'no-control-regex': 'off', // the parsers refuse control characters, so they name them
      'no-implicit-coercion': ['error', { allow: ['!!'] }],
      'no-unused-vars': ['error', { args: 'after-used', argsIgnorePattern: '^_' }],
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
    },
  },
  runsIn(['web/lib/**', 'web/demo/**'], globals.browser),
  runsIn(['web/lib/core/**'], globals.nodeBuiltin),
  runsIn(
    ['web/cli/**', 'web/demo/vite.config.js', 'scripts/**', 'tests/**', 'examples/**'],
    globals.node,
  ),
  runsIn(['tests/browser/**', 'tests/bundlers/**', 'tests/support/browser.js'], globals.browser),
  {
    files: ['web/lib/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { regex: '^[^.]', message: 'The package depends on nothing, and runs in browsers.' },
          ],
        },
      ],
    },
  },
  {
    files: ['web/lib/coordinate/**'],
    rules: {
      'no-restricted-globals': ['error', 'Worker', 'SharedArrayBuffer', 'WebSocket'],
    },
  },
];
