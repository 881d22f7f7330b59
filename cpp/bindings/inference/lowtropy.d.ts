// SPDX-License-Identifier: Apache-2.0
// What the WebAssembly module exports; see the .cc files beside this one. Bound functions that fail
// return null (or nothing) and leave their error to `takeError`; web/lib/core/guard.js throws it.
// Views of the heap (Uint8Array, Float32Array) die with the next allocation.

interface Handle {
  delete(): void;
}

export interface NativeBuffer extends Handle {
  bytes(): Uint8Array;
  floats(): Float32Array;
}

export interface Stats {
  /** The share of the most frequent value. */
  p0: number;
  /** Bits per element of the distribution of values. */
  entropy: number;
  /** How many distinct values there are. */
  distinct: number;
  /** The mean number of distinct values in a row. */
  distinctPerRow: number;
  /** How many elements differ from 0. */
  nnz: number;
}

export interface Cost {
  /** Of all arrays as stored. */
  bytes: number;
  /** Of one product with a vector. */
  ops: { add: number; multiply: number; read: number; write: number };
  /** Picojoules of one product with a vector, by the model of 45 nm CMOS. */
  energyPj: number;
}

export type FormatName = (typeof import('./lowtropy.formats.js').FORMATS)[number];

export interface Candidate {
  format: FormatName;
  /** `Infinity` where the format does not hold such a matrix. */
  bytes: number;
  /** Predicted, for one product; `Infinity` where the format works but is not meant for it. */
  nanoseconds: number;
}

export interface Choice {
  /** What `auto` picks. */
  format: FormatName;
  /** Why, in a sentence without a full stop. */
  reason: string;
  candidates: Candidate[];
}

export interface NativeArray {
  name: string;
  type: 'U8' | 'U16' | 'U32' | 'F32';
  bytes: Uint8Array;
}

export interface NativeMatrix extends Handle {
  rows(): number;
  cols(): number;
  format(): FormatName;
  /** Whether it is diag(s) · C. */
  scaled(): boolean;
  byteLength(): number;
  to(format: string): NativeMatrix | null;
  arrays(): NativeArray[];
  stats(): Stats;
  cost(): Cost;
  choice(columns: number): Choice;
  multiply(x: NativeBuffer, columns: number, y: NativeBuffer): void;
  toDense(values: NativeBuffer): void;
}

/** Weights as they were given; of use as long as the buffers that it was made of. */
export type NativeSource = Handle;

export interface NetworkBuilder extends Handle {
  addMatrix(name: string, source: NativeSource, format: string): void;
  addVector(name: string, values: NativeBuffer): void;
  recode(name: string, format: string): void;
  build(): NativeModel | null;
}

/** As `maxMemory` and `maxWork` count them. */
export interface Demand {
  /** Bytes of all that the model takes. */
  memory: number;
  /** Elementary operations of one run. */
  work: number;
}

export interface NativeLayer {
  /** Of the node. */
  name: string;
  op: 'conv' | 'fc' | 'embedding' | 'lstm';
  /** The name of its weight. */
  weight: string;
  rows: number;
  cols: number;
  /**
   * How many columns its product has: the output's pixels of a convolution, 1 of others, 0 of an
   * embedding, whose rows are only looked up.
   */
  columns: number;
  /** How often a run takes it: at each step of an LSTM or an embedding, else once. */
  repeats: number;
  /** Multiplications of a run on the dense matrix. */
  macs: number;
  format: FormatName;
  /** Whether it is diag(s) · C. */
  scaled: boolean;
  bytes: number;
}

/** An attribute of an operator, as in FORMAT.md. */
export interface AttributeFacts {
  name: string;
  kind:
    | 'integer'
    | 'integers'
    | 'signed'
    | 'signeds'
    | 'number'
    | 'flag'
    | 'choice'
    | 'matrix'
    | 'vector';
  /** Of integers in a list. */
  count: number;
  /** The default; of a list that of each of its integers. */
  otherwise: number;
  /** Whether it may be left out. */
  optional: boolean;
  /** Of a choice; its default is the position in these. */
  choices?: string[];
}

/** What graphs may be made of. */
export interface OperatorFacts {
  name: string;
  leastInputs: number;
  mostInputs: number;
  attributes: AttributeFacts[];
}

/** A tensor that a node names. A vector of n values has 1 row and n columns. */
export interface Parameter {
  /** The attribute that names it. */
  role: string;
  name: string;
  rows: number;
  cols: number;
  kind: 'matrix' | 'vector';
}

export interface NodeFacts {
  /** Of what it makes. */
  type: ElementType;
  /** Of what it makes. */
  shape: number[];
  parameters: Parameter[];
}

