// SPDX-License-Identifier: Apache-2.0

/** The types of a tensor's elements, TensorProto.DataType: one row each. */

/**
 * @typedef {object} ElementType
 * @property {string} name as this library says it
 * @property {number} number in the file
 * @property {number} bits an element takes; 0 where that is not known
 * @property {ListField} list which holds the elements where they are not raw
 * @property {'float' | 'integer' | 'name only'} family what can be read; of the last it is only known
 *   that they exist
 * @property {boolean} signed
 */

/** @typedef {'float_data' | 'int32_data' | 'int64_data' | 'double_data' | 'uint64_data' | 'string_data'} ListField */

/** The fields of TensorProto that hold elements one by one. @type {Record<ListField, number>} */
export const LIST_FIELDS = {
  float_data: 4,
  int32_data: 5,
  string_data: 6,
  int64_data: 7,
  double_data: 10,
  uint64_data: 11,
};

/** @type {Array<[name: string, bits: number, list: ListField, family: ElementType['family'], signed?: true]>} */
const ROWS = [
  ['undefined', 0, 'int32_data', 'name only'],
  ['float32', 32, 'float_data', 'float', true],
  ['uint8', 8, 'int32_data', 'integer'],
  ['int8', 8, 'int32_data', 'integer', true],
  ['uint16', 16, 'int32_data', 'integer'],
  ['int16', 16, 'int32_data', 'integer', true],
  ['int32', 32, 'int32_data', 'integer', true],
  ['int64', 64, 'int64_data', 'integer', true],
  ['string', 0, 'string_data', 'name only'],
  ['bool', 8, 'int32_data', 'integer'],
  ['float16', 16, 'int32_data', 'float', true],
  ['float64', 64, 'double_data', 'float', true],
  ['uint32', 32, 'uint64_data', 'integer'],
  ['uint64', 64, 'uint64_data', 'integer'],
  ['complex64', 64, 'float_data', 'name only', true],
  ['complex128', 128, 'double_data', 'name only', true],
  ['bfloat16', 16, 'int32_data', 'float', true],
  ['float8e4m3fn', 8, 'int32_data', 'name only', true],
  ['float8e4m3fnuz', 8, 'int32_data', 'name only', true],
  ['float8e5m2', 8, 'int32_data', 'name only', true],
  ['float8e5m2fnuz', 8, 'int32_data', 'name only', true],
  ['uint4', 4, 'int32_data', 'integer'],
  ['int4', 4, 'int32_data', 'integer', true],
  ['float4e2m1', 4, 'int32_data', 'name only', true],
  ['float8e8m0', 8, 'int32_data', 'name only'],
  ['uint2', 2, 'int32_data', 'integer'],
  ['int2', 2, 'int32_data', 'integer', true],
];

const TYPES = ROWS.map(([name, bits, list, family, signed = false], number) =>
  Object.freeze({ name, number, bits, list, family, signed }),
);

const BY_NAME = new Map(TYPES.map((type) => [type.name, type]));

/**
 * @param {number} number
 * @returns {string} the name, also of a type that is newer than this table
 */
export function elementTypeName(number) {
  return TYPES[number]?.name ?? `type ${number}`;
}

/**
 * @param {string} name
 * @returns {ElementType}
 */
export function elementType(name) {
  const known = BY_NAME.get(name);
  if (known) return known;
  const number = Number(name.replace('type ', ''));
  return { name, number, bits: 0, list: 'int32_data', family: 'name only', signed: false };
}
