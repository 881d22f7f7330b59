// SPDX-License-Identifier: Apache-2.0

/** Models from where they are. */

import { Model, importDeepCompression } from '../../lib/lowtropy.js';
import { fetchFirst, readBody } from './download.js';

/**
 * @typedef {import('../common/serve.js').Control} Control
 * @typedef {import('./protocol.js').ModelSource} ModelSource
 * @typedef {import('./protocol.js').Place} Place
 *
 * @typedef {{ model: Model, sourceBytes: number }} Opened
 */

/** Lets messages in, such as the one that stops the loading. */
const messagesIn = () => new Promise((resolve) => setTimeout(resolve));

/**
 * @param {ModelSource} source
 * @param {Control} control
 * @returns {Promise<Opened>}
 */
export async function loadModel(source, control) {
  if (source.kind === 'model-file') return loadFile(source.file, source.file.size, control);
  if (source.kind === 'address') {
    const { response } = await fetchFirst([source.address], control.signal);
    const bytes = await readBody(response, () => {}, control.signal);
    return loadFile(bytes, bytes.length, control);
  }
  const [net, prototxt] =
    source.kind === 'places'
      ? await download(source.places, source.bytes, control)
      : [await source.net.arrayBuffer(), await source.prototxt.arrayBuffer()];
  control.onProgress({ stage: 'encoding' });
  await messagesIn();
  control.signal.throwIfAborted();
  const model = await importDeepCompression(net, new TextDecoder().decode(prototxt));
  return { model, sourceBytes: net.byteLength + prototxt.byteLength };
}

/**
 * @param {Blob | Uint8Array} file
 * @param {number} sourceBytes
 * @param {Control} control
 */
async function loadFile(file, sourceBytes, { onProgress, signal }) {
  const model = await Model.load(file, {
    signal,
    onProgress: ({ loaded, total }) => onProgress({ stage: 'reading', loaded, total }),
  });
  return { model, sourceBytes };
}

/**
 * @param {Place[]} places
 * @param {number} bytes
 * @param {Control} control
 * @returns {Promise<Array<Uint8Array<ArrayBuffer>>>} the .net file and the deploy file
 */
async function download(places, bytes, { onProgress, signal }) {
  let loaded = 0;
  /** @param {number} piece */
  const onPiece = (piece) => {
    loaded += piece;
    // The server's content-length is of no use: it may be that of a compressed body.
    onProgress({ stage: 'reading', loaded, total: loaded <= bytes ? bytes : undefined });
  };
  onPiece(0);
  const { response, index } = await fetchFirst(
    places.map((place) => place.net),
    signal,
  );
  const net = await readBody(response, onPiece, signal);
  const deploy = await fetchFirst([places[index].prototxt], signal);
  return [net, await readBody(deploy.response, onPiece, signal)];
}
