// SPDX-License-Identifier: Apache-2.0

/**
 * Reads an ONNX model, a ModelProto, into plain objects: https://onnx.ai/onnx/repo-docs/IR.html. What is
 * said there of names, order and scopes is not looked at here; graph.js does that. Versions that are
 * newer than this are read as far as they are known. Descriptions for people are left out.
 */

import { checkBytes } from '../../core/check.js';
import { FileError } from '../../core/errors.js';
import { kindOf, wayToOnnx } from '../../core/file-kinds.js';
import { addAttribute } from './attribute-proto.js';
import { ProtoFile, quote } from './protobuf.js';
import { readEntry, readSparseTensor, readTensor } from './tensor-proto.js';
import { readValue } from './type-proto.js';

/**
 * @typedef {import('./attribute-proto.js').OnnxAttribute} OnnxAttribute
 * @typedef {import('./protobuf.js').Message} Message
 * @typedef {import('./tensor-proto.js').OnnxSparseTensor} OnnxSparseTensor
 * @typedef {import('./tensor-proto.js').OnnxTensor} OnnxTensor
 * @typedef {import('./type-proto.js').OnnxValue} OnnxValue
 *
 * @typedef {Map<string, number>} Opsets the version of the operators of each domain; ONNX's own is ''
 *
 * @typedef {object} OnnxModel ModelProto
 * @property {number} irVersion
 * @property {Opsets} opsets
 * @property {string} producerName
 * @property {string} producerVersion
 * @property {string} domain
 * @property {number | bigint} modelVersion
 * @property {OnnxGraph} graph
 * @property {OnnxFunction[]} functions
 * @property {Map<string, string>} metadata
 * @property {boolean} hasTraining whether it says how to train it, too, which is not read
 *
 * @typedef {object} OnnxGraph GraphProto
 * @property {string} name
 * @property {OnnxNode[]} nodes
 * @property {Array<OnnxTensor | OnnxSparseTensor>} initializers
 * @property {OnnxValue[]} inputs up to version 3 of the IR the initializers are among them
 * @property {OnnxValue[]} outputs
 * @property {OnnxValue[]} values types of those between
 * @property {Map<string, Map<string, string>>} quantization of a tensor, which others are its
 *   SCALE_TENSOR and ZERO_POINT_TENSOR
 * @property {Map<string, string>} metadata
 *
 * @typedef {object} OnnxNode NodeProto
 * @property {string} name may be empty
 * @property {string} opType
 * @property {string} domain of the operator; ONNX's own is ''
 * @property {string} overload of a function
 * @property {string[]} inputs names of values; '' where an optional one is left out
 * @property {string[]} outputs likewise
 * @property {Map<string, OnnxAttribute>} attributes
 * @property {Map<string, string>} metadata
 * @property {Opsets} [opsets] of a node from a function, that function's; else the model's hold
 *
 * @typedef {object} OnnxFunction FunctionProto: an operator made of others
 * @property {string} name
 * @property {string} domain
 * @property {string} overload
 * @property {string[]} inputs
 * @property {string[]} outputs
 * @property {string[]} attributes those without a default
 * @property {Map<string, OnnxAttribute>} defaults
 * @property {OnnxNode[]} nodes
 * @property {OnnxValue[]} values
 * @property {Opsets} opsets
 */

/** Shared by all that have none: most nodes. @type {Map<string, any>} */
const NONE = new Map();

/**
 * @template T
 * @typedef {Record<number, (message: Message, into: T) => void>} Fields how each field is read
 */

/**
 * @template T
 * @param {Message} message
 * @param {T} into
 * @param {Fields<T>} fields
 * @returns {T}
 */
function readFields(message, into, fields) {
  while (message.next()) fields[message.field]?.(message, into);
  return into;
}

/**
 * @param {string} domain
 * @returns {string} by the one name that ONNX's own operators have here
 */
function plainDomain(domain) {
  return domain === 'ai.onnx' ? '' : domain;
}

/** @type {Fields<OnnxNode>} */
const NODE_FIELDS = {
  1: (message, node) => void node.inputs.push(message.string()),
  2: (message, node) => void node.outputs.push(message.string()),
  3: (message, node) => void (node.name = message.string()),
  4: (message, node) => void (node.opType = message.string()),
  5: (message, node) => void (node.attributes = addAttribute(message, node.attributes, readGraph)),
  7: (message, node) => void (node.domain = plainDomain(message.string())),
  8: (message, node) => void (node.overload = message.string()),
  9: (message, node) => {
    if (node.metadata === NONE) node.metadata = new Map();
    readEntry(message, node.metadata);
  },
};

/**
 * @param {Message} message a NodeProto
 * @returns {OnnxNode}
 */
function readNode(message) {
  const node = readFields(
    message,
    {
      ...{ name: '', opType: '', domain: '', overload: '' },
      ...{ inputs: [], outputs: [], attributes: NONE, metadata: NONE },
    },
    NODE_FIELDS,
  );
  if (node.opType === '') {
    message.fail(`the node ${quote(node.name)} has no operator`, message.start);
  }
  return node;
}

/** @type {Fields<OnnxGraph>} */
const GRAPH_FIELDS = {
  1: (message, graph) => void graph.nodes.push(readNode(message.message('the node'))),
  2: (message, graph) => void (graph.name = message.string()),
  5: (message, graph) =>
    void graph.initializers.push(readTensor(message.message('the initializer'))),
  11: (message, graph) => void graph.inputs.push(readValue(message.message('the input'))),
  12: (message, graph) => void graph.outputs.push(readValue(message.message('the output'))),
  13: (message, graph) => void graph.values.push(readValue(message.message('the value'))),
  14: (message, graph) => readAnnotation(message.message('the annotation'), graph.quantization),
  15: (message, graph) =>
    void graph.initializers.push(readSparseTensor(message.message('the sparse initializer'))),
  16: (message, graph) => readEntry(message, graph.metadata),
};

