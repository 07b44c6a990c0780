/** Where a row lies in its file. */
export interface RowPlace {
  /** The number of its line or item, from 1. */
  readonly line: number;
  /** Its first byte. */
  readonly start: number;
  /** How many bytes it has. */
  readonly length: number;
  /** A checksum of its text. */
  readonly sum: number;
}

/** Numbers of a place beside its start. */
const numbersEach = 3;

/** Where the rows of a file lie in it, 20 bytes a row. */
export class RowIndex {
  #length = 0;
  #starts: Float64Array;
  #numbers: Uint32Array;

  /** @param starts of rows that are known already, and their numbers: length, line and checksum of each */
  constructor(starts = new Float64Array(0), numbers = new Uint32Array(0)) {
    this.#starts = starts;
    this.#numbers = numbers;
    this.#length = starts.length;
  }

  get length(): number {
    return this.#length;
  }

  add({ line, start, length, sum }: RowPlace): void {
    if (this.#length === this.#starts.length) this.#grow();
    this.#starts[this.#length] = start;
    this.#numbers.set([length, line, sum], numbersEach * this.#length);
    this.#length++;
  }

  place(index: number): RowPlace {
    const at = numbersEach * index;
    const [length, line, sum] = this.#numbers.subarray(at, at + numbersEach);
    return { line, start: this.#starts[index], length, sum };
  }

  /** The starts of all rows, and their other numbers. */
  parts(): readonly [starts: Float64Array, numbers: Uint32Array] {
    return [this.#starts.subarray(0, this.#length), this.#numbers.subarray(0, numbersEach * this.#length)];
  }

  #grow(): void {
    const room = Math.max(1024, 2 * this.#length);
    const [starts, numbers] = [new Float64Array(room), new Uint32Array(numbersEach * room)];
    starts.set(this.#starts);
    numbers.set(this.#numbers);
    [this.#starts, this.#numbers] = [starts, numbers];
  }
}

/** 32 bits by which a changed text is told from the one before (FNV-1a over its UTF-16 units). */
export function textSum(text: string): number {
  let sum = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) sum = Math.imul(sum ^ text.charCodeAt(i), 0x01000193);
  return sum >>> 0;
}
