// SPDX-License-Identifier: Apache-2.0

/** What a file is that is not the one it should be, by how it begins. */

import { FileError } from './errors.js';

/** As many bytes of a file as are looked at. */
export const HEAD_BYTES = 512;

/** The one kind of text that this library reads. */
export const DEPLOY_FILE = 'a Caffe deploy file';

/**
 * The beginnings as Latin-1, a character for each byte; the first that fits counts.
 *
 * @type {Array<[kind: string, start: RegExp]>}
 */
const KINDS = [
  [
    'a pointer of Git LFS, which stands for the file; "git lfs pull" fetches that',
    /^version https:\/\/git-lfs\.github\.com\/spec\//,
  ],
  ['an HTML page', /^(\xef\xbb\xbf)?\s*(<!--[^]*?-->\s*)*<(!doctype html|html|head|body)\b/i],
  ['an XML or SVG file', /^(\xef\xbb\xbf)?\s*<(\?xml|svg)\b/i],
  ['compressed by gzip', /^\x1f\x8b/],
  ['compressed by Zstandard', /^\x28\xb5\x2f\xfd/],
  ['compressed by bzip2', /^BZh[1-9]/],
  ['compressed by xz', /^\xfd7zXZ\0/],
  ['a 7z archive', /^7z\xbc\xaf\x27\x1c/],
  ['a zip archive, as PyTorch, Keras and NumPy write', /^PK(\x03\x04|\x05\x06)/],
  ['a tar archive', /^[^]{257}ustar/],
  ["a pickle of Python's, as old checkpoints of PyTorch are", /^\x80[\x02-\x05][\x8a\x95c(}\]]/],
  ['an HDF5 file, as Keras writes', /^\x89HDF\r\n\x1a\n/],
  ['a TensorFlow Lite model', /^[^]{4}TFL3/],
  ['a GGUF model', /^GGUF/],
  ['a NumPy array', /^\x93NUMPY/],
  ['a WebAssembly module', /^\0asm/],
  ['a model file of Lowtropy', /^[^]{4}\0{4}\{"__metadata__":\{"format":"lowtropy"/],
  ['a safetensors file', /^[^]{4}\0{4}\{/],
  // Protocol buffers: a version, then the producer's name or a message that is the graph.
  ['an ONNX model', /^\x08[\x01-\x1f](\x12[\x01-\x40][ -~]+|[\x3a\x42])/],
  ['a Caffe model of dense weights', /^\n[\x01-\x7f][ -~]+\xa2\x06/],
  ['a JPEG picture', /^\xff\xd8\xff/],
  ['a PNG picture', /^\x89PNG/],
  ['a GIF picture', /^GIF8[79]a/],
  ['a WebP picture', /^RIFF[^]{4}WEBP/],
  ['an AVIF picture', /^[^]{4}ftypavi[fs]/],
  ['a HEIC picture', /^[^]{4}ftyp(hei[cxms]|hev[cx]|mif1|msf1)/],
  ['a JPEG XL picture', /^(\xff\x0a|\0\0\0\x0cJXL )/],
  ['a JPEG 2000 picture', /^(\0\0\0\x0cjP {2}|\xff\x4f\xff\x51)/],
  ['a TIFF picture', /^(II\*\0|MM\0\*)/],
  ['a BMP picture', /^BM[^]{4}\0{4}/],
  ['a PDF document', /^%PDF-/],
  ['JSON', /^(\xef\xbb\xbf)?\s*(\{\s*("|\})|\[\s*["{[\d-])/],
  [DEPLOY_FILE, /^(\s|#[^\n]*\n)*(name|layers?|input|input_shape|input_dim)\s*[:{]/],
];

/**
 * @param {Uint8Array} bytes the file, or its beginning
 * @returns {string | undefined} a phrase that follows "it is"; undefined for what is not known
 */
export function kindOf(bytes) {
  let head = '';
  for (const byte of bytes.subarray(0, HEAD_BYTES)) head += String.fromCharCode(byte);
  return KINDS.find(([, start]) => start.test(head))?.[0];
}

/** How to get from there to ONNX, which this library imports, by what a kind begins with. */
const WAYS_TO_ONNX = {
  'a zip archive': 'PyTorch writes a network as ONNX by torch.onnx.export, Keras by model.export',
  'a pickle': 'PyTorch writes a network as ONNX by torch.onnx.export',
  'an HDF5': 'Keras writes a network as ONNX by model.export with format="onnx"',
  'a TensorFlow Lite': 'tf2onnx makes ONNX of it: python -m tf2onnx.convert --tflite',
  'a GGUF':
    'it has the weights for llama.cpp alone; optimum-cli export onnx makes ONNX of the original',
  'a safetensors':
    'it has weights without the graph of the network that they are of; ONNX, as torch.onnx.export writes it, has both',
};

/**
 * @param {string | undefined} kind of `kindOf`
 * @returns {string} a sentence with a space before it, or nothing
 */
export function wayToOnnx(kind = '') {
  const [, way] = Object.entries(WAYS_TO_ONNX).find(([start]) => kind.startsWith(start)) ?? [];
  return way ? ` ${way[0].toUpperCase()}${way.slice(1)}.` : '';
}

/**
 * For files that may hold anything, a text to learn from for example.
 *
 * @param {Uint8Array} bytes
 * @param {string} what with its article and verb, as "The images are"
 * @returns {Uint8Array} the same
 * @throws {FileError} if they only stand for a file
 */
export function refusePointer(bytes, what) {
  if (isLfsPointer(bytes)) throw new FileError(`${what} ${KINDS[0][0]}.`);
  return bytes;
}

/** Longer than its format lets a pointer be: a text that begins so is about them. */
const POINTER_LIMIT = 1024;

/**
 * @param {Uint8Array} bytes of a whole file
 * @returns {boolean} whether they only stand for a file, in a checkout without Git LFS
 */
export function isLfsPointer(bytes) {
  return bytes.length < POINTER_LIMIT && kindOf(bytes) === KINDS[0][0];
}
