// SPDX-License-Identifier: Apache-2.0

/**
 * Every error this library throws on purpose. The message is one clear sentence that names what is
 * wrong and where. `name` is a literal, so that it survives a bundler's renaming.
 */
export class LowtropyError extends Error {
  static {
    this.prototype.name = 'LowtropyError';
  }
}

/** @typedef {Record<string, Array<number | null>>} OpenShapes by inputs' names; null where a size is open */

/** The shape or length of an argument does not fit what it is used with. */
export class ShapeError extends LowtropyError {
  static {
    this.prototype.name = 'ShapeError';
  }

  /**
   * @param {string} [message]
   * @param {{ shapes?: OpenShapes }} [details] shapes: of inputs whose sizes `importOnnx` has to be given
   */
  constructor(message, { shapes } = {}) {
    super(message);
    if (shapes) this.shapes = shapes;
  }
}

/** A value that cannot be used: NaN, an infinity, an unknown option. */
export class ValueError extends LowtropyError {
  static {
    this.prototype.name = 'ValueError';
  }
}

/** Bytes or text from outside that are damaged, contradictory or not the format they should be. */
export class FileError extends LowtropyError {
  static {
    this.prototype.name = 'FileError';
  }
}

/** There was not enough memory; the message says how much was needed. */
export class MemoryError extends LowtropyError {
  static {
    this.prototype.name = 'MemoryError';
  }
}

/**
 * A network asks for more memory or work than a limit allows; the message says the sum, the limit and
 * the option's name.
 */
export class LimitError extends LowtropyError {
  static {
    this.prototype.name = 'LimitError';
  }
}

/** A handle was used after its `dispose()`. */
export class DisposedError extends LowtropyError {
  static {
    this.prototype.name = 'DisposedError';
  }
}

/** The JavaScript engine or the WebAssembly module cannot run this library. */
export class EngineError extends LowtropyError {
  static {
    this.prototype.name = 'EngineError';
  }
}

/** The input is well-formed, but asks for something this library does not do. */
export class UnsupportedError extends LowtropyError {
  static {
    this.prototype.name = 'UnsupportedError';
  }
}
