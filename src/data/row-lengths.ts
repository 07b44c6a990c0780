/** How many tokens each row of a file has, 4 bytes a row. */
export class RowLengths {
  #length = 0;
  #tokens: Uint32Array;

  /** @param tokens of rows that are known already */
  constructor(tokens = new Uint32Array(0)) {
    this.#tokens = tokens;
    this.#length = tokens.length;
  }

  get length(): number {
    return this.#length;
  }

  add(tokens: number): void {
    if (this.#length === this.#tokens.length) {
      const room = new Uint32Array(Math.max(1024, 2 * this.#length));
      room.set(this.#tokens);
      this.#tokens = room;
    }
    this.#tokens[this.#length++] = tokens;
  }

  /** @throws RangeError where there is no such row */
  of(row: number): number {
    if (row < this.#length) return this.#tokens[row];
    throw new RangeError(`row ${row}: must be one of ${this.#length} whose tokens were counted`);
  }

  /** Of all rows. */
  all(): Uint32Array {
    return this.#tokens.subarray(0, this.#length);
  }
}
