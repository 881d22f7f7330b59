// SPDX-License-Identifier: Apache-2.0
// What the WebAssembly module for training exports; see the .cc files beside this one, and
// lowtropy.d.ts for errors and views.

import type { ModuleOptions, NativeBuffer } from './lowtropy.js';

export type { NativeBuffer };

interface Handle {
  delete(): void;
}

export type MethodName = (typeof import('./lowtropy-training.methods.js').METHODS)[number];

/** See cpp/lowtropy/updates/method.h; what is missing is the default. */
export interface MethodOptions {
  /** topk, stc, sbc: the share of elements that is sent, in (0, 1]. Default 0.01. */
  sparsity?: number;
  /** topk, stc, sbc: estimate the threshold from a sample, and send 0.8 to 1.25 times as many. */
  sampled?: boolean;
  /** topk, stc, sbc: tensors with fewer elements travel as float32. Default 0. */
  denseBelow?: number;
  /** topk, stc, sbc: clear the optimizer's momentum where something was sent. */
  momentumMask?: boolean;
  /** topk: factor of the momentum correction, in [0, 1). Default 0. */
  momentum?: number;
  /** signsgd: what a vote moves a weight by. Default 2e-4. */
  step?: number;
  /** qsgd: levels of magnitude above 0. Default 7. */
  levels?: number;
  /** qsgd: how many elements share a scale. Default 512. */
  bucket?: number;
  /** terngrad: elements beyond so many standard deviations are clipped. Default 2.5; 0 clips none. */
  clip?: number;
  /** Of what is drawn. Default 0. */
  seed?: number;
}

export interface NamedSize {
  name: string;
  /** Elements. */
  size: number;
}

export interface NativeCompressor extends Handle {
  method(): MethodName;
  tensors(): (NamedSize & { offset: number })[] | null;
  layoutId(): number;
  /** A view: where the next update goes. Allocated by the first call. */
  input(): Float32Array | null;
  /** A view. */
  residual(): Float32Array;
  encode(sender: number, round: number): Uint8Array<ArrayBuffer> | null;
  takeBack(): void;
  save(): Uint8Array<ArrayBuffer> | null;
}

export interface MessageHead {
  version: number;
  method: MethodName;
  sender: number;
  round: number;
  /** Stands for the names of the tensors. */
  layout: number;
}

export interface NativeReader extends Handle {
  decode(bytes: NativeBuffer): void;
  checkLayout(tensors: NamedSize[]): void;
  head(): MessageHead | null;
  /**
   * Six numbers for each tensor: its elements; where its positions begin among `positions`, or -1
   * where all elements were sent, and how many there are; where its values begin among `values`, or
   * -1 where one stands for all, and how many there are; that one.
   */
  table(): Float64Array<ArrayBuffer> | null;
  /** Views. */
  positions(): Uint32Array;
  values(): Float32Array;
}

export interface NativeAggregator extends Handle {
  add(bytes: NativeBuffer, round: number | undefined): void;
  count(): number;
  finish(sender: number, round: number): Uint8Array<ArrayBuffer> | null;
  save(): Uint8Array<ArrayBuffer> | null;
}

export interface DatasetShape {
  channels: number;
  height: number;
  width: number;
  /** Characters of an example of a text; 0 for images. */
  steps: number;
  /** Labels are below this; of a text, the size of its alphabet. */
  classes: number;
}

export interface NativeDataset extends Handle {
  size(): number;
  shape(): DatasetShape;
  slice(from: number, count: number): NativeDataset | null;
  example(
    index: number,
  ): { inputs: Float32Array<ArrayBuffer>; labels: Uint32Array<ArrayBuffer> } | null;
  /** `labels` of each worker; 0 for a split that does not look at them. */
  shards(workers: number, labels: number, seed: number): Uint32Array<ArrayBuffer>[] | null;
}

export interface NativeTrainerOptions {
  model: string;
  batch: number;
  seed: number;
  stream: number;
  maxMemory?: number;
  optimizer: {
    name: string;
    learningRate: number;
    momentum?: number;
    weightDecay?: number;
    beta1?: number;
    beta2?: number;
    epsilon?: number;
    clipNorm?: number;
    schedule?: { steps: number[]; factor?: number } | { cosine: number };
  };
}

/** A layer of a trainer's net; values are numbers, 0 is the input. */
export interface NativeNode {
  name: string;
  op: string;
  inputs: number[];
  output: number;
  outputs: number;
  kernel: number;
  stride: number;
  pad: number;
  epsilon: number;
  /** Of an LSTM: what its forget gates have besides their bias. */
  forgetBias: number;
  /** Of a batch normalization: the running means, then the running variances. */
  state: Float32Array<ArrayBuffer>;
}

export interface Evaluation {
  /** The mean, in nats for each label; of a text, its exponential is the perplexity. */
  loss: number;
  /** The share of labels that were right. */
  accuracy: number;
  /** How many were looked at. */
  examples: number;
}

export interface NativeTrainer extends Handle {
  tensors(): (NamedSize & { offset: number })[] | null;
  nodes(): NativeNode[] | null;
  /** A view. */
  weights(): Float32Array;
  steps(): number;
  setScheduleStep(step: number): void;
  step(count: number): number;
  evaluate(data: NativeDataset, limit: number): Evaluation | null;
  predict(data: NativeDataset, examples: NativeBuffer): Float32Array<ArrayBuffer> | null;
  calibrate(batches: number): void;
  save(): Uint8Array<ArrayBuffer> | null;
  restore(bytes: NativeBuffer): void;
  beginRound(): void;
  encode(
    compressor: NativeCompressor,
    sender: number,
    round: number,
  ): Uint8Array<ArrayBuffer> | null;
  apply(bytes: NativeBuffer, scale: number): void;
}

export interface NativeTraining {
  takeError(): number;
  errorMessage(): Uint8Array;
  takeFailedBytes(): number;
  heldBytes(): number;
  makeBuffer(bytes: number): NativeBuffer | null;
  methods(): { names: MethodName[]; defaults: Record<string, number | boolean> } | null;
  describeLayout(tensors: NamedSize[]): { id: number; names: string[] } | null;
  makeCompressor(
    method: string,
    options: MethodOptions,
    tensors: NamedSize[],
  ): NativeCompressor | null;
  restoreCompressor(bytes: NativeBuffer): NativeCompressor | null;
  makeReader(): NativeReader | null;
  makeAggregator(
    method: string,
    options: MethodOptions,
    tensors: NamedSize[],
  ): NativeAggregator | null;
  restoreAggregator(bytes: NativeBuffer): NativeAggregator | null;
  makeDigits(count: number, seed: number): NativeDataset | null;
  readIdx(images: NativeBuffer, labels: NativeBuffer): NativeDataset | null;
  readText(text: NativeBuffer, steps: number): NativeDataset | null;
  makeTrainer(
    options: NativeTrainerOptions,
    data: NativeDataset,
    shard: NativeBuffer,
  ): NativeTrainer | null;
  /** All three change the weights in the buffer; see cpp/lowtropy/compress. */
  prune(weights: NativeBuffer, share: number): void;
  quantize(weights: NativeBuffer, count: number): void;
  /** Fills `bias`. */
  foldBatchNorm(
    gamma: NativeBuffer,
    beta: NativeBuffer,
    mean: NativeBuffer,
    variance: NativeBuffer,
    epsilon: number,
    weights: NativeBuffer,
    bias: NativeBuffer,
  ): void;
}

export default function createModule(options: ModuleOptions): Promise<NativeTraining>;
