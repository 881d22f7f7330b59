// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FileError, LowtropyError } from '../../../web/lib/core/errors.js';
import { LIMITS, parsePrototxt, PrototxtError } from '../../../web/lib/import/prototxt.js';

/**
 * @typedef {import('../../../web/lib/import/prototxt.js').Value} Value
 * @typedef {import('../../../web/lib/import/prototxt.js').Message} Message
 */

/**
 * @param {Value} value
 * @returns {unknown} without kinds and positions; a message as its entries
 */
function plain(value) {
  return value.kind === 'message' ? entries(value) : value.value;
}

/**
 * @param {Message} message
 * @returns {Array<[string, unknown[]]>}
 */
function entries(message) {
  return [...message.fields].map(([name, values]) => [name, values.map(plain)]);
}

/** @param {string} text */
const parse = (text) => entries(parsePrototxt(text));

/** @type {Array<[string, string, Array<[string, unknown[]]>]>} */
const VALID = [
  ['an empty text', '', []],
  ['nothing but space and comments', ' \t\r\n\f\v# one\n  # two', []],
  ['a byte order mark', '\ufeffa: 1', [['a', [1]]]],
  [
    'a comment where a separator may be',
    'a # name\n : # colon\n 1 # value\n b: 2',
    [
      ['a', [1]],
      ['b', [2]],
    ],
  ],
  [
    'no space at all',
    'a:1,b{c:x}d:"y"e:z',
    [
      ['a', [1]],
      ['b', [[['c', ['x']]]]],
      ['d', ['y']],
      ['e', ['z']],
    ],
  ],
  [
    'separators',
    'a: 1; b: 2, c { d: 3; }; e: 4',
    [
      ['a', [1]],
      ['b', [2]],
      ['c', [[['d', [3]]]]],
      ['e', [4]],
    ],
  ],
  [
    'repeated fields, in order',
    'a: 1 b: 9 a: 2',
    [
      ['a', [1, 2]],
      ['b', [9]],
    ],
  ],
  [
    'a colon before a brace',
    'a: { b: 1 } c { }',
    [
      ['a', [[['b', [1]]]]],
      ['c', [[]]],
    ],
  ],
  ['angle brackets', 'a < b: < c: 1 > >', [['a', [[['b', [[['c', [1]]]]]]]]]],
  [
    'lists',
    'a: [1, 2,3] b: [] b: 4 c: [x]',
    [
      ['a', [1, 2, 3]],
      ['b', [4]],
      ['c', ['x']],
    ],
  ],
  [
    'lists of messages',
    'a [ { b: 1 }, < b: 2 > ] c: [{}]',
    [
      ['a', [[['b', [1]]], [['b', [2]]]]],
      ['c', [[]]],
    ],
  ],
  [
    'decimal, hexadecimal and octal',
    'a: 10 a: 0x1F a: 0XfF a: 017 a: 0 a: 00',
    [['a', [10, 31, 255, 15, 0, 0]]],
  ],
  [
    'floats',
    'a: 1. a: .5 a: 1.5e3 a: 2E-2 a: 1f a: 0.25F a: 1e2f a: 0f',
    [['a', [1, 0.5, 1500, 0.02, 1, 0.25, 100, 0]]],
  ],
  ['negative numbers', 'a: -1 a: - 2 a: -0x10 a: -.5f a: -010', [['a', [-1, -2, -16, -0.5, -8]]]],
  [
    'infinities and NaN',
    'a: inf a: -inf a: Infinity a: -INFINITY a: nan',
    [['a', [Infinity, -Infinity, Infinity, -Infinity, NaN]]],
  ],
  [
    'words',
    'a: MAX b: true c: inference',
    [
      ['a', ['MAX']],
      ['b', ['true']],
      ['c', ['inference']],
    ],
  ],
  [
    'both quotes',
    `a: "it's" b: 'say "x"'`,
    [
      ['a', ["it's"]],
      ['b', ['say "x"']],
    ],
  ],
  [
    'escapes',
    String.raw`a: "\a\b\f\n\r\t\v\?\\\'\"" b: "\101\x41\X4a\7z\u00e9\U0001F600"`,
    [
      ['a', ['\u0007\b\f\n\r\t\v?\\\'"']],
      ['b', ['AAJ\u0007z\u00e9\u{1F600}']],
    ],
  ],
  [
    'UTF-8 by bytes',
    String.raw`a: "\303\251" b: "\xe2\x82" "\xac"`,
    [
      ['a', ['é']],
      ['b', ['€']],
    ],
  ],
  ['adjacent strings', 'a: "one" \'two\' # and\n "three"', [['a', ['onetwothree']]]],
  ['characters beyond ASCII', 'a: "Überraschung 猫"', [['a', ['Überraschung 猫']]]],
  ['a comment sign in a string', 'a: "x # y"', [['a', ['x # y']]]],
  [
    'extension names',
    '[caffe.ext]: 1 [type.googleapis.com/a.B] { c: 2 }',
    [
      ['[caffe.ext]', [1]],
      ['[type.googleapis.com/a.B]', [[['c', [2]]]]],
    ],
  ],
  [
    'names that mean something to JavaScript',
    '__proto__ { polluted: true } constructor: 1 toString: 2',
    [
      ['__proto__', [[['polluted', ['true']]]]],
      ['constructor', [1]],
      ['toString', [2]],
    ],
  ],
];

