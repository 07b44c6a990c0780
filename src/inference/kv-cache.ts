import type { CacheSizes, KvCacheDtype } from "../model/index.ts";
import type { HostTensor } from "../tensor/index.ts";
import { type KeptPicture, type KeptRows, picturesBefore, picturesBytes } from "./kept-pictures.ts";

/** Keys or values, [rows, keyValueHeads, capacity, headDim]. */
export type CacheBuffer = HostTensor<KvCacheDtype>;

/** Allocates a zeroed buffer that programs read and write in place. */
export type Allocate = (dims: readonly number[]) => CacheBuffer;

/** Capacities are multiples of this many positions. */
const capacityStep = 64;

/** A row of a buffer. */
type CacheRow = readonly [buffer: CacheBuffer, row: number];

/**
 * Keys and values of all tokens so far, a buffer [rows, keyValueHeads, capacity, headDim] for the keys and one
 * for the values of every layer. A program has these buffers as inputs and outputs at once, so decoding copies
 * nothing; the capacity grows when a row needs it. Rows of bounded layers (`CacheSizes.bounded`) begin at a position of their
 * own, and drop the positions before a window when they are full.
 */
export class KvCache {
  readonly #sizes: CacheSizes;
  readonly #allocate: Allocate;
  readonly #bytesPerNumber: number;
  #buffers: CacheBuffer[] = [];
  #capacity = 0;
  #isWindow = false;
  #lengths: number[];
  /** The first position that each row's bounded layers hold; shared with windows of this cache. */
  #starts: Int32Array;
  /** The pictures beside the text of this cache's rows and of those that it is a window of; the first row that is its own. */
  #pictures: (readonly KeptPicture[])[];
  #firstRow = 0;

  /** Room for `rows` rows, all empty. */
  constructor(sizes: CacheSizes, rows: number, allocate: Allocate) {
    this.#sizes = sizes;
    this.#bytesPerNumber = allocate([0]).data.BYTES_PER_ELEMENT;
    this.#allocate = allocate;
    this.#lengths = new Array(rows).fill(0);
    this.#starts = new Int32Array(rows);
    this.#pictures = Array.from({ length: rows }, () => []);
  }

  /** The pictures beside each row's text, whose keys and values do not lie in the buffers. */
  get pictures(): KeptRows {
    return this.#pictures.slice(this.#firstRow, this.#firstRow + this.#lengths.length);
  }

  /** Replaces what a row has of pictures from a position on. */
  setPictures(row: number, from: number, pictures: readonly KeptPicture[]): void {
    const at = this.#firstRow + row;
    this.#pictures[at] = [...picturesBefore(this.#pictures[at], from), ...pictures];
  }

  /** Bytes of what a row has of pictures. */
  pictureBytes(row: number): number {
    return picturesBytes(this.#pictures[this.#firstRow + row]);
  }

  /** Tokens that each row holds. */
  get lengths(): readonly number[] {
    return this.#lengths;
  }

  get capacity(): number {
    return this.#capacity;
  }

  /** The first position that each row's bounded layers hold. */
  get starts(): readonly number[] {
    return [...this.#starts];
  }

  /** Bytes of the keys and values of so many positions of a row. */
  bytesFor(positions: number): number {
    const { layers, keyValueHeads, headDim, bounded } = this.#sizes;
    const few = bounded?.layers.filter(Boolean).length ?? 0;
    const rows = (layers - few) * positions + few * Math.min(positions, bounded?.capacity ?? 0);
    return 2 * keyValueHeads * headDim * this.#bytesPerNumber * rows;
  }

  #isBounded(buffer: number): boolean {
    return this.#sizes.bounded?.layers[Math.floor(buffer / 2)] ?? false;
  }

  /** How many of a row's first `positions` lie in a buffer, from its beginning on. */
  #held(buffer: number, row: number, positions: number): number {
    return this.#isBounded(buffer) ? positions - this.#starts[row] : positions;
  }

  /** The buffers, key and value of each layer; a new array whenever one of them was reallocated. */
  get buffers(): readonly CacheBuffer[] {
    return this.#buffers;
  }

