// SPDX-License-Identifier: Apache-2.0

/** Where the WebAssembly comes from. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { relative, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { runInNewContext } from 'node:vm';

import binary from '../../../dist/lowtropy.binary.js';
import createModule from '../../../dist/lowtropy.js';
import { Engine } from '../../../web/lib/core/engine.js';
import { EngineError } from '../../../web/lib/index.js';

const file = fileURLToPath(new URL('../../../dist/lowtropy.wasm', import.meta.url));
const bytes = readFileSync(file);

const makeEngine = () => new Engine({ loader: createModule, missing: 'It is not loaded.' });

/** @param {any} options */
async function load(options) {
  const engine = makeEngine();
  await engine.init(options, binary);
  assert.equal(Object.prototype.toString.call(engine.compiled), '[object WebAssembly.Module]');
}

/**
 * @param {any} options
 * @param {RegExp} sentence
 */
function refuse(options, sentence) {
  return assert.rejects(load(options), (error) => {
    assert(error instanceof EngineError, `${error}`);
    assert.match(error.message, sentence);
    return true;
  });
}

describe('init', () => {
  test('needs nothing', () => load({}));

  test('takes an address, and a path relative to the working folder', async () => {
    for (const wasmUrl of [pathToFileURL(file), `${pathToFileURL(file)}`, file, resolve(file)]) {
      await load({ wasmUrl });
    }
    const path = relative(process.cwd(), file);
    await load({ wasmUrl: path });
    await load({ wasmUrl: `./${path}` });
    await load({ wasmUrl: `data:application/wasm;base64,${bytes.toString('base64')}` });
  });

  test('says what is wrong with an address', async () => {
    await refuse(
      { wasmUrl: 'C:\\no\\such.wasm' },
      /cannot be read from file:.*no%5Csuch\.wasm: it does not exist/,
    );
    await refuse(
      { wasmUrl: './no/such.wasm' },
      /cannot be read from file:.*no\/such\.wasm: it does not exist/,
    );
    await refuse({ wasmUrl: 'https://' }, /"wasmUrl" is no address: https:\/\/\./);
    await refuse({ wasmUrl: 'zip://a' }, /cannot be fetched from zip:\/\/a/);
    await refuse({ wasmUrl: 'README.md' }, /README\.md does not hold WebAssembly/);
  });

  test('takes bytes of any kind, also of another realm', async () => {
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
    shared.set(bytes);
    const foreign = runInNewContext('Uint8Array.from(bytes)', { bytes });
    assert(!(foreign instanceof Uint8Array));
    const padded = new Uint8Array(bytes.length + 9);
    padded.set(bytes, 4);
    for (const wasmBinary of [
      ...[bytes, new Uint8Array(bytes).buffer, shared, shared.buffer, foreign, foreign.buffer],
      ...[padded.subarray(4, -5), new DataView(padded.buffer, 4, bytes.length)],
    ]) {
      await load({ wasmBinary });
    }
    await refuse({ wasmBinary: [...bytes] }, /"wasmBinary" does not hold WebAssembly/);
    await refuse({ wasmBinary: new Uint8Array(4) }, /"wasmBinary" does not hold WebAssembly/);
  });

  test('takes a module, also of another realm', async () => {
    await load({ module: await WebAssembly.compile(bytes) });
    const module = runInNewContext('new WebAssembly.Module(bytes)', { bytes });
    assert(!(module instanceof WebAssembly.Module));
    await load({ module });
    await refuse({ module: { exports: [] } }, /"module" is not a WebAssembly\.Module/);
  });

  test('knows no other options', async () => {
    await refuse({ wasmURL: file }, /There is no option "wasmURL" of init\(\); there are module, /);
    await refuse(null, /The options of init\(\) are no object: null/);
  });

  test('does not fail because another call at the same time does', async () => {
    const engine = makeEngine();
    const bad = engine.init({ wasmUrl: './no/such.wasm' }, binary);
    const good = engine.init({}, binary);
    const worse = engine.init({ wasmUrl: './nor/this.wasm' }, binary);
    await assert.rejects(bad, /no\/such\.wasm/);
    await good;
    assert.equal(engine.init({}, binary), engine.init({}, binary));
    await worse; // it is loaded, so nothing is left to fail
    assert(engine.native);
  });

  test('tries again after a failure', async () => {
    const engine = makeEngine();
    await assert.rejects(engine.init({ wasmUrl: './no/such.wasm' }, binary));
    assert.throws(() => engine.native, /It is not loaded/);
    await engine.init({}, binary);
    assert(engine.native);
  });

  test('fetches once for those who ask at the same time', async () => {
    let requests = 0;
    const server = createServer((_request, response) => {
      ++requests;
      response.end(bytes);
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
    try {
      const engine = makeEngine();
      const wasmUrl = `http://127.0.0.1:${port}/lowtropy.wasm`;
      await Promise.all([1, 2, 3].map(() => engine.init({ wasmUrl }, binary)));
      assert.equal(requests, 1);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