for (const [what, text, expected] of VALID) {
  test(`prototxt: ${what}`, () => assert.deepEqual(parse(text), expected));
}

test('prototxt: hostile names reach no prototype', () => {
  parsePrototxt('__proto__ { polluted: true }');
  assert.equal(/** @type {any} */ ({}).polluted, undefined);
});

test('prototxt: values know where they stand', () => {
  const message = parsePrototxt('# comment\n\n  a: 1\n b {\n\tc: "x"\n}');
  const [a] = message.fields.get('a') ?? [];
  const [b] = message.fields.get('b') ?? [];
  assert.deepEqual([a.line, a.column], [3, 6]);
  assert.deepEqual([b.line, b.column], [4, 4]);
  assert(b.kind === 'message');
  const [c] = b.fields.get('c') ?? [];
  assert.deepEqual([c.line, c.column], [5, 5]);
});

/** @type {Array<[text: string, line: number, column: number, message: RegExp]>} */
const MALFORMED = [
  ['a', 1, 2, /expected ":" or "{" after the field "a", found the end of the text/],
  ['a 1', 1, 3, /expected ":" or "{" after the field "a", found "1"/],
  ['a:', 1, 3, /expected a value, found the end/],
  ['a: }', 1, 4, /expected a value, found "}"/],
  ['\n\n  }', 3, 3, /expected a field name, found "}"/],
  ['a {', 1, 4, /"}" is missing/],
  ['a {\n b {\n }\n', 4, 1, /opened at line 1, column 3; "}" is missing/],
  ['a < b: 1 }', 1, 10, /expected a field name or ">", found "}"/],
  ['a { b: 1 >', 1, 10, /expected a field name or "}", found ">"/],
  ['1: 2', 1, 1, /expected a field name, found "1"/],
  ['a: 1b: 2', 1, 4, /"1b" is not a number/],
  ['a: 09', 1, 4, /"09" is not a number/],
  ['a: 0x', 1, 4, /"0x" is not a number/],
  ['a: 1.2.3', 1, 4, /"1.2.3" is not a number/],
  ['a: 1e', 1, 4, /"1e" is not a number/],
  ['a: -', 1, 5, /expected a number after "-", found the end/],
  ['a: - x', 1, 6, /expected a number after "-", found "x"/],
  ['a: +1', 1, 4, /expected a value, found "\+"/],
  ['a: [1, 2', 1, 9, /expected "," or "]" in the list opened at line 1, column 4/],
  ['a: [1 2]', 1, 7, /expected "," or "]".*found "2"/],
  ['a: [1,]', 1, 7, /expected a value, found "]"/],
  ['a: [[1]]', 1, 5, /a list cannot hold a list/],
  ['a [1]', 1, 4, /expected a message in the list, found "1"/],
  ['a: "x', 1, 4, /the string is not closed on its line with "/],
  ["a: 'x\ny'", 1, 4, /the string is not closed on its line with '/],
  ['a: "x\\', 1, 6, /"\\" is not an escape sequence/],
  ['\na: "\\q"', 2, 5, /"\\q" is not an escape sequence/],
  ['a: "\\400"', 1, 5, /"\\400" is more than a byte/],
  ['a: "\\ud800"', 1, 5, /"\\ud800" is not a Unicode character/],
  ['a: "\\U00110000"', 1, 5, /is not a Unicode character/],
  ['a: "\\377"', 1, 4, /not valid UTF-8/],
  ['a: 1;; b: 2', 1, 6, /expected a field name, found ";"/],
  ['[a.b', 1, 1, /expected a field name, found "\["/],
  ['<!DOCTYPE html>', 1, 1, /expected a field name, found "<"/],
  ['a: 1 \u0000', 1, 6, /found the character U\+0000/],
  ['a: \u{1F600}', 1, 4, /found "\u{1F600}"/u],
];

for (const [text, line, column, message] of MALFORMED) {
  test(`prototxt: refuses ${JSON.stringify(text)}`, () => {
    assert.throws(
      () => parsePrototxt(text),
      (error) => {
        assert(error instanceof PrototxtError && error instanceof FileError);
        assert(error instanceof LowtropyError && error instanceof Error);
        assert.equal(error.name, 'PrototxtError');
        assert.match(error.message, message);
        assert.deepEqual([error.line, error.column], [line, column]);
        assert(error.message.startsWith(`Line ${line}, column ${column}: `));
        return true;
      },
    );
  });
}

test('prototxt: depth and size have limits', () => {
  const nested = (/** @type {number} */ depth) => 'a {'.repeat(depth) + '}'.repeat(depth);
  parsePrototxt(nested(LIMITS.depth - 1));
  assert.throws(() => parsePrototxt(nested(LIMITS.depth)), /nested more than 64 deep/);
  assert.throws(() => parsePrototxt(''.padEnd(1_000_000, 'a{')), /nested more than 64 deep/);
  assert.throws(() => parsePrototxt(' '.repeat(LIMITS.characters + 1)), /the limit is 4194304/);
});

test('prototxt: the largest text on one line takes time in proportion', () => {
  const text = 'a:1 '.repeat(LIMITS.characters / 4);
  const start = performance.now();
  assert.equal(parsePrototxt(text).fields.get('a')?.length, LIMITS.characters / 4);
  assert(performance.now() - start < 10_000);
});
