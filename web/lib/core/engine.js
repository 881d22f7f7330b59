// SPDX-License-Identifier: Apache-2.0

/** Loading a WebAssembly module, once, and calling into it. */

import { EngineError } from './errors.js';
import { GuardedModule } from './guard.js';
import { gunzip } from './gunzip.js';
import { builtinModule, importBuiltin } from './node.js';
import { reasonOf } from './reasons.js';
import { bytesOf, tagOf } from './tags.js';

/**
 * @typedef {object} InitOptions where the WebAssembly comes from; by default it is in the package's
 *   JavaScript. The first of these that is given counts.
 * @property {WebAssembly.Module} [module] compiled already, for example by another thread
 * @property {ArrayBufferLike | ArrayBufferView} [wasmBinary] its bytes
 * @property {string | URL} [wasmUrl] an address to fetch it from; relative to the page or the worker's
 *   script, and in Node.js a path, relative to the working folder
 */

/**
 * What Emscripten's loaders take and give.
 *
 * @template T
 * @typedef {(options: {
 *   instantiateWasm(
 *     imports: WebAssembly.Imports,
 *     receive: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
 *   ): object,
 *   locateFile(name: string): string,
 *   print(text: string): void,
 *   printErr(text: string): void,
 * }) => Promise<T>} CreateModule
 */

/** What `init` takes, in the order in which it counts. */
const OPTIONS = ['module', 'wasmBinary', 'wasmUrl'];

/** A module with one function that uses a SIMD instruction: (func v128.const 0 drop). */
const SIMD_PROBE = Uint8Array.of(
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // magic, version
  ...[1, 4, 1, 0x60, 0, 0], // type () → ()
  ...[3, 2, 1, 0], // one function of it
  ...[0x0a, 0x17, 1, 0x15, 0, 0xfd, 0x0c, ...new Array(16).fill(0), 0x1a, 0x0b],
);

/** A module with one function that throws: (tag) (func throw 0). */
const EXCEPTIONS_PROBE = Uint8Array.of(
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...[1, 4, 1, 0x60, 0, 0],
  ...[3, 2, 1, 0],
  ...[0x0d, 3, 1, 0, 0], // one tag of the same type
  ...[0x0a, 6, 1, 4, 0, 0x08, 0, 0x0b],
);

/**
 * One WebAssembly module and its only instance.
 *
 * @template {import('./guard.js').NativeGuards} T what the module exports
 */
export class Engine {
  /** @type {GuardedModule<T> | undefined} */
  #instance;
  /** @type {WebAssembly.Module | undefined} */
  #compiled;
  /** The last call that did not just wait. @type {{ options: InitOptions, done: Promise<void> } | undefined} */
  #loading;
  /** @type {EngineParts<T>} */
  #parts;

  /** @param {EngineParts<T>} parts */
  constructor(parts) {
    this.#parts = parts;
  }

