// SPDX-License-Identifier: Apache-2.0

/**
 * A parser for the text format of protocol buffers, in which Caffe writes its networks:
 * https://protobuf.dev/reference/protobuf/textformat-spec. It knows no schema: it gives a tree of
 * fields in file order and leaves the meaning of names, numbers and enumerations to its caller.
 */

import { FileError } from '../core/errors.js';
import { makeTextDecoder, makeTextEncoder } from '../core/places.js';

/** A mistake in the text, and where it stands. */
export class PrototxtError extends FileError {
  static {
    this.prototype.name = 'PrototxtError';
  }

  /**
   * @param {string} what the mistake, in words
   * @param {number} line from 1
   * @param {number} column from 1, in UTF-16 units; a tab is one
   */
  constructor(what, line, column) {
    super(`Line ${line}, column ${column}: ${what}.`);
    this.line = line;
    this.column = column;
  }
}

/**
 * A value and where it starts. `name` is an unquoted word: an enumeration value, `true`, `false`.
 * `inf` and `nan` are numbers, as the text format has it.
 *
 * @typedef {{ line: number, column: number }} Position
 * @typedef {Position & { kind: 'number', value: number }} NumberValue
 * @typedef {Position & { kind: 'string', value: string }} StringValue
 * @typedef {Position & { kind: 'name', value: string }} NameValue
 * @typedef {Position & { kind: 'message', fields: Map<string, Value[]> }} Message
 * @typedef {NumberValue | StringValue | NameValue | Message} Value
 */

/** What a text may not exceed; ResNet-152, the longest network in use, has 0.2 MB and depth 3. */
export const LIMITS = Object.freeze({ characters: 4 << 20, depth: 64 });

