// SPDX-License-Identifier: Apache-2.0

/** Where a model comes from: files, streams of all kinds, addresses, and what is no model. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSocketServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';

import { FileError, Model, ValueError } from '../../../web/lib/index.js';

const folder = mkdtempSync(join(tmpdir(), 'lowtropy-sources-'));
const path = join(folder, 'a model, 100 %.safetensors');
/** @type {Uint8Array<ArrayBuffer>} */
let file;

before(async () => {
  const data = Float32Array.from({ length: 64 }, (_, i) => i % 5);
  const graph = /** @type {any} */ ({
    name: 'one',
    input: { name: 'data', shape: [8, 1, 1] },
    outputs: ['fc'],
    nodes: [{ op: 'fc', name: 'fc', inputs: ['data'], output: 'fc', weight: 'w', outChannels: 8 }],
  });
  const tensors = new Map([['w', /** @type {any} */ ({ kind: 'matrix', rows: 8, cols: 8, data })]]);
  const model = await Model.fromGraph(graph, tensors);
  file = model.save();
  model.dispose();
  writeFileSync(path, file);
});
after(() => rmSync(folder, { recursive: true }));

/** @param {any} source */
async function loads(source) {
  const model = await Model.load(source);
  assert.deepEqual(model.save(), file);
  model.dispose();
}

/**
 * @param {any} source
 * @param {typeof import('../../../web/lib/index.js').LowtropyError} Kind
 * @param {RegExp} message
 */
async function refuses(source, Kind, message) {
  await assert.rejects(Model.load(source), (error) => {
    assert(error instanceof Kind, `${error}`);
    assert.match(error.message, message);
    assert.match(error.message, /^[^\n]+\.$/);
    return true;
  });
}

/** @param {unknown[]} chunks */
async function* giving(...chunks) {
  yield* chunks;
}

/** @param {unknown[]} chunks */
function streamOf(...chunks) {
  return new ReadableStream({
    pull(controller) {
      if (chunks.length > 0) controller.enqueue(chunks.shift());
      else controller.close();
    },
  });
}

describe('sources: files', () => {
  test('by path, by address, and by the address as a string', async () => {
    await loads(path);
    await loads(pathToFileURL(path));
    await loads(pathToFileURL(path).href);
  });

  test('relative to the working folder', async () => {
    const before = process.cwd();
    process.chdir(folder);
    try {
      await loads('a model, 100 %.safetensors');
      await loads('./a model, 100 %.safetensors');
    } finally {
      process.chdir(before);
    }
  });

  test('that are not there, or are none', async () => {
    const missing = join(folder, 'missing');
    await refuses(
      missing,
      FileError,
      /^The model cannot be read from .*missing: it does not exist/,
    );
    await refuses(
      pathToFileURL(missing),
      FileError,
      /file:.*missing: it does not exist \(ENOENT\)/,
    );
    await refuses(folder, FileError, /it is a folder, not a file/);
    await refuses('', FileError, /it does not exist/);
    await refuses('s3://bucket/model', FileError, /begin with http, https, file, data or blob/);
    writeFileSync(join(folder, 'empty'), '');
    await refuses(join(folder, 'empty'), FileError, /./);
  });

  test('progress knows the size from the beginning', async () => {
    /** @type {any[]} */
    const seen = [];
    const model = await Model.load(path, { onProgress: (progress) => seen.push(progress) });
    assert.deepEqual(seen[0], { loaded: 0, total: file.length });
    assert.deepEqual(seen.at(-1), { loaded: file.length, total: file.length });
    model.dispose();
  });
});

