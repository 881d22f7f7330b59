// SPDX-License-Identifier: Apache-2.0
// What the WebAssembly module for training exports; see the .cc files beside this one. Bound
// functions that can fail return null (or nothing) and leave their error to `takeError`. Views of
// the heap (Uint8Array, Float32Array) die with the next allocation.

import type { ModuleOptions, NativeBuffer, NativeError } from './lowtropy.js';

export type { NativeBuffer, NativeError };

interface Handle {
  delete(): void;
}

export type MethodName =
  'none' | 'fp16' | 'fedavg' | 'signsgd' | 'terngrad' | 'qsgd' | 'topk' | 'stc' | 'sbc';

/** See cpp/lowtropy/sbc/method.h; what is missing is the default. */
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
  tensors(): (NamedSize & { offset: number })[];
  layoutId(): number;
  /** A view: where the next update goes. */
  input(): Float32Array;
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

export interface NativeTensorUpdate {
  length: number;
  /** A view. Not there where all elements were sent. */
  indices?: Uint32Array;
  /** Of all that was sent, or */
  value?: number;
  /** a view, one for each. */
  values?: Float32Array;
}

export interface NativeReader extends Handle {
  decode(bytes: NativeBuffer): void;
  checkLayout(tensors: NamedSize[]): void;
  head(): MessageHead;
  count(): number;
  tensor(index: number): NativeTensorUpdate;
}

export interface NativeAggregator extends Handle {
  add(bytes: NativeBuffer, round: number | undefined): void;
  count(): number;
  finish(sender: number, round: number): Uint8Array<ArrayBuffer> | null;
  save(): Uint8Array<ArrayBuffer> | null;
}

export interface NativeTraining {
  takeError(): NativeError | null;
  makeBuffer(bytes: number): NativeBuffer | null;
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
}

export default function createModule(options: ModuleOptions): Promise<NativeTraining>;
