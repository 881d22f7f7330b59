// SPDX-License-Identifier: Apache-2.0

/** The rule for ESLint that holds imports, those of types too, against the rooms of the house. */

import { dirname, join, relative, sep } from 'node:path';

import { complaint } from './rooms.js';

const TYPE_IMPORT = /import\('(\.[^']+)'\)/g;

/**
 * @param {import('./rooms.js').Rooms} rooms
 * @returns {import('eslint').Rule.RuleModule}
 */
export function importsByRoom(rooms) {
  return {
    create(context) {
      const file = relative(context.cwd, context.filename).split(sep).join('/');
      /**
       * @param {unknown} specifier
       * @param {import('eslint').AST.SourceLocation | null | undefined} loc
       */
      const check = (specifier, loc) => {
        if (typeof specifier !== 'string' || !specifier.startsWith('.') || !loc) return;
        const message = complaint(rooms, file, join(dirname(file), specifier));
        if (message) context.report({ loc, message });
      };
      /** @param {any} node with a source */
      const checkSource = ({ source }) => source && check(source.value, source.loc);
      return {
        Program() {
          for (const { value, loc } of context.sourceCode.getAllComments()) {
            for (const [, specifier] of value.matchAll(TYPE_IMPORT)) check(specifier, loc);
          }
        },
        ImportDeclaration: checkSource,
        ExportNamedDeclaration: checkSource,
        ExportAllDeclaration: checkSource,
        ImportExpression: checkSource,
        /** @param {any} node of a file that is named by its place beside this one */
        'NewExpression[callee.name="URL"]': (node) => {
          const [place] = node.arguments;
          check(place?.value, place?.loc);
        },
      };
    },
  };
}
