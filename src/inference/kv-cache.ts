import type { CacheSizes } from "../model/index.ts";
import type { HostTensor } from "../tensor/index.ts";

/** Allocates a zeroed float32 buffer that programs read and write in place. */
export type Allocate = (dims: readonly number[]) => HostTensor<"float32">;

/** Capacities are multiples of this many positions. */
const capacityStep = 64;

/** A row of a buffer, whose rows have room for `capacity` positions. */
type CacheRow = readonly [buffer: HostTensor<"float32">, capacity: number, row: number];

/**
 * Keys and values of all tokens so far, a buffer [rows, keyValueHeads, capacity, headDim] for the keys and one
 * for the values of every layer. A program has these buffers as inputs and outputs at once, so decoding copies
 * nothing; the capacity grows when a row needs it.
 */
export class KvCache {
  readonly #sizes: CacheSizes;
  readonly #allocate: Allocate;
  #buffers: HostTensor<"float32">[] = [];
  #capacity = 0;
  #isWindow = false;
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

  /** Bytes of the keys and values of one position. */
  get bytesPerPosition(): number {
    const { layers, keyValueHeads, headDim } = this.#sizes;
    return 2 * layers * keyValueHeads * headDim * Float32Array.BYTES_PER_ELEMENT;
  }

  /** The buffers, key and value of each layer; a new array whenever one of them was reallocated. */
  get buffers(): readonly HostTensor<"float32">[] {
    return this.#buffers;
  }

  /** Makes room for so many positions a row; what is there stays. */
  reserve(positions: number): void {
    const { layers, keyValueHeads, headDim, maxPositions } = this.#sizes;
    if (positions <= this.#capacity) return;
    if (this.#isWindow) {
      throw new RangeError(
        `KV cache: a window's rows must have room for ${positions} positions, got ${this.#capacity}; grow the whole cache`,
      );
    }
    // Growing by half each time keeps the copying a small part of a long answer's work.
    const wanted = Math.max(positions, Math.min(maxPositions, Math.ceil(1.5 * this.#capacity)));
    const capacity = Math.ceil(wanted / capacityStep) * capacityStep;
    const old = this.#buffers;
    this.#buffers = Array.from({ length: 2 * layers }, () =>
      this.#allocate([this.#lengths.length, keyValueHeads, capacity, headDim]),
    );
    const before = this.#capacity;
    this.#capacity = capacity;
    for (const [i, from] of old.entries()) {
      for (const [row, length] of this.#lengths.entries()) {
        this.#copyPositions([from, before, row], [this.#buffers[i], capacity, row], length);
      }
    }
  }

  /** Copies the first positions of a row of `source`, which may be this cache, into a row of this one. */
  copyFrom(source: KvCache, sourceRow: number, row: number, positions: number): void {
    for (const [i, from] of source.#buffers.entries()) {
      const to = this.#buffers[i];
      this.#copyPositions([from, source.#capacity, sourceRow], [to, this.#capacity, row], positions);
    }
    this.#lengths[row] = positions;
  }

  #copyPositions(
    [from, fromCapacity, fromRow]: CacheRow,
    [to, toCapacity, toRow]: CacheRow,
    positions: number,
  ): void {
    const { keyValueHeads, headDim } = this.#sizes;
    for (let head = 0; head < keyValueHeads; head++) {
      const start = (fromRow * keyValueHeads + head) * fromCapacity * headDim;
      const block = from.data.subarray(start, start + positions * headDim);
      to.data.set(block, (toRow * keyValueHeads + head) * toCapacity * headDim);
    }
  }

  /** Sets how many tokens each row holds, after a program has run or where a row is cut to a prefix. */
  setLengths(lengths: readonly number[]): void {
    this.#lengths = [...lengths];
  }

  /** Reorders the rows: row i becomes what row `sources[i]` was. There may be fewer rows than before. */
  reorder(sources: readonly number[]): void {
    const lengths = sources.map((source) => this.#lengths[source]);
    const moved = [...sources.entries()].filter(([row, source]) => row !== source);
    for (const buffer of this.#buffers) this.#moveRows(buffer, moved);
    if (sources.length < this.#lengths.length) {
      this.#buffers = this.#buffers.map((buffer) => rowsFrom(buffer, 0, sources.length));
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

  /** The rows from `first` on as a cache over the same memory, with lengths of its own. It cannot grow. */
  window(first: number, rows: number): KvCache {
    const window = new KvCache(this.#sizes, rows, this.#allocate);
    window.#isWindow = true;
    window.#buffers = this.#buffers.map((buffer) => rowsFrom(buffer, first, rows));
    window.#capacity = this.#capacity;
    window.#lengths = this.#lengths.slice(first, first + rows);
    return window;
  }

  /** A new cache of `rows` rows, each a copy of this one's first. */
  repeat(rows: number): KvCache {
    const copy = new KvCache(this.#sizes, rows, this.#allocate);
    copy.reserve(this.#capacity);
    for (let row = 0; row < rows; row++) copy.copyFrom(this, 0, row, this.#lengths[0]);
    return copy;
  }
}

function rowsFrom(buffer: HostTensor<"float32">, first: number, rows: number): HostTensor<"float32"> {
  const [all, ...rest] = buffer.dims;
  if (rows === all) return buffer;
  const width = rest.reduce((product, size) => product * size, 1);
  const data = buffer.data.subarray(first * width, (first + rows) * width);
  return { dtype: "float32", dims: [rows, ...rest], data };
}
