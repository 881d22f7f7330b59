// SPDX-License-Identifier: Apache-2.0

/** NumPy's files of one array (.npy, versions 1 to 3), in and out. */

import { widenHalf } from '../../lib/core/elements.js';
import { CommandError, readInput } from './files.js';

/**
 * @typedef {{ data: Float32Array | Float64Array | Int32Array | Uint8Array, shape: number[] }} NpyArray
 */

/** As much as one array of WebAssembly may have. */
const LIMIT = 2 ** 31 - 1;

const MAGIC = '\x93NUMPY';

/** Bytes of an element and how it is read, by NumPy's kind and size. */
const KINDS = {
  f2: { size: 2, read: readHalf, Array: Float32Array },
  f4: { size: 4, read: reader('getFloat32'), Array: Float32Array },
  f8: { size: 8, read: reader('getFloat64'), Array: Float64Array },
  b1: { size: 1, read: reader('getUint8'), Array: Uint8Array },
  u1: { size: 1, read: reader('getUint8'), Array: Int32Array },
  i1: { size: 1, read: reader('getInt8'), Array: Int32Array },
  u2: { size: 2, read: reader('getUint16'), Array: Int32Array },
  i2: { size: 2, read: reader('getInt16'), Array: Int32Array },
  i4: { size: 4, read: reader('getInt32'), Array: Int32Array },
  u4: { size: 4, read: reader('getUint32'), Array: Float64Array },
  i8: { size: 8, read: reader('getBigInt64'), Array: Float64Array },
  u8: { size: 8, read: reader('getBigUint64'), Array: Float64Array },
};

/**
 * @param {'getFloat32' | 'getFloat64' | 'getUint8' | 'getInt8' | 'getUint16' | 'getInt16' | 'getInt32'
 *   | 'getUint32' | 'getBigInt64' | 'getBigUint64'} method
 * @returns {(view: DataView, at: number, little: boolean) => number}
 */
function reader(method) {
  return (view, at, little) => Number(view[method](at, little));
}

/**
 * @param {DataView} view
 * @param {number} at
 * @param {boolean} little
 */
function readHalf(view, at, little) {
  const word = new Uint32Array([widenHalf(view.getUint16(at, little))]);
  return new Float32Array(word.buffer)[0];
}

/**
 * @param {string} file
 * @returns {Promise<NpyArray>} row by row; integers of 64 bits as floats of 64
 * @throws {CommandError} names the file
 */
export async function readNpy(file) {
  const bytes = await readInput(file, LIMIT);
  const damaged = (/** @type {string} */ why) =>
    new CommandError(`${file} is no NumPy array that can be read: ${why}.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.toString('latin1', 0, 6) !== MAGIC || bytes.length < 12) {
    throw damaged('it does not begin as a .npy file');
  }
  const isOld = bytes[6] === 1;
  const start = isOld ? 10 : 12;
  const end = start + (isOld ? view.getUint16(8, true) : view.getUint32(8, true));
  const header = parseHeader(bytes.toString('latin1', start, Math.min(end, bytes.length)));
  if (!header) throw damaged('its header is not understood');
  const { order, kind, shape, isFortran } = header;
  if (!Object.hasOwn(KINDS, kind)) {
    throw damaged(
      `its elements are of the type "${order}${kind}"; there are ${Object.keys(KINDS).join(', ')}`,
    );
  }
  const { size, read, Array: Elements } = KINDS[/** @type {keyof typeof KINDS} */ (kind)];
  const count = shape.reduce((product, dim) => product * dim, 1);
  if (end + count * size !== bytes.length) {
    throw damaged(
      `its shape (${shape.join(', ')}) takes ${count * size} bytes, and it has ${bytes.length - end}`,
    );
  }
  const data = new Elements(count);
  for (let i = 0; i < count; ++i) data[i] = read(view, end + i * size, order !== '>');
  return { data: isFortran ? rowByRow(data, shape) : data, shape };
}

/**
 * A dictionary of Python's, such as `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`.
 *
 * @param {string} text
 */
function parseHeader(text) {
  const [, order, kind] = /'descr'\s*:\s*'([<>|=])(\w\d)'/.exec(text) ?? [];
  const [, fortran] = /'fortran_order'\s*:\s*(True|False)/.exec(text) ?? [];
  const [, dims] = /'shape'\s*:\s*\(([\d\s,]*)\)/.exec(text) ?? [];
  if (kind === undefined || fortran === undefined || dims === undefined) return undefined;
  const shape = dims
    .split(',')
    .filter((dim) => dim.trim() !== '')
    .map(Number);
  return { order, kind, shape, isFortran: fortran === 'True' };
}

/**
 * @template {NpyArray['data']} T
 * @param {T} data column by column: the first index runs fastest
 * @param {number[]} shape
 * @returns {T}
 */
function rowByRow(data, shape) {
  const result = data.slice();
  const steps = shape.map((_, axis) => shape.slice(0, axis).reduce((a, b) => a * b, 1));
  for (let i = 0; i < data.length; ++i) {
    let [rest, from] = [i, 0];
    for (let axis = shape.length - 1; axis >= 0; --axis) {
      from += (rest % shape[axis]) * steps[axis];
      rest = Math.floor(rest / shape[axis]);
    }
    result[i] = data[from];
  }
  return /** @type {T} */ (result);
}

/**
 * @param {import('../../lib/model/values.js').NamedTensor} tensor
 * @returns {Uint8Array} the file
 */
export function formatNpy({ type, data, shape }) {
  const kind = { float32: '<f4', int32: '<i4', bool: '|b1' }[type];
  const dims = shape.map((dim) => `${dim},`).join(' ');
  const header = `{'descr': '${kind}', 'fortran_order': False, 'shape': (${
    shape.length === 1 ? dims : dims.replace(/,$/, '')
  }), }`;
  // The elements begin at a multiple of 64 bytes, after a line's end.
  const padding = 63 - ((10 + header.length) % 64);
  const length = header.length + padding + 1;
  const head = `${MAGIC}\x01\x00${String.fromCharCode(length & 255, length >> 8)}`;
  const elements = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return Buffer.concat([
    Buffer.from(`${head}${header}${' '.repeat(padding)}\n`, 'latin1'),
    elements,
  ]);
}