/** Of all nodes of a graph, in an order in which they can run; `index` is their place in the graph. */
export interface GraphNodeFacts extends NodeFacts {
  index: number;
}

/** What takes a look at a weight. */
export interface NativeWeight {
  stats: Stats;
  /** In its format. */
  cost: Cost;
  /** For each of the numbers of columns that were asked for, in their order. */
  choices: Choice[];
}

export interface StepTime {
  /** Of the node. */
  name: string;
  milliseconds: number;
}

/** Takes a model file in pieces, straight into the places where they stay. */
export interface NativeLoader extends Handle {
  /** Where the next bytes belong; empty when the file is complete. */
  space(): Uint8Array;
  /** So many bytes of `space()` are there. */
  advance(bytes: number): void;
  /** In bytes; negative as long as it is not known. */
  fileSize(): number;
  /** When it is complete: checks one more of the weights; whether there are more. */
  buildNext(): boolean;
  /** Checks those that are left. */
  finish(): NativeModel | null;
}

/** A model file in pieces, which follow each other. */
export interface NativeWriter extends Handle {
  /** Of all pieces, in bytes. */
  size(): number;
  pieceCount(): number;
  piece(index: number): Uint8Array;
}

/** A bool is a byte, 0 or 1. */
export type ElementType = 'float32' | 'int32' | 'bool';

/** An input or output. */
export interface NativeValue {
  name: string;
  type: ElementType;
  shape: number[];
}

export interface NativeModel extends Handle {
  save(): NativeWriter | null;
  edit(maxMemory: number, maxWork: number): NetworkBuilder | null;
  graph(): string;
  weightBytes(): number;
  denseBytes(): number;
  arenaBytes(): number;
  demand(): Demand;
  layers(): NativeLayer[];
  describeWeight(weight: string, columns: number[]): NativeWeight | null;
  /** In the graph's order, of the shapes that were set last. */
  inputs(): Array<NativeValue & { symbols: string[] }>;
  outputs(): NativeValue[];
  /** The outputs as the last run made them, some of which it may have given fewer rows. */
  results(): NativeValue[];
  /** The dimensions of all inputs, one after the other. */
  setShapes(dims: number[]): void;
  /** The place of an input, which a run writes over. */
  input(index: number): Float32Array | Int32Array | Uint8Array;
  /** What the last run made. */
  output(index: number): Float32Array | Int32Array | Uint8Array;
  /** Begins a run of what the inputs' places hold. */
  start(timed: boolean): void;
  /** Goes on for about `work` operations; the share that is done: 1 when all is, and only then. */
  advance(work: number): number;
  /** Of the run, if it was timed. */
  stepTimes(): StepTime[];
}

export interface NativeModule {
  /** Floats that must be readable behind a right-hand side. */
  columnSlack: number;
  /** The ErrorKind of the last call's error, in C++'s order; −1 for what should not happen, −2 for none. */
  takeError(): number;
  /** Its message, as UTF-8. */
  errorMessage(): Uint8Array;
  /** That the largest allocation asked for that failed in the last call; 0 where none did. */
  takeFailedBytes(): number;
  /** In use on the heap. */
  heldBytes(): number;
  makeBuffer(bytes: number): NativeBuffer | null;
  /** What each is, in a few words. */
  formats(): Record<FormatName, string>;
  /** What the parts are depends on the kind: see source.cc. */
  makeSource(
    kind: number,
    rows: number,
    cols: number,
    table: NativeBuffer,
    codes: NativeBuffer,
    others: NativeBuffer,
    count: number,
    codeType: number,
    otherBits: number,
  ): NativeSource | null;
  matrixFrom(source: NativeSource, format: string): NativeMatrix | null;
  /** JSON of OperatorFacts[]. */
  describeOperators(): string;
  /** JSON of GraphNodeFacts[]. */
  describeGraph(graphJson: string): string;
  /**
   * Takes JSON of `{ node, shapes, types? }`, the shapes of its inputs and, where they are not all of
   * float32, their types; gives that of NodeFacts.
   */
  describeNode(json: string): string;
  /** Limits are negative where they are the default. */
  makeBuilder(graphJson: string, maxMemory: number, maxWork: number): NetworkBuilder | null;
  /** `fileSize`: in bytes; negative where it is not known. */
  makeLoader(fileSize: number, maxMemory: number, maxWork: number): NativeLoader | null;
}

export interface ModuleOptions {
  instantiateWasm(
    imports: WebAssembly.Imports,
    receive: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
  ): object;
  onAbort?: (reason: unknown) => void;
  print?: (text: string) => void;
  printErr?: (text: string) => void;
}

export default function createModule(options: ModuleOptions): Promise<NativeModule>;
