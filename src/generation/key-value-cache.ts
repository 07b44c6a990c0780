import type { CacheSizes } from "../model/index.ts";
import type { HostTensor } from "../tensor/index.ts";

/** Makes a zeroed float32 buffer that programs read and write in place. */
export type Allocate = (dims: readonly number[]) => HostTensor<"float32">;

/** Capacities are multiples of this many positions. */
const step = 64;

/**
 * Keys and values of all tokens so far, a buffer [rows, keyValueHeads, capacity, headDim] for the keys and one
 * for the values of every layer. A program has these buffers as inputs and outputs at once, so decoding copies
 * nothing; the capacity grows in steps when a row needs it.
 */
export class KeyValueCache {
  readonly #sizes: CacheSizes;
  readonly #allocate: Allocate;
  #buffers: HostTensor<"float32">[] = [];
  #capacity = 0;
  #lengths: number[];

  /** Room for `rows` rows, all empty. */
  constructor(sizes: CacheSizes, rows: number, allocate: Allocate) {
    this.#sizes = sizes;
    this.#allocate = allocate;
    this.#lengths = new Array(rows).fill(0);
  }

  /** Tokens that each row holds. */
  get lengths(): readonly number[] {
    return this.#lengths;
  }

  get capacity(): number {
    return this.#capacity;
  }

  /** The buffers, keys and values in turn, layer by layer; another array whenever one of them is another. */
  get buffers(): readonly HostTensor<"float32">[] {
    return this.#buffers;
  }

  /** Makes room for so many positions a row; what is there stays. */
  reserve(positions: number): void {
    const { layers, keyValueHeads, headDim, maxPositions } = this.#sizes;
    if (positions <= this.#capacity) return;
    // Growing by half each time keeps the copying a small part of a long answer's work.
    const wanted = Math.max(positions, Math.min(maxPositions, Math.ceil(1.5 * this.#capacity)));
    const capacity = Math.ceil(wanted / step) * step;
    const old = this.#buffers;
    this.#buffers = Array.from({ length: 2 * layers }, () =>
      this.#allocate([this.#lengths.length, keyValueHeads, capacity, headDim]),
    );
    for (const [i, from] of old.entries()) {
      this.#copyRows(this.#lengths, from, this.#capacity, this.#buffers[i], capacity);
    }
    this.#capacity = capacity;
  }

  #copyRows(
    lengths: readonly number[],
    from: HostTensor<"float32">,
    fromCapacity: number,
    to: HostTensor<"float32">,
    capacity: number,
  ): void {
    const { keyValueHeads, headDim } = this.#sizes;
    for (const [row, length] of lengths.entries()) {
      for (let head = 0; head < keyValueHeads; head++) {
        const block = row * keyValueHeads + head;
        const start = block * fromCapacity * headDim;
        to.data.set(from.data.subarray(start, start + length * headDim), block * capacity * headDim);
      }
    }
  }

  /** Says how many tokens each row holds after a program has run (or that a row is cut to a beginning). */
  setLengths(lengths: readonly number[]): void {
    this.#lengths = [...lengths];
  }

  /** Row i becomes what row `sources[i]` was; there may be fewer rows than before. */
  select(sources: readonly number[]): void {
    const lengths = sources.map((source) => this.#lengths[source]);
    const moved = [...sources.entries()].filter(([row, source]) => row !== source);
    for (const buffer of this.#buffers) this.#moveRows(buffer, moved);
    if (sources.length < this.#lengths.length) {
      this.#buffers = this.#buffers.map((buffer) => firstRows(buffer, sources.length));
    }
    this.#lengths = lengths;
  }

  #moveRows(buffer: HostTensor<"float32">, moved: readonly (readonly [number, number])[]): void {
    const { keyValueHeads, headDim } = this.#sizes;
    const copies = new Map<number, Float32Array[]>();
    const blocks = (row: number, length: number): Float32Array[] =>
      Array.from({ length: keyValueHeads }, (_, head) => {
        const start = (row * keyValueHeads + head) * this.#capacity * headDim;
        return buffer.data.subarray(start, start + length * headDim);
      });
    for (const [, source] of moved) {
      if (!copies.has(source))
        copies.set(
          source,
          blocks(source, this.#lengths[source]).map((block) => block.slice()),
        );
    }
    for (const [row, source] of moved) {
      const targets = blocks(row, this.#lengths[source]);
      for (const [head, block] of copies.get(source)!.entries()) targets[head].set(block);
    }
  }

  /** A new cache of `rows` rows, each a copy of this one's first. */
  repeated(rows: number): KeyValueCache {
    const copy = new KeyValueCache(this.#sizes, rows, this.#allocate);
    copy.reserve(this.#capacity);
    const lengths = this.#lengths.slice(0, 1);
    for (const [i, from] of this.#buffers.entries()) {
      this.#copyRows(lengths, from, this.#capacity, copy.#buffers[i], copy.#capacity);
    }
    copy.setLengths([...lengths, ...new Array(rows - 1).fill(0)]);
    copy.select(new Array(rows).fill(0));
    return copy;
  }
}

function firstRows(buffer: HostTensor<"float32">, rows: number): HostTensor<"float32"> {
  const [all, ...rest] = buffer.dims;
  if (rows === all) return buffer;
  const width = rest.reduce((product, size) => product * size, 1);
  return { dtype: "float32", dims: [rows, ...rest], data: buffer.data.subarray(0, rows * width) };
}
