// SPDX-License-Identifier: Apache-2.0

/** Models from where they are. */

import { Model, ShapeError, importDeepCompression, importOnnx } from '../../lib/lowtropy.js';
import { fetchFirst, readBody } from './download.js';

/**
 * @typedef {import('../common/serve.js').Control} Control
 * @typedef {import('./protocol.js').ModelSource} ModelSource
 * @typedef {import('./protocol.js').Place} Place
 *
 * @typedef {{ model: Model, sourceBytes: number, remark?: string }} Opened
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
  if (source.kind === 'onnx') return loadOnnx(source.files, control);
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
 * @param {File[]} files the model, and those with its data
 * @param {Control} control
 * @returns {Promise<Opened>}
 */
async function loadOnnx(files, { onProgress, signal }) {
  onProgress({ stage: 'encoding' });
  await messagesIn();
  const sourceBytes = files.reduce((sum, { size }) => sum + size, 0);
  try {
    return { sourceBytes, model: await importOnnx(files, { signal }) };
  } catch (error) {
    const shapes = error instanceof ShapeError ? likelyShapes(error.shapes) : undefined;
    if (!shapes) throw error;
    const model = await importOnnx(files, { signal, shapes });
    const texts = Object.entries(shapes).map(([name, shape]) => `${name}: ${shape.join('×')}`);
    const remark = `Its file leaves sizes open that matter; here they are those of ${texts.join(', ')}.`;
    return { sourceBytes, model, remark };
  }
}

/** Of pictures whose size is open: what most networks were trained on. */
const USUAL_SIDE = 224;

/**
 * @param {import('../../lib/core/errors.js').OpenShapes | undefined} open of inputs, null where a size is open
 * @returns {Record<string, number[]> | undefined}
 */
function likelyShapes(open) {
  if (!open) return undefined;
  return Object.fromEntries(
    Object.entries(open).map(([name, shape]) => {
      const isPicture = shape.length === 4 && (shape[1] === 3 || shape[3] === 3);
      return [name, shape.map((dim, axis) => dim ?? (isPicture && axis > 0 ? USUAL_SIDE : 1))];
    }),
  );
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
