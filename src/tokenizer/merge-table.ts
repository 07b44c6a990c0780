/** Of pairs of tokens the rank of their merge and the token that it gives: a hash table in flat arrays. */
export class MergeTable {
  readonly #mask: number;
  /** left + 1, right, rank, result of each slot; left + 1 = 0: free. */
  readonly #slots: Int32Array;

  /** @param most how many pairs it will hold */
  constructor(most: number) {
    let size = 16;
    while (size < 2 * most) size *= 2;
    this.#mask = size - 1;
    this.#slots = new Int32Array(4 * size);
  }

  /** A pair that is set twice has what was set last. */
  set(left: number, right: number, rank: number, result: number): void {
    const at = this.#slot(left, right);
    this.#slots[at] = left + 1;
    this.#slots[at + 1] = right;
    this.#slots[at + 2] = rank;
    this.#slots[at + 3] = result;
  }

  /** Where a pair's entry lies; −1 where there is none. */
  find(left: number, right: number): number {
    const at = this.#slot(left, right);
    return this.#slots[at] === 0 ? -1 : at;
  }

  rank(entry: number): number {
    return this.#slots[entry + 2];
  }

  result(entry: number): number {
    return this.#slots[entry + 3];
  }

  #slot(left: number, right: number): number {
    const slots = this.#slots;
    let hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    hash ^= hash >>> 15;
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const at = 4 * slot;
      if (slots[at] === 0 || (slots[at] === left + 1 && slots[at + 1] === right)) return at;
    }
  }
}
