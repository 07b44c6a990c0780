import type { MergeTable } from "./merge-table.ts";

/**
 * Merges the tokens of a word. Entries of the queue are (rank, position, result): the lowest rank comes first, then what
 * stands leftmost. What was merged meanwhile makes entries stale: such an entry counts only where the two that now stand at its
 * position merge to its result (as in Hugging Face's tokenizers). Its arrays are used again from word to word.
 */
export class MergeQueue {
  #ranks = new Int32Array(64);
  #positions = new Int32Array(64);
  #results = new Int32Array(64);
  #length = 0;
  #ids = new Int32Array(64);
  #previous = new Int32Array(64);
  #next = new Int32Array(64);

  /** @param forbidden results that no merge may have */
  merge(ids: readonly number[], merges: MergeTable, forbidden: ReadonlySet<number>): number[] {
    const { length } = ids;
    this.#open(ids);
    const offer = (at: number): void => {
      const entry = merges.find(this.#ids[at], this.#ids[this.#next[at]]);
      if (entry < 0) return;
      const result = merges.result(entry);
      if (!forbidden.has(result)) this.#push(merges.rank(entry), at, result);
    };
    for (let at = 0; at + 1 < length; at++) offer(at);
    while (this.#length > 0) {
      const [at, result] = [this.#positions[0], this.#results[0]];
      this.#pop();
      if (this.#ids[at] < 0) continue;
      const right = this.#next[at];
      if (right >= length) continue;
      const entry = merges.find(this.#ids[at], this.#ids[right]);
      if (entry < 0 || merges.result(entry) !== result) continue;
      this.#ids[at] = result;
      this.#ids[right] = -1;
      const next = this.#next[right];
      this.#next[at] = next;
      if (next < length) this.#previous[next] = at;
      if (this.#previous[at] >= 0) offer(this.#previous[at]);
      if (next < length) offer(at);
    }
    const merged: number[] = [];
    for (let at = 0; at < length; at = this.#next[at]) merged.push(this.#ids[at]);
    return merged;
  }

  #open(ids: readonly number[]): void {
    const { length } = ids;
    if (length > this.#ids.length) {
      const size = 2 * length;
      this.#ids = new Int32Array(size);
      this.#previous = new Int32Array(size);
      this.#next = new Int32Array(size);
    }
    for (let at = 0; at < length; at++) {
      this.#ids[at] = ids[at];
      this.#previous[at] = at - 1;
      this.#next[at] = at + 1;
    }
    this.#length = 0;
  }

  #isBefore(a: number, b: number): boolean {
    const difference = this.#ranks[a] - this.#ranks[b];
    return difference < 0 || (difference === 0 && this.#positions[a] < this.#positions[b]);
  }

  #swap(a: number, b: number): void {
    for (const column of [this.#ranks, this.#positions, this.#results]) {
      const value = column[a];
      column[a] = column[b];
      column[b] = value;
    }
  }

  #push(rank: number, position: number, result: number): void {
    if (this.#length === this.#ranks.length) this.#grow();
    let at = this.#length++;
    this.#ranks[at] = rank;
    this.#positions[at] = position;
    this.#results[at] = result;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #pop(): void {
    const last = --this.#length;
    this.#swap(0, last);
    for (let at = 0; ; ) {
      let least = 2 * at + 1;
      if (least >= last) break;
      if (least + 1 < last && this.#isBefore(least + 1, least)) least++;
      if (!this.#isBefore(least, at)) break;
      this.#swap(at, least);
      at = least;
    }
  }

  #grow(): void {
    const larger = (column: Int32Array): Int32Array<ArrayBuffer> => {
      const copy = new Int32Array(2 * column.length);
      copy.set(column);
      return copy;
    };
    this.#ranks = larger(this.#ranks);
    this.#positions = larger(this.#positions);
    this.#results = larger(this.#results);
  }
}
