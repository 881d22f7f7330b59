// SPDX-License-Identifier: Apache-2.0

/** Loading a WebAssembly module, once, and calling into it. */

import { EngineError } from './errors.js';
import { GuardedModule } from './guard.js';

/**
 * @typedef {object} InitOptions where the WebAssembly comes from; by default from beside the package
 * @property {string | URL} [wasmUrl] an address to fetch it from
 * @property {ArrayBuffer | Uint8Array} [wasmBinary] its bytes
 * @property {WebAssembly.Module} [module] compiled already, for example by another thread
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
 *   print(text: string): void,
 *   printErr(text: string): void,
 * }) => Promise<T>} CreateModule
 */

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
  /** @type {Promise<void> | undefined} */
  #loading;
  /** @type {EngineParts<T>} */
  #parts;

  /** @param {EngineParts<T>} parts */
  constructor(parts) {
    this.#parts = parts;
  }

  /**
   * Loads the module. Later calls wait for the first and change nothing; after a failure the next
   * call tries again. A module that has trapped is made anew, empty; what the old one held stays
   * lost, and its handles say so.
   *
   * @param {InitOptions} [options]
   * @returns {Promise<void>}
   * @throws {EngineError} if this engine has no WebAssembly SIMD, or what was loaded is not the
   *   module
   */
  init(options = {}) {
    if (this.#instance?.failure !== undefined) {
      this.#instance = undefined;
      this.#loading = this.#start(this.#compiled).catch((error) => {
        this.#loading = undefined;
        throw error;
      });
    }
    this.#loading ??= this.#load(options).catch((error) => {
      this.#loading = undefined;
      throw error;
    });
    return this.#loading;
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

  /** @param {InitOptions} options */
  async #load(options) {
    checkEngine();
    this.#compiled = await compile(options, this.#parts.url);
    await this.#start(this.#compiled);
  }

  /** @param {WebAssembly.Module | undefined} compiled */
  async #start(compiled) {
    this.#instance = await instantiate(
      await this.#parts.loader(),
      /** @type {WebAssembly.Module} */ (compiled),
    );
  }
}

/**
 * @template T
 * @typedef {object} EngineParts
 * @property {() => Promise<CreateModule<T>>} loader Emscripten's function
 * @property {() => URL} url where the .wasm is
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
 * @param {() => URL} defaultUrl
 * @returns {Promise<WebAssembly.Module>}
 */
async function compile({ module, wasmBinary, wasmUrl }, defaultUrl) {
  if (module) {
    if (module instanceof WebAssembly.Module) return module;
    throw new EngineError('The option "module" is not a WebAssembly.Module.');
  }
  if (wasmBinary) return compileBytes(wasmBinary, 'The option "wasmBinary"');
  const url = wasmUrl ? parseUrl(wasmUrl) : defaultUrl();
  return compileBytes(await readUrl(url), url.href);
}

/**
 * @param {string | URL} address
 * @returns {URL}
 */
function parseUrl(address) {
  try {
    return new URL(address, globalThis.document?.baseURI ?? import.meta.url);
  } catch {
    throw new EngineError(`The option "wasmUrl" is no address: ${address}.`);
  }
}

/**
 * @param {ArrayBuffer | Uint8Array} bytes
 * @param {string} source for the message
 */
async function compileBytes(bytes, source) {
  const view = bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes);
  if (view[0] !== 0 || view[1] !== 0x61 || view[2] !== 0x73 || view[3] !== 0x6d) {
    const html = /^\s*</.test(new TextDecoder().decode(view.subarray(0, 64)));
    throw new EngineError(
      html
        ? `${source} holds HTML where WebAssembly was expected; is the address right?`
        : `${source} does not hold WebAssembly.`,
    );
  }
  try {
    return await WebAssembly.compile(/** @type {Uint8Array<ArrayBuffer>} */ (view));
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
 * @returns {Promise<Uint8Array>}
 */
async function readUrl(url) {
  if (url.protocol === 'file:') {
    // Node.js, whose fetch knows no files. A variable, so that bundlers for browsers leave it alone.
    const fileSystem = 'node:fs/promises';
    const { readFile } = await import(/* @vite-ignore */ /* webpackIgnore: true */ fileSystem);
    try {
      return await readFile(url);
    } catch (error) {
      throw new EngineError(
        `The WebAssembly module cannot be read: ${error instanceof Error ? error.message : error}.`,
      );
    }
  }
  let response;
  try {
    response = await fetch(url);
  } catch (error) {
    throw new EngineError(
      `The WebAssembly module cannot be fetched from ${url.href}: ${
        error instanceof Error ? error.message : error
      }.`,
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