  /**
   * Loads the module. Later calls wait for the first and change nothing; after a failure the next
   * call tries again by its own options, also one that waited. A module that has trapped is made anew,
   * empty; what the old one held stays lost, and its handles say so.
   *
   * @param {InitOptions} options
   * @param {string | URL} [binary] where no option says otherwise: the WebAssembly itself, by gzip and in
   *   base 64, or its address. The package has it in its code, because each tool that moves code has a
   *   way of its own to move a file along, or none: pre-bundling, scripts that are no modules, test
   *   environments. It is no more to download than a .wasm that the server compresses.
   * @returns {Promise<void>}
   * @throws {EngineError} if this engine has no WebAssembly SIMD, what was loaded is not the module,
   *   or an option is none
   */
  init(options, binary) {
    const problem = problemOf(options);
    if (problem) return Promise.reject(new EngineError(problem));
    const trapped = this.#instance?.failure !== undefined;
    if (trapped) {
      this.#instance = undefined;
      this.#loading = undefined;
    }
    const before = this.#loading;
    if (before && (this.#instance || hasSameOptions(before.options, options))) return before.done;
    const load = () => this.#load(trapped ? { module: this.#compiled } : options, binary);
    const loading = { options, done: before ? before.done.catch(load) : load() };
    this.#loading = loading;
    loading.done.catch(() => {
      if (this.#loading === loading) this.#loading = undefined;
    });
    return loading.done;
  }

  /**
   * @returns {WebAssembly.Module}
   * @throws {EngineError} before `init` is done
   */
  get compiled() {
    this.native;
    return /** @type {WebAssembly.Module} */ (this.#compiled);
  }

  /**
   * What the module exports, guarded: each function throws an error of this library.
   *
   * @returns {T}
   * @throws {EngineError} before `init` is done, and after the module has trapped
   */
  get native() {
    if (!this.#instance) throw new EngineError(this.#parts.missing);
    const { failure, exports } = this.#instance;
    if (failure !== undefined) throw new EngineError(failure);
    return exports;
  }

  /**
   * Calls into the module.
   *
   * @template R
   * @param {(native: T) => R} work
   * @returns {NonNullable<R>}
   */
  call(work) {
    return /** @type {NonNullable<R>} */ (work(this.native));
  }

  /**
   * @param {InitOptions} options
   * @param {string | URL | undefined} binary
   */
  async #load(options, binary) {
    checkEngine();
    const compiled = await compile(options, binary);
    this.#instance = await instantiate(this.#parts.loader, compiled);
    this.#compiled = compiled;
  }
}

/**
 * @template T
 * @typedef {object} EngineParts
 * @property {CreateModule<T>} loader Emscripten's function
 * @property {string} missing the sentence for those who use it before it is loaded
 */

/**
 * @template {import('./guard.js').NativeGuards} T
 * @param {CreateModule<T>} create
 * @param {WebAssembly.Module} compiled
 * @returns {Promise<GuardedModule<T>>}
 * @throws {EngineError} if it is some other module
 */
async function instantiate(create, compiled) {
  try {
    const native = await new Promise((resolve, reject) => {
      create({
        instantiateWasm(imports, receive) {
          WebAssembly.instantiate(compiled, imports)
            .then((instance) => receive(instance, compiled))
            .catch(reject);
          return {};
        },
        // Nothing is fetched; the loader asks all the same.
        locateFile: (name) => name,
        print: () => {},
        printErr: () => {},
      }).then(resolve, reject);
    });
    return new GuardedModule(native);
  } catch (error) {
    throw new EngineError(
      `What was loaded as the WebAssembly module cannot be started; is it this version's? ${
        error instanceof Error ? error.message : error
      }.`,
    );
  }
}

function checkEngine() {
  if (typeof WebAssembly !== 'object') {
    throw new EngineError('This engine has no WebAssembly.');
  }
  if (!WebAssembly.validate(SIMD_PROBE)) {
    throw new EngineError('This engine has no WebAssembly SIMD, which this library needs.');
  }
  if (!WebAssembly.validate(EXCEPTIONS_PROBE)) {
    throw new EngineError('This engine has no WebAssembly exceptions, which this library needs.');
  }
}

/**
 * @param {InitOptions} options
 * @returns {string | undefined}
 */
function problemOf(options) {
  if (options === null || typeof options !== 'object') {
    return `The options of init() are no object: ${options}.`;
  }
  const unknown = Object.keys(options).find((name) => !OPTIONS.includes(name));
  if (unknown === undefined) return undefined;
  return `There is no option "${unknown}" of init(); there are ${OPTIONS.join(', ')}.`;
}

/**
 * @param {Record<string, any>} a
 * @param {Record<string, any>} b
 */
function hasSameOptions(a, b) {
  return OPTIONS.every((name) => a[name] === b[name]);
}

/**
 * @param {InitOptions} options
 * @param {string | URL | undefined} binary
 * @returns {Promise<WebAssembly.Module>}
 */
async function compile({ module, wasmBinary, wasmUrl }, binary) {
  if (module) {
    if (tagOf(module) === 'WebAssembly.Module') return module;
    throw new EngineError('The option "module" is not a WebAssembly.Module.');
  }
  if (wasmBinary) return compileBytes(viewBytes(wasmBinary), 'The option "wasmBinary"');
  const source = wasmUrl ? await parseUrl(wasmUrl) : binary;
  if (source === undefined) throw new EngineError('The option "module" is missing.');
  if (typeof source === 'string') return compileBytes(unpack(source), 'The package');
  return compileBytes(await readUrl(source), source.href);
}

/**
 * @param {unknown} bytes
 * @returns {Uint8Array<ArrayBuffer>} on the same memory, or on a copy where that is shared
 */
function viewBytes(bytes) {
  let view;
  try {
    view = bytesOf(bytes);
  } catch {
    // Its memory was given away.
  }
  if (!view) throw new EngineError('The option "wasmBinary" does not hold WebAssembly.');
  // What is shared may change while it is compiled, so browsers refuse it.
  return tagOf(view.buffer) === 'ArrayBuffer'
    ? /** @type {Uint8Array<ArrayBuffer>} */ (view)
    : view.slice();
}

/**
 * @param {string} packed
 * @returns {Uint8Array<ArrayBuffer>}
 */
function unpack(packed) {
  const letters = atob(packed);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < bytes.length; ++i) bytes[i] = letters.charCodeAt(i);
  /** @type {typeof import('node:zlib') | undefined} */
  const zlib = builtinModule('node:zlib'); // ten times as fast as ours, which is not compiled yet
  return zlib ? new Uint8Array(zlib.gunzipSync(bytes)) : gunzip(bytes);
}

/**
 * @param {string | URL} address
 * @returns {Promise<URL>}
 */
async function parseUrl(address) {
  const text = String(address);
  const base = globalThis.document?.baseURI ?? globalThis.location?.href;
  const hasScheme = /^[a-z][a-z0-9+.-]+:/i.test(text); // a single letter is a drive of Windows
  try {
    if (hasScheme) return new URL(text);
    if (base === undefined) {
      /** @type {typeof import('node:url')} */
      const { pathToFileURL } = await importBuiltin('node:url');
      return pathToFileURL(text);
    }
    if (!/^[a-z]:/i.test(text)) return new URL(text, base);
  } catch {
    // What follows is all there is to say.
  }
  throw new EngineError(`The option "wasmUrl" is no address: ${text}.`);
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {string} source for the message
 */
async function compileBytes(bytes, source) {
  if (bytes[0] !== 0 || bytes[1] !== 0x61 || bytes[2] !== 0x73 || bytes[3] !== 0x6d) {
    const html = /^\s*</.test(String.fromCharCode(...bytes.subarray(0, 64)));
    throw new EngineError(
      html
        ? `${source} holds HTML where WebAssembly was expected; is the address right?`
        : `${source} does not hold WebAssembly.`,
    );
  }
  try {
    return await WebAssembly.compile(bytes);
  } catch (error) {
    throw new EngineError(
      `${source} holds WebAssembly that cannot be compiled: ${
        error instanceof Error ? error.message : error
      }.`,
    );
  }
}

/**
 * @param {URL} url
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
async function readUrl(url) {
  if (url.protocol === 'file:') {
    // Node.js, whose fetch knows no files.
    try {
      /** @type {typeof import('node:fs/promises')} */
      const { readFile } = await importBuiltin('node:fs/promises');
      return new Uint8Array(await readFile(url));
    } catch (error) {
      throw new EngineError(
        `The WebAssembly module cannot be read from ${url.href}: ${reasonOf(error)}.`,
      );
    }
  }
  let response;
  try {
    response = await fetch(url);
  } catch (error) {
    throw new EngineError(
      `The WebAssembly module cannot be fetched from ${url.href}: ${reasonOf(error)}.`,
    );
  }
  if (!response.ok) {
    throw new EngineError(
      `The WebAssembly module cannot be fetched from ${url.href}: the server answers ${
        response.status
      }.`,
    );
  }
  return new Uint8Array(await response.arrayBuffer());
}