const NEWLINE = 10;
const SPACE = /[ \t\n\v\f\r]*(?:#[^\n]*(?:\n[ \t\n\v\f\r]*|$))*/y;
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const EXTENSION = /\[[ \t]*[A-Za-z_][A-Za-z0-9_]*(?:[./][A-Za-z_][A-Za-z0-9_-]*)*[ \t]*\]/y;
const FLOAT_WITH_POINT = /(?:(?:0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fF]?/y;
const FLOAT_WITHOUT_POINT = /(?:0|[1-9][0-9]*)(?:[eE][+-]?[0-9]+[fF]?|[fF])/y;
const INTEGER = /0[xX][0-9a-fA-F]+|0[0-7]+|0|[1-9][0-9]*/y;
const NUMBER_GOES_ON = /[A-Za-z0-9_.]/;
const PLAIN_CHARACTERS = { '"': /[^"\\\n]*/y, "'": /[^'\\\n]*/y };
const ESCAPE =
  /\\(?:([abfnrtv?\\'"])|([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/y;
const SIMPLE_ESCAPES = new Map(
  Object.entries({
    a: 7,
    b: 8,
    f: 12,
    n: 10,
    r: 13,
    t: 9,
    v: 11,
    '?': 63,
    '\\': 92,
    "'": 39,
    '"': 34,
  }),
);

/** @type {TextEncoder | undefined} */
let utf8Encoder;

/** @param {string} text */
function encodeUtf8(text) {
  utf8Encoder ??= makeTextEncoder();
  return utf8Encoder.encode(text);
}

/**
 * @param {string} text
 * @returns {string} as much of it as a message has room for
 */
export function shorten(text) {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** One pass over the text, by regular expressions that stick to the current offset. */
class Parser {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
    this.offset = text.charCodeAt(0) === 0xfeff ? 1 : 0;
    /** Start of the current line; kept up by `advance`, so that a position costs nothing. */
    this.lineStart = this.offset;
    this.line = 1;
  }

  /** @returns {Position} */
  position() {
    return { line: this.line, column: this.offset - this.lineStart + 1 };
  }

  /**
   * @param {string} what
   * @param {Position} [at]
   * @returns {never}
   */
  fail(what, { line, column } = this.position()) {
    throw new PrototxtError(what, line, column);
  }

  /** @returns {string} what stands at the current offset, for a message */
  found() {
    if (this.offset >= this.text.length) return 'the end of the text';
    const word = /[A-Za-z0-9_.]{1,40}|[^]/uy;
    word.lastIndex = this.offset;
    const [token] = /** @type {RegExpExecArray} */ (word.exec(this.text));
    return /[\u0000-\u0020\u007f-\u009f]/.test(token)
      ? `the character U+${token.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`
      : `"${token}"`;
  }

  /**
   * Consumes what the sticky pattern matches here, if it does.
   *
   * @param {RegExp} pattern
   * @returns {RegExpExecArray | null}
   */
  match(pattern) {
    pattern.lastIndex = this.offset;
    const match = pattern.exec(this.text);
    if (match) this.offset += match[0].length;
    return match;
  }

  /** Skips white space and comments: the only tokens that hold line ends. */
  skipSpace() {
    const start = this.offset;
    this.match(SPACE);
    for (let at = start; at < this.offset; ++at) {
      if (this.text.charCodeAt(at) !== NEWLINE) continue;
      this.line += 1;
      this.lineStart = at + 1;
    }
  }

  /** @returns {string} the next character that is neither space nor comment; '' at the end */
  peek() {
    this.skipSpace();
    return this.text.charAt(this.offset);
  }

  /**
   * @param {string} characters any of these
   * @returns {boolean} whether one was consumed
   */
  take(characters) {
    const next = this.peek();
    if (next === '' || !characters.includes(next)) return false;
    this.offset += 1;
    return true;
  }

  /**
   * Fields up to the closing character ('' for the end of the text), which is consumed.
   *
   * @param {string} close
   * @param {number} depth
   * @param {Position} start
   * @returns {Message}
   */
  message(close, depth, start) {
    if (depth > LIMITS.depth)
      this.fail(`messages are nested more than ${LIMITS.depth} deep`, start);
    /** @type {Map<string, Value[]>} */
    const fields = new Map();
    for (;;) {
      const next = this.peek();
      if (next === close) break;
      if (next === '') {
        this.fail(
          `the text ends inside the message opened at line ${start.line}, column ${
            start.column
          }; "${close}" is missing`,
        );
      }
      this.field(fields, close, depth);
    }
    this.offset += close.length;
    return { kind: 'message', fields, ...start };
  }

  /**
   * @param {Map<string, Value[]>} fields
   * @param {string} close
   * @param {number} depth
   */
  field(fields, close, depth) {
    const name = this.fieldName(close);
    const colon = this.take(':');
    const next = this.peek();
    if (!colon && !'{<['.includes(next || '?')) {
      this.fail(`expected ":" or "{" after the field "${shorten(name)}", found ${this.found()}`);
    }
    const values = fields.get(name) ?? [];
    fields.set(name, values);
    if (next === '[') this.list(values, colon, depth);
    else values.push(this.value(depth));
    this.take(';,');
  }

  /**
   * @param {string} close
   * @returns {string} an identifier, or an extension's name with its brackets
   */
  fieldName(close) {
    const match = this.match(NAME) ?? this.match(EXTENSION);
    if (match) return match[0].replace(/[ \t]/g, '');
    const or = close === '' ? '' : ` or "${close}"`;
    return this.fail(`expected a field name${or}, found ${this.found()}`);
  }

  /**
   * @param {Value[]} values where the elements go
   * @param {boolean} colon whether the list may hold anything but messages
   * @param {number} depth
   */
  list(values, colon, depth) {
    const start = this.position();
    this.take('[');
    if (this.take(']')) return;
    do {
      const next = this.peek();
      if (next === '[') this.fail('a list cannot hold a list');
      if (!colon && next !== '{' && next !== '<') {
        this.fail(
          `expected a message in the list, found ${this.found()}; a list of other values ` +
            'needs ":" before it',
        );
      }
      values.push(this.value(depth));
    } while (this.take(','));
    if (!this.take(']')) {
      this.fail(
        `expected "," or "]" in the list opened at line ${start.line}, column ${
          start.column
        }, found ${this.found()}`,
      );
    }
  }

  /**
   * @param {number} depth of the message around it
   * @returns {Value}
   */
  value(depth) {
    const next = this.peek();
    const start = this.position();
    if (this.take('{')) return this.message('}', depth + 1, start);
    if (this.take('<')) return this.message('>', depth + 1, start);
    if (next === '"' || next === "'") return { kind: 'string', value: this.strings(), ...start };
    const word = this.match(NAME);
    if (word) return this.wordValue(word[0], start);
    return { kind: 'number', value: this.number(), ...start };
  }

  /**
   * @param {string} word
   * @param {Position} start
   * @returns {NumberValue | NameValue}
   */
  wordValue(word, start) {
    if (/^inf(inity)?f?$/i.test(word)) return { kind: 'number', value: Infinity, ...start };
    if (/^nan$/i.test(word)) return { kind: 'number', value: NaN, ...start };
    return { kind: 'name', value: word, ...start };
  }

  /** @returns {number} */
  number() {
    const start = this.position();
    const sign = this.take('-') ? -1 : 1;
    this.skipSpace();
    const word = sign < 0 ? this.match(/inf(?:inity)?(?![A-Za-z0-9_])/iy) : null;
    if (word) return -Infinity;
    const token =
      this.match(FLOAT_WITH_POINT) ?? this.match(FLOAT_WITHOUT_POINT) ?? this.match(INTEGER);
    if (!token) {
      return this.fail(
        sign < 0
          ? `expected a number after "-", found ${this.found()}`
          : `expected a value, found ${this.found()}`,
      );
    }
    if (NUMBER_GOES_ON.test(this.text.charAt(this.offset))) {
      const rest = this.match(/[A-Za-z0-9_.]{1,40}/y)?.[0];
      this.fail(`"${shorten(token[0] + rest)}" is not a number`, start);
    }
    const octal = /^0[0-7]+$/.test(token[0]);
    return (
      sign * (octal ? parseInt(token[0], 8) : Number(token[0].replace(/^(?!0[xX])(.*)[fF]$/, '$1')))
    );
  }

  /** @returns {string} one or more adjacent literals, joined; their bytes must be UTF-8 */
  strings() {
    const start = this.position();
    /** @type {number[]} */
    const bytes = [];
    for (let quote = this.peek(); quote === '"' || quote === "'"; quote = this.peek()) {
      this.literal(quote, bytes);
    }
    try {
      return makeTextDecoder().decode(new Uint8Array(bytes));
    } catch {
      return this.fail('the string is not valid UTF-8', start);
    }
  }

  /**
   * @param {'"' | "'"} quote
   * @param {number[]} bytes where the literal's bytes go
   */
  literal(quote, bytes) {
    const start = this.position();
    this.offset += 1;
    for (;;) {
      const plain = this.match(PLAIN_CHARACTERS[quote])?.[0] ?? '';
      for (const byte of encodeUtf8(plain)) bytes.push(byte);
      const next = this.text.charAt(this.offset);
      if (next === quote) break;
      if (next !== '\\') this.fail(`the string is not closed on its line with ${quote}`, start);
      this.escape(bytes);
    }
    this.offset += 1;
  }

  /** @param {number[]} bytes */
  escape(bytes) {
    const start = this.position();
    const match = this.match(ESCAPE);
    if (!match) {
      const next = String.fromCodePoint(this.text.codePointAt(this.offset + 1) ?? 0x20);
      return this.fail(
        `"\\${/[\u0000-\u0020]/.test(next) ? '' : next}" is not an escape sequence`,
        start,
      );
    }
    const [, simple, octal, hex, short, long] = match;
    if (simple) bytes.push(SIMPLE_ESCAPES.get(simple) ?? 0);
    else if (octal || hex) {
      const byte = octal ? parseInt(octal, 8) : parseInt(hex, 16);
      if (byte > 255) this.fail(`"${match[0]}" is more than a byte`, start);
      bytes.push(byte);
    } else {
      const code = parseInt(short ?? long, 16);
      if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
        this.fail(`"${match[0]}" is not a Unicode character`, start);
      }
      bytes.push(...encodeUtf8(String.fromCodePoint(code)));
    }
  }
}

/**
 * Reads a text in the text format of protocol buffers.
 *
 * Names and values come as written; a field that stands several times, or with a list, has several
 * values. Nothing in the text can reach an object's prototype: the fields are in a `Map`.
 *
 * @param {string} text at most `LIMITS.characters` long
 * @returns {Message} the whole text as one message
 * @throws {PrototxtError} for anything the text format does not allow; says where
 */
export function parsePrototxt(text) {
  if (typeof text !== 'string') throw new TypeError('parsePrototxt takes the text as a string.');
  if (text.length > LIMITS.characters) {
    throw new FileError(
      `The prototxt has ${text.length} characters; the limit is ${LIMITS.characters}.`,
    );
  }
  const parser = new Parser(text);
  return parser.message('', 1, { line: 1, column: 1 });
}