/**
 * @param {Message} message a GraphProto
 * @returns {OnnxGraph}
 */
export function readGraph(message) {
  return readFields(
    message,
    {
      ...{ name: '', nodes: [], initializers: [], inputs: [], outputs: [], values: [] },
      ...{ quantization: new Map(), metadata: new Map() },
    },
    GRAPH_FIELDS,
  );
}

/**
 * @param {Message} message a TensorAnnotation
 * @param {OnnxGraph['quantization']} annotations to which it is added
 */
function readAnnotation(message, annotations) {
  let name = '';
  /** @type {Map<string, string>} */
  const parameters = new Map();
  while (message.next()) {
    if (message.field === 1) name = message.string();
    if (message.field === 2) readEntry(message, parameters);
  }
  annotations.set(name, parameters);
}

/**
 * @param {Message} message an OperatorSetIdProto
 * @param {Opsets} opsets to which it is added; of two for one domain the newer counts
 */
function readOpset(message, opsets) {
  let [domain, version] = ['', 0];
  while (message.next()) {
    if (message.field === 1) domain = plainDomain(message.string());
    if (message.field === 2) version = message.integer();
  }
  if (version < 0) message.fail(`the operators are of version ${version}`, message.start);
  opsets.set(domain, Math.max(version, opsets.get(domain) ?? 0));
}

/** @type {Fields<OnnxFunction>} */
const FUNCTION_FIELDS = {
  1: (message, made) => void (made.name = message.string()),
  4: (message, made) => void made.inputs.push(message.string()),
  5: (message, made) => void made.outputs.push(message.string()),
  6: (message, made) => void made.attributes.push(message.string()),
  7: (message, made) => void made.nodes.push(readNode(message.message('the node'))),
  9: (message, made) => readOpset(message.message('the operator set'), made.opsets),
  10: (message, made) => void (made.domain = plainDomain(message.string())),
  11: (message, made) => void (made.defaults = addAttribute(message, made.defaults, readGraph)),
  12: (message, made) => void made.values.push(readValue(message.message('the value'))),
  13: (message, made) => void (made.overload = message.string()),
};

/**
 * @param {Message} message a FunctionProto
 * @returns {OnnxFunction}
 */
function readFunction(message) {
  const made = readFields(
    message,
    {
      ...{ name: '', domain: '', overload: '', inputs: [], outputs: [], attributes: [] },
      ...{ defaults: NONE, nodes: [], values: [], opsets: new Map() },
    },
    FUNCTION_FIELDS,
  );
  if (made.name === '') message.fail('the function has no name', message.start);
  return made;
}

/** @type {Fields<Omit<OnnxModel, 'graph'> & { graph: OnnxGraph | undefined }>} */
const MODEL_FIELDS = {
  1: (message, model) => void (model.irVersion = message.integer()),
  2: (message, model) => void (model.producerName = message.string()),
  3: (message, model) => void (model.producerVersion = message.string()),
  4: (message, model) => void (model.domain = message.string()),
  5: (message, model) => void (model.modelVersion = message.int64()),
  7: (message, model) => {
    if (model.graph) message.fail('the model has two graphs');
    model.graph = readGraph(message.message('the graph'));
  },
  8: (message, model) => readOpset(message.message('the operator set'), model.opsets),
  14: (message, model) => readEntry(message, model.metadata),
  20: (_message, model) => void (model.hasTraining = true),
  25: (message, model) => void model.functions.push(readFunction(message.message('the function'))),
};

/**
 * @param {Uint8Array} bytes of the file; what is read refers to them
 * @returns {OnnxModel}
 * @throws {FileError} for what is damaged, with the byte where, and for files of other kinds
 * @throws {LimitError} for what would take much more memory than it has bytes
 */
export function readModel(bytes) {
  const file = checkBytes(bytes, 'The ONNX model');
  return naming(file, () => {
    const { graph, ...model } = readFields(
      new ProtoFile(file, 'the ONNX model').root(),
      {
        ...{ irVersion: 0, producerName: '', producerVersion: '', domain: '', modelVersion: 0 },
        ...{ opsets: new Map(), graph: undefined, functions: [], metadata: new Map() },
        hasTraining: false,
      },
      MODEL_FIELDS,
    );
    if (!graph) {
      throw new FileError(`The ONNX model ${file.length === 0 ? 'is empty' : 'has no graph'}.`);
    }
    return { ...model, graph };
  });
}

/**
 * @param {Uint8Array} bytes of a file that is one tensor, as ONNX's tests have them
 * @returns {OnnxTensor}
 * @throws {FileError}
 */
export function readTensorFile(bytes) {
  return readTensor(new ProtoFile(checkBytes(bytes, 'The ONNX tensor'), 'the ONNX tensor').root());
}

/**
 * Where a file is refused and is of another kind, that is what is said.
 *
 * @template T
 * @param {Uint8Array} bytes
 * @param {() => T} read
 * @returns {T}
 */
function naming(bytes, read) {
  try {
    return read();
  } catch (error) {
    const kind = error instanceof FileError ? kindOf(bytes) : undefined;
    if (!kind || kind === 'an ONNX model') throw error;
    throw new FileError(`The ONNX model is none; it is ${kind}.${wayToOnnx(kind)}`);
  }
}
