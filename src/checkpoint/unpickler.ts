/** A pickle that cannot be read; the message says what was found, at which byte. */
export class PickleError extends Error {
  override name = "PickleError";
}

/** A pickle that goes on where the bytes end. */
export class PickleEndError extends PickleError {
  override name = "PickleEndError";
}

/** A function that a pickle may call: our implementation of one of Python's. */
export class Callable {
  readonly name: string;
  readonly call: (parameters: readonly unknown[]) => unknown;

  constructor(name: string, call: (parameters: readonly unknown[]) => unknown) {
    this.name = name;
    this.call = call;
  }
}

/** Python's OrderedDict. Unlike a plain dict it may be given attributes, which are dropped. */
export class OrderedDict extends Map<unknown, unknown> {}

/** Resolves the names in a pickle, as `find_class` and `persistent_load` of Python's Unpickler do. */
export interface PickleGlobals {
  /** The value of a global such as `torch.FloatStorage`: often a {@link Callable}. Throws PickleError for any not known. */
  global(name: string): unknown;
  /** The object behind a persistent id. Throws PickleError for any not known. */
  persistent(id: unknown): unknown;
}

const text = new TextDecoder("utf-8", { fatal: true });

/**
 * The state of an unpickling: bytes with a position, a stack with marks, and the memo.
 */
export class Unpickler {
  readonly names: PickleGlobals;
  readonly memo = new Map<number, unknown>();
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #position: number;
  readonly #stack: unknown[] = [];
  readonly #marks: number[] = [];

  constructor(bytes: Uint8Array, position: number, names: PickleGlobals) {
    this.names = names;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#position = position;
  }

  get position(): number {
    return this.#position;
  }

  refuse(what: string): never {
    throw new PickleError(`${what} (at byte ${this.#position} of the pickle)`);
  }

  /** The next bytes, not copied. */
  take(length: number): Uint8Array {
    const start = this.#position;
    if (!(length <= this.#bytes.byteLength - start)) {
      throw new PickleEndError(`a pickle that ends early (${length} bytes wanted at byte ${start})`);
    }
    this.#position += length;
    return this.#bytes.subarray(start, this.#position);
  }

  /** A little-endian number of 1, 2, 4 or 8 bytes without sign. */
  unsigned(width: 1 | 2 | 4 | 8): number {
    const at = this.#position;
    this.take(width);
    if (width === 1) return this.#view.getUint8(at);
    if (width === 2) return this.#view.getUint16(at, true);
    return width === 4 ? this.#view.getUint32(at, true) : Number(this.#view.getBigUint64(at, true));
  }

  signed(): number {
    this.take(4);
    return this.#view.getInt32(this.#position - 4, true);
  }

  double(): number {
    this.take(8);
    return this.#view.getFloat64(this.#position - 8);
  }

  text(length: number): string {
    const bytes = this.take(length);
    try {
      return text.decode(bytes);
    } catch {
      return this.refuse("text that is no UTF-8");
    }
  }

  /** Text up to the end of the line. */
  line(): string {
    const end = this.#bytes.indexOf(10, this.#position);
    const line = this.text((end < 0 ? this.#bytes.byteLength + 1 : end) - this.#position);
    this.take(1);
    return line;
  }

  push(value: unknown): void {
    this.#stack.push(value);
  }

  pop(): unknown {
    this.top();
    return this.#stack.pop();
  }

  top(): unknown {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) this.refuse("an operation without its operand");
    return this.#stack[this.#stack.length - 1];
  }

  mark(): void {
    this.#marks.push(this.#stack.length);
  }

  /** What was pushed since the last mark. */
  popToMark(): unknown[] {
    const mark = this.#marks.pop();
    if (mark === undefined) return this.refuse("an operation without its mark");
    return this.#stack.splice(mark);
  }
}
