// SPDX-License-Identifier: Apache-2.0

import js from '@eslint/js';
import globals from 'globals';

/**
 * Files, and what exists in the places where they run.
 *
 * @param {string[]} files
 * @param {...Record<string, boolean>} places
 */
function runsIn(files, ...places) {
  return { files, languageOptions: { globals: Object.assign({}, ...places) } };
}

/**
 * A rule that keeps a room from importing what it must not know.
 *
 * @param {string[]} files
 * @param {string} regex of what may not be imported
 * @param {string} message
 */
function mustNotImport(files, regex, message) {
  return {
    files,
    rules: { 'no-restricted-imports': ['error', { patterns: [{ regex, message }] }] },
  };
}

export default [
  { ignores: ['build/', 'dist/', 'node_modules/'] },
  js.configs.recommended,
  {
    rules: {
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
  runsIn(['web/cli/**', 'web/demo/vite.config.js', 'scripts/**', 'tests/**'], globals.node),
  runsIn(['tests/browser/**', 'tests/bundlers/**'], globals.browser),
  mustNotImport(
    ['web/lib/**'],
    '^[^.]|/(cli|demo|scripts|tests)/',
    'The package depends on nothing, and runs in browsers.',
  ),
];
