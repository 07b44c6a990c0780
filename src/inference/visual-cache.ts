/** What a cache has done so far, and what it holds now. */
export interface CacheStatistics {
  readonly hits: number;
  readonly misses: number;
  readonly entries: number;
  readonly bytes: number;
}

/** Visual tokens of pictures by their keys, bounded by bytes: what was not used for longest goes first. */
export class VisualCache {
  #limit: number;
  #hits = 0;
  #misses = 0;
  #bytes = 0;
  /** In the order of their last use. */
  readonly #entries = new Map<string, Float32Array>();

  /** @param limit bytes */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get statistics(): CacheStatistics {
    const { size: entries } = this.#entries;
    return { hits: this.#hits, misses: this.#misses, entries, bytes: this.#bytes };
  }

  /** The tokens of a picture, if they are kept; counts as a hit or a miss. */
  find(key: string): Float32Array | undefined {
    const tokens = this.#entries.get(key);
    if (tokens === undefined) {
      this.#misses++;
      return undefined;
    }
    this.#hits++;
    this.#entries.delete(key);
    this.#entries.set(key, tokens);
    return tokens;
  }

  keep(key: string, tokens: Float32Array): void {
    this.#forget(key);
    this.#entries.set(key, tokens);
    this.#bytes += tokens.byteLength;
    this.bound(this.#limit);
  }

  /** Holds no more than so many bytes from now on. */
  bound(limit: number): void {
    this.#limit = limit;
    for (const key of this.#entries.keys()) {
      if (this.#bytes <= limit) break;
      this.#forget(key);
    }
  }

  clear(): void {
    for (const key of this.#entries.keys()) this.#forget(key);
  }

  #forget(key: string): void {
    this.#bytes -= this.#entries.get(key)?.byteLength ?? 0;
    this.#entries.delete(key);
  }
}