  /** Makes room for so many positions a row; what is there stays. */
  reserve(positions: number): void {
    const { layers, keyValueHeads, headDim, maxPositions, bounded } = this.#sizes;
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
    this.#buffers = Array.from({ length: 2 * layers }, (_, i) => {
      const room = this.#isBounded(i) ? Math.min(capacity, bounded!.capacity) : capacity;
      return old[i]?.dims[2] === room
        ? old[i]
        : this.#allocate([this.#lengths.length, keyValueHeads, room, headDim]);
    });
    this.#capacity = capacity;
    for (const [i, from] of old.entries()) {
      if (from === this.#buffers[i]) continue;
      for (const [row, length] of this.#lengths.entries()) {
        this.#copyPositions([from, row], [this.#buffers[i], row], this.#held(i, row, length));
      }
    }
  }

  /**
   * Makes room for new tokens in every row, behind the first `lengths[row]` positions: the buffers grow, and bounded layers
   * drop what lies before their window.
   */
  makeRoom(lengths: readonly number[], tokens: number): void {
    const { bounded } = this.#sizes;
    this.reserve(Math.max(...lengths) + tokens);
    if (bounded === undefined) return;
    const room = Math.min(this.#capacity, bounded.capacity);
    for (const [row, length] of lengths.entries()) {
      if (length === 0) this.#starts[row] = 0;
      else if (length - this.#starts[row] + tokens > room)
        this.#dropBefore(row, length - bounded.kept, length);
    }
  }

  #dropBefore(row: number, start: number, length: number): void {
    const { keyValueHeads, headDim } = this.#sizes;
    const [from, to] = [start - this.#starts[row], length - this.#starts[row]];
    for (const [i, buffer] of this.#buffers.entries()) {
      if (!this.#isBounded(i)) continue;
      const capacity = buffer.dims[2];
      for (let head = 0; head < keyValueHeads; head++) {
        const first = (row * keyValueHeads + head) * capacity;
        buffer.data.copyWithin(first * headDim, (first + from) * headDim, (first + to) * headDim);
      }
    }
    this.#starts[row] = start;
  }

  /** Whether a row can go on behind its first `positions`, or one position before that. */
  holds(row: number, positions: number): boolean {
    const { bounded } = this.#sizes;
    return bounded === undefined || this.#starts[row] <= Math.max(0, positions - bounded.kept);
  }

  /** Copies the first positions of a row of `source`, which may be this cache, into a row of this one. */
  copyFrom(source: KvCache, sourceRow: number, row: number, positions: number): void {
    for (const [i, from] of source.#buffers.entries()) {
      this.#copyPositions([from, sourceRow], [this.#buffers[i], row], source.#held(i, sourceRow, positions));
    }
    this.#starts[row] = source.#starts[sourceRow];
    this.#lengths[row] = positions;
    this.#pictures[this.#firstRow + row] = picturesBefore(source.pictures[sourceRow], positions);
  }

  #copyPositions([from, fromRow]: CacheRow, [to, toRow]: CacheRow, positions: number): void {
    const { keyValueHeads, headDim } = this.#sizes;
    const [fromCapacity, toCapacity] = [from.dims[2], to.dims[2]];
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
    for (const [i, buffer] of this.#buffers.entries()) {
      this.#moveRows(buffer, moved, (row) => this.#held(i, row, this.#lengths[row]));
    }
    if (sources.length < this.#lengths.length) {
      this.#buffers = this.#buffers.map((buffer) => rowsFrom(buffer, 0, sources.length));
    }
    this.#starts = Int32Array.from(sources, (source) => this.#starts[source]);
    const { pictures } = this;
    this.#pictures = sources.map((source) => pictures[source]);
    this.#firstRow = 0;
    this.#lengths = lengths;
  }

  #moveRows(
    buffer: CacheBuffer,
    moved: readonly (readonly [number, number])[],
    heldBy: (row: number) => number,
  ): void {
    const { keyValueHeads, headDim } = this.#sizes;
    const capacity = buffer.dims[2];
    const copies = new Map<number, CacheBuffer["data"][]>();
    const blocks = (row: number, length: number): CacheBuffer["data"][] =>
      Array.from({ length: keyValueHeads }, (_, head) => {
        const start = (row * keyValueHeads + head) * capacity * headDim;
        return buffer.data.subarray(start, start + length * headDim);
      });
    for (const [, source] of moved) {
      if (!copies.has(source))
        copies.set(
          source,
          blocks(source, heldBy(source)).map((block) => block.slice()),
        );
    }
    for (const [row, source] of moved) {
      const targets = blocks(row, heldBy(source));
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
    window.#starts = this.#starts.subarray(first, first + rows);
    window.#pictures = this.#pictures;
    window.#firstRow = this.#firstRow + first;
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

function rowsFrom(buffer: CacheBuffer, first: number, rows: number): CacheBuffer {
  const [all, ...rest] = buffer.dims;
  if (rows === all) return buffer;
  const width = rest.reduce((product, size) => product * size, 1);
  const data = buffer.data.subarray(first * width, (first + rows) * width);
  return { dtype: buffer.dtype, dims: [rows, ...rest], data };
}