describe('sources: streams', () => {
  const half = 100;
  /** @type {Record<string, (bytes: Uint8Array<ArrayBuffer>) => unknown>} */
  const forms = {
    'a Uint8Array': (bytes) => bytes,
    'an ArrayBuffer': (bytes) => bytes.slice().buffer,
    'a DataView': (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
    'a Uint8ClampedArray': (bytes) => new Uint8ClampedArray(bytes),
    'an Int8Array': (bytes) => new Int8Array(bytes),
    'a Buffer': (bytes) => Buffer.from(bytes),
  };
  for (const [name, form] of Object.entries(forms)) {
    test(`of ${name} each`, async () => {
      const chunks = () => [form(file.subarray(0, half)), form(file.subarray(half))];
      await loads(giving(...chunks()));
      await loads(streamOf(...chunks()));
    });
  }

  test('of anything else are refused by name', async () => {
    await refuses(giving('text'), ValueError, /gives a string instead of bytes; read it without/);
    await refuses(createReadStream(path, 'utf8'), ValueError, /gives a string/);
    await refuses(streamOf(new Float32Array(2)), ValueError, /gives a Float32Array instead/);
    await refuses(giving(7), ValueError, /gives the number 7/);
    await refuses(giving(null), ValueError, /gives null/);
    await refuses(giving({}), ValueError, /gives an object/);
    await refuses([1, 2], ValueError, /loaded from a Uint8Array .* not from an array/);
    await refuses(undefined, ValueError, /not from undefined/);
  });

  test('a Response, and one that was read already', async () => {
    await loads(new Response(file));
    const used = new Response(file);
    await used.arrayBuffer();
    await refuses(used, ValueError, /was read already/);
    await refuses(new Response('no', { status: 404 }), FileError, /the server answers 404/);
    const stream = streamOf(file);
    stream.getReader();
    await refuses(stream, ValueError, /being read by somebody else/);
  });

  test('what is left over is cancelled, and the stream released', async () => {
    let cancelled = false;
    const stream = new ReadableStream({
      pull: (controller) => controller.enqueue('text'),
      cancel: () => {
        cancelled = true;
      },
    });
    await refuses(stream, ValueError, /gives a string/);
    assert(cancelled && !stream.locked);
  });
});

describe('sources: aborting what is stalled', () => {
  const reason = new Error('enough');
  const never = new Promise(() => {});

  /**
   * @param {() => any} makeSource
   * @param {(abort: () => void) => unknown} [when]
   */
  async function aborts(makeSource, when = (abort) => setImmediate(abort)) {
    const controller = new AbortController();
    const loading = Model.load(makeSource(), { signal: controller.signal });
    when(() => controller.abort(reason));
    await assert.rejects(loading, (error) => error === reason);
  }

  test('a ReadableStream', async () => {
    const stream = new ReadableStream({ pull: () => never, cancel: () => never });
    await aborts(() => stream);
    assert.equal(stream.locked, false);
  });

  test('a generator', () =>
    aborts(async function* stalled() {
      yield file.subarray(0, 9);
      await never;
    }));

  test('an iterator, which is told', async () => {
    let told = false;
    await aborts(() => ({
      [Symbol.asyncIterator]: () => ({
        next: () => never,
        return: () => {
          told = true;
          return never;
        },
      }),
    }));
    assert(told);
  });

  test('a stream of Node.js, which is ended', async () => {
    const { Readable } = await import('node:stream');
    const stream = new Readable({ read() {} });
    await aborts(() => stream);
    assert(stream.destroyed);
  });

  test('a Blob', () =>
    aborts(() => Object.assign(new Blob([file]), { stream: () => new ReadableStream() })));

  test('an answer that never comes, and one that goes on no longer', async () => {
    for (const answer of [false, true]) {
      /** @type {(value?: unknown) => void} */
      let arrived = () => {};
      const asked = new Promise((resolve) => {
        arrived = resolve;
      });
      const server = createServer((_, response) => {
        if (answer) response.write(file.subarray(0, 9));
        arrived();
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = /** @type {any} */ (server.address());
      await aborts(
        () => `http://127.0.0.1:${port}/`,
        (abort) => asked.then(abort),
      );
      server.closeAllConnections();
      server.close();
    }
  });

  test('by a signal that is no instance of AbortSignal here', async () => {
    const target = new EventTarget();
    const signal = Object.assign(target, { aborted: false, reason: undefined });
    const loading = Model.load(new ReadableStream(), { signal: /** @type {any} */ (signal) });
    setImmediate(() => {
      Object.assign(signal, { aborted: true, reason });
      target.dispatchEvent(new Event('abort'));
    });
    await assert.rejects(loading, (error) => error === reason);
  });
});

describe('sources: connections that fail say why', () => {
  /**
   * @param {(socket: import('node:net').Socket) => void} answer
   * @param {RegExp} message
   */
  async function fails(answer, message) {
    const server = createSocketServer(answer);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = /** @type {any} */ (server.address());
    await refuses(`http://127.0.0.1:${port}/x`, FileError, message);
    await new Promise((resolve) => server.close(resolve));
    return port;
  }

  test('refused, broken off, no HTTP', async () => {
    const port = await fails(
      (socket) => socket.destroy(),
      /fetched from .*x: the connection was br/,
    );
    await refuses(
      `http://127.0.0.1:${port}/`,
      FileError,
      /connection was refused \(ECONNREFUSED\)/,
    );
    await fails(
      (socket) => socket.once('data', () => socket.end('hello\r\n\r\n')),
      /the answer is not HTTP \(HPE_/,
    );
  });

  test('no such host, and the cause is kept', async () => {
    await assert.rejects(Model.load('http://nowhere.invalid/model'), (error) => {
      assert(error instanceof FileError && error.cause instanceof Error);
      assert.match(error.message, /no such host \(ENOTFOUND\)|cannot be looked up/);
      return true;
    });
  });
});

describe('sources: files of another kind are named', () => {
  const zeros = Buffer.alloc(600);
  /** @param {...(string | Buffer)} parts */
  const bytes = (...parts) =>
    Buffer.concat(
      parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)),
    );
  /** @type {Array<[kind: RegExp, bytes: Buffer]>} */
  const kinds = [
    [/an HTML page/, bytes('\n<!DOCTYPE html><html>')],
    [/an HTML page/, bytes('<!-- x -->\n<html lang="en">')],
    [/an XML or SVG file/, bytes('<?xml version="1.0"?><Error>')],
    [/compressed by gzip/, gzipSync('model')],
    [/compressed by Zstandard/, bytes('\x28\xb5\x2f\xfd', zeros)],
    [/a zip archive, as PyTorch/, bytes('PK\x03\x04\x14\0', zeros)],
    [/a pickle of Python's/, bytes('\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.')],
    [/an HDF5 file/, bytes('\x89HDF\r\n\x1a\n', zeros)],
    [/a TensorFlow Lite model/, bytes('\x1c\0\0\0TFL3', zeros)],
    [/a GGUF model/, bytes('GGUF\x03\0\0\0', zeros)],
    [/an ONNX model/, bytes('\x08\x07\x12\x07pytorch\x1a\x052.1.0:', zeros)],
    [/a Caffe model of dense weights/, bytes('\n\x05lenet\xa2\x06', zeros)],
    [/a NumPy array/, bytes('\x93NUMPY\x01\0', zeros)],
    [/JSON/, bytes('{"format": "layers-model"}')],
    [/a Caffe deploy file/, bytes('# net\nname: "LeNet"\nlayer {')],
    [/a JPEG picture/, bytes('\xff\xd8\xff\xe0', zeros)],
    [
      /a pointer of Git LFS, .* "git lfs pull"/,
      bytes('version https://git-lfs.github.com/spec/v1\n'),
    ],
  ];
  for (const [kind, content] of kinds) {
    test(`${kind}`, async () => {
      const message = new RegExp(`is not a safetensors file; it is ${kind.source}`);
      await refuses(content, FileError, message);
      await refuses(giving(content.subarray(0, 64), content.subarray(64)), FileError, message);
      writeFileSync(join(folder, 'other'), content);
      await refuses(join(folder, 'other'), FileError, message);
    });
  }

  test('a damaged model is called damaged, and noise nothing', async () => {
    await assert.rejects(Model.load(file.subarray(0, 300)), (error) => {
      assert.doesNotMatch(String(error), /it is/);
      return error instanceof FileError;
    });
    await refuses(Buffer.from('\x91\x92\x93noise, noise, noise', 'latin1'), FileError, /./);
  });
});
